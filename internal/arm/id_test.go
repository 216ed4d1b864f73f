package arm

import (
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/errs"
)

const workspace = "/subscriptions/S1/resourceGroups/rg1/providers/Microsoft.MachineLearningServices/workspaces/ws1"

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, path, want, typ, group, scope string
		topLevel, extension                 bool
	}{
		{"a subscription", "/subscriptions/S1", "/subscriptions/S1", "Microsoft.Resources/subscriptions", "", "/", false, false},
		{"a resource group in az's other spelling", "/subscriptions/S1/resourcegroups/RG1", "/subscriptions/S1/resourceGroups/RG1", "Microsoft.Resources/resourceGroups", "RG1", "/subscriptions/S1", false, false},
		{"a workspace", workspace, workspace, "Microsoft.MachineLearningServices/workspaces", "rg1", "/subscriptions/S1/resourceGroups/rg1", true, false},
		{"repeated slashes count as one", strings.ReplaceAll(workspace, "/workspaces", "//workspaces") + "/", workspace, "Microsoft.MachineLearningServices/workspaces", "rg1", "/subscriptions/S1/resourceGroups/rg1", true, false},
		{"a child of a child", workspace + "/data/d1/versions/2", workspace + "/data/d1/versions/2", "Microsoft.MachineLearningServices/workspaces/data/versions", "rg1", "/subscriptions/S1/resourceGroups/rg1", false, false},
		{"a lock on a workspace", workspace + "/providers/Microsoft.Authorization/locks/l1", workspace + "/providers/Microsoft.Authorization/locks/l1", "Microsoft.Authorization/locks", "rg1", workspace, false, true},
		{"a policy definition at the tenant", "/providers/Microsoft.Authorization/policyDefinitions/p1", "/providers/Microsoft.Authorization/policyDefinitions/p1", "Microsoft.Authorization/policyDefinitions", "", "/", false, false},
		{"a deep path of a subscription", "/subscriptions/S1/providers/Microsoft.ML/locations/eastus", "/subscriptions/S1/providers/Microsoft.ML/locations/eastus", "Microsoft.ML/locations", "", "/subscriptions/S1", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			id, err := Parse(c.path)
			if err != nil {
				t.Fatal(err)
			}
			if id.String() != c.want || string(id.Type()) != c.typ || id.Group() != c.group || id.TopLevel() != c.topLevel || id.IsExtension() != c.extension || id.Scope().String() != c.scope {
				t.Errorf("got %s type %s group %q topLevel %v extension %v scope %s", id, id.Type(), id.Group(), id.TopLevel(), id.IsExtension(), id.Scope())
			}
		})
	}
}

func TestParseRefusesWhatIsNoID(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "subscriptions/S1", "/subscriptions", workspace + "/listKeys", "/subscriptions/S1/providers/Microsoft.Storage", "/" + strings.Repeat("x", 5000)} {
		if id, err := Parse(path); !errs.Is(err, errs.Invalid) {
			t.Errorf("%.60q gave %v, %v", path, id, err)
		}
	}
}

func TestTargetsWithATail(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]struct {
		id   string
		tail Hop
	}{
		"/subscriptions":                                       {"/", Hop{Type: "subscriptions"}},
		"/subscriptions/S1/providers":                          {"/subscriptions/S1", Hop{Type: "providers"}},
		"/subscriptions/S1/providers/N":                        {"/subscriptions/S1", Hop{Namespace: "N"}},
		"/subscriptions/S1/providers/N/register":               {"/subscriptions/S1", Hop{Namespace: "N", Type: "register"}},
		"/subscriptions/S1/resourceGroups/g/moveResources":     {"/subscriptions/S1/resourceGroups/g", Hop{Type: "moveResources"}},
		workspace + "/jobs":                                    {workspace, Hop{Type: "jobs"}},
		workspace + "/providers/Microsoft.Authorization/locks": {workspace, Hop{Namespace: "Microsoft.Authorization", Type: "locks"}},
	} {
		got, err := ParseTarget(path)
		if err != nil || got.ID.String() != want.id || got.Tail != want.tail {
			t.Errorf("%s: got %s %+v, %v", path, got.ID, got.Tail, err)
		}
	}
}

func TestIDsCompareWithoutCase(t *testing.T) {
	t.Parallel()
	a, _ := Parse(workspace)
	b, _ := Parse(strings.ToUpper(workspace[:20]) + workspace[20:])
	upper, _ := Parse("/SUBSCRIPTIONS/s1/RESOURCEGROUPS/RG1/PROVIDERS/microsoft.machinelearningservices/WORKSPACES/WS1")
	if !a.Equal(upper) || a.Key() != upper.Key() || !b.Equal(a) {
		t.Errorf("%s and %s are not the same", a, upper)
	}
	group, _ := Parse("/subscriptions/s1/resourceGroups/RG1")
	other, _ := Parse("/subscriptions/s1/resourceGroups/RG")
	if !a.Within(group) || a.Within(other) || group.Within(a) {
		t.Error("a scope is not told from one whose name begins alike")
	}
}

func TestChildSharesNothing(t *testing.T) {
	t.Parallel()
	parent, _ := Parse(workspace)
	a, b := parent.Child(Hop{Type: "jobs", Name: "a"}), parent.Child(Hop{Type: "jobs", Name: "b"})
	if a.Name() != "a" || b.Name() != "b" {
		t.Errorf("got %s and %s", a, b)
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, seed := range []string{workspace, "/", "//", "/subscriptions/S1/providers/", "/providers/providers/providers", workspace + "/providers/X/y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		target, err := ParseTarget(path)
		if err != nil {
			return
		}
		if len(target.ID) == 0 {
			return
		}
		again, err := Parse(target.ID.String())
		if err != nil {
			t.Fatalf("%q renders as %q, which does not parse: %v", path, target.ID, err)
		}
		if again.Key() != target.ID.Key() {
			t.Fatalf("%q renders as %q and reads back as %q", path, target.ID, again)
		}
		_, _, _, _ = again.Type(), again.Scope(), again.Group(), again.Root()
	})
}
