package action

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// made are the members that the service writes anew when something is made again.
var made = []string{"systemData", "etag", "identity.principalId", "properties.createdOn", "properties.modifiedOn", "properties.properties.state", "properties.properties.lastOperation", "properties.properties.createdBy",
	"properties.properties.connectivityEndpoints", "properties.properties.applications", "properties.properties.schedules", "properties.properties.allocationState", "properties.properties.allocationStateTransitionTime",
	"properties.properties.currentNodeCount", "properties.properties.targetNodeCount", "properties.properties.nodeStateCounts", "properties.properties.errors", "properties.properties.dataDisks",
	"properties.properties.dataMounts", "properties.scoringUri", "properties.swaggerUri"}

// TestWhatIsTakenAwayComesBack does each action before the move, undoes it, and does it again: forward, back, forward.
func TestWhatIsTakenAwayComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso")
	for _, endpoint := range []string{"contoso-demand", "contoso-fraud"} {
		w.want(t, w.task(plan.SaveSecrets, w.below("onlineEndpoints/"+endpoint), nil))
	}
	storage := strings.SplitN(w.Plan.Workspace, "/providers/", 2)[0] + "/providers/Microsoft.Storage/storageAccounts/contosomldevst"
	for _, c := range []struct{ name, kind, subject string }{
		{"S22 a schedule is disabled", plan.DisableSchedule, w.below("schedules/nightly-churn-retraining")},
		{"pain 38 a lock is lifted", plan.LiftLock, storage + "/providers/Microsoft.Authorization/locks/keep-training-data"},
		{"S10 an online endpoint with two deployments and traffic", plan.RemoveEndpoint, w.below("onlineEndpoints/contoso-fraud")},
		{"S10 an online endpoint with mirrored traffic", plan.RemoveEndpoint, w.below("onlineEndpoints/contoso-demand")},
		{"S10 a batch endpoint with its default", plan.RemoveEndpoint, w.below("batchEndpoints/contoso-batch-scoring")},
		{"S09 a compute instance", plan.RemoveCompute, w.below("computes/alice-ci")},
		{"S31 an attached AKS cluster", plan.RemoveCompute, w.below("computes/inference-aks")},
		{"S09 a cluster", plan.RemoveCompute, w.below("computes/cpu-cluster")},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := w.get(t, c.subject)
			task := w.task(c.kind, c.subject, nil)
			w.want(t, task)
			w.undone(t, task)
			same(t, c.name, before, w.get(t, c.subject), made...)
			w.done(t, task, false)
			if err := w.find(t, task).Do(t.Context(), task); err != nil {
				t.Fatalf("forward again: %v", err)
			}
			w.done(t, task, true)
			w.undone(t, task)
		})
	}
	for _, d := range []string{"contoso-fraud/deployments/blue", "contoso-fraud/deployments/green"} {
		id := w.below("onlineEndpoints/" + d)
		item, found := w.facts.One(snapshot.Content, aml.Workspaces+"/onlineEndpoints/deployments", id)
		if !found {
			t.Fatalf("%s is not in the snapshot", d)
		}
		same(t, d, item.Doc, w.get(t, id), made...)
	}
	if aks := w.get(t, w.below("computes/inference-aks")); !aks.Bool("properties.isAttachedCompute") {
		t.Error("S31 the cluster is not attached as before")
	}
	w.get(t, w.get(t, w.below("computes/inference-aks")).Text("properties.resourceId")) // the cluster itself was not touched
}

