// Package mover runs plans: durably (a run that is killed at any instant goes on where it was), with every step proven by reading before and after, back to the
// source as it was while that is possible, and forward from facts when it is not. What the steps do is in action; the order comes from the plan.
//
// It stands on plan, action, seal, capture, verify and what those stand on, and knows no terminal and no page.
package mover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover/action"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/seal"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// Options are what a run is opened with.
type Options struct {
	Folder   Folder
	Client   *azure.Client
	Database *Database // of the folder if nil
	Secrets  *seal.Box
	Workers  int           // steps side by side; 12 if zero. The client's budget bounds their requests as well
	Watch    func(Event)   // hears what happens, one call at a time; may be nil
	Clock    action.Clock  // the machine's if nil
	Patience time.Duration // how long Close waits for requests on their way; two minutes if zero
	// NoRollback leaves a run that failed before the point of no return as it is, instead of bringing the source back to what it was.
	NoRollback bool
	Actions    Actions // those of the package action if nil
	// Hook, if there is one, is called right before and after each write to the journal. For tests.
	Hook func(moment string)
}

// Actions are what the engine needs to know of actions.
type Actions interface {
	Find(kind string) (action.Action, error)
	// AtSource reports whether all that the plan moves is still at the source, and nothing of it is on its way. The task is that of the move.
	AtSource(context.Context, *action.Task) (bool, error)
	// ReadAgain reads both ends of the plan into a file, and makes the plan that the same choices give now.
	ReadAgain(ctx context.Context, e *action.Env, file string) (*plan.Plan, error)
}

// Real are the actions of the package action.
var Real Actions = real{}

type real struct{}

func (real) Find(kind string) (action.Action, error) { return action.Find(kind) }

func (real) AtSource(ctx context.Context, t *action.Task) (bool, error) {
	return action.StillThere(ctx, t)
}

func (real) ReadAgain(ctx context.Context, e *action.Env, file string) (*plan.Plan, error) {
	return readAgain(ctx, e.Plan, capture.Options{Client: e.Client, Now: e.Clock.Now}, file)
}

// Event is something that happened in a run.
type Event struct {
	At       time.Time
	Step     plan.Step
	Back     bool // while undoing
	State    StepState
	Reason   string
	Progress *action.Progress // set when the step goes on and tells how far it has come
}

// DefaultWorkers is how many steps go side by side: most of their time they wait for the service.
const DefaultWorkers = 12

// defaultPatience bounds how long a stop waits for requests on their way.
const defaultPatience = 2 * time.Minute

// Run is a run in the hands of this process. Others are kept out until Close.
type Run struct {
	Options
	ID   string
	Plan *plan.Plan
	key  string // of the run in its database

	journal  *journal
	env      *action.Env
	flow     dbos.Context
	launched bool
	proofs   proofs
	events   chan Event
	closed   chan struct{} // when nobody listens any more
	closers  []func() error
}

// Open opens a run that is there. Conflict when another process has it. Close it.
func Open(ctx context.Context, o Options) (r *Run, err error) {
	meta, err := o.Folder.Meta()
	if err != nil {
		return nil, err
	}
	o.Workers, o.Patience = cmp.Or(max(o.Workers, 0), DefaultWorkers), cmp.Or(o.Patience, defaultPatience)
	if o.Actions == nil {
		o.Actions = Real
	}
	if o.Clock == nil {
		o.Clock = action.Machine{}
	}
	r = &Run{Options: o, ID: meta.ID, key: meta.key()}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
			r = nil
		}
	}()
	unlock, err := o.Folder.Lock()
	if err != nil {
		return r, err
	}
	r.onClose(func() error { unlock(); return nil })
	if r.Plan, err = plan.Read(o.Folder.File(PlanFile)); err != nil {
		return r, err
	}
	if err := r.openDatabase(ctx, meta); err != nil {
		return r, err
	}
	if err := r.openEnv(ctx); err != nil {
		return r, err
	}
	r.watch()
	return r, r.prepare(ctx)
}

