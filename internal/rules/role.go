package rules

import (
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// roleRules are about role assignments.
func roleRules() []Rule {
	return []Rule{
		{ID: "ML055", Clauses: []string{"S16", "pain 16", "pain 17"}, Title: "Role assignments on what moves are made again",
			Why:    "Assignments at the scope of the workspace, of anything below it, and of what moves along do not follow: they become orphans at the old id. Among them are the roles of the workspace's identity.",
			Remedy: "the plan makes them again at the new scope and waits until they are effective", Judge: lostRoles},
		{ID: "ML056", Clauses: []string{"S16", "pain 16"}, Title: "Custom roles can be assigned at the target",
			Why:    "A custom role is assignable only below its assignableScopes. One that does not name the target cannot be assigned there.",
			Remedy: "add the target subscription to the assignableScopes of the role: az role definition update", Judge: customRoles},
		{ID: "ML057", Clauses: []string{"pain 16"}, Title: "Who had rights by the source group or subscription has them at the target",
			Why:    "Rights that are inherited from the source group or subscription end with the move; those of the target count from then on.",
			Remedy: "look through the list, and assign at the target group what is missing", Judge: inheritedRoles},
	}
}

// boundRoles are the role assignments at or below what moves.
func (c *Case) boundRoles() []facts.Item {
	seen := map[string]bool{}
	var list []facts.Item
	for _, item := range c.Of(snapshot.Source, aml.RoleAssignments) {
		if item.ID == nil || seen[item.ID.Key()] || !c.travels(item.ID.Scope()) {
			continue
		}
		seen[item.ID.Key()] = true
		list = append(list, item)
	}
	return list
}

// roleName is the last name of a role definition's id.
func roleName(assignment facts.Item) string {
	id := assignment.Doc.Text("properties.roleDefinitionId")
	return strings.ToLower(id[strings.LastIndexByte(id, '/')+1:])
}

func lostRoles(c *Case) []Finding {
	count := map[string]int{}
	scopes := map[string]arm.ID{}
	for _, item := range c.boundRoles() {
		scope := item.ID.Scope()
		count[scope.Key()]++
		scopes[scope.Key()] = scope
	}
	var list []Finding
	for key, scope := range scopes {
		list = append(list, found(Note, Plan, scope, "%s on %s: made again at the new id", plural(count[key], "role assignment"), scope.Name()))
	}
	return list
}

// definition returns a custom role by its name, in whichever section it was read.
func (c *Case) definition(name string) (facts.Item, bool) {
	for _, section := range []snapshot.Section{snapshot.Source, snapshot.Target} {
		for _, item := range c.Of(section, aml.RoleDefinitions) {
			if strings.EqualFold(item.Doc.Text("name"), name) {
				return item, true
			}
		}
	}
	return facts.Item{}, false
}

func customRoles(c *Case) []Finding {
	if !c.aimed() {
		return nil
	}
	var list []Finding
	seen := map[string]bool{}
	for _, item := range c.boundRoles() {
		role, custom := c.definition(roleName(item))
		if !custom || seen[roleName(item)] {
			continue
		}
		seen[roleName(item)] = true
		scopes := role.Doc.Texts("properties.assignableScopes")
		if slices.ContainsFunc(scopes, c.coversTarget) {
			continue
		}
		list = append(list, found(Warning, Person, role.ID, "the custom role %s cannot be assigned in the target group", role.Doc.Text("properties.roleName")).
			seen("assignableScopes are %s", names(scopes)))
	}
	return list
}

// coversTarget reports whether a scope is at or above the target group. Management groups cannot be judged from here and count as covering.
func (c *Case) coversTarget(text string) bool {
	scope, err := arm.Parse(text)
	if err != nil {
		return text == "/"
	}
	return c.Target.Within(scope) || scope.Subscription() == ""
}

func inheritedRoles(c *Case) []Finding {
	if !c.aimed() {
		return nil
	}
	key := func(i facts.Item) string {
		return strings.ToLower(i.Doc.Text("properties.principalId")) + " " + roleName(i)
	}
	there := map[string]bool{}
	for _, item := range c.Of(snapshot.Target, aml.RoleAssignments) {
		if item.ID != nil && c.Target.Within(item.ID.Scope()) {
			there[key(item)] = true
		}
	}
	lost := map[string]bool{}
	for _, item := range c.Of(snapshot.Source, aml.RoleAssignments) {
		if item.ID == nil {
			continue
		}
		scope := item.ID.Scope()
		if scope.Subscription() != "" && c.group().Within(scope) && !c.Target.Within(scope) && !there[key(item)] {
			lost[item.Doc.Text("properties.principalId")] = true
		}
	}
	if len(lost) == 0 {
		return nil
	}
	var principals []string
	for id := range lost {
		principals = append(principals, id)
	}
	slices.Sort(principals)
	return []Finding{found(Warning, Person, c.Target.GroupID(), "%s had rights by the source group or subscription that the target does not give", plural(len(lost), "principal")).seen("%s", names(principals))}
}
