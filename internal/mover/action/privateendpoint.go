package action

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// restorePrivateEndpoint brings a private endpoint of something that moved back into use (S23, S24): the connection that the service made anew is approved; where it made none, the endpoint
// is made again with its DNS groups (pain 15).
type restorePrivateEndpoint struct{ restoring }

const connectionStatus = "properties.privateLinkServiceConnectionState.status"

// connections of the resource to which the endpoint leads, where that is now.
type connections struct {
	endpoint, resource arm.ID
	approve            bool
	pending, approved  []arm.Document
	rejected           []arm.Document // by a person
	dead               []arm.Document // disconnected by the move
}

func (t *Task) connections(ctx context.Context) (c connections, err error) {
	var detail plan.EndpointDetail
	if err := t.Detail(&detail); err != nil {
		return c, err
	}
	if c.endpoint, err = t.Subject(); err != nil {
		return c, err
	}
	resource, err := arm.Parse(detail.Resource)
	if err != nil {
		return c, err
	}
	c.resource, c.approve = t.Where().ID(resource), detail.Approve
	of := c.resource.Child(arm.Hop{Type: "privateEndpointConnections", Name: "x"})
	err = t.List(ctx, c.resource.String()+"/privateEndpointConnections", of, func(now arm.Document) error {
		endpoint, err := arm.Parse(now.Text("properties.privateEndpoint.id"))
		if err != nil || !endpoint.Equal(c.endpoint) && !endpoint.Equal(t.Where().ID(c.endpoint)) {
			return nil
		}
		switch aml.ConnectionStatus(now.Text(connectionStatus)) {
		case aml.ConnectionApproved:
			c.approved = append(c.approved, now)
		case aml.ConnectionPending:
			c.pending = append(c.pending, now)
		case aml.ConnectionRejected:
			c.rejected = append(c.rejected, now)
		default:
			c.dead = append(c.dead, now)
		}
		return nil
	})
	return c, err
}

func (restorePrivateEndpoint) Done(ctx context.Context, t *Task) (bool, error) {
	c, err := t.connections(ctx)
	if err != nil || len(c.approved) == 0 || len(c.dead) > 0 {
		return false, err
	}
	missing, err := t.missingZoneGroups(ctx, c.endpoint)
	return len(missing) == 0, err
}

func (restorePrivateEndpoint) Do(ctx context.Context, t *Task) error {
	c, err := t.connections(ctx)
	if err != nil {
		return err
	}
	switch {
	case len(c.approved) > 0:
	case len(c.pending) > 0 && !c.approve:
		return c.waiting(c.pending[0])
	case len(c.pending) > 0:
		err = t.approve(ctx, c.pending[0])
	case len(c.rejected) > 0:
		return &Waiting{For: fmt.Sprintf("somebody rejected the private endpoint connection %s of %s: approve it, or delete it (az network private-endpoint-connection delete --id %s) and the endpoint is made again",
			c.rejected[0].Text("name"), c.resource.Name(), c.rejected[0].Text("id"))}
	default:
		err = t.remake(ctx, c)
	}
	if err != nil {
		return err
	}
	if err := t.buryDead(ctx, c); err != nil {
		return err
	}
	missing, err := t.missingZoneGroups(ctx, c.endpoint)
	if err != nil {
		return err
	}
	for where, body := range missing {
		id, err := arm.Parse(where)
		if err != nil {
			return err
		}
		if _, err := t.Put(ctx, id, body); err != nil {
			return err
		}
	}
	return t.compareAddresses(ctx, c.endpoint)
}

// waiting says which connection the owner of the resource has to approve, and how.
func (c connections) waiting(connection arm.Document) error {
	return &Waiting{For: fmt.Sprintf("approve the private endpoint connection %s of %s (az network private-endpoint-connection approve --id %s)", connection.Text("name"), c.resource.Name(), connection.Text("id"))}
}

// approve approves a connection as its owner.
func (t *Task) approve(ctx context.Context, connection arm.Document) error {
	id, err := arm.Parse(connection.Text("id"))
	if err != nil {
		return err
	}
	body := arm.Document{}
	body.Set("properties.privateLinkServiceConnectionState", map[string]any{"status": string(aml.ConnectionApproved), "description": "Approved by amlmove: it was approved before the move."})
	_, err = t.Put(ctx, id, body)
	return err
}

// buryDead removes what is left of the connections that the move cut.
func (t *Task) buryDead(ctx context.Context, c connections) error {
	for _, dead := range c.dead {
		id, err := arm.Parse(dead.Text("id"))
		if err != nil {
			return err
		}
		if err := t.Remove(ctx, id, ""); err != nil {
			return err
		}
	}
	return nil
}

