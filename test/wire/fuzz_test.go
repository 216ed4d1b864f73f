// Package wire throws requests at a running cloud that no client would send: whatever comes, the answer is one of ARM's, never a panic and never a 500.
package wire

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/cloudtest"
)

const (
	group     = "/subscriptions/11111111-aaaa-4aaa-8aaa-000000000001/resourceGroups/ml-dev-rg"
	workspace = group + "/providers/Microsoft.MachineLearningServices/workspaces/contoso-ml"
)

// seeds are requests from which the fuzzer starts: each method, each kind of path, bodies of every shape.
var seeds = []struct{ method, path, body string }{
	{"GET", workspace, ""}, {"GET", workspace + "/jobs?$top=2&$skip=x&listViewType=All", ""}, {"PUT", workspace + "/computes/c1", `{"location":"eastus","properties":{"computeType":"AmlCompute","properties":{"vmSize":"STANDARD_DS3_V2","scaleSettings":{"maxNodeCount":1}}}}`},
	{"PUT", workspace + "/datastores/d", `{"properties":{"datastoreType":"AzureBlob","accountName":"a","containerName":"c","credentials":{"credentialsType":"AccountKey","secrets":{"secretsType":"AccountKey","key":"x"}}}}`},
	{"PATCH", workspace, `{"tags":{"a":null},"properties":[1]}`}, {"POST", workspace + "/diagnose", `{"value":{"udr":{}}}`}, {"DELETE", workspace + "/jobs/x", ""},
	{"POST", group + "/moveResources", `{"resources":["` + workspace + `"],"targetResourceGroup":"/subscriptions/x/resourceGroups/y"}`}, {"POST", group + "/validateMoveResources", `{"resources":[1],"targetResourceGroup":{}}`},
	{"PUT", group + "/providers/Microsoft.Authorization/policyAssignments/p", `{"properties":{"policyDefinitionId":"/x","parameters":{"a":{"value":[]}}}}`},
	{"PUT", "/subscriptions/11111111-aaaa-4aaa-8aaa-000000000001/providers/Microsoft.Authorization/policyDefinitions/p", `{"properties":{"mode":"All","policyRule":{"if":{"not":{"field":"tags['a']","exists":true}},"then":{"effect":"deny"}}}}`},
	{"PUT", group + "/providers/Microsoft.Network/virtualNetworks/v", `{"location":"eastus","properties":{"addressSpace":{"addressPrefixes":["10.9.0.0/16"]},"subnets":[{"name":"a","properties":{"addressPrefix":"10.9.1.0/24"}}]}}`},
	{"PUT", group + "/providers/Microsoft.Resources/tags/default", `{"properties":{"tags":{"a":1}}}`}, {"GET", group + "/resources?$filter=tagName eq 'a'&$expand=createdTime", ""}, {"GET", "/providers/Microsoft.Authorization/roleDefinitions", ""},
	{"POST", group + "/providers/Microsoft.PolicyInsights/checkPolicyRestrictions", `{"resourceDetails":{"resourceContent":{"type":"a/b"}},"pendingFields":[{"field":"tags"}]}`}, {"GET", "//subscriptions//x//providers/", ""}, {"PUT", "/subscriptions", "null"},
}

func FuzzRequests(f *testing.F) {
	for _, s := range seeds {
		f.Add(s.method, s.path, s.body)
	}
	cloud := cloudtest.Start(f, cloudtest.Fixture("contoso-quiet"))
	token := cloud.Token(f, cloud.Credential())
	f.Fuzz(func(t *testing.T, method, path, body string) {
		answer(t, cloud, token, method, path, body)
	})
}

// methods are those that reach the engine; what the fuzzer makes up stands for one of them by its length.
var methods = []string{"GET", "PUT", "PATCH", "POST", "DELETE", "HEAD"}

// answer sends a request and judges the answer.
func answer(t *testing.T, cloud *cloudtest.Cloud, token, method, path, body string) {
	t.Helper()
	if !slices.Contains(methods, method) {
		method = methods[len(method)%len(methods)]
	}
	plain, query, _ := strings.Cut(path, "?")
	target := &url.URL{Scheme: "https", Host: strings.TrimPrefix(cloud.Endpoint, "https://"), Path: "/" + strings.TrimPrefix(plain, "/"), RawQuery: "api-version=2024-04-01&" + query}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, target.String(), strings.NewReader(body))
	if err != nil || strings.HasPrefix(target.Path, "/_cloud") {
		return
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := cloud.HTTPClient().Do(req)
	if err != nil {
		t.Skip(err) // the client itself refuses to send it
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: the answer broke off: %v", method, target, err)
	}
	if resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented {
		t.Fatalf("%s %s was answered %d: %s\nbody: %q", method, target, resp.StatusCode, data, body)
	}
	if resp.StatusCode >= 400 && method != http.MethodHead && strings.Contains(resp.Header.Get("Content-Type"), "json") && !json.Valid(data) {
		t.Fatalf("%s %s was refused without a JSON body: %d %q", method, target, resp.StatusCode, data)
	}
}
