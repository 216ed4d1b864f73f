package postgres

import (
	"errors"
	"os"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/postgres/pgtest"
	"github.com/amlmove/amlmove/internal/cloud/store/storetest"
	"github.com/amlmove/amlmove/internal/errs"
)

// ownServer gives a test a server that it may crash.
func ownServer(t *testing.T) *pgtest.Server {
	t.Helper()
	own := new(pgtest.Server)
	t.Cleanup(func() {
		if err := own.Remove(); err != nil {
			t.Error(err)
		}
	})
	own.Require(t)
	return own
}

// TestKill kills the node in one round and the server under it in the next.
func TestKill(t *testing.T) {
	t.Parallel()
	own := ownServer(t)
	dsn, round := own.Database(t), 0
	strike := func(t *testing.T, child *os.Process) {
		if round++; round%2 == 0 {
			own.Crash(t)
			defer own.Restart(t)
		}
		if err := child.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
	}
	storetest.Kill(t, dsn, func(t *testing.T) store.Store { return openAt(t, dsn) }, strike)
}

// TestServerGone loses the server in the middle of a transaction and outside of one.
func TestServerGone(t *testing.T) {
	t.Parallel()
	own := ownServer(t)
	ctx := t.Context()
	s := openAt(t, own.Database(t))
	n := &store.Node{Type: "t", Name: "n"}
	insert := func(tx store.Tx) error { return tx.Insert(ctx, n) }
	err := s.Update(ctx, func(tx store.Tx) error {
		if err := insert(tx); err != nil {
			return err
		}
		own.Crash(t)
		_, err := tx.Node(ctx, n.ID)
		return err
	})
	if !errs.Is(err, errs.Unavailable) {
		t.Errorf("update that lost its server: got %v, want Unavailable", err)
	}
	err = s.View(ctx, func(r store.Reader) error { _, err := r.Node(ctx, 1); return err })
	if !errs.Is(err, errs.Unavailable) {
		t.Errorf("view without a server: got %v, want Unavailable", err)
	}
	own.Restart(t)
	if err := s.Update(ctx, insert); err != nil {
		t.Errorf("update when the server is back: %v", err)
	}
}
