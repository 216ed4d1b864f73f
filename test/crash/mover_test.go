package crash

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/seal"
	"github.com/amlmove/amlmove/internal/verify"
	"github.com/amlmove/amlmove/test/capturing"
)

// TestTheCloudIsKilledUnderARun kills the cloud again and again while a run moves a workspace (issue 3): requests are cut anywhere, operations are interrupted, and the run goes on from what both sides show.
func TestTheCloudIsKilledUnderARun(t *testing.T) {
	t.Parallel()
	for name, dsn := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seedOf(t), 5))
			n := newNode(t, dsn(t))
			n.fixture = "contoso-quiet"
			n.start(t)
			r := newRun(t, n)
			ended := make(chan ending, 1)
			go func() { ended <- r.forward(t.Context()) }()
			deaths := 0
			for range kills(3) {
				select {
				case e := <-ended: // it was quicker than we
					ended <- e
				case <-time.After(time.Duration(200+rng.IntN(700)) * time.Millisecond):
					n.kill()
					n.start(t)
					deaths++
				}
			}
			e := <-ended
			for range 5 { // what could not be asked in time is tried again by whoever resumes
				if e.err == nil && e.record.State == mover.Done {
					break
				}
				t.Logf("after %d deaths the run is %s: %s (%v)", deaths, e.record.State, e.record.Reason, e.err)
				e = r.forward(t.Context())
			}
			if e.err != nil || e.record.State != mover.Done {
				t.Fatalf("after %d deaths of the cloud the run is %s: %s (%v)", deaths, e.record.State, e.record.Reason, e.err)
			}
			if deaths == 0 {
				t.Error("the run was over before the first kill: the test proves nothing")
			}
			if found := r.verify(t); found.Verdict != verify.Clean {
				t.Errorf("compared again it is %s: %v", found.Verdict, found.Differences)
			}
		})
	}
}

// run is a run against a node.
type run struct {
	folder mover.Folder
	client *azure.Client
	key    *age.X25519Identity
}

type ending struct {
	record mover.Record
	err    error
}

// newRun plans the move of contoso on a node and begins the run.
func newRun(t *testing.T, n *node) *run {
	t.Helper()
	place, err := azure.FindPlace(n.dir)
	if err != nil {
		t.Fatal(err)
	}
	client, err := azure.Connect(place, func(o *azure.Options) {
		o.Client.Retry.RetryDelay, o.Client.Retry.MaxRetryDelay = 200*time.Millisecond, time.Second
	})
	if err != nil {
		t.Fatal(err)
	}
	workspace, err := capture.Find(t.Context(), client, "contoso-ml")
	if err != nil {
		t.Fatal(err)
	}
	target := arm.ID{{Type: arm.Subscriptions, Name: n.state(t).Subscriptions[1]}, {Type: arm.ResourceGroups, Name: "ml-prod-rg"}}
	file := capturing.Write(t, client, workspace, target)
	p, err := plan.Of(t.Context(), file, rules.Choices{Include: []string{"all"}, Drain: rules.Cancel, LiftLocks: true, ApproveEndpoints: true, AcceptInstanceLoss: true, Force: true})
	if err != nil {
		t.Fatal(err)
	}
	folder, err := mover.Begin(t.Context(), mover.Beginning{Root: filepath.Join(t.TempDir(), "runs"), Plan: p, Client: client, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return &run{folder, client, key}
}

// open opens the run.
func (r *run) open(ctx context.Context) (*mover.Run, error) {
	secrets, err := seal.Open(r.folder.File(mover.SecretsFile), r.key)
	if err != nil {
		return nil, err
	}
	return mover.Open(ctx, mover.Options{Folder: r.folder, Client: r.client, Secrets: secrets})
}

// forward carries the run on.
func (r *run) forward(ctx context.Context) ending {
	run, err := r.open(ctx)
	if err != nil {
		return ending{err: err}
	}
	record, err := run.Forward(ctx)
	if closing := run.Close(); err == nil {
		err = closing
	}
	return ending{record, err}
}

func (r *run) verify(t *testing.T) *verify.Result {
	t.Helper()
	run, err := r.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = run.Close() }()
	found, err := run.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found
}
