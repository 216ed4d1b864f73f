package clause

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/cloud/move"
	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/test/estate"
)

// TestWhatARMRefuses holds the cloud against what is known of moves in general (spec/arm-move.md 1.2 and 2, the status table of spec/peers.md).
func TestWhatARMRefuses(t *testing.T) {
	t.Parallel()
	for _, p := range []proof{
		{"requests that cannot be read", malformed},
		{"more than 800 resources, the same group, resources of another group", orders},
		{"a target that is missing, disabled or unknown", targets},
		{"a locked scope, as the setting says", locks},
		{"a group with an active deployment", deployments},
		{"a name that is taken at the target", collisions},
		{"the name of a soft-deleted workspace, until it is purged or forgotten", softDeleted},
		{"resources that are not Succeeded", notSucceeded},
		{"resources on which an operation is in progress", pending},
		{"types that do not move", immovable},
		{"private endpoints to most targets", privateEndpoints},
		{"networks without what stands in them", networks},
		{"hubs and projects, as the setting says", hubs},
		{"all families of checks, the first one alone", families},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.test(t, estate.Start(t))
		})
	}
}

func malformed(t *testing.T, e *estate.Estate) {
	before := e.Digest(t)
	for _, body := range []string{"", "{", "[]", "null", `"x"`, "{}", `{"resources":[]}`, `{"resources":["` + estate.Workspace + `"]}`, `{"targetResourceGroup":"` + estate.DestinationGroup + `"}`,
		`{"resources":[],"targetResourceGroup":"` + estate.DestinationGroup + `"}`, `{"resources":"` + estate.Workspace + `","targetResourceGroup":"` + estate.DestinationGroup + `"}`,
		`{"resources":[7],"targetResourceGroup":"` + estate.DestinationGroup + `"}`, `{"resources":[null],"targetResourceGroup":"` + estate.DestinationGroup + `"}`,
		`{"resources":["` + estate.Workspace + `"],"targetResourceGroup":"destination-rg"}`, `{"resources":["` + estate.Workspace + `"],"targetResourceGroup":"/subscriptions/` + estate.Target + `"}`,
		`{"resources":["` + estate.Workspace + `"],"targetResourceGroup":"` + estate.DestinationGroup + `"} more`,
		`{"resources":["` + estate.Workspace + `"],"targetResourceGroup":"` + estate.Storage + `"}`, `{"resources":["workspace"],"targetResourceGroup":"` + estate.DestinationGroup + `"}`,
		`{"resources":["` + estate.OriginGroup + `/providers/Microsoft.Storage"],"targetResourceGroup":"` + estate.DestinationGroup + `"}`} {
		for _, verb := range []string{"validateMoveResources", "moveResources"} {
			answer := e.Ask(t, "", http.MethodPost, estate.OriginGroup+"/"+verb, orNil(body))
			if answer.Status != http.StatusBadRequest || !strings.Contains(string(answer.Body), `"InvalidRequestContent"`) {
				t.Errorf("arm-move 1.2: %s with %q is answered %d: %s", verb, body, answer.Status, answer.Body)
			}
		}
	}
	e.Unchanged(t, "arm-move 1.2", before)
}

