package ml_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/errs"
)

const cluster = `{"location":"eastus","properties":{"computeType":"AmlCompute","properties":{"vmSize":"STANDARD_DS3_v2","scaleSettings":{"maxNodeCount":4,"minNodeCount":1},` +
	`"userAccountCredentials":{"adminUserName":"me","adminUserPassword":"canary"}}}}`

const instance = `{"location":"eastus","properties":{"computeType":"ComputeInstance","properties":{"vmSize":"Standard_DS3_v2"}}}`

func TestClusterLifeAndSecrets(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	path := ws + "/computes/cpu"
	resp, err := c.call("PUT", path, cluster)
	must(t, err)
	if resp.Status != 201 || strings.Contains(string(resp.Body), "canary") {
		t.Errorf("D10: status %d, body %s", resp.Status, resp.Body)
	}
	equal(t, "S34 state while it is made", text(c.ok("GET", path, ""), "properties.provisioningState"), "Creating")
	c.settle()
	doc := c.ok("GET", path, "")
	equal(t, "state", text(doc, "properties.provisioningState")+text(doc, "properties.properties.allocationState"), "SucceededSteady")
	equal(t, "size as it was put", text(doc, "properties.properties.vmSize"), "STANDARD_DS3_v2")
	if n := len(c.ok("POST", path+"/listNodes", "")["nodes"].([]any)); n != 1 {
		t.Errorf("got %d nodes", n)
	}
	resp, err = c.call("PATCH", path, `{"properties":{"properties":{"scaleSettings":{"minNodeCount":0}}}}`)
	must(t, err)
	if resp.Status != 200 {
		t.Errorf("PATCH answers %d, want 200 only", resp.Status)
	}
	c.refused(errs.Invalid, "DELETE", path, "")
	c.refused(errs.Invalid, "DELETE", path+"?underlyingResourceAction=Detach", "")
	c.ok("DELETE", path+"?underlyingResourceAction=Delete", "")
	c.settle()
	c.refused(errs.NotFound, "GET", path, "")
}

func TestComputeRefusals(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	path := ws + "/computes/cpu"
	for _, r := range []struct{ name, body, at string }{
		{"no type", `{"properties":{}}`, "properties.computeType"},
		{"an unknown type", `{"properties":{"computeType":"Abacus"}}`, "properties.computeType"},
		{"no size", `{"properties":{"computeType":"AmlCompute"}}`, "properties.properties.vmSize"},
		{"an unknown size", strings.Replace(cluster, "STANDARD_DS3_v2", "huge", 1), "properties.properties.vmSize"},
		{"fewer nodes at most than at least", strings.Replace(cluster, `"minNodeCount":1`, `"minNodeCount":9`, 1), "properties.properties.scaleSettings"},
		{"a text in place of a number", strings.Replace(cluster, `"minNodeCount":1`, `"minNodeCount":"1"`, 1), "properties.properties.scaleSettings.minNodeCount"},
		{"a list in place of an object", `{"properties":{"computeType":"AmlCompute","properties":[]}}`, "properties.properties"},
		{"an administrator without a way in", strings.Replace(cluster, `,"adminUserPassword":"canary"`, "", 1), "properties.properties.userAccountCredentials"},
		{"an attached one without a resource", `{"properties":{"computeType":"Databricks"}}`, "properties.resourceId"},
		{"an attached one whose resource is not there", `{"properties":{"computeType":"AKS","resourceId":"` + group +
			`/providers/Microsoft.ContainerService/managedClusters/none"}}`, "properties.resourceId"},
		{"an attached one of another type", `{"properties":{"computeType":"AKS","resourceId":"` + account + `"}}`, "properties.resourceId"},
	} {
		t.Run(r.name, func(t *testing.T) {
			if e := c.refused(errs.Invalid, "PUT", path, r.body); e.Target != r.at {
				t.Errorf("target: got %q, want %q (%v)", e.Target, r.at, e)
			}
		})
	}
	c.refused(errs.Invalid, "PUT", ws+"/computes/1bad", cluster)
}

