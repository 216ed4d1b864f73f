package mover

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover/action"
)

// TestARunIsNotBegunAgainInAnotherDatabase: a run that is opened with a database that does not know it would have done nothing there, and its way back would take nothing back.
func TestARunIsNotBegunAgainInAnotherDatabase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, begun, opened, code string }{
		{"begun in its file, opened in PostgreSQL", "", pg.Database(t), "RunNotInDatabase"},
		{"begun in PostgreSQL, opened in its file", pg.Database(t), "", "DatabaseMissing"},
		{"begun in PostgreSQL, opened in another one", pg.Database(t), pg.Database(t), "RunNotInDatabase"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, s := play(t, act())
			renameRun(t, f, "contoso-12345678", c.begun)
			in := func(dsn string) *Database {
				if dsn == "" {
					return nil
				}
				d, err := open(t, dsn)
				if err != nil {
					t.Fatal(err)
				}
				return d
			}
			o := Options{Database: in(c.begun), Actions: effects{stage: s, fail: map[string]bool{"validate": true}}, NoRollback: true}
			if record, err := perform(t, f, o, (*Run).Forward); err != nil || record.State != Failed {
				t.Fatal(record, err)
			}
			files := len(filesOf(t, f))
			run, err := Open(t.Context(), Options{Folder: f, Database: in(c.opened), Actions: effects{stage: s}})
			if e := errs.As(err); e == nil || e.Code != c.code || e.Hint == "" {
				t.Errorf("it was opened: %v", err)
			}
			if err == nil {
				_ = run.Close()
			}
			if story, err := Look(t.Context(), f, in(c.opened)); err == nil && story.Record.State != Failed { // a run is found in its own file whatever database is named
				t.Errorf("it is shown as %s", story.Record.State)
			}
			if left := filesOf(t, f); len(left) != files {
				t.Errorf("a database was left behind: %v", left)
			}
			if record, err := perform(t, f, Options{Database: in(c.begun), Actions: effects{stage: s}}, (*Run).Back); err != nil || record.State != RolledBack {
				t.Errorf("in its own database it went back as %s, %v", record.State, err)
			}
			wantEffects(t, s)
		})
	}
}

func filesOf(t *testing.T, f Folder) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.Contains(e.Name(), "-wal") && !strings.Contains(e.Name(), "-shm") {
			names = append(names, e.Name())
		}
	}
	return names
}

// elsewhere is the folder of a run on another machine.
func elsewhere(t *testing.T, f Folder) Folder {
	t.Helper()
	other := Folder{filepath.Join(t.TempDir(), filepath.Base(f.Path))}
	if err := os.CopyFS(other.Path, os.DirFS(f.Path)); err != nil {
		t.Fatal(err)
	}
	return other
}

// TestAProcessThatLostItsSessionTakesNothingFromTheNext: a process whose session on PostgreSQL has ended lives on, and its durable engine looks for work as that of the next one does. What the
// next one takes up is not for it, even if it looks first.
func TestAProcessThatLostItsSessionTakesNothingFromTheNext(t *testing.T) {
	t.Parallel()
	ctx, dsn := t.Context(), pg.Database(t)
	f, s := play(t, act())
	renameRun(t, f, "contoso-12345678", dsn)
	lost, err := open(t, dsn)
	if err != nil {
		t.Fatal(err)
	}
	gate := gated{effects{stage: s}, "job", make(chan struct{}), make(chan struct{}), &sync.Once{}}
	old, err := Open(ctx, Options{Folder: f, Database: lost, Actions: gate})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = old.Forward(context.WithoutCancel(ctx)) // it is told what the next one makes of it, or that it has lost the run
	}()
	<-gate.reached
	database, err := open(t, dsn)
	if err != nil {
		t.Fatal(err)
	}
	const end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND query = $1"
	if _, err := database.db.ExecContext(ctx, end, tryHold); err != nil {
		t.Fatal(err)
	}
	record, err := perform(t, elsewhere(t, f), Options{Database: database, Actions: effects{stage: s}}, func(next *Run, ctx context.Context) (Record, error) {
		attempt := next.flowID("forward", 1)
		if err := next.claim(attempt); err != nil {
			t.Fatal(err)
		}
		looks(t, old)
		if status := statusOf(t, next, attempt); status != dbos.WorkflowStatusEnqueued {
			t.Errorf("before the next process has looked for it, what it takes up is %s", status)
		}
		if _, err := old.lost(ctx, errors.New("its workflow was stopped")); errs.As(err) == nil || errs.As(err).Code != "RunBusy" {
			t.Errorf("the process that lost its session is told %v", err)
		}
		return next.Forward(ctx)
	})
	if err != nil || record.State != Done || record.Attempt != 1 {
		t.Errorf("the next process ended as %s (%s) in the attempt %d, %v", record.State, record.Reason, record.Attempt, err)
	}
	close(gate.free)
	<-ended
	_ = old.Close() // its session is gone
	wantEffects(t, s, names(act())...)
}

