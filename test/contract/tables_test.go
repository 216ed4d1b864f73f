package contract

import (
	"regexp"
	"strings"
)

// services are the descriptions that the cloud is held against, Machine Learning first.
func services() []*service {
	return []*service{
		{name: "Machine Learning", version: "2024-04-01", strict: true, folder: "machinelearningservices/resource-manager/Microsoft.MachineLearningServices/stable/2024-04-01",
			files: []string{"machineLearningServices.json", "mfe.json", "workspaceFeatures.json", "registries.json"}},
		{name: "Resources", version: "2022-09-01", folder: "resources/resource-manager/Microsoft.Resources/stable/2022-09-01", files: []string{"resources.json"}},
		{name: "Subscriptions", version: "2022-12-01", folder: "resources/resource-manager/Microsoft.Resources/stable/2022-12-01", files: []string{"subscriptions.json"}},
		{name: "Locks", version: "2020-05-01", folder: "resources/resource-manager/Microsoft.Authorization/stable/2020-05-01", files: []string{"locks.json"}, passing: true},
		{name: "Authorization", version: "2022-04-01", folder: "authorization/resource-manager/Microsoft.Authorization/stable/2022-04-01",
			files: []string{"authorization-RoleAssignmentsCalls.json", "authorization-RoleDefinitionsCalls.json", "authorization-DenyAssignmentCalls.json", "authorization-ProviderOperationsCalls.json"}, passing: true},
		{name: "Storage", version: "2023-05-01", folder: "storage/resource-manager/Microsoft.Storage/stable/2023-05-01",
			files: []string{"storage.json", "blob.json", "file.json", "queue.json", "table.json", "networkSecurityPerimeter.json", "storageTaskAssignments.json"}},
		{name: "Key Vault", version: "2023-07-01", folder: "keyvault/resource-manager/Microsoft.KeyVault/stable/2023-07-01",
			files: []string{"keyvault.json", "keys.json", "secrets.json", "managedHsm.json", "keysManagedHsm.json", "providers.json"}},
		{name: "Container Registry", version: "2023-07-01", folder: "containerregistry/resource-manager/Microsoft.ContainerRegistry/stable/2023-07-01",
			files: []string{"containerregistry.json"}},
		{name: "Managed Identity", version: "2023-01-31", folder: "msi/resource-manager/Microsoft.ManagedIdentity/stable/2023-01-31", files: []string{"ManagedIdentity.json"}},
		{name: "Application Insights", version: "2020-02-02", folder: "applicationinsights/resource-manager/Microsoft.Insights/stable/2020-02-02",
			files: []string{"components_API.json"}},
	}
}

// namespaces are registered before anything else.
var namespaces = []string{"Microsoft.MachineLearningServices", "Microsoft.Storage", "Microsoft.KeyVault", "Microsoft.ContainerRegistry", "Microsoft.Insights",
	"Microsoft.Notebooks", "Microsoft.Network", "Microsoft.ManagedIdentity", "Microsoft.ContainerService"}

type object = map[string]any

