package rehearse_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/cloud/admin"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rehearse"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
)

var decided = rules.Choices{Include: []string{"all"}, Drain: rules.Cancel, AcceptInstanceLoss: true, LiftLocks: true, ApproveEndpoints: true, Force: true}

// planned captures contoso and plans its move.
func planned(t *testing.T, fixture string) (*plan.Plan, string) {
	t.Helper()
	c := cloudtest.Start(t, cloudtest.Fixture(fixture))
	client, err := azure.New(azure.Options{Endpoint: c.Endpoint, Credential: c.Credential(), Client: c.ClientOptions()})
	if err != nil {
		t.Fatal(err)
	}
	id, err := capture.Find(t.Context(), client, "contoso-ml")
	if err != nil {
		t.Fatal(err)
	}
	endLabeling(t, c, id)
	c.Do(t, "", http.MethodPost, "/_cloud/clock", `{"advance":"2m"}`)
	group, err := arm.Parse("/subscriptions/" + c.Subscriptions[1] + "/resourceGroups/ml-prod-rg")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "w.snap")
	w, err := snapshot.Create(t.Context(), file, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := capture.Run(t.Context(), capture.Options{Client: client, Workspace: id, Target: group}, w); err != nil {
		t.Fatal(err)
	}
	p, err := mover.Make(t.Context(), file, decided)
	if err != nil {
		t.Fatal(err)
	}
	return p, file
}

// endLabeling lets the labeling projects that run come to their end.
func endLabeling(t *testing.T, c *cloudtest.Cloud, workspace arm.ID) {
	t.Helper()
	const version = "?api-version=2024-04-01-preview"
	var page struct{ Value []json.RawMessage }
	if err := json.Unmarshal(c.Do(t, "", http.MethodGet, workspace.String()+"/labelingJobs"+version, nil).Body, &page); err != nil {
		t.Fatal(err)
	}
	for _, raw := range page.Value {
		doc, err := arm.ParseDocument(raw)
		if err != nil {
			t.Fatal(err)
		}
		if aml.JobStatus(doc.Text("properties.status")).Terminal() {
			continue
		}
		for _, verb := range []string{"/pause", "/resume"} {
			if answer := c.Await(t, http.MethodPost, doc.Text("id")+verb+version, "{}"); answer.Status >= 300 {
				t.Fatalf("%s: %d %s", verb, answer.Status, answer.Body)
			}
		}
	}
}

func TestRehearse(t *testing.T) {
	p, file := planned(t, "contoso")
	began := time.Now()
	r, err := rehearse.Run(t.Context(), rehearse.Options{Plan: p, Snapshot: file, Durations: admin.Typical()})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("real", time.Since(began), "virtual", r.Takes, r.Outcome, r.State, r.Reason, r.Requests)
	for _, s := range r.Steps {
		fmt.Println(s.After, s.Takes, s.State, s.ID, s.Reason)
	}
	fmt.Println(r.Differs, r.LeftOut, len(r.StandIns), r.Windows)
}

func TestScenarios(t *testing.T) {
	p, file := planned(t, "contoso")
	for _, s := range []rehearse.Scenario{{}, {}, {}, {}, {}, {}} {
		began := time.Now()
		r, err := rehearse.Run(t.Context(), rehearse.Options{Plan: p, Snapshot: file, Durations: admin.Typical(), Scenario: s})
		if err != nil {
			t.Errorf("%s: %v", s.Name, err)
			continue
		}
		reason := r.Reason
		for _, st := range r.Steps {
			if time.Duration(st.Takes) > time.Minute {
				fmt.Println("   ", st.After, st.Takes, st.ID)
			}
		}
		fmt.Println(s.Name, "real", time.Since(began).Round(10*time.Millisecond), "virtual", r.Takes, r.Outcome, r.State, r.Resumed, r.Requests, reason[:min(len(reason), 300)])
	}
}
