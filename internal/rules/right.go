package rules

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/snapshot"
)

const (
	groupAction = "Microsoft.Resources/subscriptions/resourceGroups/"
	wsAction    = aml.Namespace + "/workspaces/"
)

// rightRules are about what the caller may do, by the permissions that ARM tells at both ends.
func rightRules() []Rule {
	const remedy = "let somebody assign the role that is printed, or Contributor (for role assignments: Owner, User Access Administrator or Role Based Access Control Administrator)"
	return []Rule{
		{ID: "ML031", Clauses: []string{"S12", "pain 21"}, Title: "The caller may move what is in the source group", Remedy: remedy,
			Why:   "A move needs moveResources/action on the source group; the verdict before it validateMoveResources/action.",
			Judge: judgeRight(snapshot.Source, Blocker, "move resources out of the source group", moveActions)},
		{ID: "ML032", Clauses: []string{"S13", "pain 21"}, Title: "The caller may delete at the source", Remedy: remedy,
			Why:   "Azure's page demands the permission to delete; computes and endpoints are removed with it.",
			Judge: judgeRight(snapshot.Source, Blocker, "delete at the source", deleteActions)},
		{ID: "ML033", Clauses: []string{"S12", "S14", "pain 21"}, Title: "The caller may create at the target", Remedy: remedy,
			Why:   "A move needs resourceGroups/write on the target group, and the page demands the permission to create what arrives.",
			Judge: judgeRight(snapshot.Target, Blocker, "create at the target", createActions)},
		{ID: "ML034", Clauses: []string{"S16", "pain 16", "pain 21", "pain 40"}, Title: "The caller may assign roles where assignments must be made again", Remedy: remedy,
			Why: "Contributor is enough for the move and not for the role assignments, which do not follow: without them people and identities are shut out. Those on computes and endpoints are made again " +
				"at the source, should the run go back.",
			Judge: both(judgeRight(snapshot.Source, Blocker, "assign roles at the source, should the run go back", undoRoleActions), judgeRight(snapshot.Target, Blocker, "assign roles at the target", roleActions))},
		{ID: "ML035", Clauses: []string{"S10", "S45", "pain 30"}, Title: "The caller may read the secrets that will be needed again", Remedy: remedy,
			Why:   "Credentials of datastores and keys of endpoints are read before the move and kept sealed; afterwards nobody can.",
			Judge: judgeRight(snapshot.Source, Blocker, "read secrets that will be needed again", secretActions)},
		{ID: "ML036", Clauses: []string{"S44", "D2", "pain 21", "pain 40"}, Title: "The caller may make again what is removed and repair what does not travel whole", Remedy: remedy,
			Why: "Nothing is removed that could not be made again: computes, endpoints, deployments and schedules need rights of their own, at the target, and at the source should the run go back. " +
				"Data assets, datastores, connections and settings are written behind the point of no return.",
			Judge: both(judgeRight(snapshot.Source, Blocker, "make again at the source what is removed, should the run go back", undoActions),
				judgeRight(snapshot.Target, Blocker, "make again at the target what is removed or does not travel", remakeActions))},
		{ID: "ML037", Clauses: []string{"pain 16", "pain 38"}, Title: "The caller may lift locks and put them back", Remedy: remedy,
			Why: "Locks belong to owners: Contributor may neither delete nor write them. One on what moves is lifted at the source and put back at the target.",
			Judge: both(judgeRight(snapshot.Source, Blocker, "lift locks at the source", lockActions(snapshot.Source)),
				judgeRight(snapshot.Target, Blocker, "lift locks at the target and put back those of what moves", lockActions(snapshot.Target)))},
	}
}

// both joins what two judges find.
func both(one, other func(*Case) []Finding) func(*Case) []Finding {
	return func(c *Case) []Finding { return append(one(c), other(c)...) }
}

// targetScope is where rights at the target were asked for: at the group, or at its subscription when the group could not be read.
func (c *Case) targetScope() arm.ID {
	if c.aimed() {
		if _, read := c.targetGroupDoc(); read {
			return c.Target.GroupID()
		}
	}
	return c.Target.SubscriptionID()
}

// may says whether the caller may do something at a scope.
func (c *Case) may(section snapshot.Section, scope arm.ID, action string) verdict {
	path := scope.String() + "/providers/" + string(aml.Permissions)
	if _, is := c.gapAt(section, path); is {
		return unknown
	}
	for _, item := range c.Of(section, aml.Permissions) {
		if at, _, _ := strings.Cut(item.Key, "#"); strings.EqualFold(at, path) && grants(item.Doc, action) {
			return yes
		}
	}
	return no
}

// grants reports whether one permission allows an action: one of its actions matches, and none of its notActions.
func grants(permission arm.Document, action string) bool {
	matches := func(pattern string) bool { return like(pattern, action) }
	return slices.ContainsFunc(permission.Texts("actions"), matches) && !slices.ContainsFunc(permission.Texts("notActions"), matches)
}

