package postgres

import (
	"context"
	"os"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/postgres/pgtest"
	"github.com/amlmove/amlmove/internal/cloud/store/storetest"
)

var server pgtest.Server

func TestMain(m *testing.M) {
	storetest.Child(func(ctx context.Context, place string) (store.Store, error) { return Open(ctx, place) })
	os.Exit(server.Main(m))
}

// openAt opens the store in a database and closes it with the test.
func openAt(t *testing.T, dsn string) *Store {
	t.Helper()
	s, err := Open(t.Context(), dsn)
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
	server.Require(t)
	storetest.Run(t, func(t *testing.T) store.Store { return openAt(t, server.Database(t)) })
}

func TestDurable(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	storetest.Durable(t, func(t *testing.T) store.Store { return openAt(t, dsn) })
}