func (r *Run) onClose(closer func() error) { r.closers = append(r.closers, closer) }

// Close gives the run up to others. Work on its way is brought to a safe point.
func (r *Run) Close() error {
	var all error
	for i := len(r.closers) - 1; i >= 0; i-- {
		all = errors.Join(all, r.closers[i]())
	}
	r.closers = nil
	return all
}

// openDatabase opens the database and takes the run. One that does not know the run begins it only if it is the one that the run was made for: in another, all that was done would be forgotten.
func (r *Run) openDatabase(ctx context.Context, meta Meta) error {
	if r.Database == nil {
		if meta.Database != "" {
			return databaseMissing(meta)
		}
		d, err := OpenFile(ctx, r.Folder.File(DatabaseFile))
		if err != nil {
			return err
		}
		r.Database = d
		r.onClose(d.Close)
	}
	release, err := r.Database.hold(ctx, r.key, r.ID)
	if err != nil {
		return err
	}
	r.onClose(func() error { release(); return nil })
	r.journal = &journal{db: r.Database.db, pen: r.Database.pen, run: r.key, id: r.ID, now: r.Clock.Now, hook: r.Hook}
	return r.Database.elsewhere(r.journal.enter(Masked(r.Database.url) == meta.Database), meta)
}

func (r *Run) openEnv(ctx context.Context) error {
	before, err := snapshot.Open(ctx, r.Folder.File(BeforeFile))
	if err != nil {
		return err
	}
	r.onClose(func() error { return r.env.Before.Close() }) // a run that begins anew has another one then
	moves, err := r.Plan.Map()
	if err != nil {
		return errors.Join(err, before.Close())
	}
	r.env = &action.Env{Client: r.Client, Plan: r.Plan, Before: before, Map: moves, Secrets: r.Secrets, Journal: r.journal, Clock: r.Clock, Folder: r.Folder.Path,
		Tell: func(p action.Progress) {
			if step, ok := r.Plan.Find(p.Step); ok {
				r.say(Event{Step: step, State: StepRunning, Progress: &p})
			}
		}}
	return nil
}

// watch passes events on, one at a time and in order, until the run is closed. A step may go on behind that, when Close had no more patience: nobody hears it any more.
func (r *Run) watch() {
	r.events, r.closed = make(chan Event, 256), make(chan struct{})
	watched := make(chan struct{})
	hear := func(e Event) {
		if r.Watch != nil {
			r.Watch(e)
		}
	}
	go func() {
		defer close(watched)
		for {
			select {
			case e := <-r.events:
				hear(e)
			case <-r.closed:
				for range len(r.events) { // what was said before
					hear(<-r.events)
				}
				return
			}
		}
	}()
	r.onClose(func() error { close(r.closed); <-watched; return nil })
}

func (r *Run) say(e Event) {
	e.At = r.Clock.Now()
	select {
	case r.events <- e:
	case <-r.closed:
	}
}

// workflowVersion is that of the durable workflow: a change of the order in which it takes its durable steps needs another one.
const workflowVersion = "1"

// handlePolling is how often the end of a workflow that was taken up is looked for.
const handlePolling = 50 * time.Millisecond

