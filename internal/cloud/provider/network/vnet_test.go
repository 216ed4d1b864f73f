package network_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/cloud/provider/network"
	"github.com/amlmove/amlmove/internal/errs"
)

const (
	at   = neighbourtest.Group + "/providers/Microsoft.Network/"
	vnet = at + "virtualNetworks/net1"
	body = `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]},"surprise":1.50,"subnets":[
		{"name":"b","properties":{"addressPrefix":"10.0.1.0/24","x":"y"}},{"name":"a","properties":{"addressPrefix":"10.0.0.0/29"}}]}}`
)

// names lists the names in a list of a document.
func names(document map[string]any, list string) string {
	var out []string
	items, _ := document["properties"].(map[string]any)[list].([]any)
	for _, item := range items {
		out = append(out, item.(map[string]any)["name"].(string))
	}
	return strings.Join(out, " ")
}

func TestSubnetsStandInsideTheNetworkAndBesideIt(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, network.Types())
	got := c.Put(vnet, body)
	if names(got, "subnets") != "b a" {
		t.Errorf("subnets: got %q, want them in the order in which they were put", names(got, "subnets"))
	}
	neighbourtest.Want(t, c.Get(vnet+"/subnets/b"), "properties.x", "y")
	neighbourtest.Want(t, c.Get(vnet+"/subnets/b"), "properties.provisioningState", "Succeeded")
	c.Put(vnet+"/subnets/c", `{"properties":{"addressPrefix":"10.0.2.0/24"}}`)
	if got := c.Get(vnet); names(got, "subnets") != "b a c" {
		t.Errorf("subnets: got %q, want the new one at the end", names(got, "subnets"))
	}
	if strings.Contains(c.Stored(vnet), "10.0.1.0") {
		t.Error("the network's own document holds a subnet")
	}
	without := `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]}}}`
	if got := c.Put(vnet, without); names(got, "subnets") != "b a c" {
		t.Errorf("a PUT without subnets leaves them: got %q", names(got, "subnets"))
	}
	with := strings.Replace(without, `"addressSpace"`, `"subnets":[{"id":"/old","name":"b","etag":"x","properties":{"addressPrefix":"10.0.1.0/25"}}],"addressSpace"`, 1)
	if got := c.Put(vnet, with); names(got, "subnets") != "b" {
		t.Errorf("a PUT with subnets replaces them: got %q", names(got, "subnets"))
	}
	neighbourtest.Want(t, c.Get(vnet+"/subnets/b"), "properties.addressPrefix", "10.0.1.0/25")
	c.Do(http.MethodPatch, vnet, `{"tags":{"a":"b"}}`)
	if got := c.Get(vnet); names(got, "subnets") != "b" {
		t.Errorf("a PATCH of tags leaves the subnets: got %q", names(got, "subnets"))
	}
}

func TestNetworkIsRefusedWhen(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, network.Types())
	for _, test := range []struct{ name, from, to, code string }{
		{"a prefix is no prefix", "10.0.0.0/16", "ten", "InvalidAddressPrefixFormat"},
		{"a prefix has bits behind its length", "10.0.0.0/16", "10.0.0.1/16", "InvalidCIDRNotation"},
		{"a subnet lies outside", "10.0.1.0/24", "10.1.0.0/24", "NetcfgInvalidSubnet"},
		{"two subnets overlap", "10.0.1.0/24", "10.0.0.0/24", "NetcfgSubnetRangesOverlap"},
		{"two subnets have one name", `"name":"a"`, `"name":"B"`, "InvalidRequestFormat"},
		{"a subnet has no prefix", `"addressPrefix":"10.0.0.0/29"`, ``, "MissingRequiredProperty"},
		{"a subnet has no name", `"name":"a",`, ``, "MissingRequiredProperty"},
		{"the subnets are an object", `"subnets":[`, `"subnets":7,"others":[`, "InvalidRequestContent"},
		{"a subnet's group is a text", `"x":"y"`, `"networkSecurityGroup":"g"`, "InvalidRequestContent"},
		{"a subnet is null", `"subnets":[`, `"subnets":[null,`, "MissingRequiredProperty"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c.Refused(http.MethodPut, vnet, strings.Replace(body, test.from, test.to, 1), errs.Invalid, test.code)
		})
	}
	c.Put(vnet, body)
	for _, name := range []string{"0", "c"} { // the one that is put is refused, not the one that was there
		if err := c.Refused(http.MethodPut, vnet+"/subnets/"+name, `{"properties":{"addressPrefix":"10.0.1.128/25"}}`, errs.Invalid, "NetcfgSubnetRangesOverlap"); err.Target != name {
			t.Errorf("the refusal of subnet %s names %s: %v", name, err.Target, err)
		}
	}
	c.Put(vnet+"/subnets/b", `{"properties":{"addressPrefix":"10.0.1.128/25"}}`)
}

