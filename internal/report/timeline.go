package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/plan"
)

// Measures of the timeline.
const (
	laneLeft, laneWidth = 90, 970
	barHeight, barGap   = 5, 1
	lanesMost           = 60 // lines of a phase; what does not find a free one among them shares the last
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
	window := d.moveBand(begin, scale)
	for _, phase := range d.phases() {
		top, taken := y, lanes{}
		for _, s := range begun(phase.Steps) {
			x := float64(laneLeft) + float64(s.Began.Sub(begin))*scale
			width := max(2, float64(s.Ended.Sub(s.Began))*scale)
			fmt.Fprintf(&bars, `<rect x="%.1f" y="%d" width="%.1f" height="%d" rx="1.5" class="%s"><title>%s (%s, %s)</title></rect>`, x, top+taken.place(s)*(barHeight+barGap), width, barHeight, barClass(s),
				escape(s.What), escape(stateWords(s)), tookWords(s))
		}
		if len(taken) == 0 {
			continue
		}
		fmt.Fprintf(&bars, `<text x="0" y="%d">%s</text>`, top+9, phase.Phase)
		y = top + max(len(taken)*(barHeight+barGap), 14) + 8
		fmt.Fprintf(&bars, `<line x1="0" x2="%d" y1="%d" y2="%d" stroke="var(--line)"/>`, laneLeft+laneWidth, y-5, y-5)
	}
	if window != "" {
		window = fmt.Sprintf(window, y-20)
	}
	legend := fmt.Sprintf(`<text class="soft" x="%d" y="%d"><tspan class="again">■</tspan> done &#160; <tspan class="stay">■</tspan> nothing to do &#160; <tspan class="fair">■</tspan> waits &#160; <tspan class="bad">■</tspan> failed &#160; `+
		`<tspan class="moved">■</tspan> the workspace is away</text>`, laneLeft, y+14)
	return fmt.Sprintf(`<svg viewBox="0 0 %d %d" role="img" aria-label="when each step ran">%s%s%s%s</svg>`, laneLeft+laneWidth+10, y+22, window, axis(begin, end, scale, y), bars.String(), legend)
}

// begun are the steps that were begun, by time; what failed comes last, so that nothing is drawn over it.
func begun(steps []Step) []Step {
	some := slices.DeleteFunc(slices.Clone(steps), func(s Step) bool { return s.Began.IsZero() })
	slices.SortStableFunc(some, func(a, b Step) int {
		if failed := (a.State == "failed"); failed != (b.State == "failed") {
			return map[bool]int{true: 1, false: -1}[failed]
		}
		return a.Began.Compare(b.Began)
	})
	return some
}

// lanes are the lines of a phase, each with the end of the last bar in it.
type lanes []time.Time

// place finds the line of a step: the first in which nothing runs any more.
func (l *lanes) place(s Step) int {
	for i, free := range *l {
		if !s.Began.Before(free) {
			(*l)[i] = s.Ended
			return i
		}
	}
	if len(*l) == lanesMost {
		return lanesMost - 1
	}
	*l = append(*l, s.Ended)
	return len(*l) - 1
}

// barClass colours a bar.
func barClass(s Step) string {
	switch {
	case s.Action == plan.MoveResources && s.State == "done":
		return "moved"
	case s.Back:
		return "fair"
	}
	if class := map[string]string{"failed": "bad", "waiting": "fair", "running": "fair", "interrupted": "fair", "done": "again"}[s.State]; class != "" {
		return class
	}
	return "stay"
}

// moveBand shades the time in which the workspace is away, behind all bars; its height is filled in later.
func (d *Data) moveBand(begin time.Time, scale float64) string {
	for _, s := range d.Steps {
		if s.Action == plan.MoveResources && !s.Began.IsZero() && s.Ended.After(s.Began) {
			return fmt.Sprintf(`<rect x="%.1f" y="18" width="%.1f" height="%%d" class="band"/>`, float64(laneLeft)+float64(s.Began.Sub(begin))*scale, max(2, float64(s.Ended.Sub(s.Began))*scale))
		}
	}
	return ""
}

// axis marks a few instants.
func axis(begin, end time.Time, scale float64, height int) string {
	var b strings.Builder
	unit := time.Second / 10
	if end.Sub(begin) < 10*unit { // so fine that no two instants have the same words
		unit = time.Millisecond
	}
	for i := range 6 {
		at := end.Sub(begin) * time.Duration(i) / 5
		x := float64(laneLeft) + float64(at)*scale
		anchor := map[int]string{0: "start", 5: "end"}[i]
		if anchor == "" {
			anchor = "middle"
		}
		fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="16" y2="%d" stroke="var(--line)" stroke-dasharray="2 4"/><text class="soft" x="%.1f" y="11" text-anchor="%s">%s</text>`, x, x, height, x, anchor, at.Round(unit))
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
