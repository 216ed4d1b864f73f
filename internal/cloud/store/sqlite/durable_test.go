package sqlite

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// TestNobodyIsToldWhatIsNotDurable holds the disk up: an update is not acknowledged, whoever reads it waits, and whoever fails because of it, while the next update is
// already carried out.
func TestNobodyIsToldWhatIsNotDurable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
		if err != nil {
			t.Fatal(err)
		}
		disk := make(chan struct{})
		s.durable.sync = func() error { <-disk; return nil }
		var mu sync.Mutex
		told, ran := map[string]error{}, map[string]bool{}
		tell := func(what string, err error) { mu.Lock(); defer mu.Unlock(); told[what] = err }
		note := func(what string, well bool) { mu.Lock(); defer mu.Unlock(); ran[what] = well }
		insert := func(what, name string) {
			tell(what, s.Update(t.Context(), func(tx store.Tx) error {
				note(what, true)
				return tx.Insert(t.Context(), &store.Node{Type: "t", Name: name})
			}))
		}
		view := func(what string) {
			tell(what, s.View(t.Context(), func(r store.Reader) error {
				met, err := r.Walk(t.Context(), store.Root, []store.Step{{Type: "t", Name: "one"}})
				note(what, len(met) == 1)
				return err
			}))
		}
		state := func(what string, toldNow, ranNow int) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if len(told) != toldNow || len(ran) != ranNow {
				t.Fatalf("%s: %d are told, want %d; %d ran, want %d", what, len(told), toldNow, len(ran), ranNow)
			}
		}
		go insert("update", "one")
		state("the first is committed", 0, 1)
		go view("reader")
		state("it is seen", 0, 2)
		go insert("the next", "two")
		state("the next is carried out", 0, 3)
		go insert("the same again", "one")
		state("and one that fails", 0, 4)
		disk <- struct{}{}
		state("the first group is durable", 2, 4)
		disk <- struct{}{}
		state("the second as well", 4, 4)
		if !ran["reader"] || told["update"] != nil || told["reader"] != nil || told["the next"] != nil || !errs.Is(told["the same again"], errs.Conflict) {
			t.Errorf("told %v; the reader saw it: %v", told, ran["reader"])
		}
		close(disk)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestAGroupBehindAFailedSyncIsLost: the system tells once that it could not write. The group that was carried out meanwhile is not committed, and nobody hears of what
// was never durable.
func TestAGroupBehindAFailedSyncIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
		if err != nil {
			t.Fatal(err)
		}
		disk, syncs := make(chan error), 0
		s.durable.sync = func() error { syncs++; return <-disk }
		answers := make([]error, 3)
		for i, name := range []string{"one", "two", "one"} {
			go func() {
				answers[i] = s.Update(t.Context(), func(tx store.Tx) error { return tx.Insert(t.Context(), &store.Node{Type: "t", Name: name}) })
			}()
			synctest.Wait() // the first is being synced; the others are carried out and wait, the last one with a conflict
		}
		disk <- errors.New("input/output error")
		synctest.Wait()
		for i, err := range answers {
			refused(t, err, errs.Unavailable, "StoreIO", s.path)
			if t.Failed() {
				t.Fatalf("update %d", i)
			}
		}
		if syncs != 1 {
			t.Errorf("it was synced %d times", syncs)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestADiskThatFailsIsNotBelievedAgain: what was acknowledged is there after the next start, and until then nothing is.
func TestADiskThatFailsIsNotBelievedAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cloud.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	insert(t, s, "acknowledged")
	whole := s.durable.sync
	s.durable.sync = func() error { return errors.New("input/output error") }
	try := func() error {
		return s.Update(t.Context(), func(tx store.Tx) error { return tx.Insert(t.Context(), &store.Node{Type: "t", Name: "lost"}) })
	}
	refused(t, try(), errs.Unavailable, "StoreIO", path)
	s.durable.sync = whole
	refused(t, try(), errs.Unavailable, "StoreIO", path)
	_, err = s.Stats(t.Context())
	refused(t, err, errs.Unavailable, "StoreIO", path)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := mustOpen(t, path)
	err = again.View(t.Context(), func(r store.Reader) error {
		met, err := r.Walk(t.Context(), store.Root, []store.Step{{Type: "t", Name: "acknowledged"}})
		if len(met) != 1 {
			t.Error("what was acknowledged is gone")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	insert(t, again, "when the disk is whole")
}
