package action

import (
	"context"
	"net/http"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rewrite"
)

const enabled = "properties.isEnabled"

// disableSchedule stops a schedule from starting jobs (pain 32).
type disableSchedule struct{}

func (disableSchedule) Check(context.Context, *Task) error { return nil }

func (disableSchedule) Done(ctx context.Context, t *Task) (bool, error) {
	id, err := t.Subject()
	if err != nil {
		return false, err
	}
	now, found, err := t.Read(ctx, id)
	return err == nil && (!found || !now.Bool(enabled) && settled(now)), err
}

// settled reports whether nobody changes a document by themselves.
func settled(doc arm.Document) bool {
	state := aml.ProvisioningState(doc.Text("properties.provisioningState"))
	return state == "" || state.Terminal()
}

func (disableSchedule) Do(ctx context.Context, t *Task) error { return setSchedule(ctx, t, false) }

// Undo enables the schedule again, as it was.
func (disableSchedule) Undo(ctx context.Context, t *Task) error {
	where, body, err := t.wanted(ctx)
	if err != nil {
		return err
	}
	_, err = t.ensure(ctx, where, body)
	return err
}

// setSchedule writes the schedule as it is now, enabled or not: there is no PATCH of schedules.
func setSchedule(ctx context.Context, t *Task, on bool) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	now, err := t.Settled(ctx, id)
	if err != nil {
		return err
	}
	kind, _ := aml.KindOf(id.Type())
	body := rewrite.Map{}.ForPut(kind, now)
	body.Set(enabled, on)
	_, err = t.Put(ctx, id, body)
	return err
}

// restoreSchedule brings a schedule to its earlier state, with its references rewritten.
type restoreSchedule struct{ restoring }

func (restoreSchedule) Done(ctx context.Context, t *Task) (bool, error) {
	where, body, err := t.wanted(ctx)
	if err != nil {
		return false, err
	}
	return t.stands(ctx, where, body)
}

func (restoreSchedule) Do(ctx context.Context, t *Task) error {
	where, body, err := t.wanted(ctx)
	if err != nil {
		return err
	}
	if _, err := t.ensure(ctx, where, body); err != nil {
		return err
	}
	return t.mentions(ctx, body)
}

// endJob brings a job to its end: it waits, or cancels (S28).
type endJob struct{ restoring }

func (endJob) Done(ctx context.Context, t *Task) (bool, error) {
	id, err := t.Subject()
	if err != nil {
		return false, err
	}
	now, found, err := t.Read(ctx, id)
	return err == nil && (!found || status(now).Terminal()), err
}

func status(job arm.Document) aml.JobStatus { return aml.JobStatus(job.Text("properties.status")) }

func (endJob) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	var detail plan.JobDetail
	if err := t.Detail(&detail); err != nil {
		return err
	}
	now, found, err := t.Read(ctx, id)
	if err != nil || !found {
		return err
	}
	if detail.Cancel && status(now).Cancelable() {
		// A job that ended in this moment refuses: whether it ended is what counts.
		if _, err := t.Send(ctx, http.MethodPost, id.String()+"/cancel", t.Version(ctx, id), map[string]any{}); err != nil && !errs.Is(err, errs.Conflict) && !errs.Is(err, errs.Invalid) {
			return err
		}
	}
	begun := t.Clock.Now()
	return t.Until(ctx, func() (bool, error) {
		now, found, err := t.Read(ctx, id)
		if err != nil || !found || status(now).Terminal() {
			return err == nil, err
		}
		t.Say("it is " + string(status(now)))
		if limit := time.Duration(detail.Limit); limit > 0 && t.Clock.Now().Sub(begun) > limit {
			return false, errs.New(errs.Conflict, "JobStillRuns", "the job %s is %s after %s", id.Name(), status(now), limit).At(id.String()).
				Advise("wait and resume, cancel the job, or plan with --jobs cancel")
		}
		return false, nil
	})
}
