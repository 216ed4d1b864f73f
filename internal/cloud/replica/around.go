package replica

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/fixture"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// region is the region of the workspace.
func (l *loading) region() string {
	id, err := arm.Parse(l.snap.Header.WorkspaceID)
	if err != nil {
		return ""
	}
	location, _ := l.resources[id.Key()].Doc.Public["location"].(string)
	return strings.ToLower(strings.ReplaceAll(location, " ", ""))
}

// metric notes how often an endpoint was called in an hour.
func (l *loading) metric(d snapshot.Document, body arm.Document) {
	scope, _, _ := strings.Cut(d.ID, "/providers/"+string(aml.Metrics))
	value, _ := body.At("requests")
	if id, err := arm.Parse(scope); err == nil {
		l.requests[id.Key()] = json.Number(fmt.Sprint(value))
	}
}

// listed makes a stand-in of what is in a group, unless it is known better.
func (l *loading) listed(d snapshot.Document, body arm.Document) error {
	id, err := arm.Parse(body.Text("id"))
	if err != nil {
		return nil //nolint:nilerr // nobody can refer to it
	}
	if group := id.GroupID(); group != nil {
		l.listings[group.Key()] = true
	}
	if _, known := l.resources[id.Key()]; known {
		return nil
	}
	if !l.fits(id) {
		return nil
	}
	doc, err := parse(snapshot.Document{ID: id.String(), Body: d.Body}, nil)
	if err != nil {
		return err
	}
	l.resources[id.Key()] = doc
	l.standIns = append(l.standIns, id.String())
	return nil
}

// standIn is a document with just enough to be referred to.
func standIn(location string, properties map[string]any) tree.Document {
	public := map[string]any{"properties": properties}
	if location != "" {
		public["location"] = location
	}
	return tree.Document{Public: public, Private: map[string]any{}}
}

// wire adds what the snapshot names and does not hold, and what services remember of one another.
func (l *loading) wire() {
	for _, d := range l.all() {
		l.mentioned(d.Doc.Public)
	}
	for _, d := range l.all() {
		switch {
		case d.ID.Type().Is(aml.PrivateEndpoints):
			l.endpoint(d)
		case d.ID.Type().Is(aml.DNSZoneGroups):
			l.zoneGroup(d)
		case d.ID.Type().Is(aml.NetworkInterfaces):
			l.addresses(d)
		}
	}
	for _, d := range l.all() {
		l.connections(d)
		l.secrets(d)
	}
	for _, d := range l.all() {
		l.parents(d.ID)
	}
	for _, d := range l.extensions {
		l.parents(d.ID.Scope().Child(arm.Hop{Type: "x", Name: "x"}))
	}
}

