package ml_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/provider/ml"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

func TestWorkspaceIsMadeWithWhatBelongsToIt(t *testing.T) {
	t.Parallel()
	c := start(t)
	resp, err := c.call("PUT", ws, workspaceBody())
	must(t, err)
	if resp.Status != 202 || resp.Async == "" {
		t.Errorf("client-wire 10: PUT answers %d with Azure-AsyncOperation %q", resp.Status, resp.Async)
	}
	equal(t, "state while it is made", text(c.ok("GET", ws, ""), "properties.provisioningState"), "Creating")
	c.settle()
	doc := c.ok("GET", ws, "")
	equal(t, "state", text(doc, "properties.provisioningState"), "Succeeded")
	equal(t, "mlFlowTrackingUri", text(doc, "properties.mlFlowTrackingUri"), "azureml://eastus.api.azureml.ms/mlflow/v1.0"+ws)
	equal(t, "tenant", text(doc, "properties.tenantId"), tenant)
	for _, path := range []string{"properties.workspaceId", "identity.principalId", "properties.discoveryUrl", "properties.notebookInfo.fqdn"} {
		if text(doc, path) == "" {
			t.Errorf("%s is missing", path)
		}
	}
	stores := values(c.ok("GET", ws+"/datastores", ""))
	if len(stores) != 4 {
		t.Fatalf("got %d system datastores, want 4", len(stores))
	}
	for _, s := range stores {
		equal(t, text(s, "name"), text(s, "properties.accountName")+" "+text(s, "properties.resourceGroup"), "acct source-rg")
	}
	equal(t, "key of a system datastore", text(c.ok("POST", ws+"/datastores/workspaceblobstore/listSecrets", ""), "key"), "key-of-acct")
}

func TestWorkspaceFollowsItsAccountAndItself(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	before := c.ok("GET", ws, "")
	c.ok("PUT", ws+"/datastores/mine", `{"properties":{"datastoreType":"AzureBlob","accountName":"acct","containerName":"c","subscriptionId":"`+
		strings.TrimPrefix(sub, "/subscriptions/")+`","resourceGroup":"source-rg","credentials":{"credentialsType":"None"}}}`)
	target := sub + "/resourceGroups/target-rg"
	moved := strings.Replace(ws, "source-rg", "target-rg", 1)
	c.move(account, target)
	c.move(ws, target)
	doc := c.ok("GET", moved, "")
	equal(t, "S42 storageAccount", text(doc, "properties.storageAccount"), strings.Replace(account, "source-rg", "target-rg", 1))
	equal(t, "S42 key vault that stayed", text(doc, "properties.keyVault"), vault)
	equal(t, "mlFlowTrackingUri", text(doc, "properties.mlFlowTrackingUri"), "azureml://eastus.api.azureml.ms/mlflow/v1.0"+moved)
	equal(t, "workspaceId", text(doc, "properties.workspaceId"), text(before, "properties.workspaceId"))
	equal(t, "principal", text(doc, "identity.principalId"), text(before, "identity.principalId"))
	equal(t, "S04 system datastore", text(c.ok("GET", moved+"/datastores/workspaceblobstore", ""), "properties.resourceGroup"), "target-rg")
	equal(t, "S32 S45 nondefault datastore stays stale", text(c.ok("GET", moved+"/datastores/mine", ""), "properties.resourceGroup"), "source-rg")
	keys := c.ok("POST", moved+"/listKeys", "")
	equal(t, "S42 userStorageResourceId", text(keys, "userStorageResourceId"), strings.Replace(account, "source-rg", "target-rg", 1))
	equal(t, "userStorageKey", text(keys, "userStorageKey"), "key-of-acct")
	equal(t, "registry user", text(keys, "containerRegistryCredentials.username"), "cr")
}

