package ml

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

func (b builder) computes() []provider.Type {
	return []provider.Type{b.content("computes", "ComputeResource", provider.Type{
		Pattern: computeName, Stateful: true, AsyncPut: true, AsyncDelete: true, // PATCH answers 200 only (routes)
		Secrets: []string{"properties.properties.userAccountCredentials.adminUserPassword", "properties.properties.databricksAccessToken",
			"properties.properties.administratorAccount.password", "properties.properties.administratorAccount.privateKeyData",
			"properties.properties.relayConnectionString", "properties.properties.serviceBusConnectionString",
			"properties.properties.sslConfiguration.cert", "properties.properties.sslConfiguration.key"},
		Put: putCompute, Delete: deleteCompute, Gone: goneCompute, Settle: settleCompute,
		Actions: map[string]provider.Action{
			"listkeys":                  {Do: listComputeKeys},
			"listnodes":                 {Do: listNodes},
			"start":                     {Do: power(aml.InstanceStopped, aml.InstanceStarting), Async: true, Writes: true},
			"stop":                      {Do: power(aml.InstanceRunning, aml.InstanceStopping), Async: true, Writes: true},
			"restart":                   {Do: power(aml.InstanceRunning, aml.InstanceRestarting), Async: true, Writes: true},
			"updateidleshutdownsetting": {Do: updateIdleShutdown, Writes: true},
			"getallowedvmsizes":         {Do: vmSizes},
		},
	})}
}

// attachedTypes are the resources that stand behind attached computes; "" cannot be checked.
var attachedTypes = map[string]arm.Type{aml.ComputeAKS: "Microsoft.ContainerService/managedClusters", aml.ComputeKubernetes: "",
	aml.ComputeVM: "Microsoft.Compute/virtualMachines", aml.ComputeHDInsight: "Microsoft.HDInsight/clusters",
	aml.ComputeDatabricks: "Microsoft.Databricks/workspaces", aml.ComputeSynapse: "Microsoft.Synapse/workspaces/bigDataPools",
	"DataFactory": "Microsoft.DataFactory/factories", "DataLakeAnalytics": "Microsoft.DataLakeAnalytics/accounts"}

// putCompute judges and completes a compute.
func putCompute(c *provider.Call) error {
	props := c.Props()
	kind := tree.Text(props, "computeType")
	if before := tree.Text(c.OldProps(), "computeType"); before != "" && before != kind {
		return provider.Invalid("BadRequest", "the type of the compute '%s' is '%s' and cannot be changed to '%s'.", c.ID.Name(), before, kind).At("properties.computeType")
	}
	if state := aml.ProvisioningState(tree.Text(c.OldProps(), "provisioningState")); c.Patch && state == aml.Creating {
		return provider.Conflict("Conflict", "The compute '%s' is in the provisioning state '%s' and cannot be updated yet.", c.ID.Name(), state)
	}
	setDefault(c.Doc.Public, "location", c.Location())
	setDefault(props, "computeLocation", c.Location())
	setDefault(props, "disableLocalAuth", false)
	props["isAttachedCompute"] = false
	if err := settleIdentity(c, ""); err != nil {
		return err
	}
	now := c.Now.Format(time.RFC3339Nano)
	if c.Old == nil {
		props["createdOn"], props["provisioningErrors"] = now, nil
	}
	props["modifiedOn"] = now
	inner := tree.Object(props, "properties")
	if inner == nil {
		inner = map[string]any{}
		if old := tree.Object(c.OldProps(), "properties"); old != nil {
			inner = tree.Clone(old)
		}
		props["properties"] = inner
	}
	switch kind {
	case aml.ComputeCluster:
		return putCluster(c, inner)
	case aml.ComputeInstance:
		return putInstance(c, inner)
	}
	return attach(c, props, kind)
}

// attach links a compute that belongs to somebody else.
func attach(c *provider.Call, props map[string]any, kind string) error {
	behind := tree.Text(props, "resourceId")
	props["isAttachedCompute"] = true
	if behind == "" {
		if (kind == aml.ComputeAKS || kind == "DataFactory") && (c.Old == nil || c.OldProps()["isAttachedCompute"] == false) {
			props["isAttachedCompute"] = false // the old form, in which the service makes what stands behind
			return nil
		}
		return provider.Invalid("BadRequest", "the property 'properties.resourceId' is required to attach a compute of type '%s'.", kind).At("properties.resourceId")
	}
	want := attachedTypes[kind]
	if _, err := c.Types.Find(want); want == "" || err != nil {
		if id, err := arm.Parse(behind); err != nil || len(id) < 3 {
			return provider.Invalid("BadRequest", "the property 'properties.resourceId' must be a resource id, not '%s'.", behind).At("properties.resourceId")
		}
		return nil
	}
	if strings.EqualFold(behind, tree.Text(c.OldProps(), "resourceId")) {
		return nil
	}
	return mustExist(c, "properties.resourceId", behind, want)
}

