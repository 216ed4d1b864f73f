package rewrite

import (
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
)

const (
	oldGroup = "/subscriptions/1111/resourceGroups/dev"
	newGroup = "/subscriptions/2222/resourceGroups/prod"
	ml       = "/providers/Microsoft.MachineLearningServices/workspaces/ws"
	store    = "/providers/Microsoft.Storage/storageAccounts/acc"
)

func parse(t testing.TB, text string) arm.ID {
	t.Helper()
	id, err := arm.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func moves(t testing.TB) Map {
	t.Helper()
	return New([]arm.ID{parse(t, oldGroup+ml), parse(t, oldGroup+store)}, parse(t, newGroup))
}

func TestTextsAreRewritten(t *testing.T) {
	t.Parallel()
	m := moves(t)
	for _, c := range []struct{ name, text, want string }{
		{"a bare id", oldGroup + ml, newGroup + ml},
		{"an id of something below", oldGroup + ml + "/models/m/versions/1", newGroup + ml + "/models/m/versions/1"},
		{"an id in another case", strings.ToUpper(oldGroup+ml) + "/Models/M", newGroup + ml + "/Models/M"},
		{"an asset id behind azureml:", "azureml:" + oldGroup + ml + "/codes/c/versions/1", "azureml:" + newGroup + ml + "/codes/c/versions/1"},
		{"an MLflow URI", "azureml://eastus.api.azureml.ms/mlflow/v1.0" + oldGroup + ml, "azureml://eastus.api.azureml.ms/mlflow/v1.0" + newGroup + ml},
		{"S05 the short URI of data", "azureml://subscriptions/1111/resourcegroups/dev/workspaces/ws/datastores/d/paths/p", "azureml://subscriptions/2222/resourcegroups/prod/workspaces/ws/datastores/d/paths/p"},
		{"two mentions in one text", oldGroup + ml + " and " + oldGroup + store, newGroup + ml + " and " + newGroup + store},
		{"another workspace whose name begins alike stays", oldGroup + ml + "-2/models/m", oldGroup + ml + "-2/models/m"},
		{"another resource of the group stays", oldGroup + "/providers/Microsoft.KeyVault/vaults/kv", oldGroup + "/providers/Microsoft.KeyVault/vaults/kv"},
		{"the group itself stays", oldGroup, oldGroup},
		{"free text stays", "nothing to see", "nothing to see"},
		{"bytes that are no UTF-8 stay", "\xff" + oldGroup + ml + "\xfe", "\xff" + oldGroup + ml + "\xfe"},
	} {
		if got := m.Text(c.text); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if got := (Map{}).Text(c.text); got != c.text {
			t.Errorf("%s: the empty map changed it to %q", c.name, got)
		}
	}
}

func TestIDsMoveWithTheirRoots(t *testing.T) {
	t.Parallel()
	m := moves(t)
	lock := parse(t, oldGroup+ml+"/providers/Microsoft.Authorization/locks/l")
	if got := m.ID(lock).String(); got != newGroup+ml+"/providers/Microsoft.Authorization/locks/l" {
		t.Errorf("what is bound to the workspace goes to %s", got)
	}
	if back := m.Inverse().ID(m.ID(lock)); !back.Equal(lock) {
		t.Errorf("the way back leads to %s", back)
	}
	from, to, ok := m.Account("ACC")
	if !ok || from.Group() != "dev" || to.Group() != "prod" {
		t.Errorf("S45 the account is not found: %v %v %v", from, to, ok)
	}
	if _, _, ok := m.Account("other"); ok {
		t.Error("an account that does not move is found")
	}
}

func TestABodyForPutHasNothingOfTheService(t *testing.T) {
	t.Parallel()
	kind, _ := aml.FindKind("onlineEndpoints/deployments")
	doc, err := arm.ParseDocument([]byte(`{"id":"x","name":"n","type":"t","etag":"e","systemData":{},"location":"eastus","novelty":{"kept":1.50},
		"identity":{"type":"UserAssigned","principalId":"p","tenantId":"t","userAssignedIdentities":{"/subscriptions/1111/i":{"principalId":"p"}}},
		"properties":{"provisioningState":"Succeeded","model":"` + oldGroup + ml + `/models/m/versions/1","environmentVariables":{"WS":"` + oldGroup + ml + `"},"unknown":[1,2]}}`))
	if err != nil {
		t.Fatal(err)
	}
	m := moves(t)
	body := m.ForPut(kind, doc)
	for _, path := range []string{"id", "name", "type", "etag", "systemData", "properties.provisioningState", "identity.principalId", "identity.tenantId"} {
		if _, there := body.At(path); there {
			t.Errorf("%s is put back", path)
		}
	}
	if got := body.Text("properties.model"); got != newGroup+ml+"/models/m/versions/1" {
		t.Errorf("the model is %s", got)
	}
	if _, there := body.At("novelty.kept"); !there || doc.Text("name") != "n" {
		t.Error("D1 an unknown member was lost, or the document itself was changed")
	}
	if got := m.Mentions(body); !slices.Equal(got, []string{"properties.environmentVariables.WS"}) {
		t.Errorf("what still names the old id is %v", got)
	}
}

func FuzzText(f *testing.F) {
	f.Add("azureml://subscriptions/1111/resourcegroups/dev/workspaces/ws/x")
	f.Add(oldGroup + ml + oldGroup + ml + "-" + strings.ToUpper(oldGroup))
	f.Add("\xff\xfe" + oldGroup + store + ")")
	f.Fuzz(func(t *testing.T, text string) {
		m := moves(t)
		once := m.Text(text)
		if m.Text(once) != once {
			t.Errorf("rewriting %q twice gives another text than once", text)
		}
		if !strings.Contains(strings.ToLower(text), "1111") && once != text {
			t.Errorf("%q mentions nothing that moves and became %q", text, once)
		}
	})
}
