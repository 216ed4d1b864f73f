package move

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// Role actions of the two verbs (arm-move 4).
const (
	moveAction     = "Microsoft.Resources/subscriptions/resourceGroups/moveResources/action"
	validateAction = "Microsoft.Resources/subscriptions/resourceGroups/validateMoveResources/action"
)

// Kinds of operation, which are also the names of their durations on the clock: how long the checks and the move itself take.
const (
	OpValidate = "move.validate"
	OpMove     = "move.move"
)

// noContent is the status of both verbs when they end well.
const noContent = http.StatusNoContent

// mover carries out the two verbs.
type mover struct {
	engine *control.Engine
	faults Faults
}

// Register adds the two verbs to the engine and returns the handlers of their operations. faults may be nil: then nothing goes wrong by intent.
func Register(engine *control.Engine, faults Faults) map[string]operation.Handler {
	m := &mover{engine, faults}
	engine.AddGroupAction("validateMoveResources", control.GroupAction{Permission: validateAction, Do: m.requestValidate})
	engine.AddGroupAction("moveResources", control.GroupAction{Permission: moveAction, Do: m.requestMove})
	return map[string]operation.Handler{OpValidate: m.validate, OpMove: m.move, OpMove + operation.GivenUp: m.abandon}
}

// requestValidate begins a validation. It changes nothing and locks nothing.
func (m *mover) requestValidate(ctx context.Context, req *control.Request) (control.Response, error) {
	return m.request(ctx, req, OpValidate)
}

// requestMove begins a move: from now on both groups are locked (arm-move 3).
func (m *mover) requestMove(ctx context.Context, req *control.Request) (control.Response, error) {
	return m.request(ctx, req, OpMove)
}

func (m *mover) request(ctx context.Context, req *control.Request, kind string) (control.Response, error) {
	o, err := parseOrder(req.Target.ID, req.Body)
	if err != nil {
		return control.Response{}, err
	}
	var op store.Operation
	err = m.engine.Update(ctx, func(tx store.Tx, st *control.State) error {
		p, err := m.accept(ctx, tx, st, req, o)
		if err != nil {
			return err
		}
		now := m.engine.Clock.Now()
		if kind == OpMove {
			if err := m.lock(ctx, tx, now, p); err != nil {
				return err
			}
		}
		op, err = operation.New(kind, now, m.engine.Clock.Duration(OpValidate),
			input{wire: o.wire(), Source: o.Source.String(), ClientID: req.Caller.ClientID, Tracking: uuid.NewString()})
		if err != nil {
			return err
		}
		op.Tenant, op.Subscription, op.Principal, op.Correlation = req.Caller.TenantID, o.Source.Subscription(), req.Caller.ObjectID, req.Correlation
		op.Node = p.Source.Node.ID
		return tx.PutOperation(ctx, op)
	})
	if err != nil {
		return control.Response{}, err
	}
	return m.accepted(op), nil
}

// lock flags both groups. Whoever writes in a group holds it shared; so this waits for writes under way and later ones see the flag.
func (m *mover) lock(ctx context.Context, tx store.Tx, now time.Time, p place) error {
	held, err := tx.Hold(ctx, store.Exclusive, p.Source.Node.ID, p.Target.Node.ID)
	if err != nil {
		return err
	}
	for _, group := range held {
		if group.Flag != "" {
			return control.BeingMoved(group.Name)
		}
		group.Flag, group.Changed = control.GroupMoving, now
		if err := tx.Save(ctx, group); err != nil {
			return err
		}
	}
	return tx.Bump(ctx) // the flag of a group is remembered with its place
}

// unlock takes the flag of a move off groups.
func (m *mover) unlock(ctx context.Context, tx store.Tx, now time.Time, groups ...store.ID) error {
	held, err := tx.Hold(ctx, store.Exclusive, groups...)
	if err != nil {
		return fmt.Errorf("unlock the groups of a move: %w", err)
	}
	for _, group := range held {
		if group.Flag != control.GroupMoving { // whoever flagged it meanwhile takes it off
			continue
		}
		group.Flag, group.Changed = "", now
		if err := tx.Save(ctx, group); err != nil {
			return err
		}
	}
	return tx.Bump(ctx)
}

// work is one operation of this package, read back.
type work struct {
	in     input
	order  order
	groups place
}

