package mover

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover/action"
	"github.com/amlmove/amlmove/internal/plan"
)

// doubtful are effects of a world in which a proof may hold or not.
type doubtful struct {
	effects
	fails *atomic.Bool
	made  *atomic.Int64
}

func (d doubtful) Find(kind string) (action.Action, error) {
	if kind == plan.ProveRestorable {
		return doubt{effect{d.effects}, d}, nil
	}
	return d.effects.Find(kind)
}

type doubt struct {
	effect
	world doubtful
}

func (d doubt) Done(ctx context.Context, t *action.Task) (bool, error) {
	held, err := t.Journal.Cursor(ctx, t.Step.ID)
	return held != "", err
}

func (d doubt) Do(ctx context.Context, t *action.Task) error {
	d.world.made.Add(1)
	if d.world.fails.Load() {
		return errs.New(errs.Conflict, "NotRestorable", "something has changed")
	}
	return t.Journal.Advance(ctx, t.Step.ID, "held")
}

// TestAProofThatFailsIsMadeOnceInAnAttempt: all that waits for it is told what it found, and nothing is removed; the next attempt makes it again, since what stood in the way may be mended.
func TestAProofThatFailsIsMadeOnceInAnAttempt(t *testing.T) {
	t.Parallel()
	prove := plan.Step{ID: "prove", Phase: plan.Clear, Action: plan.ProveRestorable, Subject: "prove", What: "prove", After: []string{"job"}, Inverse: "nothing"}
	steps, failing := slices.Insert(act(), 3, prove), map[string]bool{}
	validate := &steps[slices.IndexFunc(steps, func(s plan.Step) bool { return s.ID == "validate" })]
	for n := range DefaultWorkers {
		removal := plan.Step{ID: fmt.Sprint("removal-", n), Phase: plan.Clear, Action: "effect", Subject: fmt.Sprint("removal-", n), What: "remove", After: []string{"prove"}, Inverse: "made again"}
		failing[removal.Subject], validate.After = true, append(validate.After, removal.ID)
		steps = slices.Insert(steps, 4, removal)
		validate = &steps[slices.IndexFunc(steps, func(s plan.Step) bool { return s.ID == "validate" })]
	}
	f, s := play(t, steps)
	d := doubtful{effects{stage: s, fail: failing}, &atomic.Bool{}, &atomic.Int64{}}
	if record, err := perform(t, f, Options{Actions: d, NoRollback: true}, (*Run).Forward); err != nil || record.State != Failed || d.made.Load() != 1 {
		t.Fatal(record, err, d.made.Load())
	}
	record, err := perform(t, f, Options{Actions: d, NoRollback: true}, func(r *Run, ctx context.Context) (Record, error) {
		for _, fails := range []bool{true, false, true, false} { // the first attempt rests on a proof of the process before, the third on one of the attempt before
			d.fails.Store(fails)
			d.made.Store(0)
			record, err := r.Forward(ctx)
			if !fails {
				clear(d.fail) // from now on something would be removed
			}
			if fails && (err != nil || record.State != Failed || !strings.Contains(record.Reason, "something has changed") || strings.Contains(strings.Join(s.ledger(), " "), "removal")) {
				t.Errorf("the proof fails, and the run is %s (%s), %v: %v", record.State, record.Reason, err, s.ledger())
			}
			if made := d.made.Load(); made != 1 {
				t.Errorf("the proof was made %d times", made)
			}
		}
		return r.Forward(ctx)
	})
	if err != nil || record.State != Done {
		t.Errorf("the proof holds, and the run is %s (%s), %v", record.State, record.Reason, err)
	}
	wantEffects(t, s, slices.DeleteFunc(names(steps), func(name string) bool { return name == "prove" })...)
}
