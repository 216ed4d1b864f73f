// Package network is Microsoft.Network as far as a workspace meets it: virtual networks with their subnets, private endpoints with the
// connections, interfaces, addresses and DNS records that they make, private DNS zones, and the plain resources around them. No packet
// flows. It stands on provider and neighbour.
package network

import (
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
)

// The types with a behaviour.
const (
	VirtualNetwork  arm.Type = "Microsoft.Network/virtualNetworks"
	Subnet          arm.Type = "Microsoft.Network/virtualNetworks/subnets"
	Peering         arm.Type = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings"
	Interface       arm.Type = "Microsoft.Network/networkInterfaces"
	SecurityGroup   arm.Type = "Microsoft.Network/networkSecurityGroups"
	RouteTable      arm.Type = "Microsoft.Network/routeTables"
	PrivateEndpoint arm.Type = "Microsoft.Network/privateEndpoints"
	ZoneGroup       arm.Type = "Microsoft.Network/privateEndpoints/privateDnsZoneGroups"
	Zone            arm.Type = "Microsoft.Network/privateDnsZones"
	LinkService     arm.Type = "Microsoft.Network/privateLinkServices"
)

var versions = []string{"2025-07-01", "2025-05-01", "2025-01-01", "2024-10-01", "2024-07-01", "2024-05-01", "2024-03-01", "2024-01-01", "2023-11-01", "2023-09-01",
	"2023-06-01", "2023-05-01", "2023-04-01", "2023-02-01", "2022-11-01", "2022-09-01", "2022-07-01", "2022-05-01", "2022-01-01", "2021-08-01", "2021-05-01",
	"2021-02-01", "2020-11-01", "2020-07-01", "2019-11-01"}

var zoneVersions = []string{"2024-06-01", "2020-06-01", "2020-01-01", "2018-09-01"}

// Types returns the entries of the namespace.
func Types() []provider.Type {
	types := []provider.Type{
		virtualNetwork(), subnet(), peering(),
		long(SecurityGroup, neighbour.Shape{}, rules), below(SecurityGroup+"/securityRules", nil),
		long(RouteTable, neighbour.Shape{}, routes), below(RouteTable+"/routes", nil),
		networkInterface(),
		plain("publicIPAddresses"), plain("natGateways"), plain("bastionHosts"), plain("loadBalancers"), plain("applicationSecurityGroups"),
		plain("privateLinkServices"), neighbour.Connections(LinkService),
		endpoint(), zoneGroup(),
	}
	return neighbour.Moves(append(types, zones()...))
}

// long is a top-level entry whose PUT and DELETE are long-running and whose PATCH is not, as most of this namespace.
func long(name arm.Type, shape neighbour.Shape, inside ...inline) provider.Type {
	return provider.Type{
		Name: name, Versions: versions, Tracked: true, Stateful: true, AsyncPut: true, AsyncDelete: true,
		Put: append(shape, shapeOf(inside)...).Put(func(c *provider.Call) error { return putAll(c, inside) }),
		Get: func(c *provider.Call) error { return showAll(c, inside) },
	}
}

// plain is a top-level entry without a behaviour.
func plain(kind string) provider.Type {
	t := long(arm.Type("Microsoft.Network/"+kind), nil)
	t.Get = nil
	return t
}

// below is an entry of a child.
func below(name arm.Type, put func(*provider.Call) error) provider.Type {
	if put == nil {
		put = neighbour.Shape{}.Put(nil)
	}
	return provider.Type{Name: name, Stateful: true, AsyncPut: true, AsyncDelete: true, NoPatch: true, Put: put}
}

// rules and routes are children that also stand inside their parents.
var (
	rules  = inline{member: "securityRules"}
	routes = inline{member: "routes"}
)

// notFound is the error of this namespace for an id in a document that names nothing.
func notFound(c *provider.Call, what string) error {
	return provider.Invalid("InvalidResourceReference", "Resource %s referenced by resource %s was not found. Please make sure that the referenced resource exists, "+
		"and that both resources are in the same region.", what, c.ID).At(what)
}
