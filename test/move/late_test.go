package move

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/plan"
)

// A data asset that is registered while jobs are drained, or between a run that went back and the next one, is not written down: the move would drop it and nobody would make it
// again (S05). The run stops before it removes anything.
func TestADataAssetThatNobodyWroteDownStopsTheRun(t *testing.T) {
	t.Parallel()
	register := func(t *testing.T, w *world) string {
		t.Helper()
		id := w.workspace.String() + "/data/late-asset/versions/1"
		body := map[string]any{"properties": map[string]any{"dataType": "uri_file", "dataUri": "https://contosomldevst.blob.core.windows.net/raw/late.csv"}}
		if a := w.cloud.Do(t, "", http.MethodPut, id, body); a.Status >= 300 {
			t.Fatalf("register: %d %s", a.Status, a.Body)
		}
		return id
	}
	stopped := func(t *testing.T, w *world, r mover.Record, id string) {
		t.Helper()
		if r.State != mover.RolledBack || !strings.Contains(r.Reason, "late-asset/versions/1 was added") {
			t.Errorf("the run is %s: %s", r.State, r.Reason)
		}
		if a := w.cloud.Do(t, "", http.MethodGet, id, nil); a.Status != http.StatusOK {
			t.Errorf("the asset: %d %s", a.Status, a.Body)
		}
	}
	t.Run("while jobs are drained", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		f := w.begin(t, w.plan(t, decided("all")))
		var once sync.Once
		var id string
		r := w.drive(t, f, mover.Options{Watch: func(e mover.Event) {
			if e.Step.Action == plan.EndJob {
				once.Do(func() { id = register(t, w) })
			}
		}}, (*mover.Run).Forward)
		stopped(t, w, r, id)
	})
	t.Run("after a run that went back", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		f := w.begin(t, w.plan(t, decided("all")))
		w.refuse(t, plan.Validate)
		if r := w.drive(t, f, mover.Options{}, (*mover.Run).Forward); r.State != mover.RolledBack {
			t.Fatal(r)
		}
		w.cloud.Do(t, "", http.MethodDelete, "/_cloud/faults", nil)
		id := register(t, w)
		stopped(t, w, w.drive(t, f, mover.Options{}, (*mover.Run).Forward), id)
	})
}