func TestWorkspaceRefusals(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	other := strings.Replace(ws, "ws1", "ws2", 1)
	swap := func(old, new string) string { return strings.Replace(workspaceBody(), old, new, 1) }
	for _, r := range []struct{ name, method, path, body, at string }{
		{"no storage account", "PUT", other, `{"location":"eastus","properties":{"keyVault":"` + vault + `"}}`, "properties.storageAccount"},
		{"a storage account that is not there", "PUT", other, swap("storageAccounts/acct", "storageAccounts/none"), "properties.storageAccount"},
		{"a vault in place of the account", "PUT", other, swap(account, vault), "properties.storageAccount"},
		{"text in place of an object", "PUT", other, `{"location":"eastus","properties":{"storageAccount":{"id":"x"}}}`, "properties.storageAccount"},
		{"no properties", "PUT", other, `{"location":"eastus"}`, "properties.storageAccount"},
		{"a number in place of a text", "PUT", other, swap(`"applicationInsights":`, `"friendlyName":5,"applicationInsights":`), "properties.friendlyName"},
		{"an unknown network access", "PUT", other, swap(`"applicationInsights":`, `"publicNetworkAccess":"Maybe","applicationInsights":`), "properties.publicNetworkAccess"},
		{"an unknown identity", "PUT", other, swap("SystemAssigned", "Ghost"), "identity.type"},
		{"a user identity without a list", "PUT", other, swap("SystemAssigned", "UserAssigned"), "identity.userAssignedIdentities"},
		{"encryption without a key", "PUT", other, swap(`"applicationInsights":`, `"encryption":{"status":"Enabled"},"applicationInsights":`), "properties.encryption.keyVaultProperties"},
		{"a project without a hub", "PUT", other, `{"kind":"Project","location":"eastus","properties":{}}`, "properties.hubResourceId"},
		{"another storage account later", "PATCH", ws, `{"properties":{"storageAccount":"` + vault + `"}}`, "properties.storageAccount"},
		{"another kind later", "PATCH", ws, `{"kind":"Hub"}`, "kind"},
	} {
		t.Run(r.name, func(t *testing.T) {
			if e := c.refused(errs.Invalid, r.method, r.path, r.body); e.Target != r.at {
				t.Errorf("target: got %q, want %q (%v)", e.Target, r.at, e)
			}
		})
	}
}

func TestWorkspacePatchAndPutKeepWhatTheServiceOwns(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	before := c.ok("GET", ws, "")
	c.ok("PATCH", ws, `{"tags":{"a":"b"},"properties":{"friendlyName":"new","workspaceId":"forged"}}`)
	c.settle()
	doc := c.ok("GET", ws, "")
	equal(t, "friendlyName", text(doc, "properties.friendlyName"), "new")
	equal(t, "workspaceId", text(doc, "properties.workspaceId"), text(before, "properties.workspaceId"))
	equal(t, "tag", text(doc, "tags.a"), "b")
	c.ok("PUT", ws, strings.Replace(workspaceBody(), `"properties":{`, `"properties":{"newThing":{"kept":true},`, 1))
	c.settle()
	doc = c.ok("GET", ws, "")
	equal(t, "principal", text(doc, "identity.principalId"), text(before, "identity.principalId"))
	equal(t, "workspaceId after PUT", text(doc, "properties.workspaceId"), text(before, "properties.workspaceId"))
	if fmt.Sprint(doc["properties"].(map[string]any)["newThing"]) != "map[kept:true]" {
		t.Error("D1 a property that nobody knows is dropped")
	}
}

func TestSoftDeletedNameIsBlocked(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	c.ok("DELETE", ws, "")
	c.settle()
	c.refused(errs.NotFound, "GET", ws, "")
	e := c.refused(errs.Conflict, "PUT", ws, workspaceBody())
	if !strings.Contains(e.Message, "Soft-deleted workspace exists") {
		t.Errorf("got %v", e)
	}
	c.refused(errs.Unsupported, "PUT", ws, strings.Replace(workspaceBody(), `"properties":{`, `"properties":{"allowRecoverSoftDeletedWorkspace":true,`, 1))
	c.sleep(15 * 24 * time.Hour)
	c.ok("PUT", ws, workspaceBody())
	c.settle()
	c.ok("DELETE", ws, "")
	c.settle()
	must(t, c.store.Update(t.Context(), func(tx store.Tx) error {
		found, err := c.tree.Resolve(t.Context(), tx, mustParse(group))
		if err != nil {
			return err
		}
		return ml.Purge(t.Context(), tx, found.Node.ID, "WS1", c.clock.Now())
	}))
	c.ok("PUT", ws, workspaceBody())
	c.settle()
	c.ok("DELETE", ws+"?forceToPurge=true", "")
	c.settle()
	c.ok("PUT", ws, workspaceBody())
}

