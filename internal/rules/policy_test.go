package rules

import (
	"encoding/json"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/snapshot"
)

const defs = "/providers/Microsoft.Authorization/policyDefinitions/"

// define puts a definition at the target.
func define(name, body string) change { return target(defs+name, `{"properties":{`+body+`}}`) }

// assign assigns a definition or initiative at a scope.
func assign(scope, definition, more string) change {
	return target(scope+auth+"policyAssignments/a", `{"properties":{"displayName":"the assignment","policyDefinitionId":"`+definition+`"`+more+`}}`)
}

// denyIf is a definition that denies under a condition.
func denyIf(condition string) change {
	return define("d", `"mode":"All","policyRule":{"if":`+condition+`,"then":{"effect":"deny"}}`)
}

func policyExamples() []example {
	west := denyIf(`{"field":"location","notEquals":"westus"}`)
	here := assign(group2, defs+"d", "")
	exemption := func(more string) change {
		return target(group2+auth+"policyExemptions/x", `{"properties":{"policyAssignmentId":"`+group2+auth+`policyAssignments/A"`+more+`}}`)
	}
	initiative := target("/providers/Microsoft.Authorization/policySetDefinitions/set", `{"properties":{"parameters":{"where":{"defaultValue":["westus"]}},"policyDefinitions":[`+
		`{"policyDefinitionId":"`+defs+`d","policyDefinitionReferenceId":"places","parameters":{"allowed":{"value":"[parameters('where')]"}}}]}}`)
	places := define("d", `"mode":"Indexed","parameters":{"effect":{"defaultValue":"Deny"}},"policyRule":{"if":{"field":"location","notIn":"[parameters('allowed')]"},"then":{"effect":"[parameters('effect')]"}}`)
	set := "/providers/Microsoft.Authorization/policySetDefinitions/set"
	onComputes := denyIf(`{"allOf":[{"field":"type","equals":"Microsoft.MachineLearningServices/workspaces/computes"},{"field":"Microsoft.MachineLearningServices/workspaces/computes/vmSize","exists":"false"}]}`)
	return []example{
		{"ML043", "an exemption on the workspace does not follow (pain 16)", []change{source(ws+auth+"policyExemptions/e", `{"properties":{"exemptionCategory":"Waiver"}}`)}, []string{"warning/person e"}},
		{"ML043", "an assignment on an endpoint of the workspace (pain 16)", []change{source(ws+"/onlineEndpoints/o"+auth+"policyAssignments/a", `{"properties":{}}`)}, []string{"warning/person a"}},
		{"ML043", "an assignment on an account that stays", []change{source(storage+auth+"policyAssignments/a", `{"properties":{}}`)}, []string{}},
		{"ML043", "an assignment above it does not go with it", []change{source(group1+auth+"policyAssignments/a", `{"properties":{}}`)}, []string{}},
		{"ML040", "a region that is not allowed (S15)", []change{west, here}, []string{"blocker/person w"}},
		{"ML040", "what moves along is judged too (S15)", []change{west, here, include("storage")}, []string{"blocker/person w", "blocker/person store"}},
		{"ML040", "an assignment of the subscription reaches the group", []change{west, assign(sub2, defs+"d", "")}, []string{"blocker/person w"}},
		{"ML040", "an assignment of a management group was listed because it does", []change{west, assign("/providers/Microsoft.Management/managementGroups/m", defs+"d", "")}, []string{"blocker/person w"}},
		{"ML040", "an assignment of another group does not", []change{west, assign(sub2+"/resourceGroups/other", defs+"d", "")}, []string{}},
		{"ML040", "an assignment that leaves the group out does not", []change{west, assign(sub2, defs+"d", `,"notScopes":["`+group2+`"]`)}, []string{}},
		{"ML040", "an assignment that only reports does not", []change{west, assign(group2, defs+"d", `,"enforcementMode":"DoNotEnforce"`)}, []string{}},
		{"ML040", "an exemption", []change{west, here, exemption("")}, []string{}},
		{"ML040", "an exemption that has ended", []change{west, here, exemption(`,"expiresOn":"2026-10-01T00:00:00Z"`)}, []string{"blocker/person w"}},
		{"ML040", "an effect that is not deny", []change{define("d", `"mode":"All","policyRule":{"if":{"field":"name","exists":"true"},"then":{"effect":"audit"}}`), here}, []string{}},
		{"ML040", "an initiative with defaults (pain 13)", []change{places, initiative, assign(group2, set, "")}, []string{"blocker/person w"}},
		{"ML040", "an initiative with parameters", []change{places, initiative, assign(group2, set, `,"parameters":{"where":{"value":["eastus"]}}`)}, []string{}},
		{"ML040", "an exemption of one definition in it", []change{places, initiative, assign(group2, set, ""), exemption(`,"policyDefinitionReferenceIds":["PLACES"]`)}, []string{}},
		{"ML040", "an exemption of another definition in it", []change{places, initiative, assign(group2, set, ""), exemption(`,"policyDefinitionReferenceIds":["else"]`)}, []string{"blocker/person w"}},
		{"ML040", "the group that will be made needs a tag (S40)", []change{gap(snapshot.Target, group2, 404), denyIf(`{"allOf":[{"field":"type","equals":"Microsoft.Resources/subscriptions/resourceGroups"},{"field":"tags['costCenter']","exists":"false"}]}`), assign(sub2, defs+"d", "")},
			[]string{"blocker/person g2"}},
		{"ML041", "a compute that could not be made again (D2)", []change{aks, onComputes, here}, []string{"blocker/person aks"}},
		{"ML041", "one that could", []change{cluster("c", 1, ""), denyIf(`{"allOf":[{"field":"type","equals":"Microsoft.MachineLearningServices/workspaces/computes"},{"field":"Microsoft.MachineLearningServices/workspaces/computes/computeType","equals":"AKS"}]}`), here}, []string{}},
		{"ML042", "a condition that nobody can judge (pain 13)", []change{denyIf(`{"count":{"field":"x[*]"},"greater":0}`), here}, []string{"warning/person a"}},
		{"ML042", "a policy of the service's data plane may refuse a deployment (S15, D2)", []change{content("onlineEndpoints/e/deployments/d", `{"properties":{"provisioningState":"Succeeded"}}`),
			define("d", `"mode":"Microsoft.MachineLearningServices.v2.Data","policyRule":{"if":{"field":"type","equals":"x"},"then":{"effect":"deny"}}`), here}, []string{"warning/person a"}},
		{"ML042", "one of another service does not", []change{content("onlineEndpoints/e/deployments/d", `{"properties":{"provisioningState":"Succeeded"}}`),
			define("d", `"mode":"Microsoft.Kubernetes.Data","policyRule":{"if":{"field":"type","equals":"x"},"then":{"effect":"deny"}}`), here}, []string{}},
		{"ML042", "a definition that was not read", []change{here}, []string{"warning/person a"}},
		{"ML042", "a condition that is false whatever the rest says", []change{denyIf(`{"allOf":[{"count":{"field":"x[*]"},"greater":0},{"field":"type","equals":"Microsoft.Compute/disks"}]}`), here}, []string{}},
		{"ML042", "an assignment with overrides", []change{west, assign(group2, defs+"d", `,"overrides":[{"kind":"policyEffect","value":"audit"}]`)}, []string{"warning/person a"}},
	}
}

