package action

import (
	"net/http"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
)

// connected is a world with connections and outbound rules that name what moves.
func connected(t *testing.T) *world {
	t.Helper()
	cloud := cloudtest.Start(t, cloudtest.Fixture("contoso-quiet"))
	first := worldOn(t, cloud)
	for name, auth := range map[string]map[string]any{
		"blob-by-key":      {"authType": "AccountKey", "credentials": map[string]any{"key": "Y29ubmVjdGlvbi1jYW5hcnk="}},
		"blob-by-identity": {"authType": "AAD"},
	} {
		auth["category"], auth["target"] = "AzureBlob", "https://contosomldevst.blob.core.windows.net/raw"
		auth["metadata"] = map[string]any{"ResourceId": first.storage(), "ContainerName": "raw"}
		first.ask(t, http.MethodPut, first.below("connections/"+name), map[string]any{"properties": auth})
	}
	first.ask(t, http.MethodPatch, first.Plan.Workspace, map[string]any{"properties": map[string]any{"managedNetwork": map[string]any{"isolationMode": "AllowInternetOutbound"}}})
	first.ask(t, http.MethodPut, first.below("outboundRules/to-storage"), map[string]any{"properties": map[string]any{"type": "PrivateEndpoint", "category": "UserDefined",
		"destination": map[string]any{"serviceResourceId": first.storage(), "subresourceTarget": "dfs", "sparkEnabled": false}}})
	return worldOn(t, cloud, "all")
}

func TestAConnectionNamesWhatMovedWhereItIs(t *testing.T) {
	t.Parallel()
	w := connected(t)
	id := w.below("connections/blob-by-key")
	w.seal(t, "connections/blob-by-key")
	before := w.get(t, id)
	w.move(t)
	for _, name := range []string{"blob-by-key", "blob-by-identity"} {
		w.want(t, w.task(plan.RestoreConnection, w.below("connections/"+name), nil))
		now := w.get(t, w.landed(t, w.below("connections/"+name)))
		if got := now.Text("properties.metadata.ResourceId"); got != w.landed(t, w.storage()) {
			t.Errorf("S08 %s leads to %s", name, got)
		}
	}
	same(t, "the connection", before, w.get(t, w.landed(t, id)), "systemData", "etag", "id", "properties.metadata.ResourceId", "properties.createdByWorkspaceArmId")
	if !strings.Contains(w.secrets(t, w.landed(t, id), "listsecrets"), "Y29ubmVjdGlvbi1jYW5hcnk=") {
		t.Error("S08 the connection lost its key")
	}
}

func TestAConnectionIsNotWrittenWithoutItsCredentials(t *testing.T) {
	t.Parallel()
	w := connected(t)
	w.move(t)
	task := w.task(plan.RestoreConnection, w.below("connections/blob-by-key"), nil)
	if err := w.find(t, task).Do(t.Context(), task); errs.As(err) == nil || errs.As(err).Code != "SecretNotSealed" {
		t.Fatalf("S08 got %v", err)
	}
	if w.journal.writes() != 0 {
		t.Error("something was sent all the same")
	}
}

func TestOnlyOutboundRulesOfUsersAreWritten(t *testing.T) {
	t.Parallel()
	w := connected(t)
	w.move(t)
	seen := 0
	for _, item := range w.facts.Content("outboundRules") {
		task := w.task(plan.RestoreOutboundRule, item.Key, nil)
		if item.Name() == "to-storage" {
			w.want(t, task)
			if got := w.get(t, w.landed(t, item.Key)).Text("properties.destination.serviceResourceId"); got != w.landed(t, w.storage()) {
				t.Errorf("S23 the rule leads to %s", got)
			}
			continue
		}
		seen++
		w.done(t, task, true)
		writes := w.journal.writes()
		if err := w.find(t, task).Do(t.Context(), task); err != nil || w.journal.writes() != writes {
			t.Errorf("S23 the service's own rule %s was written, or: %v", item.Name(), err)
		}
	}
	if seen == 0 {
		t.Error("the service has no rule of its own: the test shows little")
	}
}
