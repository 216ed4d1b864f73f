package agree

import (
	"net/http"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/test/estate"
)

type doing = func(*testing.T, *estate.Estate)

// under is something in the workspace.
func under(path string) string { return estate.Workspace + "/" + path }

// makes puts something through the API.
func makes(id, body string) doing {
	return func(t *testing.T, e *estate.Estate) { e.Must(t, http.MethodPut, id, body) }
}

// imports writes what no client may write.
func imports(id string, doc map[string]any) doing {
	return func(t *testing.T, e *estate.Estate) { e.Import(t, id, doc) }
}

// edits changes a property past the service.
func edits(id, path string, value any) doing {
	return func(t *testing.T, e *estate.Estate) { e.Edit(t, id, path, value) }
}

// together does several things.
func together(all ...doing) doing {
	return func(t *testing.T, e *estate.Estate) {
		for _, do := range all {
			do(t, e)
		}
	}
}

// registers registers the bare subscription.
func registers(namespaces ...string) doing {
	return func(t *testing.T, e *estate.Estate) {
		for _, ns := range namespaces {
			e.Must(t, http.MethodPost, "/subscriptions/"+estate.Bare+"/providers/"+ns+"/register", nil)
		}
		e.Settle(t)
	}
}

const (
	auth        = "/providers/Microsoft.Authorization/"
	locations   = auth + "policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c"
	requireTag  = auth + "policyDefinitions/871b6d14-10aa-478d-b590-94f262ecfa99"
	assignment  = auth + "policyAssignments/the-policy"
	bricks      = estate.SiblingGroup + "/providers/Microsoft.Databricks/workspaces/bricks"
	aksID       = "/subscriptions/" + estate.Source + "/resourceGroups/origin-rg/providers/Microsoft.ContainerService/managedClusters/aks"
	clusterBody = `{"location":"eastus","properties":{"computeType":"AmlCompute","properties":{"vmSize":"Standard_DS2_v2","scaleSettings":{"minNodeCount":0,"maxNodeCount":1}}}}`
)

func assigns(scope, definition, parameters, mode string) doing {
	return makes(scope+assignment, `{"properties":{"displayName":"The policy","policyDefinitionId":"`+definition+`","enforcementMode":"`+mode+`","parameters":`+parameters+`}}`)
}

func locks(scope, level string) doing {
	return makes(scope+auth+"locks/l", `{"properties":{"level":"`+level+`"}}`)
}

// status imports a job or labeling project in a status.
func status(path string, s aml.JobStatus) doing {
	return imports(under(path), map[string]any{"properties": map[string]any{"jobType": "Command", "command": "python train.py", "status": string(s)}})
}

// inState imports something in a provisioning state.
func inState(path, state string, more map[string]any) doing {
	properties := map[string]any{"provisioningState": state}
	for name, value := range more {
		properties[name] = value
	}
	return imports(under(path), map[string]any{"location": "eastus", "properties": properties})
}

var attachesAKS = together(
	makes(aksID, `{"location":"eastus","properties":{"dnsPrefix":"aks"}}`),
	makes(under("computes/aks"), `{"location":"eastus","properties":{"computeType":"AKS","resourceId":"`+aksID+`","properties":{}}}`))

