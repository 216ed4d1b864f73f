package access

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/errs"
)

const (
	ml    = "Microsoft.MachineLearningServices/"
	group = "Microsoft.Resources/subscriptions/resourceGroups/"
)

func builtInRole(t *testing.T, name string) Role {
	t.Helper()
	for _, r := range BuiltInRoles() {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("no built-in role %q", name)
	return Role{}
}

func TestBuiltInRolesAllow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, role, action string
		want               bool
	}{
		{"S12 an owner moves resources", "Owner", group + "moveResources/action", true},
		{"S12 a contributor moves resources", "Contributor", group + "moveResources/action", true},
		{"S12 a contributor writes the target group", "Contributor", group + "write", true},
		{"S12 a reader moves nothing", "Reader", group + "moveResources/action", false},
		{"S12 a user access administrator moves nothing", "User Access Administrator", group + "moveResources/action", false},
		{"S12 a data scientist moves nothing", "AzureML Data Scientist", group + "moveResources/action", false},
		{"S12 a network contributor moves nothing", "Network Contributor", group + "moveResources/action", false},
		{"S13 a contributor deletes a workspace", "Contributor", ml + "workspaces/delete", true},
		{"S13 a data scientist does not delete the workspace", "AzureML Data Scientist", ml + "workspaces/delete", false},
		{"S14 a contributor creates a workspace", "Contributor", ml + "workspaces/write", true},
		{"S14 a data scientist does not change the workspace", "AzureML Data Scientist", ml + "workspaces/write", false},
		{"S16 a contributor does not assign roles", "Contributor", "Microsoft.Authorization/roleAssignments/write", false},
		{"S16 a contributor does not remove assignments", "Contributor", "Microsoft.Authorization/roleAssignments/delete", false},
		{"S16 a contributor reads assignments", "Contributor", "Microsoft.Authorization/roleAssignments/read", true},
		{"S16 an owner assigns roles", "Owner", "Microsoft.Authorization/roleAssignments/write", true},
		{"S16 an access administrator assigns roles", "User Access Administrator", "Microsoft.Authorization/roleAssignments/write", true},
		{"S16 an RBAC administrator assigns roles", "Role Based Access Control Administrator", "Microsoft.Authorization/roleAssignments/write", true},
		{"an RBAC administrator does not assign policies", "Role Based Access Control Administrator", "Microsoft.Authorization/policyAssignments/write", false},
		{"a contributor does not lock", "Contributor", "Microsoft.Authorization/locks/write", false},
		{"a contributor registers providers (S17)", "Contributor", "Microsoft.MachineLearningServices/register/action", true},
		{"a data scientist reads the workspace itself: a star between slashes may stand for nothing", "AzureML Data Scientist", ml + "workspaces/read", true},
		{"a data scientist submits jobs", "AzureML Data Scientist", ml + "workspaces/jobs/write", true},
		{"a data scientist does not create computes", "AzureML Data Scientist", ml + "workspaces/computes/write", false},
		{"a data scientist does not delete computes", "AzureML Data Scientist", ml + "workspaces/computes/delete", false},
		{"a data scientist starts computes", "AzureML Data Scientist", ml + "workspaces/computes/start/action", true},
		{"a data scientist does not list keys", "AzureML Data Scientist", ml + "workspaces/listKeys/action", false},
		{"a compute operator creates computes", "AzureML Compute Operator", ml + "workspaces/computes/write", true},
		{"a compute operator does not read the workspace", "AzureML Compute Operator", ml + "workspaces/read", false},
		{"a managed identity operator assigns an identity", "Managed Identity Operator", "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action", true},
		{"a reader reads anything", "Reader", "Microsoft.Storage/storageAccounts/blobServices/read", true},
		{"a reader lists no keys", "Reader", "Microsoft.Storage/storageAccounts/listKeys/action", false},
		{"AcrPull pulls", "AcrPull", "Microsoft.ContainerRegistry/registries/pull/read", true},
		{"AcrPull does not push", "AcrPull", "Microsoft.ContainerRegistry/registries/push/write", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := builtInRole(t, c.role)
			for _, spelling := range []string{c.action, strings.ToUpper(c.action), strings.ToLower(c.action)} {
				if got := r.Permissions[0].Allows(spelling); got != c.want {
					t.Errorf("%s allows %s: got %v, want %v", c.role, spelling, got, c.want)
				}
			}
		})
	}
}

func TestDataActionsAreApart(t *testing.T) {
	t.Parallel()
	const read = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
	if builtInRole(t, "Owner").Permissions[0].AllowsData(read) {
		t.Error("an owner reads blobs with its token")
	}
	if p := builtInRole(t, "Storage Blob Data Contributor").Permissions[0]; !p.AllowsData(read) || p.Allows(read) {
		t.Error("a blob data contributor must read blobs, on the data plane only")
	}
	if !builtInRole(t, "Key Vault Administrator").Permissions[0].AllowsData("Microsoft.KeyVault/vaults/secrets/getSecret/action") {
		t.Error("a vault administrator must read secrets")
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, action string
		want            bool
	}{
		{"*", "Anything/at/all", true},
		{"*", "", true},
		{"*/read", "Microsoft.X/y/read", true},
		{"*/read", "Microsoft.X/y/write", false},
		{"Microsoft.X/*", "microsoft.x/Y", true},
		{"Microsoft.X/*", "Microsoft.XY/z", false},
		{"Microsoft.X/y/read", "Microsoft.X/y/read/more", false},
		{"Microsoft.X/*/z/*/w", "Microsoft.X/z/w", true},
		{"Microsoft.X/*/z/*/w", "Microsoft.X/a/z/b/w", true},
		{"Microsoft.X/*/z/*/w", "Microsoft.X/a/b/w", false},
		{"a*a", "a", false},
		{"a*a", "aa", true},
		{"a/*/*/read", "a/read", true},
		{"*b*b*", "xbxb", true},
		{"*b*b*", "xb", false},
		{"", "", true},
		{"", "x", false},
	} {
		if got := compilePattern(c.pattern).matches(c.action); got != c.want {
			t.Errorf("%q matches %q: got %v, want %v", c.pattern, c.action, got, c.want)
		}
	}
}

