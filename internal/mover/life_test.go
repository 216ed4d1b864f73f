package mover

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover/action"
	"github.com/amlmove/amlmove/internal/plan"
)

// gated are effects of which one waits, before it is done, until the test lets it.
type gated struct {
	effects
	subject string
	reached chan struct{}
	free    chan struct{}
	once    *sync.Once
}

func (g gated) Find(string) (action.Action, error) { return gatedEffect{effect{g.effects}, g}, nil }

type gatedEffect struct {
	effect
	gate gated
}

func (e gatedEffect) Do(ctx context.Context, t *action.Task) error {
	if t.Step.Subject == e.gate.subject {
		e.gate.once.Do(func() { close(e.gate.reached) })
		<-e.gate.free
	}
	return e.effect.Do(ctx, t)
}

// TestAnEndThatTheEngineDidNotHearOfIsNotToldAgain: a process is killed between the end of an attempt in the journal and the engine's own note of it. The workflow of that attempt is not
// taken up beside the next one, whose state it would write over.
func TestAnEndThatTheEngineDidNotHearOfIsNotToldAgain(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("processes are killed in the run without -short")
	}
	last, steps := 0, act()
	steps[1].After = []string{"register"} // so that nothing is done beside it: every play has the same moments
	f, s := play(t, steps)
	o := Options{Actions: effects{stage: s, fail: map[string]bool{"register": true}}, NoRollback: true, Hook: func(string) { last++ }}
	if record, err := perform(t, f, o, (*Run).Forward); err != nil || record.State != Failed {
		t.Fatal(record, err)
	}
	f, s = play(t, steps)
	if _, killed := (player{f, s, "", "register"}).play(t, "forward", last); !killed {
		t.Fatal("the player was not killed")
	}
	gate := gated{effects{stage: s}, "job", make(chan struct{}), make(chan struct{}), &sync.Once{}}
	record, err := perform(t, f, Options{Actions: gate}, func(r *Run, ctx context.Context) (Record, error) {
		if before, err := r.journal.record(ctx); err != nil || before.State != Failed {
			t.Fatalf("the player was killed at another moment: %v %v", before, err)
		}
		go func() {
			defer close(gate.free)
			<-gate.reached
			for { // until the engine has nothing else at hand
				open, err := dbos.ListWorkflows(r.flow, dbos.WithFilterStatus(dbos.WorkflowStatusPending, dbos.WorkflowStatusEnqueued))
				if err != nil || len(open) < 2 {
					return
				}
			}
		}()
		return r.Forward(ctx)
	})
	if err != nil || record.State != Done {
		t.Fatalf("resumed, the run is %s (%s), %v", record.State, record.Reason, err)
	}
	wantEffects(t, s, names(act())...)
}

