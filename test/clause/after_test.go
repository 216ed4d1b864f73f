package clause

import (
	"net/http"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/move"
	"github.com/amlmove/amlmove/test/estate"
)

const cluster = estate.SiblingGroup + "/providers/Microsoft.ContainerService/managedClusters/aks"

// attachAKS attaches a Kubernetes cluster that belongs to somebody else.
func attachAKS(t *testing.T, e *estate.Estate) {
	t.Helper()
	e.Make(t, cluster, `{"location":"eastus","identity":{"type":"SystemAssigned"},"properties":{"dnsPrefix":"aks","agentPoolProfiles":[{"name":"a","count":1,"vmSize":"Standard_DS2_v2","mode":"System"}]}}`)
	e.Make(t, under("computes/aks"), `{"location":"eastus","properties":{"computeType":"AKS","resourceId":"`+cluster+`","properties":{}}}`)
}

func detachIsHarmless(t *testing.T, e *estate.Estate) {
	attachAKS(t, e)
	compute := under("computes/aks")
	if attached := at(e.Get(t, compute), "properties.isAttachedCompute"); attached != true {
		t.Errorf("S31 an attached cluster says isAttachedCompute %v", attached)
	}
	if answer := e.Ask(t, "", http.MethodDelete, compute, nil); answer.Status != http.StatusBadRequest {
		t.Errorf("S31 a deletion that does not say what becomes of the cluster is answered %d: %s", answer.Status, answer.Body)
	}
	e.Must(t, http.MethodDelete, compute+"?underlyingResourceAction=Detach", nil)
	e.Gone(t, "S31", compute)
	if state := at(e.Get(t, cluster), "properties.provisioningState"); state != "Succeeded" {
		t.Errorf("S31 after it was detached the cluster is %v", state)
	}
	e.Make(t, under("computes/cpu"), clusterBody)
	if answer := e.Ask(t, "", http.MethodDelete, under("computes/cpu?underlyingResourceAction=Detach"), nil); answer.Status != http.StatusBadRequest && answer.Status != http.StatusConflict {
		t.Errorf("S31 to detach what the service owns is answered %d: %s", answer.Status, answer.Body)
	}
	e.Must(t, http.MethodDelete, under("computes/cpu?underlyingResourceAction=Delete"), nil)
}

// privateEndpoint makes a private endpoint to a target in the group beside the workspace's.
func privateEndpoint(t *testing.T, e *estate.Estate, name, target, groupID string) string {
	t.Helper()
	net := estate.SiblingGroup + "/providers/Microsoft.Network/virtualNetworks/net"
	e.Make(t, net, `{"location":"eastus","properties":{"addressSpace":{"addressPrefixes":["10.1.0.0/16"]},"subnets":[{"name":"s","properties":{"addressPrefix":"10.1.0.0/24"}}]}}`)
	id := estate.SiblingGroup + "/providers/Microsoft.Network/privateEndpoints/" + name
	e.Make(t, id, `{"location":"eastus","properties":{"subnet":{"id":"`+net+`/subnets/s"},"privateLinkServiceConnections":[{"name":"c","properties":{"privateLinkServiceId":"`+target+`","groupIds":["`+groupID+`"]}}]}}`)
	return id
}

// connections are the private endpoint connections of a resource by status.
func connections(t *testing.T, e *estate.Estate, id string) map[string][]map[string]any {
	t.Helper()
	by := map[string][]map[string]any{}
	for _, c := range e.List(t, id+"/privateEndpointConnections") {
		status, _ := at(c, "properties.privateLinkServiceConnectionState.status").(string)
		by[status] = append(by[status], c)
	}
	return by
}

