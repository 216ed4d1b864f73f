package ml_test

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/provider/ml"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// definitions name the published description of each type of document.
var definitions = map[string]string{
	"": "Workspace", "computes": "ComputeResource", "onlineendpoints": "OnlineEndpointTrackedResource",
	"onlineendpoints/deployments": "OnlineDeploymentTrackedResource", "batchendpoints": "BatchEndpointTrackedResource",
	"batchendpoints/deployments": "BatchDeploymentTrackedResource", "serverlessendpoints": "ServerlessEndpointTrackedResource",
	"marketplacesubscriptions": "MarketplaceSubscriptionResource", "jobs": "JobBaseResource", "schedules": "ScheduleResource", "datastores": "DatastoreResource",
	"data": "DataContainerResource", "data/versions": "DataVersionBaseResource", "models": "ModelContainerResource", "models/versions": "ModelVersionResource",
	"environments": "EnvironmentContainerResource", "environments/versions": "EnvironmentVersionResource", "codes": "CodeContainerResource",
	"codes/versions": "CodeVersionResource", "components": "ComponentContainerResource", "components/versions": "ComponentVersionResource",
	"featuresets": "FeaturesetContainerResource", "featuresets/versions": "FeaturesetVersionResource",
	"featurestoreentities": "FeaturestoreEntityContainerResource", "featurestoreentities/versions": "FeaturestoreEntityVersionResource",
	"connections": "WorkspaceConnectionPropertiesV2BasicResource", "outboundrules": "OutboundRuleBasicResource",
	"privateendpointconnections": "PrivateEndpointConnection", "capabilityhosts": "CapabilityHostResource", "services": "ServiceResource",
	"labelingjobs": "LabelingJobResource", "linkedservices": "LinkedServiceResource", "linkedworkspaces": "LinkedWorkspaceResource",
}

// verbs name the published description of what an action or a special read answers.
var verbs = map[string]string{
	"/listkeys": "ListWorkspaceKeysResult", "/listnotebookkeys": "ListNotebookKeysResult", "/liststorageaccountkeys": "ListStorageAccountKeysResult",
	"/listnotebookaccesstoken": "NotebookAccessTokenResult", "/outboundnetworkdependenciesendpoints": "ExternalFQDNResponse",
	"/privatelinkresources": "PrivateLinkResourceListResult", "computes/listkeys": "ComputeSecrets", "computes/listnodes": "AmlComputeNodesInformation",
	"onlineendpoints/listkeys": "EndpointAuthKeys", "onlineendpoints/token": "EndpointAuthToken", "batchendpoints/listkeys": "EndpointAuthKeys",
	"serverlessendpoints/listkeys": "EndpointAuthKeys", "onlineendpoints/deployments/getlogs": "DeploymentLogs",
	"onlineendpoints/deployments/skus": "SkuResourceArmPaginatedResult", "datastores/listsecrets": "DatastoreSecrets",
	"connections/listsecrets":           "WorkspaceConnectionPropertiesV2BasicResource",
	"codes/versions/startpendingupload": "PendingUploadResponseDto", "locations/usages": "ListUsagesResult", "locations/quotas": "ListWorkspaceQuotas",
	"locations/vmsizes": "VirtualMachineSizeListResult", "locations/updatequotas": "UpdateWorkspaceQuotasResult",
}

// statuses are the codes that a strict client of 2025-09-01 accepts, by method and path.
var statuses = sync.OnceValue(func() map[string][]int {
	data, err := os.ReadFile("testdata/routes.tsv")
	if err != nil {
		panic(err)
	}
	codes := map[string]int{"OK": 200, "Created": 201, "Accepted": 202, "NoContent": 204}
	table := map[string][]int{}
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		key := fields[0] + " " + strings.ToLower(fields[1])
		for _, name := range strings.Split(fields[2], ",") {
			table[key] = append(table[key], codes[name])
		}
	}
	return table
})

var answers = sync.OnceValue(ml.Answers)

// judgeAnswer holds an answer against the status codes of the strict client and against the published description.
func judgeAnswer(t *testing.T, method string, target arm.Target, resp control.Response) {
	t.Helper()
	root := target.ID.Root()
	if root == nil && !strings.HasSuffix(target.ID.Type().Key(), "/locations") || root != nil && !root.Type().Is("Microsoft.MachineLearningServices/workspaces") {
		return
	}
	route, kind := routeOf(target)
	if want, ok := statuses()[method+" "+route]; ok && !slices.Contains(want, resp.Status) {
		t.Errorf("%s %s answers %d, a strict client accepts %v", method, route, resp.Status, want)
	}
	if len(resp.Body) == 0 || method == http.MethodDelete || resp.Status == http.StatusNotModified {
		return
	}
	doc, err := tree.ParseObject(resp.Body)
	must(t, err)
	tail := strings.ToLower(target.Tail.Type)
	definition, items := definitions[kind], []map[string]any{doc}
	if tail != "" {
		var isVerb bool
		if definition, isVerb = verbs[kind+"/"+tail]; !isVerb {
			definition, items = definitions[strings.TrimPrefix(kind+"/"+tail, "/")], values(doc)
		}
	}
	if definition == "" {
		return
	}
	for _, item := range items {
		for _, trouble := range answers()(definition, item) {
			t.Errorf("%s %s is no %s: %s", method, target.ID, definition, trouble.Message)
		}
	}
}

// routeOf writes a path as the table of routes does (W/computes/*), and the kind of what it names below the workspace.
func routeOf(target arm.Target) (route, kind string) {
	route = "w"
	var kinds []string
	if root := target.ID.Root(); root != nil {
		for _, hop := range target.ID[len(root):] {
			kinds = append(kinds, strings.ToLower(hop.Type))
			route += "/" + strings.ToLower(hop.Type) + "/*"
		}
	} else {
		route, kinds = "l", []string{"locations"}
	}
	if target.Tail.Type != "" {
		route += "/" + strings.ToLower(target.Tail.Type)
	}
	return route, strings.Join(kinds, "/")
}
