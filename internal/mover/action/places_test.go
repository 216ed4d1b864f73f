package action

import (
	"context"
	"fmt"
	"testing"

	"github.com/amlmove/amlmove/internal/plan"
)

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

func TestPlacesAreWorded(t *testing.T) {
	t.Parallel()
	p := Places{"b": AtSource, "a": AtSource, "c": Neither}
	if got := fmt.Sprint(p.At(AtSource), p.All(AtSource), Places{}.All(AtTarget), p["c"]); got != "[a b] false false neither at the source nor at the target" {
		t.Error(got)
	}
}
