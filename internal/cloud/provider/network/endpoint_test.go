package network_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/cloud/provider/network"
	"github.com/amlmove/amlmove/internal/cloud/provider/storage"
	"github.com/amlmove/amlmove/internal/errs"
)

const (
	account  = neighbourtest.Group + "/providers/Microsoft.Storage/storageAccounts/stone1"
	endpoint = at + "privateEndpoints/pe1"
	zone     = at + "privateDnsZones/privatelink.blob.core.windows.net"
	ask      = `{"location":"westeurope","properties":{"subnet":{"id":"` + vnet + `/subnets/b"},"surprise":{"x":1},"privateLinkServiceConnections":[
		{"name":"c1","properties":{"privateLinkServiceId":"` + account + `","groupIds":["blob"]}}]}}`
)

// manual is ask with the connection in the list that the owner of the target decides about.
var manual = strings.Replace(ask, "privateLinkServiceConnections", "manualPrivateLinkServiceConnections", 1)

// ready is a cloud with a network and an account.
func ready(t *testing.T, types []provider.Type) *neighbourtest.Cloud {
	t.Helper()
	c := neighbourtest.New(t, types, storage.Types())
	c.Put(vnet, body)
	c.Put(account, `{"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"}}`)
	return c
}

// connections are those of the account.
func connections(c *neighbourtest.Cloud) []map[string]any {
	c.T.Helper()
	var out []map[string]any
	for _, item := range c.Get(account)["properties"].(map[string]any)["privateEndpointConnections"].([]any) {
		out = append(out, item.(map[string]any))
	}
	return out
}

func first(document map[string]any, list string) map[string]any {
	return document["properties"].(map[string]any)[list].([]any)[0].(map[string]any)
}

const statusAt = "properties.privateLinkServiceConnectionState.status"

func TestPrivateEndpointConnectsItsTarget(t *testing.T) {
	t.Parallel()
	c := ready(t, network.Types())
	got := c.Put(endpoint, ask)
	neighbourtest.Want(t, got, "properties.provisioningState", "Succeeded")
	neighbourtest.Want(t, got, "properties.surprise.x", 1)
	neighbourtest.Want(t, first(got, "privateLinkServiceConnections"), statusAt, "Approved")
	neighbourtest.Want(t, first(got, "customDnsConfigs"), "fqdn", "stone1.blob.core.local.test")
	neighbourtest.Want(t, first(got, "customDnsConfigs"), "ipAddresses", []string{"10.0.1.4"})
	made := connections(c)
	if len(made) != 1 || !strings.HasPrefix(made[0]["name"].(string), "pe1.") {
		t.Fatalf("connections: got %v", made)
	}
	neighbourtest.Want(t, made[0], "properties.privateEndpoint.id", endpoint)
	neighbourtest.Want(t, made[0], statusAt, "Approved")

	nic := first(got, "networkInterfaces")["id"].(string)
	neighbourtest.Want(t, c.Get(nic), "properties.privateEndpoint.id", endpoint)
	c.Refused(http.MethodDelete, nic, "", errs.Invalid, "NicInUseWithPrivateEndpoint")
	c.Refused(http.MethodDelete, vnet+"/subnets/b", "", errs.Invalid, "InUseSubnetCannotBeDeleted")
	c.Refused(http.MethodDelete, vnet, "", errs.Invalid, "InUseSubnetCannotBeDeleted")
	neighbourtest.Want(t, c.Get(vnet+"/subnets/b"), "properties.privateEndpoints", []any{map[string]any{"id": endpoint}})

	c.Put(endpoint, ask)
	if again := connections(c); len(again) != 1 || again[0]["name"] != made[0]["name"] {
		t.Errorf("a second PUT made another connection: %v", again)
	}
	c.Delete(endpoint)
	if left := connections(c); len(left) != 0 {
		t.Errorf("the connection outlived its endpoint: %v", left)
	}
	c.Refused(http.MethodGet, nic, "", errs.NotFound, "ResourceNotFound")
	c.Delete(vnet + "/subnets/b")
}