func worlds() []world {
	list := []world{
		{name: "nothing is in the way"},
		{name: "another group of the same subscription (S02)", target: estate.SiblingGroup},
		{name: "the same region as people write it (S21)", target: "/subscriptions/" + estate.Target + "/resourceGroups/spelled-rg", change: makes("/subscriptions/"+estate.Target+"/resourceGroups/spelled-rg", `{"location":"East US"}`)},
		{name: "an associated resource moves along (S42)", include: "storage", also: estate.Storage},
		{name: "the page's role is enough (S12)", by: "contributor"},
		{name: "a workspace that is not there (S11)", id: under("")[:len(estate.Workspace)] + "-not", refused: "ResourceNotFound", clauses: []string{"capture", "S11"}},
		{name: "a single model (S25)", id: under("models/m"), refused: "CannotMoveChildResource", clauses: []string{"capture", "S25"}},
		{name: "who has no role reads nothing (S12)", by: "nobody", refused: "AuthorizationFailed", clauses: []string{"capture", "S12"}},
		{name: "who may only read (S12)", by: "reader", refused: "AuthorizationFailed", clauses: []string{"S12", "S13", "S14"}},
		{name: "no right at the target (S12)", by: "source-only", refused: "LinkedAuthorizationFailed", clauses: []string{"S12"}},
		{name: "no right to delete (S13)", by: "no-delete", refused: "workspaces/delete", clauses: []string{"S13"}},
		{name: "no right to create (S14)", by: "no-create", refused: "workspaces/write", clauses: []string{"S14"}},
		{name: "the group is in another region (S26)", target: estate.WestGroup, refused: "CrossRegionMoveNotSupported", clauses: []string{"S26"}},
		{name: "another tenant (S27)", target: estate.ForeignGroup, refused: "another tenant", clauses: []string{"S27"}},
		{name: "a disabled subscription", target: estate.OffGroup, refused: "ReadOnlyDisabledSubscription", clauses: []string{"arm-move 1.2"}},
		{name: "the source group itself", target: estate.OriginGroup, refused: "InvalidMoveTarget", clauses: []string{"pain 20"}},
		{name: "the target group is not there (S40)", target: estate.DestinationGroup + "-not", refused: "ResourceGroupNotFound", clauses: []string{"S40"}},
		{name: "nothing is registered (S17)", target: estate.BareGroup, refused: "MissingRegistrationsForTypes", clauses: []string{"S17"}},
		{name: "all but one is registered (S17)", target: estate.BareGroup, change: registers("Microsoft.Storage", "Microsoft.ContainerRegistry", "Microsoft.KeyVault", "Microsoft.Notebooks", "Microsoft.Insights"),
			refused: "MissingRegistrationsForTypes", clauses: []string{"S17"}},
		{name: "Kubernetes is not registered (S18)", target: estate.BareGroup, change: together(attachesAKS, registers(aml.RequiredNamespaces(aml.Needs{})...)), refused: "Microsoft.ContainerService", clauses: []string{"S18", "S34"}},
		{name: "the workspace is being updated (S11)", change: edits(estate.Workspace, "properties.provisioningState", "Updating"), refused: "ResourceNotProvisioned", clauses: []string{"S11", "pain 14"}},
		{name: "what moves along has failed (pain 14)", include: "storage", also: estate.Storage, change: edits(estate.Storage, "properties.provisioningState", "Failed"), refused: "ResourceNotProvisioned", clauses: []string{"pain 14"}},
		{name: "what stays has failed", change: edits(estate.Storage, "properties.provisioningState", "Failed"), stricter: "ARM speaks of the resource or its dependency (arm-move 2)", clauses: []string{"pain 14"}},
		{name: "a workspace of that name is there (pain 20)", refused: "ResourceConflict", clauses: []string{"pain 20"},
			change: makes(estate.Moved(estate.Workspace, estate.DestinationGroup), `{"location":"eastus","properties":{"storageAccount":"`+estate.Storage+`","keyVault":"`+estate.Vault+`"}}`)},
		{name: "a soft-deleted workspace of that name (pain 34)", refused: "soft-deleted", clauses: []string{"pain 34"}, blind: "ARM lists no deleted workspaces", unlike: "so no snapshot has them", change: together(
			makes(estate.Moved(estate.Workspace, estate.DestinationGroup), `{"location":"eastus","properties":{"storageAccount":"`+estate.Storage+`","keyVault":"`+estate.Vault+`"}}`),
			func(t *testing.T, e *estate.Estate) {
				e.Must(t, http.MethodDelete, estate.Moved(estate.Workspace, estate.DestinationGroup), nil)
			})},
		{name: "a move of somebody else (pain 1)", refused: "ResourcesBeingMoved", clauses: []string{"pain 1"}, unlike: "it ends by itself, nobody knows when", change: func(t *testing.T, e *estate.Estate) {
			e.Takes(t, map[string]time.Duration{"move.validate": time.Hour, "move.move": time.Hour})
			if answer := e.Ask(t, "", http.MethodPost, estate.OriginGroup+"/moveResources", estate.Order(estate.SiblingGroup, estate.Insights)); answer.Status != http.StatusAccepted {
				t.Fatalf("the other move is answered %d: %s", answer.Status, answer.Body)
			}
		}},
		{name: "a labeling project through the API (S37)", refused: "labeling projects", clauses: []string{"S37"}, change: together(
			func(t *testing.T, e *estate.Estate) {
				e.Takes(t, map[string]time.Duration{"labeling.run": time.Hour})
			},
			makes(under("labelingJobs/defects?api-version=2024-04-01-preview"), `{"properties":{"labelCategories":{},"datasetConfiguration":{"assetName":"images"}}}`))},
	}
	list = append(list, contentWorlds()...)
	return append(list, policyWorlds()...)
}