// foundation is made in this order before the first example; {tenant} is the tenant.
var foundation = []stone{
	{"Microsoft.Storage/storageAccounts/contractstore", "2023-05-01", storageBody},
	{"Microsoft.KeyVault/vaults/contract-vault", "2023-07-01", vaultBody},
	{"Microsoft.MachineLearningServices/workspaces/" + workspaceName, "2024-04-01", object{"location": "eastus", "identity": object{"type": "SystemAssigned"},
		"properties": object{"managedNetwork": object{"isolationMode": "AllowOnlyApprovedOutbound"}, "storageAccount": here + "/Microsoft.Storage/storageAccounts/contractstore", "keyVault": here + "/Microsoft.KeyVault/vaults/contract-vault"}}},
	{"Microsoft.Network/virtualNetworks/contract-net", "2023-11-01", object{"location": "eastus", "properties": object{
		"addressSpace": object{"addressPrefixes": []any{"10.0.0.0/16"}},
		"subnets":      []any{object{"name": "default", "properties": object{"addressPrefix": "10.0.0.0/24"}}}}}},
	{"Microsoft.ContainerRegistry/registries/contractregistry", "2023-07-01", object{"location": "eastus", "sku": object{"name": "Premium"}, "properties": object{}}},
	{"Microsoft.Storage/storageAccounts/contractmove", "2023-05-01", storageBody},
	{"Microsoft.Storage/storageAccounts/contractmove2", "2023-05-01", storageBody},
	{"Microsoft.KeyVault/vaults/contract-gone", "2023-07-01", vaultBody},
	{"Microsoft.KeyVault/vaults/contract-gone2", "2023-07-01", vaultBody},
	endpoint("amlworkspace", "Microsoft.MachineLearningServices/workspaces/"+workspaceName),
	endpoint("blob", "Microsoft.Storage/storageAccounts/contractstore"),
	endpoint("vault", "Microsoft.KeyVault/vaults/contract-vault"),
	endpoint("registry", "Microsoft.ContainerRegistry/registries/contractregistry"),
}

type stone = struct {
	path, version string
	body          object
}

// endpoint is a private endpoint to one of the above.
func endpoint(group, target string) stone {
	return stone{"Microsoft.Network/privateEndpoints/contract-" + group, "2023-11-01", object{"location": "eastus", "properties": object{
		"subnet": object{"id": here + "/Microsoft.Network/virtualNetworks/contract-net/subnets/default"},
		"privateLinkServiceConnections": []any{object{"name": "contract-" + group, "properties": object{"groupIds": []any{group},
			"privateLinkServiceId": here + "/" + target}}}}}}
}

// connected are the resources whose private endpoint connection stands for that of the examples.
var connected = map[string]string{"Machine Learning": "Microsoft.MachineLearningServices/workspaces/" + workspaceName,
	"Storage": "Microsoft.Storage/storageAccounts/contractstore", "Key Vault": "Microsoft.KeyVault/vaults/contract-vault",
	"Container Registry": "Microsoft.ContainerRegistry/registries/contractregistry"}

// gone are deleted before the first example, so that there is something deleted to look at.
var gone = []string{"Microsoft.KeyVault/vaults/contract-gone", "Microsoft.KeyVault/vaults/contract-gone2"}

// here begins ids; the world rewrites it.
const here = "/subscriptions/s/resourceGroups/g/providers"

var (
	storageBody = object{"location": "eastus", "kind": "StorageV2", "sku": object{"name": "Standard_LRS"}, "properties": object{}}
	vaultBody   = object{"location": "eastus", "properties": object{"tenantId": "{tenant}", "sku": object{"family": "A", "name": "standard"}, "accessPolicies": []any{}}}
)

// neighbours are made when a body names one.
var neighbours = []struct {
	pattern *regexp.Regexp
	version string
	body    object
}{
	{regexp.MustCompile(`(?i)(/providers/Microsoft.Storage/storageAccounts/[^/]+)$`), "2023-05-01", storageBody},
	{regexp.MustCompile(`(?i)(/providers/Microsoft.KeyVault/vaults/[^/]+)$`), "2023-07-01", vaultBody},
	{regexp.MustCompile(`(?i)(/providers/Microsoft.ContainerRegistry/registries/[^/]+)$`), "2023-07-01", object{"location": "eastus", "sku": object{"name": "Premium"}, "properties": object{"adminUserEnabled": true}}},
	{regexp.MustCompile(`(?i)(/providers/Microsoft.Insights/components/[^/]+)$`), "2020-02-02", object{"location": "eastus", "kind": "web", "properties": object{"Application_Type": "web"}}},
	{regexp.MustCompile(`(?i)(/providers/Microsoft.ManagedIdentity/userAssignedIdentities/[^/]+)$`), "2023-01-31", object{"location": "eastus"}},
	{regexp.MustCompile(`(?i)(/providers/Microsoft.ContainerService/managedClusters/[^/]+)$`), "2024-01-01", object{"location": "eastus", "properties": object{}}},
}

