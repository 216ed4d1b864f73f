package action

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
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

// restoreRole makes a role assignment at the new scope (S16). Its name is made of scope, principal and role, so that doing it twice is doing it once.
type restoreRole struct{ restoring }

// assignment is a role assignment as it shall be.
type assignment struct {
	scope arm.ID
	body  arm.Document
}

func (t *Task) assignment(ctx context.Context) (a assignment, err error) {
	id, err := t.Subject()
	if err != nil {
		return a, err
	}
	original, err := t.Original(ctx, id)
	if err != nil {
		return a, err
	}
	a.scope = t.Where().ID(id.Scope())
	properties := map[string]any{}
	for _, name := range []string{"principalId", "principalType", "condition", "conditionVersion", "description", "delegatedManagedIdentityResourceId"} {
		if value, there := original.At("properties." + name); there && value != nil {
			properties[name] = value
		}
	}
	role, err := arm.Parse(original.Text("properties.roleDefinitionId"))
	if err != nil {
		return a, errs.Wrap(errs.Invalid, "RoleUnreadable", err, "the role of the assignment %s cannot be read", id.Name()).At(id.String())
	}
	// A role is the tenant's, named below a subscription: that of the scope.
	properties["roleDefinitionId"] = a.scope.SubscriptionID().Child(arm.Hop{Namespace: "Microsoft.Authorization", Type: "roleDefinitions", Name: role.Name()}).String()
	a.body = arm.Document{"properties": properties}
	return a, nil
}

// name is the same whenever the same principal gets the same role at the same scope.
func (a assignment) name() string {
	key := strings.ToLower(a.scope.String() + "|" + a.body.Text("properties.principalId") + "|" + a.body.Text("properties.roleDefinitionId"))
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(key)).String()
}

func (a assignment) id() arm.ID {
	return a.scope.Child(arm.Hop{Namespace: "Microsoft.Authorization", Type: "roleAssignments", Name: a.name()})
}

// Done looks for any assignment of the same role to the same principal at the very scope, whatever its name; or goes by the journal, when a person has been told what to do.
func (restoreRole) Done(ctx context.Context, t *Task) (bool, error) {
	if cursor, err := t.Journal.Cursor(ctx, t.Step.ID); cursor == asked || err != nil {
		return cursor == asked, err
	}
	a, err := t.assignment(ctx)
	if err != nil {
		return false, err
	}
	found := false
	err = t.List(ctx, a.scope.String()+"/providers/"+string(aml.RoleAssignments), a.id(), func(now arm.Document) error {
		scope, err := arm.Parse(now.Text("properties.scope"))
		found = found || err == nil && scope.Equal(a.scope) && strings.EqualFold(now.Text("properties.principalId"), a.body.Text("properties.principalId")) &&
			strings.EqualFold(lastName(now.Text("properties.roleDefinitionId")), lastName(a.body.Text("properties.roleDefinitionId")))
		return nil
	})
	return found, err
}

func lastName(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

func (restoreRole) Do(ctx context.Context, t *Task) error {
	a, err := t.assignment(ctx)
	if err != nil {
		return err
	}
	_, err = t.Put(ctx, a.id(), a.body)
	e := errs.As(err)
	switch {
	case e == nil:
		return err
	case e.Code == "RoleAssignmentExists":
		return nil
	case e.Code == "PrincipalNotFound" || e.Code == "InvalidPrincipalId" || e.Code == "RoleDefinitionDoesNotExist" || strings.Contains(e.Code, "AssignableScope") || e.Code == "RoleDefinitionNotAssignable":
		text := "the role assignment of " + a.body.Text("properties.principalId") + " (role " + lastName(a.body.Text("properties.roleDefinitionId")) + ") on " + a.scope.Name() + " cannot be made again: " + e.Message
		if err := t.Remark(ctx, ToDo, text); err != nil {
			return err
		}
		return t.Journal.Advance(ctx, t.Step.ID, asked)
	}
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

// restoreAlert lets a metric alert watch the new ids.
type restoreAlert struct{ restoring }

func (t *Task) alert(ctx context.Context) (arm.ID, arm.Document, error) {
	where, body, err := t.bound(ctx)
	if err == nil {
		t.Where().References([]string{"properties.scopes.*"}, body)
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