// remake makes a private endpoint again that leads to where its resource is now. To what an endpoint leads cannot be changed, nor does a disconnected one come back to life: the dead one goes
// first, and only when all of it is in the snapshot (D2).
func (t *Task) remake(ctx context.Context, c connections) error {
	original, err := t.Original(ctx, c.endpoint)
	if err != nil {
		return err
	}
	body := t.Where().ForPut(aml.Kind{ReadOnly: aml.PrivateEndpointReadOnly(), References: []aml.Reference{
		{Path: "properties.privateLinkServiceConnections.*.properties.privateLinkServiceId"}, {Path: "properties.manualPrivateLinkServiceConnections.*.properties.privateLinkServiceId"}}}, original)
	now, found, err := t.Read(ctx, c.endpoint)
	if err != nil {
		return err
	}
	if found && disconnected(now) {
		if err := t.Remove(ctx, c.endpoint, ""); err != nil {
			return err
		}
	}
	if _, err := t.Put(ctx, c.endpoint, body); err != nil {
		return err
	}
	begun := t.Clock.Now()
	return t.Until(ctx, func() (bool, error) {
		again, err := t.connections(ctx)
		switch {
		case err != nil:
			return false, err
		case len(again.approved) > 0:
			return true, nil
		case len(again.pending) > 0 && !c.approve:
			return false, c.waiting(again.pending[0])
		case len(again.pending) > 0:
			return false, t.approve(ctx, again.pending[0])
		case t.Clock.Now().Sub(begun) > connectionLimit:
			return false, errs.New(errs.Conflict, "ConnectionMissing", "the private endpoint %s is there, and %s has no connection from it", c.endpoint.Name(), c.resource.Name()).At(c.endpoint.String())
		}
		return false, nil
	})
}

// connectionLimit is how long is waited until a resource shows the connection of an endpoint that was made again.
const connectionLimit = 30 * time.Minute

// disconnected reports whether a private endpoint knows that it leads nowhere.
func disconnected(endpoint arm.Document) bool {
	dead, all := 0, 0
	for _, list := range aml.ConnectionLists() {
		for _, connection := range endpoint.Objects(list) {
			all++
			if aml.ConnectionStatus(connection.Text(connectionStatus)) == aml.ConnectionDisconnected {
				dead++
			}
		}
	}
	return all > 0 && dead == all
}

// missingZoneGroups are the DNS zone groups that the endpoint had and has not, with their bodies, by id.
func (t *Task) missingZoneGroups(ctx context.Context, endpoint arm.ID) (map[string]arm.Document, error) {
	missing := map[string]arm.Document{}
	for d, err := range t.Before.Of(ctx, snapshot.Source, aml.DNSZoneGroups) {
		if err != nil {
			return nil, err
		}
		id, err := arm.Parse(d.ID)
		if err != nil {
			return nil, err
		}
		if !id.Within(endpoint) {
			continue
		}
		doc, err := arm.ParseDocument(d.Body)
		if err != nil {
			return nil, err
		}
		where, body := t.Where().ID(id), t.Where().ForPut(aml.Kind{ReadOnly: aml.DNSZoneGroupReadOnly()}, doc)
		stands, err := t.stands(ctx, where, body)
		if err != nil {
			return nil, err
		}
		if !stands {
			missing[where.String()] = body
		}
	}
	return missing, nil
}

// compareAddresses remarks names that resolve to another private address than before.
func (t *Task) compareAddresses(ctx context.Context, endpoint arm.ID) error {
	for d, err := range t.Before.Of(ctx, snapshot.Source, aml.DNSZoneGroups) {
		if err != nil {
			return err
		}
		id, err := arm.Parse(d.ID)
		if err != nil || !id.Within(endpoint) {
			continue
		}
		was, err := arm.ParseDocument(d.Body)
		if err != nil {
			return err
		}
		is, found, err := t.Read(ctx, t.Where().ID(id))
		if err != nil || !found {
			return gone(err, id)
		}
		before, after := addresses(was), addresses(is)
		for name, address := range before {
			if after[name] != address {
				if err := t.Remark(ctx, Differs, fmt.Sprintf("%s resolved to %s and resolves to %s", name, address, orNothing(after[name]))); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// gone says that a zone group that was just written is gone.
func gone(err error, id arm.ID) error {
	if err != nil {
		return err
	}
	return errs.New(errs.Conflict, "ZoneGroupGone", "the DNS zone group %s is not there although it was just written", id).At(id.String())
}

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}

// addresses are the private addresses of a zone group, by name.
func addresses(group arm.Document) map[string]string {
	all := map[string]string{}
	for _, config := range group.Objects("properties.privateDnsZoneConfigs") {
		for _, record := range config.Objects("properties.recordSets") {
			all[record.Text("fqdn")] = strings.Join(record.Texts("ipAddresses"), ", ")
		}
	}
	return all
}