// TestWhatDoesNotTravelIsMadeAgain does each action of the phase restore on a workspace that moved.
func TestWhatDoesNotTravelIsMadeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso-quiet", "all")
	for _, name := range []string{"raw_images", "landing_zone", "feature_lake"} {
		w.want(t, w.task(plan.SaveSecrets, w.below("datastores/"+name), nil))
	}
	w.move(t)
	steps := []*Task{w.task(plan.RestoreDatastore, w.below("datastores/raw_images"), nil)}
	for _, item := range w.facts.Of(snapshot.Source, aml.RoleAssignments) {
		if w.Map.Moves(item.ID.Scope()) {
			steps = append(steps, w.task(plan.RestoreRole, item.Key, nil))
		}
	}
	for kind, typ := range map[string]arm.Type{plan.RestoreDiagnostics: aml.DiagnosticSettings, plan.RestoreAlert: aml.MetricAlerts} {
		for _, item := range w.facts.Of(snapshot.Source, typ) {
			steps = append(steps, w.task(kind, item.Key, nil))
		}
	}
	for _, item := range w.facts.Of(snapshot.Source, aml.PrivateEndpoints) {
		resource := item.Doc.Objects("properties.privateLinkServiceConnections")[0].Text("properties.privateLinkServiceId")
		steps = append(steps, w.task(plan.RestorePrivateEndpoint, item.Key, plan.EndpointDetail{Resource: resource, Approve: true}))
	}
	steps = append(steps, w.task(plan.RestoreData, w.Plan.Workspace, nil), w.task(plan.RestoreSchedule, w.below("schedules/batch-scoring-sundays"), nil))
	if len(steps) < 17 {
		t.Fatalf("only %d steps: the world lacks what must be made again", len(steps))
	}
	for _, task := range steps {
		t.Run(task.Step.Action, func(t *testing.T) { w.want(t, task) })
	}
	stays := w.task(plan.RestoreDatastore, w.below("datastores/telemetry_events"), nil)
	writes := w.journal.writes()
	w.done(t, stays, true)
	if w.journal.writes() != writes {
		t.Error("S45 a datastore whose account did not move was written")
	}
}

func TestAPrivateEndpointWaitsForItsOwner(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso-quiet")
	w.move(t)
	item := w.facts.Of(snapshot.Source, aml.PrivateEndpoints)[0]
	task := w.task(plan.RestorePrivateEndpoint, item.Key, plan.EndpointDetail{Resource: w.Plan.Workspace})
	err := w.find(t, task).Do(t.Context(), task)
	if waiting, ok := err.(*Waiting); !ok || !strings.Contains(waiting.For, "contoso-ml") { //nolint:errorlint // it is returned bare
		t.Fatalf("S24 without leave to approve it ended with %v", err)
	}
}

func TestAnEndpointIsNotRemovedWithoutItsKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso")
	task := w.task(plan.RemoveEndpoint, w.below("onlineEndpoints/contoso-fraud"), nil)
	if err := w.find(t, task).Do(t.Context(), task); errs.As(err) == nil || errs.As(err).Code != "KeysNotSealed" {
		t.Fatalf("D2 got %v", err)
	}
	w.get(t, task.Step.Subject)
	if w.journal.writes() != 0 {
		t.Error("D2 something was sent all the same")
	}
}

func TestAJobThatDoesNotEndIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso")
	job := w.activeJobs()[aml.JobRunning]
	task := w.task(plan.EndJob, job.Key, plan.JobDetail{Limit: plan.Duration(50 * time.Millisecond)})
	if err := w.find(t, task).Do(t.Context(), task); errs.As(err) == nil || errs.As(err).Code != "JobStillRuns" || !strings.Contains(err.Error(), job.Name()) {
		t.Fatalf("S28 got %v", err)
	}
	w.want(t, w.task(plan.EndJob, job.Key, plan.JobDetail{Cancel: true, Limit: plan.Duration(time.Minute)}))
}

func TestSecretsThatMayNotBeReadAreNamedWithTheirPermission(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso")
	w.fault(t, `{"kind":"status","status":403,"code":"AuthorizationFailed","message":"no","match":{"path":"**/listSecrets"}}`)
	task := w.task(plan.SaveSecrets, w.below("datastores/raw_images"), nil)
	err := w.find(t, task).Do(t.Context(), task)
	if !errs.Is(err, errs.Denied) || !strings.Contains(err.Error(), "workspaces/datastores/listSecrets/action") {
		t.Fatalf("pain 21 got %v", err)
	}
}

