package control

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// keeper decides whether a list shows a child of its parent.
type keeper func(ctx context.Context, r store.Reader, parent tree.Found, node store.Node) (bool, error)

// ordering compares two children of a list; nil is the order of names.
type ordering func(a, b store.Node) int

// listFilter reads from the query what a list shows and how: archived documents only when asked (aml-contract 3), and what the type knows besides.
func (e *Engine) listFilter(q url.Values, entry *provider.Type) (keeper, provider.Listing, error) {
	var listing provider.Listing
	if entry.Listed != nil {
		var err error
		if listing, err = entry.Listed(q); err != nil {
			return nil, listing, err
		}
	}
	view := strings.ToLower(queryValue(q, "listViewType"))
	if entry.Archivable && !slices.Contains([]string{"", "activeonly", "archivedonly", "all"}, view) {
		return nil, listing, errs.New(errs.Invalid, "InvalidQueryParameter", "The query parameter 'listViewType' must be ActiveOnly, ArchivedOnly or All, not '%s'.", view)
	}
	return func(ctx context.Context, r store.Reader, parent tree.Found, node store.Node) (bool, error) {
		if entry.Archivable && view != "all" && isArchived(node.Body) != (view == "archivedonly") {
			return false, nil
		}
		if listing.Keep == nil {
			return true, nil
		}
		doc, err := e.document(ctx, r, childOf(parent, node))
		return err == nil && listing.Keep(node.Name, doc.Public), err
	}, listing, nil
}

// fillOrdered is fill in another order than that of names. It looks at everything for each page, and refuses where that is too much.
func fillOrdered(ctx context.Context, r store.Reader, parent store.ID, kind string, p *page, from cursor, order ordering, render func(store.Node) ([]byte, error)) error {
	nodes, err := r.Children(ctx, parent, store.Range{Type: kind, Limit: scanLimit + 1})
	if err != nil {
		return err
	}
	if len(nodes) > scanLimit {
		return errs.New(errs.Unsupported, "NotImplemented", "Ordering a list of more than %d is not built in this cloud: ask for it without an order.", scanLimit)
	}
	compare := func(a, b store.Node) int {
		return cmp.Or(order(a, b), strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)))
	}
	slices.SortFunc(nodes, compare)
	last := store.Node{Name: from.Name, Created: from.Created, Changed: from.Changed}
	for _, node := range nodes {
		if from.Name != "" && compare(node, last) <= 0 {
			continue
		}
		item, err := render(node)
		if err != nil {
			return err
		}
		if item != nil && p.full() {
			p.next = &cursor{Name: last.Name, Created: last.Created, Changed: last.Changed}
			return nil
		}
		p.add(item)
		last = node
	}
	return nil
}

// isArchived reads properties.isArchived of a stored body.
func isArchived(body []byte) bool {
	if !bytes.Contains(body, []byte(`"isArchived":true`)) { // nearly always
		return false
	}
	public, _, _ := bytes.Cut(body, []byte{0})
	var doc struct {
		Properties struct {
			IsArchived bool `json:"isArchived"`
		} `json:"properties"`
	}
	return json.Unmarshal(public, &doc) == nil && doc.Properties.IsArchived
}
