package ml_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// TestNoBodyIsSuffered sends every body with a value of a wrong type in the place of every member: whatever the service answers, it is an answer.
func TestNoBodyIsSuffered(t *testing.T) {
	t.Parallel()
	c, path := withEndpoint(t)
	wrong := []any{nil, true, json.Number("-7"), "text", "", []any{nil, "x"}, map[string]any{"x": nil}}
	schedule := `{"properties":{"trigger":{"triggerType":"Recurrence","frequency":"Day","interval":1,"schedule":{"hours":[1],"minutes":[1]}},"action":{"actionType":"InvokeBatchEndpoint","endpointInvocationDefinition":{}}}}`
	store := `{"properties":{"datastoreType":"AzureBlob","accountName":"a","containerName":"c","credentials":{"credentialsType":"AccountKey","secrets":{"secretsType":"AccountKey","key":"k"}}}}`
	for _, r := range []struct{ path, body string }{
		{strings.Replace(ws, "ws1", "wsx", 1), strings.Replace(workspaceBody(), `"properties":{`,
			`"tags":{"a":"b"},"sku":{"name":"Basic"},"properties":{"managedNetwork":{"isolationMode":"AllowInternetOutbound","outboundRules":{"r":{"type":"FQDN","destination":"d"}}},`+
				`"encryption":{"status":"Disabled","keyVaultProperties":{"keyVaultArmId":"v","keyIdentifier":"k"}},`, 1)},
		{ws + "/computes/x", cluster},
		{ws + "/computes/y", strings.Replace(instance, `"vmSize"`, `"sshSettings":{"sshPublicAccess":"Enabled"},"vmSize"`, 1)},
		{ws + "/onlineEndpoints/x", strings.Replace(endpoint, `"keys"`, `"traffic":{},"mirrorTraffic":{},"compute":"c","keys"`, 1)},
		{path + "/deployments/x", strings.Replace(deployment, `"instanceType"`, `"model":"m","codeConfiguration":{"scoringScript":"s"},"instanceType"`, 1)},
		{ws + "/batchEndpoints/x", `{"location":"eastus","identity":{"type":"SystemAssigned"},"properties":{"authMode":"Key","defaults":{"deploymentName":""}}}`},
		{ws + "/serverlessEndpoints/x", `{"location":"eastus","properties":{"authMode":"Key","modelSettings":{"modelId":"m"}}}`},
		{ws + "/jobs/x", strings.Replace(job, `"jobType"`, `"services":{"Tracking":{"port":1}},"inputs":{"a":{"jobInputType":"literal","value":"v"}},"jobType"`, 1)},
		{ws + "/schedules/x", schedule}, {ws + "/datastores/x", store},
		{ws + "/labelingJobs/x", `{"properties":{"jobType":"Labeling","labelCategories":{"a":{}}}}`},
		{ws + "/connections/xyz", `{"properties":{"authType":"CustomKeys","category":"Git","credentials":{"keys":{"a":"b"}},"metadata":{"a":"b"}}}`},
		{ws + "/data/x/versions/1", `{"properties":{"dataType":"mltable","dataUri":"u","tags":{"a":"b"}}}`},
		{ws + "/environments/x/versions/1", `{"properties":{"image":"i","build":{"contextUri":"u"}}}`},
		{ws + "/privateEndpointConnections/x", `{"properties":{"privateEndpoint":{"id":"i"},"privateLinkServiceConnectionState":{"status":"Pending"}}}`},
		{ws + "/services/x", `{"computeType":"ACI","keys":{"primaryKey":"k"},"kvTags":{"a":"b"}}`},
		{ws + "/linkedServices/x", `{"identity":{"type":"SystemAssigned"},"properties":{"linkedServiceResourceId":"i"}}`},
		{ws + "/capabilityHosts/x", `{"properties":{"capabilityHostKind":"Agents","storageConnections":["s"]}}`},
	} {
		t.Run(r.path, func(t *testing.T) {
			body, err := tree.ParseObject([]byte(r.body))
			must(t, err)
			for _, member := range members("", body) {
				for _, value := range wrong {
					changed := tree.Clone(body)
					replace(changed, member, value)
					data, err := json.Marshal(changed)
					must(t, err)
					for _, method := range []string{"PUT", "PATCH"} {
						_, err := c.call(method, r.path, string(data))
						if err != nil && (errs.Is(err, errs.Internal) || errs.Is(err, errs.Unavailable)) {
							t.Fatalf("%s %s=%v: %v", method, member, value, err)
						}
					}
				}
			}
		})
	}
}

// members lists the dotted paths of all members of an object.
func members(prefix string, object map[string]any) []string {
	var list []string
	for name, value := range object {
		path := strings.TrimPrefix(prefix+"."+name, ".")
		list = append(list, path)
		if inner, ok := value.(map[string]any); ok {
			list = append(list, members(path, inner)...)
		}
	}
	return list
}

// replace writes a value, null included, at a dotted path that exists.
func replace(object map[string]any, path string, value any) {
	head, rest, more := strings.Cut(path, ".")
	if !more {
		object[head] = value
		return
	}
	replace(object[head].(map[string]any), rest, value)
}

func TestActionsSufferNoBody(t *testing.T) {
	t.Parallel()
	c, path := withEndpoint(t)
	c.ok("PUT", ws+"/computes/ci-1", instance)
	c.settle()
	for _, target := range []string{ws + "/diagnose", ws + "/provisionManagedNetwork", path + "/regenerateKeys", path + "/deployments/blue/getLogs",
		locations + "/updateQuotas", ws + "/computes/ci-1/updateIdleShutdownSetting", ws + "/listKeys", ws + "/resyncKeys"} {
		for _, body := range []string{"", "{}", `{"value":5,"keyType":[],"tail":"x","idleTimeBeforeShutdown":{}}`, `{"value":[null]}`, `{"value":[{}]}`,
			`{"value":[{"id":"/","limit":1e99}]}`, `{"value":{"storageAccount":7}}`, `{"includeSpark":"yes"}`} {
			_, err := c.call("POST", target, body)
			if err != nil && errs.Is(err, errs.Internal) {
				t.Errorf("POST %s %s: %v", target, body, err)
			}
		}
	}
	for _, kind := range []string{"usages", "quotas", "vmSizes"} {
		if len(values(c.ok("GET", fmt.Sprint(locations, "/", kind), ""))) == 0 {
			t.Errorf("%s is empty", kind)
		}
	}
	for _, kind := range []string{"features", "privateLinkResources", "outboundNetworkDependenciesEndpoints"} {
		if len(values(c.ok("GET", ws+"/"+kind, ""))) == 0 {
			t.Errorf("%s is empty", kind)
		}
	}
	for _, verb := range []string{"listNotebookAccessToken", "listNotebookKeys", "listStorageAccountKeys"} {
		if len(c.ok("POST", ws+"/"+verb, "")) == 0 {
			t.Errorf("%s answers nothing", verb)
		}
	}
}
