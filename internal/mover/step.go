package mover

import (
	"context"
	"errors"
	"time"

	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover/action"
	"github.com/amlmove/amlmove/internal/plan"
)

// How often a step is tried when the other side cannot answer now, and how long is waited before.
const (
	maxTries  = 4
	firstWait = 2 * time.Second
)

// carry carries one step out, forward. A step that an earlier attempt brought to its end is not asked again, but for those that compare; and one that rests on a proof only on one that is
// fresh.
func (r *Run) carry(ctx context.Context, s plan.Step) (outcome, error) {
	if past, err := r.past(ctx, s); err != nil || past.State != "" {
		return past, err
	}
	if s.Action == plan.ProveRestorable {
		return r.prove(ctx, s, true)
	}
	if why, err := r.proven(ctx, s); err != nil || why != "" {
		if err != nil {
			return outcome{}, err
		}
		return r.end(ctx, s, false, StepFailed, errs.New(errs.Conflict, "NotRestorable", "%s", why).At(s.Subject))
	}
	return r.perform(ctx, s)
}

// perform does a step, whatever an earlier attempt made of it.
func (r *Run) perform(ctx context.Context, s plan.Step) (outcome, error) {
	a, err := r.Actions.Find(s.Action)
	if err != nil {
		return r.end(ctx, s, false, StepFailed, err)
	}
	if err := r.journal.began(ctx, s.ID, false); err != nil {
		return outcome{}, err
	}
	if s.Phase == plan.Verify || s.Action == plan.ProveRestorable { // what an earlier attempt found is not what is there now
		if err := r.journal.Advance(ctx, s.ID, ""); err != nil {
			return outcome{}, err
		}
	}
	r.say(Event{Step: s, State: StepRunning})
	state, err := r.patiently(ctx, func() (StepState, error) { return r.once(ctx, a, &action.Task{Env: r.env, Step: s}) })
	if ctx.Err() != nil && !state.Well() {
		return outcome{}, interrupted(ctx)
	}
	return r.end(ctx, s, false, state, err)
}

// past returns how a step ended in an earlier attempt, if it ended well.
func (r *Run) past(ctx context.Context, s plan.Step) (outcome, error) {
	if s.Phase == plan.Verify {
		return outcome{}, nil
	}
	records, err := r.journal.of(ctx, s.ID, false)
	if err != nil || !records.State.Well() {
		return outcome{}, err
	}
	return outcome{records.State, ""}, nil
}

// end writes down how a step ended.
func (r *Run) end(ctx context.Context, s plan.Step, back bool, state StepState, why error) (outcome, error) {
	if err := r.journal.ended(ctx, s.ID, back, state, why); err != nil {
		return outcome{}, err
	}
	r.say(Event{Step: s, Back: back, State: state, Reason: reason(why)})
	return outcome{state, reason(why)}, nil
}

// patiently tries again, later, when the other side could not answer.
func (r *Run) patiently(ctx context.Context, try func() (StepState, error)) (StepState, error) {
	for n, wait := 1, firstWait; ; n, wait = n+1, wait*2 {
		state, err := try()
		if err == nil || state == StepWaiting || n == maxTries || !errs.Retryable(err) || ctx.Err() != nil {
			return state, err
		}
		if e := errs.As(err); e != nil && e.After > wait {
			wait = e.After
		}
		if err := r.Clock.Sleep(ctx, wait); err != nil {
			return StepFailed, err
		}
	}
}

// once does a step as far as it is not done. After a crash it first follows what was under way, then looks whether the effect is there, and only then does it (D3).
func (r *Run) once(ctx context.Context, a action.Action, t *action.Task) (StepState, error) {
	if err := r.follow(ctx, t); err != nil {
		return StepFailed, err
	}
	done, err := a.Done(ctx, t)
	if err != nil {
		return StepFailed, err
	}
	if done {
		ours, err := r.journal.touched(ctx, t.Step.ID)
		if ours {
			return StepDone, err
		}
		return StepThere, err
	}
	if err := a.Check(ctx, t); err != nil {
		return StepFailed, err
	}
	if err := a.Do(ctx, t); err != nil {
		if _, waits := errors.AsType[*action.Waiting](err); waits {
			return StepWaiting, err
		}
		return StepFailed, err
	}
	done, err = a.Done(ctx, t)
	if err == nil && !done {
		err = errs.New(errs.Conflict, "EffectMissing", "%s: it was done, and its effect is not there", t.Step.ID).At(t.Step.Subject).Advise("look at the resource; amlmove resume tries again")
	}
	if err != nil {
		return StepFailed, err
	}
	return StepDone, nil
}

// follow brings operations of the step that were under way when the process ended to their end. How they ended is for Done to find out: only what cannot be asked is an error.
// The move is left to its own action, which must know how its operation ended.
func (r *Run) follow(ctx context.Context, t *action.Task) error {
	if t.Step.Action == plan.MoveResources {
		return nil
	}
	operations, err := r.journal.Unended(ctx, t.Step.ID, t.Back)
	if err != nil {
		return err
	}
	var trouble error
	for _, o := range operations {
		if _, err := t.Follow(ctx, o, "", nil); err != nil {
			trouble = err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	open, err := r.journal.Unended(ctx, t.Step.ID, t.Back)
	if err != nil || len(open) == 0 {
		return err
	}
	return trouble
}

// uncarry takes one step back.
func (r *Run) uncarry(ctx context.Context, s plan.Step) (outcome, error) {
	a, err := r.Actions.Find(s.Action)
	if err != nil {
		return r.end(ctx, s, true, StepFailed, err)
	}
	if err := r.journal.began(ctx, s.ID, true); err != nil {
		return outcome{}, err
	}
	r.say(Event{Step: s, Back: true, State: StepRunning})
	t := &action.Task{Env: r.env, Step: s, Back: true}
	state, err := r.patiently(ctx, func() (StepState, error) {
		// Also what the way forward began: what it removes may look untouched until it is gone.
		for _, begun := range []*action.Task{{Env: r.env, Step: s}, t} {
			if err := r.follow(ctx, begun); err != nil {
				return StepFailed, err
			}
		}
		if err := a.Undo(ctx, t); err != nil {
			return StepFailed, err
		}
		return StepDone, nil
	})
	if ctx.Err() != nil && err != nil {
		return outcome{}, interrupted(ctx)
	}
	if err == nil { // a later attempt must do the step again
		if err := r.journal.undone(ctx, s.ID); err != nil {
			return outcome{}, err
		}
	}
	return r.end(ctx, s, true, state, err)
}

// errUndone is the reason of a step that was taken back.
var errUndone = errors.New("taken back")
