package mover

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/plan"
)

// journalOf is the journal of a run that this process has taken.
func journalOf(t *testing.T, d *Database, run string) *journal {
	t.Helper()
	j := &journal{db: d.db, pen: d.pen, run: run, id: run, now: time.Now}
	if err := j.enter(true); err != nil {
		t.Fatal(err)
	}
	return j
}

// TestAStoryHoldsOperationsAndCountsTheRest journals the many requests that a large workspace takes: the story counts them, and holds those alone that took their time, and those of the move.
func TestAStoryHoldsOperationsAndCountsTheRest(t *testing.T) {
	t.Parallel()
	d, err := OpenFile(t.Context(), filepath.Join(t.TempDir(), "run.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	j := journalOf(t, d, "r")
	send := func(step, path, location string) {
		t.Helper()
		n, err := j.Begin(t.Context(), step, false, "PUT", path)
		if err == nil {
			err = j.Answered(t.Context(), n, azure.Trace{Status: 200, Correlation: "c" + path, Location: location})
		}
		if err == nil {
			err = j.Ended(t.Context(), n, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := range 50 {
		send("restore/restoreData/w", fmt.Sprint("/versions/", n), "")
	}
	send("restore/restoreCompute/c", "/computes/c", "https://arm/operations/1")
	send("move/moveResources/w", "/moveResources", "")
	other := journalOf(t, d, "another")
	if _, err := other.Begin(t.Context(), "s", false, "PUT", "/of/another/run"); err != nil {
		t.Fatal(err)
	}
	s, err := j.story(t.Context(), Story{Plan: &plan.Plan{NoReturn: "move/moveResources/w"}})
	if err != nil {
		t.Fatal(err)
	}
	if s.Sent != 52 || len(s.Requests) != 2 || s.Requests[0].Path != "/computes/c" || s.Requests[1].Correlation != "c/moveResources" || s.Requests[0].Ended.IsZero() {
		t.Errorf("%d were sent, and the story holds %+v", s.Sent, s.Requests)
	}
}
