package clause

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/test/estate"
)

// TestEdges tries what goes wrong where two clauses meet.
func TestEdges(t *testing.T) {
	t.Parallel()
	for _, p := range []proof{
		{"ids in any case name the same things, which keep their own", anyCase},
		{"operations under way when a move begins end well after it", operationsUnderWay},
		{"what is bound to the old scope stays or goes, children's too", boundToScope},
		{"the names of moved accounts stay taken", namesStayTaken},
		{"many causes of one kind are counted and the first are named", manyCauses},
		{"nobody of another tenant follows an operation", whoFollows},
		{"there and back again is as it was, but for what is dropped", andBack},
		{"a move repeated after its end finds nothing", repeated},
		{"what was disconnected shows at both ends", disconnectedAtBothEnds},
		{"two moves at once: one wins", twoAtOnce},
		{"built-in definitions are for everybody, what stands below the tenant is not", builtInDefinitions},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.test(t, estate.Start(t))
		})
	}
}

func anyCase(t *testing.T, e *estate.Estate) {
	e.Make(t, under("models/M1/versions/1"), `{"properties":{"modelUri":"azureml://datastores/workspaceblobstore/paths/m"}}`)
	group := "/SUBSCRIPTIONS/" + strings.ToUpper(estate.Source) + "/resourcegroups/ORIGIN-RG"
	for _, verb := range []string{"validatemoveresources", "MOVERESOURCES"} {
		answer := order(t, e, "", verb, group, estate.Order(strings.ToUpper(estate.DestinationGroup), strings.ToUpper(estate.Workspace), strings.ToLower(estate.Storage)))
		if answer.Status != http.StatusNoContent {
			t.Fatalf("client-wire 1.5: %s is answered %d: %s", verb, answer.Status, answer.Body)
		}
	}
	for _, id := range []string{estate.Workspace, estate.Storage, under("models/M1/versions/1")} {
		if got := e.Get(t, strings.ToLower(there(id)))["id"]; got != there(id) {
			t.Errorf("client-wire 1.5: the id is %v, want %s", got, there(id))
		}
	}
	if storage := at(e.Get(t, there(estate.Workspace)), "properties.storageAccount"); storage != there(estate.Storage) {
		t.Errorf("client-wire 1.5: the storage account is %v, want %s", storage, there(estate.Storage))
	}
}

func operationsUnderWay(t *testing.T, e *estate.Estate) {
	e.Takes(t, hours("schedules.put", "workspaces.resynckeys"))
	schedule := under("schedules/nightly")
	body := `{"properties":{"isEnabled":false,"trigger":{"triggerType":"Cron","expression":"0 2 * * *"},"action":{"actionType":"CreateJob","jobDefinition":{"jobType":"Command","command":"x","environmentId":"azureml://registries/azureml/environments/e/versions/1"}}}}`
	put := e.Ask(t, "", http.MethodPut, schedule, body)
	action := e.Ask(t, "", http.MethodPost, estate.Workspace+"/resyncKeys", nil)
	if put.Status != http.StatusCreated || action.Status != http.StatusAccepted {
		t.Fatalf("answered %d and %d: %s %s", put.Status, action.Status, put.Body, action.Body)
	}
	e.Clock(t, func(s *operation.ClockState) { s.Offset += 50 * time.Minute })
	location := moving(t, e) // takes two hours: the schedule ends while both groups are locked
	e.Advance(t, 30*time.Minute)
	if state := at(e.Get(t, schedule), "properties.provisioningState"); state != "Succeeded" {
		t.Errorf("S30 during the move the schedule is %v", state)
	}
	e.Advance(t, hour)
	e.Advance(t, hour)
	if poll := e.Ask(t, "", http.MethodGet, location, nil); poll.Status != http.StatusNoContent {
		t.Fatalf("the move is answered %d: %s", poll.Status, poll.Body)
	}
	for _, async := range []string{put.Header.Get("Azure-AsyncOperation"), action.Header.Get("Azure-AsyncOperation")} {
		if poll := e.Ask(t, "", http.MethodGet, async, nil); poll.Status != http.StatusOK || poll.JSON(t)["status"] != "Succeeded" {
			t.Errorf("S30 an operation from before the move is answered %d: %s", poll.Status, poll.Body)
		}
	}
	e.Get(t, there(schedule))
}

