package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/plan"
)

// progress shows a run while it goes on: on a terminal a block of lines that is drawn again and again, elsewhere one line for each step that ended.
type progress struct {
	to       io.Writer
	terminal bool

	mutex  sync.Mutex
	plan   *plan.Plan
	began  time.Time
	states map[string]mover.StepState // of steps, in the direction in which the run goes
	back   bool
	active map[string]activity
	drawn  int // lines of the block that stand on the terminal
	stop   chan struct{}
	ended  chan struct{}
}

// activity is what a step does right now.
type activity struct {
	step  plan.Step
	since time.Time
	text  string
}

func newProgress(to io.Writer) *progress {
	return &progress{to: to, terminal: isTerminal(to), states: map[string]mover.StepState{}, active: map[string]activity{}, stop: make(chan struct{}), ended: make(chan struct{})}
}

// begin starts to show the run of a plan.
func (v *progress) begin(p *plan.Plan) {
	v.mutex.Lock()
	v.plan, v.began = p, time.Now()
	v.mutex.Unlock()
	go func() {
		defer close(v.ended)
		if !v.terminal {
			<-v.stop
			return
		}
		ticker := time.NewTicker(paceTerminal)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				v.draw()
			case <-v.stop:
				v.draw()
				return
			}
		}
	}()
}

// end stops showing.
func (v *progress) end() {
	close(v.stop)
	<-v.ended
}

// hear takes an event of the run.
func (v *progress) hear(e mover.Event) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if e.Back && !v.back { // the run has turned round
		v.back, v.states, v.active = true, map[string]mover.StepState{}, map[string]activity{}
	}
	if e.Progress != nil {
		a := v.active[e.Step.ID]
		a.step, a.text = e.Step, e.Progress.Text
		if e.Progress.Of > 0 {
			a.text = strings.TrimSpace(fmt.Sprintf("%d of %d %s", e.Progress.Count, e.Progress.Of, e.Progress.Text))
		}
		v.active[e.Step.ID] = a
		return
	}
	v.states[e.Step.ID] = e.State
	if e.State == mover.StepRunning {
		v.active[e.Step.ID] = activity{step: e.Step, since: e.At}
		return
	}
	since := v.active[e.Step.ID].since
	delete(v.active, e.Step.ID)
	if !v.terminal {
		v.line(e, since)
	}
}

// line prints the end of a step.
func (v *progress) line(e mover.Event, since time.Time) {
	took := ""
	if !since.IsZero() {
		took = fmt.Sprintf(" (%s)", e.At.Sub(since).Round(100*time.Millisecond))
	}
	what := e.Step.What
	if e.Back {
		what = "take back: " + what
	}
	_, _ = fmt.Fprintf(v.to, "%s  %-8s %-7s %s%s\n", e.At.Format("15:04:05"), e.Step.Phase, e.State, arm.Printable(what), took)
	if e.Reason != "" {
		_, _ = fmt.Fprintf(v.to, "          %s\n", arm.Printable(e.Reason))
	}
}

// shownActive is how many steps at work are shown at once.
const shownActive = 5

// draw draws the block: a line for each phase, then what is at work.
func (v *progress) draw() {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	var lines []string
	total, done := 0, 0
	for _, phase := range plan.Phases() {
		line, all, ended := v.phase(phase)
		total, done = total+all, done+ended
		if all > 0 {
			lines = append(lines, line)
		}
	}
	elapsed := time.Since(v.began).Round(time.Second)
	lines = append(lines, fmt.Sprintf("%d of %d steps in %s%s", done, total, elapsed, v.rest(done, total, elapsed)))
	lines = append(lines, v.atWork()...)
	var b strings.Builder
	b.WriteString("\x1b[?7l") // a line that is longer than the terminal is broad is cut: broken, it would be two, and the block would not be drawn over itself
	if v.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", v.drawn)
	}
	for _, line := range lines {
		b.WriteString("\r\x1b[K" + line + "\n")
	}
	for range v.drawn - len(lines) {
		b.WriteString("\x1b[K\n")
	}
	b.WriteString("\x1b[?7h")
	v.drawn = max(v.drawn, len(lines))
	_, _ = io.WriteString(v.to, b.String())
}

// barWidth is the width of a phase's bar, in characters.
const barWidth = 24

// phase is the line of a phase, with how many steps it has and how many of them ended.
func (v *progress) phase(phase plan.Phase) (line string, all, ended int) {
	failed, waiting := 0, 0
	for _, s := range v.plan.Steps {
		if s.Phase != phase {
			continue
		}
		all++
		switch v.states[s.ID] {
		case mover.StepDone, mover.StepThere:
			ended++
		case mover.StepFailed:
			ended++
			failed++
		case mover.StepWaiting:
			waiting++
		}
	}
	if all == 0 {
		return "", 0, 0
	}
	filled := ended * barWidth / all
	note := ""
	if failed > 0 {
		note += fmt.Sprintf("  \x1b[31m%d failed\x1b[0m", failed)
	}
	if waiting > 0 {
		note += fmt.Sprintf("  \x1b[33m%d waiting\x1b[0m", waiting)
	}
	return fmt.Sprintf("%-9s\x1b[32m%s\x1b[2m%s\x1b[0m %4d/%d%s", phase, strings.Repeat("━", filled), strings.Repeat("─", barWidth-filled), ended, all, note), all, ended
}

// rest estimates what is left, by the plan while nothing better is known.
func (v *progress) rest(done, total int, elapsed time.Duration) string {
	if v.back || done == 0 || done == total {
		return ""
	}
	left := time.Duration(float64(elapsed) / float64(done) * float64(total-done))
	return fmt.Sprintf(", about %s left (the plan said %s in all)", left.Round(time.Second), v.plan.Takes)
}

// atWork are the lines of the steps that are at work, longest first.
func (v *progress) atWork() []string {
	var all []activity
	for _, a := range v.active {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b activity) int { return cmp.Or(a.since.Compare(b.since), cmp.Compare(a.step.ID, b.step.ID)) })
	var lines []string
	for i, a := range all {
		if i == shownActive {
			lines = append(lines, fmt.Sprintf("  … and %d more", len(all)-shownActive))
			break
		}
		text := a.step.What
		if v.back {
			text = "take back: " + text
		}
		if a.text != "" {
			text += ": " + a.text
		}
		lines = append(lines, "  "+clip(arm.Printable(text), 100))
	}
	return lines
}

// clip shortens a line to a number of characters.
func clip(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	return string(runes[:width-1]) + "…"
}
