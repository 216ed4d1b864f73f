package control

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// Sizes of a page: what a client gets without asking, and at the most.
const (
	pageSize    = 500
	maxPageSize = 1000
)

// cursor is where the next page begins. It travels inside nextLink, opaque to clients.
type cursor struct {
	Stop  int    `json:"p,omitempty"` // of a list at a scope: which of its ranges, counted from one; zero before them
	Scope string `json:"s,omitempty"` // group, or scope of an extension
	Type  string `json:"t,omitempty"`
	Name  string `json:"n,omitempty"`
	Skip  int    `json:"k,omitempty"` // how many are still to be left out
	// of a list in the order of its times
	Created time.Time `json:"c,omitzero"`
	Changed time.Time `json:"m,omitzero"`
}

// page collects the documents of one answer.
type page struct {
	limit int
	skip  int // how many to leave out before the first
	items [][]byte
	next  *cursor
}

// newPage reads how much the caller wants and where to go on.
func newPage(q url.Values) (*page, cursor, error) {
	p := &page{limit: pageSize}
	var from cursor
	for _, key := range []string{"$top", "count", "pageSize", "$maxpagesize"} {
		text := queryValue(q, key)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n <= 0 {
			return nil, from, errs.New(errs.Invalid, "InvalidQueryParameter", "The query parameter '%s' must be a positive whole number, not '%s'.", key, text)
		}
		p.limit = min(n, maxPageSize)
	}
	for _, key := range []string{"$skiptoken", "$skip"} {
		token := queryValue(q, key)
		if token == "" {
			continue
		}
		data, err := base64.RawURLEncoding.DecodeString(token)
		if err == nil {
			err = json.Unmarshal(data, &from)
		}
		if err != nil {
			return nil, from, errs.New(errs.Invalid, "InvalidSkipToken", "The query parameter '%s' is not a token of this cloud: follow nextLink as it was given.", key)
		}
	}
	return p, from, nil
}

