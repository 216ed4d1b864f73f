package rules

import (
	"slices"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// online is an online endpoint.
func online(name, more string) change {
	return content("onlineEndpoints/"+name, `{"properties":{"provisioningState":"Succeeded",`+more+`}}`)
}

// scaling is a setting that scales the deployment d of an endpoint.
func scaling(endpoint string) change {
	return source(group1+"/providers/Microsoft.Insights/autoscaleSettings/auto", `{"properties":{"enabled":true,"targetResourceUri":"`+ws+`/onlineEndpoints/`+endpoint+`/deployments/d"}}`)
}

func calls(n string) change {
	return source(ws+"/onlineEndpoints/e/providers/Microsoft.Insights/metrics/RequestsPerMinute", `{"requests":`+n+`}`)
}

func endpointExamples() []example {
	e, d := online("e", `"authMode":"Key"`), content("onlineEndpoints/e/deployments/d", `{"properties":{"provisioningState":"Succeeded"}}`)
	service := content("services/s", `{"properties":{"computeType":"ACI"}}`)
	state := func(path, s string) change { return content(path, `{"properties":{"provisioningState":"`+s+`"}}`) }
	bought, paid := content("marketplaceSubscriptions/m", `{"properties":{}}`), content("serverlessEndpoints/s", `{"properties":{"marketplaceSubscriptionId":"m"}}`)
	return []example{
		{"ML070", "an online endpoint is removed and made again (S10, S36)", []change{e, d}, []string{"note/plan e"}},
		{"ML070", "it stops the move when nothing may be removed (S36)", []change{e, noQuiesce}, []string{"blocker/person e"}},
		{"ML071", "batch and serverless endpoints (S10)", []change{state("batchEndpoints/b", "Succeeded"), state("serverlessEndpoints/s", "Succeeded")}, []string{"note/plan b", "note/plan s"}},
		{"ML071", "they stop the move too", []change{state("batchEndpoints/b", "Succeeded"), noQuiesce}, []string{"blocker/person b"}},
		{"ML072", "an endpoint that is being created (S36)", []change{state("onlineEndpoints/e", "Creating")}, []string{"blocker/person e"}},
		{"ML072", "a deployment that is being scaled (S36)", []change{e, state("onlineEndpoints/e/deployments/d", "Scaling")}, []string{"blocker/person d"}},
		{"ML072", "a failed one has come to its end", []change{state("onlineEndpoints/e", "Failed")}, []string{}},
		{"ML073", "a failed deployment (pain 27)", []change{e, state("onlineEndpoints/e/deployments/d", "Failed")}, []string{"warning/person d"}},
		{"ML073", "a good one", []change{e, d}, []string{}},
		{"ML074", "a service of the v1 API (S35)", []change{service}, []string{"blocker/person s"}},
		{"ML074", "removed when asked (S35)", []change{service, choose(func(c *Choices) { c.RemoveServices = true })}, []string{"warning/plan s"}},
		{"ML075", "names are held and free for others (pain 26)", []change{e, instance("i", "")}, []string{"note/none i", "note/none e"}},
		{"ML075", "what is not removed keeps its name", []change{e, noQuiesce}, []string{}},
		{"ML076", "an endpoint that is being invoked (S29)", []change{e, calls("3")}, []string{"blocker/person e"}},
		{"ML076", "removed all the same (S29)", []change{e, calls("3"), choose(func(c *Choices) { c.Force = true })}, []string{"warning/none e"}},
		{"ML076", "nobody calls it (S29)", []change{e, calls("0")}, []string{}},
		{"ML078", "what scales a deployment does not follow it (S10)", []change{e, d, scaling("e")}, []string{"warning/person auto"}},
		{"ML078", "what stays goes on being scaled", []change{e, d, scaling("e"), noQuiesce}, []string{}},
		{"ML077", "a marketplace subscription (aml-contract 8)", []change{bought}, []string{"warning/person m"}},
		{"ML077", "a serverless endpoint of one is removed, and nobody knows whether it can be made again (aml-contract 3, D2)", []change{paid}, []string{"blocker/person s"}},
		{"ML077", "somebody has bought it for the target (D2)", []change{bought, paid, confirm("ML077")}, []string{"warning/none s", "note/none m"}},
		{"ML077", "one without an offer needs none", []change{state("serverlessEndpoints/s", "Succeeded")}, []string{}},
		{"ML077", "what is not removed is not made again", []change{paid, noQuiesce}, []string{}},
		{"ML077", "within a subscription what was bought stays bought (aml-contract 8)", []change{bought, paid, aimAt(sub1 + "/resourceGroups/g3")}, []string{}},
	}
}

func jobExamples() []example {
	job := func(status string) change { return content("jobs/j", `{"properties":{"status":"`+status+`"}}`) }
	project := func(status string) change {
		return content("labelingJobs/l", `{"properties":{"status":"`+status+`","progressMetrics":{"completedDatapointCount":3,"totalDatapointCount":9}}}`)
	}
	list := []example{
		{"ML082", "runs of v1 are not shown (S28)", nil, []string{"warning/person w"}},
		{"ML080", "the case of a status says nothing (S28)", []change{job("completed")}, []string{}},
		{"ML081", "the case of a project's status says nothing (S37)", []change{project("COMPLETED")}, []string{}},
		{"ML081", "a labeling project among the jobs is a project (S37)", []change{content("jobs/j", `{"properties":{"jobType":"labeling","status":"Paused"}}`)}, []string{"blocker/person j"}},
		{"ML080", "and none of the jobs that are ended (S37)", []change{content("jobs/j", `{"properties":{"jobType":"Labeling","status":"Running"}}`)}, []string{}},
		{"ML083", "an enabled schedule (pain 32)", []change{content("schedules/s", `{"properties":{"isEnabled":true}}`)}, []string{"note/plan s"}},
		{"ML083", "one that does not say is enabled", []change{content("schedules/s", `{"properties":{}}`)}, []string{"note/plan s"}},
		{"ML083", "a disabled one", []change{content("schedules/s", `{"properties":{"isEnabled":false}}`)}, []string{}},
	}
	for _, s := range append(aml.JobStatuses(), "Surprising") {
		wantJob, wantProject := []string{"note/plan j"}, []string{"blocker/person l"}
		if slices.Contains([]aml.JobStatus{aml.JobCompleted, aml.JobFailed, aml.JobCanceled}, s) {
			wantJob, wantProject = []string{}, []string{}
		}
		list = append(list, example{"ML080", "a job that is " + string(s) + " (S28)", []change{job(string(s))}, wantJob},
			example{"ML081", "a labeling project that is " + string(s) + " (S37)", []change{project(string(s))}, wantProject})
	}
	return list
}

func networkExamples() []example {
	endpoint := func(id, to, list string) change {
		return source(id+"/providers/Microsoft.Network/privateEndpoints/pe", `{"properties":{"`+list+`":[{"properties":{"privateLinkServiceId":"`+to+`"}}]}}`)
	}
	const manual, own = "manualPrivateLinkServiceConnections", "privateLinkServiceConnections"
	approve := choose(func(c *Choices) { c.ApproveEndpoints = true })
	return []example{
		{"ML084", "somebody must approve (S23, S24)", []change{endpoint(group1, ws, own)}, []string{"warning/person pe"}},
		{"ML084", "the plan approves when asked (S24)", []change{endpoint(group1, ws, manual), approve}, []string{"note/plan pe"}},
		{"ML084", "an endpoint to an account that stays", []change{endpoint(group1, storage, own)}, []string{}},
		{"ML084", "an endpoint to an account that moves along (pain 31)", []change{endpoint(group1, storage, own), include("all"), approve}, []string{"note/plan pe"}},
		{"ML084", "a connection whose endpoint could not be read (pain 31)", []change{content("privateEndpointConnections/c", `{"properties":{"privateEndpoint":{"id":"/subscriptions/s9/resourceGroups/g/providers/Microsoft.Network/privateEndpoints/far"}}}`)},
			[]string{"warning/person c"}},
		{"ML085", "an endpoint of another subscription (S24)", []change{endpoint("/subscriptions/s9/resourceGroups/g", ws, own)}, []string{"warning/person pe"}},
		{"ML085", "one of this subscription", []change{endpoint(group1, ws, own)}, []string{}},
		{"ML086", "a managed network (aml-contract 2)", []change{workspace(`,"managedNetwork":{"isolationMode":"AllowInternetOutbound"}`)}, []string{"warning/person w"}},
		{"ML086", "an outbound rule to what moves along", []change{content("outboundRules/r", `{"properties":{"type":"PrivateEndpoint","destination":{"serviceResourceId":"`+storage+`"}}}`), include("storage")}, []string{"note/plan r"}},
		{"ML086", "an outbound rule to what stays", []change{content("outboundRules/r", `{"properties":{"type":"PrivateEndpoint","destination":{"serviceResourceId":"`+storage+`"}}}`)}, []string{}},
		{"ML087", "a diagnostic setting (arm-move 3.1)", []change{source(ws+"/providers/Microsoft.Insights/diagnosticSettings/d", `{}`)}, []string{"note/plan d"}},
		{"ML087", "one of an account that stays", []change{source(storage+"/providers/Microsoft.Insights/diagnosticSettings/d", `{}`)}, []string{}},
		{"ML088", "an alert on the workspace (pain 22)", []change{alertOn(ws)}, []string{"note/plan al"}},
		{"ML088", "a query that watches the workspace (pain 22)", []change{source(group1+"/providers/Microsoft.Insights/scheduledQueryRules/q", `{"properties":{"scopes":["`+ws+`"]}}`)}, []string{"note/plan q"}},
		{"ML088", "an alert on an account that stays", []change{alertOn(storage)}, []string{}},
	}
}

// datastore is a datastore of the workspace.
func datastore(name, more string) change {
	return content("datastores/"+name, `{"properties":{"subscriptionId":"s1","resourceGroup":"g1","accountName":"store",`+more+`}}`)
}

func datastoreExamples() []example {
	blob := `"datastoreType":"AzureBlob","credentials":{"credentialsType":"Sas"}`
	connection := func(auth, target string) change {
		return content("connections/k", `{"properties":{"authType":"`+auth+`","target":"`+target+`","metadata":{}}}`)
	}
	return []example{
		{"ML090", "a nondefault datastore is repaired (S32, S45)", []change{datastore("lake", blob)}, []string{"note/plan lake"}},
		{"ML090", "the system's own are the service's (S04)", []change{datastore("workspaceblobstore", blob), datastore("workspacefilestore", blob), datastore("workspaceworkingdirectory", blob), datastore("workspaceartifactstore", blob)}, []string{}},
		{"ML091", "a signature that may end (pain 30)", []change{datastore("lake", blob)}, []string{"note/none lake"}},
		{"ML091", "an account key does not end", []change{datastore("lake", `"credentials":{"credentialsType":"AccountKey"}`)}, []string{}},
		{"ML092", "OneLake has no subscription (aml-contract 6)", []change{datastore("one", `"datastoreType":"OneLake"`)}, []string{"note/none one"}},
		{"ML090", "OneLake needs no repair (aml-contract 6)", []change{datastore("one", `"datastoreType":"OneLake"`)}, []string{}},
		{"ML093", "data assets are registered again (S05, pain 29)", []change{content("data/d", `{}`), content("data/d/versions/1", `{}`)}, []string{"note/plan w"}},
		{"ML094", "a connection to what moves along (aml-contract 3)", []change{connection("ManagedIdentity", storage), include("storage")}, []string{"note/plan k"}},
		{"ML094", "a consent cannot be written again (aml-contract 8)", []change{connection("OAuth2", storage), include("storage")}, []string{"warning/person k", "note/plan k"}},
		{"ML094", "a connection to elsewhere", []change{connection("OAuth2", "https://api.example")}, []string{}},
		{"ML095", "an old id in an environment variable (pain 22)", []change{online("e", `"x":1`), content("onlineEndpoints/e/deployments/d", `{"properties":{"environmentVariables":{"WORKSPACE":"`+ws+`"}}}`)}, []string{"note/none d"}},
		{"ML095", "an id that is rewritten", []change{online("e", `"x":1`), content("onlineEndpoints/e/deployments/d", `{"properties":{"model":"`+ws+`/models/m/versions/1"}}`)}, []string{}},
	}
}

func gapExamples() []example {
	list := []example{
		{"ML096", "an account that shall move along (D2)", []change{gap(snapshot.Source, storage, 403), include("storage")}, []string{"blocker/person store"}},
		{"ML097", "an account that stays", []change{gap(snapshot.Source, storage, 403)}, []string{"warning/person store"}},
		{"ML096", "roles of the workspace would be lost (S16)", []change{gap(snapshot.Source, ws+auth+"roleAssignments", 403)}, []string{"blocker/person roleAssignments"}},
		{"ML097", "roles of the subscription are only inherited", []change{gap(snapshot.Source, sub1+auth+"roleAssignments", 403)}, []string{"warning/person roleAssignments"}},
		{"ML096", "quota of the target, with a cluster to make again (D2)", []change{gap(snapshot.Target, sub2+region1+"usages", 403), cluster("c", 1, "")}, []string{"blocker/person usages"}},
		{"ML097", "quota of the target, with nothing to make again", []change{gap(snapshot.Target, sub2+region1+"usages", 403)}, []string{}},
		{"ML096", "policies of the target, with something to make again (D2)", []change{gap(snapshot.Target, group2+auth+"policyAssignments", 403), aks}, []string{"blocker/person policyAssignments"}},
		{"ML097", "policies of the target, with nothing to make again", []change{gap(snapshot.Target, group2+auth+"policyAssignments", 403)}, []string{"warning/person policyAssignments"}},
		{"ML096", "what a policy of the target demands, with something to make again (D2)", []change{gap(snapshot.Target, defs+"d", 403), assign(group2, defs+"d", ""), aks}, []string{"blocker/person d"}},
		{"ML096", "what one demands that is not enforced", []change{gap(snapshot.Target, defs+"d", 403), assign(group2, defs+"d", `,"enforcementMode":"DoNotEnforce"`), aks}, []string{}},
		{"ML096", "an initiative that leaves the group out", []change{gap(snapshot.Target, "/providers/Microsoft.Authorization/policySetDefinitions/set", 403), assign(sub2, "/providers/Microsoft.Authorization/policySetDefinitions/set", `,"notScopes":["`+group2+`"]`), aks}, []string{}},
		{"ML097", "policies on the workspace itself, with something to make again (pain 16)", []change{gap(snapshot.Source, ws+auth+"policyAssignments", 403), aks}, []string{"warning/person policyAssignments"}},
		{"ML097", "rights that are not told", []change{permit(snapshot.Target, group2), gap(snapshot.Target, group2+auth+"permissions", 403)}, []string{"warning/person permissions"}},
		{"ML096", "a missing target group hides nothing (S40)", []change{gap(snapshot.Target, group2, 404)}, []string{}},
		{"ML097", "a missing target group is another rule's (S40)", []change{gap(snapshot.Target, group2, 404)}, []string{}},
		{"ML096", "a target group that may not be read hides everything there (S40, D2)", []change{gap(snapshot.Target, group2, 403)}, []string{"blocker/person g2"}},
		{"ML097", "Databricks workspaces elsewhere (S38)", []change{gap(snapshot.Source, "/subscriptions/s9/providers/Microsoft.Databricks/workspaces", 403)}, []string{"warning/person workspaces"}},
		{"ML097", "models move whether they were read or not (S08)", []change{gap(snapshot.Content, ws+"/models", 403)}, []string{"warning/person models"}},
		{"ML096", "services of an API that is gone (S35, aml-contract 7)", []change{gap(snapshot.Content, ws+"/services", 404)}, []string{}},
		{"ML096", "services that may not be read (S35)", []change{gap(snapshot.Content, ws+"/services", 403)}, []string{"blocker/person services"}},
		{"ML097", "requests of an endpoint (S29)", []change{gap(snapshot.Source, ws+"/onlineEndpoints/e/providers/Microsoft.Insights/metrics", 403)}, []string{"warning/person metrics"}},
		{"ML098", "a kind that nobody knows (D1, pain 41)", []change{remark(snapshot.UnknownKind, "Microsoft.MachineLearningServices/workspaces/novelties")}, []string{"warning/person novelties"}},
		{"ML099", "a kind that is not offered there (D1, pain 41)", []change{remark(snapshot.KindNotOffered, "Microsoft.MachineLearningServices/workspaces/linkedServices")}, []string{"note/none linkedServices"}},
		{"ML099", "a kind that nobody knows is another rule's", []change{remark(snapshot.UnknownKind, "Microsoft.MachineLearningServices/workspaces/novelties")}, []string{}},
		{"ML098", "other notes say something else", []change{remark(snapshot.DocumentsSkipped, ws)}, []string{}},
	}
	for _, path := range []string{"computes", "onlineEndpoints", "onlineEndpoints/e/deployments", "batchEndpoints", "serverlessEndpoints", "data", "data/d/versions", "jobs", "schedules", "datastores"} {
		list = append(list, example{"ML096", "content of the kind " + path + " may be lost (D2)", []change{gap(snapshot.Content, ws+"/"+path, 403)}, []string{"blocker/person " + path[max(0, lastSlash(path)+1):]}})
	}
	return list
}

func lastSlash(path string) int {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return i
		}
	}
	return -1
}
