package control

import (
	"context"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// listResources answers the generic lists: all tracked resources of a subscription or a group, with az's filters and expansions
// (client-wire 6).
func (e *Engine) listResources(ctx context.Context, req *Request) (Response, error) {
	p, from, err := newPage(req.Query)
	if err != nil {
		return Response{}, err
	}
	filter, err := parseFilter(queryValue(req.Query, "$filter"), resourceFields...)
	if err != nil {
		return Response{}, err
	}
	expand, err := parseExpand(queryValue(req.Query, "$expand"))
	if err != nil {
		return Response{}, err
	}
	err = e.View(ctx, func(r store.Reader, st *State) error {
		p.items, p.next = nil, nil
		sight, err := st.admitList(req, "Microsoft.Resources/subscriptions/resources/read")
		if err != nil {
			return err
		}
		scope, err := e.Tree.Resolve(ctx, r, req.Target.ID)
		if err != nil {
			return Explain(err, req.Target.ID)
		}
		list := func(group tree.Found, start cursor) error {
			if !all(filter.groups, group.Node.Name) {
				return nil
			}
			return e.listGroupResources(ctx, r, group, sight, p, start, filter, expand)
		}
		if len(req.Target.ID) == 2 {
			return list(scope, from)
		}
		return e.listInGroups(ctx, r, req, scope, sight, p, from, list)
	})
	if err != nil {
		return Response{}, err
	}
	return Response{Status: 200, Body: p.body(e.Base(), listPath(req.Target), req.Query)}, nil
}

// listGroupResources adds the tracked resources of one group to a page.
func (e *Engine) listGroupResources(ctx context.Context, r store.Reader, group tree.Found, sight sight, p *page, from cursor, filter filter, expand expansion) error {
	return fill(ctx, r, group.Node.ID, store.Range{AfterType: from.Type, AfterName: from.Name}, p, func(node store.Node) ([]byte, error) {
		entry, err := e.Types.Find(arm.Type(node.Type))
		if err != nil || !entry.Tracked || !filter.quick(entry.Name, node.Name) || !sight.sees(string(entry.Name)+"/read", group, node) {
			return nil, nil
		}
		return e.genericItem(ctx, r, group, node, filter, expand)
	})
}

// genericItem renders a resource as generic lists show it: without properties. nil when the filter refuses it.
func (e *Engine) genericItem(ctx context.Context, r store.Reader, group tree.Found, node store.Node, filter filter, expand expansion) ([]byte, error) {
	found := childOf(group, node)
	doc, err := e.Tree.Decode(ctx, r, found)
	if err != nil {
		return nil, err
	}
	if !filter.document(doc.Public) {
		return nil, nil
	}
	id := found.ID()
	item := map[string]any{"id": id.String(), "name": id.Name(), "type": string(id.Type())}
	for _, member := range []string{"location", "tags", "kind", "sku", "identity", "managedBy", "plan", "zones", "systemData"} {
		if value, ok := doc.Public[member]; ok {
			item[member] = value
		}
	}
	if expand.created {
		item["createdTime"] = node.Created.Format(time.RFC3339Nano)
	}
	if expand.changed {
		item["changedTime"] = node.Changed.Format(time.RFC3339Nano)
	}
	if state := tree.Text(doc.Public, "properties.provisioningState"); expand.state && state != "" {
		item["provisioningState"] = state
	}
	return arm.AppendValue(nil, item)
}
