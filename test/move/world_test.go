// Package move drives whole moves: the real mover on the real cloud, from the plan to the proof.
package move

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/seal"
	"github.com/amlmove/amlmove/internal/snapshot"
	"github.com/amlmove/amlmove/internal/verify"
	"github.com/amlmove/amlmove/test/capturing"
)

// decided are choices with which contoso in full use can be moved.
func decided(include ...string) rules.Choices {
	return rules.Choices{Include: include, Drain: rules.Cancel, AcceptInstanceLoss: true, LiftLocks: true, ApproveEndpoints: true, Force: true}
}

// world is a cloud with contoso on it.
type world struct {
	cloud     *cloudtest.Cloud
	client    *azure.Client
	workspace arm.ID
	target    arm.ID
	key       *age.X25519Identity
	dir       string
}

// newWorld starts a cloud with contoso in full use, its labeling projects at their end.
func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOf(t, "contoso")
}

// newWorldOf does the same with another fixture that holds contoso-ml.
func newWorldOf(t testing.TB, fixture string) *world {
	t.Helper()
	cloud := cloudtest.Start(t, cloudtest.Fixture(fixture))
	client, err := connect(cloud.Dir)
	if err != nil {
		t.Fatal(err)
	}
	workspace, err := capture.Find(t.Context(), client, "contoso-ml")
	if err != nil {
		t.Fatal(err)
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{cloud: cloud, client: client, workspace: workspace, key: key, dir: t.TempDir(),
		target: arm.ID{{Type: arm.Subscriptions, Name: cloud.Subscriptions[1]}, {Type: arm.ResourceGroups, Name: "ml-prod-rg"}}}
	capturing.EndLabeling(t, cloud, workspace)
	// The fixture has a job that somebody has just cancelled: it ends in 90 seconds.
	if answer := cloud.Do(t, "", http.MethodPost, "/_cloud/clock", `{"advance":"2m"}`); answer.Status >= 300 {
		t.Fatalf("advance the clock: %d %s", answer.Status, answer.Body)
	}
	return w
}

// connect makes a client of the cloud in a folder, which does not wait long between two looks.
func connect(dir string) (*azure.Client, error) {
	place, err := azure.FindPlace(dir)
	if err != nil {
		return nil, err
	}
	return azure.Connect(place, func(o *azure.Options) {
		o.Sleep = quick{}.Sleep
		o.Client.Retry.RetryDelay, o.Client.Retry.MaxRetryDelay = 20*time.Millisecond, 2*time.Second
	})
}

// snap captures the workspace where it is.
func (w *world) snap(t testing.TB, workspace arm.ID, name string) string {
	t.Helper()
	file := filepath.Join(w.dir, name+".snap")
	writer, err := snapshot.Create(t.Context(), file, true)
	if err == nil {
		_, err = capture.Run(t.Context(), capture.Options{Client: w.client, Workspace: workspace, Target: w.target}, writer)
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// plan plans the move; the plan must be applyable.
func (w *world) plan(t testing.TB, c rules.Choices) *plan.Plan {
	t.Helper()
	p, err := plan.Of(t.Context(), w.snap(t, w.workspace, "plan"), c)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Applyable {
		for _, f := range p.Findings {
			if f.Severity == rules.Blocker {
				t.Errorf("blocked by %s: %s (%s)", f.ID, f.Message, f.Subject)
			}
		}
		t.FailNow()
	}
	return p
}

// begin makes the run of a plan, with its journal in a file of its own.
func (w *world) begin(t testing.TB, p *plan.Plan) mover.Folder {
	t.Helper()
	return w.beginIn(t, p, "")
}

// beginIn makes the run of a plan, with its journal in a PostgreSQL.
func (w *world) beginIn(t testing.TB, p *plan.Plan, dsn string) mover.Folder {
	t.Helper()
	f, err := mover.Begin(t.Context(), mover.Beginning{Root: filepath.Join(w.dir, "runs"), Plan: p, Client: w.client, Now: time.Now, Meta: mover.Meta{Database: mover.Masked(dsn)}})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// drive opens a run and drives it in a direction.
func (w *world) drive(t testing.TB, f mover.Folder, o mover.Options, direction func(*mover.Run, context.Context) (mover.Record, error)) mover.Record {
	t.Helper()
	record, err := w.try(t, f, o, direction)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

// try does the same with what may not be possible to drive. What every step ended as is logged when the test fails.
func (w *world) try(t testing.TB, f mover.Folder, o mover.Options, direction func(*mover.Run, context.Context) (mover.Record, error)) (mover.Record, error) {
	t.Helper()
	box, err := seal.Open(f.File(mover.SecretsFile), w.key)
	if err != nil {
		t.Fatal(err)
	}
	o.Folder, o.Client, o.Secrets, o.Clock = f, w.client, box, quick{}
	run, err := mover.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	record, err := direction(run, t.Context())
	story, telling := run.Story(context.Background())
	if closing := run.Close(); closing != nil {
		t.Fatal(closing)
	}
	if telling != nil {
		t.Fatal(telling)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		for _, s := range story.Steps {
			t.Logf("%-8s back=%-5v %6dms %s %s", s.State, s.Back, s.Ended.Sub(s.Began).Milliseconds(), s.Step, s.Reason)
		}
		if data, err := os.ReadFile(f.File(mover.VerifyFile)); err == nil {
			var found verify.Result
			if json.Unmarshal(data, &found) == nil {
				for _, d := range found.Differences {
					t.Logf("differs: %+v", d)
				}
			}
		}
		for _, r := range story.Remarks {
			t.Logf("remark %s %s: %s", r.Kind, r.Step, r.Text)
		}
	})
	return record, err
}

// quick is a clock that does not wait long: the cloud ends what is due at once.
type quick struct{}

func (quick) Now() time.Time { return time.Now() }

func (quick) Sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(min(wait, 20*time.Millisecond))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
