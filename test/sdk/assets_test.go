package sdk

import (
	"context"
	"net/http"

	ml "github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/codeversion"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/componentversion"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/datacontainer"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/dataversion"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/environmentversion"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/featuresetversion"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/featurestoreentityversion"
	"github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01/modelversion"
)

func models(c *ml.Client) resource {
	id := modelversion.NewModelVersionID(subscription, group, workspace, "churn", "1")
	put := func(ctx context.Context, text string) error {
		_, err := c.ModelVersion.CreateOrUpdate(ctx, id, of[modelversion.ModelVersionResource](`{"properties":{"description":"`+text+`","modelType":"mlflow_model","modelUri":"azureml://datastores/workspaceblobstore/paths/m"}}`))
		return err
	}
	return resource{
		name:   "models and their versions",
		create: func(ctx context.Context) error { return put(ctx, "one") },
		update: func(ctx context.Context) error { return put(ctx, "two") },
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := c.ModelVersion.Get(ctx, id)
			return r.HttpResponse, err
		},
		list: func(ctx context.Context) (int, error) {
			r, err := c.ModelVersion.ListComplete(ctx, modelversion.NewModelID(subscription, group, workspace, "churn"), modelversion.DefaultListOperationOptions())
			return len(r.Items), err
		},
		remove: func(ctx context.Context) error { _, err := c.ModelVersion.Delete(ctx, id); return err },
	}
}

func data(c *ml.Client) resource {
	id := dataversion.NewDataVersionID(subscription, group, workspace, "sales", "1")
	parent := datacontainer.NewWorkspaceDataID(subscription, group, workspace, "sales")
	return resource{
		name: "data assets and their versions",
		create: func(ctx context.Context) error {
			if _, err := c.DataContainer.CreateOrUpdate(ctx, parent, of[datacontainer.DataContainerResource](`{"properties":{"dataType":"uri_folder"}}`)); err != nil {
				return err
			}
			_, err := c.DataVersion.CreateOrUpdate(ctx, id, of[dataversion.DataVersionBaseResource](`{"properties":{"dataType":"uri_folder","dataUri":"azureml://datastores/workspaceblobstore/paths/d/"}}`))
			return err
		},
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := c.DataVersion.Get(ctx, id)
			return r.HttpResponse, err
		},
		list: func(ctx context.Context) (int, error) {
			r, err := c.DataVersion.ListComplete(ctx, dataversion.NewWorkspaceDataID(subscription, group, workspace, "sales"), dataversion.DefaultListOperationOptions())
			if err != nil {
				return 0, err
			}
			all, err := c.DataContainer.ListComplete(ctx, datacontainer.NewWorkspaceID(subscription, group, workspace), datacontainer.DefaultListOperationOptions())
			return min(len(r.Items), len(all.Items)), err
		},
		remove: func(ctx context.Context) error {
			if _, err := c.DataVersion.Delete(ctx, id); err != nil {
				return err
			}
			_, err := c.DataContainer.Delete(ctx, parent)
			return err
		},
	}
}

func environmentVersions(c *ml.Client) resource {
	id := environmentversion.NewEnvironmentVersionID(subscription, group, workspace, "sklearn", "1")
	return resource{
		name: "environments and their versions",
		create: func(ctx context.Context) error {
			_, err := c.EnvironmentVersion.CreateOrUpdate(ctx, id, of[environmentversion.EnvironmentVersionResource](`{"properties":{"image":"mcr.microsoft.com/azureml/base:1","condaFile":"dependencies: []"}}`))
			return err
		},
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := c.EnvironmentVersion.Get(ctx, id)
			return r.HttpResponse, err
		},
		list: func(ctx context.Context) (int, error) {
			r, err := c.EnvironmentVersion.ListComplete(ctx, environmentversion.NewEnvironmentID(subscription, group, workspace, "sklearn"), environmentversion.DefaultListOperationOptions())
			return len(r.Items), err
		},
		remove: func(ctx context.Context) error { _, err := c.EnvironmentVersion.Delete(ctx, id); return err },
	}
}

