package keyvault_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/provider/keyvault"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/errs"
)

const (
	vault   = neighbourtest.Group + "/providers/Microsoft.KeyVault/vaults/kv-one"
	deleted = "/subscriptions/" + neighbourtest.Source + "/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults"
	listAll = "/subscriptions/" + neighbourtest.Source
	body    = `{"location":"westeurope","tags":{"a":"b"},"properties":{"tenantId":"` + neighbourtest.Tenant + `","sku":{"family":"A","name":"standard"},
		"accessPolicies":[{"tenantId":"t","objectId":"o","permissions":{"secrets":["get"]}}],"surprise":1.50,"createMode":"default"}}`
)

func TestVaultComesBackAsPutWithWhatTheServiceComputes(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, keyvault.Types())
	got := c.Put(vault, body)
	for path, want := range map[string]any{"properties.vaultUri": "https://kv-one.vault.local.test/", "properties.enableSoftDelete": true,
		"properties.softDeleteRetentionInDays": 90, "properties.provisioningState": "Succeeded", "properties.createMode": nil, "tags.a": "b",
		"properties.privateEndpointConnections": []any{}} {
		neighbourtest.Want(t, got, path, want)
	}
	if !strings.Contains(c.Stored(vault), `"surprise":1.50`) {
		t.Errorf("the unknown property is lost: %s", c.Stored(vault))
	}
}

func TestVaultIsRefusedWhen(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, keyvault.Types())
	cases := []struct{ name, from, to, code string }{
		{"the policies are missing and roles do not rule", `"accessPolicies"`, `"other"`, "BadRequest"},
		{"purge protection is switched off", `"surprise":1.50`, `"enablePurgeProtection":false`, "BadRequest"},
		{"the days are too few", `"surprise":1.50`, `"softDeleteRetentionInDays":3`, "BadRequest"},
		{"a policy has no object", `"objectId":"o",`, ``, "MissingRequiredProperty"},
		{"the policies are an object", `[{"tenantId":"t","objectId":"o","permissions":{"secrets":["get"]}}]`, `{}`, "InvalidRequestContent"},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			c.Refused(http.MethodPut, vault, strings.Replace(body, test.from, test.to, 1), errs.Invalid, test.code)
		})
	}
}

func TestDeletedVaultHoldsItsNameEverywhereUntilItIsPurged(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, keyvault.Types())
	elsewhere := strings.Replace(vault, neighbourtest.Group, neighbourtest.Other, 1)
	c.Put(vault, body)
	c.Delete(vault)
	c.Refused(http.MethodGet, vault, "", errs.NotFound, "ResourceNotFound")
	c.Refused(http.MethodPut, vault, body, errs.Conflict, "ConflictError")
	c.Refused(http.MethodPut, elsewhere, body, errs.Conflict, "VaultAlreadyExists")

	list := c.Get(deleted)["value"].([]any)
	if len(list) != 1 {
		t.Fatalf("got %d deleted vaults, want 1", len(list))
	}
	record := list[0].(map[string]any)
	for path, want := range map[string]any{"id": deleted + "/kv-one", "type": "Microsoft.KeyVault/deletedVaults", "properties.vaultId": vault,
		"properties.location": "westeurope", "properties.deletionDate": "2026-03-01T12:00:00Z", "properties.scheduledPurgeDate": "2026-05-30T12:00:00Z", "properties.tags.a": "b"} {
		neighbourtest.Want(t, record, path, want)
	}
	one, err := c.Read("Microsoft.KeyVault/locations/deletedVaults", deleted+"/kv-one")
	if err != nil {
		t.Fatal(err)
	}
	neighbourtest.Want(t, one, "properties.vaultId", vault)
	if _, err := c.Read("Microsoft.KeyVault/locations/deletedVaults", strings.Replace(deleted, "westeurope", "eastus", 1)+"/kv-one"); !errs.Is(err, errs.NotFound) {
		t.Errorf("in another location: got %v, want NotFound", err)
	}
	all, err := c.Read("Microsoft.KeyVault/deletedVaults", listAll)
	if err != nil || len(all["value"].([]any)) != 1 {
		t.Errorf("list of the subscription: got %v %v", all, err)
	}
	c.Refused(http.MethodPost, strings.Replace(deleted, neighbourtest.Source, neighbourtest.Target, 1)+"/kv-one/purge", "", errs.NotFound, "DeletedVaultNotFound")
	c.Post(deleted+"/kv-one/purge", "")
	c.Put(elsewhere, body)
}

