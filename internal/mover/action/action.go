// Package action is what the steps of a plan do: one file for each kind (D3). An action answers two questions that only read, and has two effects; all that it
// changes goes through its Task, which writes the journal. It knows nothing of the order of steps, of durable runs or of people watching: that is mover's.
package action

import (
	"context"
	"maps"
	"slices"

	"github.com/amlmove/amlmove/internal/errs"
)

// Action is one kind of step. Every method may be called again after a crash at any instant.
type Action interface {
	// Check reports what would keep the step from being done, without changing anything. It is asked for every step before the run changes anything, and
	// again right before the step. It must not mind that earlier steps of the plan have not been done.
	Check(context.Context, *Task) error
	// Done reports whether the effect is there already, by reading the other side, never the journal. It is asked before Do, so Do may be interrupted anywhere.
	Done(context.Context, *Task) (bool, error)
	// Do brings the effect about and returns when it is there. *Waiting when a person must act first.
	Do(context.Context, *Task) error
	// Undo brings back what was before Do, as far as Do came. It looks before it writes: what is as it was is left alone.
	Undo(context.Context, *Task) error
}

// Waiting is the error of a step that cannot go on before a person has acted. The run goes on with what does not depend on it, and ends as waiting.
type Waiting struct {
	For string // what has to be done, by whom, where
}

// Error words what is waited for.
func (w *Waiting) Error() string { return "waits for a person: " + w.For }

// table is filled by the files of this package, one entry each; see actions.
var table = actions()

// Find returns the action of a kind. Unsupported when this program has none: a plan of a newer version.
func Find(kind string) (Action, error) {
	if a, ok := table[kind]; ok {
		return a, nil
	}
	return nil, errs.New(errs.Unsupported, "UnknownAction", "the plan has a step of the kind %q, which this version of amlmove cannot carry out", kind).
		Advise("use the version that made the plan, or plan again with this one")
}

// Kinds are the names of all actions, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(table)) }
