package network_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/authorization"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/cloud/provider/network"
	"github.com/amlmove/amlmove/internal/cloud/provider/storage"
	"github.com/amlmove/amlmove/internal/errs"
)

const (
	zones    = endpoint + "/privateDnsZoneGroups/default"
	inZone   = `{"properties":{"privateDnsZoneConfigs":[{"name":"blob","properties":{"privateDnsZoneId":"` + zone + `"}}]}}`
	record   = zone + "/A/stone1"
	reader   = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
	lockType = "Microsoft.Authorization/locks"
)

// connected is a cloud with a private endpoint that has all that it can have, and what that is.
func connected(t *testing.T) (c *neighbourtest.Cloud, made map[string]string) {
	t.Helper()
	c = neighbourtest.New(t, network.Types(), storage.Types(), authorization.Types())
	c.Put(vnet, body)
	c.Put(account, `{"location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS"}}`)
	c.Put(zone, `{"location":"global"}`)
	c.Put(endpoint, ask)
	c.Put(zones, inZone)
	return c, map[string]string{"interface": first(c.Get(endpoint), "networkInterfaces")["id"].(string), "connection": connections(c)[0]["id"].(string), "record": record}
}

// Roles and locks of what a service takes away along with something else go with it, as with a DELETE: the next thing of that name has none of them.
func TestWhatGoesAlongTakesItsRulesAlong(t *testing.T) {
	t.Parallel()
	c, made := connected(t)
	for _, id := range made {
		c.As(reader, id)
		c.Bind(id, lockType, "l", map[string]any{"level": "NotSpecified"})
	}
	c.Put(zones, inZone) // makes nothing anew
	if bound := c.Bound(record); len(bound) != 2 {
		t.Errorf("a second PUT of a zone group leaves %v at its record", bound)
	}
	c.Delete(endpoint)
	for what, id := range made {
		c.Refused(http.MethodGet, id, "", errs.NotFound, "ResourceNotFound")
		if bound := c.Bound(id); len(bound) > 0 {
			t.Errorf("what was bound to the %s is left: %v", what, bound)
		}
	}
	other := c.As(reader, vnet+"/subnets/a")
	other.Get(vnet + "/subnets/a")
	c.Put(vnet, strings.Replace(body, `,{"name":"a","properties":{"addressPrefix":"10.0.0.0/29"}}`, "", 1))
	c.Put(vnet, body)
	other.Refused(http.MethodGet, vnet+"/subnets/a", "", errs.Denied, "AuthorizationFailed")
}

// A lock on what would go along holds it and with it all the rest.
func TestALockHoldsWhatWouldGoAlong(t *testing.T) {
	t.Parallel()
	c, made := connected(t)
	lock := func(id string) string {
		c.Bind(id, lockType, "l", map[string]any{"level": "CanNotDelete"})
		return id + "/providers/" + lockType + "/l"
	}
	for what, id := range made {
		locked := lock(id)
		resp, err := c.Try(http.MethodDelete, endpoint, "")
		if err != nil {
			t.Fatal(err)
		}
		c.Settle()
		status := c.Get(strings.TrimPrefix(resp.Async, "https://cloud.test"))
		neighbourtest.Want(t, status, "error.code", "ScopeLocked")
		neighbourtest.Want(t, c.Get(endpoint), "properties.provisioningState", "Failed")
		for other, id := range made {
			if _, err := c.Try(http.MethodGet, id, ""); err != nil {
				t.Errorf("with a lock on the %s the %s is gone: %v", what, other, err)
			}
		}
		c.Delete(locked)
	}
	held := lock(vnet + "/subnets/a")
	without := strings.Replace(body, `,{"name":"a","properties":{"addressPrefix":"10.0.0.0/29"}}`, "", 1)
	c.Refused(http.MethodPut, vnet, without, errs.Conflict, "ScopeLocked")
	neighbourtest.Want(t, c.Get(vnet+"/subnets/a"), "name", "a")
	c.Delete(held)
	above := lock(vnet)
	if got := c.Put(vnet, without); names(got, "subnets") != "b" {
		t.Errorf("a lock on the network, which holds it and lets it be written, leaves the subnets %q", names(got, "subnets"))
	}
	c.Delete(above)
	c.Delete(endpoint)
	for what, id := range made {
		if _, err := c.Try(http.MethodGet, id, ""); !errs.Is(err, errs.NotFound) {
			t.Errorf("without a lock the %s is still there: %v", what, err)
		}
	}
}
