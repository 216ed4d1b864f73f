package control

import (
	"bytes"
	"context"
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

// put creates, replaces or patches a resource.
func (e *Engine) put(ctx context.Context, req *Request, entry *provider.Type, absent bool) (Response, error) {
	if absent {
		return Response{}, notAllowed(req.Method, entry.Name)
	}
	if err := CheckName(entry, req.Target.ID); err != nil {
		return Response{}, err
	}
	body := map[string]any{} // no body is an empty document: storage tables are made and patched without one
	if len(bytes.TrimSpace(req.Body)) > 0 {
		var err error
		if body, err = tree.ParseObject(req.Body); err != nil {
			return Response{}, err
		}
	}
	if err := trim(body); err != nil {
		return Response{}, err
	}
	var resp Response
	err := e.Update(ctx, func(tx store.Tx, st *State) error {
		resp = Response{}
		return e.putIn(ctx, tx, st, req, entry, tree.Clone(body), &resp)
	})
	return resp, err
}

// putIn is put inside its transaction.
func (e *Engine) putIn(ctx context.Context, tx store.Tx, st *State, req *Request, entry *provider.Type, body map[string]any, resp *Response) error {
	id := req.Target.ID
	if err := e.mayWrite(st, req, entry); err != nil {
		return err
	}
	call, err := e.prepare(ctx, tx, st, req, entry, body)
	if err != nil {
		return err
	}
	if err := checkTags(entry, call); err != nil {
		return err
	}
	if err := e.offered(ctx, tx, st, call); err != nil {
		return err
	}
	if err := e.allowed(ctx, tx, st, call.ID, call.Doc.Public, call.Found.Chain, !entry.Tracked); err != nil {
		return err
	}
	created := call.Old == nil
	async := entry.AsyncPut && !call.Patch || entry.AsyncPatch && call.Patch
	e.stamp(call, created, async)
	if entry.Put != nil {
		if err := entry.Put(call); err != nil {
			return err
		}
	}
	hide(&call.Doc, entry.Secrets)
	if err := e.write(ctx, tx, call); err != nil {
		return err
	}
	if entry.Bumps {
		if err := tx.Bump(ctx); err != nil {
			return err
		}
	}
	resp.Status = putStatus(entry, created, call.Patch)
	if async {
		cause := strings.ToLower(req.Method)
		duration := strings.ToLower(entry.Kind() + "." + cause)
		err := e.begin(ctx, tx, req, resp, opSettle, duration, call.Found.Node.ID, entry, call.Location(), settleInput{Cause: cause, Caller: req.Caller})
		if err != nil {
			return err
		}
		if call.Patch {
			resp.Status = http.StatusAccepted
		}
		if resp.Status != http.StatusAccepted {
			resp.Location = "" // a PUT that shows the resource ends with a GET of it
		}
	}
	resp.ETag = call.Found.Node.ETag
	resp.Body, err = e.render(ctx, tx, call.Found, entry, req.Caller)
	if err != nil {
		return fmt.Errorf("answer the %s of %s: %w", req.Method, id, err)
	}
	return nil
}

// mayWrite asks roles, registration and locks.
func (e *Engine) mayWrite(st *State, req *Request, entry *provider.Type) error {
	id := req.Target.ID
	if err := st.Admit(req, string(entry.Name)+"/write", id); err != nil {
		return err
	}
	if err := st.registered(id, entry.Name.Namespace()); err != nil {
		return err
	}
	return st.unlocked(id, access.Write)
}

func putStatus(entry *provider.Type, created, patch bool) int {
	switch {
	case created && entry.Created != 0:
		return entry.Created
	case created:
		return http.StatusCreated
	case !patch && entry.Updated != 0:
		return entry.Updated
	}
	return http.StatusOK
}

// prepare finds the parent and the resource, holds the group against a move, checks preconditions, and builds the Call.
func (e *Engine) prepare(ctx context.Context, tx store.Tx, st *State, req *Request, entry *provider.Type, body map[string]any) (*provider.Call, error) {
	id := req.Target.ID
	parent, found, there, err := e.enter(ctx, tx, id)
	if errs.Is(err, errs.NotFound) && entry.AutoParent {
		parent, err = e.makeParent(ctx, tx, st, req)
	}
	if err != nil {
		return nil, Explain(err, id)
	}
	call := e.newCall(ctx, tx, tx, st, req, id, entry)
	call.Patch = req.Method == http.MethodPatch
	call.Found, call.Doc = tree.Found{Chain: parent.Chain}, tree.Document{Public: body, Private: map[string]any{}}
	if err := provider.NotDeleting(parent.Chain); err != nil {
		return nil, err
	}
	if there {
		return call, e.overlay(ctx, tx, req, call, found)
	}
	if call.Patch {
		return nil, resourceMissing(id)
	}
	if err := precondition(req, id, ""); err != nil {
		return nil, err
	}
	call.ID = parent.ID().Child(canonicalHop(entry, id))
	return call, e.claim(ctx, tx, call)
}

// newCall makes a Call for a request, without documents.
func (e *Engine) newCall(ctx context.Context, r store.Reader, tx store.Tx, st *State, req *Request, id arm.ID, entry *provider.Type) *provider.Call {
	return &provider.Call{
		Ctx: ctx, Read: r, Tx: tx, Tree: e.Tree, Types: e.Types, Now: e.now(), Caller: req.Caller, Base: e.Base(), Tenant: req.Caller.TenantID,
		ID: id, Type: entry, Query: req.Query,
		Unlocked: st.unlockedItself, Allowed: func(action string, on arm.ID) bool { return st.Allowed(req.Caller.ObjectID, action, on) },
		Linked: func(on arm.ID) error {
			return st.Linked(req, access.ActionOf(req.Method, entry.Name, req.Target.Tail.Type), id, on)
		},
	}
}

// canonicalHop spells the last hop of an id as the provider table does.
func canonicalHop(entry *provider.Type, id arm.ID) arm.Hop {
	hop := arm.Hop{Type: entry.Kind(), Name: id.Name()}
	if entry.Depth() == 1 {
		hop.Namespace = entry.Name.Namespace()
	}
	return hop
}

// overlay lays the request on an existing document.
func (e *Engine) overlay(ctx context.Context, tx store.Tx, req *Request, call *provider.Call, found tree.Found) error {
	held, err := tx.Hold(ctx, store.Exclusive, found.Node.ID)
	if err != nil {
		return Explain(err, req.Target.ID)
	}
	found.Node = held[0]
	found.Chain = append(append([]store.Node{}, found.Chain[:len(found.Chain)-1]...), held[0])
	if err := provider.NotDeleting(found.Chain); err != nil {
		return err
	}
	if err := precondition(req, call.ID, found.Node.ETag); err != nil {
		return err
	}
	if call.Old, err = e.document(ctx, tx, found); err != nil {
		return err
	}
	call.Found, call.ID, call.Flag = found, found.ID(), found.Node.Flag
	call.Doc.Private = tree.Clone(call.Old.Private)
	if call.Patch {
		patched := tree.Clone(call.Old.Public)
		tree.Merge(patched, call.Doc.Public)
		call.Doc.Public = patched
	} else if location := tree.Text(call.Doc.Public, "location"); location == "" && tree.Text(call.Old.Public, "location") != "" {
		call.Doc.Public["location"] = call.Old.Public["location"]
	}
	before, after := tree.Text(call.Old.Public, "location"), tree.Text(call.Doc.Public, "location")
	if call.Type.Tracked && provider.Region(before) != provider.Region(after) {
		return errs.New(errs.Conflict, "InvalidResourceLocation",
			"The resource '%s' already exists in location '%s' in resource group '%s'. A resource with the same name cannot be created in location '%s'. Please select a new resource name.",
			call.ID.Name(), before, call.ID.Group(), after)
	}
	return nil
}

// document reads the document of a found node.
func (e *Engine) document(ctx context.Context, r store.Reader, found tree.Found) (*tree.Document, error) {
	doc, err := e.Tree.Decode(ctx, r, found)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", found.ID(), err)
	}
	return &doc, nil
}

