package containerregistry_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/provider/containerregistry"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

const (
	registry = neighbourtest.Group + "/providers/Microsoft.ContainerRegistry/registries/CrOne"
	body     = `{"location":"westeurope","sku":{"name":"Premium"},"properties":{"adminUserEnabled":true,"surprise":"kept"},"identity":{"type":"SystemAssigned","principalId":"forged"}}`
)

func TestRegistryComesBackAsPutWithWhatTheServiceComputes(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, containerregistry.Types())
	got := c.Put(registry, body)
	for path, want := range map[string]any{"properties.loginServer": "crone.azurecr.local.test", "properties.surprise": "kept", "sku.tier": "Premium",
		"properties.publicNetworkAccess": "Enabled", "properties.provisioningState": "Succeeded", "identity.tenantId": neighbourtest.Tenant} {
		neighbourtest.Want(t, got, path, want)
	}
	principal := tree.Text(got, "identity.principalId")
	if len(principal) != 36 {
		t.Errorf("principalId: got %q, want one of the service", principal)
	}
	if again := c.Put(registry, body); tree.Text(again, "identity.principalId") != principal {
		t.Error("the principal changed with a second PUT")
	}
}

func TestCredentialsAreGivenOnlyWhileTheAdminUserIsOn(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, containerregistry.Types())
	c.Put(registry, body)
	before := c.Post(registry+"/listCredentials", "")
	neighbourtest.Want(t, before, "username", "CrOne")
	after := c.Post(registry+"/regenerateCredential", `{"name":"password2"}`)
	if password(before, 0) != password(after, 0) || password(before, 1) == password(after, 1) || password(before, 0) == "" {
		t.Error("regenerateCredential must change the named password and no other")
	}
	if public, _, _ := strings.Cut(c.Stored(registry), "\x00"); strings.Contains(public, password(after, 1)) {
		t.Error("a password is in the public part")
	}
	c.Do(http.MethodPatch, registry, `{"properties":{"adminUserEnabled":false}}`)
	c.Refused(http.MethodPost, registry+"/listCredentials", "", errs.Invalid, "UnauthorizedForCredentialOperations")
}

func password(answer map[string]any, i int) string {
	return answer["passwords"].([]any)[i].(map[string]any)["value"].(string)
}

func TestWebhookTellsWhereItCallsOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, containerregistry.Types())
	c.Put(registry, body)
	hook := registry + "/webhooks/hook1"
	got := c.Put(hook, `{"location":"westeurope","properties":{"serviceUri":"https://canary.test/x","customHeaders":{"A":"canary"},"actions":["push"]}}`)
	neighbourtest.Want(t, got, "properties.serviceUri", nil)
	neighbourtest.Want(t, got, "properties.actions", []any{"push"})
	if public, _, _ := strings.Cut(c.Stored(hook), "\x00"); strings.Contains(public, "canary") {
		t.Error("the target is in the public part")
	}
	neighbourtest.Want(t, c.Post(hook+"/getCallbackConfig", ""), "customHeaders.A", "canary")
	c.Put(hook, `{"location":"westeurope","properties":{"actions":["delete"]}}`)
	neighbourtest.Want(t, c.Post(hook+"/getCallbackConfig", ""), "serviceUri", "https://canary.test/x")
	c.Refused(http.MethodPut, registry+"/webhooks/hook2", `{"location":"westeurope","properties":{"actions":[]}}`, errs.Invalid, "MissingRequiredProperty")
}

func TestRegistryIsRefusedWhen(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, containerregistry.Types())
	for name, wrong := range map[string]string{
		"the sku is missing":    `{"location":"westeurope"}`,
		"the flag is a number":  `{"location":"westeurope","sku":{"name":"Basic"},"properties":{"adminUserEnabled":1}}`,
		"the sku is not one":    `{"location":"westeurope","sku":{"name":"Huge"}}`,
		"the sku name is a map": `{"location":"westeurope","sku":{"name":{}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := c.Try(http.MethodPut, registry, wrong); !errs.Is(err, errs.Invalid) {
				t.Errorf("got %v, want Invalid", err)
			}
		})
	}
}
