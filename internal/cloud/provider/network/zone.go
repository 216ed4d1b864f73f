package network

import (
	"regexp"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// recordKinds are the kinds of records in a private DNS zone.
var recordKinds = []string{"A", "AAAA", "CNAME", "MX", "PTR", "SOA", "SRV", "TXT"}

// zones are private DNS zones with their links and records.
func zones() []provider.Type {
	types := []provider.Type{
		{
			Name: Zone, Versions: zoneVersions, Tracked: true, Global: true, Stateful: true, AsyncPut: true, AsyncPatch: true, AsyncDelete: true,
			Pattern: regexp.MustCompile(`^([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)+[A-Za-z0-9-]{1,63}$`),
			Put:     neighbour.Shape{}.Put(putZone), Get: showZone, Delete: zoneFree,
			Reads: map[string]provider.Action{"all": {Do: allRecords}},
		},
		{
			Name: Zone + "/virtualNetworkLinks", Stateful: true, AsyncPut: true, AsyncPatch: true, AsyncDelete: true,
			Refs: arm.NewPaths("properties.virtualNetwork.id"), Put: linkShape.Put(putLink),
		},
	}
	for _, kind := range recordKinds {
		types = append(types, provider.Type{Name: Zone + arm.Type("/"+kind), Put: recordShape.Put(putRecord)})
	}
	return types
}

var linkShape = neighbour.Shape{
	{Path: "properties.virtualNetwork", Is: neighbour.Object, Need: true},
	{Path: "properties.virtualNetwork.id", Is: neighbour.ID, Need: true},
	{Path: "properties.registrationEnabled", Is: neighbour.Bool},
}

var recordShape = neighbour.Shape{
	{Path: "properties", Is: neighbour.Object, Need: true},
	{Path: "properties.ttl", Is: neighbour.Number},
	{Path: "properties.metadata", Is: neighbour.Object},
	{Path: "properties.aRecords", Is: neighbour.List}, {Path: "properties.aRecords.*.ipv4Address", Is: neighbour.Text, Need: true},
	{Path: "properties.cnameRecord", Is: neighbour.Object}, {Path: "properties.cnameRecord.cname", Is: neighbour.Text},
	{Path: "properties.txtRecords", Is: neighbour.List},
}

// putZone gives a new zone its start of authority.
func putZone(c *provider.Call) error {
	neighbour.Stable(c, "properties.internalId", func() any { return provider.NewGUID() })
	if c.Old != nil {
		return nil
	}
	soa := tree.Document{Private: map[string]any{}, Public: map[string]any{"properties": map[string]any{
		"ttl": 3600, "fqdn": c.ID.Name() + ".", "isAutoRegistered": false, "soaRecord": map[string]any{"host": "azureprivatedns.net",
			"email": "azureprivatedns-host.microsoft.com", "serialNumber": 1, "refreshTime": 3600, "retryTime": 300, "expireTime": 2419200, "minimumTtl": 10}}}}
	return c.Spawn("SOA", "@", soa)
}

// showZone counts what a zone holds.
func showZone(c *provider.Call) error {
	records := int64(0)
	for _, kind := range recordKinds {
		n, err := c.Read.Count(c.Ctx, c.Found.Node.ID, kind)
		if err != nil {
			return err
		}
		records += n
	}
	linked, err := c.Read.Count(c.Ctx, c.Found.Node.ID, "virtualNetworkLinks")
	if err != nil {
		return err
	}
	props := c.Props()
	props["maxNumberOfRecordSets"], props["numberOfRecordSets"] = 25000, records
	props["maxNumberOfVirtualNetworkLinks"], props["numberOfVirtualNetworkLinks"] = 1000, linked
	props["maxNumberOfVirtualNetworkLinksWithRegistration"] = 100
	return nil
}

// zoneFree refuses that a zone goes that networks still look into.
func zoneFree(c *provider.Call) error {
	var ids []string
	err := c.Children(c.Found, "virtualNetworkLinks", func(found tree.Found) (bool, error) {
		ids = append(ids, "'"+found.ID().String()+"'")
		return len(ids) < 5, nil
	})
	if err != nil || len(ids) == 0 {
		return err
	}
	return provider.Conflict("CannotDeleteResource", "Cannot delete resource while nested resources exist. Some existing nested resource IDs include: %s. "+
		"Please delete all nested resources before deleting this resource.", strings.Join(ids, ", ")).At(c.ID.String())
}

// putLink judges the link of a zone to a network. The network stays linked when it moves.
func putLink(c *provider.Call) error {
	text := tree.Text(c.Doc.Public, "properties.virtualNetwork.id")
	id, err := arm.Parse(text)
	if err != nil || !id.Type().Is(VirtualNetwork) {
		return notFound(c, text)
	}
	if _, err := c.Tree.Resolve(c.Ctx, c.Read, id); err != nil {
		return lost(c, err, text)
	}
	neighbour.Default(c, "properties.registrationEnabled", false)
	c.Props()["virtualNetworkLinkState"] = "Completed"
	return nil
}

func putRecord(c *provider.Call) error {
	if len(c.ID) < 4 {
		return nil
	}
	fqdn := c.ID[3].Name + "." + c.ID[2].Name + "."
	if c.ID[3].Name == "@" {
		fqdn = c.ID[2].Name + "."
	}
	c.Props()["fqdn"], c.Props()["isAutoRegistered"] = fqdn, false
	neighbour.Default(c, "properties.ttl", 3600)
	return nil
}

// allRecords lists the records of every kind.
func allRecords(c *provider.Call) (any, error) {
	value := []any{}
	for _, kind := range recordKinds {
		err := c.Children(c.Found, kind, func(found tree.Found) (bool, error) {
			document, err := neighbour.Rendered(c, found)
			value = append(value, document)
			return true, err
		})
		if err != nil {
			return nil, err
		}
	}
	return map[string]any{"value": value}, nil
}

// zoneNamed finds the zone that a text names.
func zoneNamed(c *provider.Call, text string) (tree.Found, error) {
	id, err := arm.Parse(text)
	if err != nil || !id.Type().Is(Zone) {
		return tree.Found{}, errs.New(errs.NotFound, "PrivateDnsZoneNotFound", "'%s' is not a private DNS zone", text)
	}
	return c.Tree.Resolve(c.Ctx, c.Read, id)
}
