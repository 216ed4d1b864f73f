package action

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
)

func TestALockComesBackAtTheLanding(t *testing.T) {
	t.Parallel()
	cloud := cloudtest.Start(t, cloudtest.Fixture("contoso-quiet"))
	lock := "/subscriptions/" + cloud.Subscriptions[0] + "/resourceGroups/ml-dev-rg/providers/Microsoft.MachineLearningServices/workspaces/contoso-ml/providers/Microsoft.Authorization/locks/hands-off"
	if answer := cloud.Await(t, http.MethodPut, lock+"?api-version=2020-05-01", `{"properties":{"level":"ReadOnly","notes":"Ask first.","owners":[{"applicationId":"5c4f1d6e-0000-4000-8000-0000000000aa"}]}}`); answer.Status >= 300 {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	w := worldOn(t, cloud)
	before := w.get(t, lock)
	lift := w.task(plan.LiftLock, lock, nil)
	w.want(t, lift)
	w.undone(t, lift)
	same(t, "a lock that was put back", before, w.get(t, lock), "systemData", "etag")
	w.want(t, w.task(plan.LiftLock, lock, nil))
	w.move(t)
	w.want(t, w.task(plan.RestoreLock, lock, nil))
	same(t, "pain 16: a lock at the landing", before, w.get(t, w.landed(t, lock)), "id", "systemData", "etag")
	locks := 0
	if err := lift.List(t.Context(), w.Plan.Landing+"/providers/Microsoft.Authorization/locks", w.facts.Workspace.ID.Child(arm.Hop{Namespace: "Microsoft.Authorization", Type: "locks", Name: "x"}), func(arm.Document) error { locks++; return nil }); err != nil || locks != 1 {
		t.Errorf("there are %d locks (%v), want one", locks, err)
	}
}

func TestAGroupThatTheRunDidNotMakeIsLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso")
	group := strings.SplitN(w.Plan.Target, "/resourceGroups/", 2)[0] + "/resourceGroups/"
	detail := plan.GroupDetail{Location: "East US"}
	foreign, ours := w.task(plan.CreateGroup, group+"foreign", detail), w.task(plan.CreateGroup, group+"ours", detail)
	if answer := w.cloud.Await(t, http.MethodPut, foreign.Step.Subject, `{"location":"eastus","tags":{"kept":"yes"}}`); answer.Status >= 300 {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	w.done(t, foreign, true)
	if err := (createGroup{}).Do(t.Context(), foreign); err != nil || w.journal.writes() > 0 {
		t.Errorf("a group that is there was written (%v)", err)
	}
	w.undone(t, foreign)
	if w.get(t, foreign.Step.Subject).Text("tags.kept") != "yes" {
		t.Error("S40 somebody else's group lost its tags")
	}
	w.want(t, ours)
	if answer := w.cloud.Await(t, http.MethodPut, ours.Step.Subject+"/providers/Microsoft.Insights/components/theirs?api-version=2020-02-02", `{"location":"eastus","kind":"web","properties":{"Application_Type":"web"}}`); answer.Status >= 300 {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	w.undone(t, ours)
	w.get(t, ours.Step.Subject)
	if !strings.Contains(fmt.Sprint(w.journal.remarks), "is left: somebody has put something into it") {
		t.Errorf("nobody is told why the group is left: %v", w.journal.remarks)
	}
}

func TestAGroupWhoseMakingWasRefusedIsNotOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso")
	group := strings.SplitN(w.Plan.Target, "/resourceGroups/", 2)[0] + "/resourceGroups/theirs"
	task := w.task(plan.CreateGroup, group, plan.GroupDetail{Location: "East US"})
	w.fault(t, `{"kind":"status","status":403,"code":"RequestDisallowedByPolicy","message":"no","match":{"method":"PUT","path":"**/resourceGroups/theirs","times":1}}`)
	if err := (createGroup{}).Do(t.Context(), task); !errs.Is(err, errs.Denied) {
		t.Fatalf("got %v", err)
	}
	w.ask(t, http.MethodPut, group, map[string]any{"location": "eastus"})
	w.undone(t, task)
	w.get(t, group) // else the run deleted somebody else's group
}

// A way back that fails elsewhere is gone on from: the group that the run made and took back may by then be somebody else's.
func TestAGroupThatSomebodyMakesBehindTheWayBackIsTheirs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso")
	group := strings.SplitN(w.Plan.Target, "/resourceGroups/", 2)[0] + "/resourceGroups/once-ours"
	task := w.task(plan.CreateGroup, group, plan.GroupDetail{Location: "East US"})
	w.want(t, task)
	w.undone(t, task)
	w.ask(t, http.MethodPut, group, map[string]any{"location": "eastus"})
	w.done(t, task, true)
	w.undone(t, task)
	w.get(t, group) // else the run deleted somebody else's group
}

func TestARegistrationIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso-quiet")
	if answer := w.cloud.Do(t, "", http.MethodPost, "/_cloud/clock", `{"durations":{"provider.register":"4m"}}`); answer.Status >= 300 {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	clock := w.steer(t)
	states := map[string]bool{}
	task := w.task(plan.RegisterProvider, strings.SplitN(w.Plan.Target, "/resourceGroups/", 2)[0]+"/providers/Microsoft.Databricks", nil)
	clock.onWait = func() {
		if doc, err := w.Client.Get(t.Context(), task.Step.Subject, providersVersion()); err == nil {
			states[arm.Document(doc).Text("registrationState")] = true
		}
	}
	w.want(t, task)
	if !states["Registering"] {
		t.Errorf("S17 it was never seen registering: %v", states)
	}
	w.undone(t, task)
	w.done(t, task, true)
}

// movedWithEndpoint is a world after the move, and the step about the private endpoint of its workspace.
func movedWithEndpoint(t *testing.T, approve bool) (*world, *Task) {
	t.Helper()
	w := newWorld(t, "contoso-quiet")
	w.move(t)
	for _, item := range w.facts.Of(snapshot.Source, aml.PrivateEndpoints) {
		if target := item.Doc.Objects("properties.privateLinkServiceConnections")[0].Text("properties.privateLinkServiceId"); strings.EqualFold(target, w.Plan.Workspace) {
			return w, w.task(plan.RestorePrivateEndpoint, item.Key, plan.EndpointDetail{Resource: w.Plan.Workspace, Approve: approve})
		}
	}
	t.Fatal("the workspace has no private endpoint")
	return nil, nil
}

// connectionsNow are the states of all connections of the workspace, by id.
func connectionsNow(t *testing.T, task *Task) map[string]string {
	t.Helper()
	c, err := task.connections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]string{}
	for _, doc := range slices.Concat(c.approved, c.pending, c.rejected, c.dead) {
		states[doc.Text("id")] = doc.Text(connectionStatus)
	}
	return states
}

func TestAnApprovedConnectionLeavesNoDeadOne(t *testing.T) {
	t.Parallel()
	w, task := movedWithEndpoint(t, true)
	if states := fmt.Sprint(connectionsNow(t, task)); !strings.Contains(states, "Disconnected") || !strings.Contains(states, "Pending") {
		t.Fatalf("S23 the move left %s", states)
	}
	w.want(t, task)
	states := connectionsNow(t, task)
	if len(states) != 1 || !strings.Contains(fmt.Sprint(states), "Approved") {
		t.Errorf("S24 the connections are %v", states)
	}
}

func TestAnEndpointWithoutConnectionIsMadeAgain(t *testing.T) {
	t.Parallel()
	w, task := movedWithEndpoint(t, true)
	before, err := task.Original(t.Context(), w.facts.Of(snapshot.Source, aml.PrivateEndpoints)[0].ID)
	if err != nil || !strings.EqualFold(before.Text("id"), task.Step.Subject) {
		t.Fatalf("%v %s", err, before.Text("id"))
	}
	for id := range connectionsNow(t, task) {
		w.cloud.Await(t, http.MethodDelete, id, nil)
	}
	w.want(t, task)
	after := w.get(t, task.Step.Subject)
	if got := after.Objects("properties.privateLinkServiceConnections")[0].Text("properties.privateLinkServiceId"); !strings.EqualFold(got, w.Plan.Landing) {
		t.Errorf("pain 15: it leads to %s, not to the landing", got)
	}
	same(t, "pain 15: the endpoint", before, after, "etag", "properties.resourceGuid", "properties.networkInterfaces", "properties.privateLinkServiceConnections", "systemData")
	zone := task.Step.Subject + "/privateDnsZoneGroups/default"
	if len(addresses(w.get(t, zone))) == 0 {
		t.Error("pain 31: the zone group has no records")
	}
	if states := fmt.Sprint(connectionsNow(t, task)); strings.Count(states, "Approved") != 1 || strings.Contains(states, "Disconnected") {
		t.Errorf("the connections are %s", states)
	}
}