func TestTheTargetIsMadeReadyAndTakenBack(t *testing.T) {
	t.Parallel()
	w := worldOn(t, cloudtest.Start(t, cloudtest.Fixture("contoso")))
	subscription := strings.SplitN(w.Plan.Target, "/resourceGroups/", 2)[0]
	group := w.task(plan.CreateGroup, subscription+"/resourceGroups/made-for-it", plan.GroupDetail{Location: "eastus"})
	w.want(t, group)
	w.undone(t, group)
	w.done(t, group, false)
	w.want(t, w.task(plan.RegisterProvider, subscription+"/providers/Microsoft.Databricks", nil))
	elsewhere := w.task(plan.CreateGroup, subscription+"/resourceGroups/ml-prod-eu-rg", plan.GroupDetail{Location: "eastus"})
	if _, err := w.find(t, elsewhere).Done(t.Context(), elsewhere); errs.As(err) == nil || errs.As(err).Code != "GroupElsewhere" {
		t.Errorf("S26 a group in another region: %v", err)
	}
}

func TestWhatChangedSinceIsNotRemoved(t *testing.T) {
	t.Parallel()
	w, proof := judged(t)
	cluster := w.below("computes/cpu-cluster")
	if a := w.cloud.Await(t, http.MethodPatch, cluster, `{"properties":{"properties":{"scaleSettings":{"minNodeCount":0,"maxNodeCount":3}}}}`); a.Status >= 300 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if err := (proveRestorable{}).Do(t.Context(), proof); codeIn(err) != "NotRestorable" || !strings.Contains(err.Error(), "cpu-cluster was changed") {
		t.Errorf("D2 the proof says %v", err)
	}
	task := w.task(plan.RemoveCompute, cluster, nil)
	for what, ask := range map[string]func() error{"check": func() error { return removeCompute{}.Check(t.Context(), task) }, "do": func() error { return removeCompute{}.Do(t.Context(), task) }} {
		if err := ask(); codeIn(err) != "SubjectChanged" {
			t.Errorf("D2 %s: a cluster that was changed after it was written down: %v", what, err)
		}
	}
	w.get(t, cluster)
}

func TestEveryKindOfStepHasItsAction(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso", "all")
	kinds := map[string]bool{}
	for _, kind := range Kinds() {
		kinds[kind] = true
	}
	for _, kind := range []string{plan.RegisterProvider, plan.CreateGroup, plan.SaveSecrets, plan.DisableSchedule, plan.EndJob, plan.LiftLock, plan.ProveRestorable, plan.RemoveEndpoint, plan.RemoveService, plan.RemoveCompute,
		plan.ValidateMove, plan.MoveResources, plan.RestoreDatastore, plan.RestoreConnection, plan.RestoreOutboundRule, plan.RestoreRole, plan.RestoreLock, plan.RestoreDiagnostics, plan.RestoreAlert,
		plan.RestorePrivateEndpoint, plan.RestoreData, plan.RestoreCompute, plan.RestoreEndpoint, plan.RestoreDeployment, plan.RestoreTraffic, plan.RestoreSchedule, plan.RestoreImageBuild, plan.ResyncKeys, plan.Diagnose, plan.Compare} {
		if !kinds[kind] {
			t.Errorf("no action carries out %s", kind)
		}
	}
	if w.landed(t, w.Plan.Workspace) != w.Plan.Landing {
		t.Error("the map does not lead to the landing")
	}
}

// fault adds a fault to the cloud.
func (w *world) fault(t *testing.T, fault string) {
	t.Helper()
	if answer := w.cloud.Do(t, "", http.MethodPost, "/_cloud/faults", fault); answer.Status >= 300 {
		t.Fatalf("the fault was refused: %d %s", answer.Status, answer.Body)
	}
}
