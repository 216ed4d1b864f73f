package action

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/plan"
)

// TestEveryRemovalAndItsWayBackBearInterruption stops the run at each of its requests, goes on as a run does after a crash, and expects the same end each time (D3).
func TestEveryRemovalAndItsWayBackBearInterruption(t *testing.T) {
	t.Parallel()
	w := contoso(t)
	w.sealAll(t)
	slow := `{"durations":{"computes.put":"5s","computes.delete":"5s","computes.stop":"5s","onlineendpoints.put":"5s","onlineendpoints.delete":"5s","deployments.put":"5s","batchendpoints.put":"5s","batchendpoints.delete":"5s"}}`
	w.ask(t, http.MethodPost, "/_cloud/clock", slow)
	w.steer(t)
	for _, subject := range []string{"onlineEndpoints/contoso-demand", "computes/alice-ci", "computes/inference-aks"} {
		kind := plan.RemoveEndpoint
		if strings.HasPrefix(subject, "computes/") {
			kind = plan.RemoveCompute
		}
		t.Run(subject, func(t *testing.T) {
			task := w.task(kind, w.below(subject), nil)
			forward, backward, why := false, false, error(nil)
			k := int64(1)
			for ; !forward || !backward; k++ {
				if k > 60 {
					t.Fatalf("it needs more requests than anybody would think: %v", why)
				}
				forward = w.doCut(t, task, k) == nil
				w.resume(t, task)
				w.done(t, task, true)
				why = w.undoCut(t, task, k)
				backward = why == nil
				task.Env.Client = connect(t, w.cloud)
				w.undo(t, task)
				w.done(t, task, false)
			}
			t.Logf("stopped at each of %d requests", k)
			for _, item := range w.computing() {
				if item.ID.Within(must(t, w.below(subject))) {
					w.asBefore(t, item, false)
				}
			}
		})
	}
}

// undoCut takes a step back in a run that is stopped when its k-th request leaves.
func (w *world) undoCut(t *testing.T, task *Task, k int64) error {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var left atomic.Int64
	left.Store(k)
	w.hear(t, func(*http.Request) {
		if left.Add(-1) == 0 {
			stop()
		}
	})
	return w.find(t, task).Undo(ctx, back(task))
}

// resume goes on with a step as a run does after a crash: it asks, and does it if it must.
func (w *world) resume(t *testing.T, task *Task) {
	t.Helper()
	w.Client = connect(t, w.cloud)
	done, err := w.find(t, task).Done(t.Context(), task)
	if err != nil {
		t.Fatal(err)
	}
	if !done {
		w.do(t, task)
	}
}

// TestEveryRestoreBearsInterruption stops the run at each of its requests behind the move.
func TestEveryRestoreBearsInterruption(t *testing.T) {
	t.Parallel()
	w := contoso(t)
	w.clear(t)
	w.move(t)
	for _, c := range []struct{ kind, subject, again string }{
		{plan.RestoreCompute, "computes/cpu-cluster", "computes/cpu-cluster?underlyingResourceAction=Delete"},
		{plan.RestoreCompute, "computes/inference-aks", "computes/inference-aks?underlyingResourceAction=Detach"},
		{plan.RestoreEndpoint, "onlineEndpoints/contoso-demand", "onlineEndpoints/contoso-demand"},
		{plan.RestoreDeployment, "onlineEndpoints/contoso-demand/deployments/blue", "onlineEndpoints/contoso-demand/deployments/blue"},
		{plan.RestoreDeployment, "onlineEndpoints/contoso-demand/deployments/green", "onlineEndpoints/contoso-demand/deployments/green"},
		{plan.RestoreTraffic, "onlineEndpoints/contoso-demand", ""},
	} {
		t.Run(c.kind+" "+c.subject, func(t *testing.T) {
			task := w.task(c.kind, w.below(c.subject), nil)
			for k := int64(1); ; k++ {
				if k > 60 {
					t.Fatal("it needs more requests than anybody would think")
				}
				whole := w.doCut(t, task, k) == nil
				w.resume(t, task)
				w.done(t, task, true)
				if whole {
					break
				}
				if c.again != "" {
					w.ask(t, http.MethodDelete, w.Plan.Landing+"/"+c.again, nil)
				} else {
					w.written(t, w.landed(t, task.Step.Subject), func(doc arm.Document) { doc.Set("properties.traffic", map[string]any{}) })
				}
				if err := w.Journal.Advance(t.Context(), task.Step.ID, ""); err != nil {
					t.Fatal(err)
				}
			}
			for _, item := range w.computing() {
				if c.kind != plan.RestoreEndpoint && strings.EqualFold(item.Key, w.below(c.subject)) {
					w.asBefore(t, item, true)
				}
			}
		})
	}
}