// putCluster completes an AmlCompute and takes its quota: what it may grow to counts.
func putCluster(c *provider.Call, inner map[string]any) error {
	if err := checkSize(inner, "vmSize", "properties.properties.vmSize"); err != nil {
		return err
	}
	scale := tree.Object(inner, "scaleSettings")
	if scale == nil {
		scale = map[string]any{}
		inner["scaleSettings"] = scale
	}
	setDefault(scale, "maxNodeCount", 1)
	setDefault(scale, "minNodeCount", 0)
	setDefault(scale, "nodeIdleTimeBeforeScaleDown", "PT120S")
	least, most := number(scale["minNodeCount"], 0), number(scale["maxNodeCount"], 1)
	if least < 0 || most < least {
		return provider.Invalid("BadRequest", "the property 'properties.properties.scaleSettings.maxNodeCount' (%d) must be at least minNodeCount (%d), which must not be negative.",
			most, least).At("properties.properties.scaleSettings")
	}
	for name, value := range map[string]any{"vmPriority": "Dedicated", "osType": "Linux", "isolatedNetwork": false, "enableNodePublicIp": true,
		"remoteLoginPortPublicAccess": "NotSpecified"} {
		setDefault(inner, name, value)
	}
	if err := checkCredentials(c, inner); err != nil {
		return err
	}
	if err := takeQuota(c, computeDemand); err != nil {
		return err
	}
	inner["allocationState"], inner["allocationStateTransitionTime"] = "Steady", c.Now.Format(time.RFC3339Nano)
	if c.Old == nil {
		inner["allocationState"] = "Resizing"
	}
	inner["currentNodeCount"], inner["targetNodeCount"], inner["errors"] = least, least, nil
	inner["nodeStateCounts"] = object("idleNodeCount", least, "runningNodeCount", 0, "preparingNodeCount", 0, "unusableNodeCount", 0,
		"leavingNodeCount", 0, "preemptedNodeCount", 0)
	return nil
}

// checkCredentials wants a password or a public key with an administrator's name.
func checkCredentials(c *provider.Call, inner map[string]any) error {
	user := tree.Object(inner, "userAccountCredentials")
	if user == nil || tree.Text(user, "adminUserPassword") != "" || tree.Text(user, "adminUserSshPublicKey") != "" ||
		kept(c.Doc, "properties.properties.userAccountCredentials.adminUserPassword") != nil {
		return nil
	}
	return provider.Invalid("BadRequest", "the property 'properties.properties.userAccountCredentials' needs adminUserPassword or adminUserSshPublicKey.").
		At("properties.properties.userAccountCredentials")
}

// putInstance completes a ComputeInstance. Its name is unique in the region, and it belongs to a person.
func putInstance(c *provider.Call, inner map[string]any) error {
	if err := checkSize(inner, "vmSize", "properties.properties.vmSize"); err != nil {
		return err
	}
	if c.Old != nil {
		if before := tree.Text(c.OldProps(), "properties.vmSize"); !strings.EqualFold(before, tree.Text(inner, "vmSize")) &&
			tree.Text(c.OldProps(), "properties.state") != string(aml.InstanceStopped) {
			return provider.Invalid("BadRequest", "the size of the compute instance '%s' can only be changed while it is stopped.", c.ID.Name()).At("properties.properties.vmSize")
		}
		return takeQuota(c, computeDemand)
	}
	if err := claimInstance(c); err != nil {
		return err
	}
	if err := takeQuota(c, computeDemand); err != nil {
		return err
	}
	setDefault(inner, "applicationSharingPolicy", "Shared")
	setDefault(inner, "computeInstanceAuthorizationType", "personal")
	setDefault(inner, "enableNodePublicIp", true)
	ssh := tree.Object(inner, "sshSettings")
	if ssh == nil {
		ssh = map[string]any{}
		inner["sshSettings"] = ssh
	}
	setDefault(ssh, "sshPublicAccess", "Disabled")
	ssh["adminUserName"], ssh["sshPort"] = "azureuser", 50000
	who := c.Caller.UserName
	if who == "" {
		who = c.Caller.Name
	}
	inner["createdBy"] = object("userId", c.Caller.ObjectID, "userName", who, "userOrgId", c.Tenant)
	if inner["personalComputeInstanceSettings"] == nil {
		inner["personalComputeInstanceSettings"] = object("assignedUser", object("objectId", c.Caller.ObjectID, "tenantId", c.Tenant))
	}
	region := provider.Region(c.Location())
	var applications []any
	for _, app := range []string{"Jupyter", "JupyterLab", "RStudio"} {
		applications = append(applications, object("displayName", app, "endpointUri",
			fmt.Sprintf("https://%s.%s.instances.azureml.ms/%s", strings.ToLower(c.ID.Name()), region, strings.ToLower(app))))
	}
	inner["applications"], inner["errors"], inner["dataDisks"], inner["dataMounts"] = applications, nil, nil, nil
	inner["connectivityEndpoints"] = object("publicIpAddress", nil, "privateIpAddress", "10.0.0.4")
	inner["state"] = string(aml.InstanceCreating)
	operated(inner, c, "Create", "InProgress")
	return nil
}

