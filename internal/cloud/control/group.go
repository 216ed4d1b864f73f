package control

import (
	"context"
	"net/http"
	"regexp"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/access"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// groupType is the type of a resource group as ARM's documents and roles spell it.
const groupType = "Microsoft.Resources/resourceGroups"

// groupAction is the prefix of role actions on groups.
const groupAction = "Microsoft.Resources/subscriptions/resourceGroups"

// groupLevel serves what stands at a resource group.
func (e *Engine) groupLevel(ctx context.Context, req *Request, tail arm.Hop) (Response, error) {
	word := strings.ToLower(tail.Type)
	switch {
	case tail == (arm.Hop{}):
		return e.group(ctx, req)
	case tail.Namespace != "":
		return e.scopeCollection(ctx, req)
	case word == "resources" && req.Method == http.MethodGet:
		return e.listResources(ctx, req)
	case req.Method == http.MethodPost:
		if action, ok := e.groupActions[word]; ok {
			err := e.View(ctx, func(_ store.Reader, st *State) error { return st.Admit(req, action.Permission, req.Target.ID) })
			if err != nil {
				return Response{}, err
			}
			return action.Do(ctx, req)
		}
	}
	return Response{}, errs.New(errs.Unsupported, "NotImplemented", "'%s' on a resource group is not built in this cloud.", tail.Type)
}

func (e *Engine) group(ctx context.Context, req *Request) (Response, error) {
	switch req.Method {
	case http.MethodGet, http.MethodHead:
		return e.getGroup(ctx, req)
	case http.MethodPut, http.MethodPatch:
		return e.putGroup(ctx, req)
	case http.MethodDelete:
		return e.deleteGroup(ctx, req)
	}
	return Response{}, notAllowed(req.Method, groupType)
}

func (e *Engine) getGroup(ctx context.Context, req *Request) (Response, error) {
	var resp Response
	err := e.View(ctx, func(r store.Reader, st *State) error {
		resp = Response{Status: http.StatusOK}
		if err := st.Admit(req, groupAction+"/read", req.Target.ID); err != nil {
			return err
		}
		found, err := e.Tree.Resolve(ctx, r, req.Target.ID)
		if err != nil {
			return Explain(err, req.Target.ID)
		}
		resp.ETag = found.Node.ETag
		if req.Method == http.MethodGet && matches(req.IfNoneMatch, found.Node.ETag) {
			resp.Status = http.StatusNotModified
			return nil
		}
		resp.Body, err = e.renderGroup(ctx, r, found)
		return err
	})
	if req.Method == http.MethodHead && err == nil {
		return Response{Status: http.StatusNoContent}, nil
	}
	return resp, err
}

// renderGroup writes a group's document; its provisioningState says whether it is being moved or deleted (arm-move 3).
func (e *Engine) renderGroup(ctx context.Context, r store.Reader, found tree.Found) ([]byte, error) {
	doc, err := e.Tree.Decode(ctx, r, found)
	if err != nil {
		return nil, err
	}
	state := "Succeeded"
	if found.Node.Flag != "" {
		state = found.Node.Flag
	}
	tree.Set(doc.Public, "properties.provisioningState", state)
	return renderDocument(found.ID(), doc.Public)
}

var groupName = regexp.MustCompile(`^[-\w._()\p{L}]{0,89}[-\w_()\p{L}]$`)

// putGroup creates or changes a resource group.
func (e *Engine) putGroup(ctx context.Context, req *Request) (Response, error) {
	body, err := tree.ParseObject(req.Body)
	if err != nil {
		return Response{}, err
	}
	name := req.Target.ID.Name()
	if !groupName.MatchString(name) {
		return Response{}, errs.New(errs.Invalid, "InvalidResourceGroup",
			"The provided resource group name '%s' has these invalid characters, is longer than 90 characters, or ends with a period.", name)
	}
	var resp Response
	err = e.Update(ctx, func(tx store.Tx, st *State) error {
		resp = Response{}
		return e.putGroupIn(ctx, tx, st, req, tree.Clone(body), &resp)
	})
	return resp, err
}

func (e *Engine) putGroupIn(ctx context.Context, tx store.Tx, st *State, req *Request, body map[string]any, resp *Response) error {
	id := req.Target.ID
	if err := st.Admit(req, groupAction+"/write", id); err != nil {
		return err
	}
	if err := st.unlocked(id, access.Write); err != nil {
		return err
	}
	subscription, err := e.Tree.Resolve(ctx, tx, id[:1])
	if err != nil {
		return Explain(err, id)
	}
	doc := tree.Document{Public: map[string]any{"properties": map[string]any{"provisioningState": "Succeeded"}}}
	for _, member := range []string{"location", "tags", "managedBy"} {
		if value, ok := body[member]; ok && value != nil {
			doc.Public[member] = value
		}
	}
	if tags, ok := doc.Public["tags"]; ok {
		if err := CheckTags(tags); err != nil {
			return err
		}
	}
	found, err := e.Tree.Resolve(ctx, tx, id)
	if err == nil {
		return e.changeGroup(ctx, tx, st, req, found, doc, resp)
	}
	if !errs.Is(err, errs.NotFound) {
		return err
	}
	if req.Method == http.MethodPatch {
		return groupMissing(id.Name())
	}
	if err := precondition(req, id, ""); err != nil {
		return err
	}
	location := tree.Text(doc.Public, "location")
	if location == "" {
		return errs.New(errs.Invalid, "LocationRequired", "The location property is required for this definition.").At("location")
	}
	if err := e.groupOffered(ctx, tx, st, location); err != nil {
		return err
	}
	if err := e.groupAllowed(st, id, doc.Public); err != nil {
		return err
	}
	node := store.Node{Parent: subscription.Node.ID, Type: arm.ResourceGroups, Name: id.Name(), ETag: provider.NewETag(), Created: e.now(), Changed: e.now()}
	if err := e.Tree.Encode(ctx, tx, &node, id, doc, nil); err != nil {
		return err
	}
	if err := tx.Insert(ctx, &node); err != nil {
		return err
	}
	resp.Status, resp.ETag = http.StatusCreated, node.ETag
	resp.Body, err = e.renderGroup(ctx, tx, tree.Found{Chain: []store.Node{subscription.Node, node}, Node: node})
	return err
}

// changeGroup writes an existing group: only its tags and managedBy can change.
func (e *Engine) changeGroup(ctx context.Context, tx store.Tx, st *State, req *Request, found tree.Found, doc tree.Document, resp *Response) error {
	held, err := tx.Hold(ctx, store.Exclusive, found.Node.ID)
	if err != nil {
		return Explain(err, req.Target.ID)
	}
	found = tree.Found{Chain: []store.Node{found.Chain[0], held[0]}, Node: held[0]}
	if err := writableGroup(found.Node); err != nil {
		return err
	}
	if err := precondition(req, found.ID(), found.Node.ETag); err != nil {
		return err
	}
	old, err := e.document(ctx, tx, found)
	if err != nil {
		return err
	}
	location := tree.Text(doc.Public, "location")
	if location != "" && provider.Region(location) != provider.Region(tree.Text(old.Public, "location")) {
		return errs.New(errs.Conflict, "InvalidResourceGroupLocation",
			"Invalid resource group location '%s'. The Resource group already exists in location '%s'.", location, tree.Text(old.Public, "location"))
	}
	doc.Public["location"] = old.Public["location"]
	if req.Method == http.MethodPatch {
		for _, member := range []string{"tags", "managedBy"} {
			if _, given := doc.Public[member]; !given && old.Public[member] != nil {
				doc.Public[member] = old.Public[member]
			}
		}
	}
	if err := e.groupAllowed(st, found.ID(), doc.Public); err != nil {
		return err
	}
	node := found.Node
	node.ETag, node.Changed = provider.NewETag(), e.now()
	if err := e.Tree.Encode(ctx, tx, &node, found.ID(), doc, nil); err != nil {
		return err
	}
	if err := tx.Save(ctx, node); err != nil {
		return err
	}
	if err := tx.Bump(ctx); err != nil { // the location and tags of a group are remembered with its place
		return err
	}
	found = tree.Found{Chain: []store.Node{found.Chain[0], node}, Node: node}
	resp.Status, resp.ETag = http.StatusOK, node.ETag
	resp.Body, err = e.renderGroup(ctx, tx, found)
	return err
}

// listGroups answers with the groups of a subscription.
func (e *Engine) listGroups(ctx context.Context, req *Request) (Response, error) {
	p, from, err := newPage(req.Query)
	if err != nil {
		return Response{}, err
	}
	filter, err := parseFilter(queryValue(req.Query, "$filter"), groupFields...)
	if err != nil {
		return Response{}, err
	}
	err = e.View(ctx, func(r store.Reader, st *State) error {
		p.items, p.next = nil, nil
		sight, err := st.admitList(req, groupAction+"/read")
		if err != nil {
			return err
		}
		subscription, err := e.Tree.Resolve(ctx, r, req.Target.ID)
		if err != nil {
			return Explain(err, req.Target.ID)
		}
		groups := store.Range{Type: arm.ResourceGroups, AfterType: from.Type, AfterName: from.Name}
		return fill(ctx, r, subscription.Node.ID, groups, p, func(node store.Node) ([]byte, error) {
			if !sight.sees(groupAction+"/read", subscription, node) {
				return nil, nil
			}
			found := childOf(subscription, node)
			doc, err := e.document(ctx, r, found)
			if err != nil || !filter.quick(groupType, node.Name) || !filter.document(doc.Public) {
				return nil, err
			}
			return e.renderGroup(ctx, r, found)
		})
	})
	if err != nil {
		return Response{}, err
	}
	return Response{Status: http.StatusOK, Body: p.body(e.Base(), listPath(req.Target), req.Query)}, nil
}
