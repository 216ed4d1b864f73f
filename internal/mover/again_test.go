package mover

import (
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
