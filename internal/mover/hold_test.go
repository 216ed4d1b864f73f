package mover

import (
	"testing"

	"github.com/amlmove/amlmove/internal/errs"
)

// TestALockThatASessionStillHasIsWaitedFor: the session of a process that is gone ends when the server notices, which is a moment after the next process asks. (Found by 200 moves that were
// killed with their journals in PostgreSQL: two of them were refused.)
func TestALockThatASessionStillHasIsWaitedFor(t *testing.T) {
	t.Parallel()
	dsn := pg.Database(t)
	open := func() *Database {
		d, err := OpenPostgres(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		return d
	}
	gone, next, watcher := open(), open(), open()
	end, err := gone.hold(t.Context(), "a run", "a-run")
	if err != nil {
		t.Fatal(err)
	}
	answer := make(chan error, 1)
	go func() {
		release, err := next.hold(t.Context(), "a run", "a-run")
		if err == nil {
			release()
		}
		answer <- err
	}()
	for asked := 0; asked < 2; { // the one that has it, and the one that was refused
		const sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = $1 AND state = 'idle'"
		if err := watcher.db.QueryRowContext(t.Context(), sessions, tryHold).Scan(&asked); err != nil {
			t.Fatal(err)
		}
	}
	end()
	if err := <-answer; err != nil {
		t.Errorf("the lock was given free, and the next one is told: %v", err)
	}
	end, err = gone.hold(t.Context(), "a run", "a-run")
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	if _, err := next.hold(t.Context(), "a run", "a-run"); !errs.Is(err, errs.Conflict) {
		t.Errorf("a lock that is held all the time: %v", err)
	}
}