// queryValue reads a query parameter without regard to the case of its name.
func queryValue(q url.Values, key string) string {
	if values, ok := q[key]; ok && len(values) > 0 {
		return values[0]
	}
	for name, values := range q {
		if strings.EqualFold(name, key) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

// full reports whether the page has no room; the caller then notes where it stands.
func (p *page) full() bool { return len(p.items) >= p.limit }

// add puts an item on the page, unless it is nil or to be left out.
func (p *page) add(item []byte) {
	switch {
	case item == nil:
	case p.skip > 0:
		p.skip--
	default:
		p.items = append(p.items, item)
	}
}

// body renders the page. self is the path and query of the request.
func (p *page) body(base, path string, q url.Values) []byte {
	size := 1000 // of what stands around the items
	for _, item := range p.items {
		size += len(item) + 1
	}
	var b bytes.Buffer
	b.Grow(size)
	b.WriteString(`{"value":[`)
	for i, item := range p.items {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(item)
	}
	b.WriteByte(']')
	if p.next != nil {
		token, _ := json.Marshal(p.next) // strings only: cannot fail
		next := url.Values{}
		for name, values := range q {
			if low := strings.ToLower(name); low != "$skiptoken" && low != "$skip" {
				next[name] = values
			}
		}
		key := "$skiptoken"
		if _, ml := q["$skip"]; ml {
			key = "$skip"
		}
		next.Set(key, base64.RawURLEncoding.EncodeToString(token))
		link, _ := json.Marshal(base + path + "?" + next.Encode())
		b.WriteString(`,"nextLink":`)
		b.Write(link)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// listPath is the path of a collection as it is repeated in nextLink.
func listPath(t arm.Target) string {
	path := strings.TrimSuffix(t.ID.String(), "/")
	if t.Tail.Namespace != "" {
		path += "/providers/" + t.Tail.Namespace
	}
	return path + "/" + t.Tail.Type
}

// list answers with the children of one type below a resource, a group, or (for top-level types) a subscription.
func (e *Engine) list(ctx context.Context, req *Request, entry *provider.Type) (Response, error) {
	if action, ok := entry.Reads[""]; ok && entry.Virtual {
		return e.act(ctx, req, entry, action, "/read")
	}
	if entry.Virtual {
		return Response{}, errs.New(errs.Unsupported, "NotImplemented", "Listing '%s' is not built in this cloud.", entry.Name)
	}
	p, from, err := newPage(req.Query)
	if err != nil {
		return Response{}, err
	}
	keep, listing, err := e.listFilter(req.Query, entry)
	if err != nil {
		return Response{}, err
	}
	err = e.View(ctx, func(r store.Reader, st *State) error {
		p.items, p.next, p.skip = nil, nil, from.Skip
		if from == (cursor{}) {
			p.skip = listing.Skip
		}
		sight, err := st.admitChildren(req, entry)
		if err != nil {
			return err
		}
		keep := sight.keeper(entry, keep)
		parent, err := e.Tree.Resolve(ctx, r, req.Target.ID)
		if err != nil {
			return Explain(err, req.Target.ID.Child(arm.Hop{Type: req.Target.Tail.Type}))
		}
		if len(req.Target.ID) == 1 && req.Target.Tail.Namespace != "" {
			return e.listInGroups(ctx, r, req, parent, sight, p, from, func(group tree.Found, start cursor) error {
				return e.listChildren(ctx, r, req, group, entry, p, start, keep, nil)
			})
		}
		return e.listChildren(ctx, r, req, parent, entry, p, from, keep, listing.Order)
	})
	if err != nil {
		return Response{}, err
	}
	return Response{Status: 200, Body: p.body(e.Base(), listPath(req.Target), req.Query)}, nil
}

// listChildren adds the children of one parent to a page.
func (e *Engine) listChildren(ctx context.Context, r store.Reader, req *Request, parent tree.Found, entry *provider.Type, p *page, from cursor, keep keeper, order ordering) error {
	hop := canonicalHop(entry, arm.ID{{}})
	container, err := e.Tree.Container(ctx, r, parent, hop.NodeType())
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	siblings := e.Tree.SiblingsOf(parent, hop.NodeType())
	render := func(node store.Node) ([]byte, error) {
		if ok, err := keep(ctx, r, parent, node); err != nil || !ok {
			return nil, err
		}
		if entry.Get == nil {
			return siblings.Render(ctx, r, node)
		}
		return e.render(ctx, r, childOf(parent, node), entry, req.Caller)
	}
	if order != nil {
		return fillOrdered(ctx, r, container, hop.NodeType(), p, from, order, render)
	}
	return fill(ctx, r, container, store.Range{Type: hop.NodeType(), AfterType: from.Type, AfterName: from.Name}, p, render)
}

// childOf is a node below what was found.
func childOf(parent tree.Found, node store.Node) tree.Found {
	return tree.Found{Chain: append(parent.Chain[:len(parent.Chain):len(parent.Chain)], node), Node: node}
}

// scanLimit bounds how many nodes one page may look at: a filter that keeps little then answers a short page with a nextLink.
const scanLimit = 20_000

// fill adds the children of a node to a page until it is full, and notes where it stands. render returns nil for a child that does not show.
func fill(ctx context.Context, r store.Reader, parent store.ID, chunk store.Range, p *page, render func(store.Node) ([]byte, error)) error {
	for seen := 0; ; {
		chunk.Limit = min(p.limit-len(p.items)+1, maxPageSize)
		nodes, err := r.Children(ctx, parent, chunk)
		if err != nil {
			return err
		}
		for _, node := range nodes {
			if p.full() || seen >= scanLimit {
				p.next = &cursor{Type: chunk.AfterType, Name: chunk.AfterName, Skip: p.skip}
				return nil
			}
			seen++
			chunk.AfterType, chunk.AfterName = node.Type, node.Name
			item, err := render(node)
			if err != nil {
				return err
			}
			p.add(item)
		}
		if len(nodes) < chunk.Limit {
			return nil
		}
	}
}

// listInGroups calls list for each group of a subscription until the page is full, and notes in which group it stands.
func (e *Engine) listInGroups(ctx context.Context, r store.Reader, req *Request, subscription tree.Found, sight sight, p *page, from cursor, list func(tree.Found, cursor) error) error {
	groups := store.Range{Type: arm.ResourceGroups, Limit: 200}
	start := cursor{Type: from.Type, Name: from.Name}
	if from.Scope != "" {
		group, err := e.Tree.Resolve(ctx, r, req.Target.ID[:1].Child(arm.Hop{Type: arm.ResourceGroups, Name: from.Scope}))
		if err == nil {
			if err := e.listOne(group, p, start, list); err != nil || p.next != nil {
				return err
			}
		} else if !errs.Is(err, errs.NotFound) {
			return err
		}
		groups.AfterType, groups.AfterName = arm.ResourceGroups, from.Scope
	}
	for {
		nodes, err := r.Children(ctx, subscription.Node.ID, groups)
		if err != nil {
			return err
		}
		for _, node := range nodes {
			group := tree.Found{Chain: []store.Node{subscription.Node, node}, Node: node}
			if !sight.enters(group) {
				continue
			}
			if err := e.listOne(group, p, cursor{}, list); err != nil || p.next != nil {
				return err
			}
		}
		if len(nodes) < groups.Limit {
			return nil
		}
		groups.AfterType, groups.AfterName = nodes[len(nodes)-1].Type, nodes[len(nodes)-1].Name
	}
}

// listOne lists one group and puts its name into the cursor.
func (e *Engine) listOne(group tree.Found, p *page, from cursor, list func(tree.Found, cursor) error) error {
	if err := list(group, from); err != nil {
		return err
	}
	if p.next != nil {
		p.next.Scope = group.Node.Name
	}
	return nil
}