// words stand for placeholders in paths that an example leaves empty or fills with what this world has not; given is a part of what the example says.
var words = []struct{ service, operation, parameter, given, value string }{
	{"Machine Learning", "PrivateEndpointConnections_", "privateEndpointConnectionName", "", "{connection}"},
	{"Storage", "PrivateEndpointConnections_", "privateEndpointConnectionName", "", "{connection}"},
	{"Storage", "PrivateEndpointConnections_", "accountName", "", "contractstore"},
	{"Key Vault", "PrivateEndpointConnections_", "privateEndpointConnectionName", "", "{connection}"},
	{"Key Vault", "PrivateEndpointConnections_", "vaultName", "", "contract-vault"},
	{"Container Registry", "PrivateEndpointConnections_", "privateEndpointConnectionName", "", "{connection}"},
	{"Container Registry", "PrivateEndpointConnections_", "registryName", "", "contractregistry"},
	{"Key Vault", "Vaults_GetDeleted", "vaultName", "", "contract-gone"},
	{"Key Vault", "Vaults_PurgeDeleted", "vaultName", "", "contract-gone2"},
	{"Managed Identity", "SystemAssigned", "scope", "", here + "/Microsoft.MachineLearningServices/workspaces/" + workspaceName},
	{"Resources", "Providers_Unregister", "resourceProviderNamespace", "", "Microsoft.Search"},
	{"Resources", "Tags_", "scope", "myVm", store},
	{"Resources", "", "scope", "<nil>", here[:len(here)-len("/providers")]},
	{"Resources", "", "resourceProviderNamespace", "", "Microsoft.ManagedIdentity"},
	{"Resources", "", "resourceType", "", "userAssignedIdentities"},
	{"Resources", "", "parentResourcePath", "", ""},
	{"Locks", "", "resourceProviderNamespace", "", "Microsoft.Storage"},
	{"Locks", "", "parentResourcePath", "", ""},
	{"Locks", "", "resourceType", "", "storageAccounts"},
	{"Locks", "", "resourceName", "", "contractstore"},
	{"Authorization", "", "resourceProviderNamespace", "", "Microsoft.Storage"},
	{"Authorization", "", "parentResourcePath", "", ""},
	{"Authorization", "", "resourceType", "", "storageAccounts"},
	{"Authorization", "", "resourceName", "", "contractstore"},
	{"Authorization", "RoleAssignments_", "scope", "databaseAccounts", store},
	{"Authorization", "RoleDefinitions_", "scope", "", here[:len(here)-len("/providers")]},
	{"Authorization", "RoleDefinitions_", "roleDefinitionId", "", roleName},
	{"Authorization", "RoleDefinitions_", "roleId", "", "/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c"},
}

const (
	store    = here + "/Microsoft.Storage/storageAccounts/contractstore"
	roleName = "aaaaaaaa-0000-4000-8000-000000000001"
)

// fits says which example of a PUT makes what an operation wants to find, where that cannot be seen.
var fits = map[string]string{
	"Compute_ListNodes": "Compute/createOrUpdate/AmlCompute.json", "Compute_ListKeys": "Compute/createOrUpdate/AKSCompute.json",
	"Compute_Start": "Compute/createOrUpdate/ComputeInstanceMinimal.json", "Compute_Stop": "Compute/createOrUpdate/ComputeInstanceMinimal.json",
	"OnlineEndpoints_ListKeys": "(ours) with keys", "OnlineEndpoints_RegenerateKeys": "(ours) with keys", "BatchEndpoints_ListKeys": "(ours) with keys",
	"RoleAssignments_Get": "RoleAssignments_CreateForSubscription.json", "RoleAssignments_Delete": "RoleAssignments_CreateForSubscription.json",
	"Compute_Restart": "Compute/createOrUpdate/ComputeInstanceMinimal.json", "Compute_Update": "Compute/createOrUpdate/AmlCompute.json",
}

