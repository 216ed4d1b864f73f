package sqlite

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/storetest"
	"github.com/amlmove/amlmove/internal/errs"
)

func TestHopes(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "cloud.db"))
	storetest.Hopes(t, s, s)
}

// TestWhatIsDoneAheadDoesNotWaitForTheWriter: the function is run while another has its turn, and a refusal that rests on nothing else is told at once.
func TestWhatIsDoneAheadDoesNotWaitForTheWriter(t *testing.T) {
	t.Parallel()
	s, ctx := mustOpen(t, filepath.Join(t.TempDir(), "cloud.db")), t.Context()
	release := blockWriter(s)
	refusal := errs.New(errs.Denied, "No", "no")
	err := s.Update(ctx, func(tx store.Tx) error {
		_, err := tx.Generation(ctx)
		return errors.Join(err, refusal)
	})
	if !errors.Is(err, refusal) {
		t.Error(err)
	}
	ran, answer := make(chan struct{}), make(chan error, 1)
	go func() {
		answer <- s.Update(ctx, func(tx store.Tx) error {
			err := tx.Insert(ctx, &store.Node{Type: "t", Name: "n"})
			close(ran) // a second run would close it twice
			return err
		})
	}()
	<-ran
	if err := errors.Join(release(), <-answer); err != nil {
		t.Error(err)
	}
	if stats, err := s.Stats(ctx); err != nil || stats.Nodes != 1 {
		t.Errorf("%d nodes, %v", stats.Nodes, err)
	}
}

// TestIdsAreNotGivenTwice: not even the largest one, when what had it is gone and the store was opened again.
func TestIdsAreNotGivenTwice(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cloud.db")
	given := map[store.ID]bool{}
	for range 3 {
		s := mustOpen(t, path)
		for _, name := range []string{"a", "b", "a"} {
			n := &store.Node{Type: "t", Name: name}
			err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Insert(t.Context(), n) })
			if err == nil && given[n.ID] {
				t.Errorf("the id %d was given twice", n.ID)
			}
			if err == nil {
				given[n.ID] = true
			}
		}
		err := s.Update(t.Context(), func(tx store.Tx) error {
			kids, err := tx.Children(t.Context(), store.Root, store.Range{Limit: 10})
			for _, n := range kids {
				err = errors.Join(err, tx.Trash(t.Context(), n.ID))
			}
			return err
		})
		_, collected := s.Collect(t.Context(), 10)
		if err := errors.Join(err, collected, s.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
