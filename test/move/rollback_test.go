package move

import (
	"net/http"
	"os"
	"testing"

	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/plan"
)

// TestTheSourceIsAsItWasAfterARollback stops a run before the move, at the end of each phase, and takes it back.
func TestTheSourceIsAsItWasAfterARollback(t *testing.T) {
	t.Parallel()
	phases := []plan.Phase{plan.Clear, plan.Move}
	if os.Getenv("AMLMOVE_NIGHTLY") != "" { // with less to take back
		phases = append(phases, plan.Drain, plan.Validate)
	}
	for _, phase := range phases {
		t.Run(string(phase), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			keys := w.keysOf(t, w.workspace.String()+"/onlineEndpoints/contoso-demand")
			f := w.begin(t, w.plan(t, decided("all")))
			w.refuse(t, phase)
			record := w.drive(t, f, mover.Options{}, (*mover.Run).Forward)
			if record.State != mover.RolledBack {
				t.Fatalf("the run is %s: %s", record.State, record.Reason)
			}
			w.cloud.Do(t, "", http.MethodDelete, "/_cloud/faults", nil)
			w.sameSource(t, f.File(mover.BeforeFile))
			if now := w.keysOf(t, w.workspace.String()+"/onlineEndpoints/contoso-demand"); now != keys {
				t.Error("the endpoint has other keys than before")
			}
			record = w.drive(t, f, mover.Options{}, (*mover.Run).Forward)
			if record.State != mover.Done {
				t.Fatalf("begun anew, the run is %s: %s", record.State, record.Reason)
			}
		})
	}
}

// refuse lets the cloud refuse, for good, what a phase has to send.
func (w *world) refuse(t *testing.T, phase plan.Phase) {
	t.Helper()
	match := map[plan.Phase]map[string]any{
		plan.Drain:    {"method": "POST", "path": "**/jobs/*/cancel", "skip": 6},
		plan.Clear:    {"method": "DELETE", "path": "**/computes/cpu-cluster"},
		plan.Validate: {"method": "POST", "path": "**/validateMoveResources"},
		plan.Move:     {"method": "POST", "path": "**/moveResources"},
	}[phase]
	w.fault(t, map[string]any{"kind": "status", "status": 403, "code": "AuthorizationFailed", "message": "refused by the test", "match": match})
}

// fault adds a fault to the cloud.
func (w *world) fault(t *testing.T, fault map[string]any) {
	t.Helper()
	if answer := w.cloud.Do(t, "", http.MethodPost, "/_cloud/faults", fault); answer.Status >= 300 {
		t.Fatalf("the fault was refused: %d %s", answer.Status, answer.Body)
	}
}
