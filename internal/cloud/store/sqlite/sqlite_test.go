package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite"
	"github.com/amlmove/amlmove/internal/cloud/store/storetest"
)

func TestMain(m *testing.M) {
	storetest.Child(func(ctx context.Context, place string) (store.Store, error) { return sqlite.Open(ctx, place) })
	os.Exit(m.Run())
}

// openAt opens the store in a file and closes it with the test.
func openAt(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	return opened(t, path, sqlite.Open)
}

func opened(t *testing.T, path string, open func(context.Context, string) (*sqlite.Store, error)) *sqlite.Store {
	t.Helper()
	s, err := open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store { return openAt(t, filepath.Join(t.TempDir(), "cloud.db")) })
}

// TestScratchContract: what is not synced is a store like another.
func TestScratchContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store {
		return opened(t, filepath.Join(t.TempDir(), "cloud.db"), sqlite.Scratch)
	})
}

func TestDurable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cloud.db")
	storetest.Durable(t, func(t *testing.T) store.Store { return openAt(t, path) })
}

func TestKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cloud.db")
	storetest.Kill(t, path, func(t *testing.T) store.Store { return openAt(t, path) }, nil)
}
