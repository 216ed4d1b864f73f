package access

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/errs"
)

// Assignment gives a role to a principal at a scope and everything below it.
//
// A condition is kept and returned, and not evaluated: an assignment with a condition grants what it would grant without.
type Assignment struct {
	ID                                 string // full id
	Scope                              string
	PrincipalID                        string // object id
	PrincipalType                      string // User, Group, ServicePrincipal, ForeignGroup, Device
	RoleID                             string // full id of the role, or its guid
	Description                        string
	Condition                          string
	ConditionVersion                   string
	DelegatedManagedIdentityResourceID string
}

type assignmentDocument struct {
	Properties struct {
		RoleDefinitionID                   string          `json:"roleDefinitionId"`
		PrincipalID                        string          `json:"principalId"`
		PrincipalType                      string          `json:"principalType"`
		Description                        json.RawMessage `json:"description"`
		Condition                          *string         `json:"condition"`
		ConditionVersion                   *string         `json:"conditionVersion"`
		DelegatedManagedIdentityResourceID *string         `json:"delegatedManagedIdentityResourceId"`
	} `json:"properties"`
}

var principalTypes = []string{"User", "Group", "ServicePrincipal", "ForeignGroup", "Device"}

// ParseAssignment reads a role assignment as a client PUTs it. Its scope is the one in its id. The error lists every problem.
func ParseAssignment(id string, body []byte) (Assignment, error) {
	var d assignmentDocument
	if err := decode(body, &d); err != nil {
		return Assignment{}, err
	}
	p := d.Properties
	a := Assignment{ID: id, Scope: scopeOf(id), PrincipalID: p.PrincipalID, PrincipalType: p.PrincipalType, RoleID: p.RoleDefinitionID,
		Condition: value(p.Condition), ConditionVersion: value(p.ConditionVersion),
		DelegatedManagedIdentityResourceID: value(p.DelegatedManagedIdentityResourceID)}
	if len(p.Description) > 0 && json.Unmarshal(p.Description, &a.Description) != nil {
		a.Description = "" // az sends descriptions that are not strings; ARM drops them
	}
	var found problems
	if name := lastSegment(id); !isGUID(name) {
		found.add("InvalidRoleAssignmentId", "name", "The role assignment ID '%s' is not valid. The role assignment ID must be a GUID", name)
	}
	if !isGUID(p.PrincipalID) {
		found.add("InvalidPrincipalId", "properties.principalId", "A valid principal ID must be provided for role assignment")
	}
	if !isGUID(lastSegment(p.RoleDefinitionID)) {
		found.add("BadRequestFormat", "properties.roleDefinitionId", "the role definition ID '%s' does not end in a GUID", p.RoleDefinitionID)
	}
	if p.PrincipalType != "" && !slices.ContainsFunc(principalTypes, func(t string) bool { return strings.EqualFold(t, p.PrincipalType) }) {
		found.add("UnsupportedPrincipalType", "properties.principalType", "principals of type '%s' cannot validly be used in role assignments", p.PrincipalType)
	}
	if a.Condition == "" && a.ConditionVersion != "" {
		found.add("BadRequestFormat", "properties.condition", "a condition version needs a condition")
	}
	if a.Condition != "" && a.ConditionVersion == "" {
		found.add("BadRequestFormat", "properties.conditionVersion", "a condition needs a condition version")
	}
	return a, found.err(fmt.Sprintf("The role assignment '%s'", id))
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// CheckAssignment decides whether an assignment may be written beside the existing ones. role is nil when no such role exists.
// Writing the same assignment again under its own name is allowed: clients repeat PUT.
func CheckAssignment(a Assignment, role *Role, existing []Assignment) error {
	if role == nil {
		return errs.New(errs.NotFound, "RoleDefinitionDoesNotExist", "The specified role definition with ID '%s' does not exist.",
			strings.ReplaceAll(guidKey(a.RoleID), "-", "")).At(a.RoleID)
	}
	if !role.AssignableAt(a.Scope) {
		return errs.New(errs.Invalid, "InvalidRoleAssignment",
			"The role definition '%s' ('%s') cannot be assigned at scope '%s': its assignable scopes are '%s'.",
			role.Name, role.ID, a.Scope, strings.Join(role.AssignableScopes, "', '")).At(a.ID)
	}
	for _, other := range existing {
		same := strings.EqualFold(cleanScope(other.Scope), cleanScope(a.Scope)) &&
			strings.EqualFold(other.PrincipalID, a.PrincipalID) && guidKey(other.RoleID) == guidKey(a.RoleID)
		itself := strings.EqualFold(cleanScope(other.ID), cleanScope(a.ID))
		if same && !itself {
			return errs.New(errs.Conflict, "RoleAssignmentExists",
				"The role assignment already exists. The ID of the existing role assignment is %s.",
				strings.ReplaceAll(guidKey(other.ID), "-", "")).At(other.ID)
		}
		if itself && !same {
			return errs.New(errs.Denied, "RoleAssignmentUpdateNotPermitted",
				"Tenant ID, application ID, principal ID, and scope are not allowed to be updated.").At(other.ID)
		}
	}
	return nil
}
