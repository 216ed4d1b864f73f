package fault_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
)

// world is a cloud whose clock stands still, with three resources of two providers that move from one subscription to the other.
type world struct {
	*cloudtest.Cloud
	token          string
	source, target string
	resources      []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c := cloudtest.Start(t)
	w := &world{Cloud: c, token: c.Token(t, c.Credential()),
		source: "/subscriptions/" + c.Subscriptions[0] + "/resourceGroups/source-rg", target: "/subscriptions/" + c.Subscriptions[1] + "/resourceGroups/target-rg"}
	w.must(t, "PATCH", "/_cloud/clock", `{"freeze":true}`)
	w.register(t, "Storage", "KeyVault")
	for _, group := range []string{w.source, w.target} {
		w.must(t, "PUT", group, `{"location":"eastus"}`)
	}
	w.resources = []string{w.source + "/providers/Microsoft.Storage/storageAccounts/acctone", w.source + "/providers/Microsoft.Storage/storageAccounts/accttwo",
		w.source + "/providers/Microsoft.KeyVault/vaults/vaultone"}
	w.must(t, "PUT", w.resources[0], storageBody)
	w.must(t, "PUT", w.resources[1], storageBody)
	w.must(t, "PUT", w.resources[2], `{"location":"eastus","properties":{"tenantId":"`+c.TenantID+`","sku":{"family":"A","name":"standard"},"accessPolicies":[]}}`)
	w.drain(t)
	return w
}

const storageBody = `{"location":"eastus","kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{}}`

func (w *world) do(t *testing.T, method, path, body string) cloudtest.Answer {
	t.Helper()
	return w.DoToken(t, w.token, method, path, body)
}

// must sends a request that must be accepted.
func (w *world) must(t *testing.T, method, path, body string) cloudtest.Answer {
	t.Helper()
	a := w.do(t, method, path, body)
	if a.Status >= 300 {
		t.Fatalf("%s %s was answered %d: %s", method, path, a.Status, a.Body)
	}
	return a
}

// register registers both subscriptions for namespaces.
func (w *world) register(t *testing.T, namespaces ...string) {
	t.Helper()
	for _, sub := range w.Subscriptions {
		for _, ns := range namespaces {
			w.must(t, "POST", "/subscriptions/"+sub+"/providers/Microsoft."+ns+"/register", "")
		}
	}
	w.drain(t)
}

// drain carries out what is due.
func (w *world) drain(t *testing.T) {
	t.Helper()
	w.must(t, "POST", "/_cloud/clock/drain", "")
}

// advance moves the clock on and carries out what is due then.
func (w *world) advance(t *testing.T, by string) {
	t.Helper()
	w.must(t, "POST", "/_cloud/clock", `{"advance":"`+by+`"}`)
	w.drain(t)
}

// fault adds a fault.
func (w *world) fault(t *testing.T, body string) {
	t.Helper()
	w.must(t, "POST", "/_cloud/faults", body)
}

// begin starts a validation or a move of everything and returns where its result will be.
func (w *world) begin(t *testing.T, verb string) string {
	t.Helper()
	order, err := json.Marshal(map[string]any{"resources": w.resources, "targetResourceGroup": w.target})
	if err != nil {
		t.Fatal(err)
	}
	a := w.must(t, "POST", w.source+"/"+verb, string(order))
	if a.Status != http.StatusAccepted || a.Header.Get("Location") == "" {
		t.Fatalf("%s was answered %d with Location %q", verb, a.Status, a.Header.Get("Location"))
	}
	w.drain(t)
	return a.Header.Get("Location")
}

// places says where each resource is: s, t, b(oth) or n(either).
func (w *world) places(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, id := range w.resources {
		here := w.do(t, "GET", id, "").Status == http.StatusOK
		there := w.do(t, "GET", w.target+strings.TrimPrefix(id, w.source), "").Status == http.StatusOK
		switch {
		case here && there:
			b.WriteByte('b')
		case here:
			b.WriteByte('s')
		case there:
			b.WriteByte('t')
		default:
			b.WriteByte('n')
		}
	}
	return b.String()
}

// expectGroups checks the state of both groups and that it is what a write meets.
func (w *world) expectGroups(t *testing.T, want string) {
	t.Helper()
	for _, group := range []string{w.source, w.target} {
		got := w.do(t, "GET", group, "").JSON(t)["properties"].(map[string]any)["provisioningState"]
		if got != want {
			t.Errorf("the group %s is %v, want %s", group, got, want)
		}
		wrote, wantStatus := w.do(t, "PATCH", group, `{"tags":{"touched":"yes"}}`).Status, http.StatusOK
		if want != "Succeeded" {
			wantStatus = http.StatusConflict
		}
		if wrote != wantStatus {
			t.Errorf("a write to %s while %s is answered %d, want %d", group, want, wrote, wantStatus)
		}
	}
}

// expectRunning checks that an operation goes on.
func (w *world) expectRunning(t *testing.T, location string) {
	t.Helper()
	if got := w.do(t, "GET", location, "").Status; got != http.StatusAccepted {
		t.Fatalf("the operation is answered %d while it must run", got)
	}
}

// expectFailed checks how an operation ended and that its message has the words.
func (w *world) expectFailed(t *testing.T, location string, status int, code string, words ...string) {
	t.Helper()
	a := w.do(t, "GET", location, "")
	if a.Status != status {
		t.Fatalf("the operation ended with %d, want %d: %s", a.Status, status, a.Body)
	}
	trouble, _ := a.JSON(t)["error"].(map[string]any)
	if trouble["code"] != code {
		t.Errorf("the operation ended with %v, want %s", trouble["code"], code)
	}
	for _, word := range words {
		if !strings.Contains(string(a.Body), word) {
			t.Errorf("the error %s does not say %q", a.Body, word)
		}
	}
}

// expectDone checks that an operation ended well.
func (w *world) expectDone(t *testing.T, location string) {
	t.Helper()
	if a := w.do(t, "GET", location, ""); a.Status != http.StatusNoContent {
		t.Fatalf("the operation ended with %d: %s", a.Status, a.Body)
	}
}

// expectPlaces checks where the resources are.
func (w *world) expectPlaces(t *testing.T, want string) {
	t.Helper()
	if got := w.places(t); got != want {
		t.Errorf("the resources are at %q, want %q", got, want)
	}
}
