package action

import (
	"net/http"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/seal"
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

func TestACredentialThatWasChangedSinceItWasSealedIsKept(t *testing.T) {
	t.Parallel()
	w := connected(t)
	id := w.below("connections/blob-by-key")
	w.seal(t, "connections/blob-by-key")
	w.written(t, id, func(d arm.Document) { d.Set("properties.credentials", map[string]any{"key": "bmV3LWtleQ=="}) })
	w.move(t)
	w.want(t, w.task(plan.RestoreConnection, id, nil))
	if !strings.Contains(w.secrets(t, w.landed(t, id), "listsecrets"), "bmV3LWtleQ==") {
		t.Error("S08 a key that somebody took out of use is back")
	}
}

func TestTheSealedCredentialStandsWhereTheServiceTellsNone(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{`"status":403,"code":"AuthorizationFailed"`, `"status":500,"code":"InternalServerError"`} {
		w := connected(t)
		id := w.below("connections/blob-by-key")
		w.seal(t, "connections/blob-by-key")
		w.move(t)
		w.fault(t, `{"kind":"status",`+fault+`,"message":"no","match":{"path":"**/listsecrets"}}`)
		w.want(t, w.task(plan.RestoreConnection, id, nil))
		w.ask(t, http.MethodDelete, "/_cloud/faults", nil)
		if !strings.Contains(w.secrets(t, w.landed(t, id), "listsecrets"), "Y29ubmVjdGlvbi1jYW5hcnk=") {
			t.Error("S08 the connection lost its key")
		}
		if !w.journal.remarked(ToDo, "could not be read") || strings.Contains(strings.Join(w.journal.remarks, " "), "Y29ubmVjdGlvbi1jYW5hcnk=") {
			t.Errorf("S08 the remarks are %d: that a key was written over one that nobody could read is not told, or the key is", len(w.journal.remarks))
		}
	}
}

// TestACredentialIsComparedWhenTroubleHasPassed: a key that somebody took out of use is not put back because the service could not tell the present one for a moment.
func TestACredentialIsComparedWhenTroubleHasPassed(t *testing.T) {
	t.Parallel()
	w := connected(t)
	id := w.below("connections/blob-by-key")
	w.seal(t, "connections/blob-by-key")
	w.written(t, id, func(d arm.Document) { d.Set("properties.credentials", map[string]any{"key": "bmV3LWtleQ=="}) })
	w.move(t)
	w.fault(t, `{"kind":"status","status":503,"code":"ServiceUnavailable","message":"later","match":{"path":"**/listsecrets","times":6}}`)
	w.want(t, w.task(plan.RestoreConnection, id, nil))
	if !strings.Contains(w.secrets(t, w.landed(t, id), "listsecrets"), "bmV3LWtleQ==") {
		t.Error("S08 a key that somebody took out of use is back")
	}
	if len(w.journal.remarks) != 0 {
		t.Errorf("S08 it was compared in the end, and said is %v", w.journal.remarks)
	}
}

// TestWhatIsSealedOfAConnectionIsInItsBody: whatever the form in which a connection holds its secret; a body without it would break the connection.
func TestWhatIsSealedOfAConnectionIsInItsBody(t *testing.T) {
	t.Parallel()
	w := connected(t)
	id := w.below("connections/blob-by-key")
	task := w.task(plan.RestoreConnection, id, nil)
	w.fault(t, `{"kind":"status","status":403,"code":"AuthorizationFailed","message":"no","match":{"path":"**/listsecrets"}}`)
	for _, c := range []struct{ name, auth, sealed, path, want string }{
		{"credentials", "AccountKey", `{"properties":{"authType":"AccountKey","credentials":{"key":"x"}}}`, "properties.credentials.key", "x"},
		{"the value of an older form", "PAT", `{"properties":{"authType":"PAT","value":"x","credentials":null}}`, "properties.value", "x"},
		{"the client of an identity", "ManagedIdentity", `{"properties":{"authType":"ManagedIdentity","credentials":{"clientId":"x"}}}`, "properties.credentials.clientId", "x"},
		{"no credentials", "AccountKey", `{"properties":{"authType":"AccountKey","credentials":null}}`, "", ""},
		{"those of another way to sign in", "PAT", `{"properties":{"authType":"AccountKey","credentials":{"key":"x"}}}`, "", ""},
	} {
		if err := w.Secrets.Put(id, seal.Secret(c.sealed)); err != nil {
			t.Fatal(err)
		}
		body := arm.Document{"properties": map[string]any{"authType": c.auth}}
		err := fillCredentials(t.Context(), task, must(t, id), body)
		if e := errs.As(err); c.want == "" && (e == nil || e.Code != "SecretNotSealed") || c.want != "" && (err != nil || body.Text(c.path) != c.want) {
			t.Errorf("S08 %s: %v, %v", c.name, err, body)
		}
	}
}

func TestAConsentThatCannotBeWrittenIsAPersonsToGive(t *testing.T) {
	t.Parallel()
	w := connected(t)
	id := w.below("connections/consented")
	w.ask(t, http.MethodPut, id, map[string]any{"properties": map[string]any{"authType": "OAuth2", "category": "Generic", "target": "https://example.test", "metadata": map[string]any{"ResourceId": w.storage()}}})
	w = worldOn(t, w.cloud, "all")
	w.want(t, w.task(plan.SaveSecrets, id, nil))
	w.move(t)
	w.want(t, w.task(plan.RestoreConnection, id, nil))
	if !w.journal.remarked(ToDo, "consent") {
		t.Errorf("pain 45 said was %v", w.journal.remarks)
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
