package clause

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/test/estate"
)

// clusterBody makes a compute that the service owns.
const clusterBody = `{"location":"eastus","properties":{"computeType":"AmlCompute","properties":{"vmSize":"Standard_DS2_v2","scaleSettings":{"minNodeCount":0,"maxNodeCount":1}}}}`

const (
	onlineBody           = `{"location":"eastus","identity":{"type":"SystemAssigned"},"properties":{"authMode":"Key"}}`
	onlineDeploymentBody = `{"location":"eastus","sku":{"name":"Default","capacity":1},"properties":{"endpointComputeType":"Managed","instanceType":"Standard_DS2_v2","model":"azureml://registries/azureml/models/m/versions/1"}}`
	batchBody            = `{"location":"eastus","properties":{"authMode":"AADToken"}}`
	batchDeploymentBody  = `{"location":"eastus","properties":{"model":{"referenceType":"Id","assetId":"azureml://registries/azureml/models/m/versions/1"}}}`
	serverlessBody       = `{"location":"eastus","sku":{"name":"Consumption"},"properties":{"authMode":"Key","modelSettings":{"modelId":"azureml://registries/azureml/models/m"}}}`
)

// under is something in the workspace.
func under(path string) string { return estate.Workspace + "/" + path }

func computesBlock(t *testing.T, e *estate.Estate) {
	e.Make(t, under("computes/cpu-one"), clusterBody)
	e.Make(t, under("computes/cpu-two"), clusterBody)
	r := workspaceFor("S09", under("computes/cpu-one"), estate.Workspace, "computes", "'cpu-one (AmlCompute, Succeeded)'", "'cpu-two (AmlCompute, Succeeded)'")
	r.chain[1].target = under("computes/cpu-two")
	refused(t, e, r)
	e.Must(t, http.MethodDelete, under("computes/cpu-one?underlyingResourceAction=Delete"), nil)
	refused(t, e, workspaceFor("S09", under("computes/cpu-two"), "'cpu-two"))
	e.Must(t, http.MethodDelete, under("computes/cpu-two?underlyingResourceAction=Delete"), nil)
	moved(t, e, estate.Workspace)
}

func endpointsBlock(t *testing.T, e *estate.Estate) {
	for _, c := range []struct{ path, body, deployment, deploymentBody string }{
		{"onlineEndpoints/s10-online", onlineBody, "/deployments/blue", onlineDeploymentBody},
		{"batchEndpoints/s10-batch", batchBody, "/deployments/blue", batchDeploymentBody},
		{"serverlessEndpoints/s10-serverless", serverlessBody, "", ""},
	} {
		e.Make(t, under(c.path), c.body)
		refused(t, e, workspaceFor("S10", under(c.path), estate.Workspace, c.path[len(c.path)-6:]))
		if c.deployment != "" {
			e.Make(t, under(c.path+c.deployment), c.deploymentBody)
			refused(t, e, workspaceFor("S10", under(c.path), estate.Workspace))
		}
		e.Must(t, http.MethodDelete, under(c.path), nil)
	}
	moved(t, e, estate.Workspace)
}

func everyCauseIsNamed(t *testing.T, e *estate.Estate) {
	e.Make(t, under("computes/cpu"), clusterBody)
	e.Make(t, under("onlineEndpoints/s22-online"), onlineBody)
	e.Make(t, under("batchEndpoints/s22-batch"), batchBody)
	job(t, e, "jobs/busy", "Running")
	r := refusal{clause: "S22", code: byProviders, says: []string{"'cpu ("}}
	for _, cause := range []string{"computes/cpu", "onlineEndpoints/s22-online", "batchEndpoints/s22-batch", "jobs/busy"} {
		r.chain = []link{{"CannotMoveResource", string(aml.Workspaces)}, {"MoveNotSupported", under(cause)}}
		refused(t, e, r)
	}
}

