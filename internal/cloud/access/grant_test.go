package access

import (
	"net/http"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/errs"
)

const (
	sub       = "/subscriptions/11111111-1111-1111-1111-111111111111"
	source    = sub + "/resourceGroups/rg1"
	workspace = source + "/providers/Microsoft.MachineLearningServices/workspaces/ws1"
	alice     = "aaaaaaaa-0000-0000-0000-000000000001"
	bob       = "bbbbbbbb-0000-0000-0000-000000000002"
	owner     = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	contrib   = "b24988ac-6180-42a0-ab88-20f7382dd24c"
	reader    = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
)

func roleID(guid string) string { return sub + "/providers/" + RoleDefinitionType + "/" + guid }

func TestAllowed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name              string
		scope, role       string // of the assignment
		principal, action string
		at                string
		want              bool
	}{
		{"S12 a grant on the group covers the group", source, contrib, alice, group + "moveResources/action", source, true},
		{"S12 a grant on the subscription covers its groups", sub, contrib, alice, group + "moveResources/action", source, true},
		{"S12 a grant at the tenant root covers everything", "/", owner, alice, group + "write", source, true},
		{"S12 a grant on another group covers nothing here", sub + "/resourceGroups/rg2", owner, alice, group + "write", source, false},
		{"S12 a grant on rg1 does not cover rg10", source, owner, alice, group + "write", source + "0", false},
		{"S12 a grant on the workspace does not cover its group", workspace, owner, alice, group + "moveResources/action", source, false},
		{"S13 a grant on the group covers deleting the workspace", source, contrib, alice, ml + "workspaces/delete", workspace, true},
		{"S14 a reader creates nothing", source, reader, alice, ml + "workspaces/write", workspace, false},
		{"another principal has nothing", source, owner, bob, group + "write", source, false},
		{"case of principal and scope does not matter", strings.ToUpper(source), owner, strings.ToUpper(alice), group + "write", source, true},
		{"an assignment of an unknown role grants nothing", source, "00000000-0000-0000-0000-000000000000", alice, group + "read", source, false},
		{"repeated slashes count as one", source, owner, alice, ml + "workspaces/read", strings.Replace(workspace, "/workspaces", "//workspaces", 1), true},
		{"a slash at the end of the assignment's scope does not matter", source + "/", owner, alice, group + "read", source, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewGrants(BuiltInRoles(), []Assignment{{Scope: c.scope, PrincipalID: alice, RoleID: roleID(c.role)}})
			if got := g.Allowed(c.principal, c.action, c.at); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestNotActionsOfOneRoleDoNotTakeFromAnother(t *testing.T) {
	t.Parallel()
	g := NewGrants(BuiltInRoles(), []Assignment{
		{Scope: source, PrincipalID: alice, RoleID: contrib},
		{Scope: sub, PrincipalID: alice, RoleID: "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"},
		{Scope: sub, PrincipalID: alice, RoleID: contrib},
	})
	if !g.Allowed(alice, "Microsoft.Authorization/roleAssignments/write", workspace) {
		t.Error("the access administrator's right is lost")
	}
	if got := len(g.Permissions(alice, workspace)); got != 2 {
		t.Errorf("got %d permissions, want each role once", got)
	}
	if got := g.Permissions(bob, workspace); got == nil || len(got) != 0 {
		t.Errorf("got %v, want an empty list", got)
	}
}

func TestAllowedAllocatesNothing(t *testing.T) {
	g := NewGrants(BuiltInRoles(), []Assignment{
		{Scope: sub, PrincipalID: alice, RoleID: "f6c7c914-8db3-469d-8ca1-694a8f32e121"},
		{Scope: source, PrincipalID: alice, RoleID: contrib},
	})
	if n := testing.AllocsPerRun(100, func() { g.Allowed(alice, group+"moveResources/action", source) }); n > 0 {
		t.Errorf("a question allocates %v times", n)
	}
}

func TestForbiddenSaysWhatARMSays(t *testing.T) {
	t.Parallel()
	e := Forbidden("app", alice, group+"moveResources/action", source)
	const want = "The client 'app' with object id 'aaaaaaaa-0000-0000-0000-000000000001' does not have authorization to perform action " +
		"'Microsoft.Resources/subscriptions/resourceGroups/moveResources/action' over scope '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg1' " +
		"or the scope is invalid. If access was recently granted, please refresh your credentials."
	if e.Code != "AuthorizationFailed" || e.Kind != errs.Denied || e.Message != want {
		t.Errorf("got %s %s", e.Code, e.Message)
	}
	e = LinkedForbidden("app", alice, "A", "S", "B", "L")
	if e.Code != "LinkedAuthorizationFailed" || !strings.Contains(e.Message, "on scope 'S'; however, it does not have permission to perform action(s) 'B' on the linked scope(s) 'L' (respectively)") {
		t.Errorf("got %s %s", e.Code, e.Message)
	}
}

func TestActionOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, kind, verb, want string }{
		{http.MethodGet, "Microsoft.X/y", "", "Microsoft.X/y/read"},
		{http.MethodHead, "Microsoft.Resources/resourceGroups", "", group + "read"},
		{http.MethodPatch, "Microsoft.X/y", "", "Microsoft.X/y/write"},
		{http.MethodDelete, "Microsoft.X/y", "", "Microsoft.X/y/delete"},
		{http.MethodPost, "microsoft.resources/resourcegroups", "moveResources", group + "moveResources/action"},
	} {
		if got := ActionOf(c.method, armType(c.kind), c.verb); got != c.want {
			t.Errorf("%s %s: got %s, want %s", c.method, c.kind, got, c.want)
		}
	}
}

