package control

import (
	"context"
	"net/http"
	"regexp"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// listExtensions lists the documents of a type that are in force at a scope: there, above it, and unless atScope() is asked, below it. What the
// cloud brings along comes first, then stop by stop what is stored; the cursor says at which stop the page ended.
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
		if group := scope.GroupID(); group != nil { // whether the rest of the scope is there does not matter: what is bound to it may have outlived it (S16)
			if _, err := e.Tree.Resolve(ctx, r, group); err != nil {
				return Explain(err, scope)
			}
		}
		if from.Stop == 0 {
			if err := listBuiltIn(entry, scope, p, from, filter); err != nil || p.next != nil {
				return err
			}
		}
		if refused != nil { // what the cloud itself brings along is for everybody, what stands below the tenant is not
			return nil
		}
		for i, chunk := range stops(entry, scope, filter) {
			stop := i + 1
			if stop == from.Stop {
				chunk.AfterScope, chunk.AfterType, chunk.AfterName = from.Scope, from.Type, from.Name
			}
			if stop < from.Stop {
				continue
			}
			if err := e.listStop(ctx, r, st, req, entry, p, stop, chunk, filter); err != nil || p.next != nil {
				return err
			}
		}
		return nil
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

// listBuiltIn adds the documents that the cloud brings along, where they show: at the tenant, at subscriptions, and roles everywhere.
func listBuiltIn(entry *provider.Type, scope arm.ID, p *page, from cursor, filter scopeFilter) error {
	if entry.BuiltIn == nil || len(scope) > 1 && !isRole(entry) {
		return nil
	}
	last, reached := from.Name, from.Name == ""
	for _, b := range entry.BuiltIn() {
		if !reached {
			reached = b.Name == from.Name
			continue
		}
		if !filter.document(b.Doc) {
			continue
		}
		if p.full() {
			p.next = &cursor{Name: last}
			return nil
		}
		item, err := renderDocument(shownAs(entry, tenantID(entry, b.Name), scope), tree.Clone(b.Doc))
		if err != nil {
			return err
		}
		p.items, last = append(p.items, item), b.Name
	}
	return nil
}

// stops are the ranges in which a list at a scope looks, in the order of its pages: scope by scope from above where the type is inherited, then the
// scope itself, with what is below it where the type is listed so. Roles show where they may be assigned, wherever they were written.
func stops(entry *provider.Type, scope arm.ID, filter scopeFilter) []store.ExtensionRange {
	if isRole(entry) {
		return []store.ExtensionRange{everyRole(entry)}
	}
	var ranges []store.ExtensionRange
	wide := inherited(entry) && !filter.exact
	for depth := 1; wide && depth < len(scope); depth++ {
		ranges = append(ranges, store.ExtensionRange{Scope: scope[:depth].String(), Type: string(entry.Name), Limit: maxPageSize})
	}
	return append(ranges, store.ExtensionRange{Scope: scope.String(), Below: wide && !filter.atScope, Type: string(entry.Name), Limit: maxPageSize})
}

// listStop adds what one range chooses, until the page is full.
func (e *Engine) listStop(ctx context.Context, r store.Reader, st *State, req *Request, entry *provider.Type, p *page, stop int, chunk store.ExtensionRange, filter scopeFilter) error {
	for {
		exts, err := r.Extensions(ctx, chunk)
		if err != nil {
			return err
		}
		for _, ext := range exts {
			doc, err := tree.DecodeExtension(ext)
			if err != nil {
				return err
			}
			if filter.document(doc.Public) && (!isRole(entry) || assignable(doc.Public, req.Target.ID, filter.below)) {
				if p.full() {
					p.next = &cursor{Stop: stop, Scope: chunk.AfterScope, Type: chunk.AfterType, Name: chunk.AfterName}
					return nil
				}
				item, err := e.renderExtension(ctx, r, st, ext, entry, req)
				if err != nil {
					return err
				}
				p.items = append(p.items, item)
			}
			chunk.AfterScope, chunk.AfterType, chunk.AfterName = ext.Scope, ext.Type, ext.Name
		}
		if len(exts) < chunk.Limit {
			return nil
		}
	}
}

// scopeFilter is the part of OData that lists at a scope know.
type scopeFilter struct {
	atScope    bool
	exact      bool                   // atExactScope()
	below      bool                   // atScopeAndBelow(), of roles
	conditions map[string][]condition // by property
}

// document judges a document by its properties.
func (f scopeFilter) document(doc map[string]any) bool {
	for property, conditions := range f.conditions {
		if !all(conditions, tree.Text(doc, "properties."+property)) {
			return false
		}
	}
	return true
}

// filterFields maps the fields that lists at a scope can be filtered by to properties.
var filterFields = map[string]string{"principalid": "principalId", "assignedto": "principalId", "rolename": "roleName", "type": "type",
	"roledefinitionid": "roleDefinitionId", "policydefinitionid": "policyDefinitionId", "policytype": "policyType", "category": "metadata.category"}

// assignedTo is the function by which clients ask for the assignments of a principal.
var assignedTo = regexp.MustCompile(`(?i)^assignedTo\(\s*('(?:[^']|'')*')\s*\)$`)

// parseScopeFilter reads $filter of a list at a scope.
func parseScopeFilter(text string) (scopeFilter, error) {
	f := scopeFilter{conditions: map[string][]condition{}}
	for _, term := range terms(text) {
		switch low := strings.ToLower(term); low {
		case "atscope()":
			f.atScope = true
			continue
		case "atexactscope()":
			f.exact = true
			continue
		case "atscopeandbelow()":
			f.below = true
			continue
		}
		field, c, ok := parseTerm(assignedTo.ReplaceAllString(term, "assignedTo eq $1"))
		property := filterFields[field]
		if !ok || property == "" || c.operator != "eq" {
			return f, badFilter(text, term)
		}
		f.conditions[property] = append(f.conditions[property], c)
	}
	return f, nil
}
