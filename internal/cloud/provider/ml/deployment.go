package ml

import (
	"fmt"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// maxInstances is how many instances one managed deployment may have.
const maxInstances = 50

// parentDepth is where an endpoint or an asset container stands in the chain of its child.
const parentDepth = 3

// usableEndpoint refuses deployments on an endpoint that is not ready.
func usableEndpoint(c *provider.Call) error {
	_, endpoint, err := c.Ancestor(parentDepth)
	if err != nil {
		return err
	}
	switch state := aml.ProvisioningState(tree.Text(endpoint.Public, "properties.provisioningState")); state {
	case aml.Creating, aml.Deleting, aml.Failed:
		return provider.Conflict("Conflict", "The endpoint '%s' is in the provisioning state '%s': deployments need one that has Succeeded.", c.ID.Parent().Name(), state)
	}
	return nil
}

// putOnlineDeployment judges and completes a deployment of an online endpoint.
func putOnlineDeployment(c *provider.Call) error {
	if err := usableEndpoint(c); err != nil {
		return err
	}
	props := c.Props()
	for _, property := range []string{"model", "environmentId", "codeConfiguration.codeId"} {
		if text := tree.Text(props, property); text != "" {
			if err := checkContentID(c, "properties."+property, text); err != nil {
				return err
			}
		}
	}
	setDefault(c.Doc.Public, "tags", map[string]any{})
	setDefault(props, "appInsightsEnabled", false)
	setDefault(props, "scaleSettings", object("scaleType", "Default"))
	setDefault(props, "requestSettings", object("maxConcurrentRequestsPerInstance", 1, "requestTimeout", "PT5S", "maxQueueWait", "PT0.5S"))
	if err := settleIdentity(c, ""); err != nil {
		return err
	}
	instances, err := settleSku(c)
	if err != nil {
		return err
	}
	if tree.Text(props, "endpointComputeType") != "Managed" {
		return nil
	}
	return managedDeployment(c, props, instances)
}

// settleSku gives a deployment its number of instances.
func settleSku(c *provider.Call) (int, error) {
	sku := tree.Object(c.Doc.Public, "sku")
	if sku == nil {
		sku = object("name", "Default")
		if c.Old != nil && tree.Object(c.Old.Public, "sku") != nil {
			sku = tree.Clone(tree.Object(c.Old.Public, "sku"))
		}
		c.Doc.Public["sku"] = sku
	}
	setDefault(sku, "capacity", 1)
	instances := number(sku["capacity"], 0)
	if instances < 1 || instances > maxInstances {
		return 0, provider.Invalid("BadArgument", "the property 'sku.capacity' must be between 1 and %d, not %d.", maxInstances, instances).At("sku.capacity")
	}
	return instances, nil
}

// managedDeployment runs on machines of the service: they have a size and take quota.
func managedDeployment(c *provider.Call, props map[string]any, instances int) error {
	setDefault(props, "instanceType", "Standard_F4s_v2")
	setDefault(props, "egressPublicNetworkAccess", "Enabled")
	if err := checkSize(props, "instanceType", "properties.instanceType"); err != nil {
		return err
	}
	if before := tree.Text(c.OldProps(), "instanceType"); before != "" && !strings.EqualFold(before, tree.Text(props, "instanceType")) {
		return provider.Invalid("BadArgument", "the property 'properties.instanceType' is '%s' and cannot be changed: make another deployment.", before).
			At("properties.instanceType")
	}
	if c.Old != nil && scalesOnly(c, instances) {
		props["provisioningState"] = string(aml.Scaling)
	}
	return takeQuota(c, deploymentDemand)
}

// scalesOnly reports whether the number of instances is all that changes.
func scalesOnly(c *provider.Call, instances int) bool {
	if instances == number(tree.Get(c.Old.Public, "sku.capacity"), 1) {
		return false
	}
	now, before := tree.Clone(c.Doc.Public), tree.Clone(c.Old.Public)
	for _, doc := range []map[string]any{now, before} {
		tree.Set(doc, "sku.capacity", nil)
		tree.Set(doc, "properties.provisioningState", nil)
		delete(doc, "systemData")
	}
	return same(now, before)
}

// deleteOnlineDeployment refuses to take away what answers requests.
func deleteOnlineDeployment(c *provider.Call) error {
	_, endpoint, err := c.Ancestor(parentDepth)
	if err != nil {
		return err
	}
	for _, property := range []string{"traffic", "mirrorTraffic"} {
		for name, value := range tree.Object(endpoint.Public, "properties."+property) {
			if strings.EqualFold(name, c.ID.Name()) && number(value, 0) > 0 {
				return provider.Conflict("Conflict", "The deployment '%s' has %d percent of the endpoint's %s and cannot be deleted: set it to 0 first.",
					c.ID.Name(), number(value, 0), property).At(c.ID.String())
			}
		}
	}
	return nil
}

// putBatchDeployment judges and completes a deployment of a batch endpoint.
func putBatchDeployment(c *provider.Call) error {
	if err := usableEndpoint(c); err != nil {
		return err
	}
	props := c.Props()
	for _, property := range []string{"compute", "environmentId", "codeConfiguration.codeId", "model.assetId"} {
		if text := tree.Text(props, property); text != "" {
			if err := checkContentID(c, "properties."+property, text); err != nil {
				return err
			}
		}
	}
	setDefault(c.Doc.Public, "tags", map[string]any{})
	for name, value := range map[string]any{"errorThreshold": -1, "loggingLevel": "Info", "maxConcurrencyPerInstance": 1, "miniBatchSize": 10,
		"outputAction": "AppendRow", "outputFileName": "predictions.csv"} {
		setDefault(props, name, value)
	}
	setDefault(props, "retrySettings", object("maxRetries", 3, "timeout", "PT30S"))
	return settleIdentity(c, "")
}

// deleteBatchDeployment refuses to take away the default.
func deleteBatchDeployment(c *provider.Call) error {
	_, endpoint, err := c.Ancestor(parentDepth)
	if err != nil {
		return err
	}
	if strings.EqualFold(tree.Text(endpoint.Public, "properties.defaults.deploymentName"), c.ID.Name()) {
		return provider.Conflict("Conflict", "The deployment '%s' is the default of its endpoint and cannot be deleted: choose another default first.", c.ID.Name()).
			At(c.ID.String())
	}
	return nil
}

// getLogs answers with the last lines of a container's log.
func (b builder) getLogs(c *provider.Call) (any, error) {
	body, err := judged(b.shapes.get("DeploymentLogsRequest"), c)
	if err != nil {
		return nil, err
	}
	container := tree.Text(body, "containerType")
	if container == "" {
		container = "InferenceServer"
	}
	return object("content", fmt.Sprintf("Instance status:\nSystemSetup: Succeeded\nContainer: %s\nState: Ready\n", container)), nil
}

// deploymentSkus answers with how far a deployment may scale.
func deploymentSkus(*provider.Call) (any, error) {
	return object("value", []any{object("resourceType", string(aml.Workspaces)+"/onlineEndpoints/deployments", "sku", object("name", "Default", "tier", "Standard"),
		"capacity", object("minimum", 1, "maximum", maxInstances, "default", 1, "scaleType", "Manual"))}), nil
}
