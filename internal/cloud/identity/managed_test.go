package identity

import (
	"net/http/httptest"
	"strconv"
	"testing"
	"time"
)

func TestTheManagedIdentityEndpointSpeaksAppService(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	header := IdentityHeader(robotA, secretA)
	query := "?api-version=2019-08-01&resource=" + base
	cases := []struct {
		name, query, header string
		status              int
	}{
		{"the identity of the header", query, header, 200},
		{"the identity by its client id", query + "&client_id=" + robotApp, header, 200},
		{"the identity by its object id", query + "&object_id=" + robotA, header, 200},
		{"another client id is refused", query + "&client_id=" + clientA, header, 400},
		{"a resource id is refused", query + "&mi_res_id=/subscriptions/x", header, 400},
		{"no resource is refused", "?api-version=2019-08-01", header, 400},
		{"an unknown resource is refused", "?api-version=2019-08-01&resource=https://x.test", header, 400},
		{"another api-version is refused", "?api-version=2017-09-01&resource=" + base, header, 400},
		{"no header is refused", query, "", 401},
		{"a wrong secret is refused", query, IdentityHeader(robotA, secretB), 401},
		{"an unknown identity is refused", query, IdentityHeader(tenantC, secretA), 401},
		{"a service principal has no identity header", query, IdentityHeader(objectA, secretA), 401},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("GET", ManagedPath+c.query, nil)
			r.Header.Set("X-IDENTITY-HEADER", c.header)
			status, body := w.send(t, r)
			if status != c.status {
				t.Fatalf("got %d, %v, want %d", status, body, c.status)
			}
			if status != 200 {
				return
			}
			if body["expires_on"] != strconv.FormatInt(start.Add(time.Hour).Unix(), 10) || body["resource"] != base || body["token_type"] != "Bearer" {
				t.Errorf("got %v", body)
			}
			caller, err := w.Verify(t.Context(), body["access_token"].(string))
			if want := (Caller{ObjectID: robotA, TenantID: tenantA, ClientID: robotApp, Name: "worker", Kind: ManagedIdentity}); err != nil || caller != want {
				t.Errorf("got %+v, %v, want %+v", caller, err, want)
			}
		})
	}
}
