package ml_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/errs"
)

const job = `{"properties":{"jobType":"Command","command":"python train.py","environmentId":"azureml:env:1"}}`

func TestJobLife(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	path := ws + "/jobs/train-1"
	resp, err := c.call("PUT", path, strings.Replace(job, `"jobType"`, `"status":"Completed","jobType"`, 1))
	must(t, err)
	if resp.Status != 201 {
		t.Errorf("PUT answers %d", resp.Status)
	}
	equal(t, "status of a new job, whatever the client says", text(c.ok("GET", path, ""), "properties.status"), "NotStarted")
	equal(t, "S28 flagged", fmt.Sprint(c.flags(ws, "jobs")), "[train-1]")
	c.settle()
	equal(t, "status", text(c.ok("GET", path, ""), "properties.status"), "Running")
	c.refused(errs.Conflict, "DELETE", path, "")
	c.refused(errs.Invalid, "PUT", path, strings.Replace(job, "train.py", "other.py", 1))
	c.ok("PUT", path, strings.Replace(job, `"jobType"`, `"description":"d","jobType"`, 1))
	equal(t, "status after an update", text(c.ok("GET", path, ""), "properties.status"), "Running")
	c.sleep(2 * time.Hour)
	equal(t, "status after its time", text(c.ok("GET", path, ""), "properties.status"), "Completed")
	equal(t, "S28 not flagged", fmt.Sprint(c.flags(ws, "jobs")), "[]")
	c.refused(errs.Invalid, "POST", path+"/cancel", "")
	c.ok("DELETE", path, "")
	c.settle()
	c.refused(errs.NotFound, "GET", path, "")
}

func TestJobCancel(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	path := ws + "/jobs/train-1"
	c.ok("PUT", path, job)
	c.settle()
	resp, err := c.call("POST", path+"/cancel", "")
	must(t, err)
	if resp.Status != 202 {
		t.Errorf("cancel answers %d", resp.Status)
	}
	equal(t, "status", text(c.ok("GET", path, ""), "properties.status"), "CancelRequested")
	equal(t, "S28 still flagged", fmt.Sprint(c.flags(ws, "jobs")), "[train-1]")
	c.sleep(2 * time.Hour)
	equal(t, "a cancelled job does not complete", text(c.ok("GET", path, ""), "properties.status"), "Canceled")
	equal(t, "S28 not flagged", fmt.Sprint(c.flags(ws, "jobs")), "[]")
}

func TestJobReferencesFollowTheWorkspace(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	c.ok("PUT", ws+"/computes/cpu", cluster)
	c.settle()
	body := strings.Replace(job, `"jobType"`, `"computeId":"`+ws+`/computes/cpu","codeId":"`+ws+`/codes/c/versions/1","jobType"`, 1)
	c.refused(errs.Invalid, "PUT", ws+"/jobs/j", strings.Replace(body, "computes/cpu", "computes/none", 1))
	c.ok("PUT", ws+"/jobs/j", body)
	c.ok("DELETE", ws+"/computes/cpu?underlyingResourceAction=Delete", "")
	c.settle()
	c.move(ws, sub+"/resourceGroups/target-rg")
	moved := strings.Replace(ws, "source-rg", "target-rg", 1)
	doc := c.ok("GET", moved+"/jobs/j", "")
	equal(t, "S06 compute", text(doc, "properties.computeId"), moved+"/computes/cpu")
	equal(t, "S06 code", text(doc, "properties.codeId"), moved+"/codes/c/versions/1")
	if endpoint := text(doc, "properties.services.Tracking.endpoint"); !strings.Contains(endpoint, moved) {
		t.Errorf("S06 tracking: got %s", endpoint)
	}
}