// holdGroup keeps the group of an id from being moved or deleted until the transaction ends, and refuses when a move is under way (S30).
func (e *Engine) holdGroup(ctx context.Context, tx store.Tx, id arm.ID) error {
	if id.GroupID() == nil {
		return nil
	}
	group, err := e.Tree.Remembered(ctx, tx, id.GroupID())
	if err != nil {
		return Explain(err, id)
	}
	held, err := tx.Hold(ctx, store.Shared, group.Node.ID)
	if err != nil {
		return groupGone(err, id)
	}
	return writableGroup(held[0])
}

// enter is holdGroup and then Place, in one round trip.
func (e *Engine) enter(ctx context.Context, tx store.Tx, id arm.ID) (parent, self tree.Found, there bool, err error) {
	if id.GroupID() == nil {
		return e.Tree.Place(ctx, tx, id)
	}
	group, err := e.Tree.Remembered(ctx, tx, id.GroupID())
	if err != nil {
		return parent, self, false, Explain(err, id)
	}
	parent, self, there, err = e.Tree.Enter(ctx, tx, group.Node.ID, writableGroup, id)
	return parent, self, there, groupGone(err, id)
}

// groupGone is the error for a group that went since it was remembered. Other errors stay as they are.
func groupGone(err error, id arm.ID) error {
	if known := errs.As(err); known != nil && known.Kind == errs.NotFound && known.Code == "NodeNotFound" {
		return groupMissing(id.Group())
	}
	return err
}

// writableGroup refuses a group that is being moved from or to, or deleted.
func writableGroup(group store.Node) error {
	switch group.Flag {
	case GroupMoving:
		return BeingMoved(group.Name)
	case provider.Deleting:
		return errs.New(errs.Conflict, "ResourceGroupBeingDeleted",
			"The resource group '%s' is in deprovisioning state and cannot perform this operation.", group.Name)
	}
	return nil
}
