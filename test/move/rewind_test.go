package move

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/snapshot"
	"github.com/amlmove/amlmove/test/capturing"
)

// ask sends a request to the API below /_cloud/ and fails the test when it is refused.
func (w *world) ask(t *testing.T, method, path, body string) {
	t.Helper()
	if answer := w.cloud.Do(t, "", method, "/_cloud/"+path, body); answer.Status >= 300 {
		t.Fatalf("%s %s was answered %d: %s", method, path, answer.Status, answer.Body)
	}
}

// TestACloudGoesBackToBeforeAMove moves contoso twice from the same state: in between the cloud goes back, with its clock, faults and throttle. What is there then is what was there,
// document by document.
func TestACloudGoesBackToBeforeAMove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ask(t, http.MethodPost, "clock", `{"freeze":true}`)
	before := capturing.Open(t, w.snap(t, w.workspace, "before"))
	counted, stood := w.census(t, w.workspace.Group()), w.cloud.Inner().Clock.Now()
	w.ask(t, http.MethodPost, "forks", `{"name":"before"}`)
	for round := range 2 {
		w.dir = t.TempDir() // a run of this plan is there already, and has ended
		w.ask(t, http.MethodPost, "clock", `{"freeze":false}`)
		record := w.drive(t, w.begin(t, w.plan(t, decided("all"))), mover.Options{}, (*mover.Run).Forward)
		if record.State != mover.Done {
			t.Fatalf("round %d: the run is %s: %s", round, record.State, record.Reason)
		}
		w.ask(t, http.MethodPost, "clock", `{"advance":"4h"}`)
		w.ask(t, http.MethodPost, "faults", `{"kind":"status","status":500,"match":{"path":"/subscriptions/*/resourcegroups/*","method":"PUT"}}`)
		w.ask(t, http.MethodPatch, "throttle", `{"mode":"enforce"}`)
		w.ask(t, http.MethodPost, "forks", `{"name":"behind"}`)
		began := time.Now()
		w.ask(t, http.MethodPost, "rewind", `{"name":"before"}`)
		t.Logf("the cloud went back in %v", time.Since(began))

		inner := w.cloud.Inner()
		if now := inner.Clock.Now(); !now.Equal(stood) {
			t.Errorf("the clock stands at %v, want %v", now, stood)
		}
		_, faults, err := inner.Faults.List(context.WithoutCancel(t.Context()))
		if mode := inner.Throttle.Limits().Mode; err != nil || len(faults) != 0 || mode != "off" {
			t.Errorf("there are %d faults (%v), and the throttle is %s", len(faults), err, mode)
		}
		if answer := w.cloud.Do(t, "", http.MethodPost, "/_cloud/rewind", `{"name":"behind"}`); answer.Status != http.StatusNotFound {
			t.Errorf("a state named later is answered %d: %s", answer.Status, answer.Body)
		}
		sameCensus(t, counted, w.census(t, w.workspace.Group()))
		again := capturing.Open(t, w.snap(t, w.workspace, "again"))
		if again.Header.Digest == before.Header.Digest {
			continue
		}
		for change, err := range snapshot.Diff(t.Context(), before, again) {
			t.Errorf("round %d: %s %s %v (%v)", round, change.What, change.ID, change.Paths, err)
		}
	}
}