func TestReferencesFollowWhatTheyPointTo(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, network.Types())
	group := at + "networkSecurityGroups/nsg1"
	got := c.Put(group, `{"location":"westeurope","properties":{"securityRules":[{"name":"r1","properties":{"priority":100}}]}}`)
	if names(got, "securityRules") != "r1" {
		t.Errorf("rules: got %q", names(got, "securityRules"))
	}
	c.Put(vnet, body)
	c.Put(vnet+"/subnets/b", `{"properties":{"addressPrefix":"10.0.1.0/24","networkSecurityGroup":{"id":"`+group+`"}}}`)
	zone := at + "privateDnsZones/privatelink.blob.core.windows.net"
	c.Put(zone, `{"location":"global"}`)
	c.Put(zone+"/virtualNetworkLinks/l", `{"location":"global","properties":{"virtualNetwork":{"id":"`+vnet+`"}}}`)
	c.Move(group, neighbourtest.Other)
	c.Move(vnet, neighbourtest.Other)
	moved := strings.Replace(vnet, neighbourtest.Group, neighbourtest.Other, 1)
	neighbourtest.Want(t, c.Get(moved+"/subnets/b"), "properties.networkSecurityGroup.id", strings.Replace(group, neighbourtest.Group, neighbourtest.Other, 1))
	neighbourtest.Want(t, c.Get(zone+"/virtualNetworkLinks/l"), "properties.virtualNetwork.id", moved)
}

func TestPeeringIsConnectedWhenBothHalvesAreThere(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, network.Types())
	second := at + "virtualNetworks/net2"
	c.Put(vnet, body)
	c.Put(second, strings.ReplaceAll(body, "10.0.", "10.1."))
	half := func(to string) string { return `{"properties":{"remoteVirtualNetwork":{"id":"` + to + `"}}}` }
	neighbourtest.Want(t, c.Put(vnet+"/virtualNetworkPeerings/p", half(second)), "properties.peeringState", "Initiated")
	c.Put(second+"/virtualNetworkPeerings/p", half(vnet))
	neighbourtest.Want(t, c.Get(vnet+"/virtualNetworkPeerings/p"), "properties.peeringState", "Connected")
	if got := c.Get(vnet); names(got, "virtualNetworkPeerings") != "p" {
		t.Errorf("peerings: got %q", names(got, "virtualNetworkPeerings"))
	}
	c.Delete(second)
	neighbourtest.Want(t, c.Get(vnet+"/virtualNetworkPeerings/p"), "properties.peeringState", "Disconnected")
}

func TestZoneCountsItsRecordsAndStaysWhileItIsLinked(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, network.Types())
	zone := at + "privateDnsZones/example.test"
	c.Put(vnet, body)
	neighbourtest.Want(t, c.Put(zone, `{"location":"global"}`), "properties.numberOfRecordSets", 1)
	neighbourtest.Want(t, c.Get(zone+"/SOA/@"), "properties.fqdn", "example.test.")
	neighbourtest.Want(t, c.Put(zone+"/A/www", `{"properties":{"ttl":5,"aRecords":[{"ipv4Address":"10.0.0.9"}]}}`), "properties.fqdn", "www.example.test.")
	link := zone + "/virtualNetworkLinks/l"
	c.Refused(http.MethodPut, link, `{"location":"global","properties":{"virtualNetwork":{"id":"`+vnet+`x"}}}`, errs.Invalid, "InvalidResourceReference")
	neighbourtest.Want(t, c.Put(link, `{"location":"global","properties":{"virtualNetwork":{"id":"`+vnet+`"}}}`), "properties.virtualNetworkLinkState", "Completed")
	if all := c.Get(zone + "/ALL")["value"].([]any); len(all) != 2 {
		t.Errorf("got %d records, want 2", len(all))
	}
	c.Refused(http.MethodDelete, zone, "", errs.Conflict, "CannotDeleteResource")
	c.Delete(link)
	c.Delete(zone)
}

func TestPlainEntriesSayHowTheyMove(t *testing.T) {
	t.Parallel()
	want := map[string][2]bool{"natGateways": {false, false}, "privateLinkServices": {false, false}, "bastionHosts": {true, false},
		"virtualNetworks": {true, true}, "networkInterfaces": {true, true}, "privateEndpoints": {true, true}, "privateDnsZones": {true, true}}
	for _, entry := range network.Types() {
		if marks, ok := want[entry.Kind()]; ok && entry.Depth() == 1 && marks != [2]bool{entry.MoveGroup, entry.MoveSubscription} {
			t.Errorf("%s: got %v %v, want %v", entry.Name, entry.MoveGroup, entry.MoveSubscription, marks)
		}
	}
}
