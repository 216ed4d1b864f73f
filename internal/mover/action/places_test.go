package action

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/amlmove/amlmove/internal/plan"
)

// stoppedMove is the move of a process that was stopped while ARM moves.
func (w *world) stoppedMove(t *testing.T, clock *steered) *Task {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	clock.onWait = func() {
		if w.journal.posts() > 0 {
			stop()
		}
	}
	task := w.task(plan.MoveResources, w.Plan.Workspace, nil)
	if err := (moveResources{}).Do(ctx, task); ctx.Err() == nil || err == nil {
		t.Fatalf("it was not stopped: %v", err)
	}
	clock.onWait = nil
	return task
}

// TestAMoveThatWasAskedForIsAttendedBeforeAnythingIsTakenBack: ARM may have accepted a move and not have begun with it. Whether everything is still at the source is known when it has ended.
func TestAMoveThatWasAskedForIsAttendedBeforeAnythingIsTakenBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, fault string
		there       bool
	}{
		{"and has happened", `{"kind":"notificationsPending","for":"1h","match":{"times":1}}`, false},
		{"and has failed", `{"kind":"moveTimedOut","match":{"times":1}}`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := quietWorld(t, "all")
			clock := w.steer(t)
			w.fault(t, c.fault)
			task := w.stoppedMove(t, clock)
			there, err := StillThere(t.Context(), task)
			if err != nil || there != c.there {
				t.Errorf("still there: %v, %v", there, err)
			}
			if open, err := w.journal.Unended(t.Context(), task.Step.ID, false); err != nil || len(open) > 0 {
				t.Errorf("%d operations were not attended, %v", len(open), err)
			}
		})
	}
}

// TestAMoveThatCannotBeAskedAfterHasNotEnded: while nobody answers, or nobody is signed in, the move goes on. ARM may have accepted it and not have begun, so that neither group shows it.
func TestAMoveThatCannotBeAskedAfterHasNotEnded(t *testing.T) {
	t.Parallel()
	const operations = `"match":{"method":"GET","path":"**/operationresults/*"`
	for _, c := range []struct {
		name, fault string
		signedIn    bool
	}{
		{"connections are cut for a while", `{"kind":"drop",` + operations + `,"times":9}}`, true},
		{"ARM is asked too often for a while", `{"kind":"status","status":429,` + operations + `,"times":9}}`, true},
		{"nobody is signed in any more", `{"kind":"status","status":401,"code":"ExpiredAuthenticationToken",` + operations + `}}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := quietWorld(t, "all")
			clock := w.steer(t)
			w.ask(t, http.MethodPost, "/_cloud/clock", `{"durations":{"move.validate":"10m","move.move":"10m"}}`)
			task := w.stoppedMove(t, clock)
			w.fault(t, c.fault)
			there, err := StillThere(t.Context(), task)
			open, reading := w.journal.Unended(t.Context(), task.Step.ID, false)
			if reading != nil {
				t.Fatal(reading)
			}
			if there || c.signedIn != (err == nil) || c.signedIn != (len(open) == 0) {
				t.Errorf("still there: %v, %v; not attended: %d", there, err, len(open))
			}
			w.ask(t, http.MethodDelete, "/_cloud/faults", nil)
			if there, err := StillThere(t.Context(), task); err != nil || there {
				t.Errorf("asked again: still there: %v, %v", there, err)
			}
		})
	}
}

func TestPlacesAreWorded(t *testing.T) {
	t.Parallel()
	p := Places{"b": AtSource, "a": AtSource, "c": Neither}
	if got := fmt.Sprint(p.At(AtSource), p.All(AtSource), Places{}.All(AtTarget), p["c"]); got != "[a b] false false neither at the source nor at the target" {
		t.Error(got)
	}
}
