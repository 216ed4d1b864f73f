package control

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/access"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// serviceOwned are the members of a document that a client may send and the service ignores.
var serviceOwned = []string{"id", "name", "type", "systemData", "etag"}

// put creates, replaces or patches a resource.
func (e *Engine) put(ctx context.Context, req *Request, entry *provider.Type, absent bool) (Response, error) {
	if absent {
		return Response{}, notAllowed(req.Method, entry.Name)
	}
	if entry.Pattern != nil && !entry.Pattern.MatchString(req.Target.ID.Name()) {
		return Response{}, errs.New(errs.Invalid, "InvalidResourceName",
			"The name '%s' is not valid for resources of type '%s': it must match %s.", req.Target.ID.Name(), entry.Name, entry.Pattern)
	}
	body, err := tree.ParseObject(req.Body)
	if err != nil {
		return Response{}, err
	}
	var resp Response
	err = e.Update(ctx, func(tx store.Tx, st *State) error {
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
	if violations := st.violations(call, req.Target.ID); violations != nil {
		return violations
	}
	created := call.Old == nil
	async := entry.AsyncPut && !call.Patch || entry.AsyncPatch && call.Patch
	e.stamp(call, created, async)
	if entry.Put != nil {
		if err := entry.Put(call); err != nil {
			return err
		}
	}
	hide(call.Doc, entry.Secrets)
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
		resp.Location = "" // a PUT ends with a GET of the resource itself
		if call.Patch {
			resp.Status = http.StatusAccepted
			resp.Location = strings.Replace(resp.Async, "/operationsStatus/", "/operationResults/", 1)
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
	if err := e.holdGroup(ctx, tx, id); err != nil {
		return nil, err
	}
	parent, err := e.parentOf(ctx, tx, st, req, entry)
	if err != nil {
		return nil, err
	}
	if err := trim(body); err != nil {
		return nil, err
	}
	call := e.newCall(ctx, tx, tx, st, req, id, entry)
	call.Patch = req.Method == http.MethodPatch
	call.Found, call.Doc = tree.Found{Chain: parent.Chain}, tree.Document{Public: body, Private: map[string]any{}}
	found, err := e.Tree.Resolve(ctx, tx, id)
	switch {
	case errs.Is(err, errs.NotFound):
		if call.Patch {
			return nil, Explain(err, id)
		}
		if req.IfMatch != "" {
			return nil, errs.New(errs.Precondition, "PreconditionFailed", "The resource '%s' does not exist and If-Match was given.", id)
		}
		call.ID = parent.ID().Child(canonicalHop(entry, id))
		return call, e.claim(ctx, tx, call)
	case err != nil:
		return nil, err
	}
	return call, e.overlay(ctx, tx, req, call, found)
}

// trim takes away what the service owns, and refuses members that no type could read.
func trim(body map[string]any) error {
	for _, member := range serviceOwned {
		delete(body, member)
	}
	for _, member := range []string{"properties", "sku", "identity", "plan"} {
		switch body[member].(type) {
		case nil:
			delete(body, member)
		case map[string]any:
		default:
			return errs.New(errs.Invalid, "InvalidRequestContent", "The request content was invalid: '%s' must be an object.", member).At(member)
		}
	}
	return nil
}

// newCall makes a Call for a request, without documents.
func (e *Engine) newCall(ctx context.Context, r store.Reader, tx store.Tx, st *State, req *Request, id arm.ID, entry *provider.Type) *provider.Call {
	return &provider.Call{
		Ctx: ctx, Read: r, Tx: tx, Tree: e.Tree, Types: e.Types, Now: e.now(), Caller: req.Caller, Base: e.Base(), Tenant: req.Caller.TenantID,
		ID: id, Type: entry, Query: req.Query,
		Allowed: func(action string, on arm.ID) bool { return st.Allowed(req.Caller.ObjectID, action, on) },
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
	if req.IfNoneMatch == "*" {
		return errs.New(errs.Precondition, "PreconditionFailed", "The resource '%s' exists and If-None-Match: * was given.", call.ID)
	}
	if req.IfMatch != "" && !matches(req.IfMatch, found.Node.ETag) {
		return errs.New(errs.Precondition, "PreconditionFailed", "The condition '%s' in the If-Match header was not satisfied. The current ETag is '%s'.", req.IfMatch, found.Node.ETag)
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
	found, err := e.Tree.Resolve(ctx, tx, id.GroupID())
	if err != nil {
		return Explain(err, id)
	}
	held, err := tx.Hold(ctx, store.Shared, found.Node.ID)
	if err != nil {
		return Explain(err, id)
	}
	return writableGroup(held[0])
}

// Flags of a resource group.
const groupDeleting = "Deleting"

// writableGroup refuses a group that is being moved from or to, or deleted.
func writableGroup(group store.Node) error {
	switch group.Flag {
	case GroupMoving:
		return BeingMoved(group.Name)
	case groupDeleting:
		return errs.New(errs.Conflict, "ResourceGroupBeingDeleted",
			"The resource group '%s' is in deprovisioning state and cannot perform this operation.", group.Name)
	}
	return nil
}

// parentOf finds the parent of a resource to be written; a missing container of an asset is made with its first version.
func (e *Engine) parentOf(ctx context.Context, tx store.Tx, st *State, req *Request, entry *provider.Type) (tree.Found, error) {
	parentID := req.Target.ID.Parent()
	parent, err := e.Tree.Resolve(ctx, tx, parentID)
	if !errs.Is(err, errs.NotFound) || !entry.AutoParent {
		return parent, Explain(err, req.Target.ID)
	}
	containerType, err := e.Types.Find(parentID.Type())
	if err != nil {
		return tree.Found{}, err
	}
	container := *req
	container.Method, container.Target = http.MethodPut, arm.Target{ID: parentID}
	call, err := e.prepare(ctx, tx, st, &container, containerType, map[string]any{"properties": map[string]any{}})
	if err != nil {
		return tree.Found{}, err
	}
	call.Auto = true
	e.stamp(call, true, false)
	if containerType.Put != nil {
		if err := containerType.Put(call); err != nil {
			return tree.Found{}, err
		}
	}
	return call.Found, e.writeFound(ctx, tx, call, &parent)
}

// writeFound writes a call and copies where it stands now.
func (e *Engine) writeFound(ctx context.Context, tx store.Tx, call *provider.Call, found *tree.Found) error {
	err := e.write(ctx, tx, call)
	*found = call.Found
	return err
}

// write inserts or saves the document of a call, then what it spawned and its timers.
func (e *Engine) write(ctx context.Context, tx store.Tx, call *provider.Call) error {
	if call.Old != nil {
		if err := e.save(ctx, tx, call); err != nil {
			return err
		}
	} else if err := e.insert(ctx, tx, call); err != nil {
		return err
	}
	for _, child := range call.Spawned() {
		if err := e.insertChild(ctx, tx, call, child); err != nil {
			return err
		}
	}
	return e.startTimers(ctx, tx, call)
}

// insert puts a new resource below its parent.
func (e *Engine) insert(ctx context.Context, tx store.Tx, call *provider.Call) error {
	hop := canonicalHop(call.Type, call.ID)
	container, err := e.Tree.MakeContainer(ctx, tx, parentFound(call.Found), hop.NodeType())
	if err != nil {
		return err
	}
	node := store.Node{Parent: container, Type: hop.NodeType(), Name: hop.Name, Flag: call.Flag, ETag: provider.NewETag(), Created: call.Now, Changed: call.Now}
	if err := e.Tree.Encode(ctx, tx, &node, call.ID, call.Doc, call.Type.Refs); err != nil {
		return fmt.Errorf("write %s: %w", call.ID, err)
	}
	if err := tx.Insert(ctx, &node); err != nil {
		return fmt.Errorf("insert %s: %w", call.ID, err)
	}
	call.Found = tree.Found{Chain: append(append([]store.Node{}, call.Found.Chain...), node), Node: node}
	return e.own(ctx, tx, call)
}

// parentFound reads a chain as the place of its last node.
func parentFound(f tree.Found) tree.Found {
	return tree.Found{Chain: f.Chain, Node: f.Chain[len(f.Chain)-1]}
}

// insertChild puts a spawned child below a call's resource.
func (e *Engine) insertChild(ctx context.Context, tx store.Tx, parent *provider.Call, child provider.Spawn) error {
	call := *parent
	call.Type, call.Doc, call.Flag, call.Old = child.Type, child.Doc, "", nil
	call.ID = parent.ID.Child(arm.Hop{Type: child.Type.Kind(), Name: child.Name})
	if _, err := e.Tree.Resolve(ctx, tx, call.ID); err == nil {
		return nil // it is there already: the parent was written again
	}
	e.stamp(&call, true, false)
	hide(call.Doc, child.Type.Secrets)
	return e.insert(ctx, tx, &call)
}

// stamp fills what ARM fills on every document: systemData and provisioningState.
func (e *Engine) stamp(call *provider.Call, created, async bool) {
	by, kind := principalLabel(call.Caller)
	now := call.Now.Format(time.RFC3339Nano)
	system := map[string]any{}
	if call.Old != nil {
		if old := tree.Object(call.Old.Public, "systemData"); old != nil {
			system = tree.Clone(old)
		}
	}
	if created {
		system["createdAt"], system["createdBy"], system["createdByType"] = now, by, kind
	}
	system["lastModifiedAt"], system["lastModifiedBy"], system["lastModifiedByType"] = now, by, kind
	call.Doc.Public["systemData"] = system
	if !call.Type.Stateful {
		return
	}
	state := "Succeeded"
	if async && created {
		state = "Creating"
	} else if async {
		state = "Updating"
	}
	call.Props()["provisioningState"] = state
}

// principalLabel is how systemData names a caller.
func principalLabel(c identity.Caller) (name, kind string) {
	switch c.Kind {
	case identity.User:
		return c.UserName, "User"
	case identity.ManagedIdentity:
		return c.ObjectID, "ManagedIdentity"
	}
	return c.ClientID, "Application"
}

// hide moves secret values from the public to the private part; a null leaves what was kept.
func hide(doc tree.Document, paths []string) {
	for _, path := range paths {
		hideAt(doc.Public, doc.Private, strings.Split(path, "."))
	}
}

func hideAt(public, private map[string]any, path []string) {
	keys := []string{path[0]}
	if path[0] == "*" {
		keys = keys[:0]
		for key := range public {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		value, there := public[key]
		switch inner := value.(type) {
		case map[string]any:
			if len(path) > 1 {
				hideAt(inner, childOf(private, key), path[1:])
				continue
			}
		case []any:
			if len(path) > 1 {
				hideInList(inner, childOf(private, key), path[1:])
				continue
			}
		}
		if there && len(path) == 1 {
			delete(public, key)
			if value != nil {
				private[key] = value
			}
		}
	}
}

// hideInList hides inside the objects of a list; they are kept by position.
func hideInList(list []any, private map[string]any, path []string) {
	if path[0] == "*" && len(path) > 1 {
		path = path[1:]
	}
	for i, item := range list {
		if object, ok := item.(map[string]any); ok {
			hideAt(object, childOf(private, strconv.Itoa(i)), path)
		}
	}
}

// childOf returns the object below a key, made if absent.
func childOf(object map[string]any, key string) map[string]any {
	child, ok := object[key].(map[string]any)
	if !ok {
		child = map[string]any{}
		object[key] = child
	}
	return child
}

// checkTags applies ARM's rules for tracked resources: a location on creation, and sane tags.
func checkTags(entry *provider.Type, call *provider.Call) error {
	if entry.Tracked && tree.Text(call.Doc.Public, "location") == "" {
		return errs.New(errs.Invalid, "LocationRequired", "The location property is required for this definition.").At("location")
	}
	tags, there := call.Doc.Public["tags"]
	if !there || tags == nil {
		return nil
	}
	return CheckTags(tags)
}

// CheckTags refuses tags that ARM refuses.
func CheckTags(tags any) error {
	object, ok := tags.(map[string]any)
	if !ok {
		return errs.New(errs.Invalid, "InvalidRequestContent", "The request content was invalid: 'tags' must be an object of strings.").At("tags")
	}
	if len(object) > 50 {
		return errs.New(errs.Invalid, "TooManyTags", "Too many tags on the resource: '%d'. The maximum is 50.", len(object)).At("tags")
	}
	for name, value := range object {
		text, ok := value.(string)
		if !ok && value != nil {
			return errs.New(errs.Invalid, "InvalidTagValue", "The value of the tag '%s' must be a string.", name).At("tags." + name)
		}
		if len(name) > 512 || len(text) > 256 || strings.ContainsAny(name, `<>%&\?/`) {
			return errs.New(errs.Invalid, "InvalidTagName", "The tag '%s' has a name over 512 characters, a name with one of <>%%&\\?/, or a value over 256 characters.", name).At("tags." + name)
		}
	}
	return nil
}
