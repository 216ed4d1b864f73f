package mover

import (
	"context"
	"sync"

	"github.com/amlmove/amlmove/internal/plan"
)

// proofs are those that this process has made and that held. One that an earlier process made says nothing about what is there now: days may lie between.
type proofs struct {
	mutex sync.Mutex
	held  map[string]outcome // by id of the step
}

// prove makes a proof, or returns how it ended if it need not be made anew. Whoever needs one meanwhile waits.
func (r *Run) prove(ctx context.Context, proof plan.Step, anew bool) (outcome, error) {
	r.proofs.mutex.Lock()
	defer r.proofs.mutex.Unlock()
	if o, held := r.proofs.held[proof.ID]; held && !anew {
		return o, nil
	}
	o, err := r.perform(ctx, proof)
	if err == nil && o.State.Well() {
		r.proofs.held[proof.ID] = o
	}
	return o, err
}

// proven says why a step may not be done that comes directly after a proof; nothing when it may. A move that is under way, or has happened, is beyond proving.
func (r *Run) proven(ctx context.Context, s plan.Step) (string, error) {
	for _, id := range s.After {
		proof, ok := r.Plan.Find(id)
		if !ok || proof.Action != plan.ProveRestorable {
			continue
		}
		if s.ID == r.Plan.NoReturn {
			asked, err := r.journal.touched(ctx, s.ID)
			if err != nil {
				return "", err
			}
			if asked {
				there, err := r.atSource(ctx)
				if ctx.Err() != nil {
					return "", interrupted(ctx)
				}
				if err != nil || !there {
					return reason(err), nil
				}
			}
		}
		o, err := r.prove(ctx, proof, false)
		if err != nil || !o.State.Well() {
			return o.Reason, err
		}
	}
	return "", nil
}
