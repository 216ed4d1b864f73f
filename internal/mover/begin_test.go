package mover

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
)

// A plan that was practised on a cloud is not carried on from there against Azure: what was read and sealed is of the other side.
func TestARunIsNotCarriedOnElsewhere(t *testing.T) {
	p := &plan.Plan{Workspace: "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w", Digest: "0123456789"}
	b := Beginning{Root: t.TempDir(), Plan: p}
	f := Folder{filepath.Join(b.Root, IDOf(p))}
	if err := os.MkdirAll(f.Path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteJSON(RunFile, Meta{ID: IDOf(p), Endpoint: "/practice/cloud.json"}); err != nil {
		t.Fatal(err)
	}
	_, err := Begin(t.Context(), b)
	if e := errs.As(err); e == nil || e.Code != "RunElsewhere" || e.Hint == "" {
		t.Errorf("got %v", err)
	}
	b.Meta.Endpoint = "/practice/cloud.json"
	if found, err := Begin(t.Context(), b); err != nil || found != f {
		t.Errorf("the same cloud: %v, %v", found, err)
	}
}

// Of some that begin the same run at once, all but the first find what that has made, however close behind it they are, and leave it. (The first is played by this test, the others fail when
// they begin to read: then they would take the folder away.)
func TestARunThatAnotherProcessHasJustBegunIsLeft(t *testing.T) {
	t.Parallel()
	p := &plan.Plan{Workspace: "unreadable", Digest: "0123456789", Applyable: true}
	for range 200 {
		b := Beginning{Root: t.TempDir(), Plan: p}
		f := Folder{filepath.Join(b.Root, IDOf(p))}
		if err := f.make(); err != nil {
			t.Fatal(err)
		}
		unlock, err := f.Lock()
		if err != nil {
			t.Fatal(err)
		}
		var others sync.WaitGroup
		for range 16 {
			others.Go(func() { _, _ = Begin(t.Context(), b) }) // it is busy, or there
		}
		err = f.WriteJSON(RunFile, Meta{ID: IDOf(p)})
		unlock()
		others.Wait()
		if err != nil || !f.Has(RunFile) {
			t.Fatalf("the run that was begun is gone, %v", err)
		}
	}
}
