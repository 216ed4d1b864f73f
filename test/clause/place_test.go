package clause

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/test/estate"
)

const hour = time.Hour

// hours says that something takes an hour on the cloud's clock.
func hours(names ...string) map[string]time.Duration {
	durations := map[string]time.Duration{}
	for _, name := range names {
		durations[name] = hour
	}
	return durations
}

// register registers namespaces in the bare subscription.
func register(t *testing.T, e *estate.Estate, namespaces ...string) {
	t.Helper()
	for _, ns := range namespaces {
		e.Must(t, http.MethodPost, "/subscriptions/"+estate.Bare+"/providers/"+ns+"/register", nil)
	}
	e.Settle(t)
}

// unregistered is the refusal for types that the bare subscription is not registered for. Never MissingSubscriptionRegistration: az would register the
// source and repeat (client-wire 5.5).
func unregistered(clause string, types ...string) refusal {
	r := refusal{clause: clause, target: estate.BareGroup, code: byARM, chain: []link{{"MissingRegistrationsForTypes", "/subscriptions/" + estate.Bare}},
		says: []string{"The subscription '" + estate.Bare + "' is not registered for resource types '"}}
	for _, typ := range types {
		r.says = append(r.says, typ+" (eastus)")
	}
	return r
}

var required = []string{"Microsoft.MachineLearningServices", "Microsoft.Storage", "Microsoft.ContainerRegistry", "Microsoft.KeyVault", "Microsoft.Notebooks", "Microsoft.Insights"}

func registrations(t *testing.T, e *estate.Estate) {
	refused(t, e, unregistered("S17", "Microsoft.MachineLearningServices/workspaces", "Microsoft.MachineLearningServices/workspaces/datastores",
		"Microsoft.Storage/storageAccounts", "Microsoft.ContainerRegistry/registries", "Microsoft.KeyVault/vaults", "Microsoft.Notebooks/NotebookProxies"))
	register(t, e, required[1:]...)
	refused(t, e, unregistered("S17 all but one", "Microsoft.MachineLearningServices/workspaces"))
	register(t, e, required[0])
	movedTo(t, e, estate.BareGroup, estate.Workspace)
}

func registrationForAKS(t *testing.T, e *estate.Estate) {
	register(t, e, required...)
	attachAKS(t, e)
	refused(t, e, unregistered("S18", "Microsoft.ContainerService/managedClusters"))
	e.Must(t, http.MethodDelete, under("computes/aks?underlyingResourceAction=Detach"), nil)
	movedTo(t, e, estate.BareGroup, estate.Workspace)
}

func registrationForKeys(t *testing.T, e *estate.Estate) {
	register(t, e, required...)
	e.Edit(t, estate.Workspace, "properties.encryption.status", "Enabled")
	refused(t, e, unregistered("S19", "Microsoft.DocumentDB/databaseAccounts", "Microsoft.Search/searchServices"))
	e.Edit(t, estate.Workspace, "properties.encryption.status", "Disabled")
	movedTo(t, e, estate.BareGroup, estate.Workspace)
}

// S21: groups and subscriptions within one region.
func oneRegion(t *testing.T, e *estate.Estate) {
	group := "/subscriptions/" + estate.Target + "/resourceGroups/spelled-rg"
	e.Make(t, group, `{"location":"East US"}`) // the same region, as people write it
	movedTo(t, e, group, estate.Workspace)
}

func regionsRefused(t *testing.T, e *estate.Estate) {
	r := workspaceFor("S26", estate.Workspace, "'eastus'", "'westus'", "across regions")
	r.target, r.chain[1].code = estate.WestGroup, "CrossRegionMoveNotSupported"
	refused(t, e, r)
	movedTo(t, e, estate.WestGroup, estate.Storage) // an account keeps its region wherever its group is (arm-move 1.2)
	if location := e.Get(t, estate.Moved(estate.Storage, estate.WestGroup))["location"]; location != "eastus" {
		t.Errorf("S26 the account's region became %v", location)
	}
}

