package rehearse

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/replica"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// TestASourceThatIsNotAsItWasIsSeen changes the copy behind the back of a run that went back: a diagnostic setting is gone, a schedule is another, the workspace has another tag.
func TestASourceThatIsNotAsItWasIsSeen(t *testing.T) {
	t.Parallel()
	p, file := drained(t)
	snap, err := snapshot.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = snap.Close() })
	dir := t.TempDir()
	s, err := newStage(t.Context(), dir, snap, nil, replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	r := &rehearsal{Options: Options{Plan: p}, stage: s, dir: dir, result: &Result{}}
	folder, err := mover.Begin(t.Context(), mover.Beginning{Root: filepath.Join(dir, "runs"), Plan: p, Client: s.client, Now: s.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	if changed, err := r.changed(t.Context(), folder); err != nil || len(changed) > 0 {
		t.Fatalf("nothing was changed, and seen is %v (%v)", changed, err)
	}
	schedule := p.Workspace + "/schedules/nightly-churn-retraining"
	const version = "2024-04-01"
	answer, err := s.client.Do(t.Context(), http.MethodGet, schedule, version, nil)
	if err != nil {
		t.Fatal(err)
	}
	setting := p.Workspace + "/providers/Microsoft.Insights/diagnosticSettings/to-log-analytics"
	for _, change := range []struct {
		method, path, version string
		body                  any
	}{
		{http.MethodDelete, setting, "2021-05-01-preview", nil},
		{http.MethodPut, schedule, version, strings.NewReplacer(`"isEnabled":false`, `"isEnabled":true`, `"isEnabled": false`, `"isEnabled":true`).Replace(string(answer.Body))},
		{http.MethodPatch, p.Workspace, version, map[string]any{"tags": map[string]any{"team": "another"}}},
	} {
		if text, ok := change.body.(string); ok {
			change.body = rawJSON(text)
		}
		if _, err := s.client.Run(t.Context(), change.method, change.path, change.version, change.body); err != nil {
			t.Fatalf("%s %s: %v", change.method, change.path, err)
		}
	}
	changed, err := r.changed(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"missing " + setting, "schedules/nightly-churn-retraining properties.isEnabled", "workspaces/contoso-ml tags.team"} {
		if !slices.ContainsFunc(changed, func(c string) bool { return strings.Contains(c, want) }) {
			t.Errorf("%s is not seen: %v", want, changed)
		}
	}
}

// rawJSON is a body that is sent as it is.
type rawJSON string

// MarshalJSON returns the text.
func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }
