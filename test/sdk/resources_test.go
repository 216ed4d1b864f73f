package sdk

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/hashicorp/go-azure-helpers/resourcemanager/commonids"
	ml "github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/datastore"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/job"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/machinelearningcomputes"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/operationalizationclusters"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/outboundnetworkdependenciesendpoints"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/proxyoperations"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/quota"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/schedule"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/v2workspaceconnectionresource"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/virtualmachinesizes"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/workspaces"

	"github.com/amlmove/amlmove/test/estate"
)

func workspaceItself(c *ml.Client) resource {
	id := workspaces.NewWorkspaceID(subscription, group, "second-ws")
	w := c.Workspaces
	return resource{
		name: "workspaces",
		create: func(ctx context.Context) error {
			return w.CreateOrUpdateThenPoll(ctx, id, of[workspaces.Workspace](`{"location":"eastus","identity":{"type":"SystemAssigned"},"tags":{"a":"b"},"properties":{"storageAccount":"`+
				estate.Storage+`","keyVault":"`+estate.Vault+`","applicationInsights":"`+estate.Insights+`"}}`))
		},
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := w.Get(ctx, id)
			if err == nil && (r.Model == nil || r.Model.Properties.WorkspaceId == nil || r.Model.Identity == nil || r.Model.Identity.PrincipalId == "") {
				err = errors.New("workspace id or identity is missing")
			}
			return r.HttpResponse, err
		},
		update: func(ctx context.Context) error {
			return w.UpdateThenPoll(ctx, id, of[workspaces.WorkspaceUpdateParameters](`{"tags":{"a":"c"},"properties":{"description":"changed"}}`))
		},
		list: func(ctx context.Context) (int, error) {
			r, err := w.ListByResourceGroupComplete(ctx, commonids.NewResourceGroupID(subscription, group), workspaces.DefaultListByResourceGroupOperationOptions())
			if err != nil {
				return 0, err
			}
			all, err := w.ListBySubscriptionComplete(ctx, commonids.NewSubscriptionID(subscription), workspaces.DefaultListBySubscriptionOperationOptions())
			return min(len(r.Items), len(all.Items)), err
		},
		use: func(ctx context.Context) error {
			keys, err := w.ListKeys(ctx, id)
			if err == nil && (keys.Model == nil || keys.Model.UserStorageKey == nil) {
				err = errors.New("listKeys has no storage key")
			}
			_, tokenErr := w.ListNotebookAccessToken(ctx, id)
			_, featuresErr := w.WorkspaceFeaturesListComplete(ctx, id)
			proxy := proxyoperations.NewWorkspaceID(subscription, group, "second-ws")
			_, notebookErr := c.ProxyOperations.WorkspacesListNotebookKeys(ctx, proxy)
			_, storageErr := c.ProxyOperations.WorkspacesListStorageAccountKeys(ctx, proxy)
			_, networkErr := c.OutboundNetworkDependenciesEndpoints.WorkspacesListOutboundNetworkDependenciesEndpoints(ctx, outboundnetworkdependenciesendpoints.NewWorkspaceID(subscription, group, "second-ws"))
			return errors.Join(err, tokenErr, featuresErr, notebookErr, storageErr, networkErr, c.ProxyOperations.WorkspacesPrepareNotebookThenPoll(ctx, proxy),
				w.ResyncKeysThenPoll(ctx, id), w.DiagnoseThenPoll(ctx, id, of[workspaces.DiagnoseWorkspaceParameters](`{"value":{"storageAccount":{}}}`)))
		},
		remove: func(ctx context.Context) error {
			purge := true
			return w.DeleteThenPoll(ctx, id, workspaces.DeleteOperationOptions{ForceToPurge: &purge})
		},
	}
}

func computeInstance(c *ml.Client) resource {
	id := operationalizationclusters.NewComputeID(subscription, group, workspace, "alice-ci")
	o := c.OperationalizationClusters
	return resource{
		name: "a compute instance, started and stopped",
		create: func(ctx context.Context) error {
			return o.ComputeCreateOrUpdateThenPoll(ctx, id, of[operationalizationclusters.ComputeResource](`{"location":"eastus","properties":{"computeType":"ComputeInstance","properties":{"vmSize":"Standard_DS2_v2"}}}`))
		},
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := o.ComputeGet(ctx, id)
			return r.HttpResponse, err
		},
		use: func(ctx context.Context) error {
			return errors.Join(o.ComputeStopThenPoll(ctx, id), o.ComputeStartThenPoll(ctx, id), o.ComputeRestartThenPoll(ctx, id))
		},
		list: func(ctx context.Context) (int, error) {
			r, err := o.ComputeListComplete(ctx, operationalizationclusters.NewWorkspaceID(subscription, group, workspace), operationalizationclusters.DefaultComputeListOperationOptions())
			return len(r.Items), err
		},
		remove: func(ctx context.Context) error {
			action := operationalizationclusters.UnderlyingResourceActionDelete
			return o.ComputeDeleteThenPoll(ctx, id, operationalizationclusters.ComputeDeleteOperationOptions{UnderlyingResourceAction: &action})
		},
	}
}

func cluster(c *ml.Client) resource {
	id := machinelearningcomputes.NewComputeID(subscription, group, workspace, "cpu-cluster")
	m := c.MachineLearningComputes
	return resource{
		name: "a compute cluster, rescaled",
		create: func(ctx context.Context) error {
			return m.ComputeCreateOrUpdateThenPoll(ctx, id, of[machinelearningcomputes.ComputeResource](`{"location":"eastus","properties":{"computeType":"AmlCompute","properties":{"vmSize":"Standard_DS2_v2","scaleSettings":{"minNodeCount":0,"maxNodeCount":2}}}}`))
		},
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := m.ComputeGet(ctx, id)
			return r.HttpResponse, err
		},
		update: func(ctx context.Context) error {
			return m.ComputeUpdateThenPoll(ctx, id, of[machinelearningcomputes.ClusterUpdateParameters](`{"properties":{"properties":{"scaleSettings":{"minNodeCount":0,"maxNodeCount":4}}}}`))
		},
		use: func(ctx context.Context) error {
			_, err := m.ComputeListNodesComplete(ctx, id)
			return err
		},
		remove: func(ctx context.Context) error {
			action := machinelearningcomputes.UnderlyingResourceActionDelete
			return m.ComputeDeleteThenPoll(ctx, id, machinelearningcomputes.ComputeDeleteOperationOptions{UnderlyingResourceAction: &action})
		},
	}
}

func datastores(c *ml.Client) resource {
	id := datastore.NewDataStoreID(subscription, group, workspace, "raw")
	put := func(ctx context.Context, container string) error {
		_, err := c.Datastore.CreateOrUpdate(ctx, id, of[datastore.DatastoreResource](`{"properties":{"datastoreType":"AzureBlob","accountName":"acct","containerName":"`+container+
			`","credentials":{"credentialsType":"AccountKey","secrets":{"secretsType":"AccountKey","key":"a2V5"}}}}`), datastore.DefaultCreateOrUpdateOperationOptions())
		return err
	}
	return resource{
		name:   "datastores and their secrets",
		create: func(ctx context.Context) error { return put(ctx, "one") },
		update: func(ctx context.Context) error { return put(ctx, "two") },
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := c.Datastore.Get(ctx, id)
			return r.HttpResponse, err
		},
		use: func(ctx context.Context) error {
			r, err := c.Datastore.ListSecrets(ctx, id)
			if secrets, ok := r.Model.(datastore.AccountKeyDatastoreSecrets); err == nil && (!ok || secrets.Key == nil || *secrets.Key != "a2V5") {
				err = errors.New("listSecrets has not the key that was put")
			}
			return err
		},
		list: func(ctx context.Context) (int, error) {
			r, err := c.Datastore.ListComplete(ctx, datastore.NewWorkspaceID(subscription, group, workspace), datastore.DefaultListOperationOptions())
			return len(r.Items), err
		},
		remove: func(ctx context.Context) error { _, err := c.Datastore.Delete(ctx, id); return err },
	}
}

