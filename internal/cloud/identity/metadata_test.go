package identity

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

func TestTheIssuerKnowsItsPaths(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ours := []string{
		"/adfs/.well-known/openid-configuration", "/ADFS/oauth2/token", "//adfs//oauth2/token", "/adfs/oauth2/authorize", "/adfs/anything",
		"/" + tenantA + "/v2.0/.well-known/openid-configuration", "/" + tenantA + "/.well-known/openid-configuration",
		"/" + strings.ToUpper(tenantA) + "/OAuth2/V2.0/Token", "/contoso.test/oauth2/token", "/common/discovery/instance",
		"/discovery/keys", "/" + tenantA + "/discovery/v2.0/keys", "/common/UserRealm/maria@local.test",
		"/metadata/endpoints", "/Metadata/Endpoints/", "/_cloud/identity/token", "/v1.0/me", "/graph/v1.0/users/x", "/graph/" + tenantA + "/users",
		"/" + tenantA + "/oauth2/v2.0/devicecode",
	}
	for _, path := range ours {
		if !w.Handles(path) {
			t.Errorf("%s is not handled", path)
		}
	}
	others := []string{
		"", "/", "/subscriptions", "/subscriptions/" + tenantA + "/oauth2/token", "/Subscriptions/" + tenantA + "/discovery/keys",
		"/providers/Microsoft.Storage/oauth2/token", "/tenants", "/tenants/oauth2/token", "/_cloud/faults", "/_cloud/identity", "/metadata",
		"/metadata/identity", "/discovery/other", "/locations/x", "/healthz", "/v1.0",
	}
	for _, path := range others {
		if w.Handles(path) {
			t.Errorf("%s is handled", path)
		}
	}
}

func TestOpenIDDocumentsNameTheEndpointsOfTheirAuthority(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cases := []struct{ name, path, issuer, token string }{
		{"adfs", "/adfs/.well-known/openid-configuration", base + "/adfs", base + "/adfs/oauth2/token"},
		{"a tenant in v2, with the bare ? of Go", "/" + tenantA + "/v2.0/.well-known/openid-configuration?", base + "/" + tenantA + "/v2.0", base + "/" + tenantA + "/oauth2/v2.0/token"},
		{"a tenant in v1", "/" + tenantA + "/.well-known/openid-configuration", base + "/" + tenantA + "/", base + "/" + tenantA + "/oauth2/token"},
		{"adfs as a tenant in v2", "/adfs/v2.0/.well-known/openid-configuration", base + "/adfs", base + "/adfs/oauth2/token"},
		{"every tenant", "/common/v2.0/.well-known/openid-configuration", base + "/{tenantid}/v2.0", base + "/common/oauth2/v2.0/token"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			status, body := w.get(t, c.path, "")
			if status != 200 || body["issuer"] != c.issuer || body["token_endpoint"] != c.token || body["jwks_uri"] != base+"/discovery/keys" ||
				!strings.HasSuffix(body["authorization_endpoint"].(string), "/authorize") {
				t.Errorf("got %d, %v", status, body)
			}
		})
	}
	if status, body := w.get(t, "/"+tenantC+"/v2.0/.well-known/openid-configuration", ""); status != 400 || body["error_codes"].([]any)[0] != 90002.0 {
		t.Errorf("unknown tenant: got %d, %v", status, body)
	}
}

func TestTheKeyDocumentVerifiesATokenByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token(t, tenantA, clientA, secretA, base+"/.default")
	for _, path := range []string{"/discovery/keys", "/" + tenantA + "/discovery/v2.0/keys", "/common/discovery/keys", "/adfs/discovery/keys"} {
		_, body := w.get(t, path, "")
		key := body["keys"].([]any)[0].(map[string]any)
		number := func(name string) *big.Int {
			return new(big.Int).SetBytes(must(base64.RawURLEncoding.DecodeString(key[name].(string))))
		}
		public := &rsa.PublicKey{N: number("n"), E: int(number("e").Int64())}
		parsed, err := jwt.NewParser(jwt.WithoutClaimsValidation()).Parse(token, func(*jwt.Token) (any, error) { return public, nil })
		if err != nil || parsed.Header["kid"] != key["kid"] || key["alg"] != "RS256" || key["use"] != "sig" || key["kty"] != "RSA" {
			t.Errorf("%s: %v, %v", path, err, key)
		}
	}
}

func TestCloudMetadataHasTheFormOfItsVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fetch := func(version string) (int, any) {
		recorder := httptest.NewRecorder()
		w.ServeHTTP(recorder, httptest.NewRequest("GET", "/metadata/endpoints?api-version="+version, nil))
		var body any
		if err := json.Unmarshal(recorder.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		return recorder.Code, body
	}
	_, old := fetch("2015-01-01")
	authentication := old.(map[string]any)["authentication"].(map[string]any)
	if authentication["loginEndpoint"] != base+"/adfs" || authentication["audiences"].([]any)[0] != base+"/" || old.(map[string]any)["graphEndpoint"] != base+"/graph" {
		t.Errorf("2015-01-01: %v", old)
	}
	_, object := fetch("2022-09-01")
	if got := object.(map[string]any); got["resourceManager"] != base || got["authentication"].(map[string]any)["loginEndpoint"] != base {
		t.Errorf("2022-09-01: %v", got)
	}
	for _, version := range []string{"2019-05-01", "2020-06-01", "2023-11-01"} {
		_, many := fetch(version)
		cloud := many.([]any)[0].(map[string]any)
		if cloud["name"] != "LocalCloud" || cloud["authentication"].(map[string]any)["loginEndpoint"] != base+"/adfs" || cloud["suffixes"] == nil || cloud["microsoftGraphResourceId"] != base+"/" {
			t.Errorf("%s: %v", version, cloud)
		}
	}
	if status, body := fetch(""); status != 400 {
		t.Errorf("no version: %d, %v", status, body)
	}
}

func TestInstanceDiscoveryKnowsThisHostOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cases := []struct{ name, query, want string }{
		{"a tenant of this host", "?api-version=1.1&authorization_endpoint=" + base + "/" + tenantA + "/oauth2/v2.0/authorize", base + "/" + tenantA + "/v2.0/.well-known/openid-configuration"},
		{"adfs of this host", "?authorization_endpoint=" + base + "/adfs/oauth2/authorize", base + "/adfs/.well-known/openid-configuration"},
		{"no endpoint", "", base + "/common/v2.0/.well-known/openid-configuration"},
		{"another host", "?authorization_endpoint=https://login.elsewhere.test/x/oauth2/authorize", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			status, body := w.get(t, "/common/discovery/instance"+c.query, "")
			if got, _ := body["tenant_discovery_endpoint"].(string); got != c.want || (status == 200) != (c.want != "") {
				t.Errorf("got %d, %v", status, body)
			}
		})
	}
}

func TestWhatIsNotBuiltSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if status, body := w.get(t, "/"+tenantA+"/oauth2/v2.0/authorize", ""); status != 501 || body["error"] == nil {
		t.Errorf("got %d, %v", status, body)
	}
	if status, _ := w.get(t, "/somewhere/else", ""); status != 404 {
		t.Errorf("a foreign path: got %d", status)
	}
	if status, _ := w.post(t, "/metadata/endpoints"); status != 405 {
		t.Errorf("POST of a document: got %d", status)
	}
}
