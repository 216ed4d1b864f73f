package report

import (
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/plan"
)

// fate is what became of a thing in the drawing.
type fate struct{ class, words string }

var (
	moved   = fate{"moved", "moved"}
	again   = fate{"again", "made again"}
	stays   = fate{"stay", "stays"}
	waits   = fate{"fair", "waits for approval"}
	removed = fate{"bad", "removed"}
	absent  = fate{"bad", "not made again"}
)

// thing is a box of the drawing.
type thing struct {
	name, kind string
	fate
}

// things are what the drawing shows, at the target and at the source.
func (d *Data) things() (target, source []thing) {
	for _, text := range d.Accounts {
		id, err := arm.Parse(text)
		if err != nil {
			continue
		}
		if d.Moved && slices.ContainsFunc(d.IDs, func(r Renamed) bool { return strings.EqualFold(r.Was, text) }) {
			target = append(target, thing{id.Name(), kindWords(id), moved})
		} else {
			source = append(source, thing{id.Name(), kindWords(id), stays})
		}
	}
	words := map[string]string{plan.RemoveCompute: "compute", plan.RestoreCompute: "compute", plan.RemoveEndpoint: "endpoint", plan.RestoreEndpoint: "endpoint", plan.RestorePrivateEndpoint: "private endpoint"}
	seen := map[string]bool{}
	for _, s := range d.Steps {
		name, kind := s.ID[strings.LastIndexByte(s.ID, '/')+1:], words[s.Action]
		if kind == "" || d.Moved == (s.Phase == plan.Clear) || seen[s.Action+name] {
			continue
		}
		seen[s.Action+name] = true
		t := thing{name, kind, fateOf(s, d.Moved)}
		if kind != "private endpoint" && d.Moved {
			target = append(target, t)
		} else {
			source = append(source, t)
		}
	}
	return target, source
}

// fateOf is what became of the subject of a step that removes it, or makes it again.
func fateOf(s Step, hasMoved bool) fate {
	well := s.State == "done" || s.State == "there"
	switch {
	case !hasMoved && well && !s.Back && s.Phase == plan.Clear:
		return removed
	case !hasMoved:
		return stays
	case well && s.Action == plan.RestorePrivateEndpoint:
		return fate{"again", "connected again"}
	case well:
		return again
	case s.Action == plan.RestorePrivateEndpoint:
		return waits
	}
	return absent
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
	here := stays
	if d.Moved {
		here = moved
	}
	drawBox(&b, home, 72, 2*boxWidth+gap, thing{short(d.From), "workspace", here})
	if d.Moved {
		fmt.Fprintf(&b, `<rect x="%d" y="72" width="%d" height="%d" rx="6" fill="none" stroke="var(--stay)" stroke-dasharray="5 4"/><text class="soft" x="%d" y="97">%s was here</text>`, left, 2*boxWidth+gap, boxHeight, left+14, escape(short(d.From)))
		fmt.Fprintf(&b, `<line x1="%d" y1="92" x2="%d" y2="92" stroke="var(--moved)" stroke-width="2" marker-end="url(#tip)"/>`, left+2*boxWidth+gap+4, home-6)
	}
	drawThings(&b, left, source)
	drawThings(&b, 556+20, target)
	fmt.Fprintf(&b, `<text class="soft" x="8" y="%d"><tspan class="moved">■</tspan> moved &#160; <tspan class="again">■</tspan> made again &#160; <tspan class="stay">■</tspan> stays &#160; <tspan class="fair">■</tspan> waits for a person &#160; <tspan class="bad">■</tspan> not there</text></svg>`, height-6)
	return b.String()
}

func drawSide(b *strings.Builder, x int, title, id string, height int) {
	parsed, err := arm.Parse(id)
	place := id
	if err == nil {
		place = parsed.Group() + " in " + parsed.Subscription()
	}
	fmt.Fprintf(b, `<rect x="%d" y="4" width="510" height="%d" rx="10" fill="none" stroke="var(--line)" stroke-width="2"/><text x="%d" y="30" style="font-weight:600;font-size:14px">%s</text><text class="soft" x="%d" y="50">%s</text>`,
		x, height-32, x+20, title, x+20, escape(place))
}

func drawThings(b *strings.Builder, x int, things []thing) {
	for i, t := range things {
		if i == most-1 && len(things) > most {
			t = thing{fmt.Sprintf("and %d more", len(things)-most+1), "the steps below name all", fate{class: "stay"}}
		}
		if i >= most {
			return
		}
		drawBox(b, x+i%2*(boxWidth+gap), 72+(boxHeight+gap)*(1+i/2), boxWidth, t)
	}
}

func drawBox(b *strings.Builder, x, y, width int, t thing) {
	below := t.kind
	if t.words != "" {
		below += ", " + t.words
	}
	fmt.Fprintf(b, `<g><title>%s: %s</title><rect x="%d" y="%d" width="%d" height="%d" rx="6" fill="var(--panel)" stroke="var(--%s)" stroke-width="1.5"/><text x="%d" y="%d" style="font-weight:600">%s</text><text class="soft" x="%d" y="%d">%s</text></g>`,
		escape(t.name), escape(below), x, y, width, boxHeight, t.class, x+12, y+17, escape(clip(t.name, width/8)), x+12, y+32, escape(below))
}

// clip shortens a name to what fits.
func clip(text string, width int) string {
	if runes := []rune(text); len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return text
}

// escape makes a text fit for XML: characters that XML does not have are left out.
func escape(text string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0xFFFE || r == 0xFFFF || r >= 0xD800 && r < 0xE000 {
			return -1
		}
		return r
	}, text))
}
