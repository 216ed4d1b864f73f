package action

import (
	"net/http"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
)

const instanceState = "properties.properties.state"

// withStopped is a world in which the compute instance was stopped before it was written down.
func withStopped(t *testing.T) (w *world, instance string) {
	t.Helper()
	w = contoso(t)
	w.ask(t, http.MethodPost, w.below("computes/alice-ci/stop"), nil)
	w = worldOn(t, w.cloud)
	return w, w.below("computes/alice-ci")
}

func TestAStoppedInstanceIsStoppedAgain(t *testing.T) {
	t.Parallel()
	w, instance := withStopped(t)
	removing := w.task(plan.RemoveCompute, instance, nil)
	w.want(t, removing)
	w.undone(t, removing)
	if state := w.get(t, instance).Text(instanceState); state != string(aml.InstanceStopped) {
		t.Errorf("pain 25 taken back, the instance is %s", state)
	}
	w.do(t, removing)
	w.atSource()
	w.want(t, w.task(plan.RestoreCompute, instance, nil))
	if state := w.get(t, instance).Text(instanceState); state != string(aml.InstanceStopped) {
		t.Errorf("pain 25 made again, the instance is %s", state)
	}
}

func TestAnInstanceThatCannotBeStoppedIsTold(t *testing.T) {
	t.Parallel()
	w, instance := withStopped(t)
	w.do(t, w.task(plan.RemoveCompute, instance, nil))
	w.atSource()
	w.fault(t, `{"kind":"status","status":409,"code":"Conflict","message":"not now","match":{"path":"**/stop"}}`)
	w.want(t, w.task(plan.RestoreCompute, instance, nil))
	if !w.journal.remarked(Differs, "alice-ci was stopped before and is Running now: it could not be stopped: not now") {
		t.Errorf("said was %v", w.journal.remarks)
	}
}

func TestAnInstanceStaysItsOwners(t *testing.T) {
	t.Parallel()
	w := contoso(t)
	instance := w.below("computes/alice-ci")
	const user = "properties.properties.personalComputeInstanceSettings.assignedUser"
	alice := w.get(t, instance).Text(user + ".objectId")
	removing := w.task(plan.RemoveCompute, instance, nil)
	w.want(t, removing)
	w.edited(t, instance, func(doc arm.Document) { doc.Delete("properties.properties.personalComputeInstanceSettings") }) // as of one that its user made alone
	w.undone(t, removing)
	now := w.get(t, instance)
	if now.Text(user+".objectId") != alice || alice == "" {
		t.Errorf("pain 25 the instance belongs to %q, before to %q", now.Text(user+".objectId"), alice)
	}
	if maker := now.Text("properties.properties.createdBy.userId"); maker == alice {
		t.Error("the test proves nothing: the instance was made by its user")
	}
}

func TestAComputeThatIsAnotherOneIsNotRemoved(t *testing.T) {
	t.Parallel()
	w := contoso(t)
	cluster, behind := w.below("computes/cpu-cluster"), w.get(t, w.below("computes/inference-aks")).Text("properties.resourceId")
	w.ask(t, http.MethodDelete, cluster+"?underlyingResourceAction=Delete", nil)
	w.ask(t, http.MethodPut, cluster, map[string]any{"location": "eastus", "properties": map[string]any{"computeType": "AKS", "resourceId": behind}})
	task := w.task(plan.RemoveCompute, cluster, nil)
	if err := w.find(t, task).Check(t.Context(), task); errs.As(err) == nil || errs.As(err).Code != "SubjectChanged" {
		t.Errorf("S31 check: %v", err)
	}
	if err := w.refused(t, task, "SubjectChanged"); !strings.Contains(err.Error(), "computeType was AmlCompute and is AKS") {
		t.Errorf("S31 got %v", err)
	}
	w.get(t, cluster)
	w.get(t, behind)
	if w.journal.writes() != 0 {
		t.Error("S31 something was sent")
	}
}

// TestAnAttachmentIsTheSameWhateverItsCase: ids are compared without case (style 7).
func TestAnAttachmentIsTheSameWhateverItsCase(t *testing.T) {
	t.Parallel()
	w := contoso(t)
	attached := w.below("computes/inference-aks")
	w.edited(t, attached, func(doc arm.Document) {
		doc.Set("properties.resourceId", strings.ToLower(doc.Text("properties.resourceId")))
	})
	w.want(t, w.task(plan.RemoveCompute, attached, nil))
}

func TestNothingIsAttachedToWhatIsGone(t *testing.T) {
	t.Parallel()
	w := contoso(t)
	attached := w.below("computes/inference-aks")
	behind := w.get(t, attached).Text("properties.resourceId")
	w.do(t, w.task(plan.RemoveCompute, attached, nil))
	w.ask(t, http.MethodDelete, behind+"?api-version=2024-02-01", nil)
	writes := w.journal.writes()
	w.atSource()
	if err := w.refused(t, w.task(plan.RestoreCompute, attached, nil), "ResourceBehindGone"); !strings.Contains(err.Error(), behind) {
		t.Errorf("S09 got %v", err)
	}
	if w.journal.writes() != writes {
		t.Error("S09 it was tried all the same")
	}
}

func TestAComputeThatHadFailedIsRemovedAndLeftAloneOnTheWayBack(t *testing.T) {
	t.Parallel()
	w := contoso(t)
	cluster := w.below("computes/broken")
	w.fault(t, `{"kind":"deploymentFails","match":{"action":"Microsoft.MachineLearningServices/workspaces/computes/write","path":"**/computes/broken"}}`)
	w.cloud.Await(t, http.MethodPut, cluster, map[string]any{"location": "eastus", "properties": map[string]any{"computeType": "AmlCompute", "properties": map[string]any{"vmSize": "STANDARD_DS3_V2"}}})
	w = worldOn(t, w.cloud)
	if state := w.get(t, cluster).Text("properties.provisioningState"); state != string(aml.Failed) {
		t.Fatalf("the compute is %s", state)
	}
	task := w.task(plan.RemoveCompute, cluster, nil)
	w.undone(t, task) // it was not removed yet
	if w.journal.writes() != 0 {
		t.Error("what is as it was, a failure included, was written")
	}
	w.want(t, task)
}

func TestAComputeThatIsBeingMadeIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := contoso(t)
	w.ask(t, http.MethodPost, "/_cloud/clock", `{"durations":{"computes.put":"3m","computes.delete":"3m"}}`)
	cluster := w.below("computes/young")
	w.cloud.Do(t, "", http.MethodPut, cluster, map[string]any{"location": "eastus", "properties": map[string]any{"computeType": "AmlCompute", "properties": map[string]any{"vmSize": "STANDARD_DS3_V2"}}})
	w = worldOn(t, w.cloud)
	if state := w.get(t, cluster).Text("properties.provisioningState"); state != string(aml.Creating) {
		t.Fatalf("the compute is %s", state)
	}
	clock := w.steer(t)
	begun := clock.Now()
	w.want(t, w.task(plan.RemoveCompute, cluster, nil))
	if waited := clock.Now().Sub(begun); waited.Minutes() < 6 {
		t.Errorf("S34 it was removed after %s: before it was made", waited)
	}
}