func TestOtherAddressesAreRemarked(t *testing.T) {
	t.Parallel()
	w, task := movedWithEndpoint(t, true)
	endpoint, err := task.Subject()
	if err != nil {
		t.Fatal(err)
	}
	for id := range connectionsNow(t, task) {
		w.cloud.Await(t, http.MethodDelete, id, nil)
	}
	// Somebody takes the first of the freed addresses while the endpoint is away.
	w.cloud.Await(t, http.MethodDelete, task.Step.Subject, nil)
	original, err := task.Original(t.Context(), endpoint)
	if err != nil {
		t.Fatal(err)
	}
	body := task.Where().ForPut(aml.Kind{ReadOnly: aml.PrivateEndpointReadOnly(), References: []aml.Reference{{Path: "properties.privateLinkServiceConnections.*.properties.privateLinkServiceId"}}}, original)
	body.Delete("properties.ipConfigurations")
	body.Delete("properties.customNetworkInterfaceName")
	if answer := w.cloud.Await(t, http.MethodPut, task.Step.Subject+"-other", body); answer.Status >= 300 {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	if len(original.Objects("properties.ipConfigurations")) > 0 {
		t.Fatal("the endpoint of the fixture has static addresses: nothing can differ")
	}
	w.want(t, task)
	if said := fmt.Sprint(w.journal.remarks); !strings.Contains(said, "differs") || !strings.Contains(said, "resolved to 10.20.1.") {
		t.Errorf("pain 31: that names resolve to other addresses is not told: %s", said)
	}
}

func TestAConnectionThatAPersonMustApproveIsWaitedFor(t *testing.T) {
	t.Parallel()
	w, task := movedWithEndpoint(t, false)
	for id := range connectionsNow(t, task) {
		w.cloud.Await(t, http.MethodDelete, id, nil)
	}
	w.fault(t, `{"kind":"privateEndpointStaysPending"}`)
	for range 2 { // once when the endpoint was made again, once when it is there
		err := restorePrivateEndpoint{}.Do(t.Context(), task)
		waiting, ok := err.(*Waiting) //nolint:errorlint // it is returned bare
		if !ok || !strings.Contains(waiting.For, "az network private-endpoint-connection approve --id "+w.Plan.Landing+"/privateEndpointConnections/") {
			t.Fatalf("S24 it ended with %v", err)
		}
		w.done(t, task, false)
	}
	if states := connectionsNow(t, task); len(states) != 1 {
		t.Fatalf("the connections are %v", states)
	}
	for id := range connectionsNow(t, task) {
		if answer := w.cloud.Await(t, http.MethodPut, id, `{"properties":{"privateLinkServiceConnectionState":{"status":"Approved"}}}`); answer.Status >= 300 {
			t.Fatalf("%d %s", answer.Status, answer.Body)
		}
	}
	if err := (restorePrivateEndpoint{}).Do(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	w.done(t, task, true)
}

func TestAConnectionThatAPersonRejectedIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	w, task := movedWithEndpoint(t, true)
	for id, state := range connectionsNow(t, task) {
		if state == "Pending" {
			w.cloud.Await(t, http.MethodPut, id, `{"properties":{"privateLinkServiceConnectionState":{"status":"Rejected","description":"no"}}}`)
		}
	}
	err := restorePrivateEndpoint{}.Do(t.Context(), task)
	if waiting, ok := err.(*Waiting); !ok || !strings.Contains(waiting.For, "rejected") { //nolint:errorlint // it is returned bare
		t.Fatalf("S24 it ended with %v", err)
	}
	if w.journal.writes() > 0 {
		t.Error("a person said no, and something was sent")
	}
}

// judged is a world whose plan is the one that contoso gets.
func judged(t *testing.T) (*world, *Task) {
	t.Helper()
	w := newWorld(t, "contoso")
	w.planned(t)
	return w, w.task(plan.ProveRestorable, w.Plan.Workspace, nil)
}

// planned gives a world the plan that contoso gets.
func (w *world) planned(t *testing.T) {
	t.Helper()
	choices := rules.Choices{Drain: rules.Cancel, AcceptInstanceLoss: true, LiftLocks: true, ApproveEndpoints: true, Force: true}
	p, err := plan.Make(w.facts, rules.Judge(w.facts, choices), choices)
	if err != nil {
		t.Fatal(err)
	}
	w.Env.Plan = p
}

func TestWhatIsAsItWasIsProvenRestorable(t *testing.T) {
	t.Parallel()
	w, task := judged(t)
	w.want(t, task)
	if w.journal.writes() > 0 {
		t.Error("a proof has written something")
	}
	w.noFiles(t)
}

// noFiles fails the test when the proof left something in the folder of the run.
func (w *world) noFiles(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(w.Folder)
	if err != nil || len(entries) > 0 {
		t.Errorf("the folder of the run holds %v (%v)", entries, err)
	}
}

func TestWhatCouldNotBeMadeAgainAnyMoreStopsTheRun(t *testing.T) {
	t.Parallel()
	w, task := judged(t)
	for path, body := range map[string]string{
		w.below("computes/late-cluster"): `{"location":"eastus","properties":{"computeType":"AmlCompute","properties":{"vmSize":"STANDARD_DS2_V2","scaleSettings":{"minNodeCount":0,"maxNodeCount":1}}}}`,
		w.Plan.Target + "/providers/Microsoft.Authorization/locks/late-lock?api-version=2020-05-01": `{"properties":{"level":"ReadOnly"}}`,
		"/subscriptions/" + w.cloud.Subscriptions[1] + "/providers/Microsoft.Authorization/policyAssignments/late-policy?api-version=2023-04-01": `{"properties":{"displayName":"Only in the west",
			"policyDefinitionId":"/providers/Microsoft.Authorization/policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c","parameters":{"listOfAllowedLocations":{"value":["westus"]}}}}`,
	} {
		if answer := w.cloud.Await(t, http.MethodPut, path, body); answer.Status >= 300 {
			t.Fatalf("%s: %d %s", path, answer.Status, answer.Body)
		}
	}
	endpoint := arm.Document(w.cloud.Do(t, "", http.MethodGet, w.below("onlineEndpoints/contoso-fraud"), nil).JSON(t))
	endpoint.Set("properties.traffic", map[string]any{"blue": 50, "green": 50})
	if answer := w.cloud.Await(t, http.MethodPut, w.below("onlineEndpoints/contoso-fraud"), endpoint); answer.Status >= 300 {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	err := proveRestorable{}.Do(t.Context(), task)
	if codeIn(err) != "NotRestorable" {
		t.Fatalf("D2 it ended with %v", err)
	}
	for _, reason := range []string{"delete the compute late-cluster", "contoso-fraud was changed", "denies cpu-cluster at the target"} {
		if !strings.Contains(err.Error(), reason) {
			t.Errorf("D2 the error does not name %q: %v", reason, err)
		}
	}
	if w.journal.writes() > 0 {
		t.Error("D2 something was written")
	}
	w.done(t, task, false)
	w.noFiles(t)
}

// TestEveryKindOfAlertWatchesTheNewID: whatever watched the workspace by its old id (arm-move 3.1).
func TestEveryKindOfAlertWatchesTheNewID(t *testing.T) {
	t.Parallel()
	cloud := cloudtest.Start(t, cloudtest.Fixture("contoso-quiet"))
	first := worldOn(t, cloud)
	group, _, _ := strings.Cut(first.Plan.Workspace, "/providers/")
	ws := first.Plan.Workspace
	for path, body := range map[string]map[string]any{
		"Microsoft.Insights/scheduledQueryRules/q": {"scopes": []any{ws}, "criteria": map[string]any{"allOf": []any{}}, "enabled": true},
		"Microsoft.Insights/activityLogAlerts/a":   {"scopes": []any{ws}, "condition": map[string]any{"allOf": []any{map[string]any{"field": "resourceId", "equals": ws}}}, "actions": map[string]any{}, "enabled": true},
		"Microsoft.AlertsManagement/smartDetectorAlertRules/s": {"scope": []any{ws}, "detector": map[string]any{"id": "FailureAnomaliesDetector"}, "state": "Enabled", "severity": "Sev3", "frequency": "PT1M",
			"actionGroups": map[string]any{"groupIds": []any{}}},
	} {
		location := "global"
		if strings.HasPrefix(path, "Microsoft.Insights/scheduledQueryRules") { // the only ones with a place
			location = "eastus"
		}
		first.ask(t, http.MethodPut, group+"/providers/"+path, map[string]any{"location": location, "properties": body})
	}
	w := worldOn(t, cloud)
	w.move(t)
	seen := 0
	for _, alert := range aml.Alerts() {
		for _, item := range w.facts.Of(snapshot.Source, alert.Type) {
			seen++
			w.want(t, w.task(plan.RestoreAlert, item.Key, nil))
			now, err := json.Marshal(w.get(t, item.Key))
			if err != nil || strings.Contains(string(now), ws) || !strings.Contains(string(now), w.Plan.Landing) {
				t.Errorf("pain 16 %s watches %s (%v)", item.Name(), now, err)
			}
		}
	}
	if seen != 4 {
		t.Errorf("%d alerts watch the workspace, want 4", seen)
	}
}