func TestManualConnectionWaitsForTheOwner(t *testing.T) {
	t.Parallel()
	c := ready(t, network.Types())
	got := c.Put(endpoint, strings.Replace(manual, `"groupIds"`, `"requestMessage":"please","groupIds"`, 1))
	neighbourtest.Want(t, first(got, "manualPrivateLinkServiceConnections"), statusAt, "Pending")
	connection := connections(c)[0]
	neighbourtest.Want(t, connection, "properties.privateLinkServiceConnectionState.description", "please")
	path := connection["id"].(string)
	approve := func(status string) string {
		return `{"properties":{"privateEndpoint":{"id":"/subscriptions/x/resourceGroups/y/providers/a.b/c/d"},"privateLinkServiceConnectionState":{"status":"` + status + `","description":"ok"}}}`
	}
	c.Refused(http.MethodPut, path, approve("Maybe"), errs.Invalid, "InvalidRequestPropertyValue")
	approved := c.Put(path, approve("Approved"))
	neighbourtest.Want(t, approved, "properties.privateEndpoint.id", endpoint)
	neighbourtest.Want(t, first(c.Get(endpoint), "manualPrivateLinkServiceConnections"), statusAt, "Approved")
	c.Refused(http.MethodPut, path, approve("Pending"), errs.Conflict, "InvalidPrivateEndpointConnectionState")
	c.Put(path, approve("Rejected"))
	c.Put(path, approve("Disconnected"))
	c.Refused(http.MethodPut, path, approve("Approved"), errs.Conflict, "InvalidPrivateEndpointConnectionState")
	c.Refused(http.MethodPut, path+"x", approve("Approved"), errs.NotFound, "PrivateEndpointConnectionNotFound")
	c.Delete(path)
	neighbourtest.Want(t, first(c.Get(endpoint), "manualPrivateLinkServiceConnections"), statusAt, "Disconnected")
}

func TestEndpointFollowsItsTargetAndIsDisconnectedWhenThatGoes(t *testing.T) {
	t.Parallel()
	c := ready(t, network.Types())
	c.Put(endpoint, ask)
	c.Move(account, neighbourtest.Other)
	moved := strings.Replace(account, neighbourtest.Group, neighbourtest.Other, 1)
	connection := first(c.Get(endpoint), "privateLinkServiceConnections")
	neighbourtest.Want(t, connection, "properties.privateLinkServiceId", moved)
	neighbourtest.Want(t, connection, statusAt, "Approved")
	c.Move(endpoint, neighbourtest.Other)
	there := strings.Replace(endpoint, neighbourtest.Group, neighbourtest.Other, 1)
	neighbourtest.Want(t, first(c.Get(moved), "privateEndpointConnections"), "properties.privateEndpoint.id", there)
	c.Delete(moved)
	neighbourtest.Want(t, first(c.Get(there), "privateLinkServiceConnections"), statusAt, "Disconnected")
	c.Put(there, strings.Replace(ask, account, moved, 1))
	c.Delete(there)
}

func TestPrivateEndpointIsRefusedWhen(t *testing.T) {
	t.Parallel()
	c := ready(t, network.Types())
	c.Put(at+"publicIPAddresses/ip1", `{"location":"westeurope"}`)
	for _, test := range []struct{ name, from, to, code string }{
		{"the subnet is not there", "/subnets/b", "/subnets/z", "InvalidResourceReference"},
		{"the subnet is a network", "/subnets/b", "", "InvalidResourceReference"},
		{"the subnet has no id", `"id":"` + vnet + `/subnets/b"`, ``, "MissingRequiredProperty"},
		{"the region is another", "westeurope", "eastus", "InvalidResourceReference"},
		{"the target is not there", "stone1", "stone2", "InvalidResourceReference"},
		{"the target offers no private link", account, at + "publicIPAddresses/ip1", "PrivateLinkNotSupported"},
		{"the group is unknown", `["blob"]`, `["blobb"]`, "InvalidGroupId"},
		{"the group is a number", `["blob"]`, `[1]`, "InvalidRequestContent"},
		{"the group is missing", `["blob"]`, `[]`, "MissingRequiredProperty"},
		{"there is no connection", "privateLinkServiceConnections", "otherConnections", "PrivateEndpointMustHavePrivateLinkServiceConnection"},
		{"the address lies outside", `"surprise":{"x":1}`, `"ipConfigurations":[{"name":"i","properties":{}}]`, "MissingRequiredProperty"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c.Refused(http.MethodPut, endpoint, strings.Replace(ask, test.from, test.to, 1), errs.Invalid, test.code)
		})
	}
	c.Refused(http.MethodPut, endpoint, strings.Replace(ask, account, neighbourtest.Group+"/providers/Microsoft.Sql/servers/s", 1), errs.Invalid, "InvalidResourceReference")
}

