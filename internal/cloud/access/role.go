package access

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/errs"
)

// Kinds of roles, in ARM's spelling.
const (
	BuiltInRole = "BuiltInRole"
	CustomRole  = "CustomRole"
)

// RoleDefinitionType is the resource type of a role.
const RoleDefinitionType = "Microsoft.Authorization/roleDefinitions"

// Role is what a principal may do where the role is assigned to it.
type Role struct {
	ID               string // guid
	Name             string // for people: Contributor
	Description      string
	Kind             string // BuiltInRole or CustomRole
	Permissions      []Permission
	AssignableScopes []string
}

// Permission is one block of a role. It is kept in its wire form: Microsoft.Authorization/permissions returns it as it is.
type Permission struct {
	Actions        []string `json:"actions"`
	NotActions     []string `json:"notActions"`
	DataActions    []string `json:"dataActions"`
	NotDataActions []string `json:"notDataActions"`
}

// Allows reports whether the permission contains an action of the control plane. Case does not matter; notActions take away from
// the actions of this permission only. To ask often, build Grants.
func (p Permission) Allows(action string) bool { return compilePermission(p).allows(action) }

// AllowsData is Allows for an action of the data plane.
func (p Permission) AllowsData(action string) bool { return compilePermission(p).allowsData(action) }

// AssignableAt reports whether the role may be assigned at a scope.
func (r Role) AssignableAt(scope string) bool {
	return slices.ContainsFunc(r.AssignableScopes, func(s string) bool { return Within(scope, s) })
}

type roleDocument struct {
	ID         string         `json:"id,omitempty"`
	Type       string         `json:"type,omitempty"`
	Name       string         `json:"name,omitempty"`
	Properties roleProperties `json:"properties"`
}

type roleProperties struct {
	RoleName         string       `json:"roleName"`
	Type             string       `json:"type"`
	Description      string       `json:"description"`
	AssignableScopes []string     `json:"assignableScopes"`
	Permissions      []Permission `json:"permissions"`
}

// Document renders the role as ARM returns it to a client who asked at a scope: the id of a role repeats the scope of the
// question, except at the tenant.
func (r Role) Document(scope string) json.RawMessage {
	scope = cleanScope(scope)
	if scope == "/" {
		scope = ""
	}
	doc := roleDocument{ID: scope + "/providers/" + RoleDefinitionType + "/" + r.ID, Type: RoleDefinitionType, Name: r.ID,
		Properties: roleProperties{r.Name, r.Kind, r.Description, orEmpty(r.AssignableScopes), nil}}
	doc.Properties.Permissions = make([]Permission, 0, len(r.Permissions))
	for _, p := range r.Permissions {
		doc.Properties.Permissions = append(doc.Properties.Permissions,
			Permission{orEmpty(p.Actions), orEmpty(p.NotActions), orEmpty(p.DataActions), orEmpty(p.NotDataActions)})
	}
	return encode(doc)
}

// orEmpty makes lists render as [] and never as null: clients iterate over them.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

//go:embed builtin/roles.json
var builtInRoles []byte

// BuiltInRoles returns the roles of Azure that a move meets, with Azure's ids and actions (learn.microsoft.com, built-in roles).
// Each call returns fresh values.
func BuiltInRoles() []Role {
	var docs []roleDocument
	if err := json.Unmarshal(builtInRoles, &docs); err != nil {
		panic("builtin/roles.json: " + err.Error())
	}
	roles := make([]Role, len(docs))
	for i, d := range docs {
		roles[i] = d.role(d.Name)
	}
	return roles
}

func (d roleDocument) role(guid string) Role {
	p := d.Properties
	return Role{ID: guid, Name: p.RoleName, Description: p.Description, Kind: p.Type, Permissions: p.Permissions,
		AssignableScopes: p.AssignableScopes}
}