func TestDeletedVaultIsOverAtItsPurgeDate(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, keyvault.Types())
	c.Put(vault, strings.Replace(body, `"surprise":1.50`, `"softDeleteRetentionInDays":7,"enablePurgeProtection":true`, 1))
	c.Delete(vault)
	c.Refused(http.MethodPost, deleted+"/kv-one/purge", "", errs.Conflict, "MethodNotAllowed")
	c.Now = c.Now.Add(7*24*time.Hour - time.Second)
	c.Refused(http.MethodPut, vault, body, errs.Conflict, "ConflictError")
	c.Now = c.Now.Add(time.Second)
	if list := c.Get(deleted)["value"].([]any); len(list) != 0 {
		t.Errorf("got %d deleted vaults, want none", len(list))
	}
	c.Put(vault, body)
	c.Delete(vault)
	c.Refused(http.MethodPut, vault, body, errs.Conflict, "ConflictError")
}

func TestRecoveredVaultIsAsItWasWithItsSecrets(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, keyvault.Types())
	c.Put(vault, body)
	secret := c.Put(vault+"/secrets/s1", `{"properties":{"value":"canary-7","contentType":"text/plain"}}`)
	neighbourtest.Want(t, secret, "properties.value", nil)
	neighbourtest.Want(t, secret, "properties.secretUri", "https://kv-one.vault.local.test/secrets/s1")
	c.Delete(vault)
	const again = `{"location":"westeurope","properties":{"createMode":"recover"}}`
	c.Refused(http.MethodPut, vault, strings.Replace(again, "westeurope", "eastus", 1), errs.Conflict, "ConflictError")
	c.Refused(http.MethodPut, strings.Replace(vault, neighbourtest.Group, neighbourtest.Other, 1), again, errs.Conflict, "ConflictError")
	got := c.Put(vault, again)
	neighbourtest.Want(t, got, "tags.a", "b")
	neighbourtest.Want(t, got, "properties.surprise", json.RawMessage(`1.50`))
	neighbourtest.Want(t, c.Get(vault+"/secrets/s1"), "properties.contentType", "text/plain")
	if public, private, _ := strings.Cut(c.Stored(vault+"/secrets/s1"), "\x00"); strings.Contains(public, "canary-7") || !strings.Contains(private, "canary-7") {
		t.Error("the secret's value must live in the private part alone")
	}
	c.Refused(http.MethodPut, strings.Replace(vault, "kv-one", "kv-two", 1), again, errs.NotFound, "DeletedVaultNotFound")
}

func TestNamesOfDeletedVaultsAreNotAvailable(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, keyvault.Types())
	c.Put(vault, body)
	const check = "/subscriptions/" + neighbourtest.Target + "/providers/Microsoft.KeyVault/checkNameAvailability"
	const ask = `{"name":"kv-one","type":"Microsoft.KeyVault/vaults"}`
	neighbourtest.Want(t, c.Post(check, ask), "reason", "AlreadyExists")
	c.Delete(vault)
	neighbourtest.Want(t, c.Post(check, ask), "reason", "AlreadyExists")
	c.Post(deleted+"/kv-one/purge", "")
	neighbourtest.Want(t, c.Post(check, ask), "nameAvailable", true)
	c.Refused(http.MethodPost, check, `{"name":7,"type":"Microsoft.KeyVault/vaults"}`, errs.Invalid, "InvalidRequestContent")
}

// Nobody can make a managed HSM here, so that none was deleted: "az keyvault list-deleted" asks for both kinds and shows neither when one of the answers is an error.
func TestDeletedManagedHSMsAreNone(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, keyvault.Types())
	c.Put(vault, body)
	c.Delete(vault)
	if list := c.Get("/subscriptions/" + neighbourtest.Source + "/providers/Microsoft.KeyVault/deletedManagedHSMs")["value"].([]any); len(list) != 0 {
		t.Errorf("got %v", list)
	}
}
