package mover

import (
	"context"
	"sync"

	"github.com/amlmove/amlmove/internal/plan"
)

// proofs are those that this process has made in the attempt in hand, and how they ended. One that was made earlier says nothing about what is there now: days may lie between. One that
// failed stands for the whole attempt: it removes nothing more, whatever another look would say.
type proofs struct {
	mutex sync.Mutex
	made  map[string]outcome // by id of the step
}

// forget makes room for those of another attempt.
func (p *proofs) forget() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.made = map[string]outcome{}
}

// prove makes a proof, or returns how it ended if it need not be made anew. Whoever needs one meanwhile waits.
func (r *Run) prove(ctx context.Context, proof plan.Step, anew bool) (outcome, error) {
	r.proofs.mutex.Lock()
	defer r.proofs.mutex.Unlock()
	if o, made := r.proofs.made[proof.ID]; made && !anew {
		return o, nil
	}
	o, err := r.perform(ctx, proof)
	if err == nil {
		r.proofs.made[proof.ID] = o
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