// first says which example of a PUT makes what nobody asks for in particular; the first of all otherwise.
var first = map[string]string{"Storage StorageAccounts_Create": "(ours)"}

// before are requests below the resource that bring it into the state in which an operation makes sense.
var before = map[string][]string{
	"Compute_Start": {"POST stop"}, "Jobs_Delete": {"POST cancel"},
}

// ours are examples of our own, where the published ones do not make what others want to find, or where there is none.
var ours = []struct {
	service, operation, file string
	parameters               object
}{
	{"Machine Learning", "OnlineEndpoints_CreateOrUpdate", "(ours) with keys", object{"endpointName": "testKeyEndpoint", "body": keyEndpoint}},
	{"Storage", "StorageAccounts_Create", "(ours)", object{"accountName": "contractother", "parameters": storageBody}},
	{"Resources", "Deployments_Validate", "(ours)", deployment}, {"Resources", "Deployments_ValidateAtScope", "(ours)", deployment},
	{"Resources", "Deployments_ValidateAtSubscriptionScope", "(ours)", deployment},
	{"Resources", "ResourceGroups_Update", "(ours)", object{"parameters": object{"tags": object{"a": "b"}}}},
	{"Resources", "Resources_Update", "(ours)", object{"parameters": object{"tags": object{"a": "b"}}}},
	{"Resources", "Resources_UpdateById", "(ours)", object{"parameters": object{"tags": object{"a": "b"}}}},
	{"Resources", "Resources_MoveResources", "(ours)", object{"parameters": object{"targetResourceGroup": target,
		"resources": []any{here + "/Microsoft.Storage/storageAccounts/contractmove"}}}},
	{"Resources", "Resources_ValidateMoveResources", "(ours)", object{"parameters": object{"targetResourceGroup": target,
		"resources": []any{here + "/Microsoft.Storage/storageAccounts/contractmove2"}}}},
	{"Resources", "Resources_CreateOrUpdateById", "(ours)", object{"resourceId": here + "/Microsoft.ManagedIdentity/userAssignedIdentities/by-id", "parameters": object{"location": "eastus"}}},
	{"Resources", "Resources_CreateOrUpdate", "(ours)", object{"resourceName": "by-name", "parameters": object{"location": "eastus"}}},
	{"Machine Learning", "BatchEndpoints_CreateOrUpdate", "(ours) with keys", object{"endpointName": "testKeyBatch", "body": keyEndpoint}},
}

var deployment = object{"parameters": object{"location": "eastus", "properties": object{"mode": "Incremental"}}}

var keyEndpoint = object{"location": "eastus", "properties": object{"authMode": "Key"}}