func TestAttachedComputeIsDetachedOrTakenAway(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	aks := group + "/providers/Microsoft.ContainerService/managedClusters/k8s"
	body := `{"location":"eastus","properties":{"computeType":"AKS","resourceId":"` + aks + `"}}`
	c.ok("PUT", aks, `{"location":"eastus","properties":{}}`)
	path := ws + "/computes/k8s"
	c.ok("PUT", path, body)
	c.settle()
	if c.ok("GET", path, "")["properties"].(map[string]any)["isAttachedCompute"] != true {
		t.Error("S31 an attached compute does not say so")
	}
	c.ok("DELETE", path+"?underlyingResourceAction=Detach", "")
	c.settle()
	c.ok("GET", aks, "")
	c.ok("PUT", path, body)
	c.settle()
	c.ok("DELETE", path+"?underlyingResourceAction=Delete", "")
	c.settle()
	if e := c.refused(errs.NotFound, "GET", aks, ""); e == nil {
		t.Error("D9 Delete of an attached compute leaves its resource alone")
	}
}

func TestInstancePowerAndName(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	path := ws + "/computes/ci-1"
	c.ok("PUT", path, instance)
	equal(t, "state", text(c.ok("GET", path, ""), "properties.properties.state"), "Creating")
	c.settle()
	equal(t, "owner", text(c.ok("GET", path, ""), "properties.properties.createdBy.userId"), principal)
	for _, step := range []struct{ verb, via, end string }{{"stop", "Stopping", "Stopped"}, {"start", "Starting", "Running"}, {"restart", "Restarting", "Running"}} {
		resp, err := c.call("POST", path+"/"+step.verb, "")
		must(t, err)
		if resp.Status != 202 {
			t.Errorf("%s answers %d", step.verb, resp.Status)
		}
		equal(t, step.verb, text(c.ok("GET", path, ""), "properties.properties.state"), step.via)
		c.settle()
		equal(t, step.verb, text(c.ok("GET", path, ""), "properties.properties.state"), step.end)
	}
	c.refused(errs.Conflict, "POST", path+"/start", "")
	second := strings.Replace(ws, "ws1", "ws2", 1)
	c.ok("PUT", second, workspaceBody())
	c.settle()
	e := c.refused(errs.Conflict, "PUT", second+"/computes/ci-1", instance)
	if !strings.Contains(e.Message, "already in use") {
		t.Errorf("got %v", e)
	}
	c.ok("PUT", second+"/computes/other", cluster)
	c.ok("DELETE", path+"?underlyingResourceAction=Delete", "")
	c.settle()
	c.ok("PUT", second+"/computes/ci-1", instance)
	c.ok("DELETE", second, "")
	c.settle()
	c.ok("PUT", path, instance)
}

func TestComputeKeysAreListed(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	path := ws + "/computes/vm"
	c.ok("PUT", path, `{"properties":{"computeType":"VirtualMachine","resourceId":"`+group+`/providers/Microsoft.Compute/virtualMachines/vm","properties":`+
		`{"address":"10.0.0.9","administratorAccount":{"username":"me","password":"canary","privateKeyData":"canary2"}}}}`)
	c.settle()
	if got := fmt.Sprint(c.ok("GET", path, "")); strings.Contains(got, "canary") {
		t.Errorf("D10: %s", got)
	}
	keys := c.ok("POST", path+"/listKeys", "")
	equal(t, "password", text(keys, "administratorAccount.password"), "canary")
	c.ok("PUT", ws+"/computes/cpu", cluster)
	c.refused(errs.Invalid, "POST", ws+"/computes/cpu/listKeys", "")
	c.refused(errs.Invalid, "POST", ws+"/computes/cpu/start", "")
}

