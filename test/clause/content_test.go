package clause

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/test/estate"
)

func movesToAnotherSubscription(t *testing.T, e *estate.Estate) {
	movesTo(t, e, estate.DestinationGroup)
}

func movesToAnotherGroup(t *testing.T, e *estate.Estate) { movesTo(t, e, estate.SiblingGroup) }

// movesTo checks that the workspace is at its new id, the same as before, and no longer at the old one.
func movesTo(t *testing.T, e *estate.Estate, group string) {
	before := e.Get(t, estate.Workspace)
	movedTo(t, e, group, estate.Workspace)
	id := estate.Moved(estate.Workspace, group)
	after := e.Get(t, id)
	if after["id"] != id {
		t.Errorf("the id is %v, want %s", after["id"], id)
	}
	for _, path := range []string{"name", "type", "location", "tags", "kind", "sku", "identity.principalId", "identity.tenantId", "properties.workspaceId",
		"properties.storageAccount", "properties.keyVault", "properties.friendlyName", "properties.discoveryUrl", "properties.notebookInfo.fqdn", "properties.creationTime"} {
		if was, is := at(before, path), at(after, path); was == nil || !reflect.DeepEqual(was, is) {
			t.Errorf("%s was %v and is %v", path, was, is)
		}
	}
	if uri, _ := at(after, "properties.mlFlowTrackingUri").(string); !strings.HasSuffix(uri, id) {
		t.Errorf("the tracking URI is %q and does not name the workspace where it is", uri)
	}
	e.Gone(t, "S01", estate.Workspace)
	for _, list := range []string{estate.OriginGroup + "/resources", "/subscriptions/" + estate.Source + "/providers/Microsoft.MachineLearningServices/workspaces"} {
		for _, item := range e.List(t, list) {
			if item["id"] == estate.Workspace {
				t.Errorf("the list %s still shows the old id", list)
			}
		}
	}
	if keys := e.Ask(t, "", http.MethodPost, id+"/listKeys", nil); keys.Status != http.StatusOK || at(keys.JSON(t), "userStorageResourceId") != estate.Storage {
		t.Errorf("listKeys at the new id is answered %d: %s", keys.Status, keys.Body)
	}
}

func oneOperation(t *testing.T, e *estate.Estate) {
	e.Takes(t, map[string]time.Duration{"move.validate": time.Minute, "move.move": time.Hour})
	answer := e.Ask(t, "", http.MethodPost, estate.OriginGroup+"/moveResources?api-version=2021-04-01", estate.Order(estate.DestinationGroup, estate.Workspace, estate.Storage))
	location := answer.Header.Get("Location")
	if answer.Status != http.StatusAccepted || len(answer.Body) > 0 || !strings.HasPrefix(location, e.Endpoint+"/subscriptions/"+estate.Source+"/operationresults/") ||
		answer.Header.Get("Retry-After") != "15" || answer.Header.Get("Azure-AsyncOperation") != "" {
		t.Fatalf("the move is answered %d with %v and %q", answer.Status, answer.Header, answer.Body)
	}
	for _, wait := range []time.Duration{0, 2 * time.Minute} {
		e.Advance(t, wait)
		poll := e.Ask(t, "", http.MethodGet, location, nil)
		if poll.Status != http.StatusAccepted || poll.Header.Get("Retry-After") != "15" || poll.Header.Get("Location") == "" {
			t.Errorf("a poll while it runs is answered %d with %v", poll.Status, poll.Header)
		}
	}
	e.Advance(t, 2*time.Hour)
	if poll := e.Ask(t, "", http.MethodGet, location, nil); poll.Status != http.StatusNoContent || len(poll.Body) > 0 {
		t.Errorf("the last poll is answered %d: %s", poll.Status, poll.Body)
	}
	e.Get(t, there(estate.Workspace))
	e.Get(t, there(estate.Storage))
}

func datastoresMove(t *testing.T, e *estate.Estate) {
	nondefault(t, e, "raw")
	before := e.List(t, estate.Workspace+"/datastores")
	moved(t, e, estate.Workspace)
	after := e.List(t, there(estate.Workspace)+"/datastores")
	if len(before) != 5 || len(after) != len(before) {
		t.Fatalf("there were %d datastores and are %d", len(before), len(after))
	}
	for i := range before {
		if before[i]["name"] != after[i]["name"] || props(before[i])["datastoreType"] != props(after[i])["datastoreType"] || after[i]["id"] != there(before[i]["id"].(string)) {
			t.Errorf("the datastore %v became %v", before[i], after[i])
		}
	}
	secrets := e.Ask(t, "", http.MethodPost, there(estate.Workspace)+"/datastores/raw/listSecrets", nil)
	if secrets.Status != http.StatusOK || secrets.JSON(t)["key"] != "b2xk" {
		t.Errorf("the secrets of a datastore are %d %s", secrets.Status, secrets.Body)
	}
}

func dataIsDropped(t *testing.T, e *estate.Estate) {
	const version = `{"properties":{"dataType":"uri_file","dataUri":"azureml://datastores/workspaceblobstore/paths/d"}}`
	data := estate.Workspace + "/data"
	for i := range 3 {
		e.Make(t, fmt.Sprintf("%s/sales/versions/%d", data, i+1), version)
	}
	e.Make(t, data+"/old", `{"properties":{"dataType":"uri_file","isArchived":true}}`)
	moved(t, e, estate.Workspace)
	data = there(data)
	if left := e.List(t, data+"?listViewType=All"); len(left) != 0 {
		t.Errorf("the move kept data assets: %v", left)
	}
	e.Gone(t, "S05", data+"/sales")
	for i := range 3 {
		e.Gone(t, "S05", fmt.Sprintf("%s/sales/versions/%d", data, i+1))
	}
	e.Make(t, data+"/sales/versions/2", version) // the name and the version are free
	if n := len(e.List(t, data+"/sales/versions")); n != 1 {
		t.Errorf("after one version was registered again there are %d", n)
	}
}

