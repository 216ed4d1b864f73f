package mover

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/amlmove/amlmove/internal/errs"
)

// The same plan is the same run: of a workspace that was moved, and is back where it was, the run cannot say that it has moved, and whoever wants to move it once more is told how.
func TestARunWhoseMoveWasUndoneIsNotCarriedOn(t *testing.T) {
	t.Parallel()
	for _, fails := range []map[string]bool{nil, {"compute-again": true}} {
		f, s := play(t, act())
		ended, err := perform(t, f, Options{Actions: effects{stage: s, fail: fails}}, (*Run).Forward)
		if err != nil {
			t.Fatal(err)
		}
		s.note("undo:move")
		lines := len(s.ledger())
		record, err := perform(t, f, Options{Actions: effects{stage: s}}, (*Run).Forward)
		if e := errs.As(err); e == nil || e.Code != "MovedBack" || e.Hint == "" || record.State != ended.State {
			t.Errorf("the run is %s, and was %s: %v", record.State, ended.State, err)
		}
		if more := s.ledger()[lines:]; len(more) > 0 {
			t.Errorf("it did %v", more)
		}
	}
}

// The run of somebody else, in a folder that may not be looked into, is there all the same. (A loop of links cannot be looked into by anybody, not even by root.)
func TestARunThatMayNotBeReadIsNotSaidToBeMissing(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, id := range []string{"run-of-others", "no-run"} {
		if err := os.Mkdir(filepath.Join(root, id), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "notes"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "run-of-others", RunFile)
	if err := os.Symlink(file, file); err != nil {
		t.Fatal(err)
	}
	if ids, err := Runs(root); err != nil || !slices.Equal(ids, []string{"run-of-others"}) {
		t.Errorf("there are the runs %v, %v", ids, err)
	}
	if _, err := FolderOf(root, "run-of-others"); err == nil || errs.Is(err, errs.NotFound) {
		t.Errorf("it is said of a run that may not be read: %v", err)
	}
	if _, err := FolderOf(root, "no-run"); !errs.Is(err, errs.NotFound) {
		t.Errorf("it is said of a folder that is no run: %v", err)
	}
}
