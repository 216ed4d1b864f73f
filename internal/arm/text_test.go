package arm

import "testing"

func TestTextsAreTheSameButForTheCaseOfIDs(t *testing.T) {
	t.Parallel()
	const id = "/subscriptions/S/resourceGroups/G/providers/Microsoft.Storage/storageAccounts/a"
	for _, c := range []struct {
		name, a, b string
		same       bool
	}{
		{"the same", "Debug", "Debug", true},
		{"a value in other letters", "Debug", "debug", false},
		{"an id in other letters", id, "/SUBSCRIPTIONS/s/resourcegroups/g/providers/microsoft.storage/storageaccounts/A", true},
		{"another id", id, id + "b", false},
		{"an id of the tenant", "/providers/Microsoft.Authorization/policyDefinitions/p", "/providers/microsoft.authorization/policydefinitions/P", true},
		{"an id behind a scheme", "azureml:" + id, "azureml:/subscriptions/s/resourcegroups/g/providers/microsoft.storage/storageaccounts/a", true},
		{"a workspace in its short form", "azureml://subscriptions/S/resourcegroups/G/workspaces/W/datastores/d/paths/A/b", "azureml://subscriptions/s/resourceGroups/g/workspaces/w/datastores/d/paths/A/b", true},
		{"a path behind it", "azureml://subscriptions/S/resourcegroups/G/workspaces/W/datastores/d/paths/A/b", "azureml://subscriptions/S/resourcegroups/G/workspaces/W/datastores/d/paths/a/b", false},
		{"what stands before an id", "X=" + id, "x=" + id, false},
		{"a path that only begins like one", "/providersfile/A", "/providersfile/a", false},
		{"a path of files", "/Data/a", "/data/a", false},
	} {
		if got := SameText(c.a, c.b); got != c.same {
			t.Errorf("%s: %v", c.name, got)
		}
		if got := SameText(c.b, c.a); got != c.same {
			t.Errorf("%s, the other way round: %v", c.name, got)
		}
	}
}
