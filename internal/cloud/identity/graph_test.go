package identity

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/errs"
)

func TestTheDirectoryFaceFindsPrincipals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.token(t, tenantA, clientA, secretA, base+"/.default")
	user := w.signIn(t, base+"/graph/.default")["access_token"].(string)
	search := func(collection, filter string) string {
		return "/v1.0/" + collection + "?$filter=" + url.QueryEscape(filter)
	}
	cases := []struct {
		name, path, bearer string
		status             int
		want               string // the id found; "none" is an empty list
	}{
		{"az asks by service principal name", search("servicePrincipals", "servicePrincipalNames/any(c:c eq '"+clientA+"')"), app, 200, objectA},
		{"by app id", search("servicePrincipals", "appId eq '"+clientA+"'"), app, 200, objectA},
		{"a managed identity is a service principal", search("servicePrincipals", "appId eq '"+robotApp+"'"), user, 200, robotA},
		{"another tenant's are not seen", search("servicePrincipals", "appId eq '"+clientB+"'"), app, 200, "none"},
		{"an unknown one is an empty list", search("servicePrincipals", "appId eq '"+tenantC+"'"), app, 200, "none"},
		{"a user by name", search("users", "userPrincipalName eq '"+userName+"'"), app, 200, userA},
		{"a quote in a name is doubled", search("users", "userPrincipalName eq 'o''neil@x'"), app, 200, "none"},
		{"another filter is not built", search("users", "startswith(displayName,'M')"), app, 501, ""},
		{"a list of all is not built", "/v1.0/users", app, 501, ""},
		{"a service principal by id", "/v1.0/servicePrincipals/" + objectA, app, 200, objectA},
		{"a service principal by key", "/v1.0/servicePrincipals(appId='" + clientA + "')", app, 200, objectA},
		{"below the graph endpoint of the metadata", "/graph/v1.0/serviceprincipals/" + objectA, app, 200, objectA},
		{"a user is no service principal", "/v1.0/servicePrincipals/" + userA, app, 404, ""},
		{"another tenant's by id", "/v1.0/servicePrincipals/" + objectB, app, 404, ""},
		{"a user by id", "/v1.0/users/" + userA, app, 200, userA},
		{"a user by its name in the path", "/v1.0/users/" + strings.ToUpper(userName), app, 200, userA},
		{"any object by id", "/v1.0/directoryObjects/" + robotA, app, 200, robotA},
		{"me", "/v1.0/me", user, 200, userA},
		{"an application has no me", "/v1.0/me", app, 400, ""},
		{"a NUL finds nothing", "/v1.0/users/%00", app, 404, ""},
		{"groups are not built", "/v1.0/groups/x", app, 501, ""},
		{"no token", "/v1.0/me", "", 401, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			status, body := w.get(t, c.path, c.bearer)
			if status != c.status {
				t.Fatalf("got %d, %v, want %d", status, body, c.status)
			}
			got, _ := body["id"].(string)
			if found, isList := body["value"].([]any); isList {
				got = "none"
				if len(found) == 1 {
					got, _ = found[0].(map[string]any)["id"].(string)
				}
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestGetByIDsAnswersThoseThatExist(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.token(t, tenantA, clientA, secretA, base+"/graph/.default")
	ask := func(body string) (int, map[string]any) {
		r := httptest.NewRequest("POST", "/v1.0/directoryObjects/getByIds", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+app)
		return w.send(t, r)
	}
	status, body := ask(`{"ids":["` + userA + `","` + tenantC + `","` + objectB + `","` + objectA + `"]}`)
	if found := body["value"].([]any); status != 200 || len(found) != 2 || found[1].(map[string]any)["@odata.type"] != "#microsoft.graph.servicePrincipal" {
		t.Errorf("got %d, %v", status, body)
	}
	if _, body = ask(`{"ids":["` + userA + `","` + objectA + `"],"types":["user"]}`); len(body["value"].([]any)) != 1 {
		t.Errorf("users only: got %v", body)
	}
	for _, bad := range []string{"", "[]", `{"ids":[]}`, `{"ids":"x"}`} {
		if status, _ := ask(bad); status != 400 {
			t.Errorf("%q: got %d, want 400", bad, status)
		}
	}
}

func TestADirectoryThatIsDownSaysNothingOfItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.token(t, tenantA, clientA, secretA, base+"/.default")
	verifyCode(t, w, app, "")
	w.broken = errs.New(errs.Internal, "Disk", "canary: disk full")
	status, body := w.get(t, "/v1.0/users/"+userA, app)
	if message, _ := body["error"].(map[string]any)["message"].(string); status != 503 || strings.Contains(message, "canary") {
		t.Errorf("got %d, %v", status, body)
	}
}