func boundToScope(t *testing.T, e *estate.Estate) {
	const contributor = "/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c"
	assignment := "/providers/Microsoft.Authorization/roleAssignments/5e5e5e5e-4a4a-4000-8000-00000000000"
	model := under("models/m")
	e.Make(t, model, `{"properties":{}}`)
	for i, scope := range []string{estate.Workspace, model} {
		e.Must(t, http.MethodPut, scope+assignment+fmt.Sprint(i), `{"properties":{"principalId":"`+e.Principals["nobody"].ObjectID+`","principalType":"ServicePrincipal","roleDefinitionId":"`+contributor+`"}}`)
	}
	settings := estate.Workspace + "/providers/Microsoft.Insights/diagnosticSettings/logs"
	e.Make(t, settings, `{"properties":{"storageAccountId":"`+estate.Storage+`","logs":[],"metrics":[{"category":"AllMetrics","enabled":true}]}}`)
	moved(t, e, estate.Workspace)
	for i, scope := range []string{estate.Workspace, model} {
		e.Get(t, scope+assignment+fmt.Sprint(i)) // an orphan
		e.Gone(t, "S16", there(scope)+assignment+fmt.Sprint(i))
	}
	e.Gone(t, "arm-move 3.1", settings)
	e.Gone(t, "arm-move 3.1", there(settings))
	orphans := 0
	for _, a := range e.List(t, "/subscriptions/"+estate.Source+"/providers/Microsoft.Authorization/roleAssignments") {
		if scope, _ := at(a, "properties.scope").(string); strings.HasPrefix(scope, estate.Workspace) {
			orphans++
		}
	}
	if orphans != 2 {
		t.Errorf("S16 the source subscription lists %d orphans, want 2", orphans)
	}
}

func namesStayTaken(t *testing.T, e *estate.Estate) {
	moved(t, e, append([]string{estate.Workspace}, estate.Associated...)...)
	for id, c := range map[string]struct{ body, code string }{
		estate.Storage:  {`{"location":"eastus","kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{}}`, "StorageAccountAlreadyTaken"},
		estate.Vault:    {`{"location":"eastus","properties":{"tenantId":"` + estate.Home + `","sku":{"family":"A","name":"standard"},"accessPolicies":[]}}`, "VaultAlreadyExists"},
		estate.Registry: {`{"location":"eastus","sku":{"name":"Standard"},"properties":{}}`, "AlreadyInUse"},
	} {
		if answer := e.Ask(t, "", http.MethodPut, id, c.body); answer.Status != http.StatusConflict || !strings.Contains(string(answer.Body), c.code) {
			t.Errorf("S42 the name of a moved account at its old id is answered %d, want %s: %s", answer.Status, c.code, answer.Body)
		}
	}
}

func manyCauses(t *testing.T, e *estate.Estate) {
	for i := range 45 {
		job(t, e, fmt.Sprintf("jobs/job-%02d", i), "Running")
		e.Import(t, under(fmt.Sprintf("computes/cpu-%02d", i)), map[string]any{"location": "eastus", "properties": map[string]any{"computeType": "AmlCompute", "provisioningState": "Succeeded"}})
	}
	r := workspaceFor("S22", under("computes/cpu-19"), "'cpu-00 (AmlCompute, Succeeded)'", "'cpu-19 (AmlCompute, Succeeded)' and 25 more")
	refused(t, e, r)
	for i := range 45 {
		e.Drop(t, under(fmt.Sprintf("computes/cpu-%02d", i)))
	}
	refused(t, e, workspaceFor("S28", under("jobs/job-19"), "'job-00 (Running)'", "'job-19 (Running)' and 25 more"))
}

func whoFollows(t *testing.T, e *estate.Estate) {
	location := moving(t, e)
	if poll := e.Ask(t, "stranger", http.MethodGet, location, nil); poll.Status != http.StatusUnauthorized && poll.Status != http.StatusNotFound {
		t.Errorf("somebody of another tenant follows a move: %d %s", poll.Status, poll.Body)
	}
	elsewhere := strings.Replace(location, estate.Source, estate.Target, 1)
	if poll := e.Ask(t, "", http.MethodGet, elsewhere, nil); poll.Status != http.StatusNotFound {
		t.Errorf("below another subscription the operation is answered %d: %s", poll.Status, poll.Body)
	}
	if poll := e.DoToken(t, "", http.MethodGet, location, nil); poll.Status != http.StatusUnauthorized {
		t.Errorf("without a token the operation is answered %d", poll.Status)
	}
}

