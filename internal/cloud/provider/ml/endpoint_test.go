package ml_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/errs"
)

const (
	endpoint   = `{"location":"eastus","properties":{"authMode":"Key","keys":{"primaryKey":"canary"}}}`
	deployment = `{"location":"eastus","sku":{"name":"Default","capacity":2},"properties":{"endpointComputeType":"Managed","instanceType":"Standard_DS3_v2"}}`
)

// withEndpoint makes an online endpoint with two deployments, blue with all the traffic.
func withEndpoint(t *testing.T) (*cloud, string) {
	t.Helper()
	c := withWorkspace(t)
	path := ws + "/onlineEndpoints/score-it"
	c.ok("PUT", path, endpoint)
	c.refused(errs.Conflict, "PUT", path+"/deployments/blue", deployment) // the endpoint is not ready yet
	c.settle()
	c.ok("PUT", path+"/deployments/blue", deployment)
	c.ok("PUT", path+"/deployments/green", deployment)
	c.settle()
	c.ok("PATCH", path, `{"properties":{"traffic":{"blue":100}}}`)
	c.settle()
	return c, path
}

func TestOnlineEndpointKeys(t *testing.T) {
	t.Parallel()
	c, path := withEndpoint(t)
	doc := c.ok("GET", path, "")
	if keys, there := doc["properties"].(map[string]any)["keys"]; !there || keys != nil {
		t.Errorf("keys are %v, want null", keys)
	}
	if strings.Contains(fmt.Sprint(doc), "canary") {
		t.Error("D10 a key is shown")
	}
	equal(t, "scoringUri", text(doc, "properties.scoringUri"), "https://score-it.eastus.inference.ml.azure.com/score")
	equal(t, "S10 the key that was brought along", text(c.ok("POST", path+"/listKeys", ""), "primaryKey"), "canary")
	second := text(c.ok("POST", path+"/listKeys", ""), "secondaryKey")
	c.ok("POST", path+"/regenerateKeys", `{"keyType":"Secondary"}`)
	c.settle()
	if again := text(c.ok("POST", path+"/listKeys", ""), "secondaryKey"); again == second || again == "" {
		t.Errorf("the key is %q after it was %q", again, second)
	}
	c.ok("PUT", path, endpoint)
	c.settle()
	equal(t, "keys survive a PUT", text(c.ok("POST", path+"/listKeys", ""), "primaryKey"), "canary")
	c.refused(errs.Invalid, "POST", path+"/regenerateKeys", `{"keyType":"Tertiary"}`)
	c.refused(errs.Invalid, "POST", path+"/token", "")
}

func TestTraffic(t *testing.T) {
	t.Parallel()
	c, path := withEndpoint(t)
	for name, body := range map[string]string{
		"a deployment that is not there": `{"traffic":{"blue":null,"red":100}}`,
		"a sum that is not 100":          `{"traffic":{"blue":90}}`,
		"a negative share":               `{"traffic":{"blue":-1,"green":101}}`,
		"too much mirrored":              `{"mirrorTraffic":{"green":51}}`,
		"two mirrors":                    `{"mirrorTraffic":{"green":10,"blue":10}}`,
		"a mirror that is not there":     `{"mirrorTraffic":{"red":10}}`,
		"a text":                         `{"traffic":{"blue":"100"}}`,
	} {
		t.Run(name, func(t *testing.T) { c.refused(errs.Invalid, "PATCH", path, `{"properties":`+body+`}`) })
	}
	c.refused(errs.Conflict, "DELETE", path+"/deployments/blue", "")
	c.ok("DELETE", path+"/deployments/green", "")
	c.settle()
	c.ok("PATCH", path, `{"properties":{"traffic":{"blue":0}}}`)
	c.ok("DELETE", path+"/deployments/blue", "")
	c.settle()
	c.ok("DELETE", path, "")
	c.settle()
	c.refused(errs.NotFound, "GET", path, "")
}

// A share of 0 for a deployment that was deleted routes nothing: it is forgotten, and the endpoint stays usable.
func TestAnEndpointOutlivesItsDeployments(t *testing.T) {
	t.Parallel()
	c, path := withEndpoint(t)
	c.ok("PATCH", path, `{"properties":{"traffic":{"blue":100,"green":0},"mirrorTraffic":{"green":0}}}`)
	c.settle()
	c.ok("DELETE", path+"/deployments/green", "")
	c.refused(errs.Invalid, "PATCH", path, `{"properties":{"traffic":{"blue":50,"green":50}}}`) // it is being deleted
	c.settle()
	c.ok("PATCH", path, `{"tags":{"still":"usable"}}`)
	c.settle()
	doc := c.ok("GET", path, "")
	equal(t, "traffic", fmt.Sprint(doc["properties"].(map[string]any)["traffic"]), "map[blue:100]")
	equal(t, "mirrored traffic", fmt.Sprint(doc["properties"].(map[string]any)["mirrorTraffic"]), "map[]")
	c.refused(errs.Invalid, "PATCH", path, `{"properties":{"traffic":{"blue":99,"green":1}}}`)
	c.refused(errs.Invalid, "PATCH", path, `{"properties":{"mirrorTraffic":{"green":1}}}`)
	read := strings.Replace(endpoint, `"authMode":"Key"`, `"authMode":"Key","traffic":{"blue":100,"Green":0}`, 1) // written back as it was read before
	c.ok("PUT", path, read)
	c.settle()
	equal(t, "traffic", fmt.Sprint(c.ok("GET", path, "")["properties"].(map[string]any)["traffic"]), "map[blue:100]")
}

