package operation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite"
	"github.com/amlmove/amlmove/internal/errs"
)

// stand is a runner over a real store, with a machine clock that only the test moves.
type stand struct {
	*Runner
	t     *testing.T
	now   time.Time
	calls []string
}

func newStand(t *testing.T) *stand {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	st := &stand{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	clock := NewClock(func() time.Time { return st.now })
	st.Runner = NewRunner(s, clock, map[string]Handler{
		"finish": func(_ context.Context, _ store.Tx, op *store.Operation, now time.Time) error {
			st.note(op)
			Finish(op, now, 204, nil)
			return nil
		},
		"fail": func(_ context.Context, _ store.Tx, op *store.Operation, now time.Time) error {
			Fail(op, now, errs.New(errs.Conflict, "Nope", "no"), 409)
			return nil
		},
		"twice":  st.twice,
		"stuck":  func(context.Context, store.Tx, *store.Operation, time.Time) error { return nil },
		"panic":  func(context.Context, store.Tx, *store.Operation, time.Time) error { panic("by intent") },
		"broken": func(context.Context, store.Tx, *store.Operation, time.Time) error { return errors.New("by intent") },
		"refused": func(context.Context, store.Tx, *store.Operation, time.Time) error {
			return fmt.Errorf("by intent: %w", errs.New(errs.Conflict, "Nope", "no"))
		},
		"waiting": func(context.Context, store.Tx, *store.Operation, time.Time) error {
			return errs.New(errs.Unavailable, "Later", "not now")
		},
		"writes": st.writesThenBreaks,
	}, slog.New(slog.DiscardHandler))
	return st
}

func (s *stand) note(op *store.Operation) { s.calls = append(s.calls, op.Kind+" "+op.Principal) }

// twice postpones itself once.
func (s *stand) twice(_ context.Context, _ store.Tx, op *store.Operation, now time.Time) error {
	s.note(op)
	if string(op.Input) == `"first"` {
		op.Input, op.Due = []byte(`"second"`), now.Add(time.Minute)
		return nil
	}
	Finish(op, now, 200, []byte(`{}`))
	return nil
}

// writesThenBreaks leaves something behind that must not stay.
func (s *stand) writesThenBreaks(ctx context.Context, tx store.Tx, _ *store.Operation, _ time.Time) error {
	if err := tx.PutMeta(ctx, "half", []byte("done")); err != nil {
		return err
	}
	return errors.New("by intent")
}

// put writes an operation that is due after a time.
func (s *stand) put(kind, who string, after time.Duration) string {
	s.t.Helper()
	op, err := New(kind, s.clock.Now(), after, "first")
	if err != nil {
		s.t.Fatal(err)
	}
	op.Principal = who
	if err := s.store.Update(s.t.Context(), func(tx store.Tx) error { return tx.PutOperation(s.t.Context(), op) }); err != nil {
		s.t.Fatal(err)
	}
	return op.ID
}

func (s *stand) get(id string) store.Operation {
	s.t.Helper()
	var op store.Operation
	if err := s.store.View(s.t.Context(), func(r store.Reader) (err error) { op, err = r.Operation(s.t.Context(), id); return err }); err != nil {
		s.t.Fatal(err)
	}
	return op
}

// drain carries out what is due and counts it.
func (s *stand) drain() int {
	s.t.Helper()
	for n := 0; ; n++ {
		done, err := s.RunDue(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		if !done {
			return n
		}
	}
}

func TestOperationsAreCarriedOutWhenTheyAreDueAndInThatOrder(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	late, early := s.put("finish", "late", 2*time.Hour), s.put("finish", "early", time.Hour)
	if n := s.drain(); n != 0 || !s.get(early).Running() {
		t.Fatalf("%d operations ran before they were due", n)
	}
	s.now = s.now.Add(3 * time.Hour)
	if n := s.drain(); n != 2 || fmt.Sprint(s.calls) != "[finish early finish late]" {
		t.Errorf("%d ran: %v", n, s.calls)
	}
	if op := s.get(late); op.Running() || op.Status != 204 || len(op.Result) != 0 {
		t.Errorf("the operation ended as %+v", op)
	}
}

func TestAPostponedOperationComesBack(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	id := s.put("twice", "x", 0)
	s.drain()
	if op := s.get(id); !op.Running() {
		t.Fatal("it ended at once")
	}
	s.now = s.now.Add(time.Minute)
	s.drain()
	if op := s.get(id); op.Running() || op.Status != 200 || len(s.calls) != 2 {
		t.Errorf("it ended as %+v after %v", op, s.calls)
	}
}

func TestWhatCannotBeCarriedOutEndsAndLetsOthersPass(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"panic", "broken", "stuck", "writes", "unknown", "fail", "refused"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := newStand(t)
			bad, good := s.put(kind, "bad", 0), s.put("finish", "good", time.Microsecond)
			s.now = s.now.Add(time.Second)
			s.drain()
			op := s.get(bad)
			if want := map[string]int{"unknown": 501, "fail": 409}[kind]; op.Running() || op.Status != max(want, 409) && op.Status != 500 || !strings.Contains(string(op.Result), `"error"`) {
				t.Errorf("it ended as %d %s", op.Status, op.Result)
			}
			if told := strings.Contains(string(op.Result), "Nope"); told != (kind == "fail" || kind == "refused") || told && op.Status != 409 {
				t.Errorf("what was said against it is not told, or not as it was said: %d %s", op.Status, op.Result)
			}
			if s.get(good).Running() {
				t.Error("the next operation did not run")
			}
			err := s.store.View(t.Context(), func(r store.Reader) error { _, err := r.Meta(t.Context(), "half"); return err })
			if !errs.Is(err, errs.NotFound) {
				t.Errorf("what a failed handler wrote stayed: %v", err)
			}
		})
	}
}

func TestPassingTroubleIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	id := s.put("waiting", "x", 0)
	if _, err := s.RunDue(t.Context()); !errs.Is(err, errs.Unavailable) {
		t.Errorf("got %v", err)
	}
	if op := s.get(id); !op.Running() {
		t.Errorf("it ended as %+v", op)
	}
}

func TestTheClockStandsRunsAndNeverGoesBack(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	set := func(change func(*ClockState)) error { return s.clock.Set(t.Context(), s.store, change) }
	frozen := s.now.Add(time.Hour)
	if err := set(func(c *ClockState) {
		c.Frozen = frozen
		c.Durations = map[string]time.Duration{"move.move": time.Minute}
	}); err != nil {
		t.Fatal(err)
	}
	s.now = s.now.Add(30 * time.Minute)
	if got := s.clock.Now(); !got.Equal(frozen) || s.clock.Duration("move.move") != time.Minute || s.clock.Duration("other") != 0 {
		t.Errorf("a standing clock says %s", got)
	}
	other := NewClock(func() time.Time { return s.now })
	if err := s.store.View(t.Context(), func(r store.Reader) error { return other.Load(t.Context(), r) }); err != nil || !other.Now().Equal(frozen) {
		t.Errorf("another node's clock says %s, %v", other.Now(), err)
	}
	if err := set(func(c *ClockState) { c.Frozen = frozen.Add(-2 * time.Hour) }); !errs.Is(err, errs.Invalid) {
		t.Errorf("the clock went back: %v", err)
	}
}

// A change is written and followed between the moment a reader's view of the store begins and the moment it reads the clock.
func TestAReaderThatBeganBeforeAChangeDoesNotUndoIt(t *testing.T) {
	t.Parallel()
	s := newStand(t)
	set := func(d time.Duration) {
		t.Helper()
		if err := s.clock.Set(t.Context(), s.store, func(c *ClockState) { c.Durations = map[string]time.Duration{"move.move": d} }); err != nil {
			t.Fatal(err)
		}
	}
	set(time.Minute)
	err := s.store.View(t.Context(), func(r store.Reader) error {
		if _, err := r.Meta(t.Context(), clockKey); err != nil { // from here on the reader sees this moment
			return err
		}
		set(time.Hour)
		return s.clock.Load(t.Context(), r)
	})
	if got := s.clock.Duration("move.move"); err != nil || got != time.Hour {
		t.Errorf("after a change to an hour it takes %s (%v)", got, err)
	}
}
