package sdk

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/storage/armstorage"

	"github.com/amlmove/amlmove/test/estate"
)

func TestRolesThroughArmauthorization(t *testing.T) {
	t.Parallel()
	e := estate.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	definitions := first[*armauthorization.RoleDefinitionsClient](t)(armauthorization.NewRoleDefinitionsClient(e.Credential(), e.Options()))
	var scientist string
	for pager := definitions.NewListPager("/subscriptions/"+estate.Source, &armauthorization.RoleDefinitionsClientListOptions{Filter: new("roleName eq 'AzureML Data Scientist'")}); pager.More(); {
		page := first[armauthorization.RoleDefinitionsClientListResponse](t)(pager.NextPage(ctx))
		for _, d := range page.Value {
			scientist = text(d.ID)
		}
	}
	if scientist == "" {
		t.Fatal("S16 there is no role AzureML Data Scientist")
	}
	assignments := first[*armauthorization.RoleAssignmentsClient](t)(armauthorization.NewRoleAssignmentsClient(estate.Source, e.Credential(), e.Options()))
	const name = "5e5e5e5e-4a4a-4000-8000-000000000001"
	kind := armauthorization.PrincipalTypeServicePrincipal
	parameters := armauthorization.RoleAssignmentCreateParameters{Properties: &armauthorization.RoleAssignmentProperties{
		PrincipalID: new(e.Principals["nobody"].ObjectID), PrincipalType: &kind, RoleDefinitionID: &scientist}}
	made := first[armauthorization.RoleAssignmentsClientCreateResponse](t)(assignments.Create(ctx, estate.Workspace, name, parameters, nil))
	if text(made.Properties.Scope) != estate.Workspace {
		t.Errorf("S16 the assignment is at the scope %q", text(made.Properties.Scope))
	}
	if _, err := assignments.Create(ctx, estate.Workspace, "5e5e5e5e-4a4a-4000-8000-000000000002", parameters, nil); code(err) != "RoleAssignmentExists" {
		t.Errorf("S16 the same assignment under another name: %v", err)
	}
	found := false
	for pager := assignments.NewListForScopePager(estate.Workspace, &armauthorization.RoleAssignmentsClientListForScopeOptions{Filter: new("atScope()")}); pager.More(); {
		page := first[armauthorization.RoleAssignmentsClientListForScopeResponse](t)(pager.NextPage(ctx))
		for _, a := range page.Value {
			found = found || text(a.Name) == name
		}
	}
	if !found {
		t.Error("S16 the list at the scope does not show the assignment")
	}
	permissions := first[*armauthorization.PermissionsClient](t)(armauthorization.NewPermissionsClient(estate.Source, e.CredentialOf("contributor"), e.Options()))
	for pager := permissions.NewListForResourcePager("origin-rg", "Microsoft.MachineLearningServices", "", "workspaces", "origin-ws", nil); pager.More(); {
		page := first[armauthorization.PermissionsClientListForResourceResponse](t)(pager.NextPage(ctx))
		if len(page.Value) == 0 || len(page.Value[0].Actions) == 0 || text(page.Value[0].Actions[0]) != "*" {
			t.Errorf("S12 the permissions of a contributor are %+v", page.Value)
		}
	}
	first[armauthorization.RoleAssignmentsClientDeleteResponse](t)(assignments.Delete(ctx, estate.Workspace, name, nil))
	if _, err := assignments.Get(ctx, estate.Workspace, name, nil); code(err) != "RoleAssignmentNotFound" {
		t.Errorf("S16 a deleted assignment: %v", err)
	}
}

func TestAccountsThroughArmstorage(t *testing.T) {
	t.Parallel()
	e := estate.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	accounts := first[*armstorage.AccountsClient](t)(armstorage.NewAccountsClient(estate.Target, e.Credential(), e.Options()))
	kind, sku := armstorage.KindStorageV2, armstorage.SKUNameStandardLRS
	poller, err := accounts.BeginCreate(ctx, "destination-rg", "sdkstore", armstorage.AccountCreateParameters{Kind: &kind, Location: new("eastus"), SKU: &armstorage.SKU{Name: &sku}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	made := first[armstorage.AccountsClientCreateResponse](t)(poller.PollUntilDone(ctx, nil))
	if made.Properties == nil || made.Properties.ProvisioningState == nil || *made.Properties.ProvisioningState != armstorage.ProvisioningStateSucceeded {
		t.Errorf("S42 a new account is %+v", made.Properties)
	}
	keys := first[armstorage.AccountsClientListKeysResponse](t)(accounts.ListKeys(ctx, "destination-rg", "sdkstore", nil))
	if len(keys.Keys) != 2 || text(keys.Keys[0].Value) == "" {
		t.Errorf("S46 the keys are %+v", keys.Keys)
	}
	listed := 0
	for pager := accounts.NewListPager(nil); pager.More(); {
		listed += len(first[armstorage.AccountsClientListResponse](t)(pager.NextPage(ctx)).Value)
	}
	if listed != 1 {
		t.Errorf("S42 the subscription has %d accounts", listed)
	}
	if _, err := accounts.BeginCreate(ctx, "destination-rg", "originstore", armstorage.AccountCreateParameters{Kind: &kind, Location: new("eastus"), SKU: &armstorage.SKU{Name: &sku}}, nil); code(err) != "StorageAccountAlreadyTaken" {
		t.Errorf("the name of another account: %v", err)
	}
	// After the account has moved, its keys are those from before.
	before := first[armstorage.AccountsClientListKeysResponse](t)(storageOf(t, e, estate.Source).ListKeys(ctx, "origin-rg", "originstore", nil))
	e.Must(t, http.MethodPost, estate.OriginGroup+"/moveResources", estate.Order(estate.DestinationGroup, estate.Storage))
	after := first[armstorage.AccountsClientListKeysResponse](t)(accounts.ListKeys(ctx, "destination-rg", "originstore", nil))
	if text(before.Keys[0].Value) != text(after.Keys[0].Value) {
		t.Error("S42 the move changed the account's key")
	}
}

func storageOf(t *testing.T, e *estate.Estate, subscription string) *armstorage.AccountsClient {
	t.Helper()
	return first[*armstorage.AccountsClient](t)(armstorage.NewAccountsClient(subscription, e.Credential(), e.Options()))
}
