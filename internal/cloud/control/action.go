package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/access"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// belowResource serves what follows a resource's id without a name: a verb, a special read, or a collection.
func (e *Engine) belowResource(ctx context.Context, req *Request, entry *provider.Type) (Response, error) {
	tail := req.Target.Tail
	word := strings.ToLower(tail.Type)
	if tail.Namespace == "" && !entry.Extension {
		if action, ok := entry.Actions[word]; ok && req.Method == http.MethodPost {
			return e.act(ctx, req, entry, action, "/action")
		}
		if action, ok := entry.Reads[word]; ok && req.Method == http.MethodGet {
			return e.act(ctx, req, entry, action, "/read")
		}
	}
	if tail.Namespace != "" {
		if resp, handled, err := e.scopeRead(ctx, req); handled {
			return resp, err
		}
	}
	typ := entry.Name + arm.Type("/"+tail.Type)
	if tail.Namespace != "" {
		typ = arm.Type(tail.NodeType())
	}
	child, err := e.Types.Find(typ)
	if err != nil {
		if req.Method == http.MethodPost {
			return Response{}, unknownAction(req, entry, err)
		}
		return Response{}, err
	}
	if req.Method != http.MethodGet {
		return Response{}, notAllowed(req.Method, typ)
	}
	if child.Extension {
		return e.listExtensions(ctx, req, child)
	}
	return e.list(ctx, req, child)
}

// unknownAction tells an action that nobody knows from one that is not built: the answer names the path and never pretends (D9).
func unknownAction(req *Request, entry *provider.Type, cause error) error {
	if errs.Is(cause, errs.Unsupported) {
		return cause
	}
	return errs.New(errs.Unsupported, "NotImplemented", "The action '%s' on '%s' (type '%s') is not built in this cloud.",
		req.Target.Tail.NodeType(), req.Target.ID, entry.Name)
}

// act carries out a verb or a special read on a resource.
func (e *Engine) act(ctx context.Context, req *Request, entry *provider.Type, action provider.Action, suffix string) (Response, error) {
	var body map[string]any
	if len(strings.TrimSpace(string(req.Body))) > 0 {
		var err error
		if body, err = tree.ParseObject(req.Body); err != nil {
			return Response{}, err
		}
	}
	permission := action.Permission
	if permission == "" {
		permission = string(entry.Name) + "/" + req.Target.Tail.Type + suffix
	}
	var resp Response
	once := func(r store.Reader, tx store.Tx, st *State) error {
		resp = Response{}
		if err := st.Admit(req, permission, req.Target.ID); err != nil {
			return err
		}
		if suffix == "/action" && !entry.Virtual {
			if err := e.mayAct(ctx, r, tx, st, req); err != nil {
				return err
			}
		}
		call, err := e.actionCall(ctx, r, tx, st, req, entry)
		if action.Absent && errs.Is(err, errs.NotFound) {
			call, err = e.absentCall(ctx, r, tx, st, req, entry)
		}
		if err != nil {
			return err
		}
		if tx != nil && !entry.Virtual {
			if err := provider.NotDeleting(call.Found.Chain); err != nil {
				return err
			}
		}
		call.Body = tree.Clone(body)
		return e.actIn(ctx, call, req, action, &resp)
	}
	if action.Writes || action.Async {
		err := e.Update(ctx, func(tx store.Tx, st *State) error { return once(tx, tx, st) })
		return resp, err
	}
	err := e.View(ctx, func(r store.Reader, st *State) error { return once(r, nil, st) })
	return resp, err
}

// mayAct asks the group and the locks: during a move a workspace cannot be used (S30), and a ReadOnly lock stops POST verbs.
func (e *Engine) mayAct(ctx context.Context, r store.Reader, tx store.Tx, st *State, req *Request) error {
	id := req.Target.ID
	if tx != nil {
		if err := e.holdGroup(ctx, tx, id); err != nil {
			return err
		}
	} else if id.GroupID() != nil {
		group, err := e.Tree.Resolve(ctx, r, id.GroupID())
		if err != nil {
			return Explain(err, id)
		}
		if err := writableGroup(group.Node); err != nil {
			return err
		}
	}
	return st.unlocked(id, access.Write)
}

// actionCall makes the Call of a verb: on a resource, or on a virtual path of a subscription.
func (e *Engine) actionCall(ctx context.Context, r store.Reader, tx store.Tx, st *State, req *Request, entry *provider.Type) (*provider.Call, error) {
	id := req.Target.ID
	if entry.Virtual {
		found, err := e.Tree.Resolve(ctx, r, id[:1])
		if err != nil {
			return nil, Explain(err, id)
		}
		call := e.newCall(ctx, r, tx, st, req, id, entry)
		call.Found = found
		return call, nil
	}
	found, err := e.Tree.Resolve(ctx, r, id)
	if err != nil {
		return nil, Explain(err, id)
	}
	if tx != nil {
		held, err := tx.Hold(ctx, store.Exclusive, found.Node.ID)
		if err != nil {
			return nil, Explain(err, id)
		}
		found.Node = held[0]
		found.Chain = append(append([]store.Node{}, found.Chain[:len(found.Chain)-1]...), held[0])
	}
	call, err := e.callOn(ctx, r, tx, st, found, req.Caller, e.now())
	if err != nil {
		return nil, err
	}
	call.Query = req.Query
	return call, nil
}

// absentCall makes the Call of a verb on a resource that does not exist, below an ancestor that does.
func (e *Engine) absentCall(ctx context.Context, r store.Reader, tx store.Tx, st *State, req *Request, entry *provider.Type) (*provider.Call, error) {
	root, err := e.Tree.Resolve(ctx, r, req.Target.ID.Root())
	if err != nil {
		return nil, Explain(err, req.Target.ID)
	}
	call := e.newCall(ctx, r, tx, st, req, req.Target.ID, entry)
	call.Found, call.Doc = root, tree.Document{Public: map[string]any{}, Private: map[string]any{}}
	return call, nil
}

// actIn runs the verb and answers.
func (e *Engine) actIn(ctx context.Context, call *provider.Call, req *Request, action provider.Action, resp *Response) error {
	result, err := action.Do(call)
	if err != nil {
		return err
	}
	var body []byte
	if result != nil {
		if body, err = json.Marshal(result); err != nil {
			return fmt.Errorf("answer %s of %s: %w", req.Target.Tail.Type, call.ID, err)
		}
	}
	if call.Changed {
		if err := e.save(ctx, call.Tx, call); err != nil {
			return err
		}
	}
	if call.Tx != nil {
		if err := e.startTimers(ctx, call.Tx, call); err != nil {
			return err
		}
	}
	if action.Async {
		resp.Status = http.StatusAccepted
		verb := strings.ToLower(req.Target.Tail.Type)
		return e.begin(ctx, call.Tx, req, resp, opSettle, strings.ToLower(call.Type.Kind())+"."+verb, call.Found.Node.ID, call.Type,
			call.Location(), settleInput{Cause: verb, Caller: req.Caller, Result: body})
	}
	resp.Status, resp.Body = action.Code, body
	if resp.Status == 0 {
		resp.Status = http.StatusOK
	}
	return nil
}
