package neighbour_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/provider/identityresource"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

const at = neighbourtest.Group + "/providers/"

// plain are the least documents that the plain services accept.
var plain = map[string]string{
	string(neighbour.Cluster):               `{"location":"westeurope","properties":{"x":{"y":1.50}}}`,
	string(neighbour.Databricks):            `{"location":"westeurope","properties":{"managedResourceGroupId":"/subscriptions/s/resourceGroups/m","x":{"y":1.50}}}`,
	"Microsoft.Databricks/accessConnectors": `{"location":"westeurope","properties":{"x":{"y":1.50}}}`,
	string(neighbour.Cosmos):                `{"location":"westeurope","properties":{"databaseAccountOfferType":"Standard","locations":[{"locationName":"westeurope"}],"x":{"y":1.50}}}`,
	string(neighbour.Search):                `{"location":"westeurope","sku":{"name":"basic"},"properties":{"x":{"y":1.50}}}`,
	string(neighbour.Cognitive):             `{"location":"westeurope","kind":"OpenAI","sku":{"name":"S0"},"properties":{"x":{"y":1.50}}}`,
	string(neighbour.Notebooks):             `{"location":"westeurope","properties":{"x":{"y":1.50}}}`,
}

func TestPlainDocumentsComeBackAsTheyWerePut(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, neighbour.Types())
	for typ, body := range plain {
		t.Run(typ, func(t *testing.T) {
			path := at + typ + "/one1"
			got := c.Put(path, body)
			neighbourtest.Want(t, got, "properties.provisioningState", "Succeeded")
			if !strings.Contains(c.Stored(path), `"x":{"y":1.50}`) {
				t.Errorf("the unknown property is lost: %s", c.Stored(path))
			}
			c.Put(path, body)
			c.Refused(http.MethodPut, path, strings.Replace(body, `"location":"westeurope"`, `"location":"westeurope","identity":"me"`, 1), errs.Invalid, "InvalidRequestContent")
			c.Delete(path)
			c.Refused(http.MethodGet, path, "", errs.NotFound, "ResourceNotFound")
		})
	}
}

func TestEveryTrackedTypeOfThePackageIsPutByATest(t *testing.T) {
	t.Parallel()
	for _, entry := range neighbour.Types() {
		if entry.Tracked && plain[string(entry.Name)] == "" {
			t.Errorf("no document for %s", entry.Name)
		}
	}
}

func TestDatabricksKeepsTheWordsOfItsLinkToAWorkspace(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, neighbour.Types())
	search := at + "Microsoft.Search/searchServices/one1"
	c.Put(search, plain[string(neighbour.Search)])
	path := at + string(neighbour.Databricks) + "/dbx"
	c.Put(path, `{"location":"westeurope","properties":{"parameters":{"amlWorkspaceId":{"value":"`+search+`"}}}}`)
	c.Move(search, neighbourtest.Other)
	neighbourtest.Want(t, c.Get(path), "properties.parameters.amlWorkspaceId.value", search)
}

func TestKeysOfPlainServicesAreGivenOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, neighbour.Types())
	for _, test := range []struct{ typ, list, member, renew string }{
		{string(neighbour.Cosmos), "listKeys", "primaryMasterKey", `{"keyKind":"primary"}`},
		{string(neighbour.Search), "listAdminKeys", "primaryKey", ""},
		{string(neighbour.Cognitive), "listKeys", "key1", `{"keyName":"Key1"}`},
	} {
		t.Run(test.typ, func(t *testing.T) {
			path := at + test.typ + "/one1"
			c.Put(path, plain[test.typ])
			key := tree.Text(c.Post(path+"/"+test.list, ""), test.member)
			if public, _, _ := strings.Cut(c.Stored(path), "\x00"); key == "" || strings.Contains(public, key) {
				t.Errorf("the key %q must be there and out of sight", key)
			}
			if test.renew == "" {
				return
			}
			c.Post(path+"/regenerateKey", test.renew)
			if again := tree.Text(c.Post(path+"/"+test.list, ""), test.member); again == key {
				t.Error("the key did not change")
			}
		})
	}
	cluster := at + string(neighbour.Cluster) + "/aks1"
	c.Put(cluster, plain[string(neighbour.Cluster)])
	if list := c.Post(cluster+"/listClusterAdminCredential", "")["kubeconfigs"].([]any); len(list) != 1 {
		t.Errorf("got %d kubeconfigs, want 1", len(list))
	}
}

func TestUserAssignedIdentitiesAreShownWithTheirPrincipals(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, neighbour.Types(), identityresource.Types())
	id := at + "Microsoft.ManagedIdentity/userAssignedIdentities/id1"
	search := at + "Microsoft.Search/searchServices/one1"
	body := strings.Replace(plain[string(neighbour.Search)], `"sku"`, `"identity":{"type":"UserAssigned","userAssignedIdentities":{"`+id+`":{}}},"sku"`, 1)
	c.Refused(http.MethodPut, search, body, errs.Invalid, "FailedIdentityOperation")
	principal := tree.Text(c.Put(id, `{"location":"westeurope"}`), "properties.principalId")
	got := c.Put(search, body)
	bound := got["identity"].(map[string]any)["userAssignedIdentities"].(map[string]any)[id].(map[string]any)
	if bound["principalId"] != principal {
		t.Errorf("got %v, want %s", bound["principalId"], principal)
	}
	c.Delete(id)
	c.Put(search, body)
}

func TestPrivateLinkResourcesNameGroupsOnce(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, neighbour.Types())
	path := at + string(neighbour.Cosmos) + "/one1"
	c.Put(path, plain[string(neighbour.Cosmos)])
	value := c.Get(path + "/privateLinkResources")["value"].([]any)
	if len(value) != 1 {
		t.Fatalf("got %d groups, want 1", len(value))
	}
	neighbourtest.Want(t, value[0].(map[string]any), "properties.requiredZoneNames", []any{"privatelink.documents.azure.com"})
}

func TestRecordBelongsIntoTheZoneOfItsService(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		typ, zone string
		in        bool
	}{
		{"Microsoft.Storage/storageAccounts", "privatelink.blob.core.windows.net", true},
		{"Microsoft.Storage/storageAccounts", "privatelink.file.core.windows.net", false},
		{"Microsoft.Storage/storageAccounts", "blob.core.windows.net", false},
		{"Microsoft.KeyVault/vaults", "privatelink.vaultcore.azure.net", true},
	} {
		if got := neighbour.Links("microsoft.storage/STORAGEACCOUNTS"); len(got) == 0 {
			t.Fatal("types are compared without regard to case")
		}
		typ := neighbour.Links("Microsoft.KeyVault/vaults")[0]
		if strings.Contains(test.typ, "Storage") {
			typ = neighbour.Links("Microsoft.Storage/storageAccounts")[0]
		}
		if got := typ.In(test.zone); got != test.in {
			t.Errorf("%s in %s: got %v, want %v", typ.Group, test.zone, got, test.in)
		}
	}
}