func jobsMove(t *testing.T, e *estate.Estate) {
	jobs := estate.Workspace + "/jobs"
	for _, status := range []string{"Completed", "Failed", "Canceled"} {
		e.Import(t, jobs+"/ended-"+strings.ToLower(status), map[string]any{"properties": map[string]any{"jobType": "Command", "status": status, "command": "python train.py",
			"computeId": estate.Workspace + "/computes/gone", "environmentId": estate.Workspace + "/environments/e/versions/1"}})
	}
	before := e.List(t, jobs+"?listViewType=All")
	moved(t, e, estate.Workspace)
	after := e.List(t, there(jobs)+"?listViewType=All")
	if len(before) != 3 || len(after) != 3 {
		t.Fatalf("there were %d jobs and are %d", len(before), len(after))
	}
	for i := range before {
		for _, path := range []string{"name", "properties.status", "properties.command", "systemData"} {
			if was, is := at(before[i], path), at(after[i], path); !reflect.DeepEqual(was, is) {
				t.Errorf("%s of %v was %v and is %v", path, before[i]["name"], was, is)
			}
		}
		if is, _ := at(after[i], "properties.computeId").(string); !strings.HasPrefix(is, there(estate.Workspace)) {
			t.Errorf("the compute of a job is %q: a reference that the service owns follows", is)
		}
	}
}

// assetsMove checks that all versions of a kind of asset come along, archived ones too, with the same bodies.
func assetsMove(kind, body string) func(*testing.T, *estate.Estate) {
	return func(t *testing.T, e *estate.Estate) {
		base := estate.Workspace + "/" + kind
		name := base + "/asset"
		if kind == "codes" {
			name = base + "/5e5e5e5e-c0de-4000-8000-000000000001"
		}
		before := map[string]map[string]any{}
		for i := range 3 {
			id := fmt.Sprintf("%s/versions/%d", name, i+1)
			before[id] = e.Make(t, id, strings.Replace(body, `"properties":{`, fmt.Sprintf(`"properties":{"isArchived":%v,`, i == 0), 1))
		}
		moved(t, e, estate.Workspace)
		for id, was := range before {
			is := e.Get(t, there(id))
			if is["id"] != there(id) || !reflect.DeepEqual(props(was), props(is)) {
				t.Errorf("%s was %v and is %v", id, was, is)
			}
			e.Gone(t, "S08", id)
		}
		if n := len(e.List(t, there(name)+"/versions?listViewType=All")); n != 3 {
			t.Errorf("of 3 versions %d are listed", n)
		}
	}
}

func otherAssets() []proof {
	return []proof{
		{"models", assetsMove("models", `{"properties":{"modelType":"mlflow_model","modelUri":"azureml://datastores/workspaceblobstore/paths/m"}}`)},
		{"components", assetsMove("components", `{"properties":{"componentSpec":{"type":"command","command":"python x.py"}}}`)},
		{"codes", assetsMove("codes", `{"properties":{"codeUri":"https://originstore.blob.core.windows.net/c/src"}}`)},
		{"feature sets", assetsMove("featuresets", `{"properties":{"entities":["azureml:a:1"],"specification":{"path":"azureml://datastores/workspaceblobstore/paths/f"}}}`)},
		{"feature store entities", assetsMove("featurestoreEntities", `{"properties":{"indexColumns":[{"columnName":"id","dataType":"String"}]}}`)},
		{"schedules and connections", schedulesAndConnections},
	}
}

func schedulesAndConnections(t *testing.T, e *estate.Estate) {
	schedule, connection := estate.Workspace+"/schedules/nightly", estate.Workspace+"/connections/api"
	was := e.Make(t, schedule, `{"properties":{"isEnabled":false,"trigger":{"triggerType":"Cron","expression":"0 2 * * *"},"action":{"actionType":"CreateJob",`+
		`"jobDefinition":{"jobType":"Command","command":"x","environmentId":"`+estate.Workspace+`/environments/e/versions/1"}}}}`)
	e.Make(t, connection, `{"properties":{"authType":"ApiKey","category":"ApiKey","target":"https://api.example","credentials":{"key":"secret-1"}}}`)
	moved(t, e, estate.Workspace)
	is := e.Get(t, there(schedule))
	if a, b := at(was, "properties.action"), at(is, "properties.action"); !reflect.DeepEqual(a, b) {
		t.Errorf("ids inside a schedule are text and stay: they were %v and are %v", a, b)
	}
	secrets := e.Ask(t, "", http.MethodPost, there(connection)+"/listSecrets", nil)
	if secrets.Status != http.StatusOK || !strings.Contains(string(secrets.Body), "secret-1") {
		t.Errorf("the secrets of a connection are %d %s", secrets.Status, secrets.Body)
	}
}

// nondefault registers a datastore that names subscription and group of its account.
func nondefault(t *testing.T, e *estate.Estate, name string) string {
	t.Helper()
	id := estate.Workspace + "/datastores/" + name
	e.Make(t, id, datastoreBody(estate.Source, "origin-rg", "b2xk"))
	return id
}

func datastoreBody(subscription, group, key string) string {
	return `{"properties":{"datastoreType":"AzureBlob","accountName":"originstore","containerName":"c","subscriptionId":"` + subscription + `","resourceGroup":"` + group +
		`","credentials":{"credentialsType":"AccountKey","secrets":{"secretsType":"AccountKey","key":"` + key + `"}}}}`
}
