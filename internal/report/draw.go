package report

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/plan"
)

// fate is what became of a thing in the drawing.
type fate struct{ class, words string }

var (
	moved = fate{"moved", "moved"}
	again = fate{"again", "made again"}
	stays = fate{"stay", "stays"}
)

// thing is a box of the drawing.
type thing struct {
	name, kind string
	fate
}

// things are what the drawing shows, at the target and at the source.
func (d *Data) things() (target, source []thing) {
	seen := map[string]bool{}
	for _, s := range d.Steps {
		at := s.ID[strings.LastIndexByte(s.ID, '/')+1:]
		if seen[s.Action+at] {
			continue
		}
		seen[s.Action+at] = true
		switch s.Action {
		case plan.RestoreCompute:
			target = append(target, thing{at, "compute", again})
		case plan.RestoreEndpoint:
			target = append(target, thing{at, "endpoint", again})
		case plan.RestorePrivateEndpoint:
			source = append(source, thing{at, "private endpoint", stays})
		}
	}
	for _, id := range d.IDs {
		parsed, err := arm.Parse(id.Was)
		if err == nil && parsed.TopLevel() && !strings.EqualFold(id.Was, d.From) {
			target = append([]thing{{parsed.Name(), kindWords(parsed), moved}}, target...)
		}
	}
	for _, id := range d.stayed() {
		source = append([]thing{{id.Name(), kindWords(id), stays}}, source...)
	}
	return target, source
}

// kindWords names a resource in everyday words.
func kindWords(id arm.ID) string {
	words := map[string]string{"microsoft.storage/storageaccounts": "storage account", "microsoft.keyvault/vaults": "key vault", "microsoft.insights/components": "application insights",
		"microsoft.containerregistry/registries": "container registry"}
	if word := words[id.Type().Key()]; word != "" {
		return word
	}
	return id.Type().Path()
}

