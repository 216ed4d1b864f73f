package rules

import (
	"strings"

	"github.com/amlmove/amlmove/internal/snapshot"
)

// aimAt changes where the workspace shall go.
func aimAt(group string) change { return func(w *world) { w.header.TargetID = group } }

func workspaceExamples() []example {
	notAimed := aimAt("")
	return []example{
		{"ML001", "a workspace that is being updated does not move (S11)", []change{workspace(`,"provisioningState":"Updating"`)}, []string{"blocker/person w"}},
		{"ML001", "a failed workspace does not move (pain 14)", []change{workspace(`,"provisioningState":"Failed"`)}, []string{"blocker/person w"}},
		{"ML001", "a Succeeded one does", nil, []string{}},
		{"ML001", "the case of a state says nothing (S11)", []change{workspace(`,"provisioningState":"succeeded"`)}, []string{}},
		{"ML002", "encryption with a customer's key (S33)", []change{workspace(`,"encryption":{"status":"Enabled"}`)}, []string{"blocker/nobody w"}},
		{"ML002", "the newer form of the key (S33)", []change{workspace(`,"enableServiceSideCMKEncryption":true`)}, []string{"blocker/nobody w"}},
		{"ML002", "the managed group of the key (S33)", []change{workspace(`,"serviceProvisionedResourceGroup":"azureml-rg-w_1"`)}, []string{"blocker/nobody w"}},
		{"ML002", "encryption that is off is no key", []change{workspace(`,"encryption":{"status":"Disabled"},"enableServiceSideCMKEncryption":false`)}, []string{}},
		{"ML003", "a Databricks workspace that names this one, whatever the case (S38)", []change{bricks(`/SUBSCRIPTIONS` + ws[len("/subscriptions"):])}, []string{"blocker/person b"}},
		{"ML003", "a Databricks workspace that names another", []change{bricks(ws + "-2")}, []string{}},
		{"ML003", "a linked service to Databricks (S38)", []change{content("linkedServices/l", `{"properties":{"linkedServiceResourceId":"/subscriptions/s1/resourceGroups/x/providers/Microsoft.Databricks/workspaces/b"}}`)}, []string{"blocker/person l"}},
		{"ML003", "a linked workspace to Databricks (S38)", []change{content("linkedWorkspaces/l", `{"properties":{"linkedWorkspaceResourceId":"/subscriptions/s1/resourceGroups/x/providers/Microsoft.Databricks/workspaces/b"}}`)}, []string{"blocker/person l"}},
		{"ML003", "a link to Synapse is another thing", []change{content("linkedServices/l", `{"properties":{"linkType":"Synapse"}}`)}, []string{}},
		{"ML003", "an attached compute and a connection are hints (aml-contract 7)", []change{content("computes/c", `{"properties":{"computeType":"Databricks","isAttachedCompute":true}}`),
			content("connections/k", `{"properties":{"category":"AzureDatabricksDeltaLake"}}`)}, []string{"warning/person c", "warning/person k"}},
		{"ML004", "a hub (aml-contract 2)", []change{put(snapshot.Content, ws, `{"kind":"Hub","location":"eastus","properties":{}}`)}, []string{"blocker/nobody w"}},
		{"ML004", "a project, by its kind in small letters", []change{put(snapshot.Content, ws, `{"kind":"project","location":"eastus","properties":{}}`)}, []string{"blocker/nobody w"}},
		{"ML004", "a project, by its hub", []change{workspace(`,"hubResourceId":"` + ws + `"`)}, []string{"blocker/nobody w"}},
		{"ML004", "a hub, by its projects", []change{workspace(`,"associatedWorkspaces":["` + ws + `"]`)}, []string{"blocker/nobody w"}},
		{"ML005", "a feature store (S08)", []change{put(snapshot.Content, ws, `{"kind":"FeatureStore","location":"eastus","properties":{}}`)}, []string{"note/none w"}},
		{"ML006", "a single model (S25)", []change{func(w *world) { w.header.WorkspaceID = ws + "/models/m" }}, []string{"blocker/nobody m"}},
		{"ML006", "an id that is none (S25)", []change{func(w *world) { w.header.WorkspaceID = storage }}, []string{"blocker/nobody store"}},
		{"ML007", "the time without the workspace (S30)", nil, []string{"note/none w"}},
		{"ML007", "no time is told without a target", []change{notAimed}, []string{}},
		{"ML008", "each id that changes (pain 22)", []change{include("storage")}, []string{"note/none w", "note/none store"}},
		{"ML008", "no id changes without a target", []change{notAimed}, []string{}},
		{"ML009", "why nothing moves along by default (S42)", nil, []string{"note/none w"}},
		{"ML009", "what moves along (S42)", []change{include("all")}, []string{"note/none w"}},
		{"ML009", "a workspace without accounts has nothing to choose", []change{put(snapshot.Content, ws, `{"location":"eastus","properties":{}}`)}, []string{}},
	}
}

