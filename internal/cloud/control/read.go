package control

import (
	"context"
	"net/http"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// resourceLevel routes a request on a resource, a collection of resources below another resource, or a verb.
func (e *Engine) resourceLevel(ctx context.Context, req *Request) (Response, error) {
	id, tail := req.Target.ID, req.Target.Tail
	if op, result, ok := operationPath(req.Target); ok && req.Method == http.MethodGet {
		return e.operationStatus(ctx, req, op, result)
	}
	entry, err := e.Types.Find(id.Type())
	if err != nil {
		return Response{}, err
	}
	if tail != (arm.Hop{}) {
		return e.belowResource(ctx, req, entry)
	}
	if action, ok := entry.Reads[""]; ok && entry.Virtual && req.Method == http.MethodGet {
		return e.act(ctx, req, entry, action, "/read")
	}
	if entry.Virtual {
		return Response{}, errs.New(errs.NotFound, "ResourceNotFound", "'%s' has no document of its own.", id)
	}
	if entry.Extension {
		return e.extension(ctx, req, entry)
	}
	switch req.Method {
	case http.MethodGet, http.MethodHead:
		return e.get(ctx, req, entry)
	case http.MethodPut:
		return e.put(ctx, req, entry, entry.NoPut)
	case http.MethodPatch:
		return e.put(ctx, req, entry, entry.NoPatch)
	case http.MethodDelete:
		return e.delete(ctx, req, entry)
	}
	return Response{}, notAllowed(req.Method, id.Type())
}

// notAllowed is the error for a verb that a type does not have.
func notAllowed(method string, typ arm.Type) error {
	return errs.New(errs.Invalid, "HttpMethodNotAllowed", "The method '%s' is not supported on resources of type '%s'.", method, typ)
}

// operationPath recognises the status and result URLs of a provider's operations.
func operationPath(t arm.Target) (id string, result, ok bool) {
	if len(t.ID) == 0 || t.Tail != (arm.Hop{}) {
		return "", false, false
	}
	switch last := t.ID[len(t.ID)-1]; strings.ToLower(last.Type) {
	case "operationresults":
		return last.Name, true, true
	case "operationsstatus":
		return last.Name, false, true
	}
	return "", false, false
}

// get answers with one document.
func (e *Engine) get(ctx context.Context, req *Request, entry *provider.Type) (Response, error) {
	var resp Response
	err := e.View(ctx, func(r store.Reader, st *State) error {
		resp = Response{Status: http.StatusOK}
		if err := st.Admit(req, string(entry.Name)+"/read", req.Target.ID); err != nil {
			return err
		}
		found, err := e.Tree.Resolve(ctx, r, req.Target.ID)
		if err != nil {
			return Explain(err, req.Target.ID)
		}
		resp.ETag = found.Node.ETag
		if matches(req.IfNoneMatch, found.Node.ETag) {
			resp.Status = http.StatusNotModified
			return nil
		}
		resp.Body, err = e.render(ctx, r, found, entry, req.Caller)
		return err
	})
	if req.Method == http.MethodHead {
		resp.Body = nil
		if resp.Status == http.StatusOK {
			resp.Status = http.StatusNoContent
		}
	}
	return resp, err
}

// render writes the document of a found resource as a client sees it.
func (e *Engine) render(ctx context.Context, r store.Reader, found tree.Found, entry *provider.Type, caller identity.Caller) ([]byte, error) {
	if entry.Get == nil {
		return e.Tree.Render(ctx, r, found)
	}
	call, err := e.callOn(ctx, r, nil, nil, found, caller, e.now())
	if err != nil {
		return nil, err
	}
	if err := entry.Get(call); err != nil {
		return nil, err
	}
	return renderDocument(call.ID, call.Doc.Public)
}

// renderDocument writes a document with its envelope.
func renderDocument(id arm.ID, public map[string]any) ([]byte, error) {
	public["id"], public["name"], public["type"] = id.String(), id.Name(), string(id.Type())
	return arm.AppendValue(nil, public)
}

// precondition judges the If-Match and If-None-Match of a write. etag is that of what is there; empty when nothing is.
func precondition(req *Request, id arm.ID, etag string) error {
	switch {
	case req.IfMatch != "" && etag == "":
		return errs.New(errs.Precondition, "PreconditionFailed", "The resource '%s' does not exist and If-Match was given.", id)
	case req.IfMatch != "" && !matches(req.IfMatch, etag):
		return errs.New(errs.Precondition, "PreconditionFailed", "The condition '%s' in the If-Match header was not satisfied. The current ETag is '%s'.", req.IfMatch, etag)
	case etag != "" && matches(req.IfNoneMatch, etag):
		return errs.New(errs.Precondition, "PreconditionFailed", "The resource '%s' exists and If-None-Match: %s was given.", id, req.IfNoneMatch)
	}
	return nil
}

// matches reports whether an If-Match or If-None-Match header covers an entity tag.
func matches(header, etag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
		if candidate == "*" || candidate == etag || candidate == strings.Trim(etag, `"`) {
			return true
		}
	}
	return false
}
