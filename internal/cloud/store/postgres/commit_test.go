package postgres

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// TestWhatIsCommittedIsNotRunAgain ends the connection while its COMMIT works: the server says COMMIT, and then that it was terminated.
func TestWhatIsCommittedIsNotRunAgain(t *testing.T) {
	t.Parallel()
	dsn, ctx := server.Database(t), t.Context()
	first := openAt(t, dsn)
	id := plant(t, first, "a")[0]
	admin, err := pgx.Connect(ctx, dsn)
	must(t, err)
	defer func() { _ = admin.Close(context.WithoutCancel(ctx)) }()
	var database string
	must(t, admin.QueryRow(ctx, "SELECT current_database()").Scan(&database))
	for _, setting := range []string{"commit_delay = 100000", "commit_siblings = 0"} { // COMMIT takes a tenth of a second
		_, err = admin.Exec(ctx, "ALTER DATABASE "+database+" SET "+setting)
		must(t, err)
	}
	s := openAt(t, dsn)
	for way, change := range map[string]func(tx store.Tx) error{
		"by itself": func(tx store.Tx) error {
			held, err := tx.Hold(ctx, store.Exclusive, id)
			if err != nil {
				return err
			}
			return tx.Insert(ctx, &store.Node{Parent: held[0].ID, Type: "t", Name: "by itself"})
		},
		"together with others": func(tx store.Tx) error {
			return tx.Insert(ctx, &store.Node{Parent: id, Type: "t", Name: "together with others"})
		},
	} {
		for terminated := 0; ; { // sometimes it ends just before it commits: then it says so
			stop, runs := make(chan struct{}), 0
			killed := terminateCommit(ctx, admin, stop)
			err := s.Update(ctx, func(tx store.Tx) error { runs++; return change(tx) })
			close(stop)
			terminated += <-killed
			if there := isThere(t, first, id, way); runs != 1 || there != (err == nil) || err != nil && !errs.Is(err, errs.Unavailable) {
				t.Fatalf("%s: %d runs, it is there: %v, and the update says %v", way, runs, there, err)
			}
			if err == nil {
				if terminated == 0 {
					t.Errorf("%s: no connection was terminated", way)
				}
				break
			}
		}
	}
}

// isThere reports whether a node has a child.
func isThere(t *testing.T, s *Store, parent store.ID, name string) (there bool) {
	t.Helper()
	must(t, s.View(t.Context(), func(r store.Reader) error {
		met, err := r.Walk(t.Context(), parent, []store.Step{{Type: "t", Name: name}})
		there = len(met) == 1
		return err
	}))
	return there
}

// terminateCommit terminates the first connection of the database that is seen to commit, and tells how many it terminated.
func terminateCommit(ctx context.Context, admin *pgx.Conn, stop <-chan struct{}) <-chan int {
	killed := make(chan int)
	go func() {
		count := 0
		for err := error(nil); err == nil && count == 0; {
			select {
			case <-stop:
				err = errs.New(errs.Canceled, "Stop", "nothing to terminate")
			default:
				err = admin.QueryRow(ctx, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
					WHERE datname = current_database() AND pid <> pg_backend_pid() AND query = 'COMMIT' AND state = 'active'`).Scan(&count)
			}
		}
		killed <- count
	}()
	return killed
}
