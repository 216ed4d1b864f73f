package mover

import (
	"context"
	"strings"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover/action"
	"github.com/amlmove/amlmove/internal/plan"
)

// backward is the durable workflow that brings the source back to what it was.
func (r *Run) backward(ctx dbos.Context, o order) (verdict, error) {
	steps, err := dbos.RunAsStep(ctx, r.toUndo, dbos.WithStepName("to undo"))
	if err != nil {
		return verdict{}, err
	}
	v, err := r.uncarryAll(ctx, steps)
	if err != nil {
		return verdict{}, err
	}
	return dbos.RunAsStep(ctx, func(context.Context) (verdict, error) { return v, r.journal.conclude(o.Attempt, v) }, dbos.WithStepName("conclude"))
}

// toUndo lists the steps that were begun, before the point of no return, last first.
func (r *Run) toUndo(ctx context.Context) ([]string, error) {
	var ids []string
	for i := len(r.Plan.Steps) - 1; i >= 0; i-- {
		s := r.Plan.Steps[i]
		if !before(s.Phase) {
			continue
		}
		past, err := r.journal.of(ctx, s.ID, false)
		if err != nil {
			return nil, err
		}
		touched, err := r.journal.touched(ctx, s.ID)
		if err != nil {
			return nil, err
		}
		if touched && past.State != "" && past.Reason != errUndone.Error() {
			ids = append(ids, s.ID)
		}
	}
	return ids, nil
}

// uncarryAll takes the steps back, each after those that came after it.
func (r *Run) uncarryAll(ctx dbos.Context, ids []string) (verdict, error) {
	later := map[string][]string{}
	steps := make([]plan.Step, 0, len(ids))
	for _, id := range ids {
		s, ok := r.Plan.Find(id)
		if !ok {
			return verdict{}, errs.New(errs.Invalid, "PlanChanged", "the plan of the run %s has no step %s any more", r.ID, id)
		}
		steps = append(steps, s)
		for _, earlier := range s.After {
			later[earlier] = append(later[earlier], id)
		}
	}
	b := newBoard(steps, func(s plan.Step) []string { return later[s.ID] }, r.Workers)
	outcomes, err := b.run(ctx, steps, r.uncarry)
	if err != nil {
		return verdict{}, err
	}
	var failed []string
	for _, s := range steps {
		if o := outcomes[s.ID]; !o.State.Well() {
			failed = append(failed, s.ID+": "+o.Reason)
		}
	}
	if len(failed) > 0 {
		return verdict{Failed, "not everything could be taken back: " + strings.Join(failed, "; ")}, nil
	}
	return verdict{State: RolledBack}, nil
}

// Back brings the source back to what it was before the run. Conflict when the workspace is not there any more: then the run goes forward only, and the way back is another plan.
func (r *Run) Back(ctx context.Context) (Record, error) {
	record, err := r.journal.record(ctx)
	if err != nil {
		return record, err
	}
	switch record.State {
	case Ready:
		return r.concluded(ctx, Canceled)
	case RolledBack, Canceled:
		return record, nil
	case Partial, Done:
		return record, r.tooLate()
	}
	there, err := r.atSource(ctx)
	if err != nil {
		return record, err
	}
	if !there {
		return record, r.tooLate()
	}
	attempt, err := r.enterAttempt(ctx, RollingBack, "backward")
	if err != nil {
		return record, err
	}
	if _, err := r.drive(ctx, "backward", r.backward, attempt); err != nil {
		return r.lost(ctx, err)
	}
	return r.journal.record(ctx)
}

// atSource reports whether the workspace and what goes with it are still where they were. A move that an earlier process asked for is brought to its end before.
func (r *Run) atSource(ctx context.Context) (bool, error) {
	move, _ := r.Plan.Find(r.Plan.NoReturn) // a plan without one is refused when it is read
	return r.Actions.AtSource(ctx, &action.Task{Env: r.env, Step: move})
}

func (r *Run) concluded(ctx context.Context, state State) (Record, error) {
	if err := r.journal.become(state, ""); err != nil {
		return Record{}, err
	}
	return r.journal.record(ctx)
}

// behindNoReturn is the code of the error for a way back that is closed.
const behindNoReturn = "BehindNoReturn"

func (r *Run) tooLate() error {
	return errs.New(errs.Conflict, behindNoReturn, "the run %s is behind its point of no return: the workspace has moved, or is in neither place alone", r.ID).
		At(r.Plan.Landing).Advise("amlmove resume %s goes forward; the way back is a plan from %s to %s", r.ID, r.Plan.Landing, r.Plan.Workspace)
}