// orders: too many resources in one request are refused at once (pain 7).
func orders(t *testing.T, e *estate.Estate) {
	var many []string
	for i := range 801 {
		many = append(many, fmt.Sprintf("%s/providers/Microsoft.Storage/storageAccounts/acct%d", estate.OriginGroup, i))
	}
	refused(t, e, refusal{clause: "arm-move 1.2", ids: many, status: 400, code: "TooManyResourcesInMoveRequest", says: []string{"801", "800"}})
	refused(t, e, refusal{clause: "arm-move 1.2 800 are allowed", ids: many[:800], status: 404, code: "ResourceNotFound", says: []string{"storageAccounts/acct799'"}})
	refused(t, e, refusal{clause: "arm-move 1.2", target: estate.OriginGroup, status: 400, code: "InvalidMoveTarget", says: []string{estate.OriginGroup}})
	refused(t, e, refusal{clause: "arm-move 1.2 whatever the case", target: strings.ToUpper(estate.OriginGroup), status: 400, code: "InvalidMoveTarget"})
	sibling := estate.SiblingGroup + "/providers/Microsoft.Storage/storageAccounts/siblingstore"
	for _, id := range []string{sibling, estate.OriginGroup, "/subscriptions/" + estate.Source} {
		refused(t, e, refusal{clause: "arm-move 1.2", ids: []string{estate.Workspace, id}, status: 400, code: "InvalidResourceInMoveRequest", says: []string{id, estate.OriginGroup}})
	}
	refused(t, e, refusal{clause: "client-wire 5.2", from: strings.Replace(estate.OriginGroup, estate.Source, estate.Target, 1), status: 400, code: "InvalidResourceInMoveRequest", says: []string{estate.Workspace}})
	// The same resource twice is the same resource; ids are compared without regard to case.
	moved(t, e, estate.Workspace, strings.ToUpper(estate.Workspace), strings.Replace(estate.Workspace, "resourceGroups", "resourcegroups", 1))
	e.Get(t, there(estate.Workspace))
}

func targets(t *testing.T, e *estate.Estate) {
	refused(t, e, refusal{clause: "arm-move 2", target: estate.DestinationGroup + "-not", status: 404, code: "ResourceGroupNotFound", says: []string{"destination-rg-not"}})
	refused(t, e, refusal{clause: "arm-move 2", target: estate.OffGroup, status: 409, code: "ReadOnlyDisabledSubscription", says: []string{estate.Off}})
	refused(t, e, refusal{clause: "arm-move 2", target: "/subscriptions/5e5e5e5e-9999-4000-8000-000000000001/resourceGroups/any", status: 404, code: "SubscriptionNotFound", says: []string{"5e5e5e5e-9999"}})
	refused(t, e, refusal{clause: "arm-move 2", from: estate.OffGroup, ids: []string{estate.OffGroup + "/providers/Microsoft.Storage/storageAccounts/any"}, status: 409, code: "ReadOnlyDisabledSubscription", says: []string{estate.Off}})
}

func locks(t *testing.T, e *estate.Estate) {
	lenient := move.Strictest()
	lenient.Locks = "readOnly"
	for _, c := range []struct {
		scope, level  string
		strict, loose bool // refused
	}{
		{"/subscriptions/" + estate.Source, "CanNotDelete", true, false},
		{"/subscriptions/" + estate.Target, "CanNotDelete", true, false},
		{estate.OriginGroup, "CanNotDelete", true, false},
		{estate.DestinationGroup, "CanNotDelete", true, false},
		{estate.Workspace, "CanNotDelete", true, false},
		{under("datastores/workspaceblobstore"), "CanNotDelete", true, false},
		{estate.Storage, "CanNotDelete", false, false}, // not part of the move
		{estate.SiblingGroup, "ReadOnly", false, false},
		{"/subscriptions/" + estate.Source, "ReadOnly", true, true},
		{estate.OriginGroup, "ReadOnly", true, true},
		{estate.DestinationGroup, "ReadOnly", true, true},
		{estate.Workspace, "ReadOnly", true, false},
	} {
		lock := c.scope + "/providers/Microsoft.Authorization/locks/the-lock"
		e.Must(t, http.MethodPut, lock, `{"properties":{"level":"`+c.level+`"}}`)
		for _, s := range []struct {
			settings move.Settings
			refuses  bool
		}{{move.Strictest(), c.strict}, {lenient, c.loose}} {
			e.Set(t, s.settings)
			if s.refuses {
				refused(t, e, refusal{clause: "arm-move 3.1 " + c.level, status: 409, code: "ScopeLocked", says: []string{"cannot perform write operation because following scope(s) are locked: '" + c.scope + "'"}})
			} else if answer := order(t, e, "", "validateMoveResources", estate.OriginGroup, estate.Order(estate.DestinationGroup, estate.Workspace)); answer.Status != http.StatusNoContent {
				t.Errorf("arm-move 3.1: with the setting %q a %s lock at %s refuses: %d %s", s.settings.Locks, c.level, c.scope, answer.Status, answer.Body)
			}
		}
		e.Must(t, http.MethodDelete, lock, nil)
	}
	// Locks do not travel: what stood on the workspace is gone with the old id.
	lenient.Locks = "readOnly"
	e.Set(t, lenient)
	lock := estate.Workspace + "/providers/Microsoft.Authorization/locks/the-lock"
	e.Must(t, http.MethodPut, lock, `{"properties":{"level":"CanNotDelete"}}`)
	moved(t, e, estate.Workspace)
	if list := e.List(t, there(estate.Workspace)+"/providers/Microsoft.Authorization/locks"); len(list) != 0 {
		t.Errorf("arm-move 3.1: the lock followed: %v", list)
	}
	e.Gone(t, "arm-move 3.1", lock)
}

