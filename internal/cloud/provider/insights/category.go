package insights

import (
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/errs"
)

// Categories is the type under which a resource says what a diagnostic setting on it can send.
const Categories arm.Type = "Microsoft.Insights/diagnosticSettingsCategories"

// categories are the logs of a type, and behind the bar its metrics, as Azure Monitor's reference lists them.
var categories = map[string]string{
	"microsoft.machinelearningservices/workspaces": "AmlComputeClusterEvent AmlComputeClusterNodeEvent AmlComputeJobEvent AmlComputeCpuGpuUtilization AmlRunStatusChangedEvent " +
		"ModelsChangeEvent ModelsReadEvent ModelsActionEvent DeploymentReadEvent DeploymentEventACI DeploymentEventAKS InferencingOperationAKS InferencingOperationACI " +
		"EnvironmentChangeEvent EnvironmentReadEvent DataLabelChangeEvent DataLabelReadEvent ComputeInstanceEvent DataStoreChangeEvent DataStoreReadEvent " +
		"DataSetChangeEvent DataSetReadEvent PipelineChangeEvent PipelineReadEvent RunEvent RunReadEvent | AllMetrics",
	"microsoft.machinelearningservices/workspaces/onlineendpoints": "AmlOnlineEndpointTrafficLog AmlOnlineEndpointConsoleLog AmlOnlineEndpointEventLog | AllMetrics",
	"microsoft.keyvault/vaults":                                    "AuditEvent AzurePolicyEvaluationDetails | AllMetrics",
	"microsoft.containerregistry/registries":                       "ContainerRegistryRepositoryEvents ContainerRegistryLoginEvents | AllMetrics",
	"microsoft.storage/storageaccounts":                            "| Transaction",
	"microsoft.storage/storageaccounts/blobservices":               "StorageRead StorageWrite StorageDelete | Transaction",
	"microsoft.storage/storageaccounts/fileservices":               "StorageRead StorageWrite StorageDelete | Transaction",
	"microsoft.storage/storageaccounts/queueservices":              "StorageRead StorageWrite StorageDelete | Transaction",
	"microsoft.storage/storageaccounts/tableservices":              "StorageRead StorageWrite StorageDelete | Transaction",
}

// readCategories answers with what the settings of a resource can send, or with the one that is asked for by name.
func readCategories(c *provider.Call) (any, error) {
	resource, name := c.ID, ""
	if c.ID.Type().Is(Categories) {
		resource, name = c.ID.Scope(), c.ID.Name()
		if _, _, err := c.Lookup(resource); err != nil {
			return nil, err
		}
	}
	known, ok := categories[resource.Type().Key()]
	if !ok {
		return nil, errs.New(errs.Unsupported, "NotImplemented", "What diagnostic settings on resources of type '%s' can send is not built in this cloud.", resource.Type())
	}
	logs, metrics, _ := strings.Cut(known, "|")
	list := []any{}
	for _, kind := range []struct{ word, names string }{{"Logs", logs}, {"Metrics", metrics}} {
		for _, category := range strings.Fields(kind.names) {
			id := resource.Child(arm.Hop{Namespace: Categories.Namespace(), Type: Categories.Path(), Name: category})
			item := map[string]any{"id": id.String(), "name": category, "type": string(Categories), "properties": map[string]any{"categoryType": kind.word}}
			if strings.EqualFold(category, name) {
				return item, nil
			}
			list = append(list, item)
		}
	}
	if name != "" {
		return nil, errs.New(errs.NotFound, "ResourceNotFound", "Category '%s' is not supported by resources of type '%s'.", name, resource.Type())
	}
	return map[string]any{"value": list}, nil
}
