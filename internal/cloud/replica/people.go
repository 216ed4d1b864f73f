package replica

import (
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/access"
	"github.com/amlmove/amlmove/internal/cloud/fixture"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// callerName is the name of whoever captured the original.
const callerName = "caller"

// people is who appears in the snapshot.
type people struct {
	roles   map[string]bool // definitions that are there, by guid
	rights  []right         // what the caller may do, and where
	granted bool            // the caller's rights are among the role assignments
}

// right is what the caller may do at a scope.
type right struct {
	scope               string
	actions, notActions []string
}

type role struct {
	Name       string   `json:"name"`
	Scopes     []string `json:"scopes"`
	Actions    []string `json:"actions"`
	NotActions []string `json:"notActions"`
}

type person struct {
	Name     string  `json:"name"`
	Tenant   string  `json:"tenant"`
	Kind     string  `json:"kind"`
	ObjectID string  `json:"objectId"`
	Roles    []grant `json:"roles,omitempty"`
}

type grant struct {
	Role  string `json:"role"`
	Scope string `json:"scope"`
}

// permission notes what the caller may do at a scope.
func (l *loading) permission(d snapshot.Document, body arm.Document) {
	scope, _, _ := strings.Cut(d.ID, "/providers/"+string(aml.Permissions))
	l.people.rights = append(l.people.rights, right{scope, body.Texts("actions"), body.Texts("notActions")})
}

// extension takes over what is bound to a scope, where the scope is in the replica.
func (l *loading) extension(id arm.ID, d snapshot.Document) error {
	if id.Type().Is(aml.PolicyDefinitions) || id.Type().Is(aml.PolicySetDefinitions) || id.Type().Is(aml.RoleDefinitions) {
		if id.Subscription() == "" {
			return l.tenantWide(id, d)
		}
	}
	if id.Subscription() == "" {
		l.leave(d.ID, "it is bound to a management group or a tenant, of which the replica has none")
		return nil
	}
	doc, err := parse(d, nil)
	if err != nil {
		return err
	}
	if id.Type().Is(aml.RoleDefinitions) {
		l.people.roles[strings.ToLower(id.Name())] = true
	}
	if id.Type().Is(aml.RoleAssignments) && strings.EqualFold(arm.Document(doc.Doc.Public).Text("properties.principalId"), l.snap.Header.ObjectID) {
		l.people.granted = true
	}
	l.extensions[id.Key()] = doc
	return nil
}

// tenantWide leaves out definitions of the tenant, unless the cloud brings them along itself.
func (l *loading) tenantWide(id arm.ID, d snapshot.Document) error {
	entry, err := l.target.Types.Find(id.Type())
	if err != nil {
		return err
	}
	if entry.BuiltIn != nil {
		for _, b := range entry.BuiltIn() {
			if strings.EqualFold(b.Name, id.Name()) {
				return nil
			}
		}
	}
	l.leave(d.ID, "it is a definition of the tenant or of a management group that the cloud does not bring along")
	return nil
}

// persons are the principals of the replica: the caller. Others are only named, and need not sign in. A caller whose rights do not stand in the role assignments (they come
// from a group, or from above the subscription) gets them by a role of the replica's own.
func (l *loading) persons() ([]role, []person) {
	h := l.snap.Header
	caller := person{Name: callerName, Tenant: h.TenantID, Kind: identity.ServicePrincipal, ObjectID: h.ObjectID}
	var roles []role
	switch {
	case l.options.AsOwner:
		for _, key := range slices.Sorted(maps.Keys(l.subscriptions)) {
			caller.Roles = append(caller.Roles, grant{"Owner", arm.ID{{Type: arm.Subscriptions, Name: l.subscriptions[key].ID}}.String()})
		}
	case !l.people.granted:
		for _, r := range l.people.rights {
			scope := r.scope
			if id, err := arm.Parse(scope); err != nil || l.resources[id.Key()].ID == nil && len(id) > 1 {
				continue
			}
			own := role{Name: "Rights of the caller " + uuid.NewSHA1(uuid.NameSpaceOID, []byte(strings.ToLower(scope)+strings.Join(r.actions, " "))).String(),
				Scopes: []string{scope}, Actions: r.actions, NotActions: r.notActions}
			if !slices.ContainsFunc(roles, func(other role) bool { return other.Name == own.Name }) {
				roles = append(roles, own)
				caller.Roles = append(caller.Roles, grant{own.Name, scope})
			}
		}
	}
	l.nameRoles()
	return roles, []person{caller}
}

// nameRoles makes definitions of the roles that assignments name and nobody described: of what they allow nothing is known, but giving them again must be possible.
func (l *loading) nameRoles() {
	l.oneOfEachRole()
	for _, r := range access.BuiltInRoles() {
		l.people.roles[strings.ToLower(r.ID)] = true
	}
	for _, key := range slices.Sorted(maps.Keys(l.extensions)) {
		d := l.extensions[key]
		text := arm.Document(d.Doc.Public).Text("properties.roleDefinitionId")
		name := strings.ToLower(text[strings.LastIndexByte(text, '/')+1:])
		if !d.ID.Type().Is(aml.RoleAssignments) || name == "" || l.people.roles[name] {
			continue
		}
		l.people.roles[name] = true
		id := d.ID.SubscriptionID().Child(arm.Hop{Namespace: "Microsoft.Authorization", Type: "roleDefinitions", Name: name})
		properties := map[string]any{"roleName": "Role " + name, "type": "BuiltInRole", "description": "Named by an assignment; what it allows was not captured.",
			"assignableScopes": []any{"/"}, "permissions": []any{}}
		l.extensions[id.Key()] = fixture.Document{ID: id, Doc: standIn("", properties)}
		l.standIns = append(l.standIns, id.String())
	}
}

// oneOfEachRole leaves one document of each role: a role that may be assigned at both ends was read at both, under two ids.
func (l *loading) oneOfEachRole() {
	seen := map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(l.extensions)) {
		id := l.extensions[key].ID
		if !id.Type().Is(aml.RoleDefinitions) {
			continue
		}
		name := strings.ToLower(id.Name())
		if seen[name] {
			delete(l.extensions, key)
		}
		seen[name] = true
	}
}