// ParseRole reads a custom role as a client PUTs it. id is the guid or the full id of the role. The error lists every problem.
func ParseRole(id string, body []byte) (Role, error) {
	var d roleDocument
	if err := decode(body, &d); err != nil {
		return Role{}, err
	}
	var found problems
	guid := guidKey(id)
	if !isGUID(guid) {
		found.add("InvalidRoleDefinitionId", "name", "the role definition ID '%s' must be a GUID", guid)
	}
	p := d.Properties
	if strings.TrimSpace(p.RoleName) == "" {
		found.add("InvalidRoleDefinition", "properties.roleName", "the name of the role is missing")
	} else if len(p.RoleName) > 512 {
		found.add("InvalidRoleDefinition", "properties.roleName", "the name of the role is longer than 512 characters")
	}
	if len(p.Description) > 2048 {
		found.add("InvalidRoleDefinition", "properties.description", "the description is longer than 2048 characters")
	}
	if p.Type != "" && !strings.EqualFold(p.Type, CustomRole) {
		found.add("InvalidRoleDefinition", "properties.type", "the type '%s' is not CustomRole", p.Type)
	}
	checkAssignableScopes(p, &found)
	if len(p.Permissions) == 0 {
		found.add("InvalidRoleDefinition", "properties.permissions", "a role needs at least one permission")
	}
	for i, permission := range p.Permissions {
		checkPermission(fmt.Sprintf("properties.permissions[%d]", i), permission, &found)
	}
	if err := found.err(fmt.Sprintf("The role definition '%s'", id)); err != nil {
		return Role{}, err
	}
	role := d.role(guid)
	role.Kind = CustomRole
	return role, nil
}

// assignable is a scope that a custom role may name: a subscription, a group or a management group; the root is for built-in roles.
var assignable = regexp.MustCompile(`(?i)^(/subscriptions/[^/]+(/resourceGroups/[^/]+)?|/providers/Microsoft\.Management/managementGroups/[^/]+)$`)

func checkAssignableScopes(p roleProperties, found *problems) {
	if len(p.AssignableScopes) == 0 {
		found.add("InvalidRoleDefinition", "properties.assignableScopes", "a custom role needs at least one assignable scope")
	}
	for i, scope := range p.AssignableScopes {
		if !assignable.MatchString(cleanScope(scope)) || strings.Contains(scope, "*") {
			found.add("InvalidRoleDefinition", fmt.Sprintf("properties.assignableScopes[%d]", i),
				"the scope '%s' is not a subscription, resource group or management group", scope)
		}
	}
}

// actionForm is the form of an action. Which actions a provider has is not known here; Azure would refuse unknown ones.
var actionForm = regexp.MustCompile(`^(\*|[A-Za-z0-9.*]+(/[A-Za-z0-9._*-]+)+)$`)

func checkPermission(path string, p Permission, found *problems) {
	lists := []struct {
		name    string
		actions []string
	}{{"actions", p.Actions}, {"notActions", p.NotActions}, {"dataActions", p.DataActions}, {"notDataActions", p.NotDataActions}}
	for _, list := range lists {
		for i, a := range list.actions {
			if !actionForm.MatchString(a) {
				found.add("InvalidActionOrNotAction", fmt.Sprintf("%s.%s[%d]", path, list.name, i),
					"'%s' does not match any of the actions supported by the providers", a)
			}
		}
	}
}

// CheckRole decides whether a custom role may be written beside the existing ones. replaces says that it is the role at this very scope that is written
// again. A role is one for the whole directory, whatever scope it was written at: whoever could write a second one under its id would decide what the
// first one means. Nor may it have the name of another.
func CheckRole(r Role, existing []Role, replaces bool) error {
	for _, other := range existing {
		switch same := guidKey(other.ID) == guidKey(r.ID); {
		case same && other.Kind != CustomRole:
			return errs.New(errs.Denied, "RoleDefinitionCannotBeUpdated", "The built-in role '%s' cannot be changed. Use another id for a role of your own.", other.Name).At(r.ID)
		case same && !replaces:
			return errs.New(errs.Conflict, "RoleDefinitionExists",
				"A role definition with the id '%s' already exists at another scope: its assignable scopes are '%s'. Change it where it was made, or use another id.",
				r.ID, strings.Join(other.AssignableScopes, "', '")).At(r.ID)
		case !same && strings.EqualFold(other.Name, r.Name):
			return errs.New(errs.Conflict, "RoleDefinitionWithSameNameExists",
				"A custom role with the same name already exists in this directory. Use a different name.").At(other.ID)
		}
	}
	return nil
}

// CheckRoleRemoval refuses to remove a built-in role, or one that is assigned.
func CheckRoleRemoval(r Role, assignments []Assignment) error {
	if r.Kind != CustomRole {
		return errs.New(errs.Denied, "RoleDefinitionCannotBeDeleted", "The built-in role '%s' cannot be deleted.", r.Name).At(r.ID)
	}
	for _, a := range assignments {
		if guidKey(a.RoleID) == strings.ToLower(r.ID) {
			return errs.New(errs.Invalid, "RoleDefinitionHasAssignments",
				"There are existing role assignments referencing role (id: '%s').", r.ID).At(a.ID)
		}
	}
	return nil
}