// stayed are the associated resources that did not move along.
func (d *Data) stayed() []arm.ID {
	var ids []arm.ID
	for _, text := range d.Accounts {
		id, err := arm.Parse(text)
		if err == nil && !slices.ContainsFunc(d.IDs, func(r Renamed) bool { return strings.EqualFold(r.Was, text) }) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Measures of the drawing, in pixels.
const (
	mapWidth, boxWidth, boxHeight, gap = 1070, 232, 40, 10
	most                               = 12 // boxes on a side; more are counted
)

// drawMap draws both ends: what is where, what moved, what was made again, what stays.
func drawMap(d *Data) string {
	target, source := d.things()
	rows := max((min(len(target), most)+1)/2, (min(len(source), most)+1)/2, 1)
	height := 96 + (rows+1)*(boxHeight+gap) + 24
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="what is where after the move">`, mapWidth, height)
	b.WriteString(`<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="6" refY="4" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="var(--moved)"/></marker></defs>`)
	drawSide(&b, 4, "Source", d.From, height)
	drawSide(&b, 556, "Target", d.To, height)
	home, left := 556+20, 4+20
	if !d.Moved {
		home = 4 + 20
	}
	drawBox(&b, home, 72, 2*boxWidth+gap, thing{short(d.From), "workspace", moved})
	if d.Moved {
		fmt.Fprintf(&b, `<rect x="%d" y="72" width="%d" height="%d" rx="6" fill="none" stroke="var(--stay)" stroke-dasharray="5 4"/><text class="soft" x="%d" y="97">%s was here</text>`, left, 2*boxWidth+gap, boxHeight, left+14, html.EscapeString(short(d.From)))
		fmt.Fprintf(&b, `<line x1="%d" y1="92" x2="%d" y2="92" stroke="var(--moved)" stroke-width="2" marker-end="url(#tip)"/>`, left+2*boxWidth+gap+4, home-6)
	}
	drawThings(&b, left, source)
	drawThings(&b, 556+20, target)
	fmt.Fprintf(&b, `<text class="soft" x="8" y="%d"><tspan fill="var(--moved)">■</tspan> moved  <tspan fill="var(--again)">■</tspan> made again  <tspan fill="var(--stay)">■</tspan> stays</text></svg>`, height-6)
	return b.String()
}

func drawSide(b *strings.Builder, x int, title, id string, height int) {
	parsed, err := arm.Parse(id)
	place := id
	if err == nil {
		place = parsed.Group() + " in " + parsed.Subscription()
	}
	fmt.Fprintf(b, `<rect x="%d" y="4" width="510" height="%d" rx="10" fill="none" stroke="var(--line)" stroke-width="2"/><text x="%d" y="30" style="font-weight:600;font-size:14px">%s</text><text class="soft" x="%d" y="50">%s</text>`,
		x, height-32, x+20, title, x+20, html.EscapeString(place))
}

func drawThings(b *strings.Builder, x int, things []thing) {
	for i, t := range things {
		if i == most-1 && len(things) > most {
			t = thing{fmt.Sprintf("and %d more", len(things)-most+1), "", stays}
		}
		if i >= most {
			return
		}
		drawBox(b, x+i%2*(boxWidth+gap), 72+(boxHeight+gap)*(1+i/2), boxWidth, t)
	}
}

func drawBox(b *strings.Builder, x, y, width int, t thing) {
	fmt.Fprintf(b, `<g><title>%s: %s %s</title><rect x="%d" y="%d" width="%d" height="%d" rx="6" fill="var(--panel)" stroke="var(--%s)" stroke-width="1.5"/><text x="%d" y="%d" style="font-weight:600">%s</text><text class="soft" x="%d" y="%d">%s, %s</text></g>`,
		html.EscapeString(t.name), html.EscapeString(t.kind), t.words, x, y, width, boxHeight, t.class, x+12, y+17, html.EscapeString(clip(t.name, width/8)), x+12, y+32, html.EscapeString(t.kind), t.words)
}

// clip shortens a name to what fits.
func clip(text string, width int) string {
	if runes := []rune(text); len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return text
}

// Measures of the timeline.
const (
	laneLeft, laneWidth = 90, 970
	barHeight, barGap   = 5, 1
	lanesMost           = 60 // bars in the lane of a phase; more share the last lines
)

// drawTimeline draws when each step ran, by phase.
func drawTimeline(d *Data) string {
	begin, end := d.span()
	if !end.After(begin) {
		return `<p class="sub">nothing was begun</p>`
	}
	scale := float64(laneWidth) / float64(end.Sub(begin))
	var bars strings.Builder
	y := 24
	for _, phase := range d.phases() {
		top, lane := y, 0
		for _, s := range phase.Steps {
			if s.Began.IsZero() {
				continue
			}
			x := float64(laneLeft) + float64(s.Began.Sub(begin))*scale
			width := max(2, float64(s.Ended.Sub(s.Began))*scale)
			colour := map[string]string{"failed": "bad", "waiting": "fair", "done": "again", "there": "stay"}[s.State]
			if colour == "" {
				colour = "stay"
			}
			fmt.Fprintf(&bars, `<rect x="%.1f" y="%d" width="%.1f" height="%d" rx="1.5" fill="var(--%s)"><title>%s (%s, %s)</title></rect>`, x, top+min(lane, lanesMost)*(barHeight+barGap), width, barHeight, colour,
				html.EscapeString(s.What), stateWords(s), tookWords(s))
			lane++
		}
		if lane == 0 {
			continue
		}
		fmt.Fprintf(&bars, `<text x="0" y="%d">%s</text>`, top+9, phase.Phase)
		y = top + max(min(lane, lanesMost+1)*(barHeight+barGap), 14) + 8
		fmt.Fprintf(&bars, `<line x1="0" x2="%d" y1="%d" y2="%d" stroke="var(--line)"/>`, laneLeft+laneWidth, y-5, y-5)
	}
	return fmt.Sprintf(`<svg viewBox="0 0 %d %d" role="img" aria-label="when each step ran">%s%s</svg>`, laneLeft+laneWidth+10, y+4, axis(begin, end, scale, y), bars.String())
}

// axis marks a few instants.
func axis(begin, end time.Time, scale float64, height int) string {
	var b strings.Builder
	for i := range 6 {
		at := end.Sub(begin) * time.Duration(i) / 5
		x := float64(laneLeft) + float64(at)*scale
		anchor := map[int]string{0: "start", 5: "end"}[i]
		if anchor == "" {
			anchor = "middle"
		}
		fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="16" y2="%d" stroke="var(--line)" stroke-dasharray="2 4"/><text class="soft" x="%.1f" y="11" text-anchor="%s">%s</text>`, x, x, height, x, anchor, at.Round(time.Second/10))
	}
	return b.String()
}

// span is from the first begin to the last end.
func (d *Data) span() (begin, end time.Time) {
	for _, s := range d.Steps {
		if s.Began.IsZero() {
			continue
		}
		if begin.IsZero() || s.Began.Before(begin) {
			begin = s.Began
		}
		if s.Ended.After(end) {
			end = s.Ended
		}
	}
	return begin, end
}
