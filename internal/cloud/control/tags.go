package control

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/access"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// tagsType is the type by which ARM shows the tags of any resource as a document of its own.
const tagsType = "Microsoft.Resources/tags"

// isTags recognises {scope}/providers/Microsoft.Resources/tags/default.
func isTags(id arm.ID) bool {
	return len(id) > 1 && id[len(id)-1].Namespace != "" && id.Type().Is(tagsType)
}

// tags serves the tags of a subscription, a resource group or a resource.
func (e *Engine) tags(ctx context.Context, req *Request) (Response, error) {
	scope := req.Target.ID.Scope()
	if !strings.EqualFold(req.Target.ID.Name(), "default") || scope.Subscription() == "" {
		return Response{}, errs.New(errs.Unsupported, "NotImplemented", "'%s' is not built in this cloud: only the tags 'default' of subscriptions, groups and resources are.", req.Target.ID)
	}
	if req.Method == http.MethodGet {
		var body []byte
		err := e.View(ctx, func(r store.Reader, st *State) error {
			if err := st.Admit(req, tagsType+"/read", scope); err != nil {
				return err
			}
			found, err := e.Tree.Resolve(ctx, r, scope)
			if err != nil {
				return Explain(err, scope)
			}
			doc, err := e.document(ctx, r, found)
			if err != nil {
				return err
			}
			body, err = tagsDocument(scope, tree.Object(doc.Public, "tags"))
			return err
		})
		return Response{Status: http.StatusOK, Body: body}, err
	}
	change, err := tagsChange(req)
	if err != nil {
		return Response{}, err
	}
	var resp Response
	err = e.Update(ctx, func(tx store.Tx, st *State) error {
		resp = Response{Status: http.StatusOK}
		after, err := e.changeTags(ctx, tx, st, req, scope, change)
		if err == nil && req.Method != http.MethodDelete {
			resp.Body, err = tagsDocument(scope, after)
		}
		return err
	})
	return resp, err
}

// tagsDocument renders tags.
func tagsDocument(scope arm.ID, tags map[string]any) ([]byte, error) {
	if tags == nil {
		tags = map[string]any{}
	}
	id := scope.Child(arm.Hop{Namespace: "Microsoft.Resources", Type: "tags", Name: "default"})
	return json.Marshal(map[string]any{"id": id.String(), "name": "default", "type": tagsType, "properties": map[string]any{"tags": tags}})
}

// tagsChange reads what a PUT, PATCH or DELETE wants to become of tags.
func tagsChange(req *Request) (func(map[string]any) map[string]any, error) {
	if req.Method == http.MethodDelete {
		return func(map[string]any) map[string]any { return nil }, nil
	}
	body, err := tree.ParseObject(req.Body)
	if err != nil {
		return nil, err
	}
	given, err := givenTags(body)
	if err != nil {
		return nil, err
	}
	operation := "replace"
	switch req.Method {
	case http.MethodPut:
	case http.MethodPatch:
		operation = strings.ToLower(tree.Text(body, "operation"))
	default:
		return nil, notAllowed(req.Method, tagsType)
	}
	switch operation {
	case "replace":
		return func(map[string]any) map[string]any { return given }, nil
	case "merge":
		return func(tags map[string]any) map[string]any { return withTags(tags, given) }, nil
	case "delete":
		return func(tags map[string]any) map[string]any { return withoutTags(tags, given) }, nil
	}
	return nil, errs.New(errs.Invalid, "InvalidTagsPatchOperation", "The operation '%s' on tags must be Replace, Merge or Delete.", tree.Text(body, "operation"))
}

// givenTags reads the tags of a body; none is said by saying nothing, and by nothing else.
func givenTags(body map[string]any) (map[string]any, error) {
	if err := trim(body); err != nil {
		return nil, err
	}
	tags := tree.Get(body, "properties.tags")
	if tags == nil {
		return nil, nil
	}
	return tree.Object(body, "properties.tags"), CheckTags(tags)
}

// withTags lays tags over others; names are compared without regard to case.
func withTags(tags, given map[string]any) map[string]any {
	merged := withoutTags(tags, given)
	for name, value := range given {
		merged[name] = value
	}
	return merged
}

// withoutTags takes tags away by name.
func withoutTags(tags, given map[string]any) map[string]any {
	left := map[string]any{}
	for name, value := range tags {
		kept := true
		for gone := range given {
			kept = kept && !strings.EqualFold(name, gone)
		}
		if kept {
			left[name] = value
		}
	}
	return left
}

// changeTags writes the tags of something as a write to it is judged: rights on tags suffice, locks and policies hold.
func (e *Engine) changeTags(ctx context.Context, tx store.Tx, st *State, req *Request, scope arm.ID, change func(map[string]any) map[string]any) (map[string]any, error) {
	if err := st.Admit(req, access.ActionOf(req.Method, tagsType, ""), scope); err != nil {
		return nil, err
	}
	if err := st.unlocked(scope, access.Write); err != nil {
		return nil, err
	}
	if err := e.holdGroup(ctx, tx, scope); err != nil {
		return nil, err
	}
	found, err := e.Tree.Resolve(ctx, tx, scope)
	if err != nil {
		return nil, Explain(err, scope)
	}
	held, err := tx.Hold(ctx, store.Exclusive, found.Node.ID)
	if err != nil {
		return nil, Explain(err, scope)
	}
	found = tree.Found{Chain: append(append([]store.Node{}, found.Chain[:len(found.Chain)-1]...), held[0]), Node: held[0]}
	if err := provider.NotDeleting(found.Chain); err != nil {
		return nil, err
	}
	doc, err := e.document(ctx, tx, found)
	if err != nil {
		return nil, err
	}
	after := change(tree.Object(doc.Public, "tags"))
	if err := CheckTags(after); err != nil {
		return nil, err
	}
	doc.Public["tags"] = after
	if after == nil {
		delete(doc.Public, "tags")
	}
	if err := e.tagsAllowed(ctx, tx, st, found, doc.Public); err != nil {
		return nil, err
	}
	var refs arm.Paths
	if entry, err := e.Types.Find(found.ID().Type()); err == nil {
		refs = entry.Refs
	}
	node := found.Node
	node.ETag, node.Changed = provider.NewETag(), e.now()
	if err := e.Tree.Encode(ctx, tx, &node, found.ID(), *doc, refs); err != nil {
		return nil, err
	}
	if err := tx.Save(ctx, node); err != nil || len(scope) > 2 {
		return after, err
	}
	return after, tx.Bump(ctx) // the tags of a group are remembered with its place, those of a subscription with all that decides
}

// tagsAllowed asks the policies about the document with its new tags.
func (e *Engine) tagsAllowed(ctx context.Context, r store.Reader, st *State, found tree.Found, doc map[string]any) error {
	id := found.ID()
	if len(id) == 1 { // policies are not carried out on subscriptions
		return nil
	}
	if id.GroupID() != nil && len(id) == 2 {
		return e.groupAllowed(st, id, doc)
	}
	entry, err := e.Types.Find(id.Type())
	if err != nil {
		return err
	}
	return e.allowed(ctx, r, st, id, doc, found.Chain, !entry.Tracked)
}