func andBack(t *testing.T, e *estate.Estate) {
	e.Make(t, under("models/m/versions/1"), `{"properties":{"modelUri":"azureml://datastores/workspaceblobstore/paths/m"}}`)
	raw := nondefault(t, e, "raw")
	before := map[string]map[string]any{}
	ids := append([]string{estate.Workspace, raw, under("models/m/versions/1"), under("datastores/workspaceblobstore")}, estate.Associated...)
	for _, id := range ids {
		before[id] = e.Get(t, id)
	}
	all := append([]string{estate.Workspace}, estate.Associated...)
	moved(t, e, all...)
	var away []string
	for _, id := range all {
		away = append(away, there(id))
	}
	if answer := order(t, e, "", "moveResources", estate.DestinationGroup, estate.Order(estate.OriginGroup, away...)); answer.Status != http.StatusNoContent {
		t.Fatalf("the way back is answered %d: %s", answer.Status, answer.Body)
	}
	for _, id := range ids {
		if was, is := fmt.Sprint(before[id]), fmt.Sprint(e.Get(t, id)); was != is {
			t.Errorf("S02 there and back again %s became\n%s\nfrom\n%s", id, is, was)
		}
	}
}

func repeated(t *testing.T, e *estate.Estate) {
	moved(t, e, estate.Workspace)
	refused(t, e, refusal{clause: "client-wire 4", status: 404, code: "ResourceNotFound", says: []string{"workspaces/origin-ws"}})
	e.Get(t, there(estate.Workspace))
}

func disconnectedAtBothEnds(t *testing.T, e *estate.Estate) {
	endpoint := privateEndpoint(t, e, "pe-ws", estate.Workspace, "amlworkspace")
	moved(t, e, estate.Workspace)
	list, _ := at(e.Get(t, endpoint), "properties.privateLinkServiceConnections").([]any)
	if len(list) != 1 || at(list[0].(map[string]any), "properties.privateLinkServiceConnectionState.status") != "Disconnected" {
		t.Errorf("S23 the private endpoint shows %v", list)
	}
	e.Must(t, http.MethodDelete, endpoint, nil)
	made := privateEndpoint(t, e, "pe-ws", there(estate.Workspace), "amlworkspace") // made again to the new id, under the same name
	list, _ = at(e.Get(t, made), "properties.privateLinkServiceConnections").([]any)
	if len(list) != 1 || at(list[0].(map[string]any), "properties.privateLinkServiceConnectionState.status") != "Approved" {
		t.Errorf("S23 the private endpoint made again shows %v", list)
	}
}

func twoAtOnce(t *testing.T, e *estate.Estate) {
	e.Takes(t, hours("move.move"))
	answers := make(chan int)
	for _, target := range []string{estate.DestinationGroup, estate.SiblingGroup, estate.DestinationGroup, estate.SiblingGroup} {
		go func() {
			answers <- e.Ask(t, "", http.MethodPost, estate.OriginGroup+"/moveResources", estate.Order(target, estate.Workspace)).Status
		}()
	}
	count := map[int]int{}
	for range 4 {
		count[<-answers]++
	}
	if count[http.StatusAccepted] != 1 || count[http.StatusConflict] != 3 {
		t.Errorf("S30 of four moves at once the answers were %v", count)
	}
	e.Advance(t, 2*hour)
	found := 0
	for _, group := range []string{estate.OriginGroup, estate.DestinationGroup, estate.SiblingGroup} {
		if e.Ask(t, "", http.MethodGet, estate.Moved(estate.Workspace, group), nil).Status == http.StatusOK {
			found++
		}
	}
	if found != 1 {
		t.Errorf("S30 the workspace is at %d places", found)
	}
}

// builtInDefinitions are looked up by az at the tenant, where its caller has no role (client-wire 6).
func builtInDefinitions(t *testing.T, e *estate.Estate) {
	ask := func(path string) (int, string) {
		answer := e.Ask(t, "nobody", http.MethodGet, "/providers/Microsoft.Authorization/"+path+"?api-version=2022-04-01", nil)
		return answer.Status, string(answer.Body)
	}
	for _, path := range []string{"policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c", "policyDefinitions", "roleDefinitions"} {
		if status, body := ask(path); status != http.StatusOK || strings.Contains(body, "Move Only") {
			t.Errorf("client-wire 6: %s at the tenant is answered %d to somebody without roles: %.300s", path, status, body)
		}
	}
	for _, path := range []string{"roleAssignments", "policyAssignments", "locks"} {
		if status, body := ask(path); status != http.StatusForbidden {
			t.Errorf("client-wire 6: %s at the tenant is answered %d to somebody without roles: %.300s", path, status, body)
		}
	}
}
