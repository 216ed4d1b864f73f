package action

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

// restoreRole makes a role assignment at the new scope (S16). Its name is made of scope, principal and role, so that doing it twice is doing it once.
type restoreRole struct{ restoring }

// assignment is a role assignment as it shall be.
type assignment struct {
	scope arm.ID
	role  arm.ID // as the original names it
	body  arm.Document
	same  string // the name that it had, when it is made again where it was
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
	if t.Back {
		a.same = id.Name()
	}
	properties := map[string]any{}
	for _, name := range []string{"principalId", "principalType", "condition", "conditionVersion", "description", "delegatedManagedIdentityResourceId"} {
		if value, there := original.At("properties." + name); there && value != nil {
			properties[name] = value
		}
	}
	if a.role, err = arm.Parse(original.Text("properties.roleDefinitionId")); err != nil {
		return a, errs.Wrap(errs.Invalid, "RoleUnreadable", err, "the role of the assignment %s cannot be read", id.Name()).At(id.String())
	}
	// A role is the tenant's, named below a subscription: that of the scope.
	properties["roleDefinitionId"] = a.scope.SubscriptionID().Child(arm.Hop{Namespace: "Microsoft.Authorization", Type: "roleDefinitions", Name: a.role.Name()}).String()
	a.body = arm.Document{"properties": properties}
	return a, nil
}

// name is the same whenever the same principal gets the same role at the same scope.
func (a assignment) name() string {
	if a.same != "" {
		return a.same
	}
	key := strings.ToLower(a.scope.String() + "|" + a.body.Text("properties.principalId") + "|" + a.body.Text("properties.roleDefinitionId"))
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(key)).String()
}

func (a assignment) id() arm.ID {
	return a.scope.Child(arm.Hop{Namespace: "Microsoft.Authorization", Type: "roleAssignments", Name: a.name()})
}

// Done looks for any assignment of the same role to the same principal at the very scope, whatever its name; or goes by the journal, when a person was told that it cannot be made: that is
// an end, for it would be the same however often it is tried.
func (restoreRole) Done(ctx context.Context, t *Task) (bool, error) {
	if cursor, err := t.Journal.Cursor(ctx, t.Step.ID); cursor == asked || err != nil {
		return cursor == asked, err
	}
	a, err := t.assignment(ctx)
	if err != nil {
		return false, err
	}
	found := false
	err = t.List(ctx, a.scope.String()+"/providers/"+string(aml.RoleAssignments)+"?$filter=atScope()", a.id(), func(now arm.Document) error {
		scope, err := arm.Parse(now.Text("properties.scope"))
		found = found || err == nil && scope.Equal(a.scope) && strings.EqualFold(now.Text("properties.principalId"), a.body.Text("properties.principalId")) &&
			strings.EqualFold(lastName(now.Text("properties.roleDefinitionId")), lastName(a.body.Text("properties.roleDefinitionId")))
		return nil
	})
	return found, err
}

func lastName(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// unmakeable are the refusals that no repeat mends: the principal was deleted, or a custom role may not be assigned there.
var unmakeable = []string{"PrincipalNotFound", "InvalidPrincipalId", "RoleDefinitionDoesNotExist", "RoleAssignmentScopeNotAssignableToRoleDefinition"}

func (restoreRole) Do(ctx context.Context, t *Task) error {
	a, err := t.assignment(ctx)
	if err != nil {
		return err
	}
	if why, err := t.unassignable(ctx, a); err != nil || why != "" {
		return t.leaveRole(ctx, a, why, err)
	}
	_, err = t.Put(ctx, a.id(), a.body)
	switch e := errs.As(err); {
	case e == nil:
		return err
	case e.Code == "RoleAssignmentExists":
		return nil
	case slices.Contains(unmakeable, e.Code):
		return t.leaveRole(ctx, a, e.Message, nil)
	}
	return err
}

// unassignable says why the role cannot be assigned at the scope: a custom role names the scopes at which it may be. A role that cannot be read is left to ARM's judgement.
func (t *Task) unassignable(ctx context.Context, a assignment) (string, error) {
	role, found, err := t.Read(ctx, a.role)
	if err != nil && !errs.Is(err, errs.Denied) {
		return "", err
	}
	scopes := role.Texts("properties.assignableScopes")
	if !found || !strings.EqualFold(role.Text("properties.type"), "CustomRole") || slices.ContainsFunc(scopes, a.coveredBy) {
		return "", nil
	}
	return "the custom role " + role.Text("properties.roleName") + " may be assigned only at " + strings.Join(scopes, ", "), nil
}

// coveredBy reports whether an assignable scope holds that of the assignment. Whether a management group does is ARM's to judge.
func (a assignment) coveredBy(text string) bool {
	scope, err := arm.Parse(text)
	return err != nil || len(scope) == 0 || a.scope.Within(scope) || strings.EqualFold(scope.Type().Namespace(), "Microsoft.Management")
}

// leaveRole remarks that an assignment is a person's to make.
func (t *Task) leaveRole(ctx context.Context, a assignment, why string, err error) error {
	if err != nil {
		return err
	}
	text := "the role assignment of " + a.body.Text("properties.principalId") + " (role " + lastName(a.body.Text("properties.roleDefinitionId")) + ") on " + a.scope.Name() + " cannot be made again: " + why
	if err := t.Remark(ctx, ToDo, text); err != nil {
		return err
	}
	return t.Journal.Advance(ctx, t.Step.ID, asked)
}