func deployments(t *testing.T, e *estate.Estate) {
	for _, group := range []string{estate.OriginGroup, estate.DestinationGroup} {
		id := group + "/providers/Microsoft.Resources/deployments/rollout"
		e.Import(t, id, map[string]any{"properties": map[string]any{"provisioningState": "Running"}})
		name := group[strings.LastIndexByte(group, '/')+1:]
		refused(t, e, refusal{clause: "arm-move 2", status: 409, code: "DeploymentActive", says: []string{"Moving resources failed because resource group '" + name + "' has active deployments", "rollout"}})
		e.Edit(t, id, "properties.provisioningState", "Succeeded")
		e.Flag(t, id, "")
		if answer := e.Ask(t, "", http.MethodDelete, id, nil); answer.Status != http.StatusNoContent { // the description knows 202 and 204
			t.Errorf("arm-move 2: the deletion of a deployment is answered %d: %s", answer.Status, answer.Body)
		}
	}
	moved(t, e, estate.Workspace)
}

func collisions(t *testing.T, e *estate.Estate) {
	e.Import(t, there(estate.Workspace), map[string]any{"location": "eastus", "properties": map[string]any{"provisioningState": "Succeeded"}})
	refused(t, e, refusal{clause: "arm-move 2", code: byARM, chain: []link{{"ResourceConflict", estate.Workspace}}, says: []string{estate.Workspace, there(estate.Workspace)}})
	e.Drop(t, there(estate.Workspace))
	moved(t, e, estate.Workspace)
}

func softDeleted(t *testing.T, e *estate.Estate) {
	twin := func() {
		e.Make(t, there(estate.Workspace), `{"location":"eastus","identity":{"type":"SystemAssigned"},"properties":{"storageAccount":"`+estate.Storage+`","keyVault":"`+estate.Vault+`"}}`)
		e.Must(t, http.MethodDelete, there(estate.Workspace), nil)
	}
	twin()
	held := refusal{clause: "arm-move 2", code: byARM, chain: []link{{"ResourceConflict", estate.Workspace}}, says: []string{estate.Workspace, "soft-deleted", estate.DestinationGroup}}
	refused(t, e, held)
	e.Clock(t, func(s *operation.ClockState) { s.Offset += 13 * 24 * time.Hour })
	refused(t, e, held)
	e.Clock(t, func(s *operation.ClockState) { s.Offset += 2 * 24 * time.Hour }) // forgotten after 14 days
	moved(t, e, estate.Workspace)
}

func notSucceeded(t *testing.T, e *estate.Estate) {
	for _, id := range []string{estate.Workspace, estate.Storage} {
		typ, _, _ := strings.Cut(strings.TrimPrefix(id, estate.OriginGroup+"/providers/"), "/")
		for _, state := range []aml.ProvisioningState{aml.Creating, aml.Updating, aml.Deleting, aml.Failed, aml.Canceled, aml.Unknown} {
			e.Edit(t, id, "properties.provisioningState", string(state))
			refused(t, e, refusal{clause: "arm-move 2 " + typ, ids: []string{estate.Workspace, estate.Storage}, code: byProviders,
				chain: []link{{code: "MoveCannotProceedWithResourcesNotInSucceededState"}, {"ResourceNotProvisioned", id}}, says: []string{"One of the resources being migrated", id, "'" + string(state) + "'"}})
		}
		e.Edit(t, id, "properties.provisioningState", "Succeeded")
	}
}