func bricks(names string) change {
	return source(sub1+"/resourceGroups/x/providers/Microsoft.Databricks/workspaces/b", `{"properties":{"parameters":{"amlWorkspaceId":{"value":"`+names+`"}}}}`)
}

func placeExamples() []example {
	return []example{
		{"ML010", "a target group that is not there is made (S40)", []change{gap(snapshot.Target, group2, 404)}, []string{"note/plan g2"}},
		{"ML010", "a target group that may not be read is not made", []change{gap(snapshot.Target, group2, 403)}, []string{}},
		{"ML010", "a subscription alone is no target", []change{aimAt(sub2)}, []string{"note/none w"}},
		{"ML011", "the source group is no target, whatever its case (S02, pain 20)", []change{aimAt("/subscriptions/S1/resourcegroups/G1")}, []string{"blocker/person G1"}},
		{"ML011", "another group of the same subscription is (S02)", []change{aimAt(sub1 + "/resourceGroups/g3")}, []string{}},
		{"ML012", "a group in another region (S26)", []change{target(group2, `{"location":"westus"}`)}, []string{"blocker/person g2"}},
		{"ML012", "the same region written by people (S21)", []change{target(group2, `{"location":"East US"}`)}, []string{}},
		{"ML012", "a provider that is not offered there (S26)", []change{offer(snapshot.Target, "Microsoft.MachineLearningServices", "Registered", `{"resourceType":"workspaces","locations":["West Europe"]}`)}, []string{"blocker/nobody w"}},
		{"ML012", "an included account that is not offered there", []change{include("storage"), offer(snapshot.Target, "Microsoft.Storage", "Registered", `{"resourceType":"storageAccounts","locations":["West Europe"]}`)}, []string{"blocker/nobody store"}},
		{"ML013", "a subscription of another tenant (S27, S48)", []change{target(sub2, `{"tenantId":"other","state":"Enabled"}`)}, []string{"blocker/nobody s2"}},
		{"ML013", "a workspace of another tenant than its subscription (S27)", []change{workspace(`,"tenantId":"other"`)}, []string{"blocker/nobody s2"}},
		{"ML013", "a subscription that cannot be seen is another rule's", []change{gap(snapshot.Target, sub2, 401)}, []string{}},
		{"ML017", "a subscription that cannot be seen may be of another tenant (S27)", []change{gap(snapshot.Target, sub2, 401)}, []string{"blocker/person s2"}},
		{"ML013", "nothing to compare without a target", []change{aimAt("")}, []string{}},
		{"ML013", "a subscription whose document names no tenant is of that of the caller (S27)", []change{source(sub1, `{"state":"Enabled"}`), target(sub2, `{"tenantId":"other","state":"Enabled"}`)}, []string{"blocker/nobody s2"}},
		{"ML014", "a disabled target (arm-move 1.2)", []change{target(sub2, `{"tenantId":"t","state":"Disabled"}`)}, []string{"blocker/person s2"}},
		{"ML014", "the case of a state says nothing", []change{target(sub2, `{"tenantId":"t","state":"enabled"}`)}, []string{}},
		{"ML014", "a warned source", []change{source(sub1, `{"tenantId":"t","state":"Warned"}`)}, []string{"blocker/person s1"}},
		{"ML014", "a subscription past due still moves", []change{target(sub2, `{"tenantId":"t","state":"PastDue"}`)}, []string{"warning/person s2"}},
		{"ML015", "a source group in a move of somebody else (pain 1)", []change{source(group1, `{"properties":{"provisioningState":"MovingResources"}}`)}, []string{"blocker/person g1"}},
		{"ML015", "a target group that is being deleted", []change{target(group2, `{"location":"eastus","properties":{"provisioningState":"Deleting"}}`)}, []string{"blocker/person g2"}},
		{"ML015", "the case of a group's state says nothing", []change{target(group2, `{"location":"eastus","properties":{"provisioningState":"succeeded"}}`)}, []string{}},
		{"ML016", "a deployment in flight at the target (pain 1)", []change{target(group2+"/providers/Microsoft.Resources/deployments/d", `{"properties":{"provisioningState":"Running"}}`)}, []string{"blocker/person d"}},
		{"ML016", "a deployment that has ended", []change{source(group1+"/providers/Microsoft.Resources/deployments/d", `{"properties":{"provisioningState":"Failed"}}`)}, []string{}},
	}
}

