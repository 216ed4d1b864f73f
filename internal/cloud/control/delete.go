package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/access"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// delete removes a resource, at once or by an operation.
func (e *Engine) delete(ctx context.Context, req *Request, entry *provider.Type) (Response, error) {
	if entry.NoDelete {
		return Response{}, notAllowed(req.Method, entry.Name)
	}
	var resp Response
	err := e.Update(ctx, func(tx store.Tx, st *State) error {
		resp = Response{}
		return e.deleteIn(ctx, tx, st, req, entry, &resp)
	})
	return resp, err
}

func (e *Engine) deleteIn(ctx context.Context, tx store.Tx, st *State, req *Request, entry *provider.Type, resp *Response) error {
	id := req.Target.ID
	if err := st.Admit(req, string(entry.Name)+"/delete", id); err != nil {
		return err
	}
	if err := e.holdGroup(ctx, tx, id); err != nil {
		return err
	}
	found, err := e.Tree.Resolve(ctx, tx, id)
	if errs.Is(err, errs.NotFound) {
		resp.Status = http.StatusNoContent
		return e.deleteMissing(ctx, tx, st, req, entry)
	}
	if err != nil {
		return err
	}
	if err := st.unlocked(id, access.Delete); err != nil {
		return err
	}
	if found, err = e.held(ctx, tx, found.Node.ID); errs.Is(err, errs.NotFound) { // somebody else was quicker
		resp.Status = http.StatusNoContent
		return nil
	} else if err != nil {
		return err
	}
	if err := precondition(req, id, found.Node.ETag); err != nil {
		return err
	}
	call, err := e.callOn(ctx, tx, tx, st, found, req.Caller, e.now())
	if err != nil {
		return err
	}
	call.Query = req.Query
	call.MayDelete = func(on arm.ID) error {
		action := string(on.Type()) + "/delete"
		if !st.Allowed(req.Caller.ObjectID, action, on) {
			return access.Forbidden(req.Caller.Client(), req.Caller.ObjectID, action, on.String())
		}
		return st.unlocked(on, access.Delete)
	}
	if entry.Delete != nil {
		if err := entry.Delete(call); err != nil {
			return err
		}
	}
	if !entry.AsyncDelete {
		if resp.Status = entry.Deleted; resp.Status == 0 {
			resp.Status = http.StatusOK
		}
		return call.Leave()
	}
	call.Flag = provider.Deleting
	if entry.Stateful {
		tree.Set(call.Doc.Public, "properties.provisioningState", "Deleting")
	}
	if err := e.saveFlag(ctx, tx, call); err != nil {
		return err
	}
	resp.Status = http.StatusAccepted
	duration := strings.ToLower(entry.Kind() + ".delete")
	return e.begin(ctx, tx, req, resp, opDelete, duration, found.Node.ID, entry, call.Location(), settleInput{Cause: "delete", Caller: req.Caller})
}

// deleteMissing tells a type that something was to be deleted that is not there.
func (e *Engine) deleteMissing(ctx context.Context, tx store.Tx, st *State, req *Request, entry *provider.Type) error {
	if entry.Missing == nil {
		return nil
	}
	parent, err := e.Tree.Resolve(ctx, tx, req.Target.ID.Parent())
	if err != nil {
		return nil // nor is its parent: nothing to do
	}
	call := e.newCall(ctx, tx, tx, st, req, req.Target.ID, entry)
	call.Found = parent
	return entry.Missing(call)
}

// finishDelete ends the deletion of a resource.
func (e *Engine) finishDelete(ctx context.Context, tx store.Tx, op *store.Operation, now time.Time) error {
	var input settleInput
	if err := json.Unmarshal(op.Input, &input); err != nil {
		return fmt.Errorf("read the input of operation %s: %w", op.ID, err)
	}
	found, err := e.held(ctx, tx, op.Node)
	if errs.Is(err, errs.NotFound) {
		operation.Finish(op, now, http.StatusNoContent, nil)
		return nil
	}
	if err != nil {
		return err
	}
	st, err := e.StateOf(ctx, tx)
	if err != nil {
		return err
	}
	call, err := e.callOn(ctx, tx, tx, st, found, input.Caller, now)
	if err != nil {
		return err
	}
	if err := call.Leave(); err != nil {
		return err
	}
	operation.Finish(op, now, http.StatusNoContent, nil)
	return nil
}

