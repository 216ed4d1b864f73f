package neighbour

import (
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// ConnectionKind is the word under which the connections of a private link target stand.
const ConnectionKind = "privateEndpointConnections"

// States of a connection. A connection enters Pending or Approved when its private endpoint is made; the owner of the target moves it
// between Pending, Approved and Rejected; Disconnected is final and entered when the endpoint lost its target (a move of the workspace).
const (
	Pending      = "Pending"
	Approved     = "Approved"
	Rejected     = "Rejected"
	Disconnected = "Disconnected"
)

// stateAt is where a connection's state stands.
const stateAt = "properties.privateLinkServiceConnectionState"

var connectionShape = Shape{
	{Path: "properties", Is: Object, Need: true},
	{Path: stateAt, Is: Object, Need: true},
	{Path: stateAt + ".status", Is: Text, Need: true, OneOf: []string{Pending, Approved, Rejected, Disconnected}},
	{Path: stateAt + ".description", Is: Text},
	{Path: "properties.privateEndpoint", Is: Object},
	{Path: "properties.privateEndpoint.id", Is: ID},
}

// Connections is the entry for the private endpoint connections of a target type. Connections are made by private endpoints; the owner of
// the target approves, rejects and deletes them.
func Connections(target arm.Type) provider.Type {
	return provider.Type{
		Name:     target + "/" + ConnectionKind,
		Refs:     arm.NewPaths("properties.privateEndpoint.id"),
		Created:  200,
		Updated:  200,
		Deleted:  204, // 200 would show the connection that is gone
		Stateful: true,
		NoPatch:  true,
		Put:      connectionShape.Put(judgeConnection),
	}
}

// judgeConnection lets the owner of the target change the state, and nothing else.
func judgeConnection(c *provider.Call) error {
	if c.Old == nil {
		return errs.New(errs.NotFound, "PrivateEndpointConnectionNotFound", "The private endpoint connection '%s' does not exist. A connection is made by its private endpoint.",
			c.ID.Name()).At(c.ID.String())
	}
	before, now := tree.Text(c.Old.Public, stateAt+".status"), tree.Text(c.Doc.Public, stateAt+".status")
	legal := map[string][]string{Pending: {Pending, Approved, Rejected, Disconnected}, Approved: {Approved, Rejected, Disconnected},
		Rejected: {Rejected, Approved, Disconnected}, Disconnected: {Disconnected}}
	if next, known := legal[before]; known && !oneOf(next, now) {
		return provider.Conflict("InvalidPrivateEndpointConnectionState", "The private endpoint connection '%s' is %s and cannot become %s.",
			c.ID.Name(), before, now).At(c.ID.String())
	}
	for _, path := range []string{"properties.privateEndpoint", "properties.groupIds", "properties.groupId", "properties.linkIdentifier"} {
		tree.Set(c.Doc.Public, path, tree.Get(c.Old.Public, path))
	}
	Default(c, stateAt+".actionsRequired", "None")
	if c.Type.Stateful {
		tree.Set(c.Doc.Public, "properties.provisioningState", "Succeeded")
	}
	return nil
}

// NewConnection is the document of a connection that a private endpoint asks for.
func NewConnection(endpoint string, groups []any, status, description string) tree.Document {
	return tree.Document{Public: map[string]any{"properties": map[string]any{
		"privateEndpoint":                   map[string]any{"id": endpoint},
		"groupIds":                          groups,
		"privateLinkServiceConnectionState": map[string]any{"status": status, "description": description, "actionsRequired": "None"},
		"provisioningState":                 "Succeeded",
	}}}
}

// ShowConnections puts the connections of a target into its properties, as every service shows them.
func ShowConnections(c *provider.Call) error {
	shown := []any{}
	err := c.Children(c.Found, ConnectionKind, func(found tree.Found) (bool, error) {
		document, err := Rendered(c, found)
		if err != nil {
			return false, err
		}
		shown = append(shown, document)
		return true, nil
	})
	if err != nil {
		return err
	}
	c.Props()[ConnectionKind] = shown
	return nil
}

// Identity gives a document the principals of its managed identities: what a client sends for them does not count.
func Identity(c *provider.Call) error {
	identity := tree.Object(c.Doc.Public, "identity")
	if identity == nil {
		return nil
	}
	delete(identity, "principalId")
	delete(identity, "tenantId")
	if strings.Contains(strings.ToLower(tree.Text(identity, "type")), "systemassigned") {
		Stable(c, "identity.principalId", func() any { return provider.NewGUID() })
		Stable(c, "identity.tenantId", func() any { return c.Tenant })
	}
	for name := range tree.Object(identity, "userAssignedIdentities") {
		id, err := arm.Parse(name)
		if err != nil {
			return provider.Invalid("InvalidUserAssignedIdentityId", "The user assigned identity id '%s' is not a resource id.", name).At("identity.userAssignedIdentities")
		}
		_, doc, err := c.Lookup(id)
		if errs.Is(err, errs.NotFound) && had(c, name) {
			continue // it was there when it was bound; its deletion does not forbid later writes
		}
		if errs.Is(err, errs.NotFound) {
			return provider.Invalid("FailedIdentityOperation", "Identity operation for resource '%s' failed with error 'Failed to perform resource identity operation. "+
				"Status: 'NotFound'. Response: the identity '%s' was not found.'", c.ID, name).At("identity.userAssignedIdentities")
		}
		if err != nil {
			return err
		}
		tree.Object(identity, "userAssignedIdentities")[name] = map[string]any{
			"principalId": tree.Text(doc.Public, "properties.principalId"), "clientId": tree.Text(doc.Public, "properties.clientId")}
	}
	return nil
}

// had reports whether an identity was bound before.
func had(c *provider.Call, name string) bool {
	return c.Old != nil && tree.Object(tree.Object(c.Old.Public, "identity"), "userAssignedIdentities")[name] != nil
}
