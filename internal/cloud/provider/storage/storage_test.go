package storage_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/cloud/provider/storage"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

const account = neighbourtest.Group + "/providers/Microsoft.Storage/storageAccounts/stone1"

const body = `{"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_RAGRS"},"tags":{"a":"b"},"properties":{"isHnsEnabled":true,"surprise":{"x":[1,2.50,null]}}}`

func TestAccountComesBackAsPutWithWhatTheServiceComputes(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, storage.Types())
	resp, err := c.Try(http.MethodPut, account, body)
	if err != nil || resp.Status != http.StatusAccepted {
		t.Fatalf("create: %d %v, want 202", resp.Status, err)
	}
	c.Settle()
	got := c.Get(account)
	for path, want := range map[string]any{
		"properties.surprise.x": []any{1, 2.5, nil}, "properties.isHnsEnabled": true, "tags.a": "b", "sku.tier": "Standard",
		"properties.provisioningState": "Succeeded", "properties.primaryEndpoints.blob": "https://stone1.blob.core.local.test/",
		"properties.primaryLocation": "westeurope", "properties.secondaryEndpoints.dfs": "https://stone1-secondary.dfs.core.local.test/",
		"properties.privateEndpointConnections": []any{},
	} {
		if path == "properties.surprise.x" {
			if text := c.Stored(account); !strings.Contains(text, `[1,2.50,null]`) {
				t.Errorf("the unknown property is stored as %s", text)
			}
			continue
		}
		neighbourtest.Want(t, got, path, want)
	}
	created := tree.Text(got, "properties.creationTime")
	if again := c.Put(account, body); tree.Text(again, "properties.creationTime") != created || created == "" {
		t.Errorf("creationTime changed from %q to %q", created, tree.Text(again, "properties.creationTime"))
	}
}

func TestKeysLiveOutOfSightAndAreRenewedOneByOne(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, storage.Types())
	c.Put(account, body)
	before := keys(c.Post(account+"/listKeys", ""))
	if len(before) != 2 || before["key1"] == before["key2"] {
		t.Fatalf("got %d keys, want two different ones", len(before))
	}
	after := keys(c.Post(account+"/regenerateKey", `{"keyName":"key2"}`))
	if after["key1"] != before["key1"] || after["key2"] == before["key2"] {
		t.Error("regenerateKey must change the named key and no other")
	}
	public, _, _ := strings.Cut(c.Stored(account), "\x00")
	for name, value := range after {
		if strings.Contains(public, value) {
			t.Errorf("%s is in the public part", name)
		}
	}
	c.Refused(http.MethodPost, account+"/regenerateKey", `{"keyName":"key3"}`, errs.Invalid, "InvalidKeyName")
	c.Refused(http.MethodPost, account+"/regenerateKey", `{"keyName":3}`, errs.Invalid, "InvalidRequestContent")
}

func keys(answer map[string]any) map[string]string {
	out := map[string]string{}
	list, _ := answer["keys"].([]any)
	for _, item := range list {
		key := item.(map[string]any)
		out[key["keyName"].(string)] = key["value"].(string)
	}
	return out
}

func TestAccountIsRefusedWhen(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, storage.Types())
	cases := []struct{ name, body, code, target string }{
		{"the kind is missing", `{"location":"westeurope","sku":{"name":"Standard_LRS"}}`, "MissingRequiredProperty", "kind"},
		{"the sku is unknown", `{"location":"westeurope","kind":"StorageV2","sku":{"name":"Gold"}}`, "InvalidRequestPropertyValue", "sku.name"},
		{"the sku is a text", `{"location":"westeurope","kind":"StorageV2","sku":"Standard_LRS"}`, "InvalidRequestContent", "sku"},
		{"a flag is a text", `{"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{"isHnsEnabled":"yes"}}`, "InvalidRequestContent", "properties.isHnsEnabled"},
		{"a rule has no id", `{"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{"networkAcls":{"virtualNetworkRules":[{"id":""}]}}}`,
			"LinkedInvalidPropertyId", "properties.networkAcls.virtualNetworkRules[0].id"},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			if e := c.Refused(http.MethodPut, account, test.body, errs.Invalid, test.code); e.Target != test.target {
				t.Errorf("target: got %q, want %q", e.Target, test.target)
			}
		})
	}
	many := c.Refused(http.MethodPut, account, `{"location":"westeurope"}`, errs.Invalid, "MissingRequiredProperty")
	if len(many.Details) != 3 {
		t.Errorf("got %d details, want one for sku, sku.name and kind: %v", len(many.Details), many)
	}
	c.Refused(http.MethodPut, neighbourtest.Group+"/providers/Microsoft.Storage/storageAccounts/No_Good", body, errs.Invalid, "InvalidResourceName")
	c.Put(account, body)
	c.Refused(http.MethodPut, account, strings.Replace(body, `"isHnsEnabled":true`, `"isHnsEnabled":false`, 1), errs.Conflict, "PropertyChangeNotAllowed")
	c.Refused(http.MethodPut, strings.Replace(account, neighbourtest.Group, neighbourtest.Other, 1), body, errs.Conflict, "StorageAccountAlreadyTaken")
}

func TestContainersAndSharesHangBelowTheirServices(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, storage.Types())
	c.Put(account, body)
	if services := c.Get(account + "/blobServices")["value"].([]any); len(services) != 1 {
		t.Fatalf("got %d blob services, want default", len(services))
	}
	resp, err := c.Try(http.MethodPut, account+"/blobServices/default/containers/azureml-blobstore-1", `{"properties":{"metadata":{"k":"v"}}}`)
	if err != nil || resp.Status != http.StatusCreated {
		t.Fatalf("create a container: %d %v, want 201", resp.Status, err)
	}
	got := c.Get(account + "/blobServices/default/containers/azureml-blobstore-1")
	neighbourtest.Want(t, got, "properties.metadata.k", "v")
	neighbourtest.Want(t, got, "properties.publicAccess", "None")
	neighbourtest.Want(t, c.Put(account+"/fileServices/default/shares/code-1", `{"properties":{}}`), "properties.shareQuota", 5120)
	c.Refused(http.MethodDelete, account+"/blobServices/default", "", errs.Invalid, "HttpMethodNotAllowed")
	c.Refused(http.MethodGet, account+"/localUsers", "", errs.Unsupported, "NotImplemented")
	c.Refused(http.MethodGet, account+"/nothing", "", errs.NotFound, "InvalidResourceType")
}

func TestNamesAreCheckedEverywhere(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, storage.Types())
	c.Put(account, body)
	const check = "/subscriptions/" + neighbourtest.Target + "/providers/Microsoft.Storage/checkNameAvailability"
	for name, want := range map[string]any{"stone1": "AlreadyExists", "Bad Name": "AccountNameInvalid", "stone2": nil} {
		got := c.Post(check, `{"name":"`+name+`","type":"Microsoft.Storage/storageAccounts"}`)
		neighbourtest.Want(t, got, "reason", want)
		neighbourtest.Want(t, got, "nameAvailable", want == nil)
	}
}