// contentWorlds are about what is in the workspace.
func contentWorlds() []world {
	databricks := func(workspace string) doing {
		return makes(bricks, `{"location":"eastus","sku":{"name":"premium"},"properties":{"managedResourceGroupId":"/subscriptions/`+estate.Source+`/resourceGroups/bricks-managed","parameters":{"amlWorkspaceId":{"value":"`+workspace+`"}}}}`)
	}
	list := []world{
		{name: "a compute through the API (S34)", change: makes(under("computes/cpu"), clusterBody), refused: "it has computes", clauses: []string{"S34", "S09"}},
		{name: "an attached cluster (S31)", change: attachesAKS, refused: "it has computes", clauses: []string{"S34"}},
		{name: "an online endpoint (S36)", change: makes(under("onlineEndpoints/agree-online"), `{"location":"eastus","properties":{"authMode":"Key"}}`), refused: "online endpoints", clauses: []string{"S36", "S10"}},
		{name: "a batch endpoint (S10)", change: makes(under("batchEndpoints/agree-batch"), `{"location":"eastus","properties":{"authMode":"AADToken"}}`), refused: "batch endpoints", clauses: []string{"S10"}},
		{name: "a serverless endpoint (S10)", change: makes(under("serverlessEndpoints/agree-serverless"), `{"location":"eastus","sku":{"name":"Consumption"},"properties":{"authMode":"Key","modelSettings":{"modelId":"azureml://registries/azureml/models/m"}}}`),
			refused: "serverless endpoints", clauses: []string{"S10"}},
		{name: "a service of the v1 API (S35)", change: makes(under("services/score?api-version=2021-04-01"), `{"location":"eastus","properties":{"computeType":"ACI"}}`), refused: "deployed services", clauses: []string{"S35"}},
		{name: "a key by encryption (S33)", change: edits(estate.Workspace, "properties.encryption.status", "Enabled"), refused: "customer-managed key", clauses: []string{"S33"}},
		{name: "a key in its newer form (S33)", change: edits(estate.Workspace, "properties.enableServiceSideCMKEncryption", true), refused: "customer-managed key", clauses: []string{"S33"}},
		{name: "the managed group of a key (S33)", change: edits(estate.Workspace, "properties.serviceProvisionedResourceGroup", "azureml-rg-1"), refused: "customer-managed key", clauses: []string{"S33"}},
		{name: "a Databricks workspace that names this one (S38)", change: databricks(estate.Workspace), refused: "Azure Databricks", clauses: []string{"S38"}},
		{name: "a Databricks workspace that names another", change: databricks(estate.Workspace + "-other")},
		{name: "a linked service to Databricks (S38)", change: makes(under("linkedServices/link?api-version=2020-09-01-preview"), `{"location":"eastus","properties":{"linkedServiceResourceId":"`+bricks+`"}}`), refused: "Azure Databricks", clauses: []string{"S38"}},
		{name: "a linked service to Synapse", change: makes(under("linkedServices/link?api-version=2020-09-01-preview"), `{"location":"eastus","properties":{"linkedServiceResourceId":"`+estate.SiblingGroup+`/providers/Microsoft.Synapse/workspaces/s"}}`)},
		{name: "a hub", change: edits(estate.Workspace, "kind", "Hub"), refused: "of kind 'Hub'", clauses: []string{"aml-contract 2"}},
		{name: "a project", change: edits(estate.Workspace, "kind", "Project"), refused: "of kind 'Project'", clauses: []string{"aml-contract 2"}},
		{name: "a feature store", change: edits(estate.Workspace, "kind", "FeatureStore")},
		{name: "an enabled schedule", change: makes(under("schedules/s"), `{"properties":{"isEnabled":true,"trigger":{"triggerType":"Cron","expression":"0 0 1 1 *"},"action":{"actionType":"CreateJob","jobDefinition":{"jobType":"Command","command":"x","environmentId":"azureml:e:1"}}}}`)},
		{name: "models, data, datastores and roles", change: together(
			makes(under("models/m/versions/1"), `{"properties":{"modelUri":"azureml://datastores/workspaceblobstore/paths/m"}}`),
			makes(under("data/d/versions/1"), `{"properties":{"dataType":"uri_file","dataUri":"azureml://datastores/workspaceblobstore/paths/d"}}`),
			makes(under("datastores/own"), `{"properties":{"datastoreType":"AzureBlob","accountName":"originstore","containerName":"c","credentials":{"credentialsType":"None"}}}`))},
	}
	var ended []doing
	for _, s := range aml.JobStatuses() {
		if s.Terminal() {
			ended = append(ended, status("jobs/j-"+string(s), s), status("labelingJobs/l-"+string(s), s))
			continue
		}
		list = append(list, world{name: "a job and a labeling project that are " + string(s) + " (S28, S37)", change: together(status("jobs/j", s), status("labelingJobs/l", s)),
			refused: "l (" + string(s) + ")", clauses: []string{"S28", "S37", "S22"}})
	}
	list = append(list, world{name: "a running job alone (S28)", change: status("jobs/j", aml.JobRunning), refused: "j (Running)", clauses: []string{"S28"}},
		world{name: "jobs and labeling projects that have ended (S28)", change: together(ended...)})
	for _, s := range []string{"Creating", "Updating", "Deleting", "Succeeded", "Failed", "Canceled", "Unknown"} {
		list = append(list, world{name: "a compute that is " + s + " (S34)", refused: "cpu (AmlCompute, " + s + ")", clauses: []string{"S34"},
			change: inState("computes/cpu", s, map[string]any{"computeType": "AmlCompute", "properties": map[string]any{"vmSize": "Standard_DS2_v2"}})})
	}
	for _, s := range []string{"Creating", "Updating", "Deleting", "Failed"} {
		list = append(list, world{name: "an online endpoint that is " + s + " (S36)", refused: "e (" + s + ")", clauses: []string{"S36"}, change: inState("onlineEndpoints/e", s, map[string]any{"authMode": "Key"})})
	}
	return list
}

