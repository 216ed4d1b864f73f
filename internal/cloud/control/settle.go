package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// Kinds of operation that this package carries out.
const (
	opSettle   = "resource.settle"
	opDelete   = "resource.delete"
	opRegister = "provider.register"
	opGroup    = "group.delete"
)

// Handlers are the operations of this package by kind.
func (e *Engine) Handlers() map[string]operation.Handler {
	return map[string]operation.Handler{
		opSettle: e.settle, opDelete: e.finishDelete, opRegister: e.finishRegister, opGroup: e.finishGroupDelete,
		opDelete + operation.GivenUp: e.abandonDelete, opGroup + operation.GivenUp: e.abandonGroupDelete,
		opRegister + operation.GivenUp: e.abandonRegister,
	}
}

// settleInput is what a settle operation remembers.
type settleInput struct {
	Cause  string          `json:"cause"`
	Caller identity.Caller `json:"caller"`
	Result json.RawMessage `json:"result,omitempty"` // of an action; a PUT answers with the document
}

// begin writes an operation on a node and fills the response's headers.
func (e *Engine) begin(ctx context.Context, tx store.Tx, req *Request, resp *Response, kind, duration string, on store.ID, entry *provider.Type, location string, input any) error {
	op, err := operation.New(kind, e.now(), e.Clock.Duration(duration), input)
	if err != nil {
		return err
	}
	op.Tenant, op.Principal, op.Correlation = req.Caller.TenantID, req.Caller.ObjectID, req.Correlation
	op.Subscription, op.Node = req.Target.ID.Subscription(), on
	if err := tx.PutOperation(ctx, op); err != nil {
		return err
	}
	if resp != nil {
		e.Announce(resp, op, entry.Name.Namespace(), location, req.APIVersion())
	}
	return nil
}

// Announce fills the headers by which a client follows an operation of a resource provider.
func (e *Engine) Announce(resp *Response, op store.Operation, namespace, location, version string) {
	if location == "" {
		location = global
	}
	base := fmt.Sprintf("%s/subscriptions/%s/providers/%s/locations/%s", e.Base(), op.Subscription, namespace, provider.Region(location))
	resp.Async = fmt.Sprintf("%s/operationsStatus/%s?api-version=%s", base, op.ID, version)
	resp.Location = fmt.Sprintf("%s/operationResults/%s?api-version=%s", base, op.ID, version)
	resp.RetryAfter = e.Clock.RetryAfter(op.Due)
}

// settle ends what a PUT, a PATCH, an action or a timer began.
func (e *Engine) settle(ctx context.Context, tx store.Tx, op *store.Operation, now time.Time) error {
	var input settleInput
	if err := json.Unmarshal(op.Input, &input); err != nil {
		return fmt.Errorf("read the input of operation %s: %w", op.ID, err)
	}
	found, err := e.held(ctx, tx, op.Node)
	if errs.Is(err, errs.NotFound) {
		operation.Fail(op, now, errs.New(errs.NotFound, "ResourceNotFound", "The resource was deleted before the operation ended."), 404)
		return nil
	}
	if err != nil {
		return err
	}
	if found.Node.Flag == provider.Deleting {
		operation.Fail(op, now, superseded(found.ID()), 409)
		return nil
	}
	st, err := e.StateOf(ctx, tx) // behind the hold, which told the generation
	if err != nil {
		return err
	}
	call, err := e.callOn(ctx, tx, tx, st, found, input.Caller, now)
	if err != nil {
		return err
	}
	if call.Type.Settle != nil {
		if err := call.Type.Settle(call, input.Cause); err != nil {
			return e.settleFailed(ctx, call, op, now, err)
		}
	} else if call.Type.Stateful {
		tree.Set(call.Doc.Public, "properties.provisioningState", "Succeeded")
		call.Changed = true
	}
	if call.Changed {
		if err := e.save(ctx, tx, call); err != nil {
			return err
		}
	}
	if err := e.startTimers(ctx, tx, call); err != nil {
		return err
	}
	body := []byte(input.Result)
	if len(body) == 0 && (input.Cause == "put" || input.Cause == "patch") {
		if body, err = e.render(ctx, tx, call.Found, call.Type, call.Caller); err != nil {
			return err
		}
	}
	operation.Finish(op, now, http.StatusOK, body) // without a body too: no operation of a resource describes 204, only deletion does
	return nil
}

// held finds the node that an operation works on and keeps others from it until the transaction ends: what is read is what is written back, with
// nothing of anybody else in between.
func (e *Engine) held(ctx context.Context, tx store.Tx, id store.ID) (tree.Found, error) {
	if _, err := tx.Hold(ctx, store.Exclusive, id); err != nil {
		return tree.Found{}, err
	}
	return e.Tree.FindNode(ctx, tx, id)
}

// settleFailed ends an operation with the error that a behaviour gave; the resource says Failed.
func (e *Engine) settleFailed(ctx context.Context, call *provider.Call, op *store.Operation, now time.Time, cause error) error {
	trouble := errs.As(cause)
	if trouble == nil || trouble.Kind == errs.Internal || errs.Retryable(cause) {
		return cause
	}
	if call.Type.Stateful {
		tree.Set(call.Doc.Public, "properties.provisioningState", "Failed")
		if err := e.save(ctx, call.Tx, call); err != nil {
			return err
		}
	}
	operation.Fail(op, now, trouble, 409)
	return nil
}

