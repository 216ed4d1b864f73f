package mover

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// TestThePenWritesForMany lets many write while one writes: those are written in one transaction, and whoever fails takes nobody along.
func TestThePenWritesForMany(t *testing.T) {
	t.Parallel()
	const writers = 40
	d, err := OpenFile(t.Context(), filepath.Join(t.TempDir(), "run.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	mine := errors.New("mine")
	var mutex sync.Mutex
	seen := map[*sql.Tx]int{} // how many wrote in a transaction
	insert := func(n int, fail bool) func(context.Context, *sql.Tx) error {
		return func(ctx context.Context, tx *sql.Tx) error {
			mutex.Lock()
			seen[tx]++
			mutex.Unlock()
			if _, err := tx.ExecContext(ctx, "INSERT INTO amlmove_cursor (run, step, value) VALUES ('r', $1, '')", fmt.Sprint(n)); err != nil || !fail {
				return err
			}
			return mine
		}
	}
	for _, failing := range []int{-1, 7} {
		clear(seen)
		if _, err := d.db.ExecContext(t.Context(), "DELETE FROM amlmove_cursor"); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		results := make([]error, writers)
		err := d.pen.write(func(ctx context.Context, tx *sql.Tx) error { // holds the pen until all others wait for it
			for n := range writers {
				all.Go(func() { results[n] = d.pen.write(insert(n, n == failing)) })
			}
			for waiting := 0; waiting < writers; runtime.Gosched() {
				d.pen.mutex.Lock()
				waiting = len(d.pen.waiting)
				d.pen.mutex.Unlock()
			}
			return insert(writers, false)(ctx, tx)
		})
		if err != nil {
			t.Fatal(err)
		}
		all.Wait()
		want, transactions := writers+1, 2
		if failing >= 0 {
			want, transactions = writers, 2+writers // the group in vain, then each by itself
		}
		for n, err := range results {
			if n == failing && !errors.Is(err, mine) || n != failing && err != nil {
				t.Errorf("writer %d got %v", n, err)
			}
		}
		var rows int
		if err := d.db.QueryRowContext(t.Context(), "SELECT count(*) FROM amlmove_cursor").Scan(&rows); err != nil || rows != want {
			t.Errorf("%d rows are there (%v), want %d", rows, err, want)
		}
		if len(seen) != transactions {
			t.Errorf("%d transactions were begun, want %d", len(seen), transactions)
		}
	}
}