func endpointsAreDisconnected(t *testing.T, e *estate.Estate) {
	endpoint := privateEndpoint(t, e, "pe-ws", estate.Workspace, "amlworkspace")
	transitive := privateEndpoint(t, e, "pe-blob", estate.Storage, "blob")
	if got := connections(t, e, estate.Workspace); len(got["Approved"]) != 1 {
		t.Fatalf("S23 before the move the connections are %v", got)
	}
	moved(t, e, estate.Workspace, estate.Storage)
	for id, from := range map[string]string{estate.Workspace: endpoint, estate.Storage: transitive} {
		got := connections(t, e, there(id))
		if len(got["Disconnected"]) != 1 || len(got["Pending"]) != 1 || len(got["Approved"]) != 0 {
			t.Errorf("S23 after the move the connections of %s are %v", there(id), got)
			continue
		}
		if at(got["Pending"][0], "properties.privateEndpoint.id") != from || got["Pending"][0]["name"] == got["Disconnected"][0]["name"] {
			t.Errorf("S23 the connection made again is %v", got["Pending"][0])
		}
	}
	inline, _ := at(e.Get(t, there(estate.Workspace)), "properties.privateEndpointConnections").([]any)
	if len(inline) != 2 {
		t.Errorf("S23 the workspace's own document shows %v", inline)
	}
}

func connectionsWait(t *testing.T, e *estate.Estate) {
	privateEndpoint(t, e, "pe-ws", estate.Workspace, "amlworkspace")
	moved(t, e, estate.Workspace)
	got := connections(t, e, there(estate.Workspace))
	if len(got["Disconnected"]) != 1 || len(got["Pending"]) != 1 {
		t.Fatalf("S24 after the move the connections are %v", got)
	}
	approve := `{"properties":{"privateLinkServiceConnectionState":{"status":"Approved","description":"ours"}}}`
	dead := e.Await(t, http.MethodPut, got["Disconnected"][0]["id"].(string), approve)
	if dead.Status < 400 {
		t.Errorf("S24 a disconnected connection was approved: %d %s", dead.Status, dead.Body)
	}
	e.Must(t, http.MethodPut, got["Pending"][0]["id"].(string), approve)
	if got := connections(t, e, there(estate.Workspace)); len(got["Approved"]) != 1 || len(got["Pending"]) != 0 {
		t.Errorf("S24 after the approval the connections are %v", got)
	}
}

func requestRate(t *testing.T, e *estate.Estate) {
	e.Make(t, under("onlineEndpoints/s29-online"), onlineBody)
	answer := e.Ask(t, "", http.MethodGet, under("onlineEndpoints/s29-online/providers/Microsoft.Insights/metrics?api-version=2018-01-01&metricnames=RequestsPerMinute"), nil)
	if answer.Status != http.StatusOK || !strings.Contains(string(answer.Body), "RequestsPerMinute") {
		t.Errorf("S29 the request rate of an endpoint is answered %d: %s", answer.Status, answer.Body)
	}
}

func associatedTogether(t *testing.T, e *estate.Estate) {
	moved(t, e, append([]string{estate.Workspace}, estate.Associated...)...)
	after := props(e.Get(t, there(estate.Workspace)))
	for property, id := range map[string]string{"storageAccount": estate.Storage, "keyVault": estate.Vault, "containerRegistry": estate.Registry, "applicationInsights": estate.Insights} {
		if after[property] != there(id) {
			t.Errorf("S42 the workspace's %s is %v", property, after[property])
		}
		e.Get(t, there(id))
		e.Gone(t, "S42", id)
	}
	system := props(e.Get(t, there(under("datastores/workspaceblobstore"))))
	if system["subscriptionId"] != estate.Target || system["resourceGroup"] != "destination-rg" || system["accountName"] != "originstore" {
		t.Errorf("S42 the default datastore is %v", system)
	}
	if keys := e.Ask(t, "", http.MethodPost, there(estate.Workspace)+"/listKeys", nil); at(keys.JSON(t), "userStorageResourceId") != there(estate.Storage) {
		t.Errorf("S42 listKeys is %s", keys.Body)
	}
}

func associatedLater(t *testing.T, e *estate.Estate) {
	moved(t, e, estate.Workspace)
	if storage := props(e.Get(t, there(estate.Workspace)))["storageAccount"]; storage != estate.Storage {
		t.Errorf("S42 the account stayed and is %v", storage)
	}
	moved(t, e, estate.Storage)
	if storage := props(e.Get(t, there(estate.Workspace)))["storageAccount"]; storage != there(estate.Storage) {
		t.Errorf("S42 the account moved alone and is %v (decision 2)", storage)
	}
}

