package action

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
)

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

func status(job arm.Document) aml.JobStatus { return aml.JobStatusOf(job.Text("properties.status")) }

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
		if err := cancelJob(ctx, t, id); err != nil {
			return err
		}
	}
	return waitForJob(ctx, t, id, time.Duration(detail.Limit))
}

// cancelJob asks a job to end. A job that ended in this moment, or that somebody else cancelled, refuses: whether it still goes on is what counts.
func cancelJob(ctx context.Context, t *Task, id arm.ID) error {
	_, refusal := t.Send(ctx, http.MethodPost, id.String()+"/cancel", t.Version(ctx, id), map[string]any{})
	if refusal == nil || errs.Is(refusal, errs.NotFound) {
		return nil
	}
	if !errs.Is(refusal, errs.Conflict) && !errs.Is(refusal, errs.Invalid) {
		return refusal
	}
	now, found, err := t.Read(ctx, id)
	if err == nil && found && status(now).Cancelable() {
		return fmt.Errorf("cancel the job %s, which is %s: %w", id.Name(), status(now), refusal)
	}
	return err
}

// waitForJob waits until a job has ended. Conflict when it has not within the limit; no limit when that is zero.
func waitForJob(ctx context.Context, t *Task, id arm.ID, limit time.Duration) error {
	begun := t.Clock.Now()
	return t.Until(ctx, func() (bool, error) {
		now, found, err := t.Read(ctx, id)
		if err != nil || !found || status(now).Terminal() {
			return err == nil, err
		}
		t.Say("it is " + string(status(now)))
		if limit > 0 && t.Clock.Now().Sub(begun) > limit {
			return false, errs.New(errs.Conflict, "JobStillRuns", "the job %s is %s after %s", id.Name(), status(now), limit).At(id.String()).
				Advise("wait and resume, cancel the job, or plan with --jobs cancel")
		}
		return false, nil
	})
}
