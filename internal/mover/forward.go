package mover

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover/action"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// forward is the durable workflow that carries the plan out.
func (r *Run) forward(ctx dbos.Context, o order) (verdict, error) {
	problems, err := dbos.RunAsStep(ctx, r.checkAll, dbos.WithStepName("check"))
	if err != nil {
		return verdict{}, err
	}
	v := verdict{State: Failed, Reason: strings.Join(problems, "; ")}
	if len(problems) == 0 {
		if v, err = r.carryAll(ctx); err != nil {
			return verdict{}, err
		}
	}
	return dbos.RunAsStep(ctx, func(context.Context) (verdict, error) { return v, r.journal.conclude(o.Attempt, v) }, dbos.WithStepName("conclude"))
}

// checkAll asks every step that was not done yet whether it may start, before anything is changed (pain 40). All problems are returned, not only the first.
func (r *Run) checkAll(ctx context.Context) ([]string, error) {
	problems := make([]string, len(r.Plan.Steps))
	crew := make(chan struct{}, r.Workers)
	failed := make(chan error, len(r.Plan.Steps))
	for i, s := range r.Plan.Steps {
		crew <- struct{}{}
		go func() {
			defer func() { <-crew }()
			problem, err := r.check(ctx, s)
			problems[i] = problem
			failed <- err
		}()
	}
	var trouble error
	for range r.Plan.Steps {
		if err := <-failed; err != nil && trouble == nil {
			trouble = err
		}
	}
	if ctx.Err() != nil {
		return nil, interrupted(ctx)
	}
	return slices.DeleteFunc(problems, func(p string) bool { return p == "" }), trouble
}

// check asks one step. A problem is a text, an error is one of the journal.
func (r *Run) check(ctx context.Context, s plan.Step) (string, error) {
	past, err := r.journal.of(ctx, s.ID, false)
	if err != nil || past.State != "" && past.State != StepBlocked {
		return "", err
	}
	a, err := r.Actions.Find(s.Action)
	if err == nil {
		err = a.Check(ctx, &action.Task{Env: r.env, Step: s})
	}
	if err != nil {
		return fmt.Sprintf("%s: %v", s.ID, err), nil
	}
	return "", nil
}

// carryAll carries the steps out and sums up.
func (r *Run) carryAll(ctx dbos.Context) (verdict, error) {
	steps := r.Plan.Steps
	b := newBoard(steps, func(s plan.Step) []string { return s.After }, r.Workers)
	for _, s := range steps {
		b.trip[s.ID] = before(s.Phase)
		if s.Phase == plan.Verify { // what could not be made again is a reason to compare, not to leave it
			b.needs[s.ID] = r.Plan.NoReturn
		}
	}
	outcomes, err := b.run(ctx, steps, r.carry)
	if err != nil {
		return verdict{}, err
	}
	return r.sumUp(outcomes), nil
}

// before reports whether a phase is before the point of no return.
func before(p plan.Phase) bool {
	return slices.Index(plan.Phases(), p) < slices.Index(plan.Phases(), plan.Move)
}

// sumUp makes a verdict of the outcomes. A comparison that finds what a person still has to approve missing is no failure while the run waits for that person.
func (r *Run) sumUp(outcomes map[string]outcome) verdict {
	reasons := map[StepState][]string{}
	differs := []string{}
	for _, s := range r.Plan.Steps {
		o := outcomes[s.ID]
		line := s.ID + ": " + o.Reason
		if s.Phase == plan.Verify && o.State == StepFailed {
			differs = append(differs, line)
		} else {
			reasons[o.State] = append(reasons[o.State], line)
		}
	}
	bad := Failed
	if outcomes[r.Plan.NoReturn].State.Well() {
		bad = Partial
	}
	switch {
	case len(reasons[StepFailed]) > 0:
		return verdict{bad, strings.Join(append(reasons[StepFailed], differs...), "; ")}
	case len(reasons[StepWaiting]) > 0:
		return verdict{Waiting, strings.Join(reasons[StepWaiting], "; ")}
	case len(differs) > 0:
		return verdict{bad, strings.Join(differs, "; ")}
	case len(reasons[StepBlocked]) > 0: // nothing that failed or waits explains it: not done is not done
		return verdict{bad, strings.Join(reasons[StepBlocked], "; ")}
	}
	return verdict{State: Done}
}