func codes(c *ml.Client) resource {
	id := codeversion.NewCodeVersionID(subscription, group, workspace, "5e5e5e5e-c0de-4000-8000-000000000001", "1")
	return resource{
		name: "code and its versions",
		create: func(ctx context.Context) error {
			_, err := c.CodeVersion.CreateOrUpdate(ctx, id, of[codeversion.CodeVersionResource](`{"properties":{"codeUri":"https://originstore.blob.core.windows.net/c/src"}}`))
			return err
		},
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := c.CodeVersion.Get(ctx, id)
			return r.HttpResponse, err
		},
		use: func(ctx context.Context) error {
			_, err := c.CodeVersion.CreateOrGetStartPendingUpload(ctx, id, of[codeversion.PendingUploadRequestDto](`{"pendingUploadType":"TemporaryBlobReference"}`))
			return err
		},
		list: func(ctx context.Context) (int, error) {
			r, err := c.CodeVersion.ListComplete(ctx, codeversion.NewCodeID(subscription, group, workspace, "5e5e5e5e-c0de-4000-8000-000000000001"), codeversion.DefaultListOperationOptions())
			return len(r.Items), err
		},
		remove: func(ctx context.Context) error { _, err := c.CodeVersion.Delete(ctx, id); return err },
	}
}

func components(c *ml.Client) resource {
	id := componentversion.NewComponentVersionID(subscription, group, workspace, "train", "1")
	return resource{
		name: "components and their versions",
		create: func(ctx context.Context) error {
			_, err := c.ComponentVersion.CreateOrUpdate(ctx, id, of[componentversion.ComponentVersionResource](`{"properties":{"componentSpec":{"type":"command","command":"python train.py"}}}`))
			return err
		},
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := c.ComponentVersion.Get(ctx, id)
			return r.HttpResponse, err
		},
		list: func(ctx context.Context) (int, error) {
			r, err := c.ComponentVersion.ListComplete(ctx, componentversion.NewComponentID(subscription, group, workspace, "train"), componentversion.DefaultListOperationOptions())
			return len(r.Items), err
		},
		remove: func(ctx context.Context) error { _, err := c.ComponentVersion.Delete(ctx, id); return err },
	}
}

func featureSets(c *ml.Client) resource {
	id := featuresetversion.NewFeatureSetVersionID(subscription, group, workspace, "transactions", "1")
	return resource{
		name: "feature sets and their versions",
		create: func(ctx context.Context) error {
			return c.FeaturesetVersion.CreateOrUpdateThenPoll(ctx, id, of[featuresetversion.FeaturesetVersionResource](`{"properties":{"entities":["azureml:account:1"],"specification":{"path":"azureml://datastores/workspaceblobstore/paths/f"}}}`))
		},
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := c.FeaturesetVersion.Get(ctx, id)
			return r.HttpResponse, err
		},
		list: func(ctx context.Context) (int, error) {
			r, err := c.FeaturesetVersion.ListComplete(ctx, featuresetversion.NewFeatureSetID(subscription, group, workspace, "transactions"), featuresetversion.DefaultListOperationOptions())
			return len(r.Items), err
		},
		remove: func(ctx context.Context) error { return c.FeaturesetVersion.DeleteThenPoll(ctx, id) },
	}
}

func featureStoreEntities(c *ml.Client) resource {
	id := featurestoreentityversion.NewFeatureStoreEntityVersionID(subscription, group, workspace, "account", "1")
	return resource{
		name: "feature store entities and their versions",
		create: func(ctx context.Context) error {
			return c.FeaturestoreEntityVersion.CreateOrUpdateThenPoll(ctx, id, of[featurestoreentityversion.FeaturestoreEntityVersionResource](`{"properties":{"indexColumns":[{"columnName":"accountID","dataType":"String"}]}}`))
		},
		get: func(ctx context.Context) (*http.Response, error) {
			r, err := c.FeaturestoreEntityVersion.Get(ctx, id)
			return r.HttpResponse, err
		},
		list: func(ctx context.Context) (int, error) {
			r, err := c.FeaturestoreEntityVersion.ListComplete(ctx, featurestoreentityversion.NewFeatureStoreEntityID(subscription, group, workspace, "account"), featurestoreentityversion.DefaultListOperationOptions())
			return len(r.Items), err
		},
		remove: func(ctx context.Context) error { return c.FeaturestoreEntityVersion.DeleteThenPoll(ctx, id) },
	}
}