func TestOnlineDeployments(t *testing.T) {
	t.Parallel()
	c, path := withEndpoint(t)
	blue := path + "/deployments/blue"
	c.ok("PATCH", blue, `{"sku":{"capacity":3}}`)
	equal(t, "only the number changes", text(c.ok("GET", blue, ""), "properties.provisioningState"), "Scaling")
	c.settle()
	equal(t, "state", text(c.ok("GET", blue, ""), "properties.provisioningState"), "Succeeded")
	for name, body := range map[string]string{
		"another size":              strings.Replace(deployment, "DS3", "DS2", 1),
		"no instances":              strings.Replace(deployment, `"capacity":2`, `"capacity":0`, 1),
		"a model that is not there": strings.Replace(deployment, `"instanceType"`, `"model":"`+ws+`/models/m/versions/1","instanceType"`, 1),
		"more than the quota":       strings.Replace(deployment, `"capacity":2`, `"capacity":50`, 1),
		"no type":                   `{"location":"eastus","properties":{}}`,
		"no location":               `{"properties":{"endpointComputeType":"Managed"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			target := blue
			if name == "no location" {
				target = path + "/deployments/new"
			}
			c.refused(errs.Invalid, "PUT", target, body)
		})
	}
	if c.ok("POST", blue+"/getLogs", `{"tail":5}`)["content"] == nil {
		t.Error("no logs")
	}
	if len(values(c.ok("GET", blue+"/skus", ""))) != 1 {
		t.Error("no skus")
	}
	var used string
	for _, item := range values(c.ok("GET", locations+"/usages", "")) {
		if text(item, "name.value") == "Standard DSv2 Family Cluster Dedicated vCPUs" {
			used = fmt.Sprint(item["currentValue"])
		}
	}
	equal(t, "3 and 2 instances of 4 cores and a fifth more", used, "25") // 14.4 and 9.6, rounded up
}

func TestEndpointNamesAreUniqueInTheRegion(t *testing.T) {
	t.Parallel()
	c, path := withEndpoint(t)
	second := strings.Replace(ws, "ws1", "ws2", 1)
	c.ok("PUT", second, workspaceBody())
	c.settle()
	c.refused(errs.Conflict, "PUT", second+"/onlineEndpoints/score-it", endpoint)
	c.ok("DELETE", path, "")
	c.settle()
	c.ok("PUT", second+"/onlineEndpoints/score-it", endpoint)
}

func TestBatchEndpoints(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	c.ok("PUT", ws+"/computes/cpu", cluster)
	path := ws + "/batchEndpoints/nightly"
	c.refused(errs.Invalid, "PUT", path, `{"location":"eastus","properties":{"authMode":"AADToken","defaults":{"deploymentName":"d1"}}}`)
	c.ok("PUT", path, `{"location":"eastus","properties":{"authMode":"AADToken"}}`)
	c.settle()
	body := `{"location":"eastus","properties":{"compute":"` + ws + `/computes/cpu","model":{"referenceType":"Id","assetId":"azureml://registries/r/models/m/versions/1"}}}`
	c.refused(errs.Invalid, "PUT", path+"/deployments/d1", strings.Replace(body, "/computes/cpu", "/computes/none", 1))
	c.refused(errs.Invalid, "PUT", path+"/deployments/d1", strings.Replace(body, `"Id"`, `"Hearsay"`, 1))
	c.ok("PUT", path+"/deployments/d1", body)
	c.settle()
	c.ok("PATCH", path, `{"properties":{"defaults":{"deploymentName":"d1"}}}`)
	c.settle()
	c.refused(errs.Conflict, "DELETE", path+"/deployments/d1", "")
	c.refused(errs.Invalid, "POST", path+"/listKeys", "")
}

func TestServerlessEndpoints(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	model := "azureml://registries/azureml-mistral/models/Mistral-large"
	c.ok("PUT", ws+"/marketplaceSubscriptions/m1", `{"properties":{"modelId":"`+model+`"}}`)
	path := ws + "/serverlessEndpoints/chat"
	c.refused(errs.Invalid, "PUT", path, `{"location":"eastus","properties":{"authMode":"Key"}}`)
	c.ok("PUT", path, `{"location":"eastus","sku":{"name":"Consumption"},"properties":{"authMode":"Key","modelSettings":{"modelId":"`+model+`"}}}`)
	equal(t, "state while it is made", text(c.ok("GET", path, ""), "properties.endpointState"), "Creating")
	c.settle()
	doc := c.ok("GET", path, "")
	equal(t, "state", text(doc, "properties.endpointState"), "Online")
	equal(t, "subscription", text(doc, "properties.marketplaceSubscriptionId"), ws+"/marketplaceSubscriptions/m1")
	if text(c.ok("POST", path+"/listKeys", ""), "primaryKey") == "" {
		t.Error("no keys")
	}
}