// looks waits until the engine of a run has looked for work, and has taken all that is there for it: the last of it is put there for that.
func looks(t *testing.T, r *Run) {
	t.Helper()
	if _, err := dbos.Enqueue[verdict](r.flow, "_dbos_internal_queue", "backward", order{99}, dbos.WithEnqueueWorkflowID("last")); err != nil {
		t.Fatal(err)
	}
	for statusOf(t, r, "last") == dbos.WorkflowStatusEnqueued {
	}
}

func statusOf(t *testing.T, r *Run, id string) dbos.WorkflowStatusType {
	t.Helper()
	flows, err := dbos.ListWorkflows(r.flow, dbos.WithFilterWorkflowIDs(id))
	if err != nil || len(flows) != 1 {
		t.Fatal(flows, err)
	}
	return flows[0].Status
}

// stuck are effects of which one cannot be taken back.
type stuck struct {
	effects
	subject string
}

func (s stuck) Find(string) (action.Action, error) {
	return stuckEffect{effect{s.effects}, s.subject}, nil
}

type stuckEffect struct {
	effect
	subject string
}

func (e stuckEffect) Undo(ctx context.Context, t *action.Task) error {
	if t.Step.Subject == e.subject {
		return errs.New(errs.Conflict, "Stuck", "%s is stuck", e.subject)
	}
	return e.effect.Undo(ctx, t)
}

// TestAWayBackThatFailsLeavesTheFirstReason: why the run failed is what has to be mended, and not only why it could not be taken back.
func TestAWayBackThatFailsLeavesTheFirstReason(t *testing.T) {
	t.Parallel()
	f, s := play(t, act())
	o := Options{Actions: stuck{effects{stage: s, fail: map[string]bool{"validate": true}}, "endpoint"}}
	record, err := perform(t, f, o, (*Run).Forward)
	if err != nil || record.State != Failed || !strings.Contains(record.Reason, "validate fails") || !strings.Contains(record.Reason, "endpoint is stuck") {
		t.Errorf("the run is %s (%s), %v", record.State, record.Reason, err)
	}
	if record, err = perform(t, f, Options{Actions: effects{stage: s}}, (*Run).Back); err != nil || record.State != RolledBack {
		t.Errorf("taken back, the run is %s (%s), %v", record.State, record.Reason, err)
	}
	wantEffects(t, s)
}

// waits is a world in which nobody can say where the workspace is until the run is stopped.
type waits struct {
	effects
	asked chan struct{}
	once  *sync.Once
}

func (w waits) AtSource(ctx context.Context, _ *action.Task) (bool, error) {
	w.once.Do(func() { close(w.asked) })
	<-ctx.Done()
	return false, ctx.Err()
}

// TestAMoveThatIsStoppedWhileItIsLookedForHasNotFailed: a stop is none of the workspace's own.
func TestAMoveThatIsStoppedWhileItIsLookedForHasNotFailed(t *testing.T) {
	t.Parallel()
	steps := act()
	at := slices.Index(names(steps), "validate")
	steps[at].Action = "proveRestorable"
	f, s := play(t, steps)
	// The first life asks for the move, and its answer is that of a world that has not moved.
	if record, err := perform(t, f, Options{Actions: refusing{effects{stage: s}}, NoRollback: true}, (*Run).Forward); err != nil || record.State != Failed {
		t.Fatal(record, err)
	}
	w := waits{effects{stage: s}, make(chan struct{}), &sync.Once{}}
	ctx, stop := context.WithCancel(t.Context())
	go func() { <-w.asked; stop() }()
	_, err := perform(t, f, Options{Actions: w}, func(r *Run, _ context.Context) (Record, error) {
		record, err := r.Forward(ctx)
		if closing := r.Close(); closing != nil {
			t.Error(closing)
		}
		return record, err
	})
	if !errs.Is(err, errs.Canceled) {
		t.Errorf("it was stopped, and is told %v", err)
	}
	_, err = perform(t, f, Options{Actions: effects{stage: s}}, func(r *Run, ctx context.Context) (Record, error) {
		if move, err := r.journal.of(ctx, "move", false); err != nil || strings.Contains(move.Reason, "NotRestorable") || strings.Contains(move.Reason, "canceled") {
			t.Errorf("the move is %s: %s (%v)", move.State, move.Reason, err)
		}
		return Record{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// refusing are effects in which the move is asked for and refused.
type refusing struct{ effects }

func (r refusing) Find(string) (action.Action, error) { return refusedMove{effect(r)}, nil }

type refusedMove struct{ effect }

func (e refusedMove) Do(ctx context.Context, t *action.Task) error {
	if t.Step.Subject != "move" {
		return e.effect.Do(ctx, t)
	}
	if err := e.request(ctx, t, "POST", func() {}); err != nil {
		return err
	}
	return errs.New(errs.Conflict, "Refused", "the move is refused")
}
