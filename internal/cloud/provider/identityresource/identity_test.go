package identityresource_test

import (
	"net/http"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/provider/identityresource"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

const identity = neighbourtest.Group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id1"

func TestIdentityKeepsItsPrincipalAsLongAsItExists(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, identityresource.Types())
	const body = `{"location":"westeurope","properties":{"principalId":"forged","surprise":true}}`
	first := c.Put(identity, body)
	neighbourtest.Want(t, first, "properties.tenantId", neighbourtest.Tenant)
	neighbourtest.Want(t, first, "properties.surprise", true)
	principal := tree.Text(first, "properties.principalId")
	if len(principal) != 36 || principal == tree.Text(first, "properties.clientId") {
		t.Errorf("principalId %q", principal)
	}
	neighbourtest.Want(t, c.Put(identity, body), "properties.principalId", principal)
	c.Delete(identity)
	if again := c.Put(identity, body); tree.Text(again, "properties.principalId") == principal {
		t.Error("a new identity has the principal of the old one")
	}
	entry := identityresource.Types()[0]
	if entry.MoveGroup || entry.MoveSubscription {
		t.Error("an identity must not be movable")
	}
}

func TestFederatedCredentialNeedsIssuerSubjectAndAudiences(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, identityresource.Types())
	c.Put(identity, `{"location":"westeurope"}`)
	path := identity + "/federatedIdentityCredentials/cred"
	if e := c.Refused(http.MethodPut, path, `{"properties":{"issuer":"https://i.test"}}`, errs.Invalid, "MissingRequiredProperty"); len(e.Details) != 2 {
		t.Errorf("got %d details, want subject and audiences", len(e.Details))
	}
	c.Put(path, `{"properties":{"issuer":"https://i.test","subject":"s","audiences":["a"]}}`)
}
