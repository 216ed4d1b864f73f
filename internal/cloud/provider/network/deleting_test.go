package network_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/cloud/provider/network"
	"github.com/amlmove/amlmove/internal/errs"
)

// slowly is ready with deletions that take an hour and private endpoints that take a minute.
func slowly(t *testing.T) *neighbourtest.Cloud {
	t.Helper()
	c := ready(t, network.Types())
	err := c.Engine.Clock.Set(t.Context(), c.Store, func(s *operation.ClockState) {
		s.Durations = map[string]time.Duration{"subnets.delete": time.Hour, "privatednszones.delete": time.Hour, "a.delete": time.Hour, "privateendpoints.put": time.Minute,
			"privatednszonegroups.put": time.Minute}
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// begin sends a request that must be accepted, and waits for nothing.
func begin(c *neighbourtest.Cloud, method, path, body string) {
	c.T.Helper()
	if _, err := c.Try(method, path, body); err != nil {
		c.T.Fatalf("%s %s: %v", method, path, err)
	}
}

// pass lets time go by.
func pass(c *neighbourtest.Cloud, by time.Duration) {
	c.T.Helper()
	c.Now = c.Now.Add(by)
	c.Settle()
}

// A subnet that is being deleted takes no endpoint, neither when it is asked for nor when it would be made, and is no part of its network's document any more.
func TestASubnetThatIsBeingDeletedTakesNothing(t *testing.T) {
	t.Parallel()
	c := slowly(t)
	subnet := vnet + "/subnets/b"
	begin(c, http.MethodPut, endpoint, ask)
	begin(c, http.MethodDelete, subnet, "")
	c.Refused(http.MethodPut, endpoint+"-2", ask, errs.Conflict, "AnotherOperationInProgress")
	c.Refused(http.MethodPut, vnet, body, errs.Conflict, "AnotherOperationInProgress")
	pass(c, time.Minute)
	neighbourtest.Want(t, c.Get(endpoint), "properties.provisioningState", "Failed")
	pass(c, time.Hour)
	c.Refused(http.MethodGet, subnet, "", errs.NotFound, "ResourceNotFound")
	c.Delete(endpoint)
	if left := connections(c); len(left) > 0 {
		t.Errorf("an endpoint that failed left %v at its target", left)
	}
}

// A zone that is being deleted takes no names; those that are in it can go before it.
func TestAZoneThatIsBeingDeletedTakesNoNames(t *testing.T) {
	t.Parallel()
	c := slowly(t)
	const group = `{"properties":{"privateDnsZoneConfigs":[{"name":"z","properties":{"privateDnsZoneId":"` + zone + `"}}]}}`
	c.Put(zone, `{"location":"global"}`)
	for _, name := range []string{"", "-2"} {
		begin(c, http.MethodPut, endpoint+name, ask)
	}
	pass(c, time.Minute)
	begin(c, http.MethodPut, endpoint+"/privateDnsZoneGroups/default", group)
	pass(c, time.Minute)
	neighbourtest.Want(t, c.Get(endpoint+"/privateDnsZoneGroups/default"), "properties.provisioningState", "Succeeded")
	begin(c, http.MethodDelete, zone, "")
	begin(c, http.MethodPut, endpoint+"-2/privateDnsZoneGroups/default", group)
	pass(c, time.Minute)
	neighbourtest.Want(t, c.Get(endpoint+"-2/privateDnsZoneGroups/default"), "properties.provisioningState", "Failed")
	begin(c, http.MethodDelete, endpoint+"/privateDnsZoneGroups/default", "")
	pass(c, time.Minute)
	if got := names(map[string]any{"properties": c.Get(zone + "/all")}, "value"); strings.Contains(got, "stone1") {
		t.Errorf("the name is still in the zone: %s", got)
	}
	pass(c, time.Hour)
	c.Refused(http.MethodGet, zone, "", errs.NotFound, "ResourceNotFound")
}