func accountExamples() []example {
	endpoint := group1 + "/providers/Microsoft.Network/privateEndpoints/pe"
	sharing := func(property, id string) change {
		return source(sub1+"/resourceGroups/other/providers/Microsoft.MachineLearningServices/workspaces/twin", `{"properties":{"`+property+`":"`+id+`"}}`)
	}
	return []example{
		{"ML019", "a storage account that another workspace uses does not move from under it (S42, aml-contract 2)", []change{include("storage"), sharing("storageAccount", strings.ToLower(storage))}, []string{"blocker/person store"}},
		{"ML019", "a vault neither (S42)", []change{include("all"), sharing("keyVault", vault)}, []string{"blocker/person vault"}},
		{"ML019", "another Application Insights may be set in the other workspace (aml-contract 2)", []change{include("all"), sharing("applicationInsights", insight)}, []string{"warning/person ai"}},
		{"ML019", "it may stay where it is", []change{sharing("storageAccount", storage)}, []string{}},
		{"ML019", "another workspace with an account of its own", []change{include("all"), sharing("storageAccount", storage+"2")}, []string{}},
		{"ML020", "a vault that is being updated (pain 14)", []change{source(vault, `{"location":"eastus","properties":{"provisioningState":"Updating"}}`)}, []string{"blocker/person vault"}},
		{"ML020", "a failed private endpoint (pain 14)", []change{source(endpoint, `{"properties":{"provisioningState":"Failed"}}`)}, []string{"blocker/person pe"}},
		{"ML020", "the case of a state says nothing (pain 14)", []change{source(vault, `{"location":"eastus","properties":{"provisioningState":"SUCCEEDED"}}`)}, []string{}},
		{"ML021", "a type that does not move is left out (S42)", []change{include("keyvault"), offer(snapshot.Target, "Microsoft.KeyVault", "Registered", `{"resourceType":"vaults","capabilities":"SupportsTags"}`)}, []string{"blocker/person vault"}},
		{"ML021", "it does not matter while it stays", []change{offer(snapshot.Target, "Microsoft.KeyVault", "Registered", `{"resourceType":"vaults","capabilities":"SupportsTags"}`)}, []string{}},
		{"ML021", "within a subscription the other capability counts", []change{include("keyvault"), aimAt(sub1 + "/resourceGroups/g3"),
			offer(snapshot.Target, "Microsoft.KeyVault", "Registered", `{"resourceType":"vaults","capabilities":"CrossResourceGroupResourceMove"}`)}, []string{}},
		{"ML021", "of workspaces only ARM's verdict decides (arm-move 4.2)", []change{offer(snapshot.Target, "Microsoft.MachineLearningServices", "Registered", `{"resourceType":"workspaces","capabilities":"None"}`)}, []string{"warning/none w"}},
		{"ML022", "an account of another group does not move along (S42)", []change{include("storage"), workspace(`,"storageAccount":"/subscriptions/s1/resourceGroups/other/providers/Microsoft.Storage/storageAccounts/far"`)}, []string{"blocker/person far"}},
		{"ML022", "it may stay there", []change{workspace(`,"storageAccount":"/subscriptions/s1/resourceGroups/other/providers/Microsoft.Storage/storageAccounts/far"`)}, []string{}},
		{"ML023", "a user-assigned identity stays (arm-move 3.1)", []change{content("computes/c", `{"identity":{"userAssignedIdentities":{"/subscriptions/s1/resourceGroups/g1/providers/Microsoft.ManagedIdentity/userAssignedIdentities/uai":{}}},"properties":{"computeType":"AmlCompute"}}`)},
			[]string{"note/none uai"}},
		{"ML024", "a web test beside an Application Insights that moves along (pain 19)", []change{include("insights"), webTest("")}, []string{"warning/person ai"}},
		{"ML024", "a web test that is linked with it, whatever the case (pain 19)", []change{include("insights"), webTest(`"tags":{"hidden-link:` + strings.ToUpper(insight) + `":"Resource"}`)}, []string{"warning/person ai"}},
		{"ML024", "a web test of another one", []change{include("insights"), webTest(`"tags":{"hidden-link:` + insight + `-2":"Resource"}`)}, []string{}},
		{"ML024", "alerts get the new id by the plan (ML088)", []change{include("all"), alertOn(insight)}, []string{}},
		{"ML024", "so do log alerts and smart detectors, whatever they watch", []change{include("all"), besides("scheduledQueryRules/q", "Microsoft.Insights"), besides("smartDetectorAlertRules/s", "Microsoft.AlertsManagement")}, []string{}},
		{"ML024", "an Application Insights that stays", []change{include("storage"), alertOn(insight)}, []string{}},
	}
}