func TestCustomerManagedKeyIsKept(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.ok("PUT", ws, strings.Replace(workspaceBody(), `"properties":{`,
		`"properties":{"encryption":{"status":"Enabled","keyVaultProperties":{"keyVaultArmId":"`+vault+`","keyIdentifier":"https://kv/keys/k/1"}},`, 1))
	c.settle()
	doc := c.ok("GET", ws, "")
	equal(t, "S33 status", text(doc, "properties.encryption.status"), "Enabled")
	if !strings.HasPrefix(text(doc, "properties.serviceProvisionedResourceGroup"), "azureml-rg-ws1_") {
		t.Errorf("S33 managed group: got %q", text(doc, "properties.serviceProvisionedResourceGroup"))
	}
}

func TestHubKnowsItsProjects(t *testing.T) {
	t.Parallel()
	c := start(t)
	hub, project := strings.Replace(ws, "ws1", "hub", 1), strings.Replace(ws, "ws1", "project", 1)
	c.ok("PUT", hub, strings.Replace(workspaceBody(), "{", `{"kind":"Hub",`, 1))
	c.settle()
	c.ok("PUT", project, `{"kind":"Project","location":"eastus","properties":{"hubResourceId":"`+hub+`"}}`)
	c.settle()
	equal(t, "storage of the project", text(c.ok("GET", project, ""), "properties.storageAccount"), account)
	known := c.ok("GET", hub, "")["properties"].(map[string]any)["associatedWorkspaces"]
	if fmt.Sprint(known) != "["+project+"]" {
		t.Errorf("got %v", known)
	}
	c.refused(errs.Conflict, "DELETE", hub, "")
	c.ok("DELETE", project, "")
	c.settle()
	c.ok("DELETE", hub, "")
}

func TestDiagnoseLooksAtWhatIsThere(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	c.ok("DELETE", vault, "")
	resp, err := c.call("POST", ws+"/diagnose", `{"value":{"storageAccount":{}}}`)
	must(t, err)
	if resp.Status != 202 {
		t.Errorf("got %d", resp.Status)
	}
	c.settle()
	result := c.ok("GET", strings.TrimPrefix(resp.Location[:strings.Index(resp.Location, "?")], "https://cloud"), "")
	if found := text(result["value"].(map[string]any)["keyVaultResults"].([]any)[0].(map[string]any), "level"); found != "Error" {
		t.Errorf("got %v", result)
	}
	if n := len(result["value"].(map[string]any)["storageAccountResults"].([]any)); n != 0 {
		t.Errorf("the storage account has %d findings", n)
	}
}

func TestManagedNetworkRules(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	c.refused(errs.Invalid, "PUT", ws+"/outboundRules/r1", `{"properties":{"type":"FQDN","destination":"pypi.org"}}`)
	c.refused(errs.Invalid, "POST", ws+"/provisionManagedNetwork", `{}`)
	c.ok("PATCH", ws, `{"properties":{"managedNetwork":{"isolationMode":"AllowInternetOutbound","outboundRules":{"mine":{"type":"FQDN","destination":"a.b"}}}}}`)
	c.settle()
	if n := len(values(c.ok("GET", ws+"/outboundRules", ""))); n != 5 {
		t.Errorf("got %d rules, want the client's and four of the service", n)
	}
	c.ok("POST", ws+"/provisionManagedNetwork", `{"includeSpark":false}`)
	c.settle()
	doc := c.ok("GET", ws, "")
	equal(t, "network", text(doc, "properties.managedNetwork.status.status"), "Active")
	for name, rule := range doc["properties"].(map[string]any)["managedNetwork"].(map[string]any)["outboundRules"].(map[string]any) {
		equal(t, name, text(rule.(map[string]any), "status"), "Active")
		if text(rule.(map[string]any), "category") == "Required" {
			c.refused(errs.Conflict, "DELETE", ws+"/outboundRules/"+name, "")
		}
	}
	c.refused(errs.Invalid, "PATCH", ws, `{"properties":{"managedNetwork":{"isolationMode":"Disabled"}}}`)
	c.refused(errs.Invalid, "PUT", ws+"/outboundRules/r1", `{"properties":{"type":"FQDN"}}`)
	c.refused(errs.Invalid, "PUT", ws+"/outboundRules/r1", `{"properties":{"type":"Pigeon","destination":"x"}}`)
	c.ok("PUT", ws+"/outboundRules/r1", `{"properties":{"type":"FQDN","destination":"pypi.org"}}`)
	c.settle()
	equal(t, "rule", text(c.ok("GET", ws+"/outboundRules/r1", ""), "properties.status"), "Active")
}

