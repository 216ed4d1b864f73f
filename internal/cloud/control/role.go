package control

import (
	"context"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/access"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// A role definition is one for the whole directory, whatever scope it was written at: it shows at every scope where it may be assigned, under the subscription of the
// question. Clients join the assignments of a scope with the roles of that scope by these ids.

// isRole reports whether documents of a type are role definitions.
func isRole(entry *provider.Type) bool { return entry.Name.Is(access.RoleDefinitionType) }

// shownAs is the id under which a document shows to who asks at a scope.
func shownAs(entry *provider.Type, id, scope arm.ID) arm.ID {
	if !isRole(entry) {
		return id
	}
	return scope.SubscriptionID().Child(tenantID(entry, id.Name())[0])
}

// assignable reports whether a role may be assigned at a scope or, when below is set, somewhere below it.
func assignable(role map[string]any, scope arm.ID, below bool) bool {
	scopes, _ := tree.Get(role, "properties.assignableScopes").([]any)
	for _, item := range scopes {
		text, _ := item.(string)
		if access.Within(scope.String(), text) || below && access.Within(text, scope.String()) {
			return true
		}
	}
	return false
}

// everyRole is the range of all role definitions that somebody wrote.
func everyRole(entry *provider.Type) store.ExtensionRange {
	return store.ExtensionRange{Scope: "/", Below: true, Type: string(entry.Name), Limit: maxPageSize}
}

// findRole finds the role definition of a name wherever it was written, if it may be assigned at a scope or below it.
func (e *Engine) findRole(ctx context.Context, r store.Reader, entry *provider.Type, id arm.ID) (store.Extension, error) {
	for chunk := everyRole(entry); ; {
		exts, err := r.Extensions(ctx, chunk)
		if err != nil {
			return store.Extension{}, err
		}
		for _, ext := range exts {
			chunk.AfterScope, chunk.AfterType, chunk.AfterName = ext.Scope, ext.Type, ext.Name
			if !strings.EqualFold(ext.Name, id.Name()) {
				continue
			}
			doc, err := tree.DecodeExtension(ext)
			if err != nil {
				return store.Extension{}, err
			}
			if assignable(doc.Public, id.Scope(), true) {
				return ext, nil
			}
		}
		if len(exts) < chunk.Limit {
			return store.Extension{}, errs.New(errs.NotFound, "RoleDefinitionDoesNotExist", "The specified role definition with ID '%s' does not exist.", id.Name()).At(id.String())
		}
	}
}

// roleElsewhere refuses to delete a role at a scope where it shows and was not written: an answer never pretends that it is gone. A role of Azure stays as well.
func (e *Engine) roleElsewhere(ctx context.Context, r store.Reader, entry *provider.Type, id arm.ID) error {
	if builtIn(entry, id.Name()) != nil {
		return access.CheckRoleRemoval(access.Role{ID: id.Name(), Name: id.Name(), Kind: access.BuiltInRole}, nil)
	}
	ext, err := e.findRole(ctx, r, entry, id)
	if errs.Is(err, errs.NotFound) {
		return nil // of nothing: done already
	}
	if err != nil {
		return err
	}
	return errs.New(errs.Conflict, "RoleDefinitionExists", "The role definition '%s' was made at the scope '%s': delete it there.", id.Name(), ext.Scope).At(id.String())
}
