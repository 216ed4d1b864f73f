package authorization

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/access"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// Types are the entries of the namespace in the provider table.
func Types() []provider.Type {
	policyVersions := []string{"2025-03-01", "2024-05-01", "2023-04-01", "2022-06-01", "2021-06-01", "2020-09-01", "2019-09-01"}
	roleVersions := []string{"2022-04-01", "2020-10-01-preview", "2020-04-01-preview", "2018-01-01-preview", "2015-07-01"}
	return []provider.Type{
		{Name: RoleDefinitions, Versions: append([]string{"2022-05-01-preview"}, roleVersions...), Extension: true, Bumps: true, NoPatch: true, Updated: http.StatusCreated,
			BuiltIn: builtInRoleDocuments, Put: putRole, Get: nameRole, Delete: deleteRole},
		{Name: RoleAssignments, Versions: roleVersions, Extension: true, Bumps: true, NoPatch: true, Put: putAssignment, Get: scopeOfDocument},
		{Name: Locks, Versions: []string{"2020-05-01", "2017-04-01", "2016-09-01", "2015-01-01"}, Extension: true, Bumps: true, NoPatch: true, Put: checked(access.ParseLock)},
		{Name: PolicyDefinitions, Versions: policyVersions, Extension: true, Bumps: true, NoPatch: true, Updated: http.StatusCreated,
			BuiltIn: builtInPolicyDocuments, Put: putDefinition, Delete: deleteDefinition},
		{Name: PolicySetDefinitions, Versions: policyVersions, Extension: true, Bumps: true, NoPatch: true, Put: putInitiative, Delete: deleteDefinition},
		{Name: PolicyAssignments, Versions: policyVersions, Extension: true, Bumps: true, Updated: http.StatusCreated, Put: putPolicyAssignment, Get: scopeOfDocument},
		{Name: PolicyExemptions, Versions: []string{"2022-07-01-preview", "2020-07-01-preview"}, Extension: true, Bumps: true, Put: checked(access.ParseExemption)},
	}
}

// body is the document of a call as the parsers read it.
func body(c *provider.Call) []byte {
	raw, _ := json.Marshal(c.Doc.Public) // came from JSON: cannot fail
	return raw
}

// checked judges a document by its parser alone.
func checked[T any](parse func(string, []byte) (T, error)) func(*provider.Call) error {
	return func(c *provider.Call) error {
		_, err := parse(idText(c.ID), body(c))
		return err
	}
}

// putRole judges a custom role.
func putRole(c *provider.Call) error {
	props := c.Props()
	props["type"] = access.CustomRole
	role, err := access.ParseRole(idText(c.ID), body(c))
	if err != nil {
		return err
	}
	rules, err := Load(c.Ctx, c.Read)
	if err != nil {
		return err
	}
	if err := access.CheckRole(role, named(c, rules.Roles), c.Old != nil); err != nil {
		return err
	}
	const write = RoleDefinitions + "/write"
	for _, scope := range role.AssignableScopes {
		if on, err := arm.Parse(scope); err == nil && !c.Allowed(write, on) {
			return access.LinkedForbidden(c.Caller.Client(), c.Caller.ObjectID, write, c.ID.Scope().String(), write, scope)
		}
	}
	return nil
}

// named are roles as the tenant of a call knows them: one of another tenant, whose scopes are there, keeps its id from others and not its name.
func named(c *provider.Call, roles []access.Role) []access.Role {
	known := slices.Clone(roles)
	for i, role := range known {
		foreign := slices.ContainsFunc(role.AssignableScopes, func(scope string) bool {
			on, err := arm.Parse(scope)
			return err == nil && c.Linked(on) != nil
		})
		if foreign {
			known[i].Name = ""
		}
	}
	return known
}

