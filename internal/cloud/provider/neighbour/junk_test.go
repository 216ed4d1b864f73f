package neighbour_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/containerregistry"
	"github.com/amlmove/amlmove/internal/cloud/provider/identityresource"
	"github.com/amlmove/amlmove/internal/cloud/provider/insights"
	"github.com/amlmove/amlmove/internal/cloud/provider/keyvault"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/cloud/provider/network"
	"github.com/amlmove/amlmove/internal/cloud/provider/storage"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// whole are documents that touch every property that some behaviour looks at, by type; a child's path stands behind its parent's.
var whole = []struct{ path, body string }{
	{"Microsoft.Network/virtualNetworks/net1", `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]},"subnets":[{"name":"s","properties":{
		"addressPrefix":"10.0.0.0/24","networkSecurityGroup":{"id":"/subscriptions/a/resourceGroups/b/providers/c.d/e/f"},"delegations":[]}}],"virtualNetworkPeerings":[]}}`},
	{"Microsoft.Network/virtualNetworks/net1/subnets/t", `{"properties":{"addressPrefixes":["10.0.3.0/24"],"routeTable":{"id":"/subscriptions/a"}}}`},
	{"Microsoft.Network/networkSecurityGroups/nsg1", `{"location":"westeurope","properties":{"securityRules":[{"name":"r","properties":{"priority":1}}]}}`},
	{"Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net", `{"location":"global","properties":{}}`},
	{"Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net/A/a", `{"properties":{"ttl":3,"aRecords":[{"ipv4Address":"10.0.0.1"}]}}`},
	{"Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net/virtualNetworkLinks/l", `{"location":"global","properties":{"virtualNetwork":{"id":"` + at + `Microsoft.Network/virtualNetworks/net1"}}}`},
	{"Microsoft.Storage/storageAccounts/stone1", `{"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"identity":{"type":"SystemAssigned","userAssignedIdentities":{"/x":{}}},
		"properties":{"networkAcls":{"virtualNetworkRules":[{"id":"/subscriptions/a"}]},"encryption":{"services":{}}}}`},
	{"Microsoft.Network/privateEndpoints/pe1", `{"location":"westeurope","properties":{"subnet":{"id":"` + at + `Microsoft.Network/virtualNetworks/net1/subnets/s"},"ipConfigurations":[{"name":"i","properties":
		{"privateIPAddress":"10.0.0.9"}}],"privateLinkServiceConnections":[{"name":"c","properties":{"privateLinkServiceId":"` + at + `Microsoft.Storage/storageAccounts/stone1","groupIds":["blob"]}}]}}`},
	{"Microsoft.Network/privateEndpoints/pe1/privateDnsZoneGroups/default", `{"properties":{"privateDnsZoneConfigs":[{"name":"z","properties":{"privateDnsZoneId":"` + at +
		`Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"}}]}}`},
	{"Microsoft.KeyVault/vaults/kv-one", `{"location":"westeurope","properties":{"tenantId":"t","sku":{"family":"A","name":"standard"},"softDeleteRetentionInDays":7,"accessPolicies":[{"tenantId":"t","objectId":"o","permissions":{}}]}}`},
	{"Microsoft.KeyVault/vaults/kv-one/secrets/s", `{"properties":{"value":"v","attributes":{"enabled":true}}}`},
	{"Microsoft.KeyVault/vaults/kv-one/keys/k", `{"properties":{"kty":"RSA","attributes":{}}}`},
	{"Microsoft.ContainerRegistry/registries/crone", `{"location":"westeurope","sku":{"name":"Premium"},"properties":{"policies":{},"dataEndpointEnabled":true}}`},
	{"Microsoft.ContainerRegistry/registries/crone/webhooks/hook1", `{"location":"westeurope","properties":{"serviceUri":"u","customHeaders":{"a":"b"},"actions":[]}}`},
	{"Microsoft.Insights/components/ai1", `{"location":"westeurope","kind":"web","properties":{"Application_Type":"web","WorkspaceResourceId":"/subscriptions/a"}}`},
	{"Microsoft.OperationalInsights/workspaces/logs1", `{"location":"westeurope","properties":{"sku":{"name":"Free"}}}`},
	{"Microsoft.ManagedIdentity/userAssignedIdentities/id1", `{"location":"westeurope","tags":{"a":"b"}}`},
	{string(neighbour.Databricks) + "/dbx", `{"location":"westeurope","properties":{"managedResourceGroupId":"/subscriptions/a","parameters":{"amlWorkspaceId":{"value":"x"}}}}`},
	{string(neighbour.Cluster) + "/aks1", `{"location":"westeurope","properties":{"dnsPrefix":"d","agentPoolProfiles":[{"name":"a","count":1}]}}`},
	{string(neighbour.Cosmos) + "/one1", plain[string(neighbour.Cosmos)]},
	{string(neighbour.Search) + "/one1", plain[string(neighbour.Search)]},
	{string(neighbour.Cognitive) + "/one1", plain[string(neighbour.Cognitive)]},
}

