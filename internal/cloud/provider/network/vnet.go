package network

import (
	"net/netip"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

var networkShape = neighbour.Shape{
	{Path: "properties", Is: neighbour.Object, Need: true},
	{Path: "properties.addressSpace", Is: neighbour.Object, Need: true},
	{Path: "properties.addressSpace.addressPrefixes", Is: neighbour.List, Need: true},
	{Path: "properties.addressSpace.addressPrefixes.*", Is: neighbour.Text, Need: true},
	{Path: "properties.dhcpOptions", Is: neighbour.Object},
	{Path: "properties.enableDdosProtection", Is: neighbour.Bool},
}

var subnetShape = neighbour.Shape{
	{Path: "properties", Is: neighbour.Object, Need: true},
	{Path: "properties.addressPrefix", Is: neighbour.Text},
	{Path: "properties.addressPrefixes", Is: neighbour.List},
	{Path: "properties.addressPrefixes.*", Is: neighbour.Text, Need: true},
	{Path: "properties.networkSecurityGroup", Is: neighbour.Object}, {Path: "properties.networkSecurityGroup.id", Is: neighbour.ID},
	{Path: "properties.routeTable", Is: neighbour.Object}, {Path: "properties.routeTable.id", Is: neighbour.ID},
	{Path: "properties.natGateway", Is: neighbour.Object}, {Path: "properties.natGateway.id", Is: neighbour.ID},
	{Path: "properties.delegations", Is: neighbour.List}, {Path: "properties.serviceEndpoints", Is: neighbour.List},
}

var subnets = inline{member: "subnets", judge: judgeSubnets, removable: func(c *provider.Call, found tree.Found) error { return subnetFree(c, found) }, show: showSubnet}

var peerings = inline{member: "virtualNetworkPeerings", show: func(c *provider.Call, _ tree.Found, object map[string]any) error { return showPeering(c, c.ID, object) }}

func virtualNetwork() provider.Type {
	inside := []inline{subnets, peerings}
	t := long(VirtualNetwork, networkShape, inside...)
	t.Put = append(networkShape[:len(networkShape):len(networkShape)], shapeOf(inside)...).Put(func(c *provider.Call) error {
		if _, err := prefixes(c, tree.Get(c.Doc.Public, "properties.addressSpace.addressPrefixes")); err != nil {
			return err
		}
		neighbour.Stable(c, "properties.resourceGuid", func() any { return provider.NewGUID() })
		neighbour.Default(c, "properties.enableDdosProtection", false)
		return putAll(c, inside)
	})
	t.Delete = func(c *provider.Call) error {
		return c.Children(c.Found, "subnets", func(found tree.Found) (bool, error) { return true, subnetFree(c, found) })
	}
	return t
}

// subnet is an entry whose references follow: a security group, a route table and a gateway keep their subnets when they move.
func subnet() provider.Type {
	t := below(Subnet, subnetShape.Put(putSubnet))
	t.Refs = arm.NewPaths("properties.networkSecurityGroup.id", "properties.routeTable.id", "properties.natGateway.id")
	t.Get = func(c *provider.Call) error { return showSubnet(c, c.Found, c.Doc.Public) }
	t.Delete = func(c *provider.Call) error { return subnetFree(c, c.Found) }
	return t
}

// putSubnet judges a subnet that is written by itself against its network and its siblings.
func putSubnet(c *provider.Call) error {
	parent, doc, err := c.Ancestor(2)
	if err != nil {
		return err
	}
	var all []child
	err = c.Children(parent, "subnets", func(found tree.Found) (bool, error) {
		if strings.EqualFold(found.Node.Name, c.ID.Name()) {
			return true, nil
		}
		sibling, err := c.Tree.Decode(c.Ctx, c.Read, found)
		all = append(all, child{found.Node.Name, sibling})
		return true, err
	})
	if err != nil {
		return err
	}
	return judgeIn(c, doc, append(all, child{c.ID.Name(), c.Doc})) // the last of them: if it overlaps, it is the one that is named
}

// judgeSubnets judges the subnets that stand inside a network that is written.
func judgeSubnets(c *provider.Call, all []child) error {
	for _, one := range all {
		if err := subnetShape.Put(nil)(&provider.Call{Doc: one.doc, Type: c.Type, ID: c.ID}); err != nil {
			return err
		}
	}
	return judgeIn(c, c.Doc, all)
}

// judgeIn judges the addresses of all subnets of a network and gives them defaults.
func judgeIn(c *provider.Call, network tree.Document, all []child) error {
	space, err := prefixes(c, tree.Get(network.Public, "properties.addressSpace.addressPrefixes"))
	if err != nil {
		return err
	}
	var taken []netip.Prefix
	for _, one := range all {
		props := tree.Object(one.doc.Public, "properties")
		own, err := prefixes(c, subnetPrefixes(props))
		if err != nil {
			return err
		}
		if len(own) == 0 {
			return provider.Invalid("MissingRequiredProperty", "The required property 'properties.addressPrefix' of the subnet '%s' is missing.", one.name).At(one.name)
		}
		for _, prefix := range own {
			if !inside(prefix, space) {
				return provider.Invalid("NetcfgInvalidSubnet", "Subnet '%s' is not valid in virtual network '%s'.", one.name, networkOf(c.ID)).At(one.name)
			}
			if overlaps(prefix, taken) {
				return provider.Invalid("NetcfgSubnetRangesOverlap", "Subnet '%s' is not valid because its IP address range overlaps with that of an existing subnet in virtual network '%s'.",
					one.name, networkOf(c.ID)).At(one.name)
			}
		}
		taken = append(taken, own...)
		delete(props, "privateEndpoints")
		for name, value := range map[string]any{"privateEndpointNetworkPolicies": "Disabled", "privateLinkServiceNetworkPolicies": "Enabled", "delegations": []any{}} {
			if props[name] == nil {
				props[name] = value
			}
		}
	}
	return nil
}

func networkOf(id arm.ID) string {
	if len(id) > 2 {
		return id[2].Name
	}
	return id.Name()
}

// subnetPrefixes returns the address prefixes of a subnet in either of its two spellings.
func subnetPrefixes(props map[string]any) any {
	if one := tree.Text(props, "addressPrefix"); one != "" {
		return []any{one}
	}
	return props["addressPrefixes"]
}

// prefixes reads a list of CIDR texts.
func prefixes(c *provider.Call, value any) ([]netip.Prefix, error) {
	list, _ := value.([]any)
	var out []netip.Prefix
	for _, item := range list {
		text, _ := item.(string)
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, provider.Invalid("InvalidAddressPrefixFormat", "Address prefix '%s' of resource '%s' is not formatted correctly. It should follow CIDR notation, for example 10.0.0.0/24.", text, c.ID).At(text)
		}
		if prefix != prefix.Masked() {
			return nil, provider.Invalid("InvalidCIDRNotation", "The address prefix %s in resource %s has an invalid CIDR notation. For the given prefix length, the address prefix should be %s.",
				text, c.ID, prefix.Masked()).At(text)
		}
		out = append(out, prefix)
	}
	return out, nil
}