func TestParseRole(t *testing.T) {
	t.Parallel()
	const id = "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/0a2b7dc5-8eb4-4970-9418-694f83a6c164"
	const good = `{"properties":{"roleName":"Mover","type":"CustomRole","description":"moves","assignableScopes":["/subscriptions/s"],
		"permissions":[{"actions":["Microsoft.Resources/*","*/read"],"notActions":["Microsoft.Resources/*/delete"]}]}}`
	r, err := ParseRole(id, []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if r.ID != "0a2b7dc5-8eb4-4970-9418-694f83a6c164" || r.Kind != CustomRole || !r.Permissions[0].Allows(group+"write") {
		t.Errorf("read as %+v", r)
	}
	if !r.AssignableAt("/SUBSCRIPTIONS/S/resourceGroups/rg") || r.AssignableAt("/subscriptions/s2") {
		t.Error("assignable in its subscription only")
	}
	again, err := ParseRole(id, r.Document("/subscriptions/s"))
	if err != nil || string(again.Document("/")) != string(r.Document("/")) {
		t.Errorf("the document does not read back: %v\n%s", err, r.Document("/"))
	}
	if !strings.Contains(string(r.Document("/subscriptions/s")), `"id":"`+id+`"`) {
		t.Errorf("the id does not repeat the scope: %s", r.Document("/subscriptions/s"))
	}
	_, err = ParseRole("not-a-guid", []byte(`{"properties":{"type":"BuiltInRole","assignableScopes":["/","/subscriptions/*"],
		"permissions":[{"actions":["no blanks/x"],"notActions":["x"]}]}}`))
	e := errs.As(err)
	if e == nil || e.Kind != errs.Invalid || len(e.Details) != 7 {
		t.Fatalf("want seven problems in one answer, got %+v", e)
	}
}

func TestBuiltInRolesAreWhole(t *testing.T) {
	t.Parallel()
	roles := BuiltInRoles()
	if len(roles) != 14 {
		t.Fatalf("got %d roles", len(roles))
	}
	for _, r := range roles {
		if !isGUID(r.ID) || r.Kind != BuiltInRole || !r.AssignableAt("/subscriptions/x") || !json.Valid(r.Document("/")) {
			t.Errorf("%s is not whole: %+v", r.Name, r)
		}
		var found problems
		checkPermission("", r.Permissions[0], &found)
		if err := found.err(r.Name); err != nil {
			t.Error(err)
		}
	}
}

func TestRoleNamesAndRemoval(t *testing.T) {
	t.Parallel()
	a := Role{ID: "a", Name: "Mover", Kind: CustomRole}
	if err := CheckRole(Role{ID: "b", Name: "MOVER"}, []Role{a}, false); !errs.Is(err, errs.Conflict) {
		t.Errorf("a second role of the same name: %v", err)
	}
	if err := CheckRole(a, []Role{a}, true); err != nil {
		t.Errorf("the same role again: %v", err)
	}
	if err := CheckRole(Role{ID: "A", Name: "Another"}, []Role{a}, false); !errs.Is(err, errs.Conflict) {
		t.Errorf("a second role of the same id: %v", err)
	}
	if err := CheckRole(Role{ID: "x", Name: "Mine"}, []Role{{ID: "X", Name: "Reader", Kind: BuiltInRole}}, true); !errs.Is(err, errs.Denied) {
		t.Errorf("a role of Azure's own id: %v", err)
	}
	if err := CheckRoleRemoval(a, []Assignment{{RoleID: "/x/roleDefinitions/A"}}); errs.As(err) == nil {
		t.Error("an assigned role may not go")
	}
	if err := CheckRoleRemoval(builtInRole(t, "Owner"), nil); !errs.Is(err, errs.Denied) {
		t.Errorf("a built-in role may not go: %v", err)
	}
	if err := CheckRoleRemoval(a, nil); err != nil {
		t.Error(err)
	}
}

func FuzzParseRole(f *testing.F) {
	f.Add("0a2b7dc5-8eb4-4970-9418-694f83a6c164", `{"properties":{"roleName":"x","permissions":[{"actions":["*"]}],"assignableScopes":["/subscriptions/s"]}}`, "a/b/c")
	f.Add("", `{"properties":null}`, "")
	f.Add("x", `[]`, "*/*")
	f.Fuzz(func(t *testing.T, id, body, action string) {
		r, err := ParseRole(id, []byte(body))
		for _, p := range r.Permissions {
			if p.Allows(action) != p.Allows(strings.ToUpper(action)) && isASCII(action) {
				t.Errorf("case matters for %q", action)
			}
		}
		if err == nil && !json.Valid(r.Document("/")) {
			t.Errorf("invalid document for %q", body)
		}
		compilePattern(action).matches(id)
	})
}

func isASCII(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0 }