func jobs(c *ml.Client) resource {
	id := job.NewJobID(subscription, group, workspace, "train-1")
	return resource{
		name: "jobs, cancelled or ended",
		create: func(ctx context.Context) error {
			_, err := c.Job.CreateOrUpdate(ctx, id, of[job.JobBaseResource](`{"properties":{"jobType":"Command","command":"python train.py","environmentId":"azureml://registries/azureml/environments/sklearn/versions/1"}}`))
			return err
		},
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := c.Job.Get(ctx, id)
			return r.HttpResponse, err
		},
		use: func(ctx context.Context) error {
			err := c.Job.CancelThenPoll(ctx, id)
			if err != nil && strings.Contains(err.Error(), "terminal status") { // it ended first
				return nil
			}
			return err
		},
		list: func(ctx context.Context) (int, error) {
			r, err := c.Job.ListComplete(ctx, job.NewWorkspaceID(subscription, group, workspace), job.DefaultListOperationOptions())
			return len(r.Items), err
		},
		remove: func(ctx context.Context) error { return c.Job.DeleteThenPoll(ctx, id) },
	}
}

func schedules(c *ml.Client) resource {
	id := schedule.NewScheduleID(subscription, group, workspace, "nightly")
	put := func(ctx context.Context, enabled string) error {
		return c.Schedule.CreateOrUpdateThenPoll(ctx, id, of[schedule.ScheduleResource](`{"properties":{"isEnabled":`+enabled+`,"trigger":{"triggerType":"Cron","expression":"0 2 * * *"},"action":{"actionType":"CreateJob",`+
			`"jobDefinition":{"jobType":"Command","command":"python train.py","environmentId":"azureml://registries/azureml/environments/sklearn/versions/1"}}}}`))
	}
	return resource{
		name:   "schedules",
		create: func(ctx context.Context) error { return put(ctx, "true") },
		update: func(ctx context.Context) error { return put(ctx, "false") },
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := c.Schedule.Get(ctx, id)
			return r.HttpResponse, err
		},
		list: func(ctx context.Context) (int, error) {
			r, err := c.Schedule.ListComplete(ctx, schedule.NewWorkspaceID(subscription, group, workspace), schedule.ListOperationOptions{ListViewType: new(schedule.ScheduleListViewTypeAll)})
			return len(r.Items), err
		},
		remove: func(ctx context.Context) error { return c.Schedule.DeleteThenPoll(ctx, id) },
	}
}

func connections(c *ml.Client) resource {
	id := v2workspaceconnectionresource.NewConnectionID(subscription, group, workspace, "snowflake")
	v := c.V2WorkspaceConnectionResource
	return resource{
		name: "connections and their secrets",
		create: func(ctx context.Context) error {
			_, err := v.WorkspaceConnectionsCreate(ctx, id, of[v2workspaceconnectionresource.WorkspaceConnectionPropertiesV2BasicResource](
				`{"properties":{"authType":"ApiKey","category":"ApiKey","target":"https://api.example","credentials":{"key":"k1"}}}`))
			return err
		},
		update: func(ctx context.Context) error {
			_, err := v.WorkspaceConnectionsUpdate(ctx, id, of[v2workspaceconnectionresource.WorkspaceConnectionUpdateParameter](
				`{"properties":{"authType":"ApiKey","category":"ApiKey","target":"https://api2.example","credentials":{"key":"k2"}}}`))
			return err
		},
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := v.WorkspaceConnectionsGet(ctx, id)
			return r.HttpResponse, err
		},
		use: func(ctx context.Context) error { _, err := v.WorkspaceConnectionsListSecrets(ctx, id); return err },
		list: func(ctx context.Context) (int, error) {
			r, err := v.WorkspaceConnectionsListComplete(ctx, v2workspaceconnectionresource.NewWorkspaceID(subscription, group, workspace), v2workspaceconnectionresource.DefaultWorkspaceConnectionsListOperationOptions())
			return len(r.Items), err
		},
		remove: func(ctx context.Context) error { _, err := v.WorkspaceConnectionsDelete(ctx, id); return err },
	}
}

func locations(c *ml.Client) resource {
	return resource{
		name: "quota and machine sizes of a region",
		create: func(ctx context.Context) error {
			_, err := c.VirtualMachineSizes.List(ctx, virtualmachinesizes.NewLocationID(subscription, "eastus"))
			return err
		},
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := c.Quota.List(ctx, quota.NewLocationID(subscription, "eastus"))
			return r.HttpResponse, err
		},
		list: func(ctx context.Context) (int, error) {
			r, err := c.Quota.ListComplete(ctx, quota.NewLocationID(subscription, "eastus"))
			return len(r.Items), err
		},
	}
}
