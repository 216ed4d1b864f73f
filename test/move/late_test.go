package move

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/test/whole"
)

// late registers a data asset that nobody wrote down.
func (w *world) late(t *testing.T) string {
	t.Helper()
	id := w.workspace.String() + "/data/late-asset/versions/1"
	body := map[string]any{"properties": map[string]any{"dataType": "uri_file", "dataUri": "https://contosomldevst.blob.core.windows.net/raw/late.csv"}}
	if a := w.cloud.Do(t, "", http.MethodPut, id, body); a.Status >= 300 {
		t.Fatalf("register: %d %s", a.Status, a.Body)
	}
	return id
}

// A data asset that is registered after both ends were read is not written down: the move would drop it and nobody would make it again (S05). The run stops: before it removes anything,
// when that happened while jobs were drained; else before it moves.
func TestADataAssetThatNobodyWroteDownStopsTheRun(t *testing.T) {
	t.Parallel()
	for _, during := range []string{plan.EndJob, plan.RemoveCompute} {
		t.Run(during, func(t *testing.T) {
			t.Parallel()
			whole.Or(t, during, plan.EndJob)
			w := newWorld(t)
			f := w.begin(t, w.plan(t, decided("all")))
			var once sync.Once
			var id string
			r := w.drive(t, f, mover.Options{Watch: func(e mover.Event) {
				if e.Step.Action == during {
					once.Do(func() { id = w.late(t) })
				}
			}}, (*mover.Run).Forward)
			if r.State != mover.RolledBack || !strings.Contains(r.Reason, "late-asset/versions/1 was added") {
				t.Errorf("the run is %s: %s", r.State, r.Reason)
			}
			if a := w.cloud.Do(t, "", http.MethodGet, id, nil); a.Status != http.StatusOK {
				t.Errorf("the asset: %d %s", a.Status, a.Body)
			}
			if !strings.Contains(r.Reason, "plan again and apply that plan, which has what is new") {
				t.Errorf("what to do is not said: %s", r.Reason)
			}
			p := w.plan(t, decided("all"))
			if r := w.drive(t, w.begin(t, p), mover.Options{}, (*mover.Run).Forward); r.State != mover.Done {
				t.Errorf("planned again, the run is %s: %s", r.State, r.Reason)
			}
			landed := p.Landing + strings.TrimPrefix(id, p.Workspace)
			if a := w.cloud.Do(t, "", http.MethodGet, landed, nil); a.Status != http.StatusOK {
				t.Errorf("the asset behind the move: %d %s", a.Status, a.Body)
			}
		})
	}
}

// A plan that removes nothing is proven as well, right before the move.
func TestAMoveThatRemovesNothingIsProven(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, "contoso-quiet")
	f := w.begin(t, w.plan(t, decided()))
	id := w.late(t)
	if r := w.drive(t, f, mover.Options{}, (*mover.Run).Forward); r.State == mover.Done || !strings.Contains(r.Reason, "late-asset/versions/1 was added") {
		t.Errorf("the run is %s: %s", r.State, r.Reason)
	}
	if a := w.cloud.Do(t, "", http.MethodGet, id, nil); a.Status != http.StatusOK {
		t.Errorf("the asset: %d %s", a.Status, a.Body)
	}
}

// What was given, changed or registered after a run went back is no part of what was reviewed: the same plan does not begin anew. When it is as it was again, it does.
func TestARunThatWentBackBeginsAnewOnlyFromWhatWasReviewed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := w.begin(t, w.plan(t, decided("all")))
	w.refuse(t, plan.Validate)
	if r := w.drive(t, f, mover.Options{}, (*mover.Run).Forward); r.State != mover.RolledBack {
		t.Fatal(r)
	}
	w.cloud.Do(t, "", http.MethodDelete, "/_cloud/faults", nil)
	role := w.workspace.String() + "/providers/Microsoft.Authorization/roleAssignments/0c0ffee0-0000-4000-8000-000000000001?api-version=2022-04-01"
	body := map[string]any{"properties": map[string]any{"principalId": "0c0ffee0-0000-4000-8000-000000000002", "principalType": "ServicePrincipal",
		"roleDefinitionId": "/subscriptions/" + w.cloud.Subscriptions[0] + "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"}}
	if a := w.cloud.Do(t, "", http.MethodPut, role, body); a.Status >= 300 {
		t.Fatalf("give a role: %d %s", a.Status, a.Body)
	}
	r, err := w.try(t, f, mover.Options{}, (*mover.Run).Forward)
	if drift, ok := errors.AsType[*mover.Drift](err); !ok || r.State != mover.RolledBack || !strings.Contains(drift.Error(), "0c0ffee0-0000-4000-8000-000000000001") {
		t.Errorf("S16 the run is %s: %v", r.State, err)
	}
	if a := w.cloud.Do(t, "", http.MethodDelete, role, nil); a.Status >= 300 {
		t.Fatalf("take the role: %d %s", a.Status, a.Body)
	}
	if r := w.drive(t, f, mover.Options{}, (*mover.Run).Forward); r.State != mover.Done {
		t.Errorf("begun anew, the run is %s: %s", r.State, r.Reason)
	}
}

// A new subscription is registered for nothing and has no group: the run registers it and makes one, and what it has done is no drift when both ends are read once more (S17, S40).
func TestATargetWithNothingIsMovedTo(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, "contoso-quiet")
	w.target = w.target.SubscriptionID().Child(arm.Hop{Type: arm.ResourceGroups, Name: "all-new-rg"})
	path := w.target.SubscriptionID().String() + "/providers/Microsoft.Notebooks"
	if a := w.cloud.Do(t, "", http.MethodPost, path+"/unregister?api-version=2021-04-01", nil); a.Status >= 300 {
		t.Fatalf("unregister: %d %s", a.Status, a.Body)
	}
	w.cloud.Do(t, "", http.MethodPost, "/_cloud/clock/drain", nil)
	p := w.plan(t, decided())
	if _, planned := p.Find("prepare/registerProvider/Microsoft.Notebooks"); !planned {
		t.Fatal("S17 nothing is registered by the plan")
	}
	if _, planned := p.Find("prepare/createGroup/all-new-rg"); !planned {
		t.Fatal("S40 no group is made by the plan")
	}
	if r := w.drive(t, w.begin(t, p), mover.Options{}, (*mover.Run).Forward); r.State != mover.Done {
		t.Errorf("S17 the run is %s: %s", r.State, r.Reason)
	}
}
