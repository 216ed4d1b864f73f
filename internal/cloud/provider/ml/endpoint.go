package ml

import (
	"fmt"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

func (b builder) endpoints() []provider.Type {
	keyed := func(more map[string]provider.Action) map[string]provider.Action {
		actions := map[string]provider.Action{"listkeys": {Do: listEndpointKeys}}
		for name, action := range more {
			actions[name] = action
		}
		return actions
	}
	async := provider.Type{Pattern: endpointName, Stateful: true, AsyncPut: true, AsyncPatch: true, AsyncDelete: true}
	entry := func(path, shape string, change func(*provider.Type)) provider.Type {
		t := async
		change(&t)
		return b.content(path, shape, t)
	}
	regenerate := provider.Action{Do: b.regenerateKeys, Async: true, Writes: true}
	return []provider.Type{
		entry("onlineEndpoints", "OnlineEndpointTrackedResource", func(t *provider.Type) {
			t.Unique, t.Put, t.Get = provider.PerRegion, putOnlineEndpoint, hideKeys
			t.Actions = keyed(map[string]provider.Action{"regeneratekeys": regenerate, "token": {Do: endpointToken}})
		}),
		entry("onlineEndpoints/deployments", "OnlineDeploymentTrackedResource", func(t *provider.Type) {
			t.Put, t.Delete = putOnlineDeployment, deleteOnlineDeployment
			t.Actions = map[string]provider.Action{"getlogs": {Do: b.getLogs}}
			t.Reads = map[string]provider.Action{"skus": {Do: deploymentSkus}}
		}),
		entry("batchEndpoints", "BatchEndpointTrackedResource", func(t *provider.Type) {
			t.Unique, t.Put, t.Get = provider.PerRegion, putBatchEndpoint, hideKeys
			t.Actions = keyed(nil)
		}),
		entry("batchEndpoints/deployments", "BatchDeploymentTrackedResource", func(t *provider.Type) {
			t.Put, t.Delete = putBatchDeployment, deleteBatchDeployment
		}),
		entry("serverlessEndpoints", "ServerlessEndpointTrackedResource", func(t *provider.Type) {
			t.Unique, t.Put, t.Settle = provider.PerRegion, putServerless, settleServerless
			t.Actions = keyed(map[string]provider.Action{"regeneratekeys": regenerate})
		}),
		entry("marketplaceSubscriptions", "MarketplaceSubscriptionResource", func(t *provider.Type) {
			t.Put, t.NoPatch, t.AsyncPatch = putMarketplace, true, false
		}),
	}
}

// putOnlineEndpoint judges and completes an online endpoint.
func putOnlineEndpoint(c *provider.Call) error {
	props := c.Props()
	if err := endpointBasics(c, props, "score"); err != nil {
		return err
	}
	props["swaggerUri"] = strings.TrimSuffix(props["scoringUri"].(string), "score") + "swagger.json"
	setDefault(props, "publicNetworkAccess", "Enabled")
	setDefault(props, "traffic", map[string]any{})
	setDefault(props, "mirrorTraffic", map[string]any{})
	if compute := tree.Text(props, "compute"); compute != "" {
		if err := checkContentID(c, "properties.compute", compute); err != nil {
			return err
		}
	}
	deployments, err := deploymentsOf(c)
	if err != nil {
		return err
	}
	for _, property := range []string{"traffic", "mirrorTraffic"} {
		forgetIdle(tree.Object(props, property), deployments)
	}
	if err := checkTraffic(tree.Object(props, "traffic"), deployments); err != nil {
		return err
	}
	return checkMirror(tree.Object(props, "mirrorTraffic"), deployments)
}

// sameRegion refuses an endpoint in another region than its workspace's.
func sameRegion(c *provider.Call) error {
	_, workspace, err := workspaceOf(c)
	if err != nil {
		return err
	}
	want, got := tree.Text(workspace.Public, "location"), tree.Text(c.Doc.Public, "location")
	if provider.Region(want) != provider.Region(got) {
		return provider.Invalid("BadArgument", "the property 'location' must be the region of the workspace, '%s', not '%s'.", want, got).At("location")
	}
	return nil
}

// endpointBasics is what online and batch endpoints have in common.
func endpointBasics(c *provider.Call, props map[string]any, path string) error {
	if err := sameRegion(c); err != nil {
		return err
	}
	if err := settleIdentity(c, "SystemAssigned"); err != nil {
		return err
	}
	if before := tree.Text(c.OldProps(), "authMode"); before != "" && before != props["authMode"] {
		return provider.Invalid("UserError", "the property 'properties.authMode' is '%s' and cannot be changed to '%s'.", before, props["authMode"]).
			At("properties.authMode")
	}
	initialKeys(c, props)
	setDefault(c.Doc.Public, "tags", map[string]any{})
	setDefault(props, "properties", map[string]any{})
	props["scoringUri"] = fmt.Sprintf("https://%s.%s.inference.ml.azure.com/%s", strings.ToLower(c.ID.Name()), provider.Region(c.Location()), path)
	return nil
}

// deploymentsOf returns the names of an endpoint's deployments, in lower case; none for an endpoint that is being made. One that is being deleted
// is none any more: traffic given to it would lead nowhere when it is gone.
func deploymentsOf(c *provider.Call) (map[string]string, error) {
	names := map[string]string{}
	if c.Old == nil {
		return names, nil
	}
	err := c.Children(c.Found, "deployments", func(found tree.Found) (bool, error) {
		doc, err := c.Tree.Decode(c.Ctx, c.Read, found)
		if err == nil && tree.Text(doc.Public, "properties.provisioningState") != string(aml.Deleting) {
			names[strings.ToLower(found.Node.Name)] = found.Node.Name
		}
		return true, err
	})
	return names, err
}

// forgetIdle takes away shares of 0 for deployments that are not there. A deployment must be at 0 before it is deleted, so every endpoint comes to have
// such shares; they route nothing, and refusing them would make the endpoint one that can never be written again.
func forgetIdle(shares map[string]any, deployments map[string]string) {
	for name, value := range shares {
		if number(value, -1) == 0 && deployments[strings.ToLower(name)] == "" {
			delete(shares, name)
		}
	}
}

// checkTraffic wants existing deployments and a sum of 0 or 100.
func checkTraffic(traffic map[string]any, deployments map[string]string) error {
	sum := 0
	for name, value := range traffic {
		share := number(value, -1)
		if share < 0 || share > 100 {
			return provider.Invalid("BadArgument", "the traffic of the deployment '%s' must be between 0 and 100.", name).At("properties.traffic." + name)
		}
		if deployments[strings.ToLower(name)] == "" {
			return provider.Invalid("BadArgument", "the property 'properties.traffic' names the deployment '%s', which does not exist.", name).At("properties.traffic." + name)
		}
		sum += share
	}
	if sum != 0 && sum != 100 {
		return provider.Invalid("BadArgument", "the values of the property 'properties.traffic' must sum to 0 or 100, not %d.", sum).At("properties.traffic")
	}
	return nil
}

// checkMirror wants at most one deployment with at most half of the traffic.
func checkMirror(mirror map[string]any, deployments map[string]string) error {
	if len(mirror) > 1 {
		return provider.Invalid("BadArgument", "the property 'properties.mirrorTraffic' may name one deployment, not %d.", len(mirror)).At("properties.mirrorTraffic")
	}
	for name, value := range mirror {
		if share := number(value, -1); share < 0 || share > 50 {
			return provider.Invalid("BadArgument", "the mirrored traffic of the deployment '%s' must be between 0 and 50.", name).At("properties.mirrorTraffic." + name)
		}
		if deployments[strings.ToLower(name)] == "" {
			return provider.Invalid("BadArgument", "the property 'properties.mirrorTraffic' names the deployment '%s', which does not exist.", name).
				At("properties.mirrorTraffic." + name)
		}
	}
	return nil
}

// putBatchEndpoint judges and completes a batch endpoint.
func putBatchEndpoint(c *provider.Call) error {
	props := c.Props()
	if err := endpointBasics(c, props, "jobs"); err != nil {
		return err
	}
	props["swaggerUri"] = strings.TrimSuffix(props["scoringUri"].(string), "jobs") + "swagger.json"
	name := tree.Text(props, "defaults.deploymentName")
	if name == "" {
		return nil
	}
	deployments, err := deploymentsOf(c)
	if err == nil && deployments[strings.ToLower(name)] == "" {
		return provider.Invalid("BadArgument", "the property 'properties.defaults.deploymentName' names the deployment '%s', which does not exist.", name).
			At("properties.defaults.deploymentName")
	}
	return err
}

// putServerless completes a serverless endpoint and links the marketplace subscription that pays for its model.
func putServerless(c *provider.Call) error {
	if err := sameRegion(c); err != nil {
		return err
	}
	if err := settleIdentity(c, ""); err != nil {
		return err
	}
	props := c.Props()
	model := tree.Text(props, "modelSettings.modelId")
	if model == "" {
		return provider.Invalid("ValidationError", "the property 'properties.modelSettings.modelId' is required.").At("properties.modelSettings.modelId")
	}
	initialKeys(c, props)
	if c.Old != nil {
		return nil
	}
	props["endpointState"] = string(aml.ServerlessCreating)
	props["inferenceEndpoint"] = object("uri", fmt.Sprintf("https://%s.%s.models.ai.azure.com", strings.ToLower(c.ID.Name()), provider.Region(c.Location())),
		"headers", map[string]any{})
	workspace, _, err := workspaceOf(c)
	if err != nil {
		return err
	}
	return c.Children(workspace, "marketplaceSubscriptions", func(found tree.Found) (bool, error) {
		doc, err := c.Tree.Decode(c.Ctx, c.Read, found)
		if err == nil && strings.EqualFold(tree.Text(doc.Public, "properties.modelId"), model) {
			props["marketplaceSubscriptionId"] = found.ID().String()
			return false, nil
		}
		return true, err
	})
}

func settleServerless(c *provider.Call, cause string) error {
	if cause == "put" || cause == "patch" {
		c.Props()["endpointState"] = string(aml.ServerlessOnline)
		succeed(c)
	}
	return nil
}

// putMarketplace buys a model: at once, as nobody here asks for money.
func putMarketplace(c *provider.Call) error {
	props := c.Props()
	if before := tree.Text(c.OldProps(), "modelId"); before != "" && before != props["modelId"] {
		return provider.Invalid("UserError", "the property 'properties.modelId' cannot be changed once the resource exists.").At("properties.modelId")
	}
	if c.Old == nil {
		model := tree.Text(props, "modelId")
		name := model[strings.LastIndexByte(model, '/')+1:]
		props["marketplacePlan"] = object("publisherId", "amlmove", "offerId", name+"-offer", "planId", name+"-plan")
		props["marketplaceSubscriptionStatus"] = "Subscribed"
	}
	return nil
}

// checkContentID refuses the id of something that should be in this workspace and is not. What is no ARM id of the workspace (a registry's URI, a
// name) cannot be checked here.
func checkContentID(c *provider.Call, property, text string) error {
	id, err := arm.Parse(text)
	if err != nil || !id.Within(workspaceID(c)) {
		return nil
	}
	if _, known := aml.KindOf(id.Type()); !known {
		return nil
	}
	_, err = c.Tree.Resolve(c.Ctx, c.Read, id)
	if errs.Is(err, errs.NotFound) {
		return provider.Invalid("UserError", "the property '%s' names '%s', which does not exist.", property, text).At(property)
	}
	return err
}
