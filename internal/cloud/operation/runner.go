package operation

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// Handler carries out one due operation inside the transaction that holds it. It ends the operation with Finish or Fail, or sets a later Due to
// be called again; an operation that is neither ended nor later is a defect. An error rolls everything back and the operation is tried again.
type Handler func(ctx context.Context, tx store.Tx, op *store.Operation, now time.Time) error

// Runner carries out due operations on one node of the cloud.
type Runner struct {
	store    store.Store
	clock    *Clock
	handlers map[string]Handler
	log      *slog.Logger
	wake     chan struct{}
}

// NewRunner returns a runner over the handlers by operation kind.
func NewRunner(s store.Store, clock *Clock, handlers map[string]Handler, log *slog.Logger) *Runner {
	return &Runner{store: s, clock: clock, handlers: handlers, log: log, wake: make(chan struct{}, 1)}
}

// Wake tells the runner that there may be something to do now. It never blocks.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// The runner looks again at least so often: another node may have written an operation or changed the clock.
const (
	pollInterval    = time.Second
	failureInterval = 200 * time.Millisecond
)

// Run works until the context ends.
func (r *Runner) Run(ctx context.Context) {
	for ctx.Err() == nil {
		wait := r.next(ctx)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// next carries out what is due and says how long to wait for the next. It looks before it writes: an idle cloud writes nothing.
func (r *Runner) next(ctx context.Context) time.Duration {
	for ctx.Err() == nil {
		wait, err := r.wait(ctx)
		if err == nil && wait > 0 {
			return wait
		}
		done := false
		if err == nil {
			done, err = r.RunDue(ctx)
		}
		if err != nil && ctx.Err() == nil {
			r.log.Error("operation", "error", err)
		}
		if err != nil || !done { // trouble, or another node holds what is due
			return failureInterval
		}
	}
	return failureInterval
}

// wait is how long it is until something is due; zero when something is.
func (r *Runner) wait(ctx context.Context) (time.Duration, error) {
	wait := pollInterval
	err := r.store.View(ctx, func(tx store.Reader) error {
		wait = pollInterval
		if err := r.clock.Load(ctx, tx); err != nil {
			return err
		}
		due, some, err := tx.NextDue(ctx)
		if err != nil || !some {
			return err
		}
		if until, comes := r.clock.until(due); comes {
			wait = min(wait, until)
		}
		return nil
	})
	return wait, err
}

// RunDue carries out one due operation and reports whether there was one. An operation whose handler fails for a reason that will not pass ends
// as failed: left alone it would stand before all others for ever.
func (r *Runner) RunDue(ctx context.Context) (bool, error) {
	done, failing := false, ""
	err := r.store.Update(ctx, func(tx store.Tx) error {
		done, failing = false, ""
		now := r.clock.Now()
		op, err := tx.ClaimOperation(ctx, now)
		if errs.Is(err, errs.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		failing = op.ID
		if err := r.carryOut(ctx, tx, &op, now); err != nil {
			return fmt.Errorf("operation %s (%s): %w", op.ID, op.Kind, err)
		}
		done = true
		return tx.PutOperation(ctx, op)
	})
	if err == nil || failing == "" || errs.Retryable(err) || ctx.Err() != nil {
		return done && err == nil, err
	}
	r.log.Error("operation failed for good", "error", err)
	return true, r.giveUp(ctx, failing, err)
}

// GivenUp behind the kind of an operation names the handler that is called when one of that kind has been given up, in the transaction that ends it: to
// free what the operation kept from others.
const GivenUp = "!given up"

// giveUp ends an operation that cannot be carried out.
func (r *Runner) giveUp(ctx context.Context, id string, cause error) error {
	err := r.end(ctx, id, cause, true)
	if err != nil && !errs.Retryable(err) && ctx.Err() == nil {
		r.log.Error("operation given up, and what it held is not free", "id", id, "error", err)
		return r.end(ctx, id, cause, false)
	}
	return err
}

// end ends an operation as failed, unless another node holds it: that one may have been luckier.
func (r *Runner) end(ctx context.Context, id string, cause error, free bool) error {
	return r.store.Update(ctx, func(tx store.Tx) error {
		now := r.clock.Now()
		op, err := tx.ClaimOperation(ctx, now)
		if errs.Is(err, errs.NotFound) || err == nil && op.ID != id {
			return nil
		}
		if err != nil {
			return err
		}
		failFor(&op, now, cause)
		if handler := r.handlers[op.Kind+GivenUp]; free && handler != nil {
			if err := handler(ctx, tx, &op, now); err != nil {
				return err
			}
		}
		return tx.PutOperation(ctx, op)
	})
}

// failFor ends an operation that cannot be carried out: its poller reads what a service says against it, and nothing of what broke.
func failFor(op *store.Operation, now time.Time, cause error) {
	if verdict := errs.As(cause); verdict != nil && verdict.Kind == errs.Conflict {
		Fail(op, now, verdict, 409)
		return
	}
	Fail(op, now, errs.New(errs.Internal, "InternalServerError", "The operation '%s' could not be carried out. See the log of the cloud.", op.ID), 500)
}

// carryOut calls the handler. A handler that is missing or panics ends the operation as failed: it would fail again for ever.
func (r *Runner) carryOut(ctx context.Context, tx store.Tx, op *store.Operation, now time.Time) (err error) {
	defer func() {
		if trouble := recover(); trouble != nil {
			r.log.Error("operation panicked", "kind", op.Kind, "id", op.ID, "panic", trouble)
			err = errs.New(errs.Internal, "InternalServerError", "the operation %s panicked", op.ID)
		}
	}()
	handler := r.handlers[op.Kind]
	if handler == nil {
		Fail(op, now, errs.New(errs.Unsupported, "NotImplemented", "operations of kind %q are not built in this version", op.Kind), 501)
		return nil
	}
	before := op.Due
	if err := handler(ctx, tx, op, now); err != nil {
		return err
	}
	if op.Running() && !op.Due.After(before) {
		return errs.New(errs.Internal, "OperationStuck", "the handler of %q neither ended nor postponed operation %s", op.Kind, op.ID)
	}
	return nil
}

// New returns an operation that is due after a time on the clock.
func New(kind string, now time.Time, after time.Duration, input any) (store.Operation, error) {
	data, err := json.Marshal(input)
	if err != nil {
		return store.Operation{}, fmt.Errorf("encode the input of a %s operation: %w", kind, err)
	}
	return store.Operation{ID: uuid.NewString(), Kind: kind, Input: data, Created: now, Due: now.Add(after)}, nil
}

// Finish ends an operation well.
func Finish(op *store.Operation, now time.Time, status int, body []byte) {
	op.Ended, op.Status, op.Result = now, status, body
}

// Fail ends an operation with an error that its poller will read.
func Fail(op *store.Operation, now time.Time, trouble *errs.Error, status int) {
	body, _ := json.Marshal(arm.ErrorDocument{Error: arm.NewErrorBody(trouble)}) // strings only: cannot fail
	Finish(op, now, status, body)
}
