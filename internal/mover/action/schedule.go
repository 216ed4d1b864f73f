package action

import (
	"context"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
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
	return err == nil && (!found || !aml.Enabled(now) && settled(now)), err
}

// wantedSchedule is wanted, and says whether the schedule is enabled also where the service did not say it: one that is disabled now would count as what is wanted.
func (t *Task) wantedSchedule(ctx context.Context) (where arm.ID, body arm.Document, err error) {
	where, body, err = t.wanted(ctx)
	if err == nil {
		body.Set(enabled, aml.Enabled(body))
	}
	return where, body, err
}

// settled reports whether nobody changes a document by themselves.
func settled(doc arm.Document) bool {
	state := aml.StateOf(doc.Text("properties.provisioningState"))
	return state == "" || state.Terminal()
}

// Do writes the schedule as it is now, but disabled: there is no PATCH of schedules (aml-contract 3).
func (disableSchedule) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	now, err := t.Settled(ctx, id)
	if errs.Is(err, errs.NotFound) { // somebody removed it
		return nil
	}
	if err != nil && !errs.Is(err, errs.Conflict) { // one that had failed before starts jobs as well
		return err
	}
	kind, _ := aml.KindOf(id.Type())
	body := rewrite.Map{}.ForPut(kind, now)
	body.Set(enabled, false)
	_, err = t.Put(ctx, id, body)
	return err
}

// Undo enables the schedule again. What else somebody changed of it meanwhile stays; only one that is gone is made as it was.
func (disableSchedule) Undo(ctx context.Context, t *Task) error {
	where, body, err := t.wantedSchedule(ctx)
	if err != nil {
		return err
	}
	now, found, err := t.settledOrGone(ctx, where)
	if err != nil && !errs.Is(err, errs.Conflict) { // Conflict: it settled badly
		return err
	}
	if found {
		original := body.Bool(enabled)
		kind, _ := aml.KindOf(where.Type())
		body = rewrite.Map{}.ForPut(kind, now)
		body.Set(enabled, original)
	}
	_, err = t.ensure(ctx, where, body)
	return err
}
