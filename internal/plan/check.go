package plan

import (
	"slices"

	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/rules"
)

// makesAgain names, for each action that removes something, the action that makes it again (D2). Of a web service of the v1 API there is none: it is removed only when asked for (S35).
var makesAgain = map[string]string{RemoveEndpoint: RestoreEndpoint, RemoveCompute: RestoreCompute, LiftLock: RestoreLock, RemoveService: ""}

// checker gathers what is wrong with a plan.
type checker struct {
	*Plan
	at       map[string]int // where each step stands
	problems []*errs.Error
}

func (c *checker) problem(format string, args ...any) {
	c.problems = append(c.problems, errs.New(errs.Invalid, "PlanImpossible", format, args...))
}

// Check reports what makes a plan impossible to carry out as it stands: every problem at once. Invalid.
func (p *Plan) Check() error {
	c := &checker{Plan: p, at: make(map[string]int, len(p.Steps))}
	c.places()
	c.order()
	c.turn()
	c.restorable()
	if p.Applyable && rules.Blocked(p.Findings) {
		c.problem("the plan says that it can be applied, and has a finding that stops it")
	}
	if len(c.problems) == 0 {
		return nil
	}
	first := *c.problems[0]
	return first.With(c.problems[1:]...).Advise("plan again")
}

// places checks that the ids of the plan can be read.
func (c *checker) places() {
	m, err := c.Map()
	if err != nil || m.Empty() {
		c.problem("the plan does not say what moves where: %q to %q", c.Moving, c.Target)
	}
}

// order checks that steps are told apart, and that each stands behind those that it comes after: so no step waits for itself.
func (c *checker) order() {
	phases := Phases()
	for i, s := range c.Steps {
		if _, twice := c.at[s.ID]; twice || s.ID == "" {
			c.problem("the step %q stands twice in the plan, or has no name", s.ID)
		}
		c.at[s.ID] = i
		if !slices.Contains(phases, s.Phase) {
			c.problem("the step %s is of the phase %q, which there is not", s.ID, s.Phase)
		}
		if i > 0 && slices.Index(phases, s.Phase) < slices.Index(phases, c.Steps[i-1].Phase) {
			c.problem("the step %s stands behind a later phase", s.ID)
		}
		for _, id := range s.After {
			if before, there := c.at[id]; !there || before == i {
				c.problem("the step %s comes after %s, which does not stand before it", s.ID, id)
			}
		}
	}
}

// turn checks the point of no return: all that is planned before it comes before it, and all that is planned behind it comes after it.
func (c *checker) turn() {
	turn, ok := c.at[c.NoReturn]
	if !ok || c.Steps[turn].Phase != Move {
		c.problem("the point of no return, %q, is not the move", c.NoReturn)
		return
	}
	earlier := map[string]bool{c.NoReturn: true} // steps that the move comes after
	for _, s := range slices.Backward(c.Steps[:turn+1]) {
		if !earlier[s.ID] {
			c.problem("the move does not wait for the step %s", s.ID)
		}
		for _, id := range s.After {
			earlier[id] = true
		}
	}
	later := map[string]bool{c.NoReturn: true} // steps that come after the move
	for _, s := range c.Steps[turn+1:] {
		later[s.ID] = slices.ContainsFunc(s.After, func(id string) bool { return later[id] })
		if !later[s.ID] {
			c.problem("the step %s does not wait for the move", s.ID)
		}
	}
}

// restorable checks that what is taken away is given back (D2), and that nothing is taken away behind the point of no return.
func (c *checker) restorable() {
	about := c.subjects()
	for i, s := range c.Steps {
		again, removes := makesAgain[s.Action]
		if s.Destroys && !removes {
			c.problem("the step %s destroys something, and nobody knows how that is made again", s.ID)
		}
		if again != "" && about[subjectKey(again, s.Subject)] == "" && !(s.Action == LiftLock && c.lost(s.Subject)) {
			c.problem("the step %s removes %s, and no step makes it again", s.ID, s.Subject)
		}
		if (s.Destroys || removes) && i > c.at[c.NoReturn] {
			c.problem("the step %s removes something behind the point of no return", s.ID)
		}
	}
}