func inside(prefix netip.Prefix, space []netip.Prefix) bool {
	for _, s := range space {
		if s.Bits() <= prefix.Bits() && s.Contains(prefix.Addr()) {
			return true
		}
	}
	return false
}

func overlaps(prefix netip.Prefix, others []netip.Prefix) bool {
	for _, o := range others {
		if o.Overlaps(prefix) {
			return true
		}
	}
	return false
}

// peering is half of a link between two networks.
func peering() provider.Type {
	t := below(Peering, neighbour.Shape{
		{Path: "properties.remoteVirtualNetwork", Is: neighbour.Object, Need: true},
		{Path: "properties.remoteVirtualNetwork.id", Is: neighbour.ID, Need: true},
	}.Put(nil))
	t.Refs = arm.NewPaths("properties.remoteVirtualNetwork.id")
	t.Get = func(c *provider.Call) error { return showPeering(c, c.ID.Parent(), c.Doc.Public) }
	return t
}

// showPeering tells whether the other half is there.
func showPeering(c *provider.Call, from arm.ID, object map[string]any) error {
	remote, err := arm.Parse(tree.Text(object, "properties.remoteVirtualNetwork.id"))
	if err != nil {
		return nil
	}
	state := "Initiated"
	found, err := c.Tree.Resolve(c.Ctx, c.Read, remote)
	switch {
	case errs.Is(err, errs.NotFound):
		state, err = "Disconnected", nil
	case err != nil:
		return err
	default:
		err = c.Children(found, "virtualNetworkPeerings", func(other tree.Found) (bool, error) {
			doc, err := c.Tree.Decode(c.Ctx, c.Read, other)
			if back, parseErr := arm.Parse(tree.Text(doc.Public, "properties.remoteVirtualNetwork.id")); parseErr == nil && back.Equal(from) {
				state = "Connected"
			}
			return state != "Connected", err
		})
	}
	tree.Set(object, "properties.peeringState", state)
	return err
}
