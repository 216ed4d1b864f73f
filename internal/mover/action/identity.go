package action

import (
	"context"
	"fmt"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// compareIdentities remarks that a resource that was made again has another system-assigned identity, and which roles the old one had: nobody but their givers may give them again.
func (t *Task) compareIdentities(ctx context.Context, original, now arm.Document) error {
	was, is := original.Text("identity.principalId"), now.Text("identity.principalId")
	if was == "" || is == was {
		return nil
	}
	name := now.Text("name")
	if err := t.Remark(ctx, Differs, fmt.Sprintf("%s has a new system-assigned identity: %s; it was %s", name, is, was)); err != nil {
		return err
	}
	roles, err := t.rolesOf(ctx, was)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("give the identity %s of %s the roles that %s had", is, name, was)
	if len(roles) == 0 {
		return t.Remark(ctx, ToDo, text+", if it had any: the snapshot has none of them")
	}
	return t.Remark(ctx, ToDo, text+": "+strings.Join(roles, "; "))
}

// rolesOf words the role assignments of a principal that the snapshot knows, each with the scope where it is now.
func (t *Task) rolesOf(ctx context.Context, principal string) ([]string, error) {
	var roles []string
	for d, err := range t.Before.Of(ctx, snapshot.Source, aml.RoleAssignments) {
		if err != nil {
			return nil, err
		}
		doc, err := arm.ParseDocument(d.Body)
		if err != nil {
			return nil, err
		}
		if !strings.EqualFold(doc.Text("properties.principalId"), principal) {
			continue
		}
		id, err := arm.Parse(d.ID)
		if err != nil {
			return nil, err
		}
		role, err := t.roleName(ctx, doc.Text("properties.roleDefinitionId"))
		if err != nil {
			return nil, err
		}
		roles = append(roles, role+" on "+t.Where().ID(id.Scope()).String())
	}
	return roles, nil
}

// roleName is what people call a role; its id when nobody can say. The snapshot has custom roles only.
func (t *Task) roleName(ctx context.Context, definition string) (string, error) {
	id, err := arm.Parse(definition)
	if err != nil {
		return definition, nil //nolint:nilerr // it is only shown
	}
	doc, err := t.Original(ctx, id)
	if errs.Is(err, errs.NotFound) {
		doc, _, err = t.Read(ctx, id)
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if name := doc.Text("properties.roleName"); err == nil && name != "" {
		return name, nil
	}
	return id.Name(), nil
}