func TestConditionsOfPolicies(t *testing.T) {
	t.Parallel()
	doc, err := arm.ParseDocument([]byte(`{"id":"/x","name":"contoso-ml","kind":"Default","location":"East US","sku":{"name":"Basic"},"tags":{"team":"Vision","cost.center":"7"},
		"identity":{"type":"SystemAssigned"},"properties":{"publicNetworkAccess":"Enabled","hbiWorkspace":false,"ipAllowlist":["1.2.3.4"],"encryption":{"status":"Disabled"},"nothing":null,
		"retention":30,"since":"2026-03-01T00:00:00Z","empty":[],"rules":[{"port":22,"from":["a","b"]},{"port":443,"from":["c"]}],
		"privateEndpointConnections":[{"name":"one","properties":{"privateLinkServiceConnectionState":{"status":"Approved"}}},{"name":"two","properties":{"privateLinkServiceConnectionState":{"status":"Pending"}}}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	s := scope{doc: doc, typ: "Microsoft.MachineLearningServices/workspaces", group: arm.Document{"location": "eastus", "tags": map[string]any{"costCenter": "CC-1"}},
		parameters: parameters{"tagname": "team", "regions": []any{"eastus", "westus"}, "no": "false"}}
	const alias = "Microsoft.MachineLearningServices/workspaces/"
	for _, c := range []struct {
		condition string
		want      verdict
	}{
		{`{"field":"location","equals":"eastus"}`, yes},
		{`{"field":"location","in":"[parameters('regions')]"}`, yes},
		{`{"field":"location","notIn":["northeurope"]}`, yes},
		{`{"field":"name","like":"CONTOSO-*"}`, yes},
		{`{"field":"name","notLike":"*-prod"}`, yes},
		{`{"field":"name","contains":"toso"}`, yes},
		{`{"field":"name","notContains":"toso"}`, no},
		{`{"field":"kind","notEquals":"default"}`, no},
		{`{"field":"sku.name","equals":"basic"}`, yes},
		{`{"field":"identity.type","exists":"true"}`, yes},
		{`{"field":"tags['TEAM']","equals":"vision"}`, yes},
		{`{"field":"tags[cost.center]","equals":"7"}`, yes},
		{`{"field":"tags.team","exists":true}`, yes},
		{`{"field":"[concat('tags[', parameters('tagName'), ']')]","exists":"false"}`, no},
		{`{"field":"[concat('tags[''', 'none', ''']')]","exists":"false"}`, yes},
		{`{"field":"tags","containsKey":"Team"}`, yes},
		{`{"field":"tags","notContainsKey":"stage"}`, yes},
		{`{"value":"[resourceGroup().tags['costCenter']]","equals":"cc-1"}`, yes},
		{`{"value":"[resourceGroup().tags[parameters('tagName')]]","exists":"false"}`, yes},
		{`{"value":"[toLower(field('kind'))]","equals":"default"}`, yes},
		{`{"field":"` + alias + `publicNetworkAccess","equals":"enabled"}`, yes},
		{`{"field":"` + alias + `hbiWorkspace","equals":"[parameters('no')]"}`, yes},
		{`{"field":"` + alias + `encryption.status","notEquals":"Enabled"}`, yes},
		{`{"field":"` + alias + `encryption.keyVaultProperties.keyIdentifier","exists":"false"}`, yes},
		{`{"field":"` + alias + `nothing","exists":"true"}`, no},
		{`{"field":"` + alias + `ipAllowlist","contains":"1.2.3.4"}`, yes},
		{`{"field":"` + alias + `sku.name","equals":"Basic"}`, yes},
		{`{"field":"Microsoft.Storage/storageAccounts/sku.name","exists":"true"}`, no},
		{`{"field":"` + alias + `ipAllowlist[*]","equals":"1.2.3.4"}`, yes},
		{`{"field":"` + alias + `ipAllowlist[*]","notEquals":"1.2.3.4"}`, no},
		{`{"field":"` + alias + `ipAllowlist[*]","exists":"true"}`, yes},
		{`{"field":"` + alias + `empty[*]","equals":"x"}`, yes},
		{`{"field":"` + alias + `empty[*]","exists":"true"}`, no},
		{`{"field":"` + alias + `never[*].status","equals":"x"}`, yes},
		{`{"field":"` + alias + `kind[*]","equals":"x"}`, unknown},
		{`{"field":"Microsoft.Storage/storageAccounts/networkAcls.ipRules[*].value","equals":"x"}`, yes},
		{`{"field":"` + alias + `rules[*].port","greater":20}`, yes},
		{`{"field":"` + alias + `rules[*].port","less":443}`, no},
		{`{"field":"` + alias + `rules[*].from[*]","in":["a","b","c"]}`, yes},
		{`{"field":"` + alias + `rules[*].from[*]","in":["a","b"]}`, no},
		{`{"field":"` + alias + `privateEndpointConnections[*].privateLinkServiceConnectionState.status","equals":"Approved"}`, no},
		{`{"count":{"field":"` + alias + `privateEndpointConnections[*]","where":{"field":"` + alias + `privateEndpointConnections[*].privateLinkServiceConnectionState.status","equals":"Approved"}},"less":1}`, no},
		{`{"count":{"field":"` + alias + `privateEndpointConnections[*]","where":{"field":"` + alias + `privateEndpointConnections[*].privateLinkServiceConnectionState.status","equals":"Approved"}},"equals":1}`, yes},
		{`{"count":{"field":"` + alias + `privateEndpointConnections[*]","where":{"value":"[current('` + alias + `privateEndpointConnections[*].name')]","like":"t*"}},"equals":1}`, yes},
		{`{"count":{"field":"` + alias + `rules[*]"},"equals":2}`, yes},
		{`{"count":{"field":"` + alias + `rules[*]","where":{"field":"` + alias + `rules[*].from[*]","equals":"c"}},"equals":1}`, yes},
		{`{"count":{"field":"` + alias + `never[*]"},"greaterOrEquals":1}`, no},
		{`{"count":{"field":"` + alias + `rules[*]","where":{"field":"` + alias + `rules[*].port","beyond":1}},"greater":2}`, no},
		{`{"count":{"field":"` + alias + `rules[*]","where":{"field":"` + alias + `rules[*].port","beyond":1}},"greater":1}`, unknown},
		{`{"count":{"field":"` + alias + `rules[*]","where":{"field":"` + alias + `rules[*].port","beyond":1}},"equals":1}`, unknown},
		{`{"count":{"field":"` + alias + `kind"},"equals":1}`, unknown},
		{`{"count":{"value":"[parameters('regions')]","name":"r","where":{"field":"location","equals":"[current('r')]"}},"equals":1}`, yes},
		{`{"count":{"value":["a","b"],"name":"x","where":{"value":"[current('x')]","equals":"c"}},"greater":0}`, no},
		{`{"count":{"value":"[current('y')]","name":"x"},"greater":0}`, unknown},
		{`{"count":7,"equals":1}`, unknown},
		{`{"field":"` + alias + `publicNetworkAccess","match":"En#"}`, no},
		{`{"field":"` + alias + `publicNetworkAccess","match":"En?????"}`, yes},
		{`{"field":"` + alias + `publicNetworkAccess","match":"en....."}`, no},
		{`{"field":"` + alias + `publicNetworkAccess","matchInsensitively":"en....."}`, yes},
		{`{"field":"` + alias + `publicNetworkAccess","notMatchInsensitively":"en....."}`, no},
		{`{"field":"tags['none']","match":"CC-####"}`, no},
		{`{"field":"tags['none']","notMatch":"CC-####"}`, yes},
		{`{"field":"` + alias + `hbiWorkspace","match":"x"}`, unknown},
		{`{"field":"` + alias + `retention","less":31}`, yes},
		{`{"field":"` + alias + `retention","greaterOrEquals":31}`, no},
		{`{"field":"` + alias + `retention","lessOrEquals":"30"}`, unknown},
		{`{"field":"` + alias + `since","greater":"2026-01-01T00:00:00Z"}`, yes},
		{`{"field":"` + alias + `never","greater":1}`, unknown},
		{`{"value":"[subscription().displayName]","equals":"x"}`, unknown},
		{`{"value":"[parameters('absent')]","equals":"x"}`, unknown},
		{`{"value":"[concat('a']","equals":"a"}`, unknown},
		{`{"value":"[[a]","contains":"a]"}`, yes},
		{`{"value":"[concat('it''s', '')]","equals":"it's"}`, yes},
		{`{"not":{"field":"name","equals":"other"}}`, yes},
		{`{"not":{"field":"x[*]","equals":"other"}}`, unknown},
		{`{"allOf":[{"field":"x[*]","equals":"a"},{"field":"kind","equals":"Hub"}]}`, no},
		{`{"allOf":[{"field":"x[*]","equals":"a"},{"field":"kind","equals":"Default"}]}`, unknown},
		{`{"anyOf":[{"field":"x[*]","equals":"a"},{"field":"kind","equals":"Default"}]}`, yes},
		{`{"anyOf":[{"field":"x[*]","equals":"a"},{"field":"kind","equals":"Hub"}]}`, unknown},
		{`{"AllOf":[]}`, yes},
		{`{"anyOf":[]}`, no},
		{`{"anyOf":"all"}`, unknown},
		{`"noise"`, unknown},
		{`{"field":7,"equals":"x"}`, unknown},
	} {
		var condition any
		if err := json.Unmarshal([]byte(c.condition), &condition); err != nil {
			t.Fatal(err)
		}
		if got := s.holds(condition); got != c.want {
			t.Errorf("S15 %s is %d, want %d", c.condition, got, c.want)
		}
	}
}

func FuzzExpressionsEnd(f *testing.F) {
	for _, text := range []string{"[concat('a', parameters('b'))]", "[resourceGroup().tags['x'].y]", "[[x", "[f(", "['a''", "[a().b.c[d()]]"} {
		f.Add(text)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		scope{doc: arm.Document{}, group: arm.Document{}}.resolve(text)
	})
}
