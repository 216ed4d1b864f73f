package cloudtest

import (
	"net/http"
	"strings"
	"testing"
)

// world builds a small estate by hand: a workspace with its accounts, two kinds of children, in the first subscription, and a group in the second.
func world(t *testing.T) (c *Cloud, workspace, target string, accounts []string) {
	t.Helper()
	c = Start(t)
	source := "/subscriptions/" + c.Subscriptions[0]
	target = "/subscriptions/" + c.Subscriptions[1] + "/resourceGroups/destination-rg"
	for _, sub := range c.Subscriptions {
		for _, ns := range []string{"MachineLearningServices", "Storage", "KeyVault", "ContainerRegistry", "Insights", "Notebooks"} {
			c.must(t, http.MethodPost, "/subscriptions/"+sub+"/providers/Microsoft."+ns+"/register", nil)
		}
	}
	c.settle(t)
	for c.Do(t, "", http.MethodGet, "/subscriptions/"+c.Subscriptions[1]+"/providers/Microsoft.Notebooks", nil).JSON(t)["registrationState"] != "Registered" {
		c.settle(t)
	}
	group := source + "/resourceGroups/origin-rg"
	c.must(t, http.MethodPut, group, `{"location":"eastus"}`)
	c.must(t, http.MethodPut, target, `{"location":"eastus"}`)
	accounts = []string{group + "/providers/Microsoft.Storage/storageAccounts/originstore", group + "/providers/Microsoft.KeyVault/vaults/originvault"}
	c.must(t, http.MethodPut, accounts[0], `{"location":"eastus","kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{}}`)
	c.must(t, http.MethodPut, accounts[1], `{"location":"eastus","properties":{"tenantId":"`+c.TenantID+`","sku":{"family":"A","name":"standard"},"accessPolicies":[]}}`)
	workspace = group + "/providers/Microsoft.MachineLearningServices/workspaces/origin-ws"
	c.must(t, http.MethodPut, workspace, `{"location":"eastus","identity":{"type":"SystemAssigned"},"sku":{"name":"Basic"},"properties":{"friendlyName":"Origin","storageAccount":"`+accounts[0]+`","keyVault":"`+accounts[1]+`","custom":{"kept":1.50}}}`)
	return c, workspace, target, accounts
}

// must sends a request as the client, follows its operation, and fails the test when it is refused.
func (c *Cloud) must(t *testing.T, method, path string, body any) Answer {
	t.Helper()
	answer := c.Await(t, method, path, body)
	if answer.Status >= 300 || strings.Contains(string(answer.Body), `"status":"Failed"`) {
		t.Fatalf("%s %s was answered %d: %s", method, path, answer.Status, answer.Body)
	}
	return answer
}

