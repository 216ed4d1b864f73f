package access

import (
	"net/http"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

// Grants answers who may do what where. It is built once from roles and assignments, never changes, and is safe to be asked from
// many goroutines. A question costs one map lookup and a walk over the principal's own assignments, and allocates nothing.
//
// The tenant root "/" covers everything. A management group covers only itself: which subscriptions it holds is not in a path.
type Grants struct {
	byPrincipal map[string][]grant // lower-case object id
}

type grant struct {
	scope string
	role  *compiledRole
}

type compiledRole struct {
	id          string
	permissions []Permission
	compiled    []wildcards
}

// NewGrants indexes assignments by principal. An assignment of a role that does not exist grants nothing.
func NewGrants(roles []Role, assignments []Assignment) *Grants {
	compiled := make(map[string]*compiledRole, len(roles))
	for _, r := range roles {
		c := &compiledRole{id: guidKey(r.ID), permissions: r.Permissions}
		for _, p := range r.Permissions {
			c.compiled = append(c.compiled, compilePermission(p))
		}
		compiled[c.id] = c
	}
	g := &Grants{byPrincipal: make(map[string][]grant)}
	for _, a := range assignments {
		if role := compiled[guidKey(a.RoleID)]; role != nil {
			key := strings.ToLower(a.PrincipalID)
			g.byPrincipal[key] = append(g.byPrincipal[key], grant{cleanScope(a.Scope), role})
		}
	}
	return g
}

// Allowed reports whether the principal may perform an action of the control plane at a scope. One assignment at the scope or above
// that allows it is enough; what another role's notActions take away does not matter.
func (g *Grants) Allowed(principal, action, scope string) bool {
	return g.allowed(principal, action, scope, wildcards.allows)
}

// AllowedData is Allowed for an action of the data plane.
func (g *Grants) AllowedData(principal, action, scope string) bool {
	return g.allowed(principal, action, scope, wildcards.allowsData)
}

func (g *Grants) allowed(principal, action, scope string, allows func(wildcards, string) bool) bool {
	scope = cleanScope(scope)
	for _, held := range g.byPrincipal[strings.ToLower(principal)] {
		if !within(scope, held.scope) {
			continue
		}
		for _, w := range held.role.compiled {
			if allows(w, action) {
				return true
			}
		}
	}
	return false
}

// Below reports whether the principal has a role at something below a scope, whatever it allows.
func (g *Grants) Below(principal, scope string) bool {
	scope = cleanScope(scope)
	return slices.ContainsFunc(g.byPrincipal[strings.ToLower(principal)], func(held grant) bool {
		return within(held.scope, scope) && !within(scope, held.scope)
	})
}

// Around reports whether the principal has a role at a scope, above it or below it.
func (g *Grants) Around(principal, scope string) bool {
	scope = cleanScope(scope)
	return slices.ContainsFunc(g.byPrincipal[strings.ToLower(principal)], func(held grant) bool {
		return within(held.scope, scope) || within(scope, held.scope)
	})
}

// Permissions lists what the principal holds at a scope, each role once, in the order of its assignments.
func (g *Grants) Permissions(principal, scope string) []Permission {
	scope = cleanScope(scope)
	permissions := []Permission{}
	var seen []string
	for _, held := range g.byPrincipal[strings.ToLower(principal)] {
		if within(scope, held.scope) && !slices.Contains(seen, held.role.id) {
			seen = append(seen, held.role.id)
			permissions = append(permissions, held.role.permissions...)
		}
	}
	return permissions
}

// ActionOf names the action that a request asks for: Type/read, /write, /delete, and for POST Type/verb/action. Groups have the
// name that Azure's permissions give them.
func ActionOf(method string, t arm.Type, verb string) string {
	name := string(policyType(t))
	switch method {
	case http.MethodGet, http.MethodHead:
		return name + "/read"
	case http.MethodDelete:
		return name + "/delete"
	case http.MethodPost:
		return name + "/" + verb + "/action"
	}
	return name + "/write"
}

// Forbidden is ARM's answer to a principal without the right. client is the application id or user name, object the object id.
func Forbidden(client, object, action, scope string) *errs.Error {
	return errs.New(errs.Denied, "AuthorizationFailed",
		"The client '%s' with object id '%s' does not have authorization to perform action '%s' over scope '%s' or the scope is invalid. "+
			"If access was recently granted, please refresh your credentials.", client, object, action, scope)
}

// ForeignTenant is ARM's answer when a request also touches a subscription of another tenant.
func ForeignTenant(client, object, action, scope, tenant, subscription string) *errs.Error {
	return errs.New(errs.Denied, "LinkedAuthorizationFailed",
		"The client '%s' with object id '%s' has permission to perform action '%s' on scope '%s'; however, the current tenant '%s' is not authorized to access linked subscription '%s', which is in another tenant.",
		client, object, action, scope, tenant, subscription)
}

// LinkedForbidden is ARM's answer when the right is there on the scope of the request and missing on another scope that the request
// also touches: the target group of a move, a subnet, an identity.
func LinkedForbidden(client, object, action, scope, linkedAction, linkedScope string) *errs.Error {
	return errs.New(errs.Denied, "LinkedAuthorizationFailed",
		"The client '%s' with object id '%s' has permission to perform action '%s' on scope '%s'; however, it does not have permission "+
			"to perform action(s) '%s' on the linked scope(s) '%s' (respectively) or the linked scope(s) are invalid.",
		client, object, action, scope, linkedAction, linkedScope).At(linkedScope)
}
