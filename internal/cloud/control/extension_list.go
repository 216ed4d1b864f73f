package control

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/cloud/access"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// listExtensions lists the documents of a type that are in force at a scope: there, above it, and unless atScope() is asked, below it. The list is
// read from the state of the generation where the type is kept there, and it is small: its size is bounded by Azure's own limits.
func (e *Engine) listExtensions(ctx context.Context, req *Request, entry *provider.Type) (Response, error) {
	p, from, err := newPage(req.Query)
	if err != nil {
		return Response{}, err
	}
	filter, err := parseScopeFilter(queryValue(req.Query, "$filter"))
	if err != nil {
		return Response{}, err
	}
	scope := req.Target.ID
	err = e.View(ctx, func(r store.Reader, st *State) error {
		p.items, p.next = nil, nil
		refused := st.Admit(req, string(entry.Name)+"/read", scope)
		if refused != nil && (len(scope) > 0 || entry.BuiltIn == nil) {
			return refused
		}
		if from == (cursor{}) {
			if err := e.listAbove(ctx, r, st, req, entry, p, filter); err != nil {
				return err
			}
		}
		if refused != nil { // what the cloud itself brings along is for everybody, what stands below the tenant is not
			return nil
		}
		return e.listAt(ctx, r, st, req, entry, p, from, filter)
	})
	if err != nil {
		return Response{}, err
	}
	return Response{Status: http.StatusOK, Body: p.body(e.Base(), listPath(req.Target), req.Query)}, nil
}

// inherited types show at every scope below the one they are bound to.
func inherited(entry *provider.Type) bool {
	return strings.EqualFold(entry.Name.Namespace(), "Microsoft.Authorization")
}

// listAbove adds built-in documents and those of the scopes above.
func (e *Engine) listAbove(ctx context.Context, r store.Reader, st *State, req *Request, entry *provider.Type, p *page, filter scopeFilter) error {
	scope := req.Target.ID
	if entry.BuiltIn != nil && (len(scope) == 0 || entry.Name.Is(access.RoleDefinitionType) || len(scope) == 1) {
		for _, b := range entry.BuiltIn() {
			if !filter.document(b.Doc) {
				continue
			}
			item, err := renderDocument(tenantID(entry, b.Name), tree.Clone(b.Doc))
			if err != nil {
				return err
			}
			p.items = append(p.items, item)
		}
	}
	if !inherited(entry) || filter.exact {
		return nil
	}
	for depth := 1; depth < len(scope); depth++ {
		if err := e.collect(ctx, r, st, req, entry, store.ExtensionRange{Scope: scope[:depth].String(), Type: string(entry.Name), Limit: maxPageSize}, filter, p); err != nil {
			return err
		}
	}
	return nil
}

// listAt adds the documents at the scope, and below it where the type is listed so.
func (e *Engine) listAt(ctx context.Context, r store.Reader, st *State, req *Request, entry *provider.Type, p *page, from cursor, filter scopeFilter) error {
	below := inherited(entry) && !filter.atScope && !filter.exact && !entry.Name.Is(access.RoleDefinitionType)
	chunk := store.ExtensionRange{Scope: req.Target.ID.String(), Below: below, Type: string(entry.Name), AfterScope: from.Scope, AfterType: from.Type, AfterName: from.Name, Limit: maxPageSize}
	for {
		exts, err := r.Extensions(ctx, chunk)
		if err != nil {
			return err
		}
		for _, ext := range exts {
			if p.full() {
				p.next = &cursor{Scope: chunk.AfterScope, Type: chunk.AfterType, Name: chunk.AfterName}
				return nil
			}
			if err := e.collectOne(ctx, r, st, req, entry, ext, filter, p); err != nil {
				return err
			}
			chunk.AfterScope, chunk.AfterType, chunk.AfterName = ext.Scope, ext.Type, ext.Name
		}
		if len(exts) < chunk.Limit {
			return nil
		}
	}
}

// collect adds all that a range chooses, however many pages of the store that is.
func (e *Engine) collect(ctx context.Context, r store.Reader, st *State, req *Request, entry *provider.Type, chunk store.ExtensionRange, filter scopeFilter, p *page) error {
	for {
		exts, err := r.Extensions(ctx, chunk)
		if err != nil {
			return err
		}
		for _, ext := range exts {
			if err := e.collectOne(ctx, r, st, req, entry, ext, filter, p); err != nil {
				return err
			}
			chunk.AfterScope, chunk.AfterType, chunk.AfterName = ext.Scope, ext.Type, ext.Name
		}
		if len(exts) < chunk.Limit {
			return nil
		}
	}
}

// collectOne adds one document, unless the filter refuses it.
func (e *Engine) collectOne(ctx context.Context, r store.Reader, st *State, req *Request, entry *provider.Type, ext store.Extension, filter scopeFilter, p *page) error {
	doc, err := tree.DecodeExtension(ext)
	if err != nil {
		return err
	}
	if !filter.document(doc.Public) {
		return nil
	}
	item, err := e.renderExtension(ctx, r, st, ext, entry, req)
	if err == nil {
		p.items = append(p.items, item)
	}
	return err
}

// scopeFilter is the part of OData that lists at a scope know.
type scopeFilter struct {
	atScope    bool
	exact      bool // atExactScope()
	conditions map[string]string
}

// document judges a document by its properties.
func (f scopeFilter) document(doc map[string]any) bool {
	for field, value := range f.conditions {
		if !strings.EqualFold(tree.Text(doc, "properties."+field), value) {
			return false
		}
	}
	return true
}

// filterFields maps the fields that lists at a scope can be filtered by to properties.
var filterFields = map[string]string{"principalid": "principalId", "assignedto": "principalId", "rolename": "roleName", "type": "type",
	"roledefinitionid": "roleDefinitionId", "policydefinitionid": "policyDefinitionId", "policytype": "policyType", "category": "metadata.category"}

// parseScopeFilter reads $filter of a list at a scope.
func parseScopeFilter(text string) (scopeFilter, error) {
	f := scopeFilter{conditions: map[string]string{}}
	if strings.TrimSpace(text) == "" {
		return f, nil
	}
	for _, term := range conjunction.Split(strings.TrimSpace(text), -1) {
		switch low := strings.ToLower(strings.TrimSpace(term)); {
		case low == "atscope()":
			f.atScope = true
		case low == "atexactscope()":
			f.exact = true
		case strings.HasPrefix(low, "assignedto('") && strings.HasSuffix(low, "')"):
			f.conditions["principalId"] = low[len("assignedto('") : len(low)-2]
		default:
			field, c, ok := parseTerm(strings.TrimSpace(term))
			property := filterFields[field]
			if !ok || property == "" || !slices.Contains([]string{"eq"}, c.operator) {
				return f, errs.New(errs.Invalid, "InvalidFilterInQueryString", "Invalid $filter '%s' specified in the query string: '%s' is not understood.", text, term)
			}
			f.conditions[property] = c.value
		}
	}
	return f, nil
}
