package plan

import (
	"slices"

	"github.com/amlmove/amlmove/internal/errs"
)

// makesAgain names, for each action that removes something, the action that makes it again (D2).
var makesAgain = map[string]string{RemoveEndpoint: RestoreEndpoint, RemoveCompute: RestoreCompute}

// Check reports what makes a plan impossible to carry out as it stands: every problem at once. Invalid.
func (p *Plan) Check() error {
	var problems []*errs.Error
	problem := func(format string, args ...any) {
		problems = append(problems, errs.New(errs.Invalid, "PlanImpossible", format, args...))
	}
	phases := Phases()
	at := map[string]int{}
	for i, s := range p.Steps {
		if _, twice := at[s.ID]; twice {
			problem("the step %s stands twice in the plan", s.ID)
		}
		at[s.ID] = i
		if !slices.Contains(phases, s.Phase) {
			problem("the step %s is of the phase %q, which there is not", s.ID, s.Phase)
		}
		if i > 0 && slices.Index(phases, s.Phase) < slices.Index(phases, p.Steps[i-1].Phase) {
			problem("the step %s stands behind a later phase", s.ID)
		}
		for _, id := range s.After {
			if before, there := at[id]; !there || before == i {
				problem("the step %s comes after %s, which does not stand before it", s.ID, id)
			}
		}
	}
	move, ok := p.Find(p.NoReturn)
	if !ok || move.Phase != Move {
		problem("the point of no return, %s, is not the move", p.NoReturn)
	}
	for _, s := range p.Steps {
		if again := makesAgain[s.Action]; again != "" {
			if _, there := p.first(s.Subject, []string{again}); !there {
				problem("the step %s removes %s, and no step makes it again", s.ID, s.Subject)
			}
		}
		if s.Destroys && slices.Index(phases, s.Phase) > slices.Index(phases, Move) {
			problem("the step %s destroys something behind the point of no return", s.ID)
		}
	}
	if len(problems) == 0 {
		return nil
	}
	first := *problems[0]
	return first.With(problems[1:]...).Advise("plan again")
}