// besides lists something in the source group.
func besides(path, namespace string, more ...string) change {
	id := group1 + "/providers/" + namespace + "/" + path
	return listed(snapshot.Source, id+"#listed", "Microsoft.Resources/resources", `{"id":"`+id+`"`+strings.Join(append([]string{""}, more...), ",")+`}`)
}

// webTest is an availability test beside the Application Insights.
func webTest(more string) change {
	if more == "" {
		return besides("webtests/ping", "Microsoft.Insights")
	}
	return besides("webtests/ping", "Microsoft.Insights", more)
}

func alertOn(scope string) change {
	return source(group1+"/providers/Microsoft.Insights/metricAlerts/al", `{"properties":{"scopes":["`+scope+`"]}}`)
}

// taken says that something is in the target group.
func taken(id string) change {
	return listed(snapshot.Target, id+"#listed", "Microsoft.Resources/resources", `{"id":"`+id+`"}`)
}

func nameExamples() []example {
	soft := "Microsoft.MachineLearningServices/workspaces (soft-deleted)"
	return []example{
		{"ML025", "a workspace of the same name at the target (pain 20)", []change{taken(group2 + "/providers/microsoft.machinelearningservices/workspaces/W")}, []string{"blocker/person w"}},
		{"ML025", "an account of the same name, when it moves along", []change{include("keyvault"), taken(group2 + "/providers/Microsoft.KeyVault/vaults/vault")}, []string{"blocker/person vault"}},
		{"ML025", "the same account stays", []change{taken(group2 + "/providers/Microsoft.KeyVault/vaults/vault")}, []string{}},
		{"ML026", "a soft-deleted vault of the same name (pain 34)", []change{include("keyvault"), target(sub2+"/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/vault", `{}`),
			listed(snapshot.Target, sub2+"/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/VAULT", "Microsoft.KeyVault/deletedVaults", `{}`)}, []string{"blocker/person vault"}},
		{"ML026", "the case of the provider says nothing (pain 34)", []change{workspace(`,"keyVault":"` + strings.Replace(vault, "KeyVault", "Keyvault", 1) + `"`), include("keyvault"),
			listed(snapshot.Target, sub2+"/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/vault", "Microsoft.KeyVault/deletedVaults", `{}`)}, []string{"blocker/person vault"}},
		{"ML026", "the vault stays", []change{listed(snapshot.Target, sub2+"/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/vault", "Microsoft.KeyVault/deletedVaults", `{}`)}, []string{}},
		{"ML027", "ARM does not show deleted workspaces (pain 34)", []change{remark(snapshot.NotListed, soft)}, []string{"warning/person w"}},
		{"ML027", "without a target nobody asks", []change{remark(snapshot.NotListed, soft), aimAt("")}, []string{}},
		{"ML028", "a provider that is not registered is registered (S17)", []change{offer(snapshot.Target, "Microsoft.Notebooks", "NotRegistered", "")}, []string{"note/plan Microsoft.Notebooks"}},
		{"ML028", "one that is being registered is waited for (S17)", []change{offer(snapshot.Target, "Microsoft.Storage", "Registering", "")}, []string{"warning/plan Microsoft.Storage"}},
		{"ML028", "one that the caller may not register (S17)", []change{offer(snapshot.Target, "Microsoft.Storage", "Unregistered", ""), permit(snapshot.Target, sub2, `{"actions":["Microsoft.Storage/*"],"notActions":["*/register/action"]}`)},
			[]string{"blocker/person Microsoft.Storage"}},
		{"ML028", "nobody uses Kubernetes", []change{offer(snapshot.Target, "Microsoft.ContainerService", "NotRegistered", "")}, []string{}},
		{"ML029", "an AKS compute needs its provider (S18)", []change{aks, offer(snapshot.Target, "Microsoft.ContainerService", "NotRegistered", "")}, []string{"note/plan Microsoft.ContainerService"}},
		{"ML029", "a service on AKS needs it too (S18)", []change{content("services/s", `{"properties":{"computeType":"AKS"}}`), offer(snapshot.Target, "Microsoft.ContainerService", "NotRegistered", "")},
			[]string{"note/plan Microsoft.ContainerService"}},
		{"ML030", "the providers for keys are only shown (S19)", []change{workspace(`,"encryption":{"status":"Enabled"}`), offer(snapshot.Target, "Microsoft.Search", "NotRegistered", "")}, []string{"note/none Microsoft.Search"}},
		{"ML030", "without a key nobody needs them (S19)", []change{offer(snapshot.Target, "Microsoft.Search", "NotRegistered", "")}, []string{}},
	}
}