// repairs are what published examples need before any service takes them.
var repairs = []repair{
	{"Machine Learning: *", "?location", "eastus", region},
	{"Machine Learning: Workspace/*/*", "?location", "eastus", region},
	{"Machine Learning: OnlineDeployment/*/*", "?location", "eastus", region},
	{"Machine Learning: Workspace/BatchEndpoint/*", "properties.defaults", nil, "names a deployment that cannot be there yet"},
	{"Machine Learning: Workspace/OnlineEndpoint/*", "properties.traffic", nil, "names a deployment that cannot be there yet"},
	{"Machine Learning: OnlineDeployment/ManagedOnlineDeployment/*", "properties.instanceType", "Standard_DS3_v2", "a stub that is no size of machine"},
	{"Machine Learning: Compute/createOrUpdate/*AmlCompute.json", "properties.properties.vmSize", "STANDARD_DS3_V2", "a subscription starts without quota for NC, and clusters need a size"},
	{"Machine Learning: Compute/createOrUpdate/ComputeInstance*.json", "properties.properties.vmSize", "STANDARD_DS3_V2", "a subscription starts without quota for NC"},
	{"Machine Learning: Workspace/DataContainer/createOrUpdate.json", "properties.dataType", "uri_file", "UriFile is the name of the value in code, not the value"},
	{"Key Vault: createVaultWithNetworkAcls.json", "properties.accessPolicies", []any{}, "the description demands it in words, unless roles are used"},
	{"Authorization: RoleAssignments_CreateById.json", "properties.roleDefinitionId", "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c", "the role of the example exists nowhere"},
	{"Authorization: RoleAssignments_CreateFor*.json", "properties.roleDefinitionId", "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7", "the role of the example exists nowhere"},
	{"Authorization: PutRoleDefinition.json", "properties.roleName", "Contract role", "the example wraps its body in a word that the description has not"},
	{"Authorization: PutRoleDefinition.json", "properties.assignableScopes", []any{here[:len(here)-len("/providers")]}, "stub"},
	{"Authorization: PutRoleDefinition.json", "properties.permissions", []any{object{"actions": []any{"Microsoft.Resources/subscriptions/resourceGroups/read"}}}, "stub"},
	{"Machine Learning: Schedule/createOrUpdate.json", "properties.trigger.expression", "0 9 * * 1", "a stub that is no cron expression"},
	{"Machine Learning: Workspace/create.json", "properties.managedNetwork", object{"isolationMode": "AllowInternetOutbound"}, "the examples of provisionManagedNetwork need a managed network"},
}

const region = "the location is a stub; a child is where its workspace is"

// hints are headers that are described and that nobody needs, with the reason.
var hints = map[string]string{"x-ms-async-operation-timeout": "how long an operation may take at most; nobody reads it"}

// exempt are read-only members that an example fills in and this cloud leaves out, with the reason.
var exempt = []struct{ operation, path, reason string }{
	{"", "nextLink", "there is one page, and the service leaves the member out then, even where it is required"},
	{"StorageAccounts_", "keys[].permissions", "the service says FULL, the description Full; clients compare without regard to case"},
	{"Resources_List", "value[].identity.type", "the generic list shows what the resource says: Machine Learning writes the two types without a space"},
	{"Featurese", "properties.latestVersion", "a new container has no version"},
	{"FeaturestoreE", "properties.latestVersion", "a new container has no version"},
	{"Compute_", "properties.properties.connectivityEndpoints.publicIpAddress", "instances of this cloud have no public address"},
	{"Compute_", "properties.properties.osImageMetadata", "instances of this cloud have no image"},
	{"ServerlessEndpoints_Get", "identity.principalId", "the example contradicts itself: a user-assigned identity has no principal of its own"},
	{"ServerlessEndpoints_Get", "identity.tenantId", "the example contradicts itself: a user-assigned identity has no principal of its own"},
}

// exemptOperations are operations that are not held against the cloud, by a part of their name.
var exemptOperations = []struct{ service, part, reason string }{
	{"Resources", "AtTenantScope", "the client has no rights at the tenant"},
	{"Resources", "AtManagementGroupScope", "there are no management groups"},
}

// exemptOperation says why an operation is not held against the cloud, or "".
func exemptOperation(op *operation) string {
	for _, e := range exemptOperations {
		if e.service == op.service.name && strings.Contains(op.id, e.part) && !strings.HasPrefix(op.id, "Providers_") {
			return e.reason
		}
	}
	return ""
}

// refusals are examples that need what this world has not; the cloud refuses them with this code.
var refusals = []struct{ service, file, code, reason string }{
	{"Storage", "StorageAccountRegenerateKerbKey.json", "InvalidKeyName", "an account without a directory service has no Kerberos keys"},
}

// mayRefuse says whether an example may be refused with a code.
func mayRefuse(s *service, file, code string) bool {
	for _, r := range refusals {
		if r.service == s.name && r.file == file && r.code == code {
			return true
		}
	}
	return false
}

// exemptMember says whether a read-only member may be missing.
func exemptMember(op *operation, path string) bool {
	for _, e := range exempt {
		if strings.HasPrefix(op.id, e.operation) && e.path == path {
			return true
		}
	}
	return false
}
