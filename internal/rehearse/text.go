package rehearse

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/plan"
)

// lines writes lines until an error.
type lines struct {
	to  io.Writer
	err error
}

func (l *lines) line(format string, args ...any) {
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.to, format+"\n", args...)
	}
}

// Text writes the forecast for people.
func Text(to io.Writer, r *Result) error {
	l := &lines{to: to}
	l.line("Rehearsed on a copy: %s", r.verdict())
	if r.AsOwner {
		l.line("  as owner   whoever carries it out needs the rights that the plan lists")
	}
	if r.Reason != "" {
		l.line("  because    %s", r.Reason)
	}
	if r.Resumed != "" {
		l.line("  gone on    the run ended as %s", r.Resumed)
	}
	l.line("  takes      %s", r.Takes)
	for _, w := range r.Windows {
		l.line("  away       %-28s %s", nameOf(w.What), w.Takes)
	}
	l.line("  requests   %d; %d waited to stay below ARM's limits, %d were refused as too many", r.Requests.All, r.Requests.Waited, r.Requests.Throttled)
	l.line("")
	r.phases(l)
	r.slowest(l)
	for _, s := range r.Steps {
		if !s.State.Well() && s.State != mover.StepRunning {
			l.line("  %-8s %s: %s", s.State, s.ID, s.Reason)
		}
	}
	r.persons(l)
	r.risks(l)
	r.copy(l)
	return l.err
}

// verdict says in words how it ended.
func (r *Result) verdict() string {
	switch r.Outcome {
	case Recovered:
		text := "moved"
		if r.Verify != nil {
			text += fmt.Sprintf(" and proven: %d things compared, %d differences", r.Verify.Compared, r.Verify.Total)
		}
		return text
	case Person:
		return "all is done that does not wait for a person"
	case Stopped:
		if r.State == mover.RolledBack {
			return "it stopped before the move, and the source was as it was"
		}
		return "it stopped, and nothing was lost: the run is " + string(r.State)
	}
	return "BROKEN: the run is " + string(r.State)
}

// phases shows when each phase begins and how long it takes.
func (r *Result) phases(l *lines) {
	l.line("  phase        from        takes   steps")
	for _, phase := range plan.Phases() {
		var begin, end time.Duration
		n := 0
		for _, s := range r.Steps {
			if s.Phase != phase || s.Back {
				continue
			}
			from := time.Duration(s.After)
			if n == 0 || from < begin {
				begin = from
			}
			end = max(end, from+time.Duration(s.Takes))
			n++
		}
		if n > 0 {
			l.line("  %-8s %8s %12s %7d", phase, begin, end-begin, n)
		}
	}
	l.line("")
}

// slow is how many of the slowest steps are shown.
const slow = 5

// slowest shows the steps that take longest.
func (r *Result) slowest(l *lines) {
	steps := slices.Clone(r.Steps)
	slices.SortStableFunc(steps, func(a, b Step) int { return cmp.Compare(b.Takes, a.Takes) })
	l.line("  the slowest steps")
	for _, s := range steps[:min(slow, len(steps))] {
		l.line("  %12s  %s", s.Takes, s.What)
	}
	l.line("")
}

// persons shows what people must have ready.
func (r *Result) persons(l *lines) {
	todos := r.Todos()
	if len(todos) == 0 {
		return
	}
	l.line("  what a person has to do")
	for _, m := range todos {
		l.line("  - %s", m.Text)
	}
	l.line("")
}

// risks shows what the copy cannot know.
func (r *Result) risks(l *lines) {
	if len(r.Risks) == 0 {
		return
	}
	l.line("  steps at risk: what the copy cannot know")
	for _, risk := range r.Risks {
		l.line("  - %s: %s", risk.Title(), risk.Why)
		text := risk.Helps
		if risk.Fault != "" {
			text += "; play it: --fault " + risk.Fault
		}
		l.line("      %s", text)
	}
	l.line("")
}

// copy shows in what the copy is no likeness.
func (r *Result) copy(l *lines) {
	l.line("  the copy   %d things that the snapshot only names have stand-ins, %d are left out; secrets are placeholders", len(r.StandIns), len(r.LeftOut))
	for _, left := range r.LeftOut {
		l.line("             left out: %s (%s)", left.ID, left.Why)
	}
	for _, d := range r.Differs {
		l.line("             differs: %s", d)
	}
}

// nameOf is the name of a resource, with its kind where it is no workspace.
func nameOf(id string) string {
	parsed, err := arm.Parse(id)
	if err != nil || len(parsed) == 0 {
		return id
	}
	path := parsed.Type().Path()
	if kind, below, found := strings.Cut(path, "/"); found && kind == "workspaces" {
		return strings.TrimSuffix(below, "s") + " " + parsed.Name()
	}
	return "the workspace"
}

// Table writes one line for each rehearsal of a plan: what went wrong, and what became of it.
func Table(to io.Writer, results []*Result, says map[string]string) error {
	l := &lines{to: to}
	l.line("%-28s %-15s %-12s %s", "what goes wrong", "outcome", "takes", "run")
	for _, r := range results {
		run := string(r.State)
		if r.Resumed != "" {
			run += ", then " + string(r.Resumed)
		}
		l.line("%-28s %-15s %-12s %s", cmp.Or(r.Scenario, "nothing"), r.Outcome, r.Takes, run)
		if text := says[r.Scenario]; text != "" {
			l.line("  %s", text)
		}
		if r.Outcome != Recovered && r.Reason != "" {
			l.line("  because: %s", cut(r.Reason, 240))
		}
	}
	return l.err
}

func cut(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n]) + " ..."
	}
	return text
}