// job imports a job or labeling project in a status that no client may write.
func job(t *testing.T, e *estate.Estate, path, status string) {
	t.Helper()
	e.Import(t, under(path), map[string]any{"properties": map[string]any{"jobType": "Command", "command": "python train.py", "status": status}})
}

func jobStatuses(t *testing.T, e *estate.Estate) {
	for _, status := range aml.JobStatuses() {
		path := "jobs/job-" + string(status)
		job(t, e, path, string(status))
		if status.Terminal() {
			continue // it stays, and the last move shows that it does not block
		}
		refused(t, e, workspaceFor("S28 "+string(status), under(path), "job-"+string(status)+" ("+string(status)+")"))
		e.Edit(t, under(path), "properties.status", "Completed")
		e.Flag(t, under(path), "")
	}
	moved(t, e, estate.Workspace)
	if n := len(e.List(t, there(under("jobs")))); n != len(aml.JobStatuses()) {
		t.Errorf("S28 of %d jobs %d came along", len(aml.JobStatuses()), n)
	}
}

func labelingStatuses(t *testing.T, e *estate.Estate) {
	for _, status := range aml.JobStatuses() {
		path := "labelingJobs/project-" + string(status)
		job(t, e, path, string(status))
		if status.Terminal() {
			continue
		}
		refused(t, e, workspaceFor("S28 "+string(status), under(path), "labeling", "project-"+string(status)+" ("+string(status)+")"))
		e.Edit(t, under(path), "properties.status", "Completed")
		e.Flag(t, under(path), "")
	}
	moved(t, e, estate.Workspace)
}

func labelingRefused(t *testing.T, e *estate.Estate) {
	e.Takes(t, hours("labeling.run"))
	project := under("labelingJobs/defects?api-version=2024-04-01-preview")
	e.Must(t, http.MethodPut, project, `{"properties":{"labelCategories":{},"datasetConfiguration":{"assetName":"images"}}}`)
	r := workspaceFor("S37", under("labelingJobs/defects"), "labeling projects", "'defects (Running)'")
	refused(t, e, r)
	e.Must(t, http.MethodPost, under("labelingJobs/defects/pause?api-version=2024-04-01-preview"), nil)
	r.says[1] = "'defects (Paused)'"
	refused(t, e, r)
	e.Must(t, http.MethodPost, under("labelingJobs/defects/resume?api-version=2024-04-01-preview"), nil)
	e.Advance(t, 2*hour)
	moved(t, e, estate.Workspace)
}

func computeStates(t *testing.T, e *estate.Estate) {
	for _, state := range []aml.ProvisioningState{aml.Creating, aml.Updating, aml.Deleting, aml.Succeeded, aml.Failed, aml.Canceled, aml.Unknown} {
		path := fmt.Sprintf("computes/c-%s", state)
		e.Import(t, under(path), map[string]any{"location": "eastus", "properties": map[string]any{"computeType": "AmlCompute", "provisioningState": string(state),
			"properties": map[string]any{"vmSize": "Standard_DS2_v2"}}})
		refused(t, e, workspaceFor("S34 "+string(state), under(path), fmt.Sprintf("'c-%s (AmlCompute, %s)'", state, state)))
		e.Drop(t, under(path))
	}
	e.Takes(t, hours("computes.put"))
	answer := e.Ask(t, "", http.MethodPut, under("computes/just-begun"), clusterBody)
	if answer.Status != http.StatusCreated {
		t.Fatalf("S34 the PUT of a compute is answered %d: %s", answer.Status, answer.Body)
	}
	refused(t, e, workspaceFor("S34 a compute right after its PUT", under("computes/just-begun"), "'just-begun (AmlCompute, Creating)'"))
}

