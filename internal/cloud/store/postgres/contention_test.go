package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// open opens a store in a database of its own.
func open(t *testing.T) *Store {
	t.Helper()
	return openAt(t, server.Database(t))
}

// plant inserts nodes below the root and returns their ids.
func plant(t *testing.T, s *Store, names ...string) []store.ID {
	t.Helper()
	var ids []store.ID
	for _, name := range names {
		n := &store.Node{Type: "t", Name: name}
		must(t, s.Update(t.Context(), func(tx store.Tx) error { return tx.Insert(t.Context(), n) }))
		ids = append(ids, n.ID)
	}
	return ids
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestManyNodesOpenAtOnce(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	var all sync.WaitGroup
	for i := range 5 {
		all.Go(func() {
			s, err := Open(t.Context(), dsn)
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			err = s.Update(t.Context(), func(tx store.Tx) error {
				return tx.Insert(t.Context(), &store.Node{Type: "t", Name: fmt.Sprint(i)})
			})
			if err := errors.Join(err, s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	stats, err := openAt(t, dsn).Stats(t.Context())
	if err != nil || stats.Nodes != 5 {
		t.Errorf("got %+v, %v", stats, err)
	}
}

func TestOpenRefusals(t *testing.T) {
	t.Parallel()
	newer := server.Database(t)
	must(t, openAt(t, newer).Close())
	conn, err := pgx.Connect(t.Context(), newer)
	must(t, err)
	_, err = conn.Exec(t.Context(), `UPDATE cloud_schema SET version = 4711`)
	must(t, err)
	must(t, conn.Close(t.Context()))
	for dsn, code := range map[string]string{
		newer:                         "StoreTooNew",
		"postgres://%zz":              "StoreAddressInvalid",
		server.DSN("none"):            "StoreRefused",
		"host=/nowhere/at/all user=x": "StoreUnreachable",
	} {
		_, err := Open(t.Context(), dsn)
		if e := errs.As(err); e == nil || e.Code != code || e.Hint == "" {
			t.Errorf("open %s: got %v, want %s with a hint", dsn, err, code)
		}
	}
}

// TestADeadlockIsRunAgain makes two updates take two locks crosswise, both holding one before they ask for the other.
func TestADeadlockIsRunAgain(t *testing.T) {
	t.Parallel()
	s, ctx := open(t), t.Context()
	ids := plant(t, s, "a", "b")
	var both, all sync.WaitGroup
	both.Add(2)
	runs := make([]int, 2)
	for w := range 2 {
		all.Go(func() {
			err := s.Update(ctx, func(tx store.Tx) error {
				if _, err := tx.Hold(ctx, store.Exclusive, ids[w]); err != nil {
					return err
				}
				if runs[w]++; runs[w] == 1 {
					both.Done()
					both.Wait()
				}
				held, err := tx.Hold(ctx, store.Exclusive, ids[1-w])
				if err != nil {
					return fmt.Errorf("wrapped by the caller: %w", err)
				}
				held[0].ETag += "x"
				return tx.Save(ctx, held[0])
			})
			if err != nil {
				t.Errorf("update %d: %v", w, err)
			}
		})
	}
	all.Wait()
	if runs[0]+runs[1] != 3 {
		t.Errorf("the functions were run %v times, want one of them twice", runs)
	}
	must(t, s.View(ctx, func(r store.Reader) error {
		for _, id := range ids {
			if n, err := r.Node(ctx, id); err != nil || n.ETag != "x" {
				t.Errorf("node %d: etag %q, %v", id, n.ETag, err)
			}
		}
		return nil
	}))
}

// TestClaimPassesOverWhatOthersHold claims in two transactions that are open at the same time.
func TestClaimPassesOverWhatOthersHold(t *testing.T) {
	t.Parallel()
	s, ctx := open(t), t.Context()
	var now = store.Operation{ID: "a"}.Due
	must(t, s.Update(ctx, func(tx store.Tx) error {
		return errors.Join(tx.PutOperation(ctx, store.Operation{ID: "a"}), tx.PutOperation(ctx, store.Operation{ID: "b"}))
	}))
	must(t, s.Update(ctx, func(first store.Tx) error {
		a, err := first.ClaimOperation(ctx, now)
		if err != nil || a.ID != "a" {
			t.Errorf("first: %v, %v", a.ID, err)
		}
		return s.Update(ctx, func(second store.Tx) error {
			b, err := second.ClaimOperation(ctx, now)
			if err != nil || b.ID != "b" {
				t.Errorf("second: %v, %v", b.ID, err)
			}
			return s.Update(ctx, func(third store.Tx) error {
				if _, err := third.ClaimOperation(ctx, now); !errs.Is(err, errs.NotFound) {
					t.Errorf("third: got %v, want NotFound", err)
				}
				return nil
			})
		})
	}))
}

// TestSharedHoldersDoNotExcludeEachOther holds a node in two transactions that are open at the same time, and inserts below it.
func TestSharedHoldersDoNotExcludeEachOther(t *testing.T) {
	t.Parallel()
	s, ctx := open(t), t.Context()
	id := plant(t, s, "a")[0]
	must(t, s.Update(ctx, func(first store.Tx) error {
		if _, err := first.Hold(ctx, store.Shared, id); err != nil {
			return err
		}
		return s.Update(ctx, func(second store.Tx) error {
			if _, err := second.Hold(ctx, store.Shared, id); err != nil {
				return err
			}
			return second.Insert(ctx, &store.Node{Parent: id, Type: "t", Name: "below"})
		})
	}))
}

// TestAnExclusiveHoldExcludes asks for a held node with little patience.
func TestAnExclusiveHoldExcludes(t *testing.T) {
	t.Parallel()
	s, ctx := open(t), t.Context()
	id := plant(t, s, "a")[0]
	for _, modes := range [][2]store.LockMode{{store.Exclusive, store.Shared}, {store.Exclusive, store.Exclusive}, {store.Shared, store.Exclusive}} {
		must(t, s.Update(ctx, func(first store.Tx) error {
			if _, err := first.Hold(ctx, modes[0], id); err != nil {
				return err
			}
			err := s.update(ctx, func(second *tx) error {
				if _, err := second.query(ctx, "be impatient", nil, `SET LOCAL lock_timeout = 50`); err != nil {
					return err
				}
				_, err := second.Hold(ctx, modes[1], id)
				return err
			})
			if e := errs.As(err); e == nil || e.Code != "StoreContended" {
				t.Errorf("hold in modes %v: got %v, want StoreContended", modes, err)
			}
			return nil
		}))
	}
}

// TestHoldersOfAnExtensionExcludeEachOther asks for an extension that another transaction holds, with little patience: it is held before it is there, and no other one is.
func TestHoldersOfAnExtensionExcludeEachOther(t *testing.T) {
	t.Parallel()
	s, ctx := open(t), t.Context()
	for range 2 {
		must(t, s.Update(ctx, func(first store.Tx) error {
			if _, err := first.HoldExtension(ctx, "/a", "x/y", "n"); err != nil && !errs.Is(err, errs.NotFound) {
				return err
			}
			for name, code := range map[string]string{"N": "StoreContended", "other": "ExtensionNotFound"} {
				err := s.update(ctx, func(second *tx) error {
					if _, err := second.query(ctx, "be impatient", nil, `SET LOCAL lock_timeout = 50`); err != nil {
						return err
					}
					_, err := second.HoldExtension(ctx, "/A", "X/y", name)
					return err
				})
				if e := errs.As(err); e == nil || e.Code != code {
					t.Errorf("hold of %s: got %v, want %s", name, err, code)
				}
			}
			return first.PutExtension(ctx, store.Extension{Scope: "/a", Type: "x/y", Name: "n"})
		}))
	}
}

// TestNothingIsInsertedBelowWhatIsBeingTrashed lets inserts meet a trash that is not committed yet.
func TestNothingIsInsertedBelowWhatIsBeingTrashed(t *testing.T) {
	t.Parallel()
	s, ctx := open(t), t.Context()
	for round := range 10 {
		id := plant(t, s, fmt.Sprint("a", round))[0]
		answer := make(chan error, 2)
		must(t, s.Update(ctx, func(tx store.Tx) error {
			if err := tx.Trash(ctx, id); err != nil {
				return err
			}
			for i := range 2 {
				nodes := []*store.Node{{Parent: id, Type: "t", Name: "x"}, {Parent: id, Type: "t", Name: "y"}}
				go func() {
					answer <- s.Update(ctx, func(tx store.Tx) error { return tx.Insert(ctx, nodes[:i+1]...) })
				}()
			}
			return nil
		}))
		for range 2 {
			if err := <-answer; !errs.Is(err, errs.NotFound) {
				t.Errorf("insert below a trashed node: got %v, want NotFound", err)
			}
		}
	}
}

// TestABrokenTransactionIsNeverAcknowledged fails a statement behind the back of a function that does not look.
func TestABrokenTransactionIsNeverAcknowledged(t *testing.T) {
	t.Parallel()
	s, ctx := open(t), t.Context()
	err := s.update(ctx, func(tx *tx) error {
		must(t, tx.Insert(ctx, &store.Node{Type: "t", Name: "a"}))
		if _, err := tx.query(ctx, "divide", nil, `SELECT 1/0`); err == nil {
			t.Error("the statement did not fail")
		}
		return nil
	})
	if e := errs.As(err); e == nil || e.Code != "TransactionBroken" {
		t.Errorf("got %v, want TransactionBroken", err)
	}
	if stats, err := s.Stats(ctx); err != nil || stats.Nodes != 0 {
		t.Errorf("got %+v, %v", stats, err)
	}
}

// TestLateConflict lets a reparent lose the race for a name to a transaction that commits in between.
func TestLateConflict(t *testing.T) {
	t.Parallel()
	s, ctx := open(t), t.Context()
	parents := plant(t, s, "a", "b")
	child := &store.Node{Parent: parents[0], Type: "t", Name: "x"}
	must(t, s.Update(ctx, func(tx store.Tx) error { return tx.Insert(ctx, child) }))
	answer := make(chan error, 1)
	must(t, s.Update(ctx, func(tx store.Tx) error {
		must(t, tx.Insert(ctx, &store.Node{Parent: parents[1], Type: "t", Name: "X"}))
		_, err := tx.Count(ctx, parents[1], "t") // the insert is sent
		go func() {
			answer <- s.Update(ctx, func(tx store.Tx) error { return tx.Reparent(ctx, child.ID, parents[1]) })
		}()
		return err
	}))
	if e := errs.As(<-answer); e == nil || e.Code != "NodeExists" || !strings.Contains(e.Message, "t/x") {
		t.Errorf("got %v, want NodeExists that names the node", e)
	}
}

func TestCancelEndsAWait(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := plant(t, s, "a")[0]
	ctx, cancel := context.WithCancel(t.Context())
	answer, asking := make(chan error, 1), make(chan struct{})
	must(t, s.Update(t.Context(), func(tx store.Tx) error {
		if _, err := tx.Hold(t.Context(), store.Exclusive, id); err != nil {
			return err
		}
		go func() {
			answer <- s.Update(ctx, func(tx store.Tx) error {
				close(asking)
				_, err := tx.Hold(ctx, store.Exclusive, id)
				return err
			})
		}()
		<-asking
		cancel()
		if err := <-answer; !errs.Is(err, errs.Canceled) { // while the other still holds
			t.Errorf("got %v, want Canceled", err)
		}
		return nil
	}))
}
