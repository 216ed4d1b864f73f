package sdk

import (
	"context"
	"errors"
	"net/http"

	ml "github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/batchdeployment"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/batchendpoint"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/capabilityhost"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/managednetwork"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/onlinedeployment"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/onlineendpoint"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/serverlessendpoint"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/workspaces"

	"github.com/amlmove/amlmove/test/estate"
)

func onlineEndpoint(ctx context.Context, c *ml.Client, name string) error {
	return c.OnlineEndpoint.CreateOrUpdateThenPoll(ctx, onlineendpoint.NewOnlineEndpointID(subscription, group, workspace, name),
		of[onlineendpoint.OnlineEndpointTrackedResource](`{"location":"eastus","identity":{"type":"SystemAssigned"},"properties":{"authMode":"Key"}}`))
}

func onlineEndpoints(c *ml.Client) resource {
	id := onlineendpoint.NewOnlineEndpointID(subscription, group, workspace, "sdk-online")
	o := c.OnlineEndpoint
	return resource{
		name:   "online endpoints and their keys",
		create: func(ctx context.Context) error { return onlineEndpoint(ctx, c, "sdk-online") },
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := o.Get(ctx, id)
			return r.HttpResponse, err
		},
		update: func(ctx context.Context) error {
			return o.UpdateThenPoll(ctx, id, of[onlineendpoint.PartialMinimalTrackedResourceWithIdentity](`{"tags":{"a":"b"}}`))
		},
		use: func(ctx context.Context) error {
			keys, err := o.ListKeys(ctx, id)
			if err == nil && (keys.Model == nil || keys.Model.PrimaryKey == nil) {
				err = errors.New("listKeys has no primary key")
			}
			return errors.Join(err, o.RegenerateKeysThenPoll(ctx, id, of[onlineendpoint.RegenerateEndpointKeysRequest](`{"keyType":"Primary","keyValue":"chosen"}`)))
		},
		list: func(ctx context.Context) (int, error) {
			r, err := o.ListComplete(ctx, onlineendpoint.NewWorkspaceID(subscription, group, workspace), onlineendpoint.DefaultListOperationOptions())
			return len(r.Items), err
		},
		remove: func(ctx context.Context) error { return o.DeleteThenPoll(ctx, id) },
	}
}

func onlineDeployments(c *ml.Client) resource {
	id := onlinedeployment.NewOnlineEndpointDeploymentID(subscription, group, workspace, "sdk-deployed", "blue")
	o := c.OnlineDeployment
	return resource{
		name: "online deployments, scaled",
		create: func(ctx context.Context) error {
			if err := onlineEndpoint(ctx, c, "sdk-deployed"); err != nil {
				return err
			}
			return o.CreateOrUpdateThenPoll(ctx, id, of[onlinedeployment.OnlineDeploymentTrackedResource](`{"location":"eastus","sku":{"name":"Default","capacity":1},"properties":{"endpointComputeType":"Managed","instanceType":"Standard_DS2_v2",`+
				`"model":"azureml://registries/azureml/models/m/versions/1","scaleSettings":{"scaleType":"Default"}}}`))
		},
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := o.Get(ctx, id)
			return r.HttpResponse, err
		},
		update: func(ctx context.Context) error {
			return o.UpdateThenPoll(ctx, id, of[onlinedeployment.PartialMinimalTrackedResourceWithSku](`{"sku":{"name":"Default","capacity":2}}`))
		},
		use: func(ctx context.Context) error {
			_, logsErr := o.GetLogs(ctx, id, of[onlinedeployment.DeploymentLogsRequest](`{"containerType":"InferenceServer","tail":10}`))
			_, skusErr := o.ListSkusComplete(ctx, id, onlinedeployment.DefaultListSkusOperationOptions())
			return errors.Join(logsErr, skusErr)
		},
		list: func(ctx context.Context) (int, error) {
			r, err := o.ListComplete(ctx, onlinedeployment.NewOnlineEndpointID(subscription, group, workspace, "sdk-deployed"), onlinedeployment.DefaultListOperationOptions())
			return len(r.Items), err
		},
		remove: func(ctx context.Context) error { return o.DeleteThenPoll(ctx, id) },
	}
}

func batchEndpoint(ctx context.Context, c *ml.Client, name string) error {
	return c.BatchEndpoint.CreateOrUpdateThenPoll(ctx, batchendpoint.NewBatchEndpointID(subscription, group, workspace, name),
		of[batchendpoint.BatchEndpointTrackedResource](`{"location":"eastus","properties":{"authMode":"AADToken"}}`))
}

func batchEndpoints(c *ml.Client) resource {
	id := batchendpoint.NewBatchEndpointID(subscription, group, workspace, "sdk-batch")
	return resource{
		name:   "batch endpoints",
		create: func(ctx context.Context) error { return batchEndpoint(ctx, c, "sdk-batch") },
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := c.BatchEndpoint.Get(ctx, id)
			return r.HttpResponse, err
		},
		update: func(ctx context.Context) error {
			return c.BatchEndpoint.UpdateThenPoll(ctx, id, of[batchendpoint.PartialMinimalTrackedResourceWithIdentity](`{"tags":{"a":"b"}}`))
		},
		list: func(ctx context.Context) (int, error) {
			r, err := c.BatchEndpoint.ListComplete(ctx, batchendpoint.NewWorkspaceID(subscription, group, workspace), batchendpoint.DefaultListOperationOptions())
			return len(r.Items), err
		},
		remove: func(ctx context.Context) error { return c.BatchEndpoint.DeleteThenPoll(ctx, id) },
	}
}