func servicesRefused(t *testing.T, e *estate.Estate) {
	for _, kind := range []string{"ACI", "AKS"} {
		path := "services/score-" + kind
		e.Must(t, http.MethodPut, under(path+"?api-version=2021-04-01"), `{"location":"eastus","properties":{"computeType":"`+kind+`"}}`)
		refused(t, e, workspaceFor("S35 "+kind, under(path), "deployed services", "score-"+kind))
		e.Must(t, http.MethodDelete, under(path+"?api-version=2021-04-01"), nil)
	}
	moved(t, e, estate.Workspace)
}

func onlineStates(t *testing.T, e *estate.Estate) {
	for _, state := range []aml.ProvisioningState{aml.Creating, aml.Updating, aml.Deleting, aml.Succeeded, aml.Failed, aml.Canceled} {
		path := fmt.Sprintf("onlineEndpoints/s36-%s", state)
		e.Import(t, under(path), map[string]any{"location": "eastus", "properties": map[string]any{"authMode": "Key", "provisioningState": string(state)}})
		refused(t, e, workspaceFor("S36 "+string(state), under(path), "online endpoints", fmt.Sprintf("'s36-%s (%s)'", state, state)))
		e.Drop(t, under(path))
	}
	moved(t, e, estate.Workspace)
}

func keysRefused(t *testing.T, e *estate.Estate) {
	for _, sign := range []struct {
		path  string
		value any
		after any
	}{
		{"properties.encryption.status", "Enabled", "Disabled"},
		{"properties.enableServiceSideCMKEncryption", true, false},
		{"properties.serviceProvisionedResourceGroup", "azureml-rg-origin-ws_1", ""},
	} {
		e.Edit(t, estate.Workspace, sign.path, sign.value)
		refused(t, e, workspaceFor("S33 "+sign.path, estate.Workspace, "customer-managed key"))
		e.Edit(t, estate.Workspace, sign.path, sign.after)
	}
	moved(t, e, estate.Workspace)
}

func databricksRefused(t *testing.T, e *estate.Estate) {
	bricks := estate.SiblingGroup + "/providers/Microsoft.Databricks/workspaces/bricks"
	body := func(workspace string) string {
		return `{"location":"eastus","sku":{"name":"premium"},"properties":{"managedResourceGroupId":"/subscriptions/` + estate.Source + `/resourceGroups/bricks-managed","parameters":{"amlWorkspaceId":{"value":"` + workspace + `"}}}}`
	}
	e.Make(t, bricks, body(estate.Workspace))
	refused(t, e, workspaceFor("S38 a Databricks workspace that names this one", bricks, "Azure Databricks", "bricks"))
	e.Must(t, http.MethodDelete, bricks, nil)
	e.Make(t, bricks, body(estate.Workspace+"-other"))

	for path, version := range map[string]string{"linkedServices/link": "2020-09-01-preview", "linkedWorkspaces/link": "2020-03-01"} {
		property := map[string]string{"linkedServices/link": "linkedServiceResourceId", "linkedWorkspaces/link": "linkedWorkspaceResourceId"}[path]
		put := func(target string) {
			e.Must(t, http.MethodPut, under(path+"?api-version="+version), `{"location":"eastus","properties":{"`+property+`":"`+target+`"}}`)
		}
		put(bricks)
		refused(t, e, workspaceFor("S38 "+path, under(path), "Azure Databricks"))
		e.Must(t, http.MethodDelete, under(path+"?api-version="+version), nil)
		put(estate.SiblingGroup + "/providers/Microsoft.Synapse/workspaces/synapse") // another service is no reason
	}
	compute := under("computes/bricks")
	e.Make(t, compute, `{"location":"eastus","properties":{"computeType":"Databricks","resourceId":"`+bricks+`","properties":{"databricksAccessToken":"t","workspaceUrl":"adb-1.1.azuredatabricks.net"}}}`)
	refused(t, e, workspaceFor("S38 an attached Databricks compute", compute, "'bricks (Databricks, Succeeded)'"))
	e.Must(t, http.MethodDelete, compute+"?underlyingResourceAction=Detach", nil)
	moved(t, e, estate.Workspace)
}