func TestSchedules(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	path := ws + "/schedules/nightly"
	body := `{"properties":{"trigger":{"triggerType":"Cron","expression":"0 3 * * *"},"action":{"actionType":"CreateJob","jobDefinition":{"jobType":"Command","command":"c","environmentId":"e"}}}}`
	c.refused(errs.Invalid, "PUT", path, strings.Replace(body, "0 3 * * *", "daily", 1))
	c.refused(errs.Invalid, "PUT", path, strings.Replace(body, `"Cron"`, `"Moon"`, 1))
	c.ok("PUT", path, body)
	c.settle()
	if c.ok("GET", path, "")["properties"].(map[string]any)["isEnabled"] != true {
		t.Error("a new schedule is not enabled")
	}
	c.refused(errs.Conflict, "DELETE", path, "")
	c.ok("PUT", path, strings.Replace(body, `"trigger":`, `"isEnabled":false,"trigger":`, 1))
	c.settle()
	c.ok("DELETE", path, "")
}

func TestLabelingProjects(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	path := ws + "/labelingJobs/birds"
	c.ok("PUT", path, `{"properties":{"jobType":"Labeling","labelCategories":{"a":{}}}}`)
	c.settle()
	equal(t, "status", text(c.ok("GET", path, ""), "properties.status"), "Running")
	c.ok("POST", path+"/pause", "")
	equal(t, "status", text(c.ok("GET", path, ""), "properties.status"), "Paused")
	equal(t, "S37 a paused project is flagged", fmt.Sprint(c.flags(ws, "labelingJobs")), "[birds]")
	c.refused(errs.Conflict, "POST", path+"/pause", "")
	c.ok("POST", path+"/resume", "")
	c.settle()
	c.refused(errs.Invalid, "POST", path+"/exportLabels", `{}`)
	c.ok("POST", path+"/exportLabels", `{"format":"Coco"}`)
	c.sleep(2 * time.Hour)
	equal(t, "S37 status in the end", text(c.ok("GET", path, ""), "properties.status"), "Completed")
	equal(t, "S37 not flagged", fmt.Sprint(c.flags(ws, "labelingJobs")), "[]")
}

func TestAssetsHaveVersions(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	for _, a := range []struct{ kind, body, immutable string }{
		{"data", `{"dataType":"uri_folder","dataUri":"azureml://datastores/d/paths/this"}`, "properties.dataUri"},
		{"models", `{"modelUri":"azureml://jobs/j/outputs/this"}`, "properties.modelUri"},
		{"environments", `{"image":"reg.azurecr.io/this"}`, "properties.image"},
		{"codes", `{"codeUri":"https://a.blob/this"}`, "properties.codeUri"},
		{"components", `{"componentSpec":{"command":"run this"}}`, "properties.componentSpec"},
		{"featuresets", `{"specification":{"path":"azureml://this"},"entities":["e"]}`, "properties.specification"},
		{"featurestoreEntities", `{"indexColumns":[{"columnName":"this","dataType":"String"}]}`, "properties.indexColumns"},
	} {
		t.Run(a.kind, func(t *testing.T) {
			container := ws + "/" + a.kind + "/thing"
			put := func(version, body string) { c.ok("PUT", container+"/versions/"+version, `{"properties":`+body+`}`) }
			put("1", a.body)
			put("7", a.body)
			c.settle()
			doc := c.ok("GET", container, "")
			equal(t, "latest and next version", text(doc, "properties.latestVersion")+" "+text(doc, "properties.nextVersion"), "7 8")
			e := c.refused(errs.Invalid, "PUT", container+"/versions/1", `{"properties":`+strings.Replace(a.body, "this", "that", 1)+`}`)
			equal(t, "immutable", e.Target, a.immutable)
			put("1", strings.Replace(a.body, "{", `{"description":"new","tags":{"a":"b"},"isArchived":true,`, 1))
			c.settle()
			if n := len(values(c.ok("GET", container+"/versions", ""))); n != 1 {
				t.Errorf("%d versions are listed, want the one that is not archived", n)
			}
			if n := len(values(c.ok("GET", container+"/versions?listViewType=All", ""))); n != 2 {
				t.Errorf("%d versions are listed with listViewType=All", n)
			}
			c.ok("DELETE", container+"/versions/7", "")
			c.settle()
			equal(t, "latest version after a deletion", text(c.ok("GET", container, ""), "properties.latestVersion"), "1")
		})
	}
}