func TestAWorkspaceMovesWithItsAccounts(t *testing.T) {
	t.Parallel()
	c, workspace, target, accounts := world(t)
	c.must(t, http.MethodPut, workspace+"/models/m1/versions/1", `{"properties":{"modelUri":"azureml://datastores/workspaceblobstore/paths/m1"}}`)
	c.must(t, http.MethodPut, workspace+"/data/d1/versions/1", `{"properties":{"dataType":"uri_file","dataUri":"azureml://datastores/workspaceblobstore/paths/d1"}}`)
	before := c.Do(t, "", http.MethodGet, workspace, nil).JSON(t)
	order := map[string]any{"resources": append([]string{workspace}, accounts...), "targetResourceGroup": target}
	group := workspace[:strings.Index(workspace, "/providers/")]
	c.must(t, http.MethodPost, group+"/validateMoveResources", order)
	c.must(t, http.MethodPost, group+"/moveResources", order)

	moved := target + workspace[len(group):]
	after := c.Do(t, "", http.MethodGet, moved, nil).JSON(t)
	if after["id"] != moved {
		t.Errorf("S01 the id is %v, want %s", after["id"], moved)
	}
	was, is := before["properties"].(map[string]any), after["properties"].(map[string]any)
	if was["workspaceId"] != is["workspaceId"] || is["workspaceId"] == nil {
		t.Errorf("S01 the workspace's guid changed from %v to %v", was["workspaceId"], is["workspaceId"])
	}
	if want := target + accounts[0][len(group):]; is["storageAccount"] != want {
		t.Errorf("S42 the storage account is %v, want %s", is["storageAccount"], want)
	}
	if got := c.Do(t, "", http.MethodGet, workspace, nil).Status; got != http.StatusNotFound {
		t.Errorf("S01 the old id answers %d", got)
	}
	if got := c.Do(t, "", http.MethodGet, moved+"/models/m1/versions/1", nil).Status; got != http.StatusOK {
		t.Errorf("S08 the model answers %d", got)
	}
	if got := c.Do(t, "", http.MethodGet, moved+"/data/d1/versions/1", nil).Status; got != http.StatusNotFound {
		t.Errorf("S05 the data asset answers %d", got)
	}
	for _, g := range []string{group, target} {
		if state := c.Do(t, "", http.MethodGet, g, nil).JSON(t)["properties"].(map[string]any)["provisioningState"]; state != "Succeeded" {
			t.Errorf("the group %s is %v after the move", g, state)
		}
	}
}

// A job that is being deleted has ended: it keeps no workspace from moving (S22).
func TestAJobThatIsBeingDeletedKeepsNoWorkspace(t *testing.T) {
	t.Parallel()
	c, workspace, target, accounts := world(t)
	job := workspace + "/jobs/j1"
	c.must(t, http.MethodPut, job, `{"properties":{"jobType":"Command","command":"true","environmentId":"azureml:e:1"}}`)
	for range 100 {
		if c.Do(t, "", http.MethodGet, job, nil).JSON(t)["properties"].(map[string]any)["status"] == "Completed" {
			break
		}
		c.settle(t)
	}
	c.must(t, http.MethodPost, "/_cloud/clock", `{"durations":{"jobs.delete":"24h"}}`)
	if got := c.Do(t, "", http.MethodDelete, job, nil); got.Status != http.StatusAccepted {
		t.Fatalf("the deletion of the job was answered %d: %s", got.Status, got.Body)
	}
	order := map[string]any{"resources": append([]string{workspace}, accounts...), "targetResourceGroup": target}
	c.must(t, http.MethodPost, workspace[:strings.Index(workspace, "/providers/")]+"/validateMoveResources", order)
}

// A workspace's share of its subscription's quota stays behind as nothing: it neither travels, nor waits for the next workspace of that name.
func TestAShareOfTheQuotaEndsWithTheMove(t *testing.T) {
	t.Parallel()
	c, workspace, target, accounts := world(t)
	group := workspace[:strings.Index(workspace, "/providers/")]
	locations := "/providers/Microsoft.MachineLearningServices/locations/eastus/"
	share := map[string]any{"value": []any{map[string]any{"id": workspace + "/quotas/Standard_DSv2_Family_Cluster_Dedicated_vCPUs", "type": "Microsoft.MachineLearningServices/workspaces/quotas", "limit": 8, "unit": "Count"}}}
	if answer := c.must(t, http.MethodPost, "/subscriptions/"+c.Subscriptions[0]+locations+"updateQuotas", share); !strings.Contains(string(answer.Body), "Success") {
		t.Fatalf("the share was not set: %s", answer.Body)
	}
	c.must(t, http.MethodPost, group+"/moveResources", map[string]any{"resources": append([]string{workspace}, accounts...), "targetResourceGroup": target})
	for _, sub := range c.Subscriptions {
		if answer := c.must(t, http.MethodGet, "/subscriptions/"+sub+locations+"quotas", nil); strings.Contains(string(answer.Body), "/workspaces/") {
			t.Errorf("a share is left in %s: %s", sub, answer.Body)
		}
	}
}
