package rules

import (
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// registries is the alternative for a workspace that cannot move.
const registries = "make a new workspace in the right place and share models, environments, components and data into it through an Azure Machine Learning registry " +
	"(a copy: jobs, metrics, endpoints and datastores do not come along)"

// workspaceRules are about the workspace itself.
func workspaceRules() []Rule {
	return []Rule{
		{ID: "ML001", Clauses: []string{"S11", "pain 14"}, Title: "The workspace is there and settled",
			Why:    "The move starts from an existing workspace, and ARM refuses to move what is not in the state Succeeded.",
			Remedy: "wait until the workspace is Succeeded; a failed one is repaired by saving it again (az ml workspace update)", Judge: settled},
		{ID: "ML002", Clauses: []string{"S33", "pain 33", "pain 35"}, Title: "The workspace uses no customer-managed key",
			Why:    "Azure does not move workspaces that are configured for a customer-managed key. Any one of three signs counts (aml-contract 2).",
			Remedy: registries, Judge: customerKey},
		{ID: "ML003", Clauses: []string{"S38", "pain 33"}, Title: "The workspace is not linked with Azure Databricks",
			Why:    "Azure does not move a workspace that is linked with Azure Databricks. Four signs are looked at: two are certain, two are hints (aml-contract 7).",
			Remedy: "unlink the Azure Databricks workspace first", Judge: databricks},
		{ID: "ML004", Clauses: []string{"aml-contract 2", "pain 23"}, Title: "The workspace is neither a hub nor the project of one",
			Why:    "A hub and its projects hold ids of each other; moving one alone breaks the link, and Azure's page does not speak of them. The stricter reading: they do not move.",
			Remedy: "make a hub with its projects in the right place; " + registries, Judge: hub},
		{ID: "ML005", Clauses: []string{"aml-contract 2", "S08"}, Title: "A feature store is said to be one",
			Why:    "A feature store moves as a workspace does, but the pages do not name it. Its offline and online stores are connections with ids of their own.",
			Remedy: "look at the connections of the offline and online store after the move", Judge: featureStore},
		{ID: "ML006", Clauses: []string{"S25"}, Title: "What shall move is a whole workspace",
			Why:    "The move is neither for replication nor for single assets: ARM refuses ids below a top-level resource.",
			Remedy: "name the workspace itself; single models, data and environments are shared through a registry (az ml model share)", Judge: whole},
		{ID: "ML007", Clauses: []string{"S30", "pain 1"}, Title: "The time without the workspace is said before",
			Why: "During the move the workspace is unavailable, and nothing can be created, changed or deleted in both groups; neither can take part in another move. Usually minutes, four hours at most.", Remedy: "tell its users; nobody deploys into either group meanwhile",
			Judge: unavailable},
		{ID: "ML008", Clauses: []string{"pain 22"}, Title: "Ids that change are said before",
			Why:    "Subscription and group are part of every id. ARM rewrites what its services own, not what scripts, dashboards, Terraform states and saved MLflow URIs hold.",
			Remedy: "search for the old id in code and pipelines; the report lists each old id with its new one", Judge: newIDs},
		{ID: "ML009", Clauses: []string{"S42"}, Title: "What moves along is a choice",
			Why: "Storage account, key vault, Application Insights and registry may move in the same operation, and the workspace's references follow. The default is none: they work from another " +
				"subscription of the tenant, they keep their ids for everybody else who uses them, and their role assignments, locks and private endpoints stay whole.", Remedy: "choose with --include",
			Judge: along},
	}
}

func settled(c *Case) []Finding {
	state := c.Workspace.State()
	if state == "" || state == aml.Succeeded {
		return nil
	}
	return []Finding{found(Blocker, Person, c.Workspace.ID, "the workspace %s is in the state %s", c.Workspace.Name(), state).seen("properties.provisioningState")}
}

// keySigns says by what a workspace is known to use a customer-managed key.
func keySigns(doc arm.Document) []string {
	var signs []string
	if strings.EqualFold(doc.Text("properties.encryption.status"), "Enabled") {
		signs = append(signs, "properties.encryption.status is Enabled")
	}
	if doc.Bool("properties.enableServiceSideCMKEncryption") {
		signs = append(signs, "properties.enableServiceSideCMKEncryption is true")
	}
	if group := doc.Text("properties.serviceProvisionedResourceGroup"); group != "" {
		signs = append(signs, "properties.serviceProvisionedResourceGroup is "+group)
	}
	return signs
}

func customerKey(c *Case) []Finding {
	signs := keySigns(c.Workspace.Doc)
	if len(signs) == 0 {
		return nil
	}
	return []Finding{found(Blocker, Nobody, c.Workspace.ID, "the workspace %s uses a customer-managed key", c.Workspace.Name()).seen("%s", strings.Join(signs, "; "))}
}

func databricks(c *Case) []Finding {
	var list []Finding
	for _, item := range c.Of(snapshot.Source, aml.Databricks) {
		id, err := arm.Parse(item.Doc.Text("properties.parameters.amlWorkspaceId.value"))
		if err == nil && id.Equal(c.Workspace.ID) {
			list = append(list, found(Blocker, Person, item.ID, "the Azure Databricks workspace %s is linked with this workspace (certain)", item.Name()).
				seen("its properties.parameters.amlWorkspaceId"))
		}
	}
	for _, kind := range []string{"linkedServices", "linkedWorkspaces"} {
		for _, item := range c.Content(kind) {
			for _, path := range []string{"properties.linkedServiceResourceId", "properties.linkedWorkspaceResourceId", "properties.linkType"} {
				if strings.Contains(strings.ToLower(item.Doc.Text(path)), "databricks") {
					list = append(list, found(Blocker, Person, item.ID, "%s leads to Azure Databricks (certain)", item.Name()).seen("%s is %s", path, item.Doc.Text(path)).
						do("delete the link %s; make it again after the move", item.Name()))
					break
				}
			}
		}
	}
	for _, item := range c.Content("computes") {
		if kindOf(item) == aml.ComputeDatabricks {
			list = append(list, found(Warning, Person, item.ID, "the attached Databricks compute %s hints at a link with Azure Databricks", item.Name()).seen("properties.computeType").
				do("look in the Azure Databricks workspace whether it is linked with this one; a compute alone is no link"))
		}
	}
	for _, item := range c.Content("connections") {
		if category := item.Doc.Text("properties.category"); strings.Contains(strings.ToLower(category), "databricks") {
			list = append(list, found(Warning, Person, item.ID, "the connection %s is a weak hint at a link with Azure Databricks", item.Name()).seen("properties.category is %s", category).
				do("look in the Azure Databricks workspace whether it is linked with this one; a connection alone is no link"))
		}
	}
	return list
}

func hub(c *Case) []Finding {
	doc := c.Workspace.Doc
	signs := []string{}
	if kind := doc.Text("kind"); strings.EqualFold(kind, aml.KindHub) || strings.EqualFold(kind, aml.KindProject) {
		signs = append(signs, "kind is "+kind)
	}
	if id := doc.Text("properties.hubResourceId"); id != "" {
		signs = append(signs, "properties.hubResourceId is "+id)
	}
	if projects := doc.Texts("properties.associatedWorkspaces"); len(projects) > 0 {
		signs = append(signs, "properties.associatedWorkspaces names "+names(projects))
	}
	if len(signs) == 0 {
		return nil
	}
	return []Finding{found(Blocker, Nobody, c.Workspace.ID, "the workspace %s is a hub or the project of a hub", c.Workspace.Name()).seen("%s", strings.Join(signs, "; "))}
}

func featureStore(c *Case) []Finding {
	if !strings.EqualFold(c.Workspace.Doc.Text("kind"), aml.KindFeatureStore) {
		return nil
	}
	return []Finding{found(Note, None, c.Workspace.ID, "the workspace %s is a feature store", c.Workspace.Name()).seen("kind is FeatureStore")}
}

func whole(c *Case) []Finding {
	id, err := arm.Parse(c.Header.WorkspaceID)
	if err == nil && id.TopLevel() && id.Type().Is(aml.Workspaces) {
		return nil
	}
	return []Finding{found(Blocker, Nobody, id, "%s is not a workspace: single assets do not move", c.Header.WorkspaceID).seen("the id that was asked for")}
}

func unavailable(c *Case) []Finding {
	if !c.aimed() {
		return nil
	}
	return []Finding{found(Note, None, c.Workspace.ID, "the workspace is unavailable during the move, and the groups %s and %s are locked", c.group().Group(), c.Target.Group())}
}

func newIDs(c *Case) []Finding {
	var list []Finding
	for _, id := range c.moving() {
		if landing := c.Landing(id); landing != nil && !landing.Equal(id) {
			list = append(list, found(Note, None, id, "the id of %s, and of everything below it, changes", id.Name()).seen("it becomes %s", landing))
		}
	}
	return list
}

func along(c *Case) []Finding {
	var stay, come []string
	moving := c.included()
	for _, a := range moving {
		come = append(come, a.ID.Name()+" ("+a.Choice+")")
	}
	for _, a := range c.Accounts() {
		if !c.travels(a.ID) {
			stay = append(stay, a.ID.Name()+" ("+a.Choice+")")
		}
	}
	switch {
	case len(come) == 0 && len(stay) == 0:
		return nil
	case len(come) == 0:
		return []Finding{found(Note, None, c.Workspace.ID, "no associated resource moves along: %s stay where they are, and the workspace goes on using them", names(stay))}
	}
	f := found(Note, None, c.Workspace.ID, "%s move along; their ids change for everybody who uses them", names(come))
	if len(stay) > 0 {
		f = f.seen("%s stay", names(stay))
	}
	return []Finding{f.do("tell those who use them besides this workspace")}
}