// TestWhatAnEarlierLifeSentIsHistory: a run that went back and begins anew neither attends what it sent then, nor takes it for its own.
func TestWhatAnEarlierLifeSentIsHistory(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, database string) {
		ctx := t.Context()
		d, err := open(t, database)
		if err != nil {
			t.Fatal(err)
		}
		j := journalOf(t, d, "r")
		send := func() {
			t.Helper()
			n, err := j.Begin(ctx, "move", false, http.MethodPost, "/moveResources")
			if err == nil {
				err = j.Answered(ctx, n, azure.Trace{Status: http.StatusAccepted, Location: "https://arm/operations/1"})
			}
			if err == nil {
				err = j.ended(ctx, "move", false, StepFailed, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		look := func() (open []action.Operation, touched, anything bool, carried map[string]bool) {
			t.Helper()
			var err [4]error
			open, err[0] = j.Unended(ctx, "move", false)
			touched, err[1] = j.touched(ctx, "move")
			anything, err[2] = j.anything(ctx)
			carried, err[3] = j.Carried(ctx)
			for _, err := range err {
				if err != nil {
					t.Fatal(err)
				}
			}
			return open, touched, anything, carried
		}
		send()
		if open, touched, anything, carried := look(); len(open) != 1 || !touched || !anything || len(carried) != 1 {
			t.Fatalf("what was sent is not known: %v %v %v %v", open, touched, anything, carried)
		}
		for _, state := range []State{Running, RollingBack, RolledBack} {
			if err := j.become(state, ""); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.renew(); err != nil {
			t.Fatal(err)
		}
		if open, touched, anything, carried := look(); len(open) != 0 || touched || anything || len(carried) != 0 {
			t.Errorf("the new life knows of the earlier one: %v %v %v %v", open, touched, anything, carried)
		}
		if n, err := j.sent(ctx); err != nil || n != 1 {
			t.Errorf("the history has %d requests, %v", n, err)
		}
		send()
		if open, touched, _, _ := look(); len(open) != 1 || !touched {
			t.Errorf("what the new life sent is not known: %v %v", open, touched)
		}
	})
}

func open(t *testing.T, database string) (*Database, error) {
	t.Helper()
	d, err := OpenFile(t.Context(), t.TempDir()+"/run.db")
	if database != "" {
		d, err = OpenPostgres(t.Context(), database)
	}
	if err == nil {
		t.Cleanup(func() { _ = d.Close() })
	}
	return d, err
}

// TestARunThatWasTakenOverSendsNothingMore: the lock on PostgreSQL is a session's. A process whose session ended without its notice writes nothing into the journal any more, and so sends
// nothing, as soon as another has the run.
func TestARunThatWasTakenOverSendsNothingMore(t *testing.T) {
	t.Parallel()
	dsn := pg.Database(t)
	lost, err := open(t, dsn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lost.hold(t.Context(), "r", "r"); err != nil {
		t.Fatal(err)
	}
	old := journalOf(t, lost, "r")
	if _, err := old.Begin(t.Context(), "s", false, http.MethodPut, "/before"); err != nil {
		t.Fatal(err)
	}
	next, err := open(t, dsn)
	if err != nil {
		t.Fatal(err)
	}
	const end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND query = $1"
	if _, err := next.db.ExecContext(t.Context(), end, tryHold); err != nil {
		t.Fatal(err)
	}
	release, err := next.hold(t.Context(), "r", "r")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	journalOf(t, next, "r")
	_, err = old.Begin(t.Context(), "s", false, http.MethodDelete, "/behind")
	if e := errs.As(err); e == nil || e.Code != "RunBusy" {
		t.Errorf("the process that lost its session goes on: %v", err)
	}
	if n, err := old.sent(t.Context()); err != nil || n != 1 {
		t.Errorf("it wrote down %d requests, %v", n, err)
	}
}

// TestARunBeginsAnewFromWhatIsThere: what changed after a run went back is drift, and nothing of the run is touched by that.
func TestARunBeginsAnewFromWhatIsThere(t *testing.T) {
	t.Parallel()
	f, s := play(t, act())
	record, err := perform(t, f, Options{Actions: effects{stage: s, fail: map[string]bool{"validate": true}}}, (*Run).Forward)
	if err != nil || record.State != RolledBack {
		t.Fatal(record, err)
	}
	before := s.ledger()
	record, err = perform(t, f, Options{Actions: changed{effects{stage: s}}}, (*Run).Forward)
	if drift, ok := errors.AsType[*Drift](err); !ok || len(drift.Changes) != 1 || record.State != RolledBack {
		t.Errorf("the run is %s, %v", record.State, err)
	}
	if after := s.ledger(); len(after) != len(before) {
		t.Errorf("it did %v", after)
	}
	if f.Has(BeforeFile + ".next") {
		t.Error("it left a file behind")
	}
}

// changed are effects of a world in which a compute is new.
type changed struct{ effects }

func (c changed) ReadAgain(ctx context.Context, e *action.Env, file string) (*plan.Plan, error) {
	p, err := c.effects.ReadAgain(ctx, e, file)
	fresh := *p
	fresh.Steps = append([]plan.Step{{ID: "new", Phase: plan.Clear, Action: plan.RemoveCompute, Subject: "new", What: "remove it"}}, p.Steps...)
	return &fresh, err
}