func datastoresAreStale(t *testing.T, e *estate.Estate) {
	nondefault(t, e, "raw")
	moved(t, e, estate.Workspace, estate.Storage)
	raw := props(e.Get(t, there(under("datastores/raw"))))
	if raw["subscriptionId"] != estate.Source || raw["resourceGroup"] != "origin-rg" {
		t.Errorf("S32 a nondefault datastore shows %v %v", raw["subscriptionId"], raw["resourceGroup"])
	}
}

func emptyDatastores(t *testing.T, e *estate.Estate) {
	settings := move.Strictest()
	settings.DatastoreFields = "empty"
	e.Set(t, settings)
	nondefault(t, e, "raw")
	moved(t, e, estate.Workspace, estate.Storage)
	raw := props(e.Get(t, there(under("datastores/raw"))))
	if raw["subscriptionId"] != nil || raw["resourceGroup"] != nil || raw["accountName"] != "originstore" {
		t.Errorf("S45 a nondefault datastore shows %v", raw)
	}
	if system := props(e.Get(t, there(under("datastores/workspaceblobstore")))); system["subscriptionId"] != estate.Target {
		t.Errorf("S45 a system datastore shows %v", system)
	}
}

func authenticationUpdated(t *testing.T, e *estate.Estate) {
	id := there(nondefault(t, e, "raw"))
	moved(t, e, estate.Workspace, estate.Storage)
	e.Make(t, id, datastoreBody(estate.Target, "destination-rg", "bmV3"))
	raw := props(e.Get(t, id))
	if raw["subscriptionId"] != estate.Target || raw["resourceGroup"] != "destination-rg" {
		t.Errorf("S46 after the update the datastore shows %v", raw)
	}
	if secrets := e.Ask(t, "", http.MethodPost, id+"/listSecrets", nil).JSON(t); secrets["key"] != "bmV3" {
		t.Errorf("S46 the stored key is %v", secrets["key"])
	}
}

func datastoreAgain(t *testing.T, e *estate.Estate) {
	id := there(nondefault(t, e, "raw"))
	moved(t, e, estate.Workspace, estate.Storage)
	e.Must(t, http.MethodDelete, id, nil)
	e.Gone(t, "S47", id)
	e.Make(t, id, datastoreBody(estate.Target, "destination-rg", "bmV3"))
	if raw := e.Get(t, id); raw["name"] != "raw" || props(raw)["datastoreType"] != "AzureBlob" || props(raw)["subscriptionId"] != estate.Target {
		t.Errorf("S47 the datastore created again is %v", raw)
	}
}

func madeAgain(t *testing.T, e *estate.Estate) {
	things := []struct{ path, body string }{{"computes/ci", `{"location":"eastus","properties":{"computeType":"ComputeInstance","properties":{"vmSize":"Standard_DS2_v2"}}}`},
		{"computes/cpu", clusterBody}, {"onlineEndpoints/s44-online", onlineBody}, {"onlineEndpoints/s44-online/deployments/blue", onlineDeploymentBody},
		{"batchEndpoints/s44-batch", batchBody}, {"batchEndpoints/s44-batch/deployments/blue", batchDeploymentBody}, {"serverlessEndpoints/s44-serverless", serverlessBody}}
	for _, thing := range things {
		e.Make(t, under(thing.path), thing.body)
	}
	for _, path := range []string{"computes/ci?underlyingResourceAction=Delete", "computes/cpu?underlyingResourceAction=Delete", "onlineEndpoints/s44-online", "batchEndpoints/s44-batch", "serverlessEndpoints/s44-serverless"} {
		e.Must(t, http.MethodDelete, under(path), nil)
	}
	moved(t, e, estate.Workspace)
	for _, thing := range things { // names that are unique in the region are free again
		again := e.Make(t, there(under(thing.path)), thing.body)
		if state := props(again)["provisioningState"]; state != "Succeeded" {
			t.Errorf("S44 %s made again is %v", thing.path, state)
		}
	}
}