// prepare makes the durable engine ready. Its executor is the run itself: whoever opens the run takes up what the last process left (D4). Its version is the process's own: see claim.
func (r *Run) prepare(ctx context.Context) error {
	log, err := os.OpenFile(r.Folder.File("run.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return errs.Wrap(errs.Unavailable, "RunFolder", err, "open the log of the run").At(r.Folder.Path)
	}
	r.onClose(log.Close)
	config := dbos.Config{AppName: "amlmove", ExecutorID: r.key, ApplicationVersion: workflowVersion + "-" + r.key + "-" + r.journal.me,
		Logger: slog.New(slog.NewTextHandler(io.Writer(log), &slog.HandlerOptions{Level: slog.LevelWarn}))}
	r.Database.configure(&config)
	// The engine's own life ends with Close: a person who stops a run wants its requests brought to their answers.
	err = r.Database.alone(ctx, func() (err error) { // it makes its tables
		r.flow, err = dbos.NewContext(context.WithoutCancel(ctx), config)
		return err
	})
	if err != nil {
		return databaseError(err, r.ID)
	}
	dbos.RegisterWorkflow(r.flow, r.forward, dbos.WithWorkflowName("forward"), dbos.WithMaxRecoveryAttempts(1_000_000))
	dbos.RegisterWorkflow(r.flow, r.backward, dbos.WithWorkflowName("backward"), dbos.WithMaxRecoveryAttempts(1_000_000))
	r.onClose(func() error { return dbos.Shutdown(r.flow, r.Patience) })
	return nil
}

// launch starts the durable engine, which at once takes up what the last process left unended: of that, only the attempt in hand.
func (r *Run) launch(attempt string) error {
	if r.launched {
		return nil
	}
	if err := r.claim(attempt); err != nil {
		return databaseError(err, r.ID)
	}
	if err := dbos.Launch(r.flow); err != nil {
		return databaseError(err, r.ID)
	}
	r.launched = true
	return nil
}

// claim takes what earlier processes left unended out of their hands: one of them may live on without its session, and its engine looks for work as ours does. The attempt in hand is stamped
// with the version that only this process's engine listens for; nothing that it has done is forgotten. The others are given up: one of the other direction, and one whose end is in the journal
// and did not reach the engine.
func (r *Run) claim(attempt string) error {
	pending, err := dbos.ListWorkflows(r.flow, dbos.WithFilterStatus(dbos.WorkflowStatusPending, dbos.WorkflowStatusEnqueued), dbos.WithFilterWorkflowIDPrefix(r.key+"/"))
	for _, flow := range pending {
		if err == nil { // what runs cannot be stamped: it is stopped before (killed in between, it is given up, and another attempt goes on)
			err = dbos.CancelWorkflow(r.flow, flow.ID)
		}
		if err == nil && flow.ID == attempt {
			_, err = dbos.RewindWorkflow[verdict](r.flow, attempt, dbos.WithRewindStartStep(allSteps), dbos.WithRewindApplicationVersion(r.flow.GetApplicationVersion()))
		}
	}
	return err
}

// allSteps is behind the last step that a workflow can have.
const allSteps = math.MaxInt32

// order is the input of a workflow.
type order struct {
	Attempt int
}

// verdict is its output.
type verdict struct {
	State  State
	Reason string
}

// flowID is the id of an attempt's workflow.
func (r *Run) flowID(direction string, attempt int) string {
	return fmt.Sprintf("%s/%s/%d", r.key, direction, attempt)
}

// drive runs a workflow, or takes up one that was interrupted, and waits for its end.
func (r *Run) drive(ctx context.Context, direction string, flow func(dbos.Context, order) (verdict, error), attempt int) (verdict, error) {
	id := r.flowID(direction, attempt)
	r.proofs.forget()
	if err := r.launch(id); err != nil {
		return verdict{}, err
	}
	handle, err := dbos.RunWorkflow(r.flow, flow, order{attempt}, dbos.WithWorkflowID(id))
	if err != nil {
		return verdict{}, databaseError(err, r.ID)
	}
	type end struct {
		verdict
		err error
	}
	ended := make(chan end, 1)
	go func() {
		v, err := handle.GetResult(dbos.WithHandlePollingInterval(handlePolling))
		ended <- end{v, err}
	}()
	select {
	case e := <-ended:
		return e.verdict, e.err
	case <-ctx.Done():
		// The workflow stays pending and is taken up by the next process that opens the run.
		return verdict{}, errs.Wrap(errs.Canceled, "RunStopped", ctx.Err(), "the run %s was stopped at a safe point", r.ID).Advise("amlmove resume %s goes on; amlmove rollback %s goes back, while that is possible", r.ID, r.ID)
	}
}
