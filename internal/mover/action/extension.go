package action

import (
	"context"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
)

// liftLock takes a lock away that stops the move or what it needs (pain 38).
type liftLock struct{}

func (liftLock) Check(context.Context, *Task) error { return nil }

func (liftLock) Done(ctx context.Context, t *Task) (bool, error) {
	return removeEndpoint{}.Done(ctx, t)
}

func (liftLock) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	return t.Remove(ctx, id, "")
}

// Undo puts the lock back.
func (liftLock) Undo(ctx context.Context, t *Task) error {
	return restoreLock{}.Do(ctx, t)
}

// restoreLock puts a lock back: where it was, or on what moved, where that is now.
type restoreLock struct{ restoring }

// bound is the body that makes something again that is bound to a scope, and where: the scope moves and takes along what is bound to it.
func (t *Task) bound(ctx context.Context, readOnly ...string) (where arm.ID, body arm.Document, err error) {
	id, err := t.Subject()
	if err != nil {
		return nil, nil, err
	}
	original, err := t.Original(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	return t.Where().ID(id), t.Where().ForPut(aml.Kind{ReadOnly: readOnly}, original), nil
}

func (restoreLock) Done(ctx context.Context, t *Task) (bool, error) {
	where, body, err := t.bound(ctx)
	if err != nil {
		return false, err
	}
	return t.stands(ctx, where, body)
}

func (restoreLock) Do(ctx context.Context, t *Task) error {
	where, body, err := t.bound(ctx)
	if err != nil {
		return err
	}
	if stands, err := t.stands(ctx, where, body); stands || err != nil {
		return err
	}
	_, err = t.Put(ctx, where, body)
	return err
}

// restoreDiagnostics makes a diagnostic setting at the new scope.
type restoreDiagnostics struct{ restoring }

// sinks are the members of a diagnostic setting that hold ids.
var sinks = []string{"properties.workspaceId", "properties.storageAccountId", "properties.eventHubAuthorizationRuleId", "properties.serviceBusRuleId", "properties.marketplacePartnerId"}

func (t *Task) setting(ctx context.Context) (arm.ID, arm.Document, error) {
	where, body, err := t.bound(ctx)
	if err == nil {
		t.Where().References(sinks, body)
	}
	return where, body, err
}

func (restoreDiagnostics) Done(ctx context.Context, t *Task) (bool, error) {
	where, body, err := t.setting(ctx)
	if err != nil {
		return false, err
	}
	return t.stands(ctx, where, body)
}

func (restoreDiagnostics) Do(ctx context.Context, t *Task) error {
	where, body, err := t.setting(ctx)
	if err != nil {
		return err
	}
	_, err = t.Put(ctx, where, body)
	return err
}

// restoreAlert lets an alert rule watch the new ids.
type restoreAlert struct{ restoring }

func (t *Task) alert(ctx context.Context) (arm.ID, arm.Document, error) {
	id, err := t.Subject()
	if err != nil {
		return nil, nil, err
	}
	var kind aml.Alert
	for _, alert := range aml.Alerts() {
		if id.Type().Is(alert.Type) {
			kind = alert
		}
	}
	where, body, err := t.bound(ctx, kind.ReadOnly...)
	if err == nil {
		t.Where().References(kind.References, body)
	}
	return where, body, err
}

func (restoreAlert) Done(ctx context.Context, t *Task) (bool, error) {
	where, body, err := t.alert(ctx)
	if err != nil {
		return false, err
	}
	return t.stands(ctx, where, body)
}

func (restoreAlert) Do(ctx context.Context, t *Task) error {
	where, body, err := t.alert(ctx)
	if err != nil {
		return err
	}
	_, err = t.Put(ctx, where, body)
	return err
}