func TestAssignments(t *testing.T) {
	t.Parallel()
	const one, two = "0a2b7dc5-8eb4-4970-9418-694f83a6c164", "1b2b7dc5-8eb4-4970-9418-694f83a6c165"
	at := func(guid string) string {
		return workspace + "/providers/Microsoft.Authorization/roleAssignments/" + guid
	}
	body := `{"properties":{"principalId":"` + alice + `","principalType":"ServicePrincipal","roleDefinitionId":"` + roleID(reader) + `"}}`
	a, err := ParseAssignment(at(one), []byte(body))
	if err != nil || a.Scope != workspace || a.PrincipalID != alice {
		t.Fatalf("read as %+v, %v", a, err)
	}
	role := builtInRole(t, "Reader")
	narrow := Role{ID: "x", Name: "Narrow", AssignableScopes: []string{sub + "/resourceGroups/rg2"}}
	again, other := a, a
	again.ID, other.PrincipalID = at(two), bob
	for _, c := range []struct {
		name string
		a    Assignment
		role *Role
		code string
	}{
		{"S16 the same assignment under another name exists already", again, &role, "RoleAssignmentExists"},
		{"the same assignment under its own name is a repeated PUT", a, &role, ""},
		{"the principal of an assignment does not change", other, &role, "RoleAssignmentUpdateNotPermitted"},
		{"a role that does not exist cannot be assigned", a, nil, "RoleDefinitionDoesNotExist"},
		{"S16 a custom role without the new scope cannot be assigned there", a, &narrow, "InvalidRoleAssignment"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wantCode(t, CheckAssignment(c.a, c.role, []Assignment{a}), c.code)
		})
	}
	_, err = ParseAssignment(workspace+"/providers/Microsoft.Authorization/roleAssignments/x",
		[]byte(`{"properties":{"principalId":"alice","principalType":"Robot","condition":"c"}}`))
	if e := errs.As(err); e == nil || len(e.Details) != 5 {
		t.Errorf("want five problems, got %v", err)
	}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	got := ""
	if e := errs.As(err); e != nil {
		got = e.Code
	}
	if got != code || (err == nil) != (code == "") {
		t.Errorf("got %v, want code %q", err, code)
	}
}
