package action

import (
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/plan"
)

// TestWhatCannotBeReadAnyMoreIsNotProven: a proof that sees less than was written down cannot say that nothing was added there, which the move would lose.
func TestWhatCannotBeReadAnyMoreIsNotProven(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/providers/Microsoft.Authorization/locks", "/onlineEndpoints/contoso-demand/providers/Microsoft.Insights/diagnosticSettings"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			w, task := judged(t)
			w.fault(t, `{"kind":"status","status":403,"code":"AuthorizationFailed","message":"no","match":{"method":"GET","path":"`+w.Plan.Workspace+path+`"}}`)
			if err := w.find(t, task).Do(t.Context(), task); err == nil || !strings.Contains(err.Error(), "could not be read, so nothing is proven") || !strings.Contains(err.Error(), path) {
				t.Errorf("it is proven: %v", err)
			}
			w.ask(t, "DELETE", "/_cloud/faults", nil)
			w.want(t, task)
		})
	}
}

// TestWhatWasHiddenWhenItWasReviewedStopsNoProof: whoever may not read something may not read it later either, and it was said then.
func TestWhatWasHiddenWhenItWasReviewedStopsNoProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso")
	w.fault(t, `{"kind":"status","status":403,"code":"AuthorizationFailed","message":"no","match":{"method":"GET","path":"`+w.Plan.Workspace+`/providers/Microsoft.Authorization/locks"}}`)
	hidden := worldOn(t, w.cloud)
	hidden.planned(t)
	hidden.want(t, hidden.task(plan.ProveRestorable, hidden.Plan.Workspace, nil))
}

// TestWhatTheRunIsRemovingStopsNoProof: a process that takes a run up may find an endpoint on its way out, whose parts are not listed any more.
func TestWhatTheRunIsRemovingStopsNoProof(t *testing.T) {
	t.Parallel()
	w, task := judged(t)
	endpoint := w.below("onlineEndpoints/contoso-demand")
	for _, s := range w.Plan.Steps {
		if s.Phase == plan.Clear && s.Subject == endpoint {
			w.journal.carried = map[string]bool{s.ID: false}
		}
	}
	if len(w.journal.carried) == 0 {
		t.Fatal("the plan does not remove the endpoint")
	}
	w.fault(t, `{"kind":"status","status":404,"code":"ResourceNotFound","message":"gone","match":{"method":"GET","path":"`+endpoint+`/**"}}`)
	if err := w.find(t, task).Do(t.Context(), task); err != nil {
		t.Errorf("it is not proven: %v", err)
	}
	w.journal.carried = nil
	if err := w.find(t, task).Do(t.Context(), task); err == nil {
		t.Error("what nobody removes is hidden, and it is proven")
	}
}