func pending(t *testing.T, e *estate.Estate) {
	e.Takes(t, map[string]time.Duration{"workspaces.resynckeys": time.Hour})
	answer := e.Ask(t, "", http.MethodPost, estate.Workspace+"/resyncKeys", nil)
	if answer.Status != http.StatusAccepted {
		t.Fatalf("resyncKeys is answered %d: %s", answer.Status, answer.Body)
	}
	refused(t, e, refusal{clause: "arm-move 2", ids: []string{estate.Storage, estate.Workspace}, code: byProviders,
		chain: []link{{"MoveResourcesHavePendingOperations", "Microsoft.MachineLearningServices/workspaces"}, {"ResourceHasPendingOperation", estate.Workspace}}, says: []string{"in progress", estate.Workspace}})
	e.Advance(t, time.Hour)
	moved(t, e, estate.Workspace)
}

func immovable(t *testing.T, e *estate.Estate) {
	ids := []string{estate.Workspace, estate.Identity}
	for target, ids := range map[string][]string{estate.DestinationGroup: ids, estate.SiblingGroup: ids} {
		refused(t, e, refusal{clause: "arm-move 4.2", target: target, ids: ids, code: byARM, chain: []link{{"ResourceMoveNotSupported", estate.Identity}},
			says: []string{"Resource move is not supported for resource types 'Microsoft.ManagedIdentity/userAssignedIdentities'", estate.Identity}})
	}
}

func privateEndpoints(t *testing.T, e *estate.Estate) {
	endpoint := privateEndpoint(t, e, "pe-ws", estate.Workspace, "amlworkspace")
	r := refusal{clause: "arm-move 4.2", from: estate.SiblingGroup, ids: []string{endpoint}, code: byProviders, chain: []link{{"CannotMoveResource", "Microsoft.Network/privateEndpoints"}, {"MoveNotSupported", endpoint}}, says: []string{endpoint, estate.Workspace}}
	refused(t, e, r)
	r.target = estate.OriginGroup
	refused(t, e, r)
}

func networks(t *testing.T, e *estate.Estate) {
	endpoint := privateEndpoint(t, e, "pe-ws", estate.Workspace, "amlworkspace")
	network := estate.SiblingGroup + "/providers/Microsoft.Network/virtualNetworks/net"
	refused(t, e, refusal{clause: "arm-move 4.2", from: estate.SiblingGroup, ids: []string{network}, code: byProviders, chain: []link{{code: "MissingMoveDependentResources"}, {code: "0"}}, says: []string{"does not contain all the dependent resources", endpoint}})
}

func hubs(t *testing.T, e *estate.Estate) {
	for _, kind := range []string{aml.KindHub, aml.KindProject} {
		e.Edit(t, estate.Workspace, "kind", kind)
		refused(t, e, workspaceFor("aml-contract 2", estate.Workspace, "kind '"+kind+"'"))
	}
	settings := move.Strictest()
	settings.Hubs = "move"
	e.Set(t, settings)
	moved(t, e, estate.Workspace)
}

func families(t *testing.T, e *estate.Estate) {
	e.Make(t, under("computes/cpu"), clusterBody)
	assign(t, e, "/subscriptions/"+estate.Bare, allowedLocations, `{"listOfAllowedLocations":{"value":["westus"]}}`, "Default")
	refused(t, e, refusal{clause: "arm-move 1.3", target: estate.BareGroup, code: byARM, chain: []link{{code: "MissingRegistrationsForTypes"}}, says: []string{"not registered"}})
	register(t, e, required...)
	refused(t, e, refusal{clause: "arm-move 1.3", target: estate.BareGroup, code: byPolicy, chain: []link{{code: "RequestDisallowedByPolicy"}}, says: []string{"disallowed by policy"}})
	e.Must(t, http.MethodDelete, "/subscriptions/"+estate.Bare+"/providers/Microsoft.Authorization/policyAssignments/the-policy", nil)
	r := workspaceFor("arm-move 1.3", under("computes/cpu"), "computes")
	r.target = estate.BareGroup
	refused(t, e, r)
}