func TestAutomaticApprovalNeedsARightOnTheTarget(t *testing.T) {
	t.Parallel()
	const networkContributor = "4d97b98b-1d4f-4787-a291-c67834d212e7"
	c := ready(t, network.Types()).As(networkContributor, neighbourtest.Group)
	refusal := c.Refused(http.MethodPut, endpoint, ask, errs.Denied, "LinkedAuthorizationFailed")
	if want := "Microsoft.Storage/storageAccounts/privateEndpointConnectionsApproval/action"; !strings.Contains(refusal.Message, want) {
		t.Errorf("the refusal does not name %s: %s", want, refusal.Message)
	}
	neighbourtest.Want(t, first(c.Put(endpoint, manual), "manualPrivateLinkServiceConnections"), statusAt, "Pending")
}

func TestZoneGroupKeepsTheNamesOfTheTarget(t *testing.T) {
	t.Parallel()
	c := ready(t, network.Types())
	c.Put(zone, `{"location":"global"}`)
	c.Put(endpoint, ask)
	second := strings.Replace(endpoint, "pe1", "pe2", 1)
	c.Put(second, ask)
	group := `{"properties":{"privateDnsZoneConfigs":[{"name":"blob","properties":{"privateDnsZoneId":"` + zone + `"}}]}}`
	c.Refused(http.MethodPut, endpoint+"/privateDnsZoneGroups/default", strings.Replace(group, "blob.core", "file.core", 1), errs.Invalid, "InvalidResourceReference")
	got := first(c.Put(endpoint+"/privateDnsZoneGroups/default", group), "privateDnsZoneConfigs")
	set := got["properties"].(map[string]any)["recordSets"].([]any)[0].(map[string]any)
	neighbourtest.Want(t, set, "fqdn", "stone1.privatelink.blob.core.windows.net")
	neighbourtest.Want(t, set, "ipAddresses", []string{"10.0.1.4"})
	neighbourtest.Want(t, c.Get(endpoint), "properties.customDnsConfigs", []any{})
	record := zone + "/A/stone1"
	addresses := func(want ...string) {
		t.Helper()
		list := []any{}
		for _, address := range want {
			list = append(list, map[string]any{"ipv4Address": address})
		}
		neighbourtest.Want(t, c.Get(record), "properties.aRecords", list)
	}
	addresses("10.0.1.4")
	c.Put(endpoint+"/privateDnsZoneGroups/default", group)
	addresses("10.0.1.4")
	c.Put(second+"/privateDnsZoneGroups/default", group)
	addresses("10.0.1.4", "10.0.1.5")
	c.Delete(endpoint)
	addresses("10.0.1.5")
	c.Delete(second + "/privateDnsZoneGroups/default")
	c.Refused(http.MethodGet, record, "", errs.NotFound, "ResourceNotFound")
	neighbourtest.Want(t, first(c.Get(second), "customDnsConfigs"), "ipAddresses", []string{"10.0.1.5"})
}

func TestAddressesAreThoseAskedForThenTheLowestFreeOnes(t *testing.T) {
	t.Parallel()
	c := ready(t, network.Types())
	fixed := strings.Replace(ask, `"surprise":{"x":1}`, `"ipConfigurations":[{"name":"i","properties":{"privateIPAddress":"10.0.1.200"}}]`, 1)
	neighbourtest.Want(t, first(c.Put(endpoint, fixed), "customDnsConfigs"), "ipAddresses", []string{"10.0.1.200"})
	second := strings.Replace(endpoint, "pe1", "pe2", 1)
	neighbourtest.Want(t, c.Put(second, fixed), "properties.provisioningState", "Failed")
	small := strings.Replace(ask, "/subnets/b", "/subnets/a", 1)
	for i, want := range []string{"Succeeded", "Succeeded", "Succeeded", "Failed"} {
		got := c.Put(endpoint+"s"+string(rune('0'+i)), small)
		neighbourtest.Want(t, got, "properties.provisioningState", want)
	}
	c.Delete(endpoint + "s1")
	neighbourtest.Want(t, first(c.Put(endpoint+"s9", small), "customDnsConfigs"), "ipAddresses", []string{"10.0.0.5"})
}

func TestGroupDeletionTakesEndpointsAndWhatTheyMadeAlong(t *testing.T) {
	t.Parallel()
	c := ready(t, network.Types())
	there := strings.Replace(endpoint, neighbourtest.Group, neighbourtest.Other, 1)
	c.Put(there, ask)
	c.Delete(neighbourtest.Other)
	if left := connections(c); len(left) != 0 {
		t.Errorf("the connection outlived the group of its endpoint: %v", left)
	}
	c.Delete(vnet)
}