func TestQuotaIsDerivedAndEnforced(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	family := "Standard DSv2 Family Cluster Dedicated vCPUs"
	usage := func() string {
		for _, item := range values(c.ok("GET", locations+"/usages", "")) {
			if text(item, "name.value") == family {
				return fmt.Sprint(item["currentValue"], "/", item["limit"])
			}
		}
		return "missing"
	}
	equal(t, "at first", usage(), "0/100")
	c.ok("PUT", ws+"/computes/cpu", cluster) // 4 nodes of 4 cores
	equal(t, "with a cluster", usage(), "16/100")
	c.ok("PUT", ws+"/computes/ci-1", instance)
	equal(t, "with an instance", usage(), "20/100")
	big := strings.Replace(cluster, `"maxNodeCount":4`, `"maxNodeCount":30`, 1)
	e := c.refused(errs.Invalid, "PUT", ws+"/computes/big", big)
	for _, word := range []string{"120", family, "uses 20", "quota of 100"} {
		if !strings.Contains(e.Message, word) {
			t.Errorf("the refusal does not say %q: %s", word, e.Message)
		}
	}
	gpu := c.refused(errs.Invalid, "PUT", ws+"/computes/gpu", strings.Replace(cluster, "STANDARD_DS3_v2", "Standard_NC6s_v3", 1))
	equal(t, "D2 no quota for graphics processors", gpu.Code, "QuotaExceeded")
	id := sub + "/quotas/Standard_DSv2_Family_Cluster_Dedicated_vCPUs"
	status := func(limit int) string {
		answer := c.ok("POST", locations+"/updateQuotas", fmt.Sprintf(`{"value":[{"id":%q,"type":"t","limit":%d,"unit":"Count"}]}`, id, limit))
		return text(values(answer)[0], "status")
	}
	equal(t, "below what is used", status(10), "InvalidQuotaBelowClusterMinimum")
	equal(t, "raised", status(200), "Success")
	c.ok("PUT", ws+"/computes/big", big)
	equal(t, "raised", usage(), "140/200")
	id = ws + "/quotas/Standard_DSv2_Family_Cluster_Dedicated_vCPUs"
	equal(t, "a workspace's share above the subscription's", status(500), "InvalidQuotaExceedsSubscriptionLimit")
	equal(t, "a workspace's share", status(150), "Success")
	c.refused(errs.Invalid, "PUT", ws+"/computes/more", cluster)
	id = sub + "/quotas/Standard_Toaster_vCPUs"
	equal(t, "an unknown family", status(5), "InvalidVMFamilyName")
	c.refused(errs.Conflict, "PATCH", ws+"/computes/big", `{"tags":{"not":"yet"}}`)
	c.settle()
	c.ok("PATCH", ws+"/computes/big", `{"tags":{"still":"works"}}`)
	c.ok("DELETE", ws+"/computes/big?underlyingResourceAction=Delete", "")
	c.settle()
	equal(t, "after the deletion", usage(), "20/200")
	if n := len(values(c.ok("GET", locations+"/vmSizes", ""))); n < 40 {
		t.Errorf("only %d sizes", n)
	}
	if n := len(values(c.ok("GET", locations+"/quotas", ""))); n < 15 {
		t.Errorf("only %d quotas", n)
	}
}

// A workspace's share of the quota ends with the workspace: the next one of that name has none. Nor can one be given to a workspace that is not there.
func TestAWorkspacesQuotaGoesWithIt(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	near := strings.Replace(ws, "ws1", "ws11", 1)
	c.ok("PUT", near, workspaceBody())
	c.settle()
	share := func(workspace string, limit int) string {
		answer := c.ok("POST", locations+"/updateQuotas", fmt.Sprintf(`{"value":[{"id":"%s/quotas/Standard_DSv2_Family_Cluster_Dedicated_vCPUs","type":"t","limit":%d,"unit":"Count"}]}`, workspace, limit))
		return text(values(answer)[0], "status")
	}
	shares := func() string {
		var ids []string
		for _, item := range values(c.ok("GET", locations+"/quotas", "")) {
			if id := text(item, "id"); strings.Contains(id, "/workspaces/") {
				ids = append(ids, fmt.Sprint(strings.TrimPrefix(id, group+"/providers/Microsoft.MachineLearningServices/workspaces/"), " ", item["limit"]))
			}
		}
		return strings.Join(ids, ", ")
	}
	equal(t, "a share", share(strings.ToUpper(ws[:len(ws)-3])+"WS1", 8), "Success")
	equal(t, "another's share", share(near, 12), "Success")
	equal(t, "no such workspace", share(ws+"-nope", 8), "Failure")
	equal(t, "another subscription", share(strings.Replace(ws, "000001/", "000002/", 1), 8), "Failure")
	c.refused(errs.Invalid, "PUT", ws+"/computes/cpu", cluster) // 4 nodes of 4 cores
	c.ok("DELETE", ws+"?forceToPurge=true", "")
	c.settle()
	equal(t, "what is left", shares(), "ws11/quotas/Standard_DSv2_Family_Cluster_Dedicated_vCPUs 12")
	c.ok("PUT", ws, workspaceBody())
	c.settle()
	c.ok("PUT", ws+"/computes/cpu", cluster)
	c.settle()
	c.refused(errs.Invalid, "PUT", near+"/computes/cpu-near", cluster)
}