func batchDeployments(c *ml.Client) resource {
	id := batchdeployment.NewDeploymentID(subscription, group, workspace, "sdk-scored", "blue")
	return resource{
		name: "batch deployments",
		create: func(ctx context.Context) error {
			if err := batchEndpoint(ctx, c, "sdk-scored"); err != nil {
				return err
			}
			return c.BatchDeployment.CreateOrUpdateThenPoll(ctx, id, of[batchdeployment.BatchDeploymentTrackedResource](`{"location":"eastus","properties":{"model":{"referenceType":"Id","assetId":"azureml://registries/azureml/models/m/versions/1"}}}`))
		},
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := c.BatchDeployment.Get(ctx, id)
			return r.HttpResponse, err
		},
		list: func(ctx context.Context) (int, error) {
			r, err := c.BatchDeployment.ListComplete(ctx, batchdeployment.NewBatchEndpointID(subscription, group, workspace, "sdk-scored"), batchdeployment.DefaultListOperationOptions())
			return len(r.Items), err
		},
		remove: func(ctx context.Context) error { return c.BatchDeployment.DeleteThenPoll(ctx, id) },
	}
}

func serverless(c *ml.Client) resource {
	id := serverlessendpoint.NewServerlessEndpointID(subscription, group, workspace, "sdk-serverless")
	s := c.ServerlessEndpoint
	return resource{
		name: "serverless endpoints and their keys",
		create: func(ctx context.Context) error {
			return s.CreateOrUpdateThenPoll(ctx, id, of[serverlessendpoint.ServerlessEndpointTrackedResource](`{"location":"eastus","sku":{"name":"Consumption"},"properties":{"authMode":"Key","modelSettings":{"modelId":"azureml://registries/azureml/models/m"}}}`))
		},
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := s.Get(ctx, id)
			return r.HttpResponse, err
		},
		update: func(ctx context.Context) error {
			return s.UpdateThenPoll(ctx, id, of[serverlessendpoint.PartialMinimalTrackedResourceWithSkuAndIdentity](`{"tags":{"a":"b"}}`))
		},
		use: func(ctx context.Context) error { _, err := s.ListKeys(ctx, id); return err },
		list: func(ctx context.Context) (int, error) {
			r, err := s.ListComplete(ctx, serverlessendpoint.NewWorkspaceID(subscription, group, workspace), serverlessendpoint.DefaultListOperationOptions())
			return len(r.Items), err
		},
		remove: func(ctx context.Context) error { return s.DeleteThenPoll(ctx, id) },
	}
}

func outboundRules(c *ml.Client) resource {
	id := managednetwork.NewOutboundRuleID(subscription, group, "isolated-ws", "pypi")
	return resource{
		name: "outbound rules of a managed network",
		create: func(ctx context.Context) error {
			err := c.Workspaces.CreateOrUpdateThenPoll(ctx, workspaces.NewWorkspaceID(subscription, group, "isolated-ws"), of[workspaces.Workspace](`{"location":"eastus","identity":{"type":"SystemAssigned"},"properties":{"storageAccount":"`+
				estate.Storage+`","keyVault":"`+estate.Vault+`","managedNetwork":{"isolationMode":"AllowOnlyApprovedOutbound"}}}`))
			if err != nil {
				return err
			}
			return c.ManagedNetwork.SettingsRuleCreateOrUpdateThenPoll(ctx, id, of[managednetwork.OutboundRuleBasicResource](`{"properties":{"type":"FQDN","category":"UserDefined","destination":"pypi.org"}}`))
		},
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := c.ManagedNetwork.SettingsRuleGet(ctx, id)
			return r.HttpResponse, err
		},
		use: func(ctx context.Context) error {
			return c.ManagedNetwork.ProvisionsProvisionManagedNetworkThenPoll(ctx, managednetwork.NewWorkspaceID(subscription, group, "isolated-ws"), of[managednetwork.ManagedNetworkProvisionOptions](`{"includeSpark":false}`))
		},
		list: func(ctx context.Context) (int, error) {
			r, err := c.ManagedNetwork.SettingsRuleListComplete(ctx, managednetwork.NewWorkspaceID(subscription, group, "isolated-ws"))
			return len(r.Items), err
		},
		remove: func(ctx context.Context) error { return c.ManagedNetwork.SettingsRuleDeleteThenPoll(ctx, id) },
	}
}

func capabilityHosts(c *ml.Client) resource {
	id := capabilityhost.NewCapabilityHostID(subscription, group, workspace, "agents")
	return resource{
		name: "capability hosts",
		create: func(ctx context.Context) error {
			return c.CapabilityHost.CreateOrUpdateThenPoll(ctx, id, of[capabilityhost.CapabilityHostResource](`{"properties":{"capabilityHostKind":"Agents"}}`))
		},
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := c.CapabilityHost.Get(ctx, id)
			return r.HttpResponse, err
		},
		remove: func(ctx context.Context) error { return c.CapabilityHost.DeleteThenPoll(ctx, id) },
	}
}
