package network

import (
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// The two lists of a private endpoint: connections that its maker may approve, and those for which the target's owner must be asked (S24).
const (
	automaticList = "privateLinkServiceConnections"
	manualList    = "manualPrivateLinkServiceConnections"
)

// What a private endpoint remembers in its private part.
const (
	connectionsAt = "connections" // name in either list -> node of the connection on the target
	interfaceAt   = "interface"   // node of its network interface
	hostsAt       = "hosts"       // [{fqdn, ipAddresses}]: the names that its target has
)

var endpointShape = neighbour.Shape{
	{Path: "properties", Is: neighbour.Object, Need: true},
	{Path: "properties.subnet", Is: neighbour.Object, Need: true},
	{Path: "properties.subnet.id", Is: neighbour.ID, Need: true, Fixed: false},
	{Path: "properties.customNetworkInterfaceName", Is: neighbour.Text},
	{Path: "properties.ipConfigurations", Is: neighbour.List},
	{Path: "properties.ipConfigurations.*.properties.privateIPAddress", Is: neighbour.Text, Need: true},
	{Path: "properties." + automaticList, Is: neighbour.List},
	{Path: "properties." + automaticList + ".*.name", Is: neighbour.Text, Need: true},
	{Path: "properties." + automaticList + ".*.properties.privateLinkServiceId", Is: neighbour.ID, Need: true},
	{Path: "properties." + automaticList + ".*.properties.groupIds", Is: neighbour.List},
	{Path: "properties." + automaticList + ".*.properties.groupIds.*", Is: neighbour.Text, Need: true},
	{Path: "properties." + manualList, Is: neighbour.List},
	{Path: "properties." + manualList + ".*.name", Is: neighbour.Text, Need: true},
	{Path: "properties." + manualList + ".*.properties.privateLinkServiceId", Is: neighbour.ID, Need: true},
	{Path: "properties." + manualList + ".*.properties.groupIds", Is: neighbour.List},
	{Path: "properties." + manualList + ".*.properties.groupIds.*", Is: neighbour.Text, Need: true},
	{Path: "properties." + manualList + ".*.properties.requestMessage", Is: neighbour.Text},
}

// endpoint is the entry of private endpoints. What a PUT causes elsewhere (connection on the target, interface, addresses) happens when its
// operation ends: only then does the endpoint have a node that others can refer to.
func endpoint() provider.Type {
	return provider.Type{
		Name: PrivateEndpoint, Versions: versions, Tracked: true, Stateful: true, AsyncPut: true, AsyncDelete: true, NoPatch: true,
		Refs: arm.NewPaths("properties.subnet.id", "properties.networkInterfaces.*.id",
			"properties."+automaticList+".*.properties.privateLinkServiceId", "properties."+manualList+".*.properties.privateLinkServiceId"),
		Put:    endpointShape.Put(putEndpoint),
		Get:    showEndpoint,
		Settle: settleEndpoint,
		Gone:   endpointGone,
	}
}

// request is one connection that an endpoint asks for.
type request struct {
	name   string
	manual bool
	target arm.ID
	groups []string
	body   map[string]any // its properties in the endpoint's document
}

// requests reads both lists of an endpoint.
func requests(public map[string]any) []request {
	var all []request
	for _, list := range []string{automaticList, manualList} {
		items, _ := tree.Get(public, "properties."+list).([]any)
		for _, item := range items {
			object, _ := item.(map[string]any)
			body := tree.Object(object, "properties")
			target, err := arm.Parse(tree.Text(body, "privateLinkServiceId"))
			if err != nil {
				continue // judged when it was put; words that a deleted target left behind stay ids
			}
			r := request{name: tree.Text(object, "name"), manual: list == manualList, target: target, body: body}
			groups, _ := body["groupIds"].([]any)
			for _, group := range groups {
				if text, ok := group.(string); ok {
					r.groups = append(r.groups, text)
				}
			}
			all = append(all, r)
		}
	}
	return all
}

// putEndpoint judges an endpoint before anything is made.
func putEndpoint(c *provider.Call) error {
	neighbour.Private(c)
	neighbour.Forget(c, "properties.networkInterfaces", "properties.customDnsConfigs")
	if c.Old != nil {
		tree.Set(c.Doc.Public, "properties.networkInterfaces", tree.Get(c.Old.Public, "properties.networkInterfaces"))
	}
	neighbour.Stable(c, "properties.resourceGuid", func() any { return provider.NewGUID() })
	if err := judgePlace(c); err != nil {
		return err
	}
	wanted := requests(c.Doc.Public)
	if len(wanted) == 0 {
		return provider.Invalid("PrivateEndpointMustHavePrivateLinkServiceConnection", "The private endpoint '%s' must have at least one private link service connection.", c.ID.Name()).
			At("properties." + automaticList)
	}
	seen := map[string]bool{}
	for _, r := range wanted {
		if key := strings.ToLower(r.name); seen[key] {
			return provider.Invalid("InvalidRequestFormat", "The connection name '%s' is there twice.", r.name).At(r.name)
		}
		seen[strings.ToLower(r.name)] = true
		if err := r.judge(c); err != nil {
			return err
		}
	}
	return nil
}

// judgePlace refuses a subnet that is not there, or in another region than the endpoint.
func judgePlace(c *provider.Call) error {
	text := tree.Text(c.Doc.Public, "properties.subnet.id")
	id, err := arm.Parse(text)
	if err != nil || !id.Type().Is(Subnet) {
		return provider.Invalid("InvalidResourceReference", "The id '%s' is not the id of a subnet.", text).At("properties.subnet.id")
	}
	if c.Old != nil && !strings.EqualFold(tree.Text(c.Old.Public, "properties.subnet.id"), text) {
		return provider.Conflict("PropertyChangeNotAllowed", "Changing property 'subnet' of the private endpoint '%s' is not allowed.", c.ID.Name()).At("properties.subnet.id")
	}
	subnet, _, err := c.Lookup(id)
	if err != nil {
		return lost(c, err, text)
	}
	if err := provider.NotDeleting(subnet.Chain); err != nil && c.Old == nil {
		return err
	}
	_, network, err := c.Lookup(id.Parent())
	if err != nil {
		return lost(c, err, text)
	}
	if provider.Region(tree.Text(network.Public, "location")) != provider.Region(c.Location()) {
		return notFound(c, text)
	}
	return nil
}

// lost turns a NotFound into the error for a reference that names nothing.
func lost(c *provider.Call, err error, what string) error {
	if errs.Is(err, errs.NotFound) {
		return notFound(c, what)
	}
	return err
}

// judge refuses a target that is not there, offers no private link, lacks the group, or on which the caller has no right.
func (r request) judge(c *provider.Call) error {
	if c.Old != nil && c.Old.Private[connectionsAt] != nil && connected(c.Old.Private, r.name) != nil {
		return nil // it stands already, whatever became of its target
	}
	found, _, err := c.Lookup(r.target)
	if err != nil {
		return lost(c, err, r.target.String())
	}
	if err := provider.NotDeleting(found.Chain); err != nil {
		return err
	}
	typ := found.ID().Type()
	entry, err := c.Types.Find(typ)
	if err != nil {
		return err
	}
	if _, err := c.Types.Find(entry.Name + "/" + neighbour.ConnectionKind); errs.Is(err, errs.NotFound) {
		return provider.Invalid("PrivateLinkNotSupported", "The resource type '%s' cannot be the target of a private endpoint.", entry.Name).At(r.target.String())
	} else if err != nil {
		return err
	}
	if err := r.judgeGroups(entry.Name); err != nil {
		return err
	}
	if r.manual || c.Allowed == nil {
		return nil
	}
	action := string(entry.Name) + "/privateEndpointConnectionsApproval/action"
	if c.Allowed(action, found.ID()) {
		return nil
	}
	return errs.New(errs.Denied, "LinkedAuthorizationFailed", "The client '%s' with object id '%s' has permission to perform action 'Microsoft.Network/privateEndpoints/write' on scope '%s'; "+
		"however, it does not have permission to perform action(s) '%s' on the linked scope(s) '%s' (respectively) or the linked scope(s) are invalid.",
		c.Caller.Client(), c.Caller.ObjectID, c.ID, action, found.ID()).At(found.ID().String())
}

// judgeGroups refuses groups that the target does not offer. A private link service has none.
func (r request) judgeGroups(typ arm.Type) error {
	links := neighbour.Links(typ)
	if len(links) == 0 {
		return nil
	}
	if len(r.groups) == 0 {
		return provider.Invalid("MissingRequiredProperty", "The required property 'groupIds' of the connection '%s' is missing.", r.name).At(r.name)
	}
	for _, group := range r.groups {
		offered := false
		for _, link := range links {
			offered = offered || strings.EqualFold(link.Group, group)
		}
		if !offered {
			return provider.Invalid("InvalidGroupId", "The group id '%s' of the connection '%s' is not offered by resources of type '%s'.", group, r.name, typ).At(r.name)
		}
	}
	return nil
}

// connected returns what an endpoint remembers of a connection: the node; nil if it never made it.
func connected(private map[string]any, name string) any {
	made, _ := private[connectionsAt].(map[string]any)
	return made[strings.ToLower(name)]
}