// deleteGroup removes a resource group with all in it, as an operation.
func (e *Engine) deleteGroup(ctx context.Context, req *Request) (Response, error) {
	resp := Response{Status: http.StatusAccepted}
	id := req.Target.ID
	err := e.Update(ctx, func(tx store.Tx, st *State) error {
		if err := st.Admit(req, "Microsoft.Resources/subscriptions/resourceGroups/delete", id); err != nil {
			return err
		}
		found, err := e.Tree.Resolve(ctx, tx, id)
		if err != nil {
			return Explain(err, id)
		}
		if err := st.unlocked(id, access.Delete); err != nil {
			return err
		}
		held, err := tx.Hold(ctx, store.Exclusive, found.Node.ID)
		if err != nil {
			return Explain(err, id)
		}
		running, err := e.deletionOf(ctx, tx, held[0])
		if err != nil {
			return err
		}
		if running != nil { // ARM takes a second DELETE and lets it follow the first
			resp.Location, resp.RetryAfter = e.ResultURL(*running), e.Clock.RetryAfter(running.Due)
			return nil
		}
		if err := writableGroup(held[0]); err != nil {
			return err
		}
		if err := precondition(req, id, held[0].ETag); err != nil {
			return err
		}
		held[0].Flag = provider.Deleting
		if err := tx.Save(ctx, held[0]); err != nil {
			return err
		}
		op, err := operation.New(opGroup, e.now(), e.Clock.Duration("resourcegroups.delete"), settleInput{Cause: "delete", Caller: req.Caller})
		if err != nil {
			return err
		}
		op.Tenant, op.Subscription, op.Principal, op.Node, op.Correlation = req.Caller.TenantID, id.Subscription(), req.Caller.ObjectID, held[0].ID, req.Correlation
		resp.Location, resp.RetryAfter = e.ResultURL(op), e.Clock.RetryAfter(op.Due)
		return tx.PutOperation(ctx, op)
	})
	return resp, err
}

// ResultURL is where the result of an operation of ARM itself is read (arm-move 1.1).
func (e *Engine) ResultURL(op store.Operation) string {
	return fmt.Sprintf("%s/subscriptions/%s/operationresults/%s?api-version=2021-04-01", e.Base(), op.Subscription, op.ID)
}

// finishGroupDelete ends the deletion of a group: each resource in it goes as if it were deleted alone, so that soft-deleted names are kept.
func (e *Engine) finishGroupDelete(ctx context.Context, tx store.Tx, op *store.Operation, now time.Time) error {
	var input settleInput
	if err := json.Unmarshal(op.Input, &input); err != nil {
		return fmt.Errorf("read the input of operation %s: %w", op.ID, err)
	}
	group, err := e.held(ctx, tx, op.Node)
	if errs.Is(err, errs.NotFound) {
		operation.Finish(op, now, http.StatusOK, nil)
		return nil
	}
	if err != nil {
		return err
	}
	st, err := e.StateOf(ctx, tx)
	if err != nil {
		return err
	}
	if err := e.goneBelow(ctx, tx, st, group, input.Caller, now); err != nil {
		return err
	}
	if err := provider.Drop(ctx, tx, group); err != nil {
		return err
	}
	operation.Finish(op, now, http.StatusOK, nil)
	return nil
}

// goneBelow tells the resources of a group that have something to do when they go.
func (e *Engine) goneBelow(ctx context.Context, tx store.Tx, st *State, group tree.Found, caller identity.Caller, now time.Time) error {
	r := store.Range{Limit: 200}
	for {
		page, err := tx.Children(ctx, group.Node.ID, r)
		if err != nil {
			return err
		}
		for _, node := range page {
			entry, err := e.Types.Find(arm.Type(node.Type))
			if err != nil || entry.Gone == nil {
				continue // hidden nodes and types without an ending of their own
			}
			held, err := tx.Hold(ctx, store.Exclusive, node.ID)
			if errs.Is(err, errs.NotFound) { // it went along with another one
				continue
			}
			if err != nil {
				return err
			}
			found := tree.Found{Chain: append(append([]store.Node{}, group.Chain...), held[0]), Node: held[0]}
			call, err := e.callOn(ctx, tx, tx, st, found, caller, now)
			if err != nil {
				return err
			}
			if err := entry.Gone(call); err != nil {
				return err
			}
		}
		if len(page) < r.Limit {
			return nil
		}
		r.AfterType, r.AfterName = page[len(page)-1].Type, page[len(page)-1].Name
	}
}
