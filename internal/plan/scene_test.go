package plan

import (
	"slices"
	"testing"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// Ids of the scenes in these tests.
const (
	group1  = "/subscriptions/s/resourceGroups/g"
	group2  = "/subscriptions/t/resourceGroups/h"
	ws      = group1 + "/providers/Microsoft.MachineLearningServices/workspaces/ml"
	ws2     = group2 + "/providers/Microsoft.MachineLearningServices/workspaces/ml"
	storage = group1 + "/providers/Microsoft.Storage/storageAccounts/store"
	vault   = group1 + "/providers/Microsoft.KeyVault/vaults/vault"
	network = "/subscriptions/s/resourceGroups/net/providers/Microsoft.Network/privateEndpoints/"
	roles   = "/providers/Microsoft.Authorization/roleAssignments/"
	locks   = "/providers/Microsoft.Authorization/locks/"
	setting = "/providers/Microsoft.Insights/diagnosticSettings/"
	query   = group1 + "/providers/Microsoft.Insights/scheduledQueryRules/q"
	reader  = "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
)

// document makes an item of an id and its JSON.
func document(t testing.TB, section snapshot.Section, id, body string) facts.Item {
	t.Helper()
	parsed, _ := arm.Parse(id) // a provider has no id of its own
	kind := aml.Providers
	if parsed != nil {
		kind = parsed.Type()
	}
	doc, err := arm.ParseDocument([]byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return facts.Item{ID: parsed, Key: id, Section: section, Type: kind, Doc: doc}
}

// scene is what a plan is made of.
type scene struct {
	t        testing.TB
	items    []facts.Item
	counts   map[string]int
	findings []rules.Finding
	choices  rules.Choices
}

// newScene is a workspace ml that goes from the group g to the group h of another subscription, which is there and registered for everything.
func newScene(t testing.TB) *scene {
	t.Helper()
	s := &scene{t: t, counts: map[string]int{}, choices: rules.Choices{Drain: rules.Wait}}
	s.content("", `{"location":"eastus","identity":{"type":"SystemAssigned","principalId":"ws-principal"},"properties":{"workspaceId":"guid","storageAccount":"`+storage+`","keyVault":"`+vault+`","imageBuildCompute":"cpu"}}`)
	s.add(snapshot.Target, group2, `{"location":"eastus"}`)
	for _, namespace := range []string{"ContainerRegistry", "Insights", "KeyVault", "MachineLearningServices", "Notebooks", "Storage"} {
		s.add(snapshot.Target, "/subscriptions/t/providers/Microsoft."+namespace, `{"registrationState":"Registered"}`)
	}
	return s
}

func (s *scene) add(section snapshot.Section, id, body string) *scene {
	s.items = append(s.items, document(s.t, section, id, body))
	return s
}

// content adds something below the workspace.
func (s *scene) content(path, body string) *scene {
	id := ws
	if path != "" {
		id += "/" + path
	}
	return s.add(snapshot.Content, id, body)
}

// without takes a document away.
func (s *scene) without(id string) *scene {
	s.items = slices.DeleteFunc(s.items, func(i facts.Item) bool { return i.Key == id })
	return s
}

// found adds a finding.
func (s *scene) found(severity rules.Severity, answer rules.Answer, subject string) *scene {
	s.findings = append(s.findings, rules.Finding{ID: "ML999", Severity: severity, Answer: answer, Subject: subject, Message: "something was found"})
	return s
}

// full is a scene with one of everything.
func full(t testing.TB) *scene {
	t.Helper()
	s := newScene(t)
	s.choices = rules.Choices{Drain: rules.Cancel, Include: []string{"all"}, LiftLocks: true, ApproveEndpoints: true}
	s.content("computes/cpu", `{"identity":{"type":"SystemAssigned","principalId":"cpu-principal"},"properties":{"computeType":"AmlCompute","provisioningState":"Succeeded","properties":{"vmSize":"small","currentNodeCount":1}}}`)
	s.content("computes/aks", `{"properties":{"computeType":"AKS","isAttachedCompute":true,"provisioningState":"Succeeded"}}`)
	s.content("onlineEndpoints/on", `{"properties":{"authMode":"Key","compute":"`+ws+`/computes/aks","traffic":{"blue":100}}}`)
	s.content("onlineEndpoints/on/deployments/blue", `{"properties":{"provisioningState":"Succeeded"}}`)
	s.content("onlineEndpoints/on/deployments/bad", `{"properties":{"provisioningState":"Failed"}}`)
	s.content("batchEndpoints/ba", `{"properties":{"authMode":"AADToken","defaults":{"deploymentName":"d"}}}`)
	s.content("batchEndpoints/ba/deployments/d", `{"properties":{"compute":"cpu"}}`)
	s.content("serverlessEndpoints/se", `{"properties":{"authMode":"Key"}}`)
	s.content("schedules/on", `{"properties":{"isEnabled":true,"action":{"jobDefinition":{"computeId":"azureml:`+ws+`/computes/cpu"},"endpointInvocationDefinition":{"endpoint":"azureml:`+ws+`/batchEndpoints/ba"}}}}`)
	s.content("schedules/off", `{"properties":{"isEnabled":false}}`)
	s.content("jobs/run", `{"properties":{"status":"Running"}}`)
	s.content("jobs/ending", `{"properties":{"status":"Finalizing"}}`)
	s.content("datastores/workspaceblobstore", `{"properties":{"credentials":{"credentialsType":"AccountKey"}}}`)
	s.content("datastores/lake", `{"properties":{"credentials":{"credentialsType":"AccountKey"}}}`)
	s.content("datastores/open", `{"properties":{"credentials":{"credentialsType":"None"}}}`)
	s.content("data/d", `{"properties":{}}`).content("data/d/versions/1", `{"properties":{}}`)
	s.content("connections/moves", `{"properties":{"authType":"AccountKey","target":"`+storage+`"}}`)
	s.content("connections/stays", `{"properties":{"authType":"ApiKey","target":"https://example.test"}}`)
	s.content("outboundRules/rule", `{"properties":{"category":"UserDefined","destination":{"serviceResourceId":"`+storage+`"}}}`)
	role := func(scope, name, principal string) {
		s.add(snapshot.Source, scope+roles+name, `{"properties":{"principalId":"`+principal+`","principalType":"ServicePrincipal","scope":"`+scope+`","roleDefinitionId":"`+reader+`"}}`)
	}
	role(ws, "alice", "alice")
	role(ws+"/onlineEndpoints/on", "caller", "caller")
	role(ws, "dead", "cpu-principal")
	role(storage, "own", "ws-principal")
	role(group1, "inherited", "alice")
	s.add(snapshot.Source, storage+locks+"keep", `{"properties":{"level":"CanNotDelete"}}`).found(rules.Note, rules.Plan, storage+locks+"keep")
	s.add(snapshot.Source, group1+locks+"still", `{"properties":{"level":"ReadOnly"}}`).found(rules.Note, rules.Plan, group1+locks+"still")
	s.add(snapshot.Source, ws+"/onlineEndpoints/on/deployments/blue"+locks+"held", `{"properties":{"level":"CanNotDelete"}}`).found(rules.Note, rules.Plan, ws+"/onlineEndpoints/on/deployments/blue"+locks+"held")
	s.add(snapshot.Source, ws+setting+"logs", `{"properties":{}}`)
	s.add(snapshot.Source, ws+"/onlineEndpoints/on"+setting+"calls", `{"properties":{}}`)
	s.add(snapshot.Source, group1+"/providers/Microsoft.Insights/metricAlerts/alert", `{"properties":{"scopes":["`+ws+`"]}}`)
	s.add(snapshot.Source, query, `{"properties":{"scopes":["`+ws+`"],"createdWithApiVersion":"1"}}`)
	s.add(snapshot.Source, network+"pe", `{"properties":{"privateLinkServiceConnections":[{"properties":{"privateLinkServiceId":"`+ws+`"}}]}}`)
	s.add(snapshot.Source, storage, `{"properties":{"publicNetworkAccess":"disabled"}}`)
	s.add(snapshot.Source, network+"closed", `{"properties":{"ipConfigurations":[{"name":"ip","etag":"1"}],"privateLinkServiceConnections":[{"properties":{"privateLinkServiceId":"`+storage+`"}}]}}`)
	s.add(snapshot.Source, "/subscriptions/x/resourceGroups/net/providers/Microsoft.Network/privateEndpoints/foreign", `{"properties":{"privateLinkServiceConnections":[{"properties":{"privateLinkServiceId":"`+storage+`"}}]}}`)
	s.add(snapshot.Source, network+"other", `{"properties":{"privateLinkServiceConnections":[{"properties":{"privateLinkServiceId":"/subscriptions/s/resourceGroups/x/providers/Microsoft.Storage/storageAccounts/x"}}]}}`)
	return s
}

// facts makes the facts of the scene.
func (s *scene) facts() *facts.Facts {
	s.t.Helper()
	f, err := facts.New(snapshot.Header{WorkspaceID: ws, TargetID: group2}, nil, nil, s.items...)
	if err != nil {
		s.t.Fatal(err)
	}
	for path, n := range s.counts {
		f.Counts[path] = n
	}
	return f
}

// plan makes the plan of the scene.
func (s *scene) plan() *Plan {
	s.t.Helper()
	p, err := Make(s.facts(), s.findings, s.choices)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// step returns a step of a plan; the test fails when it is not there.
func step(t testing.TB, p *Plan, id string) Step {
	t.Helper()
	s, ok := p.Find(id)
	if !ok {
		var ids []string
		for _, s := range p.Steps {
			ids = append(ids, s.ID)
		}
		t.Fatalf("there is no step %s among %q", id, ids)
	}
	return s
}

// comesAfter reports whether a step waits for another, by whatever way.
func comesAfter(p *Plan, later, earlier string) bool {
	s, _ := p.Find(later)
	return slices.Contains(s.After, earlier) || slices.ContainsFunc(s.After, func(id string) bool { return comesAfter(p, id, earlier) })
}
