package control

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// superseded is how an operation ends whose resource is being deleted meanwhile: the deletion came later and wins. The words are those of Azure's network services.
func superseded(id arm.ID) *errs.Error {
	return errs.New(errs.Conflict, "CanceledAndSupersededDueToAnotherOperation",
		"The operation was canceled and superseded by the deletion of '%s'.", id).At(id.String())
}

// abandonDelete frees a resource whose deletion was given up: it says Failed and can be written and deleted again.
func (e *Engine) abandonDelete(ctx context.Context, tx store.Tx, op *store.Operation, now time.Time) error {
	var input settleInput
	if err := json.Unmarshal(op.Input, &input); err != nil {
		return fmt.Errorf("read the input of operation %s: %w", op.ID, err)
	}
	found, err := e.held(ctx, tx, op.Node)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if another, err := e.deletedAgain(ctx, tx, op); err != nil || another {
		return err
	}
	call, err := e.callOn(ctx, tx, tx, nil, found, input.Caller, now)
	if err != nil {
		return err
	}
	call.Flag = ""
	if call.Type.Stateful {
		tree.Set(call.Doc.Public, "properties.provisioningState", "Failed")
	}
	return e.saveFlag(ctx, tx, call)
}

// deletedAgain reports whether another deletion of the same resource has not ended.
func (e *Engine) deletedAgain(ctx context.Context, tx store.Tx, op *store.Operation) (bool, error) {
	running, err := tx.RunningOn(ctx, op.Node, 1000)
	return slices.ContainsFunc(running, func(o store.Operation) bool { return o.Kind == opDelete && o.ID != op.ID }), err
}

// deletionOf returns the operation that deletes a group, or nil.
func (e *Engine) deletionOf(ctx context.Context, tx store.Tx, group store.Node) (*store.Operation, error) {
	if group.Flag != provider.Deleting {
		return nil, nil
	}
	running, err := tx.RunningOn(ctx, group.ID, 1000)
	for _, op := range running {
		if op.Kind == opGroup {
			return &op, nil
		}
	}
	return nil, err
}

// abandonGroupDelete frees a group whose deletion was given up, with all that is still in it.
func (e *Engine) abandonGroupDelete(ctx context.Context, tx store.Tx, op *store.Operation, now time.Time) error {
	held, err := tx.Hold(ctx, store.Exclusive, op.Node)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	held[0].Flag, held[0].Changed = "", now
	return tx.Save(ctx, held[0])
}

// saveFlag writes a resource whose flag says from now on that it is being deleted, or no longer: whoever remembers it as what stands above another one looks again.
func (e *Engine) saveFlag(ctx context.Context, tx store.Tx, call *provider.Call) error {
	if len(call.ID) <= tree.Structural {
		if err := tx.Bump(ctx); err != nil { // first: nobody may remember what is written here before it is committed
			return err
		}
	}
	return e.save(ctx, tx, call)
}
