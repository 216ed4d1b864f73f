package plan

import (
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// builtIn are the names of Azure's own roles that are found around a workspace, as its page of built-in roles lists them: they have the same ids everywhere.
var builtIn = map[string]string{
	"8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
	"b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
	"acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
	"18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
	"f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
	"f6c7c914-8db3-469d-8ca1-694a8f32e121": "AzureML Data Scientist",
	"e503ece1-11d0-4e8e-8e2c-7a6c3bf38815": "AzureML Compute Operator",
	"ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
	"7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
	"8311e382-0749-4cb8-b61a-304f252e45ec": "AcrPush",
	"00482a5a-887f-4fb3-b363-3b7fe8e74483": "Key Vault Administrator",
	"4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
	"f1a07417-d97a-45cb-824c-7a7467783830": "Managed Identity Operator",
}

// roleName is what the role of an assignment is called, as far as that is known.
func (b *builder) roleName(assignment facts.Item) string {
	id := assignment.Doc.Text("properties.roleDefinitionId")
	name := id[strings.LastIndexByte(id, '/')+1:]
	if title := builtIn[strings.ToLower(name)]; title != "" {
		return "the role " + title
	}
	for _, section := range []snapshot.Section{snapshot.Source, snapshot.Target} {
		for _, d := range b.Of(section, aml.RoleDefinitions) {
			if title := d.Doc.Text("properties.roleName"); title != "" && strings.EqualFold(d.Doc.Text("name"), name) {
				return "the role " + title
			}
		}
	}
	return "the role " + name
}

// identities are the principals as which the workspace, its computes and endpoints work and which stay: what runs again must not run before they have their roles (pain 17).
func (b *builder) identities() map[string]bool {
	items := slices.Concat([]facts.Item{b.Workspace}, b.Content("computes"), b.Content("onlineEndpoints"), b.Content("batchEndpoints"))
	ids := map[string]bool{strings.ToLower(b.Workspace.Doc.Text("identity.principalId")): true}
	for _, item := range items {
		for _, user := range item.Doc.Object("identity.userAssignedIdentities") {
			if one, ok := user.(map[string]any); ok {
				ids[strings.ToLower(arm.Document(one).Text("principalId"))] = true
			}
		}
	}
	delete(ids, "")
	return ids
}

// rights makes the role assignments on what moved, and below it, again; inherited ones are not the workspace's. Those of principals that end with what had them are no longer of use.
func (b *builder) rights(which func(scope arm.ID) bool, identities map[string]bool) {
	ending := b.ending()
	for _, item := range b.Of(snapshot.Source, aml.RoleAssignments) {
		principal := strings.ToLower(item.Doc.Text("properties.principalId"))
		if item.ID == nil || !b.moves.Moves(item.ID.Scope()) || !which(item.ID.Scope()) || ending[principal] {
			continue
		}
		scope := item.ID.Scope()
		after, there := b.back(scope)
		if !there {
			continue
		}
		s := of(Restore, RestoreRole, item)
		s.What, s.Why, s.Clauses, s.After = "give "+b.who(item)+" "+b.roleName(item)+" on "+scope.Name()+" again", "role assignments do not follow", []string{"S16"}, after
		first := identities[principal] && !b.remade(scope)
		if first {
			s.Clauses = append(s.Clauses, "pain 17")
		}
		if id := b.add(s, scope.Name()+"."+item.ID.Name()); first {
			b.ready = append(b.ready, id)
		}
	}
}

// who words a principal.
func (b *builder) who(assignment facts.Item) string {
	id := assignment.Doc.Text("properties.principalId")
	if strings.EqualFold(id, b.Workspace.Doc.Text("identity.principalId")) {
		return "the identity of the workspace"
	}
	switch kind := assignment.Doc.Text("properties.principalType"); strings.ToLower(kind) {
	case "user", "group":
		return "the " + strings.ToLower(kind) + " " + id
	case "serviceprincipal":
		return "the service principal " + id
	}
	return "the principal " + id
}
