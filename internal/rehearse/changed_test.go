package rehearse

import (
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/cloud/replica"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
	"github.com/amlmove/amlmove/test/capturing"
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

// TestAWayBackThatFailsForGoodIsNoSafeStop: somebody locks the target for good, and forbids at the source what the run has removed.
func TestAWayBackThatFailsForGoodIsNoSafeStop(t *testing.T) {
	t.Parallel()
	c := cloudtest.Start(t, cloudtest.Fixture("contoso-quiet"))
	client := capturing.Client(t, c)
	workspace, target := capturing.Contoso(t, client, c)
	const cluster = `{"location":"eastus","properties":{"computeType":"AmlCompute","properties":{"vmSize":"Standard_DS2_v2","scaleSettings":{"minNodeCount":0,"maxNodeCount":1}}}}`
	if a := c.Await(t, http.MethodPut, workspace.String()+"/computes/small", cluster); a.Status >= 300 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	file := capturing.Write(t, client, workspace, target)
	p, err := plan.Of(t.Context(), file, rules.Choices{Include: []string{"all"}, LiftLocks: true, ApproveEndpoints: true})
	if err != nil {
		t.Fatal(err)
	}
	forbid := func(ctx context.Context, s *stage, p *plan.Plan) error {
		here := *p
		here.Target = workspace.GroupID().String()
		if err := forbidComputes(ctx, s, &here); err != nil {
			return err
		}
		_, err := s.client.Run(ctx, http.MethodPut, p.Target+"/providers/Microsoft.Authorization/locks/for-good", "2020-05-01", map[string]any{"properties": map[string]any{"level": "ReadOnly"}})
		return err
	}
	s := Scenario{Name: "no-way-back", meddle: &meddle{plan.ValidateMove, forbid, nil}}
	r, err := Run(t.Context(), Options{Plan: p, Snapshot: file, Scenario: s})
	if err != nil {
		t.Fatal(err)
	}
	if r.Outcome != Broken || r.State != mover.Failed || !strings.Contains(r.Reason, "computes/small") {
		t.Errorf("it ended as %s, %s, then %s: %s", r.Outcome, r.State, r.Resumed, r.Reason)
	}
}