// operated notes the last operation of an instance.
func operated(inner map[string]any, c *provider.Call, name, status string) {
	inner["lastOperation"] = object("operationName", name, "operationTime", c.Now.Format(time.RFC3339Nano), "operationStatus", status, "operationTrigger", "User")
}

// settled says where the causes of an instance end.
var settled = map[string]struct {
	state     aml.InstanceState
	operation string
}{
	"put": {aml.InstanceRunning, "Create"}, "start": {aml.InstanceRunning, "Start"}, "stop": {aml.InstanceStopped, "Stop"},
	"restart": {aml.InstanceRunning, "Restart"},
}

func settleCompute(c *provider.Call, cause string) error {
	if cause == "put" {
		succeed(c)
	}
	inner := tree.Object(c.Props(), "properties")
	switch end, known := settled[cause]; {
	case tree.Text(c.Props(), "computeType") == aml.ComputeCluster && cause == "put":
		inner["allocationState"] = "Steady"
	case tree.Text(c.Props(), "computeType") == aml.ComputeInstance && known:
		if cause == "put" && inner["state"] != string(aml.InstanceCreating) {
			return nil // an update leaves the machine as it is
		}
		inner["state"], c.Changed = string(end.state), true
		operated(inner, c, end.operation, "Succeeded")
	}
	return nil
}

// power begins to start, stop or restart a compute instance.
func power(from, via aml.InstanceState) func(*provider.Call) (any, error) {
	return func(c *provider.Call) (any, error) {
		if kind := tree.Text(c.Props(), "computeType"); kind != aml.ComputeInstance {
			return nil, provider.Invalid("BadRequest", "the compute '%s' is of type '%s': only a ComputeInstance can be started, stopped or restarted.", c.ID.Name(), kind)
		}
		inner := tree.Object(c.Props(), "properties")
		if state := tree.Text(inner, "state"); state != string(from) {
			return nil, provider.Conflict("InvalidComputeState", "the compute instance '%s' is in state '%s' and must be '%s' for this.", c.ID.Name(), state, from)
		}
		inner["state"], c.Changed = string(via), true
		return nil, nil // no body: the operation says how it ended
	}
}

// deleteCompute judges how a compute is to leave (S31): the parameter has no default, and what the service owns cannot be detached.
func deleteCompute(c *provider.Call) error {
	action := query(c, "underlyingResourceAction")
	kind := tree.Text(c.Props(), "computeType")
	switch {
	case strings.EqualFold(action, aml.ActionDetach):
		if aml.Managed(kind) {
			return provider.Invalid("BadRequest", "the compute '%s' is of type '%s' and cannot be detached: the service owns its machines. Use Delete.", c.ID.Name(), kind).
				At("underlyingResourceAction")
		}
		c.Doc.Private["underlyingResourceAction"] = aml.ActionDetach
	case strings.EqualFold(action, aml.ActionDelete):
		if id, ok := behindCompute(c); ok {
			if err := c.MayDelete(id); err != nil {
				return err
			}
		}
		c.Doc.Private["underlyingResourceAction"] = aml.ActionDelete
	default:
		return provider.Invalid("BadRequest", "the query parameter 'underlyingResourceAction' is required and must be Delete or Detach, not '%s'.", action).
			At("underlyingResourceAction")
	}
	c.Changed = true
	return nil
}

// behindCompute is the resource that an attached compute stands for, if it is one of the kind that can be attached so.
func behindCompute(c *provider.Call) (arm.ID, bool) {
	kind := tree.Text(c.Props(), "computeType")
	want := cmp.Or(attachedTypes[kind], attachedTypes[aml.ComputeAKS]) // Kubernetes: of those that this cloud knows
	id, err := arm.Parse(tree.Text(c.Props(), "resourceId"))
	return id, err == nil && !aml.Managed(kind) && len(id) == 3 && id.Type().Is(want)
}

// goneCompute deletes the resource behind an attached compute if that was asked for: a mover that mixes the two up does harm here as it does in Azure.
func goneCompute(c *provider.Call) error {
	id, ok := behindCompute(c)
	if !ok || tree.Text(c.Doc.Private, "underlyingResourceAction") != aml.ActionDelete {
		return nil
	}
	found, err := c.Tree.Resolve(c.Ctx, c.Tx, id)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return c.Remove(found)
}