// scopes makes stand-ins of what roles, locks and settings are bound to, and leaves those out whose scope is not there: orphans, and what is bound to resources that the cloud does not have.
func (l *loading) scopes(ctx context.Context) error {
	for key, d := range l.extensions {
		scope := d.ID.Scope()
		if len(scope) < 3 {
			continue
		}
		l.named(scope.String())
		if _, there := l.resources[scope.Key()]; there {
			continue
		}
		_, err := l.snap.Get(ctx, snapshot.Content, scope.String())
		if errs.Is(err, errs.NotFound) {
			delete(l.extensions, key)
			l.leave(d.ID.String(), "what it is bound to is not in the snapshot, or not built in the cloud")
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fits reports whether the cloud can hold a document: it knows the type, takes the name, and has the parent. What does not fit is left out and listed.
func (l *loading) fits(id arm.ID) bool {
	entry, err := l.target.Types.Find(id.Type())
	switch {
	case len(l.absent) > 0 && l.absent[id.Parent().Key()]:
		l.leave(id.String(), "what it is part of is left out")
	case err != nil || entry.Virtual || entry.Extension:
		l.leave(id.String(), "resources of the type "+string(id.Type())+" are not built in the cloud")
	case control.CheckName(entry, id) != nil:
		l.leave(id.String(), "the cloud does not take its name")
	default:
		return true
	}
	l.absent[id.Key()] = true
	return false
}

// all are the documents that are held, by key.
func (l *loading) all() []fixture.Document {
	var list []fixture.Document
	for d := range sorted(l.resources) {
		list = append(list, d)
	}
	return list
}

// mentioned makes stand-ins of the resources that a document names.
func (l *loading) mentioned(value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, item := range v {
			l.named(name)
			l.identity(name, item)
			l.mentioned(item)
		}
	case []any:
		for _, item := range v {
			l.mentioned(item)
		}
	case string:
		l.named(v)
	}
}

// named makes a stand-in of a resource of which only the id is known. Contents of the workspace are none: they are there or not.
func (l *loading) named(text string) {
	if !strings.HasPrefix(strings.ToLower(text), "/subscriptions/") {
		return
	}
	id, err := arm.Parse(text)
	if err != nil || id.Group() == "" || len(id) < 3 {
		return
	}
	for n := 3; n <= len(id); n++ {
		part := id[:n]
		_, known := l.resources[part.Key()]
		if known {
			continue
		}
		if n == 3 && l.listings[id.GroupID().Key()] { // the group was read to its end: there is no such thing
			return
		}
		if entry, err := l.target.Types.Find(part.Type()); err != nil || entry.Extension || entry.Virtual || part.Type().Is(aml.Workspaces) || strings.HasPrefix(part.Type().Key(), aml.Workspaces.Key()+"/") {
			return
		}
		l.resources[part.Key()] = fixture.Document{ID: part, Doc: l.imagined(part)}
		l.standIns = append(l.standIns, part.String())
	}
}

// identity gives the stand-in of an identity the principal that a document shows of it.
func (l *loading) identity(name string, shown any) {
	id, err := arm.Parse(name)
	object, _ := shown.(map[string]any)
	if err != nil || object == nil || !id.Type().Is("Microsoft.ManagedIdentity/userAssignedIdentities") {
		return
	}
	if l.resources[id.Key()].ID == nil {
		return
	}
	for _, member := range []string{"principalId", "clientId"} {
		if value := object[member]; value != nil {
			tree.Set(l.resources[id.Key()].Doc.Public, "properties."+member, value)
		}
	}
}

// imagined is the document of a stand-in.
func (l *loading) imagined(id arm.ID) tree.Document {
	location := l.region()
	switch {
	case id.Type().Is("Microsoft.Network/virtualNetworks"):
		return standIn(location, map[string]any{"addressSpace": map[string]any{"addressPrefixes": []any{}}})
	case id.Type().Is("Microsoft.Network/privateDnsZones"):
		return standIn("global", map[string]any{})
	case len(id) > 3:
		return standIn("", map[string]any{})
	}
	return standIn(location, map[string]any{"provisioningState": "Succeeded"})
}

// parents makes the groups of what is there.
func (l *loading) parents(id arm.ID) {
	if id.Subscription() == "" {
		return
	}
	l.subscription(id.Subscription())
	group := id.GroupID()
	if group == nil || len(id) == len(group) {
		return
	}
	if _, known := l.resources[group.Key()]; known {
		return
	}
	l.resources[group.Key()] = fixture.Document{ID: group, Doc: tree.Document{Public: map[string]any{"location": l.region(), "properties": map[string]any{"provisioningState": "Succeeded"}}}}
	l.standIns = append(l.standIns, group.String())
}

// endpoint lets a private endpoint remember its connections and its interface.
func (l *loading) endpoint(d fixture.Document) {
	doc := arm.Document(d.Doc.Public)
	made := map[string]any{}
	for _, list := range aml.ConnectionLists() {
		for _, request := range doc.Objects(list) {
			target, err := arm.Parse(request.Text("properties.privateLinkServiceId"))
			if err != nil {
				continue
			}
			if connection := l.connectionOf(target, d.ID); connection != nil {
				made[strings.ToLower(request.Text("name"))] = fixture.NodeOf(connection)
			}
		}
	}
	d.Doc.Private["connections"] = made
	var hosts []any
	for _, nic := range doc.Objects("properties.networkInterfaces") {
		if id, err := arm.Parse(nic.Text("id")); err == nil && l.resources[id.Key()].ID != nil {
			d.Doc.Private["interface"] = fixture.NodeOf(id)
		}
	}
	for _, host := range doc.Objects("properties.customDnsConfigs") {
		hosts = append(hosts, map[string]any(host))
	}
	if hosts != nil {
		d.Doc.Private["hosts"] = hosts
	}
}

// connectionOf is the id of the connection that an endpoint has at a resource: in the resource's document, by the endpoint that it names.
func (l *loading) connectionOf(target, endpoint arm.ID) arm.ID {
	doc := arm.Document(l.resources[target.Key()].Doc.Public)
	for _, connection := range doc.Objects("properties.privateEndpointConnections") {
		if named, err := arm.Parse(connection.Text("properties.privateEndpoint.id")); err != nil || !named.Equal(endpoint) {
			continue
		}
		name := connection.Text("name")
		if id, err := arm.Parse(connection.Text("id")); err == nil && name == "" {
			name = id.Name()
		}
		return target.Child(arm.Hop{Type: "privateEndpointConnections", Name: name})
	}
	return nil
}

// connections makes resources of the connections that a document shows. Those of the workspace are among its contents.
func (l *loading) connections(d fixture.Document) {
	list := arm.Document(d.Doc.Public).Objects("properties.privateEndpointConnections")
	if list == nil {
		return
	}
	tree.Set(d.Doc.Public, "properties.privateEndpointConnections", nil)
	if d.ID.Type().Is(aml.Workspaces) {
		return
	}
	for _, connection := range list {
		name := connection.Text("name")
		if id, err := arm.Parse(connection.Text("id")); err == nil {
			name = id.Name()
		}
		id := d.ID.Child(arm.Hop{Type: "privateEndpointConnections", Name: name})
		body := map[string]any(connection.Clone())
		for _, member := range []string{"id", "name", "type"} {
			delete(body, member)
		}
		l.resources[id.Key()] = fixture.Document{ID: id, Doc: tree.Document{Public: body, Private: map[string]any{}}}
	}
}

// zoneGroup makes the records that a zone group keeps in its zones.
func (l *loading) zoneGroup(d fixture.Document) {
	var records []any
	for _, config := range arm.Document(d.Doc.Public).Objects("properties.privateDnsZoneConfigs") {
		zone, err := arm.Parse(config.Text("properties.privateDnsZoneId"))
		if err != nil || l.resources[zone.Key()].ID == nil {
			continue
		}
		for _, set := range config.Objects("properties.recordSets") {
			id := zone.Child(arm.Hop{Type: "A", Name: set.Text("recordSetName")})
			addresses := []any{}
			var shown []any
			for _, address := range set.Texts("ipAddresses") {
				addresses = append(addresses, address)
				shown = append(shown, map[string]any{"ipv4Address": address})
			}
			l.resources[id.Key()] = fixture.Document{ID: id, Doc: standIn("", map[string]any{"ttl": json.Number("10"), "isAutoRegistered": false, "aRecords": shown, "fqdn": set.Text("fqdn") + "."})}
			records = append(records, map[string]any{"node": fixture.NodeOf(id), "addresses": addresses})
		}
	}
	d.Doc.Private["records"] = records
}

// addresses lets a subnet remember who has which address, and be wide enough for all.
func (l *loading) addresses(nic fixture.Document) {
	doc := arm.Document(nic.Doc.Public)
	holder, err := arm.Parse(doc.Text("properties.privateEndpoint.id"))
	if err != nil || l.resources[holder.Key()].ID == nil {
		return
	}
	for _, configuration := range doc.Objects("properties.ipConfigurations") {
		id, err := arm.Parse(configuration.Text("properties.subnet.id"))
		address, unread := netip.ParseAddr(configuration.Text("properties.privateIPAddress"))
		subnet := l.resources[id.Key()]
		if err != nil || unread != nil || subnet.ID == nil {
			continue
		}
		held, _ := subnet.Doc.Private["addresses"].(map[string]any)
		if held == nil {
			held = map[string]any{}
			subnet.Doc.Private["addresses"] = held
		}
		held[address.String()] = fixture.NodeOf(holder)
		if tree.Text(subnet.Doc.Public, "properties.addressPrefix") == "" {
			l.widen(subnet, address)
		}
	}
}

// widen gives a subnet that is only named a range around an address, and its network the same.
func (l *loading) widen(subnet fixture.Document, address netip.Addr) {
	prefix, err := address.Prefix(24)
	if err != nil {
		return
	}
	tree.Set(subnet.Doc.Public, "properties.addressPrefix", prefix.String())
	network := l.resources[subnet.ID.Parent().Key()]
	if network.ID == nil {
		return
	}
	ranges, _ := tree.Get(network.Doc.Public, "properties.addressSpace.addressPrefixes").([]any)
	if !slices.Contains(ranges, any(prefix.String())) {
		tree.Set(network.Doc.Public, "properties.addressSpace.addressPrefixes", append(ranges, prefix.String()))
	}
	order, _ := network.Doc.Private["order.subnets"].([]any)
	network.Doc.Private["order.subnets"] = append(order, subnet.ID.Name())
}