func tenantsRefused(t *testing.T, e *estate.Estate) {
	refused(t, e, refusal{clause: "S27", target: estate.ForeignGroup, status: 403, code: "LinkedAuthorizationFailed", says: []string{"another tenant", estate.Foreign}})
	// Nor can the other tenant fetch it: its token is worth nothing here.
	before := e.Digest(t)
	answer := e.Ask(t, "stranger", http.MethodPost, estate.OriginGroup+"/moveResources", estate.Order(estate.ForeignGroup, estate.Workspace))
	if answer.Status != http.StatusUnauthorized || !strings.Contains(string(answer.Body), "InvalidAuthenticationTokenTenant") {
		t.Errorf("S27 the other tenant's move is answered %d: %s", answer.Status, answer.Body)
	}
	e.Unchanged(t, "S27", before)
}

func childrenAreRefused(t *testing.T, e *estate.Estate) {
	e.Make(t, under("models/m/versions/1"), `{"properties":{"modelUri":"azureml://datastores/workspaceblobstore/paths/m"}}`)
	for _, child := range []string{under("models/m"), under("models/m/versions/1"), under("datastores/workspaceblobstore"), estate.Storage + "/blobServices/default"} {
		refused(t, e, refusal{clause: "S25", ids: []string{child}, status: 400, code: "CannotMoveChildResource", says: []string{child}})
		refused(t, e, refusal{clause: "S25 with its parent", ids: []string{estate.Workspace, child}, status: 400, code: "CannotMoveChildResource", says: []string{child}})
	}
}

func accountSet(t *testing.T, e *estate.Estate) {
	found := map[any]any{}
	for _, s := range e.List(t, "/subscriptions") {
		found[s["subscriptionId"]] = s["state"]
		if s["tenantId"] != estate.Home {
			t.Errorf("S39 the list shows a subscription of another tenant: %v", s)
		}
	}
	if found[estate.Source] != "Enabled" || found[estate.Target] != "Enabled" || found[estate.Off] != "Disabled" {
		t.Errorf("S39 the list of subscriptions from which az chooses is %v", found)
	}
}

func groupCreate(t *testing.T, e *estate.Estate) {
	group := "/subscriptions/" + estate.Target + "/resourcegroups/made-rg?api-version=2021-04-01"
	for _, want := range []int{http.StatusCreated, http.StatusOK} {
		if answer := e.Ask(t, "", http.MethodPut, group, `{"location": "eastus"}`); answer.Status != want || at(answer.JSON(t), "properties.provisioningState") != "Succeeded" {
			t.Errorf("S40 az group create is answered %d, want %d: %s", answer.Status, want, answer.Body)
		}
	}
	if answer := e.Ask(t, "", http.MethodPut, group, `{"location": "westus"}`); answer.Status != http.StatusConflict {
		t.Errorf("S40 a group that changes its region is answered %d", answer.Status)
	}
}

func noTenantMove(t *testing.T, e *estate.Estate) {
	before := e.Digest(t)
	body := `{"tenantId":"` + e.Principals["stranger"].TenantID + `","properties":{"tenantId":"` + e.Principals["stranger"].TenantID + `"}}`
	for _, method := range []string{http.MethodPut, http.MethodPatch} {
		if answer := e.Ask(t, "", method, "/subscriptions/"+estate.Source, body); answer.Status < 400 {
			t.Errorf("S48 %s of a subscription is answered %d: %s", method, answer.Status, answer.Body)
		}
	}
	e.Unchanged(t, "S48", before)
	e.Ask(t, "", http.MethodPatch, estate.Workspace, body)
	e.Settle(t)
	if tenant := at(e.Get(t, estate.Workspace), "properties.tenantId"); tenant != estate.Home {
		t.Errorf("S48 a workspace changed its tenant to %v", tenant)
	}
}
