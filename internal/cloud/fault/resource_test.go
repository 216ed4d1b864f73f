package fault_test

import (
	"strings"
	"testing"
)

func TestAPutThatFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fault(t, `{"kind":"deploymentFails","code":"QuotaExceeded","message":"not enough cores","match":{"action":"Microsoft.Storage/storageAccounts/write","path":"**/accthree","times":1}}`)
	account := w.source + "/providers/Microsoft.Storage/storageAccounts/accthree"
	begun := w.must(t, "PUT", account, storageBody)
	w.drain(t)
	if got := state(w.do(t, "GET", account, "").JSON(t)); got != "Failed" {
		t.Errorf("the account is %s, want Failed", got)
	}
	op := w.do(t, "GET", begun.Header.Get("Azure-AsyncOperation"), "").JSON(t)
	if trouble, _ := op["error"].(map[string]any); op["status"] != "Failed" || trouble["code"] != "QuotaExceeded" || trouble["message"] != "not enough cores" {
		t.Errorf("the operation says %v", op)
	}
	w.must(t, "PUT", account, storageBody)
	w.drain(t)
	if got := state(w.do(t, "GET", account, "").JSON(t)); got != "Succeeded" {
		t.Errorf("after a second PUT the account is %s", got)
	}
}

// state is the provisioning state of a document.
func state(doc map[string]any) string {
	properties, _ := doc["properties"].(map[string]any)
	text, _ := properties["provisioningState"].(string)
	return text
}

// endpoint makes a workspace and an online endpoint in it.
func (w *world) endpoint(t *testing.T) (id, body string) {
	t.Helper()
	w.register(t, "MachineLearningServices", "Insights")
	insights := w.source + "/providers/Microsoft.Insights/components/ai"
	w.must(t, "PUT", insights, `{"location":"eastus","kind":"web","properties":{"Application_Type":"web"}}`)
	workspace := w.source + "/providers/Microsoft.MachineLearningServices/workspaces/ws-one"
	w.must(t, "PUT", workspace, `{"location":"eastus","identity":{"type":"SystemAssigned"},"properties":{"storageAccount":"`+w.resources[0]+
		`","keyVault":"`+w.resources[2]+`","applicationInsights":"`+insights+`"}}`)
	w.drain(t)
	id, body = workspace+"/onlineEndpoints/scoring", `{"location":"eastus","identity":{"type":"SystemAssigned"},"properties":{"authMode":"Key"}}`
	w.must(t, "PUT", id, body)
	w.drain(t)
	return id, body
}

func TestTheNameOfADeletedEndpointIsHeld(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]struct {
		status int
		code   string
	}{
		`{"kind":"nameHeld","for":"30m"}`:              {404, "InferencingClientCallFailed"},
		`{"kind":"nameHeld","for":"30m","status":409}`: {409, "NameAlreadyExists"},
	} {
		t.Run(want.code, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id, body := w.endpoint(t)
			w.fault(t, fault)
			w.must(t, "DELETE", id, "")
			w.drain(t)
			w.advance(t, "29m59s")
			if a := w.do(t, "PUT", id, body); a.Status != want.status || !strings.Contains(string(a.Body), want.code) {
				t.Errorf("while the name is held the PUT is answered %d: %s", a.Status, a.Body)
			}
			w.must(t, "PUT", id+"-b", body)
			w.advance(t, "1s")
			w.must(t, "PUT", id, body)
		})
	}
}

func TestAHeldNameIsFreeWhenTheFaultGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fault(t, `{"id":"held","kind":"nameHeld","for":"1h","match":{"action":"Microsoft.Storage/storageAccounts/delete"}}`)
	w.must(t, "DELETE", w.resources[0], "")
	w.drain(t)
	if a := w.do(t, "PUT", w.resources[0], storageBody); a.Status != 404 {
		t.Errorf("while the name is held the PUT is answered %d: %s", a.Status, a.Body)
	}
	w.must(t, "DELETE", "/_cloud/faults/held", "")
	w.must(t, "PUT", w.resources[0], storageBody)
}

func TestAPrivateEndpointStaysPending(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register(t, "Network")
	network := w.source + "/providers/Microsoft.Network/virtualNetworks/net"
	w.must(t, "PUT", network, `{"location":"eastus","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]},"subnets":[{"name":"inside","properties":{"addressPrefix":"10.0.0.0/24"}}]}}`)
	w.drain(t)
	w.fault(t, `{"kind":"privateEndpointStaysPending"}`)
	endpoint := w.source + "/providers/Microsoft.Network/privateEndpoints/pe"
	w.must(t, "PUT", endpoint, `{"location":"eastus","properties":{"subnet":{"id":"`+network+`/subnets/inside"},"privateLinkServiceConnections":[{"name":"pe","properties":{"privateLinkServiceId":"`+
		w.resources[0]+`","groupIds":["blob"]}}]}}`)
	w.drain(t)
	list, _ := w.do(t, "GET", w.resources[0]+"/privateEndpointConnections", "").JSON(t)["value"].([]any)
	if len(list) != 1 {
		t.Fatalf("the account has %d connections", len(list))
	}
	connection := list[0].(map[string]any)
	status := func(doc map[string]any) any {
		return doc["properties"].(map[string]any)["privateLinkServiceConnectionState"].(map[string]any)["status"]
	}
	if got := status(connection); got != "Pending" {
		t.Errorf("the connection is %v, want Pending", got)
	}
	w.must(t, "PUT", connection["id"].(string), `{"properties":{"privateLinkServiceConnectionState":{"status":"Approved","description":"fine"}}}`)
	w.drain(t)
	if got := status(w.do(t, "GET", connection["id"].(string), "").JSON(t)); got != "Approved" {
		t.Errorf("after the approval the connection is %v", got)
	}
}