func TestAssetRefusals(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	c.ok("PUT", ws+"/data/d/versions/1", `{"properties":{"dataType":"mltable","dataUri":"u"}}`)
	equal(t, "a container made along with a version", text(c.ok("GET", ws+"/data/d", ""), "properties.dataType"), "mltable")
	for name, r := range map[string]struct{ path, body, at string }{
		"another type than the container's":  {"/data/d/versions/2", `{"dataType":"uri_file","dataUri":"u"}`, "properties.dataType"},
		"no URI":                             {"/data/d/versions/2", `{"dataType":"mltable"}`, "properties.dataUri"},
		"a container without a type":         {"/data/e", `{"description":"x"}`, "properties.dataType"},
		"another type of a container":        {"/data/d", `{"dataType":"uri_file"}`, "properties.dataType"},
		"an environment of nothing":          {"/environments/e/versions/1", `{}`, "properties.image"},
		"a model without a URI":              {"/models/m/versions/1", `{}`, "properties.modelUri"},
		"tags that are a text":               {"/models/m/versions/1", `{"modelUri":"u","tags":"x"}`, "properties.tags"},
		"flavors that are a list of numbers": {"/models/m/versions/1", `{"modelUri":"u","flavors":[1]}`, "properties.flavors"},
	} {
		t.Run(name, func(t *testing.T) {
			equal(t, "target", c.refused(errs.Invalid, "PUT", ws+r.path, `{"properties":`+r.body+`}`).Target, r.at)
		})
	}
	e := c.refused(errs.Invalid, "PUT", ws+"/data/-bad/versions/1", `{"properties":{"dataType":"mltable","dataUri":"u"}}`) // the container would come along
	equal(t, "a container's name", e.Code, "InvalidResourceName")
	c.refused(errs.NotFound, "GET", ws+"/data/-bad", "")
	c.refused(errs.Unsupported, "POST", ws+"/data/d/versions/1/publish", `{"registryName":"r"}`)
}

func TestDatastores(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	path := ws + "/datastores/mine"
	body := `{"properties":{"datastoreType":"AzureBlob","accountName":"a","containerName":"c","credentials":{"credentialsType":"AccountKey","secrets":{"secretsType":"AccountKey","key":"canary"}}}}`
	resp, err := c.call("PUT", path+"?skipValidation=true", body)
	must(t, err)
	if resp.Status != 201 || strings.Contains(string(resp.Body), "canary") {
		t.Errorf("D10: %d %s", resp.Status, resp.Body)
	}
	doc := c.ok("GET", path, "")
	if strings.Contains(fmt.Sprint(doc), "canary") || doc["properties"].(map[string]any)["isDefault"] != false {
		t.Errorf("D10: %v", doc)
	}
	equal(t, "secret", text(c.ok("POST", path+"/listSecrets", ""), "key"), "canary")
	resp, err = c.call("PUT", path, strings.Replace(strings.Replace(body, "canary", "canary2", 1), `"accountName"`, `"subscriptionId":"new","resourceGroup":"target-rg","accountName"`, 1))
	must(t, err)
	if resp.Status != 200 {
		t.Errorf("S46 PUT over the same name answers %d", resp.Status)
	}
	equal(t, "S46 secret", text(c.ok("POST", path+"/listSecrets", ""), "key"), "canary2")
	equal(t, "S46 group", text(c.ok("GET", path, ""), "properties.resourceGroup"), "target-rg")
	c.ok("DELETE", path, "")
	c.ok("PUT", path, body) // S47
	for name, r := range map[string]struct{ path, body, at string }{
		"secrets of another type":      {path, strings.Replace(body, `"secretsType":"AccountKey"`, `"secretsType":"Sas"`, 1), "properties.credentials.secrets.secretsType"},
		"no secrets":                   {path + "2", `{"properties":{"datastoreType":"AzureBlob","credentials":{"credentialsType":"AccountKey"}}}`, "properties.credentials.secrets"},
		"a secret without its value":   {path + "2", strings.Replace(body, `,"key":"canary"`, "", 1), "properties.credentials.secrets.key"},
		"another type under this name": {path, `{"properties":{"datastoreType":"AzureFile","accountName":"a","fileShareName":"f","credentials":{"credentialsType":"None"}}}`, "properties.datastoreType"},
		"a OneLake without its place":  {path + "2", `{"properties":{"datastoreType":"OneLake","credentials":{"credentialsType":"None"}}}`, "properties.artifact"},
		"credentials that are a text":  {path, `{"properties":{"datastoreType":"AzureBlob","credentials":"None"}}`, "properties.credentials"},
	} {
		t.Run(name, func(t *testing.T) { equal(t, "target", c.refused(errs.Invalid, "PUT", r.path, r.body).Target, r.at) })
	}
	c.refused(errs.Conflict, "DELETE", ws+"/datastores/workspaceblobstore", "")
	c.ok("PUT", path+"none", `{"properties":{"datastoreType":"AzureBlob","credentials":{"credentialsType":"None"}}}`)
	c.refused(errs.Invalid, "POST", path+"none/listSecrets", "")
}