// junk is what stands in for every value of a document, one after the other.
var junk = []string{`null`, `7`, `"x"`, `[]`, `{}`, `[null]`, `{"name":{}}`, `[{"name":"n","properties":7}]`}

func TestNoDocumentMakesABehaviourFail(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of durable writes")
	}
	t.Parallel()
	empty, full := everything(t), everything(t)
	for _, one := range whole {
		full.Put(at+one.path, valid(one.body))
	}
	for _, c := range []*neighbourtest.Cloud{empty, full} {
		for _, one := range whole {
			for _, path := range places(one.body) {
				for _, value := range junk {
					tryJunk(t, c, at+one.path, replaced(t, one.body, path, value))
				}
			}
		}
	}
}

// everything is a cloud with all entries of these packages.
func everything(t *testing.T) *neighbourtest.Cloud {
	return neighbourtest.New(t, neighbour.Types(), storage.Types(), keyvault.Types(), containerregistry.Types(), insights.Types(), identityresource.Types(), network.Types())
}

// valid is a document without what only its junk is made of.
func valid(body string) string {
	return strings.Replace(body, `,"userAssignedIdentities":{"/x":{}}`, "", 1)
}

// tryJunk writes a document that may be refused and must not break anything.
func tryJunk(t *testing.T, c *neighbourtest.Cloud, path, body string) {
	t.Helper()
	_, err := c.Try(http.MethodPut, path, body)
	if err != nil && (errs.As(err) == nil || errs.Is(err, errs.Internal)) {
		t.Errorf("PUT %s %s: %v", path, body, err)
	}
	c.Settle()
	if _, err := c.Try(http.MethodGet, path, ""); err != nil && !errs.Is(err, errs.NotFound) {
		t.Errorf("GET %s after %s: %v", path, body, err)
	}
}

// places lists the keys of every value in a document.
func places(body string) [][]any {
	var document any
	_ = json.Unmarshal([]byte(body), &document)
	var all [][]any
	var walk func(value any, path []any)
	walk = func(value any, path []any) {
		if len(path) > 0 {
			all = append(all, append([]any{}, path...))
		}
		switch v := value.(type) {
		case map[string]any:
			for key, item := range v {
				walk(item, append(path, key))
			}
		case []any:
			for i, item := range v {
				walk(item, append(path, i))
			}
		}
	}
	walk(document, nil)
	return all
}

// replaced is a document with another value at one place.
func replaced(t *testing.T, body string, path []any, value string) string {
	t.Helper()
	document, err := tree.ParseObject([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	var at any = document
	for _, key := range path[:len(path)-1] {
		switch k := key.(type) {
		case string:
			at = at.(map[string]any)[k]
		case int:
			at = at.([]any)[k]
		}
	}
	switch k := path[len(path)-1].(type) {
	case string:
		at.(map[string]any)[k] = json.RawMessage(value)
	case int:
		at.([]any)[k] = json.RawMessage(value)
	}
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEveryActionRefusesABodyOfTheWrongSort(t *testing.T) {
	t.Parallel()
	c := everything(t)
	for _, one := range whole {
		c.Put(at+one.path, valid(one.body))
		id, err := arm.Parse(at + one.path)
		if err != nil {
			t.Fatal(err)
		}
		entry, err := c.Engine.Types.Find(id.Type())
		if err != nil {
			t.Fatal(err)
		}
		tryActions(t, c, at+one.path, entry)
	}
}

func tryActions(t *testing.T, c *neighbourtest.Cloud, path string, entry *provider.Type) {
	t.Helper()
	for verb := range entry.Actions {
		for _, body := range []string{"", `{}`, `{"keyName":7}`, `{"name":[]}`, `{"keyKind":{}}`, `{"keyName":"none"}`} {
			if _, err := c.Try(http.MethodPost, path+"/"+verb, body); err != nil && (errs.As(err) == nil || errs.Is(err, errs.Internal)) {
				t.Errorf("POST %s/%s %s: %v", path, verb, body, err)
			}
		}
	}
	for word := range entry.Reads {
		if _, err := c.Try(http.MethodGet, path+"/"+word, ""); err != nil {
			t.Errorf("GET %s/%s: %v", path, word, err)
		}
	}
}