// resume reads an operation back. Its groups exist while it runs: a locked group cannot be deleted, and a validation says what it misses.
func (m *mover) resume(ctx context.Context, r store.Reader, op *store.Operation) (work, error) {
	var w work
	if err := json.Unmarshal(op.Input, &w.in); err != nil {
		return w, fmt.Errorf("read the input of the move %s: %w", op.ID, err)
	}
	source, err := arm.Parse(w.in.Source)
	if err != nil {
		return w, err
	}
	w.order.Source = source
	if w.order.Target, err = arm.Parse(w.in.TargetResourceGroup); err != nil {
		return w, err
	}
	if err := w.order.addResources(w.in.Resources); err != nil {
		return w, err
	}
	if w.groups.Source, err = m.engine.Tree.Resolve(ctx, r, w.order.Source); err != nil {
		return w, control.Explain(err, w.order.Source)
	}
	w.groups.Target, err = m.engine.Tree.Resolve(ctx, r, w.order.Target)
	return w, control.Explain(err, w.order.Target)
}

// validate ends a validation: 204 or 409. A fault may hold it up in between.
func (m *mover) validate(ctx context.Context, tx store.Tx, op *store.Operation, now time.Time) error {
	w, err := m.resume(ctx, tx, op)
	if err == nil && w.in.Fate == nil {
		if err = m.check(ctx, tx, op, w, now); err == nil {
			err = m.decide(ctx, tx, op, &w, now)
		}
		if end, later := w.until(op.Due, now); err == nil && later {
			return postpone(op, w, end)
		}
	}
	if err != nil {
		return m.end(op, now, err)
	}
	conclude(op, w, now)
	return nil
}

// end ends an operation with what the checks said. What is no verdict rolls the operation back.
func (m *mover) end(op *store.Operation, now time.Time, err error) error {
	verdict := errs.As(err)
	if verdict == nil || verdict.Kind == errs.Internal || errs.Retryable(err) {
		return err
	}
	operation.Fail(op, now, verdict, http.StatusConflict)
	return nil
}

// move goes through its phases: the checks, then the move in one transaction, and the end. Between them time passes on the cloud's clock.
func (m *mover) move(ctx context.Context, tx store.Tx, op *store.Operation, now time.Time) error {
	w, err := m.resume(ctx, tx, op)
	if err != nil {
		return err // the groups of a move exist while it runs: this is no verdict
	}
	if w.in.Fate != nil && w.in.Fate.Carried {
		return m.finish(ctx, tx, op, w, now)
	}
	// Nothing can change in locked groups, but policies, registrations and soft-deleted names can: the last look is in the transaction of the move.
	if err = m.check(ctx, tx, op, w, now); err == nil {
		err = m.decide(ctx, tx, op, &w, now)
	}
	if err != nil {
		if unlockErr := m.unlock(ctx, tx, now, w.groups.Source.Node.ID, w.groups.Target.Node.ID); unlockErr != nil {
			return unlockErr
		}
		return m.end(op, now, err)
	}
	if takes := m.engine.Clock.Duration(OpMove); !w.in.Validated && takes > 0 {
		w.in.Validated = true
		return postpone(op, w, op.Due.Add(takes)) // from when it was due: a clock that leaps over several phases finds each at its time
	}
	if err := m.carryOver(ctx, tx, w.travelling(), now); err != nil {
		return err
	}
	if end, later := w.until(op.Due, now); later {
		w.in.Fate.Carried = true
		return postpone(op, w, end)
	}
	return m.finish(ctx, tx, op, w, now)
}

// abandon unlocks the groups of a move that was given up, as far as they can be found.
func (m *mover) abandon(ctx context.Context, tx store.Tx, op *store.Operation, now time.Time) error {
	groups := []store.ID{op.Node}
	var in input
	if json.Unmarshal(op.Input, &in) == nil {
		if target, err := arm.Parse(in.TargetResourceGroup); err == nil {
			found, err := m.engine.Tree.Resolve(ctx, tx, target)
			if err != nil && !errs.Is(err, errs.NotFound) {
				return err
			}
			if err == nil {
				groups = append(groups, found.Node.ID)
			}
		}
	}
	slices.Sort(groups) // as Hold takes them
	for _, group := range groups {
		if err := m.unlock(ctx, tx, now, group); err != nil && !errs.Is(err, errs.NotFound) { // what is gone holds nothing, and nothing of the other one
			return err
		}
	}
	return nil
}

// finish unlocks both groups and ends a move.
func (m *mover) finish(ctx context.Context, tx store.Tx, op *store.Operation, w work, now time.Time) error {
	if err := m.unlock(ctx, tx, now, w.groups.Source.Node.ID, w.groups.Target.Node.ID); err != nil {
		return err
	}
	conclude(op, w, now)
	return nil
}

// found reads a resource of an order with its document.
func (m *mover) found(ctx context.Context, r store.Reader, id arm.ID) (tree.Found, tree.Document, error) {
	found, err := m.engine.Tree.Resolve(ctx, r, id)
	if err != nil {
		return found, tree.Document{}, err
	}
	doc, err := m.engine.Tree.Decode(ctx, r, found)
	return found, doc, err
}