func TestConnections(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	path := ws + "/connections/openai"
	resp, err := c.call("PUT", path, `{"properties":{"authType":"ApiKey","category":"AzureOpenAI","target":"https://x","credentials":{"key":"canary"}}}`)
	must(t, err)
	if resp.Status != 200 || strings.Contains(string(resp.Body), "canary") {
		t.Errorf("D10: %d %s", resp.Status, resp.Body)
	}
	equal(t, "secret", text(c.ok("POST", path+"/listsecrets", ""), "properties.credentials.key"), "canary")
	c.ok("PATCH", path, `{"properties":{"target":"https://y"}}`)
	equal(t, "secret after a PATCH", text(c.ok("POST", path+"/listsecrets", ""), "properties.credentials.key"), "canary")
	c.ok("PUT", path, `{"properties":{"authType":"None","category":"AzureOpenAI","target":"https://x"}}`)
	if got := fmt.Sprint(c.ok("POST", path+"/listsecrets", "")); strings.Contains(got, "canary") {
		t.Errorf("D10 the secret of another way to sign in is kept: %s", got)
	}
	c.ok("PUT", ws+"/connections/custom", `{"properties":{"authType":"CustomKeys","category":"CustomKeys","target":"t","credentials":{"keys":{"a":"canary","b":"canary2"}}}}`)
	if got := fmt.Sprint(c.ok("GET", ws+"/connections/custom", "")); strings.Contains(got, "canary") {
		t.Errorf("D10: %s", got)
	}
	equal(t, "custom key", text(c.ok("POST", ws+"/connections/custom/listsecrets", ""), "properties.credentials.keys.b"), "canary2")
	c.refused(errs.Invalid, "PUT", path, `{"properties":{"authType":"Handshake","category":"Git"}}`)
	c.refused(errs.Invalid, "PUT", path, `{"properties":{"category":"Git"}}`)
	c.refused(errs.Invalid, "PUT", path, `{"properties":{"authType":"None"}}`)
}

func TestOldAndPreviewContent(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	c.ok("PUT", ws+"/services/v1web", `{"computeType":"ACI","location":"eastus","description":"old","keys":{"primaryKey":"canary"}}`)
	doc := c.ok("GET", ws+"/services/v1web", "")
	equal(t, "S35 state", text(doc, "properties.state")+text(doc, "properties.computeType"), "HealthyACI")
	if strings.Contains(fmt.Sprint(doc), "canary") {
		t.Error("D10 a key is shown")
	}
	c.ok("PUT", ws+"/linkedServices/dbx", `{"properties":{"linkedServiceResourceId":"/subscriptions/x/resourceGroups/y/providers/Microsoft.Databricks/workspaces/z","linkType":"Synapse"}}`)
	c.ok("PUT", ws+"/linkedWorkspaces/dbx", `{"properties":{"linkedWorkspaceResourceId":"/subscriptions/x/resourceGroups/y/providers/Microsoft.Databricks/workspaces/z"}}`)
	c.refused(errs.Invalid, "PUT", ws+"/linkedWorkspaces/no", `{"properties":{}}`)
	c.ok("PUT", ws+"/capabilityHosts/agents", `{"properties":{"capabilityHostKind":"Agents"}}`)
	c.settle()
	equal(t, "capability host", text(c.ok("GET", ws+"/capabilityHosts/agents", ""), "properties.provisioningState"), "Succeeded")
	c.refused(errs.Unsupported, "GET", ws+"/inferencePools/x", "")
}
