package clause

import (
	"context"
	"fmt"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud"
	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/move"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/test/estate"
)

// crowd is more than any page that the cloud reads at once.
const crowd = 1203

// TestNothingIsOverlookedInACrowd fills a workspace with more of a kind than one page holds: the last counts like the first.
func TestNothingIsOverlookedInACrowd(t *testing.T) {
	t.Parallel()
	for _, p := range []proof{
		{"S38 the last of many linked services is a Databricks workspace", linkInACrowd},
		{"S45 every one of many nondefault datastores is emptied", datastoresInACrowd},
		{"arm-move 2: what stands in a network from another group is missed too", networkAcrossGroups},
		{"S23 S24 every one of many private endpoint connections is cut and waits anew", connectionsInACrowd},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.test(t, estate.Start(t))
		})
	}
}

// fill imports many children of a kind below the workspace.
func fill(t *testing.T, e *estate.Estate, kind string, count int, properties func(n int) map[string]any) {
	t.Helper()
	e.Update(t, func(ctx context.Context, tx store.Tx) error {
		var docs []control.Imported
		for n := range count {
			id, err := arm.Parse(under(fmt.Sprintf("%s/crowd-%04d", kind, n)))
			if err != nil {
				return err
			}
			docs = append(docs, control.Imported{ID: id, Doc: tree.Document{Public: map[string]any{"properties": properties(n)}, Private: map[string]any{}}})
		}
		inner := e.Inner()
		_, err := control.Import(ctx, tx, inner.Tree, cloud.Types(), inner.Clock.Now(), docs...)
		return err
	})
}

func linkInACrowd(t *testing.T, e *estate.Estate) {
	bricks := estate.SiblingGroup + "/providers/Microsoft.Databricks/workspaces/bricks"
	fill(t, e, "linkedServices", crowd, func(n int) map[string]any {
		if n == crowd-1 {
			return map[string]any{"linkedServiceResourceId": bricks}
		}
		return map[string]any{"linkedServiceResourceId": estate.SiblingGroup + "/providers/Microsoft.Synapse/workspaces/synapse"}
	})
	last := fmt.Sprintf("crowd-%04d", crowd-1)
	refused(t, e, workspaceFor("S38 the last link", under("linkedServices/"+last), "Azure Databricks", last))
}

func datastoresInACrowd(t *testing.T, e *estate.Estate) {
	settings := move.Strictest()
	settings.DatastoreFields = "empty"
	e.Set(t, settings)
	fill(t, e, "datastores", crowd, func(int) map[string]any {
		return map[string]any{"datastoreType": "AzureBlob", "accountName": "a", "containerName": "c", "subscriptionId": estate.Source, "resourceGroup": "origin-rg", "credentials": map[string]any{"credentialsType": "None"}}
	})
	moved(t, e, estate.Workspace)
	for _, n := range []int{0, crowd / 2, crowd - 1} {
		if raw := props(e.Get(t, there(under(fmt.Sprintf("datastores/crowd-%04d", n))))); raw["subscriptionId"] != nil {
			t.Errorf("S45 datastore %d still shows %v", n, raw["subscriptionId"])
		}
	}
}

func connectionsInACrowd(t *testing.T, e *estate.Estate) {
	before := len(e.List(t, under("privateEndpointConnections")))
	fill(t, e, "privateEndpointConnections", crowd, func(int) map[string]any {
		return map[string]any{"privateLinkServiceConnectionState": map[string]any{"status": "Approved"}, "provisioningState": "Succeeded"}
	})
	moved(t, e, estate.Workspace)
	states := map[any]int{}
	for _, connection := range e.List(t, there(under("privateEndpointConnections"))) {
		states[at(connection, "properties.privateLinkServiceConnectionState.status")]++
	}
	if want := before + crowd; states["Disconnected"] != want || states["Pending"] != want {
		t.Errorf("S23 S24 got %v, want %d cut and as many pending", states, want)
	}
}

func networkAcrossGroups(t *testing.T, e *estate.Estate) {
	network := estate.SiblingGroup + "/providers/Microsoft.Network/virtualNetworks/wide"
	e.Make(t, network, `{"location":"eastus","properties":{"addressSpace":{"addressPrefixes":["10.7.0.0/16"]},"subnets":[{"name":"a","properties":{"addressPrefix":"10.7.1.0/24"}}]}}`)
	nic := estate.OriginGroup + "/providers/Microsoft.Network/networkInterfaces/far"
	e.Make(t, nic, `{"location":"eastus","properties":{"ipConfigurations":[{"name":"i","properties":{"subnet":{"id":"`+network+`/subnets/a"}}}]}}`)
	refused(t, e, refusal{clause: "arm-move 2", from: estate.SiblingGroup, ids: []string{network}, code: byProviders,
		chain: []link{{code: "MissingMoveDependentResources"}, {code: "0"}}, says: []string{"does not contain all the dependent resources", nic}})
}