// TestWhatIsToldSurvivesACrash stops the run between the effect and what is said about it.
func TestWhatIsToldSurvivesACrash(t *testing.T) {
	t.Parallel()
	w := contoso(t)
	endpoint := w.below("onlineEndpoints/contoso-fraud")
	principal := w.get(t, endpoint).Text("identity.principalId")
	given(t, w.cloud, w.Plan.Workspace+"/providers/Microsoft.Authorization/roleAssignments/"+assigned, map[string]any{"properties": map[string]any{"principalId": principal,
		"principalType": "ServicePrincipal", "roleDefinitionId": "/subscriptions/" + w.cloud.Subscriptions[0] + "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"}})
	w.written(t, endpoint+"/deployments/blue", func(doc arm.Document) {
		doc.Set("properties.environmentVariables.HOME_OF_MODELS", w.Plan.Workspace+"/models")
	})
	w = worldOn(t, w.cloud)
	w.clear(t)
	w.move(t)
	tasks := []*Task{w.task(plan.RestoreEndpoint, endpoint, nil), w.task(plan.RestoreDeployment, endpoint+"/deployments/blue", nil)}
	for _, task := range tasks {
		w.do(t, task)
	}
	w.journal.remarks, w.journal.cursors = nil, map[string]string{}
	writes := w.journal.writes()
	for _, task := range tasks {
		w.resume(t, task)
		w.done(t, task, true)
	}
	if w.journal.writes() != writes {
		t.Errorf("%d requests were sent only to say something", w.journal.writes()-writes)
	}
	is := w.get(t, w.landed(t, endpoint)).Text("identity.principalId")
	for _, want := range []struct{ clause, kind, text string }{
		{"S16", Differs, "contoso-fraud has a new system-assigned identity: " + is + "; it was " + principal},
		{"S16", ToDo, "give the identity " + is + " of contoso-fraud the roles that " + principal + " had: Reader on " + w.Plan.Landing},
		{"pain 22", ToDo, "properties.environmentVariables.HOME_OF_MODELS"},
	} {
		if !w.journal.remarked(want.kind, want.text) {
			t.Errorf("%s not said: %s: %s\nsaid:\n%s", want.clause, want.kind, want.text, strings.Join(w.journal.remarks, "\n"))
		}
	}
}

// TestARemovalThatCannotBeAskedAfterHasNotEnded: while nobody answers it goes on, and what it removes may look untouched. A run that went back then would lose it.
func TestARemovalThatCannotBeAskedAfterHasNotEnded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, fault string
		open        int
	}{
		{"connections are cut", `"kind":"drop"`, 1},
		{"nobody is signed in any more", `"kind":"status","status":401,"code":"ExpiredAuthenticationToken"`, 1},
		{"ARM is asked too often", `"kind":"status","status":429,"retryAfter":1`, 1},
		{"ARM is not available", `"kind":"status","status":503`, 1},
		{"ARM does not know how it ended, and never will", `"kind":"status","status":500`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := contoso(t)
			w.ask(t, http.MethodPost, "/_cloud/clock", `{"durations":{"computes.delete":"10m"}}`)
			w.steer(t)
			task := w.task(plan.RemoveCompute, w.below("computes/cpu-cluster"), nil)
			w.fault(t, `{`+c.fault+`,"match":{"method":"GET","path":"**/operationsStatus/*"}}`)
			if err := w.find(t, task).Do(t.Context(), task); err == nil {
				t.Fatal("it is removed, and nobody could ask")
			}
			open, err := w.journal.Unended(t.Context(), task.Step.ID, false)
			if err != nil || len(open) != c.open {
				t.Fatalf("%d operations may still go on, want %d (%v)", len(open), c.open, err)
			}
			w.ask(t, http.MethodDelete, "/_cloud/faults", nil)
			for _, o := range open {
				if _, err := task.Follow(t.Context(), o, "", nil); err != nil {
					t.Error(err)
				}
				w.done(t, task, true)
			}
		})
	}
}
