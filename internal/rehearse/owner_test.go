package rehearse

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/cloud/fault"
	"github.com/amlmove/amlmove/internal/cloud/replica"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
	"github.com/amlmove/amlmove/test/capturing"
)

// TestWhoMayOnlyReadSeesTheMove captures as a reader: the plan is blocked by nothing but missing rights (S12 to S14), and its rehearsal as an owner shows the whole move. What stops an owner stops it there too.
func TestWhoMayOnlyReadSeesTheMove(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fixture string
		choices rules.Choices
		blocked string // message of a blocker that an owner meets as well
	}{
		{"contoso-quiet", rules.Choices{ApproveEndpoints: true}, ""},
		{"contoso", rules.Choices{ApproveEndpoints: true}, "the labeling project support-ticket-topics is Running"},
	} {
		t.Run(c.fixture, func(t *testing.T) {
			t.Parallel()
			cloud := cloudtest.Start(t, cloudtest.Fixture(c.fixture))
			reader, err := azure.New(azure.Options{Endpoint: cloud.Endpoint, Credential: cloud.CredentialOf("reader"), Client: cloud.ClientOptions()})
			if err != nil {
				t.Fatal(err)
			}
			workspace, target := capturing.Contoso(t, reader, cloud)
			file := capturing.Write(t, reader, workspace, target)
			p, err := plan.Of(t.Context(), file, c.choices)
			if err != nil {
				t.Fatal(err)
			}
			if p.Applyable {
				t.Fatal("a reader could carry the plan out")
			}
			for _, f := range p.Findings {
				if c.blocked == "" && f.Severity == rules.Blocker && !strings.Contains(f.Message, " may not ") {
					t.Errorf("%s stops it: %s", f.ID, f.Message)
				}
			}
			r, err := Run(t.Context(), Options{Plan: p, Snapshot: file, AsOwner: true})
			if c.blocked != "" {
				if e := errs.As(err); e == nil || e.Code != "PlanBlocked" || !strings.Contains(e.Message, c.blocked) || strings.Contains(e.Message, "may not") {
					t.Fatalf("it is not stopped by what stops an owner, and by that alone: %v", err)
				}
				return
			}
			if err != nil || r.Outcome != Recovered || r.Verify == nil || r.Verify.Total != 0 || !r.AsOwner || r.Plan != p.Digest {
				t.Errorf("got %+v, %v", r, err)
			}
		})
	}
}

// TestACopyIsReadOnceBeforeItsRun: what an owner sees there is what the plan is made of, and what the run begins with.
func TestACopyIsReadOnceBeforeItsRun(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	p, file := drained(t)
	snap, err := snapshot.Open(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = snap.Close() })
	dir := t.TempDir()
	s, err := newStage(ctx, dir, snap, nil, replica.Options{AsOwner: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.cloud.Faults.Replace(ctx, 1, []fault.Fault{{ID: "count", Kind: fault.Status, Status: http.StatusInternalServerError, Match: fault.Match{Method: http.MethodGet, Skip: 1 << 30}}}); err != nil {
		t.Fatal(err)
	}
	r := &rehearsal{Options: Options{Plan: p, AsOwner: true}, stage: s, dir: dir, result: &Result{}}
	seen := func() int64 {
		_, list, err := s.cloud.Faults.List(ctx)
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		return list[0].Seen
	}
	read := func(do func() error) int64 {
		before := seen()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		return seen() - before
	}
	once := read(func() error {
		snap, err := r.capture(ctx, filepath.Join(dir, "once.snap"))
		if err != nil {
			return err
		}
		return snap.Close()
	})
	var folder mover.Folder
	if got := read(func() (err error) { folder, _, err = r.begin(ctx); return err }); got != once {
		t.Errorf("%d reads before the run, and %d read the copy once", got, once)
	}
	if !folder.Has(mover.BeforeFile) || len(r.result.Differs) > 0 {
		t.Errorf("the run has nothing to compare with, or the copy differs: %v", r.result.Differs)
	}
}