// like compares a text with a pattern in which * stands for any text, without regard to case.
func like(pattern, text string) bool {
	parts := strings.Split(strings.ToLower(pattern), "*")
	text = strings.ToLower(text)
	if len(parts) == 1 {
		return parts[0] == text
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}

// judgeRight makes the judge of a rule: the actions that the caller lacks at one end.
func judgeRight(section snapshot.Section, severity Severity, what string, actions func(*Case) []string) func(*Case) []Finding {
	return func(c *Case) []Finding {
		scope := c.group()
		if section == snapshot.Target {
			if len(c.Target) == 0 {
				return nil
			}
			scope = c.targetScope()
		}
		var missing []string
		for _, action := range actions(c) {
			held := c.may(section, scope, action)
			if held == no && section == snapshot.Source && (strings.HasPrefix(action, wsAction) || strings.HasPrefix(action, string(aml.RoleAssignments))) { // bound to the workspace, or below it
				held = c.may(section, c.Workspace.ID, action)
			}
			if held == no {
				missing = append(missing, action)
			}
		}
		if len(missing) == 0 {
			return nil
		}
		return []Finding{found(severity, Person, scope, "%s may not %s", c.Header.Who, what).seen("missing: %s", strings.Join(missing, ", ")).
			do("assign a role with at least these actions: %s", c.leastRole(section, scope))}
	}
}

func moveActions(*Case) []string {
	return []string{groupAction + "moveResources/action", groupAction + "validateMoveResources/action"}
}

func deleteActions(c *Case) []string {
	var actions []string
	for _, id := range c.moving() {
		actions = append(actions, string(id.Type())+"/delete")
	}
	for _, path := range append([]string{"computes"}, endpointKinds...) {
		if len(c.removed(path)) > 0 {
			actions = append(actions, wsAction+path+"/delete")
		}
	}
	if c.RemoveServices && len(c.Content("services")) > 0 {
		actions = append(actions, wsAction+"services/delete")
	}
	if c.Drain == Cancel && len(c.Content("jobs")) > 0 {
		actions = append(actions, wsAction+"jobs/cancel/action")
	}
	return actions
}

func createActions(c *Case) []string {
	actions := []string{groupAction + "write"}
	for _, id := range c.moving() {
		actions = append(actions, string(id.Type())+"/write")
	}
	return actions
}

func roleActions(c *Case) []string {
	if len(c.boundRoles()) == 0 {
		return nil
	}
	return []string{string(aml.RoleAssignments) + "/write"}
}

// undoRoleActions are for the roles that end with what is removed.
func undoRoleActions(c *Case) []string {
	removed := c.remade()
	for _, role := range c.boundRoles() {
		if slices.ContainsFunc(removed, func(i facts.Item) bool { return role.ID.Scope().Within(i.ID) }) {
			return []string{string(aml.RoleAssignments) + "/write"}
		}
	}
	return nil
}

func secretActions(c *Case) []string {
	var actions []string
	if slices.ContainsFunc(c.nondefault(), hasCredentials) {
		actions = append(actions, wsAction+"datastores/listSecrets/action")
	}
	for _, item := range c.removed("onlineEndpoints") {
		if strings.EqualFold(item.Doc.Text("properties.authMode"), "Key") {
			actions = append(actions, wsAction+"onlineEndpoints/listKeys/action")
			break
		}
	}
	secret := func(k facts.Item) bool { return !aml.Credentialless(k.Doc.Text("properties.authType")) }
	if slices.ContainsFunc(c.renamed("connections"), secret) {
		actions = append(actions, wsAction+"connections/listsecrets/action")
	}
	return actions
}

// writes are the rights to write kinds of content of which there is something.
func writes(kind string, there int) []string {
	if there == 0 {
		return nil
	}
	return []string{wsAction + kind + "/write"}
}

// undoActions are for the way back: what is removed is made again where it was, and schedules are enabled.
func undoActions(c *Case) []string {
	var actions []string
	for _, path := range []string{"computes", "onlineEndpoints", "onlineEndpoints/deployments", "batchEndpoints", "batchEndpoints/deployments", "serverlessEndpoints"} {
		actions = append(actions, writes(path, len(c.removed(path)))...)
	}
	return append(actions, writes("schedules", len(schedules(c)))...)
}

// remakeActions are for what is written behind the point of no return.
func remakeActions(c *Case) []string {
	actions := slices.Concat(undoActions(c), writes("data", c.Counts["data"]), writes("data/versions", c.Counts["data/versions"]), writes("datastores", len(nondefaultDatastores(c))),
		writes("connections", len(c.renamed("connections"))), writes("outboundRules", len(c.renamed("outboundRules"))))
	if len(diagnostics(c)) > 0 {
		actions = append(actions, string(aml.DiagnosticSettings)+"/write")
	}
	return actions
}

// lockActions are for the locks of one end that are lifted, and at the target for those of what moves, which are put back there.
func lockActions(section snapshot.Section) func(*Case) []string {
	return func(c *Case) []string {
		if !c.LiftLocks {
			return nil
		}
		lifts, puts := false, false
		for _, lock := range c.stopping() {
			travels := c.travels(lock.ID.Scope())
			if section == snapshot.Source {
				lifts = lifts || travels || c.group().Within(lock.ID.Scope())
			} else {
				lifts, puts = lifts || c.Target.Within(lock.ID.Scope()), puts || travels
			}
		}
		switch {
		case lifts:
			return []string{string(aml.Locks) + "/delete", string(aml.Locks) + "/write"}
		case puts:
			return []string{string(aml.Locks) + "/write"}
		}
		return nil
	}
}

// leastRole is the definition of the role with the least actions that a whole move needs at one end.
func (c *Case) leastRole(section snapshot.Section, scope arm.ID) string {
	actions := []string{"*/read"}
	name := "Workspace move, source"
	if section == snapshot.Source {
		actions = slices.Concat(actions, moveActions(c), deleteActions(c), secretActions(c), undoActions(c), undoRoleActions(c), lockActions(section)(c))
	} else {
		name = "Workspace move, target"
		actions = slices.Concat(actions, createActions(c), roleActions(c), remakeActions(c), lockActions(section)(c), []string{"*/register/action", wsAction + "*/write"})
	}
	slices.Sort(actions)
	role := struct {
		Name             string
		IsCustom         bool
		Actions          []string
		AssignableScopes []string
	}{name, true, slices.Compact(actions), []string{scope.SubscriptionID().String()}}
	text, _ := json.Marshal(role) // texts and a truth value: it cannot fail
	return string(text)
}