// Forward carries the plan out: it begins, goes on where an earlier process was interrupted, or tries again what failed. A failure before the point of no return brings the source back
// to what it was, unless the options say otherwise. What happened to the run is in the record; an error is that it could not be driven at all, or was stopped.
func (r *Run) Forward(ctx context.Context) (Record, error) {
	record, err := r.journal.record(ctx)
	if err != nil {
		return record, err
	}
	switch record.State {
	case RollingBack:
		return r.Back(ctx)
	case RolledBack, Canceled:
		if err := r.again(ctx); err != nil {
			return record, err
		}
	}
	if err := r.movedBack(ctx); err != nil {
		return record, err
	}
	attempt, err := r.enterAttempt(ctx, Running, "forward")
	if err != nil {
		return record, err
	}
	v, err := r.drive(ctx, "forward", r.forward, attempt)
	if err != nil {
		return r.lost(ctx, err)
	}
	if v.State == Failed && !r.NoRollback {
		return r.retreat(ctx)
	}
	return r.journal.record(ctx)
}

// movedBack refuses to carry on a run whose move was undone: somebody moved the workspace back, or the cloud on which this is practised went back or is another. What the journal says is done
// is not there any more. The source may be beyond reach behind a move: what cannot be read stops nothing.
func (r *Run) movedBack(ctx context.Context) error {
	move, err := r.journal.of(ctx, r.Plan.NoReturn, false)
	if err != nil || !move.State.Well() {
		return err
	}
	if there, err := r.atSource(ctx); err != nil || !there {
		return nil //nolint:nilerr // see above
	}
	return errs.New(errs.Conflict, "MovedBack", "the run %s has moved the workspace, and now it is back at %s", r.ID, r.Plan.Workspace).At(r.Folder.Path).
		Advise("to carry the same plan out once more, begin another run with --runs FOLDER, or take %s away", r.Folder.Path)
}

// again lets a run that went back begin anew, from what is there now: both ends are read again, and *Drift says what is not as it was reviewed any more.
func (r *Run) again(ctx context.Context) error {
	file := r.Folder.File(BeforeFile) + ".next"
	fresh, err := r.Actions.ReadAgain(ctx, r.env, file)
	if err == nil {
		if changes := plan.Drift(r.Plan, fresh, nil); len(changes) > 0 {
			err = &Drift{changes}
		}
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(file))
	}
	if err := r.env.Before.Close(); err != nil {
		return err
	}
	if err := os.Rename(file, r.Folder.File(BeforeFile)); err != nil {
		return errs.Wrap(errs.Unavailable, "RunFolder", err, "what is there now cannot be kept in the folder of the run").At(r.Folder.Path)
	}
	before, err := snapshot.Open(ctx, r.Folder.File(BeforeFile))
	if err != nil {
		return err
	}
	r.env.Before = before
	return r.journal.renew()
}

// enterAttempt returns the number of the attempt to drive: the one that was interrupted, or a new one.
func (r *Run) enterAttempt(ctx context.Context, state State, direction string) (int, error) {
	record, err := r.journal.record(ctx)
	if err != nil {
		return 0, err
	}
	if record.State == state && record.Attempt > 0 && !r.ended(direction, record.Attempt) {
		return record.Attempt, nil
	}
	return r.journal.attempt(state)
}

// ended reports whether the workflow of an attempt was given up by the engine: then only a new one goes on.
func (r *Run) ended(direction string, attempt int) bool {
	handle, err := dbos.RetrieveWorkflow[verdict](r.flow, r.flowID(direction, attempt))
	if err != nil {
		return false // never begun: it will be
	}
	status, err := handle.GetStatus()
	if err != nil {
		return false
	}
	return status.Status != dbos.WorkflowStatusPending && status.Status != dbos.WorkflowStatusEnqueued
}

// lost ends an attempt that the engine could not bring to a verdict. A person's stop is none of these: the workflow waits to be taken up.
func (r *Run) lost(ctx context.Context, err error) (Record, error) {
	record, _ := r.journal.record(context.WithoutCancel(ctx)) // err is the one to tell
	if errs.Is(err, errs.Canceled) {
		return record, err
	}
	if taken := r.journal.write(func(context.Context, *sql.Tx) error { return nil }); errs.Is(taken, errs.Conflict) { // whoever took the run over has stopped the workflow as well
		return record, taken
	}
	return record, fmt.Errorf("drive the run %s: %w", r.ID, err)
}

// retreat goes back after a failure, when everything is still at the source. Where a part has moved, the run stays as it is: it can be resumed.
func (r *Run) retreat(ctx context.Context) (Record, error) {
	record, err := r.journal.record(ctx)
	if err != nil {
		return record, err
	}
	touched, err := r.journal.anything(ctx)
	if err != nil || !touched {
		return record, err
	}
	why := record.Reason
	back, err := r.Back(ctx)
	if e := errs.As(err); e != nil && e.Code == behindNoReturn {
		record.Reason = why + "; a part has moved, so the way is forward"
		return record, r.journal.explain(record.Reason)
	}
	record = back
	if err == nil {
		record.Reason = why
		if record.State == Failed {
			record.Reason = why + "; " + back.Reason
		}
		err = r.journal.explain(record.Reason)
	}
	return record, err
}