// A rule inside the workspace's document is a child like any other: its name is judged as in its own PUT.
func TestRulesInsideAWorkspaceHaveGoodNames(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	rules := func(name string) string {
		return `{"properties":{"managedNetwork":{"isolationMode":"AllowInternetOutbound","outboundRules":{"` + name + `":{"type":"FQDN","destination":"a.b"}}}}}`
	}
	for _, name := range []string{"a/b", "a<b", "a%b", "a?b", "a\\nb", "", strings.Repeat("x", 261)} {
		if e := c.refused(errs.Invalid, "PATCH", ws, rules(name)); e.Code != "InvalidResourceName" {
			t.Errorf("the name %.20q gave %v", name, e)
		}
	}
	equal(t, "isolation after the refusals", text(c.ok("GET", ws, ""), "properties.managedNetwork.isolationMode"), "Disabled")
	c.refused(errs.Invalid, "PUT", ws+"/outboundRules/a<b", `{"properties":{"type":"FQDN","destination":"pypi.org"}}`)
	c.ok("PATCH", ws, rules("good-name_1"))
	c.settle()
	c.ok("GET", ws+"/outboundRules/good-name_1", "")
}

func TestPrivateEndpointConnections(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	pe := ws + "/privateEndpointConnections/pe1.guid"
	c.refused(errs.Invalid, "PUT", pe, `{"properties":{"privateLinkServiceConnectionState":{"status":"Approved"}}}`)
	c.ok("PUT", pe, `{"properties":{"privateEndpoint":{"id":"`+group+`/providers/Microsoft.Network/privateEndpoints/pe1"},"privateLinkServiceConnectionState":{}}}`)
	equal(t, "S24 a new connection waits", text(c.ok("GET", pe, ""), "properties.privateLinkServiceConnectionState.status"), "Pending")
	resp, err := c.call("PUT", pe, `{"properties":{"privateLinkServiceConnectionState":{"status":"Approved","description":"ok"}}}`)
	must(t, err)
	if resp.Status != 200 {
		t.Errorf("PUT answers %d, want 200", resp.Status)
	}
	inline := c.ok("GET", ws, "")["properties"].(map[string]any)["privateEndpointConnections"].([]any)
	if len(inline) != 1 || text(inline[0].(map[string]any), "properties.privateLinkServiceConnectionState.status") != "Approved" {
		t.Errorf("got %v", inline)
	}
	equal(t, "privateLinkCount", fmt.Sprint(c.ok("GET", ws, "")["properties"].(map[string]any)["privateLinkCount"]), "1")
	c.refused(errs.Invalid, "PUT", pe, `{"properties":{"privateLinkServiceConnectionState":{"status":"Perhaps"}}}`)
	c.ok("DELETE", pe, "")
	c.refused(errs.NotFound, "GET", pe, "")
}

// A hub that is being deleted takes no project: the project would stand without it.
func TestAHubThatIsBeingDeletedTakesNoProject(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	collection := ws[:strings.LastIndexByte(ws, '/')]
	c.ok("PUT", collection+"/hub", strings.Replace(workspaceBody(), "{", `{"kind":"Hub",`, 1))
	c.settle()
	c.ok("DELETE", collection+"/hub", "")
	c.refused(errs.Conflict, "PUT", collection+"/project", `{"kind":"Project","location":"eastus","properties":{"hubResourceId":"`+collection+`/hub"}}`)
}