func lastWord(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// nameRole renders the role's type in the document of a custom role.
func nameRole(c *provider.Call) error {
	c.Props()["type"] = access.CustomRole
	return nil
}

// deleteRole refuses to remove a role that is assigned.
func deleteRole(c *provider.Call) error {
	role, err := access.ParseRole(idText(c.ID), body(c))
	if err != nil {
		return err
	}
	rules, err := Load(c.Ctx, c.Read)
	if err != nil {
		return err
	}
	return access.CheckRoleRemoval(role, rules.Assignments)
}

// putAssignment judges a role assignment and completes it.
func putAssignment(c *provider.Call) error {
	assignment, err := access.ParseAssignment(idText(c.ID), body(c))
	if err != nil {
		return err
	}
	rules, err := Load(c.Ctx, c.Read)
	if err != nil {
		return err
	}
	role := rules.roleByID(assignment.RoleID)
	if err := access.CheckAssignment(assignment, role, rules.Assignments); err != nil {
		return err
	}
	props := c.Props()
	guid := lastWord(role.ID)
	props["roleDefinitionId"] = c.ID.Scope().SubscriptionID().Child(arm.Hop{Namespace: "Microsoft.Authorization", Type: "roleDefinitions", Name: guid}).String()
	if tree.Text(props, "principalType") == "" {
		props["principalType"] = "ServicePrincipal"
	}
	now := c.Now.Format("2006-01-02T15:04:05.0000000Z")
	if c.Old == nil {
		props["createdOn"], props["createdBy"] = now, c.Caller.ObjectID
	}
	props["updatedOn"], props["updatedBy"] = now, c.Caller.ObjectID
	return nil
}

// scopeOfDocument renders the scope that a document is bound to.
func scopeOfDocument(c *provider.Call) error {
	c.Props()["scope"] = c.ID.Scope().String()
	return nil
}

// putDefinition judges a policy definition.
func putDefinition(c *provider.Call) error {
	c.Props()["policyType"] = "Custom"
	_, err := access.ParseDefinition(idText(c.ID), body(c))
	return err
}

// putInitiative judges an initiative.
func putInitiative(c *provider.Call) error {
	c.Props()["policyType"] = "Custom"
	initiative, err := access.ParseInitiative(idText(c.ID), body(c))
	if err != nil {
		return err
	}
	rules, err := Load(c.Ctx, c.Read)
	if err != nil {
		return err
	}
	members, _ := c.Props()["policyDefinitions"].([]any)
	for i, m := range initiative.Members { // the references that were made up are shown: exemptions name them
		if member, is := members[i].(map[string]any); is {
			member["policyDefinitionReferenceId"] = m.ReferenceID
		}
	}
	return rules.Policies().CheckInitiative(initiative)
}

// deleteDefinition refuses to remove a definition or an initiative that something refers to.
func deleteDefinition(c *provider.Call) error {
	rules, err := Load(c.Ctx, c.Read)
	if err != nil {
		return err
	}
	if by, used := rules.Policies().InUse(idText(c.ID)); used {
		return errs.New(errs.Conflict, "PolicyDefinitionInUse", "The policy definition '%s' cannot be deleted: '%s' refers to it.", c.ID.Name(), by)
	}
	return nil
}

// putPolicyAssignment judges a policy assignment.
func putPolicyAssignment(c *provider.Call) error {
	assignment, err := access.ParsePolicyAssignment(idText(c.ID), body(c))
	if err != nil {
		return err
	}
	rules, err := Load(c.Ctx, c.Read)
	if err != nil {
		return err
	}
	if tree.Text(c.Props(), "enforcementMode") == "" {
		c.Props()["enforcementMode"] = "Default"
	}
	principal(c)
	return rules.Policies().CheckAssignment(assignment)
}

// principal gives the identity of a document its principal, which it keeps: what a client sends for it does not count.
func principal(c *provider.Call) {
	identity := tree.Object(c.Doc.Public, "identity")
	delete(identity, "principalId")
	delete(identity, "tenantId")
	if !strings.EqualFold(tree.Text(identity, "type"), "SystemAssigned") {
		return
	}
	identity["principalId"], identity["tenantId"] = provider.NewGUID(), c.Tenant
	if c.Old != nil && tree.Text(c.Old.Public, "identity.principalId") != "" {
		identity["principalId"] = tree.Text(c.Old.Public, "identity.principalId")
	}
}

// builtInRoleDocuments renders the built-in roles once.
var builtInRoleDocuments = sync.OnceValue(func() []provider.BuiltIn {
	var docs []provider.BuiltIn
	for _, role := range builtInRoles() {
		docs = append(docs, builtIn(lastWord(role.ID), role.Document("/")))
	}
	return docs
})

// builtInPolicyDocuments renders the built-in policy definitions once.
var builtInPolicyDocuments = sync.OnceValue(func() []provider.BuiltIn {
	var docs []provider.BuiltIn
	for _, d := range builtInDefinitions() {
		docs = append(docs, builtIn(arm.Type(d.ID).Key()[strings.LastIndexByte(d.ID, '/')+1:], d.Document))
	}
	return docs
})

// builtIn reads an embedded document; one that does not parse is a defect of ours.
func builtIn(name string, raw []byte) provider.BuiltIn {
	doc, err := tree.ParseObject(raw)
	if err != nil {
		panic("authorization: a built-in document does not parse: " + err.Error())
	}
	for _, member := range []string{"id", "name", "type"} {
		delete(doc, member)
	}
	return provider.BuiltIn{Name: name, Doc: doc}
}
