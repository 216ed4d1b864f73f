package mover

import (
	"os"
	"path/filepath"
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
