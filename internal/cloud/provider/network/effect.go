package network

import (
	"fmt"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// settleEndpoint makes what an endpoint asked for: connections on its targets, an interface with addresses, the names.
func settleEndpoint(c *provider.Call, _ string) error {
	c.Changed = true
	private := neighbour.Private(c)
	made, _ := private[connectionsAt].(map[string]any)
	kept := map[string]any{}
	var records []neighbour.Record
	for _, r := range requests(c.Doc.Public) {
		key := strings.ToLower(r.name)
		found, doc, err := c.Lookup(r.target)
		if err == nil {
			records = append(records, neighbour.Records(found.ID(), doc, r.groups)...)
		}
		switch {
		case made[key] != nil:
			kept[key] = made[key]
		case err != nil:
			return lost(c, err, r.target.String())
		default:
			if kept[key], err = r.connect(c, found); err != nil {
				return err
			}
		}
		delete(made, key)
	}
	for _, node := range made {
		if err := remove(c, deref(node)); err != nil {
			return err
		}
	}
	private[connectionsAt] = kept
	if private[interfaceAt] == nil {
		if err := attach(c, private, records); err != nil {
			return err
		}
	}
	c.Props()["provisioningState"] = "Succeeded"
	return nil
}

// connect makes the connection on a target and returns its node.
func (r request) connect(c *provider.Call, target tree.Found) (any, error) {
	status, description := neighbour.Approved, "Auto-approved"
	if r.manual {
		status, description = neighbour.Pending, tree.Text(r.body, "requestMessage")
	}
	groups := []any{}
	for _, group := range r.groups {
		groups = append(groups, group)
	}
	name := c.ID.Name() + "." + provider.NewGUID()
	entry, err := c.Types.Find(target.ID().Type())
	if err != nil {
		return nil, err
	}
	connection, err := neighbour.Beside(c, target, entry.Name+"/"+neighbour.ConnectionKind, name, neighbour.NewConnection(c.ID.String(), groups, status, description))
	if err != nil {
		return nil, fmt.Errorf("connect %s with %s: %w", c.ID, r.target, err)
	}
	return ref(connection.Node.ID), nil
}

// attach makes the network interface of an endpoint and gives it one address for every name of the target, at least one.
func attach(c *provider.Call, private map[string]any, records []neighbour.Record) error {
	subnet, err := arm.Parse(tree.Text(c.Doc.Public, "properties.subnet.id"))
	if err != nil {
		return err
	}
	var wanted []string
	configurations, _ := tree.Get(c.Doc.Public, "properties.ipConfigurations").([]any)
	for _, item := range configurations {
		object, _ := item.(map[string]any)
		wanted = append(wanted, tree.Text(object, "properties.privateIPAddress"))
	}
	addresses, err := allocate(c, subnet, c.Found.Node.ID, wanted, max(1, len(records), len(wanted)))
	if err != nil {
		return err
	}
	nic, err := makeInterface(c, subnet, addresses)
	if err != nil {
		return err
	}
	private[interfaceAt] = ref(nic.Node.ID)
	c.Props()["networkInterfaces"] = []any{map[string]any{"id": nic.ID().String()}}
	hosts := []any{}
	for i, record := range records {
		hosts = append(hosts, map[string]any{"fqdn": record.Host(), "ipAddresses": []any{addresses[i]}})
	}
	private[hostsAt] = hosts
	return nil
}

// makeInterface makes the network interface in the endpoint's group.
func makeInterface(c *provider.Call, subnet arm.ID, addresses []string) (tree.Found, error) {
	configurations := []any{}
	for i, address := range addresses {
		configurations = append(configurations, map[string]any{"name": fmt.Sprintf("privateEndpointIpConfig.%d", i), "properties": map[string]any{
			"provisioningState": "Succeeded", "privateIPAddress": address, "privateIPAllocationMethod": "Dynamic", "primary": i == 0,
			"privateIPAddressVersion": "IPv4", "subnet": map[string]any{"id": subnet.String()}}})
	}
	name := tree.Text(c.Doc.Public, "properties.customNetworkInterfaceName")
	if name == "" {
		name = c.ID.Name() + ".nic." + provider.NewGUID()
	}
	doc := tree.Document{Public: map[string]any{"location": c.Location(), "properties": map[string]any{
		"provisioningState": "Succeeded", "resourceGuid": provider.NewGUID(), "ipConfigurations": configurations, "nicType": "Standard",
		"enableIPForwarding": false, "enableAcceleratedNetworking": false, "primary": false,
		"privateEndpoint": map[string]any{"id": c.ID.String()}}}}
	group := tree.Found{Chain: c.Found.Chain[:2], Node: c.Found.Chain[1]}
	return neighbour.Beside(c, group, Interface, name, doc)
}

// showEndpoint mirrors the state of the connections, and shows the names of the target unless a zone group has them in a zone.
func showEndpoint(c *provider.Call) error {
	for _, r := range requests(c.Doc.Public) {
		node := connected(c.Doc.Private, r.name)
		if node == nil {
			continue // not made yet
		}
		state, err := stateOf(c, deref(node))
		if err != nil {
			return err
		}
		r.body["privateLinkServiceConnectionState"] = state
		r.body["provisioningState"] = "Succeeded"
	}
	for _, list := range []string{automaticList, manualList} {
		if c.Props()[list] == nil {
			c.Props()[list] = []any{}
		}
	}
	zoned, err := c.Read.Count(c.Ctx, c.Found.Node.ID, "privateDnsZoneGroups")
	if err != nil {
		return err
	}
	hosts, _ := c.Doc.Private[hostsAt].([]any)
	if zoned > 0 || hosts == nil {
		hosts = []any{}
	}
	c.Props()["customDnsConfigs"] = hosts
	return nil
}

// stateOf reads the state of a connection; one that is gone leaves its endpoint disconnected (S23).
func stateOf(c *provider.Call, node store.ID) (map[string]any, error) {
	found, err := c.Tree.FindNode(c.Ctx, c.Read, node)
	if errs.Is(err, errs.NotFound) {
		return map[string]any{"status": neighbour.Disconnected, "description": "Deleted state", "actionsRequired": "Please delete the Private Endpoint."}, nil
	}
	if err != nil {
		return nil, err
	}
	doc, err := c.Tree.Decode(c.Ctx, c.Read, found)
	if err != nil {
		return nil, err
	}
	if state := tree.Object(doc.Public, "properties.privateLinkServiceConnectionState"); state != nil {
		return state, nil
	}
	return map[string]any{"status": neighbour.Pending, "description": "", "actionsRequired": "None"}, nil
}

// endpointGone takes back what an endpoint made. What is gone already is left alone.
func endpointGone(c *provider.Call) error {
	made, _ := c.Doc.Private[connectionsAt].(map[string]any)
	for _, node := range made {
		if err := remove(c, deref(node)); err != nil {
			return err
		}
	}
	err := c.Children(c.Found, "privateDnsZoneGroups", func(found tree.Found) (bool, error) {
		doc, err := c.Tree.Decode(c.Ctx, c.Read, found)
		if err != nil {
			return false, err
		}
		return true, withdraw(c, doc.Private, nil)
	})
	if err != nil {
		return err
	}
	if subnet, err := arm.Parse(tree.Text(c.Doc.Public, "properties.subnet.id")); err == nil {
		if err := release(c, subnet, c.Found.Node.ID); err != nil {
			return err
		}
	}
	return remove(c, deref(c.Doc.Private[interfaceAt]))
}

// remove takes a node away if it is still there.
func remove(c *provider.Call, id store.ID) error {
	found, err := c.Tree.FindNode(c.Ctx, c.Tx, id)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return c.Remove(found)
}

// networkInterface is an entry; the interface of a private endpoint comes and goes with it.
func networkInterface() provider.Type {
	t := long(Interface, neighbour.Shape{{Path: "properties.ipConfigurations", Is: neighbour.List},
		{Path: "properties.ipConfigurations.*.name", Is: neighbour.Text, Need: true},
		{Path: "properties.ipConfigurations.*.properties.subnet.id", Is: neighbour.ID}})
	t.Get = nil
	t.Refs = arm.NewPaths("properties.privateEndpoint.id", "properties.networkSecurityGroup.id", "properties.ipConfigurations.*.properties.subnet.id")
	t.Delete = func(c *provider.Call) error {
		owner, err := arm.Parse(tree.Text(c.Doc.Public, "properties.privateEndpoint.id"))
		if err != nil {
			return nil // nobody owns it
		}
		if _, err := c.Tree.Resolve(c.Ctx, c.Read, owner); errs.Is(err, errs.NotFound) {
			return nil
		} else if err != nil {
			return err
		}
		return provider.Invalid("NicInUseWithPrivateEndpoint", "Network interface %s cannot be deleted because it is currently in use with a private endpoint (%s).", c.ID, owner).At(c.ID.String())
	}
	return t
}
