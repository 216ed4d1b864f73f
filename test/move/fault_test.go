package move

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/test/whole"
)

// TestARunEndsRightUnderEveryFault lets the cloud misbehave in every way that it knows. The run ends right, or stops with a clear reason and goes on when it is resumed.
func TestARunEndsRightUnderEveryFault(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		fault  map[string]any
		time   bool        // the cloud's time runs fast
		first  mover.State // how the first attempt ends
		reason string
		alike  bool // rehearsals play it every day, in virtual time; here it is for the night
	}{
		{"answers of moveResources are lost", fault("lostAnswer", "match", match("POST", "**/moveResources", 1)), false, mover.Done, "", false},
		{"answers of writes are lost", fault("lostAnswer", "match", map[string]any{"method": "PUT", "probability": 0.2}), false, mover.Done, "", true},
		{"answers of deletions are lost", fault("lostAnswer", "match", map[string]any{"method": "DELETE", "probability": 0.3}), false, mover.Done, "", true},
		{"connections are cut", fault("drop", "match", map[string]any{"probability": 0.05}), false, mover.Done, "", false},
		{"requests end with 500", fault("status", "status", 500, "match", map[string]any{"probability": 0.05}), false, mover.Done, "", false},
		{"requests are throttled", fault("status", "status", 429, "retryAfter", 1, "match", map[string]any{"probability": 0.01}), false, mover.Done, "", true},
		{"pain 3: the move times out although it happened", fault("moveTimedOut", "happened", true, "match", times(1)), true, mover.Done, "", true},
		{"pain 4: the move times out and a part of it happened", fault("moveTimedOut", "happened", "partial", "n", 2, "match", times(1)), true, mover.Done, "", false},
		{"the move times out and nothing happened", fault("moveTimedOut", "happened", false, "match", times(1)), true, mover.Done, "", true},
		{"pain 6: a provider times out", fault("providerTimedOut", "happened", true, "match", map[string]any{"operation": "move.move", "times": 1}), true, mover.Done, "", true},
		{"pain 4: half is moved", fault("halfMoved", "n", 1, "match", times(1)), false, mover.Done, "", false},
		{"the move is reported as failed and happened", fault("movedButFailed", "match", times(1)), false, mover.Done, "", true},
		{"pain 2: notifications are pending", fault("notificationsPending", "for", "2h", "match", times(1)), true, mover.Done, "", true},
		{"an internal error once", fault("internalError"), false, mover.Done, "", true},
		{"a provider is being upgraded", fault("operationNotAllowed", "match", map[string]any{"operation": "move.move", "times": 1}), false, mover.Done, "", true},
		{"validation passes and the move fails", fault("validatePassesMoveFails", "match", times(1)), false, mover.RolledBack, "the move was refused", false},
		{"pain 26: names of endpoints are held", fault("nameHeld", "for", "2s"), false, mover.Done, "", true},
		{"a deployment fails once", fault("deploymentFails", "match", times(1)), false, mover.Partial, "failed", false},
	} {
		if c.alike && os.Getenv("AMLMOVE_NIGHTLY") == "" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			whole.Or(t, c.name, "answers of moveResources are lost", "pain 4: the move times out and a part of it happened", "a deployment fails once")
			w := newWorld(t)
			before := w.census(t, w.workspace.Group())
			f := w.begin(t, w.plan(t, decided("all")))
			w.fault(t, c.fault)
			if c.time {
				defer w.hurry(t)()
			}
			record := w.drive(t, f, mover.Options{}, (*mover.Run).Forward)
			if record.State != c.first || !strings.Contains(record.Reason, c.reason) {
				t.Fatalf("the run is %s, want %s: %s", record.State, c.first, record.Reason)
			}
			w.cloud.Do(t, "", http.MethodDelete, "/_cloud/faults", nil)
			if record.State != mover.Done {
				if record = w.drive(t, f, mover.Options{}, (*mover.Run).Forward); record.State != mover.Done {
					t.Fatalf("resumed, the run is %s: %s", record.State, record.Reason)
				}
			}
			sameCensus(t, before, w.census(t, w.target.Name()))
			w.unlocked(t)
		})
	}
}

func fault(kind string, more ...any) map[string]any {
	f := map[string]any{"kind": kind}
	for i := 0; i+1 < len(more); i += 2 {
		f[more[i].(string)] = more[i+1]
	}
	return f
}

func match(method, path string, n int) map[string]any {
	return map[string]any{"method": method, "path": path, "times": n}
}

func times(n int) map[string]any { return map[string]any{"times": n} }

// hurry lets the time of the cloud run fast until the returned function is called.
func (w *world) hurry(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	token := w.cloud.Token(t, w.cloud.Credential())
	go func() {
		defer close(ended)
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				w.cloud.DoToken(t, token, http.MethodPost, "/_cloud/clock", `{"advance":"10m"}`)
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-ended }
}

// unlocked fails the test when a group is still held by a move.
func (w *world) unlocked(t *testing.T) {
	t.Helper()
	for _, group := range []arm.ID{w.workspace.GroupID(), w.target} {
		doc := arm.Document(w.cloud.Do(t, "", http.MethodGet, group.String(), nil).JSON(t))
		if state := doc.Text("properties.provisioningState"); state != "Succeeded" {
			t.Errorf("the group %s is %s", group.Name(), state)
		}
	}
}