// callOn makes a Call on an existing resource. st is nil where nothing else can go along with it.
func (e *Engine) callOn(ctx context.Context, r store.Reader, tx store.Tx, st *State, found tree.Found, caller identity.Caller, now time.Time) (*provider.Call, error) {
	id := found.ID()
	entry, err := e.Types.Find(id.Type())
	if err != nil {
		return nil, err
	}
	doc, err := e.Tree.Decode(ctx, r, found)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", id, err)
	}
	old := doc.Copy()
	call := &provider.Call{
		Ctx: ctx, Read: r, Tx: tx, Tree: e.Tree, Types: e.Types, Now: now, Caller: caller, Base: e.Base(), Tenant: caller.TenantID,
		ID: id, Type: entry, Found: found, Old: &old, Doc: doc, Flag: found.Node.Flag,
	}
	if st != nil {
		call.Unlocked = st.unlockedItself
	}
	return call, nil
}

// save writes the document of a call back to its node.
func (e *Engine) save(ctx context.Context, tx store.Tx, call *provider.Call) error {
	node := call.Found.Node
	node.Flag, node.Changed, node.ETag = call.Flag, call.Now, provider.NewETag()
	if err := e.Tree.Encode(ctx, tx, &node, call.ID, call.Doc.Over(call.Old), call.Type.Refs); err != nil {
		return fmt.Errorf("write %s: %w", call.ID, err)
	}
	if err := tx.Save(ctx, node); err != nil {
		return err
	}
	call.Found.Node = node
	call.Found.Chain = append(append([]store.Node{}, call.Found.Chain[:len(call.Found.Chain)-1]...), node)
	return nil
}

// startTimers writes the operations that a behaviour asked for with After.
func (e *Engine) startTimers(ctx context.Context, tx store.Tx, call *provider.Call) error {
	for _, timer := range call.Timers() {
		op, err := operation.New(opSettle, e.now(), e.Clock.Duration(timer.After), settleInput{Cause: timer.Cause, Caller: call.Caller})
		if err != nil {
			return err
		}
		op.Tenant, op.Subscription, op.Principal, op.Node = call.Tenant, call.ID.Subscription(), call.Caller.ObjectID, call.Found.Node.ID
		if err := tx.PutOperation(ctx, op); err != nil {
			return err
		}
	}
	return nil
}

// operationStatus answers the two URLs by which clients follow an operation (arm-move 1.1, client-wire 5.3). An operation of another
// subscription or tenant is not found.
func (e *Engine) operationStatus(ctx context.Context, req *Request, id string, result bool) (Response, error) {
	var op store.Operation
	err := e.View(ctx, func(r store.Reader, st *State) error {
		var err error
		if op, err = r.Operation(ctx, id); err != nil {
			return err
		}
		if !strings.EqualFold(op.Subscription, req.Target.ID.Subscription()) || !strings.EqualFold(op.Tenant, req.Caller.TenantID) {
			return errs.New(errs.NotFound, "OperationNotFound", "another subscription's")
		}
		return nil
	})
	if errs.Is(err, errs.NotFound) {
		return Response{}, errs.New(errs.NotFound, "OperationNotFound", "The operation with id '%s' could not be found.", id)
	}
	if err != nil {
		return Response{}, err
	}
	if result {
		return e.operationResult(op), nil
	}
	return e.operationDocument(op, arm.ID(req.Target.ID).String())
}

// operationResult answers the Location URL: 202 while it runs, then the final status and body. The server repeats the URL itself as Location.
func (e *Engine) operationResult(op store.Operation) Response {
	if op.Running() {
		return Response{Status: 202, Location: "self", RetryAfter: e.Clock.RetryAfter(op.Due)}
	}
	return Response{Status: op.Status, Body: op.Result}
}

// operationDocument answers the Azure-AsyncOperation URL: always 200, the state in the body.
func (e *Engine) operationDocument(op store.Operation, id string) (Response, error) {
	doc := map[string]any{"id": id, "name": op.ID, "status": "InProgress", "startTime": op.Created.Format(time.RFC3339Nano)}
	retry := e.Clock.RetryAfter(op.Due)
	if !op.Running() {
		retry = 0
		doc["endTime"], doc["status"], doc["percentComplete"] = op.Ended.Format(time.RFC3339Nano), "Succeeded", 100
		if op.Status >= 300 {
			var failed struct {
				Error json.RawMessage `json:"error"`
			}
			if err := json.Unmarshal(op.Result, &failed); err != nil {
				return Response{}, fmt.Errorf("read the result of operation %s: %w", op.ID, err)
			}
			doc["status"], doc["error"] = "Failed", failed.Error
		} else if len(op.Result) > 0 {
			doc["properties"] = json.RawMessage(op.Result)
		}
	}
	body, err := json.Marshal(doc)
	return Response{Status: 200, Body: body, RetryAfter: retry}, err
}
