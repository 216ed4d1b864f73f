package network

import (
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// recordsAt is where a zone group remembers the records that it made: [{node, addresses}].
const recordsAt = "records"

var groupShape = neighbour.Shape{
	{Path: "properties", Is: neighbour.Object, Need: true},
	{Path: "properties.privateDnsZoneConfigs", Is: neighbour.List, Need: true},
	{Path: "properties.privateDnsZoneConfigs.*.name", Is: neighbour.Text, Need: true},
	{Path: "properties.privateDnsZoneConfigs.*.properties", Is: neighbour.Object, Need: true},
	{Path: "properties.privateDnsZoneConfigs.*.properties.privateDnsZoneId", Is: neighbour.ID, Need: true},
}

// zoneGroup keeps the names of a private endpoint's target in private DNS zones: it writes A records when its operation ends and takes them back
// when it goes.
func zoneGroup() provider.Type {
	t := below(ZoneGroup, groupShape.Put(putGroup))
	t.Refs = arm.NewPaths("properties.privateDnsZoneConfigs.*.properties.privateDnsZoneId")
	t.Settle = settleGroup
	t.Gone = func(c *provider.Call) error { return withdraw(c, c.Doc.Private, nil) }
	return t
}

// configs reads the members of a zone group.
func configs(public map[string]any) []map[string]any {
	var all []map[string]any
	list, _ := tree.Get(public, "properties.privateDnsZoneConfigs").([]any)
	for _, item := range list {
		object, _ := item.(map[string]any)
		if body := tree.Object(object, "properties"); body != nil {
			all = append(all, body)
		}
	}
	return all
}

func putGroup(c *provider.Call) error {
	neighbour.Private(c)
	for _, body := range configs(c.Doc.Public) {
		delete(body, "recordSets")
		zone := tree.Text(body, "privateDnsZoneId")
		if _, err := zoneNamed(c, zone); err != nil {
			return lost(c, err, zone)
		}
	}
	return nil
}

// settleGroup writes the records of every zone of the group.
func settleGroup(c *provider.Call, _ string) error {
	c.Changed = true
	_, endpoint, err := c.Ancestor(2)
	if err != nil {
		return err
	}
	addresses := map[string][]any{}
	hosts, _ := endpoint.Private[hostsAt].([]any)
	for _, item := range hosts {
		host, _ := item.(map[string]any)
		addresses[tree.Text(host, "fqdn")], _ = host["ipAddresses"].([]any)
	}
	made := []any{}
	for _, body := range configs(c.Doc.Public) {
		zone, err := zoneNamed(c, tree.Text(body, "privateDnsZoneId"))
		if err != nil {
			return lost(c, err, tree.Text(body, "privateDnsZoneId"))
		}
		sets, nodes, err := writeRecords(c, zone, endpoint, addresses)
		if err != nil {
			return err
		}
		body["recordSets"] = sets
		made = append(made, nodes...)
	}
	if err := withdraw(c, neighbour.Private(c), made); err != nil {
		return err
	}
	c.Doc.Private[recordsAt] = made
	c.Props()["provisioningState"] = "Succeeded"
	return nil
}

// writeRecords puts the names of an endpoint's targets that belong into a zone there.
func writeRecords(c *provider.Call, zone tree.Found, endpoint tree.Document, addresses map[string][]any) (sets, nodes []any, err error) {
	sets = []any{}
	for _, r := range requests(endpoint.Public) {
		found, target, err := c.Lookup(r.target)
		if errs.Is(err, errs.NotFound) {
			continue // the target is gone: no name to keep
		}
		if err != nil {
			return nil, nil, err
		}
		for _, record := range neighbour.Records(found.ID(), target, r.groups) {
			own := addresses[record.Host()]
			if !record.Link.In(zone.Node.Name) || len(own) == 0 {
				continue
			}
			node, err := point(c, zone, record.Name, own)
			if err != nil {
				return nil, nil, err
			}
			nodes = append(nodes, map[string]any{"node": node, "addresses": own})
			sets = append(sets, map[string]any{"recordType": "A", "recordSetName": record.Name, "fqdn": record.Name + "." + zone.Node.Name,
				"ttl": 10, "provisioningState": "Succeeded", "ipAddresses": own})
		}
	}
	return sets, nodes, nil
}

// point adds addresses to an A record, made if absent, and returns its node.
func point(c *provider.Call, zone tree.Found, name string, addresses []any) (string, error) {
	found, _, err := c.Lookup(zone.ID().Child(arm.Hop{Type: "A", Name: name}))
	if err == nil {
		found, doc, err := holdNode(c, found)
		if err != nil {
			return "", err
		}
		if err := provider.NotDeleting(found.Chain); err != nil {
			return "", err
		}
		list, _ := tree.Get(doc.Public, "properties.aRecords").([]any)
		tree.Set(doc.Public, "properties.aRecords", append(without(list, addresses), entries(addresses)...))
		return ref(found.Node.ID), c.SaveOther(found, doc)
	}
	if !errs.Is(err, errs.NotFound) {
		return "", err
	}
	doc := tree.Document{Public: map[string]any{"properties": map[string]any{
		"ttl": 10, "fqdn": name + "." + zone.Node.Name + ".", "isAutoRegistered": false, "aRecords": entries(addresses),
		"metadata": map[string]any{"creator": "created by private endpoint " + c.ID[len(c.ID)-2].Name}}}}
	found, err = neighbour.Beside(c, zone, Zone+"/A", name, doc)
	return ref(found.Node.ID), err
}

// entries writes addresses as an A record does.
func entries(addresses []any) []any {
	list := []any{}
	for _, address := range addresses {
		list = append(list, map[string]any{"ipv4Address": address})
	}
	return list
}

// without returns the entries of an A record that are not of the given addresses.
func without(list, addresses []any) []any {
	left := []any{}
	for _, item := range list {
		object, _ := item.(map[string]any)
		mine := false
		for _, address := range addresses {
			text, _ := address.(string)
			mine = mine || strings.EqualFold(text, tree.Text(object, "ipv4Address"))
		}
		if !mine {
			left = append(left, item)
		}
	}
	return left
}

// withdraw takes the addresses of a group out of the records that it made, but for those that it has just made again; an empty record goes. A record that is gone is left alone.
func withdraw(c *provider.Call, private map[string]any, again []any) error {
	made, _ := private[recordsAt].([]any)
	for _, item := range made {
		object, _ := item.(map[string]any)
		found, err := c.Tree.FindNode(c.Ctx, c.Tx, deref(object["node"]))
		if errs.Is(err, errs.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		found, doc, err := holdNode(c, found)
		if err != nil {
			return err
		}
		own, _ := object["addresses"].([]any)
		own = stale(own, object["node"], again)
		list, _ := tree.Get(doc.Public, "properties.aRecords").([]any)
		left := without(list, own)
		if len(left) == 0 {
			err = c.Remove(found)
		} else if len(left) < len(list) {
			tree.Set(doc.Public, "properties.aRecords", left)
			err = c.SaveOther(found, doc)
		}
		if err != nil {
			return err
		}
	}
	delete(private, recordsAt)
	return nil
}

// stale returns the addresses in a record that are not among those made again.
func stale(own []any, node any, again []any) []any {
	var left []any
	for _, address := range own {
		if !slices.ContainsFunc(again, func(item any) bool {
			object, _ := item.(map[string]any)
			addresses, _ := object["addresses"].([]any)
			return object["node"] == node && slices.Contains(addresses, address)
		}) {
			left = append(left, address)
		}
	}
	return left
}
