package verify

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// endpoints looks whether every private endpoint that led to something that moved is as it was and leads to it again, approved there, with its DNS groups (S23, S24).
func (c *comparison) endpoints(ctx context.Context) error {
	there, err := c.index(ctx, aml.PrivateEndpoints, func(id arm.ID, _ arm.Document) string { return id.Key() })
	if err != nil {
		return err
	}
	was, err := approvals(ctx, c.before)
	if err != nil {
		return err
	}
	is, err := approvals(ctx, c.after)
	if err != nil {
		return err
	}
	linked := aml.PrivateEndpointReadOnly()
	for _, list := range aml.ConnectionLists() { // to what it leads is compared by itself
		linked = append(linked, list+".*.properties.privateLinkServiceId")
	}
	row := Row{Kind: "private endpoints"}
	err = each(ctx, c.before, aml.PrivateEndpoints, func(id arm.ID, doc arm.Document) {
		targets := aml.LeadsTo(doc)
		if !slices.ContainsFunc(targets, c.m.Moves) {
			return
		}
		row.Before++
		now, ok := there[id.Key()]
		if !ok {
			row.Missing++
			c.differ(Difference{Kind: row.Kind, What: Missing, Before: id.String(), After: id.String()})
			return
		}
		row.After++
		changed := row.Changed
		c.members(&row, id, id, doc, now, []string{"location", "tags", "properties"}, linked)
		var want []arm.ID
		for _, target := range targets {
			want = append(want, c.m.ID(target))
		}
		leads := aml.LeadsTo(now)
		if lacking, beyond := without(want, leads), without(leads, want); lacking+beyond != "" {
			row.Changed++
			c.differ(Difference{Kind: row.Kind, What: Changed, Before: id.String(), After: id.String(), Path: "properties.privateLinkServiceConnections", Was: cmp.Or(lacking, "nothing"), Is: cmp.Or(beyond, "nothing")})
		} else if slices.ContainsFunc(targets, func(target arm.ID) bool { return was[pairKey(target, id)] && !is[pairKey(c.m.ID(target), id)] }) {
			row.Changed++
			c.differ(Difference{Kind: row.Kind, What: Changed, Before: id.String(), After: id.String(), Path: "properties.privateLinkServiceConnectionState.status", Was: "Approved", Is: "not approved"})
		}
		row.Changed = min(row.Changed, changed+1) // one endpoint, however much of it
	})
	if err != nil {
		return err
	}
	c.row(row)
	return c.boundTo(ctx, "DNS zone groups", aml.DNSZoneGroups, []string{"properties"}, aml.DNSZoneGroupReadOnly()...)
}

func pairKey(resource, endpoint arm.ID) string { return resource.Key() + " " + endpoint.Key() }

// approvals are the pairs of a resource and a private endpoint that its owner approved: the word of the resource counts, whatever the endpoint shows of itself.
func approvals(ctx context.Context, s *snapshot.Snapshot) (map[string]bool, error) {
	approved := map[string]bool{}
	add := func(resource arm.ID, connection arm.Document) {
		endpoint, err := arm.Parse(connection.Text("properties.privateEndpoint.id"))
		if err == nil && strings.EqualFold(connection.Text("properties.privateLinkServiceConnectionState.status"), string(aml.ConnectionApproved)) {
			approved[pairKey(resource, endpoint)] = true
		}
	}
	for d, err := range s.Of(ctx, snapshot.Content, aml.Workspaces+"/privateEndpointConnections") {
		if err != nil {
			return nil, err
		}
		id, err := arm.Parse(d.ID)
		if err != nil {
			return nil, err
		}
		doc, err := arm.ParseDocument(d.Body)
		if err != nil {
			return nil, err
		}
		add(id.Parent(), doc)
	}
	for _, dependency := range aml.Dependencies() {
		err := each(ctx, s, dependency.Type, func(id arm.ID, doc arm.Document) {
			for _, connection := range doc.Objects("properties.privateEndpointConnections") {
				add(id, connection)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return approved, nil
}

// without names those ids that are not among others.
func without(ids, others []arm.ID) string {
	var names []string
	for _, id := range ids {
		if !slices.ContainsFunc(others, id.Equal) {
			names = append(names, id.String())
		}
	}
	return strings.Join(names, ", ")
}
