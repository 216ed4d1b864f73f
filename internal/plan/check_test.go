package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/rules"
)

// drop takes a step out of a plan, and out of what others come after.
func drop(p *Plan, id string) {
	p.Steps = slices.DeleteFunc(p.Steps, func(s Step) bool { return s.ID == id })
	for i := range p.Steps {
		p.Steps[i].After = slices.DeleteFunc(p.Steps[i].After, func(after string) bool { return after == id })
	}
}

// change changes a step of a plan.
func change(p *Plan, id string, how func(*Step)) {
	for i := range p.Steps {
		if p.Steps[i].ID == id {
			how(&p.Steps[i])
		}
	}
}

func TestPlansThatCannotBeCarriedOutAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spoil func(*Plan)
		want  string
	}{
		{"D2 a compute is removed and not made again", func(p *Plan) { drop(p, "restore/restoreCompute/aks") }, "no step makes it again"},
		{"D2 an endpoint is removed and not made again", func(p *Plan) { drop(p, "restore/restoreEndpoint/on") }, "no step makes it again"},
		{"pain 38 a lock is lifted and not put back", func(p *Plan) { drop(p, "restore/restoreLock/g.still") }, "no step makes it again"},
		{"D2 something unknown destroys", func(p *Plan) { change(p, "drain/endJob/run", func(s *Step) { s.Destroys = true }) }, "nobody knows how"},
		{"two steps of one name", func(p *Plan) { change(p, "drain/endJob/run", func(s *Step) { s.ID = "drain/endJob/ending" }) }, "stands twice"},
		{"a step without a name", func(p *Plan) { change(p, "verify/compare/ml", func(s *Step) { s.ID = "" }) }, "no name"},
		{"a phase that there is not", func(p *Plan) { change(p, "verify/compare/ml", func(s *Step) { s.Phase = "later" }) }, "which there is not"},
		{"a step behind a later phase", func(p *Plan) { slices.Reverse(p.Steps) }, "stands behind a later phase"},
		{"a step waits for itself", func(p *Plan) { change(p, "drain/endJob/run", func(s *Step) { s.After = append(s.After, s.ID) }) }, "does not stand before it"},
		{"two steps wait for each other", func(p *Plan) {
			change(p, "drain/disableSchedule/on", func(s *Step) { s.After = append(s.After, "drain/endJob/run") })
		}, "does not stand before it"},
		{"a step waits for one that there is not", func(p *Plan) { change(p, "verify/compare/ml", func(s *Step) { s.After = append(s.After, "x") }) }, "does not stand before it"},
		{"the move does not wait for a removal", func(p *Plan) {
			for i := range p.Steps {
				p.Steps[i].After = slices.DeleteFunc(p.Steps[i].After, func(id string) bool { return id == "clear/removeCompute/cpu" })
			}
		}, "the move does not wait for the step clear/removeCompute/cpu"},
		{"a restoration does not wait for the move", func(p *Plan) { change(p, "restore/restoreRole/ml.alice", func(s *Step) { s.After = nil }) }, "restore/restoreRole/ml.alice does not wait for the move"},
		{"there is no point of no return", func(p *Plan) { p.NoReturn = "" }, "is not the move"},
		{"the point of no return is another step", func(p *Plan) { p.NoReturn = "verify/compare/ml" }, "is not the move"},
		{"something is removed behind the point of no return", func(p *Plan) {
			change(p, "restore/restoreRole/ml.alice", func(s *Step) { s.Action = RemoveService })
		}, "behind the point of no return"},
		{"it says that it can be applied, and it is blocked", func(p *Plan) { p.Findings = append(p.Findings, rules.Finding{Severity: rules.Blocker}) }, "has a finding that stops it"},
		{"nothing moves", func(p *Plan) { p.Moving = nil }, "what moves where"},
		{"an id that cannot be read", func(p *Plan) { p.Moving = []string{"ml"} }, "what moves where"},
		{"a target that cannot be read", func(p *Plan) { p.Target = "h" }, "what moves where"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := full(t).plan()
			if err := p.Check(); err != nil {
				t.Fatalf("as it was made: %v", err)
			}
			c.spoil(p)
			err := errs.As(p.Check())
			if err == nil || err.Kind != errs.Invalid || err.Hint == "" {
				t.Fatalf("got %v", err)
			}
			all := err.Message
			for _, other := range err.Details {
				all += "\n" + other.Message
			}
			if !strings.Contains(all, c.want) {
				t.Errorf("got %s, want %q", all, c.want)
			}
		})
	}
}
