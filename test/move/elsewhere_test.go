package move

import (
	"net/http"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/plan"
)

// Somebody moves the workspace by hand after a run has cleared it and failed: there is no way back, so the way forward must not ask for a proof of what has happened already.
func TestAMoveThatSomebodyElseMadeIsCarriedOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.plan(t, decided("all"))
	f := w.begin(t, p)
	before := w.census(t, w.workspace.Group())
	w.refuse(t, plan.Validate)
	if r := w.drive(t, f, mover.Options{NoRollback: true}, (*mover.Run).Forward); r.State != mover.Failed {
		t.Fatalf("the run is %s: %s", r.State, r.Reason)
	}
	w.cloud.Do(t, "", http.MethodDelete, "/_cloud/faults", nil)
	group, _, _ := strings.Cut(p.Workspace, "/providers/")
	order := map[string]any{"resources": p.Moving, "targetResourceGroup": p.Target}
	if a := w.cloud.Await(t, http.MethodPost, group+"/moveResources?api-version=2021-04-01", order); a.Status >= 300 {
		t.Fatalf("the move by hand: %d %s", a.Status, a.Body)
	}
	if r := w.drive(t, f, mover.Options{}, (*mover.Run).Forward); r.State != mover.Done {
		t.Fatalf("resumed, the run is %s: %s", r.State, r.Reason)
	}
	sameCensus(t, before, w.census(t, w.target.Name()))
}