const mlAlias = "Microsoft.MachineLearningServices/workspaces/"

// ownPolicy is a world in which a policy denies workspaces under a condition.
func ownPolicy(name string, refused bool, condition string) world {
	definition := "/subscriptions/" + estate.Target + auth + "policyDefinitions/own"
	w := world{name: name, clauses: []string{"S15"}, change: together(
		makes(definition, `{"properties":{"mode":"All","policyRule":{"if":{"allOf":[{"field":"type","equals":"Microsoft.MachineLearningServices/workspaces"},`+condition+`]},"then":{"effect":"deny"}}}}`),
		assigns(estate.DestinationGroup, definition, `{}`, "Default"))}
	if refused {
		w.refused = "PolicyViolation"
	} else {
		w.clauses = nil
	}
	return w
}

// policyWorlds are about policies, locks and deployments.
func policyWorlds() []world {
	west := `{"listOfAllowedLocations":{"value":["westus"]}}`
	vault := estate.Vault
	list := []world{
		{name: "a region that is not allowed (S15)", change: assigns(estate.DestinationGroup, locations, west, "Default"), refused: "PolicyViolation", clauses: []string{"S15"}},
		{name: "by the subscription (S15)", change: assigns("/subscriptions/"+estate.Target, locations, west, "Default"), refused: "PolicyViolation", clauses: []string{"S15"}},
		{name: "a tag that is missing (S15)", change: assigns(estate.DestinationGroup, requireTag, `{"tagName":{"value":"costCenter"}}`, "Default"), refused: "PolicyViolation", clauses: []string{"S15"}},
		{name: "a tag that is there", change: assigns(estate.DestinationGroup, requireTag, `{"tagName":{"value":"TEAM"}}`, "Default")},
		{name: "a tag that only what moves along lacks (S15)", include: "keyvault", also: vault, change: assigns(estate.DestinationGroup, requireTag, `{"tagName":{"value":"team"}}`, "Default"), refused: "PolicyViolation", clauses: []string{"S15"}},
		{name: "a policy that only reports", change: assigns(estate.DestinationGroup, locations, west, "DoNotEnforce")},
		{name: "a policy of another group", change: assigns(estate.WestGroup, locations, west, "Default")},
		{name: "a policy of the source", change: assigns(estate.OriginGroup, locations, `{"listOfAllowedLocations":{"value":["eastus"]}}`, "Default")},
		{name: "a policy of our own, with an alias (S15)", refused: "PolicyViolation", clauses: []string{"S15"}, change: together(
			makes("/subscriptions/"+estate.Target+auth+"policyDefinitions/private", `{"properties":{"mode":"All","policyRule":{"if":{"allOf":[{"field":"type","equals":"Microsoft.MachineLearningServices/workspaces"},`+
				`{"not":{"field":"Microsoft.MachineLearningServices/workspaces/publicNetworkAccess","equals":"Disabled"}}]},"then":{"effect":"[parameters('effect')]"}},"parameters":{"effect":{"type":"String","defaultValue":"Deny"}}}}`),
			assigns(estate.DestinationGroup, "/subscriptions/"+estate.Target+auth+"policyDefinitions/private", `{}`, "Default"))},
		{name: "the same with another effect", change: together(
			makes("/subscriptions/"+estate.Target+auth+"policyDefinitions/private", `{"properties":{"mode":"All","policyRule":{"if":{"field":"type","like":"Microsoft.MachineLearningServices/*"},"then":{"effect":"[parameters('effect')]"}},`+
				`"parameters":{"effect":{"type":"String","defaultValue":"Deny"}}}}`),
			assigns(estate.DestinationGroup, "/subscriptions/"+estate.Target+auth+"policyDefinitions/private", `{"effect":{"value":"Audit"}}`, "Default"))},
		ownPolicy("a policy that counts, and finds none (S15)", true, `{"count":{"field":"`+mlAlias+`privateEndpointConnections[*]","where":{"field":"`+mlAlias+`privateEndpointConnections[*].privateLinkServiceConnectionState.status","equals":"Approved"}},"less":1}`),
		ownPolicy("a policy that counts what nobody has", false, `{"count":{"field":"`+mlAlias+`privateEndpointConnections[*]"},"greater":0}`),
		ownPolicy("a policy that counts values (S15)", true, `{"count":{"value":["vision","speech"],"name":"team","where":{"field":"tags['team']","equals":"[current('team')]"}},"equals":1}`),
		ownPolicy("a policy on every element of an empty list (S15)", true, `{"field":"`+mlAlias+`sharedPrivateLinkResources[*].groupId","equals":"blob"}`),
		ownPolicy("a policy on elements that are not there", false, `{"field":"`+mlAlias+`sharedPrivateLinkResources[*]","exists":"true"}`),
		ownPolicy("a policy on a pattern (S15)", true, `{"field":"tags['team']","match":"vi????"}`),
		ownPolicy("a policy on a pattern that is another", false, `{"field":"tags['team']","match":"VI####"}`),
		ownPolicy("a policy on a pattern in any case (S15)", true, `{"field":"tags['team']","notMatchInsensitively":"VI####"}`),
		{name: "an exemption", change: together(assigns(estate.DestinationGroup, locations, west, "Default"),
			makes(estate.DestinationGroup+auth+"policyExemptions/x?api-version=2022-07-01-preview", `{"properties":{"policyAssignmentId":"`+estate.DestinationGroup+assignment+`","exemptionCategory":"Waiver"}}`))},
		{name: "a lock on what stays", change: locks(estate.Storage, "CanNotDelete")},
		{name: "a lock on what moves along (pain 38)", include: "storage", also: estate.Storage, change: locks(estate.Storage, "CanNotDelete"), refused: "ScopeLocked", clauses: []string{"pain 38"}},
	}
	for _, scope := range []string{estate.OriginGroup, estate.DestinationGroup, "/subscriptions/" + estate.Source, "/subscriptions/" + estate.Target, estate.Workspace} {
		for _, level := range []string{"ReadOnly", "CanNotDelete"} {
			list = append(list, world{name: level + " on " + scope + " (pain 38)", change: locks(scope, level), refused: "ScopeLocked", clauses: []string{"pain 38"}})
		}
	}
	for _, group := range []string{estate.OriginGroup, estate.DestinationGroup} {
		list = append(list, world{name: "a deployment in flight in " + group + " (pain 1)", refused: "DeploymentActive", clauses: []string{"arm-move 2", "pain 1"},
			change: imports(group+"/providers/Microsoft.Resources/deployments/rollout", map[string]any{"properties": map[string]any{"provisioningState": "Running"}})})
	}
	return list
}
