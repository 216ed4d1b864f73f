package control

import (
	"context"
	"net/http"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/access"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// extension serves one document that is bound to a scope.
func (e *Engine) extension(ctx context.Context, req *Request, entry *provider.Type) (Response, error) {
	switch req.Method {
	case http.MethodGet:
		return e.getExtension(ctx, req, entry)
	case http.MethodPut:
		return e.putExtension(ctx, req, entry, entry.NoPut)
	case http.MethodPatch:
		return e.putExtension(ctx, req, entry, entry.NoPatch)
	case http.MethodDelete:
		return e.deleteExtension(ctx, req, entry)
	}
	return Response{}, notAllowed(req.Method, entry.Name)
}

// scopeName is the scope of an extension's id as the store keeps it.
func scopeName(id arm.ID) string { return id.Scope().String() }

func (e *Engine) getExtension(ctx context.Context, req *Request, entry *provider.Type) (Response, error) {
	id := req.Target.ID
	var resp Response
	err := e.View(ctx, func(r store.Reader, st *State) error {
		resp = Response{Status: http.StatusOK}
		if doc := builtIn(entry, id.Name()); doc != nil && len(id.Scope()) == 0 { // for everybody
			var err error
			resp.Body, err = renderDocument(tenantID(entry, id.Name()), tree.Clone(doc))
			return err
		}
		if err := st.Admit(req, string(entry.Name)+"/read", id); err != nil {
			return err
		}
		ext, err := r.Extension(ctx, scopeName(id), string(entry.Name), id.Name())
		if isRole(entry) && errs.Is(err, errs.NotFound) && builtIn(entry, id.Name()) == nil {
			ext, err = e.findRole(ctx, r, entry, id)
		}
		if err == nil {
			resp.ETag = ext.ETag
			if matches(req.IfNoneMatch, ext.ETag) {
				resp.Status = http.StatusNotModified
				return nil
			}
			resp.Body, err = e.renderExtension(ctx, r, st, ext, entry, req)
			return err
		}
		if !errs.Is(err, errs.NotFound) {
			return err
		}
		if doc := builtIn(entry, id.Name()); doc != nil && isRole(entry) {
			resp.Body, err = renderDocument(shownAs(entry, id, id.Scope()), tree.Clone(doc))
			return err
		}
		if isRole(entry) {
			return err
		}
		return notFoundExtension(entry, id)
	})
	return resp, err
}

// tenantID is the id of a built-in document.
func tenantID(entry *provider.Type, name string) arm.ID {
	return arm.ID{{Namespace: entry.Name.Namespace(), Type: entry.Name.Path(), Name: name}}
}

// builtIn returns the built-in document of a name, or nil.
func builtIn(entry *provider.Type, name string) map[string]any {
	if entry.BuiltIn == nil {
		return nil
	}
	for _, b := range entry.BuiltIn() {
		if strings.EqualFold(b.Name, name) {
			return b.Doc
		}
	}
	return nil
}

// notFoundExtension is the error for a document that is not bound to a scope.
func notFoundExtension(entry *provider.Type, id arm.ID) error {
	kind := entry.Kind()
	singular := strings.ToUpper(kind[:1]) + strings.TrimSuffix(kind[1:], "s")
	return errs.New(errs.NotFound, singular+"NotFound", "The %s '%s' was not found at the scope '%s'.", strings.TrimSuffix(kind, "s"), id.Name(), id.Scope())
}

// renderExtension writes an extension as a client sees it.
func (e *Engine) renderExtension(ctx context.Context, r store.Reader, st *State, ext store.Extension, entry *provider.Type, req *Request) ([]byte, error) {
	if entry.Get == nil {
		return tree.RenderExtension(ext), nil
	}
	call, err := e.extensionCall(ctx, r, nil, st, ext, entry, req)
	if err != nil {
		return nil, err
	}
	if err := entry.Get(call); err != nil {
		return nil, err
	}
	return renderDocument(shownAs(entry, call.ID, req.Target.ID), call.Doc.Public)
}

// extensionCall makes a Call on an existing extension.
func (e *Engine) extensionCall(ctx context.Context, r store.Reader, tx store.Tx, st *State, ext store.Extension, entry *provider.Type, req *Request) (*provider.Call, error) {
	doc, err := tree.DecodeExtension(ext)
	if err != nil {
		return nil, err
	}
	old := tree.Document{Public: tree.Clone(doc.Public), Private: tree.Clone(doc.Private)}
	call := e.newCall(ctx, r, tx, st, req, tree.ExtensionID(ext), entry)
	call.Old, call.Doc = &old, doc
	return call, nil
}

// putExtension writes a document at a scope. The scope must exist.
func (e *Engine) putExtension(ctx context.Context, req *Request, entry *provider.Type, absent bool) (Response, error) {
	if absent {
		return Response{}, notAllowed(req.Method, entry.Name)
	}
	body, err := tree.ParseObject(req.Body)
	if err != nil {
		return Response{}, err
	}
	var resp Response
	err = e.Update(ctx, func(tx store.Tx, st *State) error {
		resp = Response{}
		return e.putExtensionIn(ctx, tx, st, req, entry, tree.Clone(body), &resp)
	})
	return resp, err
}

func (e *Engine) putExtensionIn(ctx context.Context, tx store.Tx, st *State, req *Request, entry *provider.Type, body map[string]any, resp *Response) error {
	id := req.Target.ID
	if err := e.mayWrite(st, req, entry); err != nil {
		return err
	}
	scope, err := e.holdScope(ctx, tx, id)
	if err != nil {
		return err
	}
	if err := trim(body); err != nil {
		return err
	}
	id = id.Scope().Child(arm.Hop{Namespace: entry.Name.Namespace(), Type: entry.Name.Path(), Name: id.Name()})
	call := e.newCall(ctx, tx, tx, st, req, id, entry)
	call.Patch, call.Doc = req.Method == http.MethodPatch, tree.Document{Public: body, Private: map[string]any{}}
	ext, err := tx.HoldExtension(ctx, scopeName(id), string(entry.Name), id.Name())
	switch {
	case errs.Is(err, errs.NotFound):
		if call.Patch {
			return notFoundExtension(entry, id)
		}
		if err := precondition(req, id, ""); err != nil {
			return err
		}
		ext = store.Extension{Scope: scopeName(id), Type: string(entry.Name), Name: id.Name(), Created: call.Now}
	case err != nil:
		return err
	default:
		if err := overlayExtension(call, req, ext); err != nil {
			return err
		}
	}
	if !inherited(entry) { // what decides about rights and policies is not judged by them
		if err := e.allowed(ctx, tx, st, id, call.Doc.Public, scope.Chain, true); err != nil {
			return err
		}
	}
	e.stamp(call, call.Old == nil, false)
	if entry.Put != nil {
		if err := entry.Put(call); err != nil {
			return err
		}
	}
	hide(&call.Doc, entry.Secrets)
	ext.ETag, ext.Changed = provider.NewETag(), call.Now
	if err := tree.EncodeExtension(&ext, call.Doc); err != nil {
		return err
	}
	if err := tx.PutExtension(ctx, ext); err != nil {
		return err
	}
	if entry.Bumps {
		if err := tx.Bump(ctx); err != nil {
			return err
		}
	}
	resp.Status, resp.ETag = putStatus(entry, call.Old == nil, call.Patch), ext.ETag
	resp.Body, err = e.renderExtension(ctx, tx, st, ext, entry, req)
	return err
}

// overlayExtension lays the request on an existing extension.
func overlayExtension(call *provider.Call, req *Request, ext store.Extension) error {
	old, err := tree.DecodeExtension(ext)
	if err != nil {
		return err
	}
	if err := precondition(req, call.ID, ext.ETag); err != nil {
		return err
	}
	call.Old = &old
	call.Doc.Private = tree.Clone(old.Private)
	if call.Patch {
		patched := tree.Clone(old.Public)
		tree.Merge(patched, call.Doc.Public)
		call.Doc.Public = patched
	}
	return nil
}

// holdScope keeps the scope of a document and what stands above it from being deleted or moved until the transaction ends: what is bound to a scope goes with it. It refuses a
// scope that is not there, one that is being deleted, and one in a group that is being moved.
func (e *Engine) holdScope(ctx context.Context, tx store.Tx, id arm.ID) (tree.Found, error) {
	scope := id.Scope()
	if len(scope) == 0 || scope[0].Namespace != "" {
		return tree.Found{}, errs.New(errs.Unsupported, "NotImplemented", "Documents at the scope '%s' are not built in this cloud.", scope)
	}
	if err := e.holdGroup(ctx, tx, id); err != nil {
		return tree.Found{}, err
	}
	found, err := e.Tree.Resolve(ctx, tx, scope)
	if err != nil {
		return tree.Found{}, Explain(err, scope)
	}
	at := len(scope.GroupID()) // held by now
	if at == 0 {
		at = 1 // subscriptions stay
	}
	var ids []store.ID
	for _, node := range found.Chain[at:] {
		ids = append(ids, node.ID)
	}
	held, err := tx.Hold(ctx, store.Shared, ids...)
	if err != nil {
		return tree.Found{}, Explain(err, scope)
	}
	found.Chain = append(found.Chain[:at:at], held...)
	found.Node = found.Chain[len(found.Chain)-1]
	return found, provider.NotDeleting(found.Chain)
}

func (e *Engine) deleteExtension(ctx context.Context, req *Request, entry *provider.Type) (Response, error) {
	if entry.NoDelete {
		return Response{}, notAllowed(req.Method, entry.Name)
	}
	id := req.Target.ID
	var resp Response
	err := e.Update(ctx, func(tx store.Tx, st *State) error {
		resp = Response{}
		if err := st.Admit(req, string(entry.Name)+"/delete", id); err != nil {
			return err
		}
		ext, err := tx.HoldExtension(ctx, scopeName(id), string(entry.Name), id.Name())
		if errs.Is(err, errs.NotFound) {
			resp.Status = http.StatusNoContent
			if isRole(entry) {
				return e.roleElsewhere(ctx, tx, entry, id)
			}
			return nil
		}
		if err != nil {
			return err
		}
		if err := e.holdGroup(ctx, tx, id); err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
		if err := st.unlocked(id, access.Delete); err != nil {
			return err
		}
		if err := precondition(req, id, ext.ETag); err != nil {
			return err
		}
		call, err := e.extensionCall(ctx, tx, tx, st, ext, entry, req)
		if err != nil {
			return err
		}
		if entry.Delete != nil {
			if err := entry.Delete(call); err != nil {
				return err
			}
		}
		resp.Status = http.StatusOK
		if resp.Body, err = e.renderExtension(ctx, tx, st, ext, entry, req); err != nil {
			return err
		}
		if _, err := tx.DropExtensions(ctx, store.ExtensionRange{Scope: ext.Scope, Type: ext.Type}, ext.Name); err != nil {
			return err
		}
		return tx.Bump(ctx)
	})
	return resp, err
}
