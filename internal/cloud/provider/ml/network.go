package ml

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// network are the managed network's outbound rules and the connections of private endpoints.
func (b builder) network() []provider.Type {
	return []provider.Type{
		b.content("outboundRules", "OutboundRuleBasicResource", provider.Type{Created: 202, Updated: 202, AsyncPut: true, AsyncDelete: true, NoPatch: true,
			Put: putRule, Settle: settleRule, Delete: deleteRule}),
		b.content("privateEndpointConnections", "PrivateEndpointConnection", provider.Type{Created: 200, Updated: 200, Stateful: true, NoPatch: true,
			Put: putConnectionState}),
	}
}

// States of outbound rules.
const (
	ruleInactive     = "Inactive"     // the managed network is not there yet
	ruleProvisioning = "Provisioning" // entered by PUT; settles to Active or Inactive
	ruleActive       = "Active"
)

// putRule judges an outbound rule that a client wants.
func putRule(c *provider.Call) error {
	_, workspace, err := workspaceOf(c)
	if err != nil {
		return err
	}
	if mode := isolation(workspace.Public); mode == "Disabled" {
		return provider.Invalid("ValidationError", "outbound rules need a managed network: the isolation mode of the workspace is '%s'.", mode)
	}
	props := c.Props()
	setDefault(props, "category", "UserDefined")
	if c.Old != nil && c.OldProps()["category"] != "UserDefined" {
		return provider.Conflict("Conflict", "The outbound rule '%s' belongs to the service and cannot be changed.", c.ID.Name())
	}
	if err := checkRule(props); err != nil {
		return err
	}
	props["status"] = ruleProvisioning
	return nil
}

// checkRule looks into the destination, whose form depends on the type.
func checkRule(props map[string]any) error {
	missing := func(path string) error {
		return provider.Invalid("ValidationError", "the property 'properties.destination%s' is required.", path).At("properties.destination" + path)
	}
	switch props["type"] {
	case "FQDN":
		if tree.Text(props, "destination") == "" {
			return missing("")
		}
	case "PrivateEndpoint":
		if tree.Text(props, "destination.serviceResourceId") == "" {
			return missing(".serviceResourceId")
		}
		if tree.Text(props, "destination.subresourceTarget") == "" {
			return missing(".subresourceTarget")
		}
	case "ServiceTag":
		if tree.Text(props, "destination.serviceTag") == "" {
			return missing(".serviceTag")
		}
	}
	return nil
}

func settleRule(c *provider.Call, _ string) error {
	_, workspace, err := workspaceOf(c)
	if err != nil {
		return err
	}
	c.Props()["status"], c.Changed = ruleInactive, true
	if tree.Text(workspace.Public, "properties.managedNetwork.status.status") == ruleActive {
		c.Props()["status"] = ruleActive
	}
	return nil
}

func deleteRule(c *provider.Call) error {
	if category := tree.Text(c.Props(), "category"); category == "Required" || category == "Dependency" {
		return provider.Conflict("Conflict", "The outbound rule '%s' is of category '%s': only the service may delete it.", c.ID.Name(), category)
	}
	return nil
}

// isolation is the mode of a workspace's managed network.
func isolation(workspace map[string]any) string {
	if mode := tree.Text(workspace, "properties.managedNetwork.isolationMode"); mode != "" {
		return mode
	}
	return "Disabled"
}

// settleManagedNetwork completes the managed network of a workspace. Its rules are children; the document shows them only when it is read.
func settleManagedNetwork(c *provider.Call, props map[string]any) error {
	network := tree.Object(props, "managedNetwork")
	if network == nil {
		network = map[string]any{}
		if old := tree.Object(c.OldProps(), "managedNetwork"); old != nil {
			network = tree.Clone(old)
		}
		props["managedNetwork"] = network
	}
	setDefault(network, "isolationMode", "Disabled")
	if c.Old != nil && isolation(c.Old.Public) != "Disabled" && network["isolationMode"] == "Disabled" {
		return provider.Invalid("ValidationError", "the isolation mode of a managed network cannot be set back to Disabled.").At("properties.managedNetwork.isolationMode")
	}
	rules := tree.Object(network, "outboundRules")
	delete(network, "outboundRules")
	if network["isolationMode"] == "Disabled" {
		if len(rules) > 0 {
			return provider.Invalid("ValidationError", "outbound rules need a managed network: the isolation mode is 'Disabled'.").At("properties.managedNetwork.outboundRules")
		}
		return nil
	}
	if tree.Text(network, "networkId") == "" {
		network["networkId"] = provider.NewGUID()
		network["status"] = object("status", ruleInactive, "sparkReady", false)
		if err := spawnRequiredRules(c, props); err != nil {
			return err
		}
	}
	return spawnRules(c, rules)
}

// spawnRules makes the rules that came inside a workspace's document, as far as they are new.
func spawnRules(c *provider.Call, rules map[string]any) error {
	for name, item := range rules {
		rule, ok := item.(map[string]any)
		if !ok {
			return provider.Invalid("ValidationError", "the outbound rule '%s' must be an object.", name).At("properties.managedNetwork.outboundRules." + name)
		}
		if category := rule["category"]; category == "Required" || category == "Dependency" {
			continue // read from another workspace and written back: the service makes its own
		}
		if err := checkRule(rule); err != nil {
			return err
		}
		setDefault(rule, "category", "UserDefined")
		rule["status"] = ruleInactive
		if err := c.Spawn("outboundRules", name, spawned(rule)); err != nil {
			return err
		}
	}
	return nil
}

// spawnRequiredRules makes the private endpoints that the service needs to reach what the workspace stands on (transitive ones, S23).
func spawnRequiredRules(c *provider.Call, props map[string]any) error {
	for _, need := range []struct{ property, target string }{{"storageAccount", "blob"}, {"storageAccount", "file"}, {"keyVault", "vault"},
		{"containerRegistry", "registry"}} {
		id := tree.Text(props, need.property)
		if id == "" {
			continue
		}
		name := fmt.Sprintf("__SYS_PE_%s_%s_%s", id[strings.LastIndexByte(id, '/')+1:], need.target, provider.NewGUID()[:8])
		rule := object("type", "PrivateEndpoint", "category", "Required", "status", ruleInactive, "destination",
			object("serviceResourceId", id, "subresourceTarget", need.target, "sparkEnabled", false, "sparkStatus", ruleInactive))
		if err := c.Spawn("outboundRules", name, spawned(rule)); err != nil {
			return err
		}
	}
	return nil
}

// inlineRules renders the outbound rules as the workspace's document shows them.
func inlineRules(c *provider.Call) (map[string]any, error) {
	rules := map[string]any{}
	err := c.Children(c.Found, "outboundRules", func(found tree.Found) (bool, error) {
		doc, err := c.Tree.Decode(c.Ctx, c.Read, found)
		if err != nil {
			return false, err
		}
		rules[found.Node.Name] = doc.Public["properties"]
		return true, nil
	})
	return rules, err
}

// provisionNetwork begins to make the managed network.
func (b builder) provisionNetwork(c *provider.Call) (any, error) {
	body, err := judged(b.shapes.get("ManagedNetworkProvisionOptions"), c)
	if err != nil {
		return nil, err
	}
	if isolation(c.Doc.Public) == "Disabled" {
		return nil, provider.Invalid("ValidationError", "the workspace '%s' has no managed network to provision: its isolation mode is 'Disabled'.", c.ID)
	}
	spark := tree.Flag(body, "includeSpark")
	c.Doc.Private["includeSpark"], c.Changed = spark, true
	return object("status", ruleActive, "sparkReady", spark), nil
}

// activateNetwork ends the provisioning: the network and its rules are active.
func activateNetwork(c *provider.Call) error {
	tree.Set(c.Doc.Public, "properties.managedNetwork.status", object("status", ruleActive, "sparkReady", tree.Flag(c.Doc.Private, "includeSpark")))
	c.Changed = true
	return c.Children(c.Found, "outboundRules", func(found tree.Found) (bool, error) {
		doc, err := c.Tree.Decode(c.Ctx, c.Read, found)
		if err != nil {
			return false, err
		}
		tree.Set(doc.Public, "properties.status", ruleActive)
		return true, c.SaveOther(found, doc)
	})
}

// putConnectionState approves or rejects a private endpoint, or (from the network side) asks for approval.
func putConnectionState(c *provider.Call) error {
	props := c.Props()
	state := tree.Object(props, "privateLinkServiceConnectionState")
	setDefault(state, "status", string(aml.ConnectionPending))
	setDefault(state, "actionsRequired", "None")
	setDefault(state, "description", "")
	if c.Old == nil {
		if tree.Text(props, "privateEndpoint.id") == "" {
			return provider.Invalid("ValidationError",
				"The private endpoint connection '%s' does not exist, and a new one must name its private endpoint.", c.ID.Name()).At("properties.privateEndpoint.id")
		}
		return nil
	}
	before := tree.Text(c.Old.Public, "properties.privateLinkServiceConnectionState.status")
	if before == string(aml.ConnectionDisconnected) && state["status"] != before {
		return provider.Invalid("InvalidPrivateEndpointConnectionState",
			"The private endpoint connection '%s' is Disconnected: it can only be deleted, and its private endpoint made again.", c.ID.Name())
	}
	if props["privateEndpoint"] == nil {
		props["privateEndpoint"] = c.OldProps()["privateEndpoint"]
	}
	return nil
}

// inlineConnections renders the private endpoint connections as the workspace's document shows them.
func inlineConnections(c *provider.Call) ([]any, error) {
	list := []any{}
	err := c.Children(c.Found, "privateEndpointConnections", func(found tree.Found) (bool, error) {
		data, err := c.Tree.Render(c.Ctx, c.Read, found)
		if err != nil {
			return false, err
		}
		list = append(list, json.RawMessage(data))
		return true, nil
	})
	return list, err
}

func privateLinkResources(c *provider.Call) (any, error) {
	id := c.ID.Child(arm.Hop{Type: "privateLinkResources", Name: "amlworkspace"})
	return object("value", []any{object("id", id.String(), "name", "amlworkspace", "type", string(id.Type()), "properties",
		object("groupId", "amlworkspace", "requiredMembers", []any{"default"},
			"requiredZoneNames", []any{"privatelink.api.azureml.ms", "privatelink.notebooks.azure.net"}))}), nil
}

// notFoundAsNone makes a missing thing no error.
func notFoundAsNone(err error) error {
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	return err
}
