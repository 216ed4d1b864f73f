package identity

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/amlmove/amlmove/internal/errs"
)

const (
	armScope  = base + "/.default"
	pathA     = "/" + tenantA + "/oauth2/v2.0/token"
	userScope = base + "//.default offline_access openid profile"
)

func TestRefusedTokenRequestsSayWhyAndShowNoSecret(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w := newWorld(t, func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	app := func(pairs ...string) string { // a good request, changed
		v := values("grant_type", "client_credentials", "client_id", clientA, "client_secret", secretA, "scope", armScope)
		for n := 0; n < len(pairs); n += 2 {
			v.Set(pairs[n], pairs[n+1])
			if pairs[n+1] == "" {
				v.Del(pairs[n])
			}
		}
		return v.Encode()
	}
	person := func(pairs ...string) string {
		return app(append([]string{"grant_type", "password", "client_id", azClient, "client_secret", "",
			"username", userName, "password", password, "scope", userScope}, pairs...)...)
	}
	refresh := w.signIn(t, userScope)["refresh_token"].(string)
	again := func(pairs ...string) string {
		return app(append([]string{"grant_type", "refresh_token", "client_id", azClient, "client_secret", "", "refresh_token", refresh}, pairs...)...)
	}
	cases := []struct {
		name, path, body string
		status, number   int
		oauth            string
	}{
		{"a wrong secret", pathA, app("client_secret", secretB), 401, 7000215, "invalid_client"},
		{"no secret", pathA, app("client_secret", ""), 401, 7000218, "invalid_client"},
		{"a certificate", pathA, app("client_secret", "", "client_assertion", "a.b.c"), 401, 7000218, "invalid_client"},
		{"an unknown client", pathA, app("client_id", tenantC), 400, 700016, "unauthorized_client"},
		{"a secret where the client id should be", pathA, app("client_id", secretA), 400, 700016, "unauthorized_client"},
		{"a client of another tenant", "/" + tenantB + "/oauth2/v2.0/token", app(), 400, 700016, "unauthorized_client"},
		{"a managed identity as a client", pathA, app("client_id", robotApp), 400, 700016, "unauthorized_client"},
		{"a public client without a user", pathA, app("client_id", azClient), 400, 700016, "unauthorized_client"},
		{"no client id", pathA, app("client_id", ""), 400, 900144, "invalid_request"},
		{"an unknown tenant", "/" + tenantC + "/oauth2/v2.0/token", app(), 400, 90002, "invalid_request"},
		{"a tenant that is a name", "/contoso.test/oauth2/v2.0/token", app(), 400, 90002, "invalid_request"},
		{"a scope without a resource", pathA, app("scope", "openid"), 400, 70011, "invalid_scope"},
		{"a scope of two resources", pathA, app("scope", armScope+" "+base+"/graph/.default"), 400, 70011, "invalid_scope"},
		{"a scope that is not .default", pathA, app("scope", base+"/user_impersonation"), 400, 70011, "invalid_scope"},
		{"a scope that is no resource", pathA, app("scope", "hello"), 400, 70011, "invalid_scope"},
		{"a resource nobody knows", pathA, app("scope", "https://elsewhere.test/.default"), 400, 500011, "invalid_resource"},
		{"the public cloud's resource", "/" + tenantA + "/oauth2/token", app("scope", "", "resource", "https://management.azure.com/"), 400, 500011, "invalid_resource"},
		{"no scope", pathA, app("scope", ""), 400, 900144, "invalid_request"},
		{"no grant type", pathA, app("grant_type", ""), 400, 900144, "invalid_request"},
		{"another grant type", pathA, app("grant_type", "authorization_code"), 400, 70003, "unsupported_grant_type"},
		{"a body that is no form", pathA, "client_secret=%zz" + secretB, 400, 9002313, "invalid_request"},
		{"a parameter sent twice", pathA, app() + "&client_id=" + clientA, 400, 9002313, "invalid_request"},
		{"a parameter that is not text", pathA, app() + "&username=%ff", 400, 9002313, "invalid_request"},
		{"a parameter with a NUL", pathA, app() + "&username=a%00", 400, 9002313, "invalid_request"},
		{"a body beyond all size", pathA, app() + "&x=" + strings.Repeat("a", formMost), 400, 9002313, "invalid_request"},
		{"a wrong password", "/adfs/oauth2/token", person("password", secretA), 400, 50126, "invalid_grant"},
		{"no password", "/adfs/oauth2/token", person("password", ""), 400, 900144, "invalid_request"},
		{"no user name", "/adfs/oauth2/token", person("username", ""), 400, 900144, "invalid_request"},
		{"an unknown user", "/adfs/oauth2/token", person("username", password), 400, 50034, "invalid_grant"},
		{"a user of another tenant", "/" + tenantB + "/oauth2/v2.0/token", person(), 400, 50034, "invalid_grant"},
		{"a user through an unknown client", "/adfs/oauth2/token", person("client_id", tenantC), 400, 700016, "unauthorized_client"},
		{"a user through a client without its secret", "/adfs/oauth2/token", person("client_id", clientA), 401, 7000218, "invalid_client"},
		{"a user through a client of another tenant", "/adfs/oauth2/token", person("client_id", clientB, "client_secret", secretB), 400, 700016, "unauthorized_client"},
		{"no refresh token", "/adfs/oauth2/token", again("refresh_token", ""), 400, 900144, "invalid_request"},
		{"a refresh token that is none", "/adfs/oauth2/token", again("refresh_token", "hello"), 400, 70000, "invalid_grant"},
		{"a tampered refresh token", "/adfs/oauth2/token", again("refresh_token", flip(refresh)), 400, 70000, "invalid_grant"},
		{"an access token as a refresh token", "/adfs/oauth2/token", again("refresh_token", w.token(t, tenantA, clientA, secretA, armScope)), 400, 70000, "invalid_grant"},
		{"a refresh token of another client", "/adfs/oauth2/token", again("client_id", "1950a258-227b-4e31-a9cf-717495945fc2"), 400, 70000, "invalid_grant"},
		{"a refresh token through another tenant", "/" + tenantB + "/oauth2/v2.0/token", again(), 400, 50034, "invalid_grant"},
	}
	for _, c := range cases {
		t.Run(c.name+" is refused", func(t *testing.T) {
			status, body := w.send(t, formRequest(c.path, c.body))
			if numbers, _ := body["error_codes"].([]any); status != c.status || body["error"] != c.oauth || len(numbers) != 1 || numbers[0] != float64(c.number) {
				t.Errorf("got %d %v, want %d %s %d", status, body, c.status, c.oauth, c.number)
			}
			if text, _ := body["error_description"].(string); !strings.HasPrefix(text, "AADSTS") || strings.Contains(text, "canary") {
				t.Errorf("description %q", text)
			}
		})
	}
	if strings.Contains(log.String(), "canary") || !strings.Contains(log.String(), "7000215") {
		t.Errorf("the log must name refusals and no secret: %s", log.String())
	}
}

func TestTheTokenEndpointTakesFormsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if status, body := w.get(t, pathA+"?client_secret="+secretB, ""); status != 405 || body["error"] != "invalid_request" {
		t.Errorf("GET: got %d, %v", status, body)
	}
	r := httptest.NewRequest(http.MethodPost, pathA, strings.NewReader(`{"grant_type":"client_credentials"}`))
	r.Header.Set("Content-Type", "application/json")
	if status, body := w.send(t, r); status != 400 || body["error"] != "invalid_request" {
		t.Errorf("JSON: got %d, %v", status, body)
	}
	query := values("grant_type", "client_credentials", "client_id", clientA, "client_secret", secretA, "scope", armScope)
	if status, body := w.send(t, formRequest(pathA+"?"+query.Encode(), "")); status != 400 {
		t.Errorf("credentials in the query: got %d, %v", status, body)
	}
}

func TestADirectoryThatIsDownIsAskedAgainLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.broken = errs.New(errs.Internal, "Disk", "canary: disk full")
	status, body := w.post(t, pathA, "grant_type", "client_credentials", "client_id", clientA, "client_secret", secretA, "scope", armScope)
	if text, _ := body["error_description"].(string); status != 503 || body["error"] != "temporarily_unavailable" || strings.Contains(text, "canary") {
		t.Errorf("got %d, %v", status, body)
	}
}

func TestAnApplicationGetsTheTokenThatItAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cases := []struct{ name, path, scope, audience string }{
		{"az through adfs", "/adfs/oauth2/token", base + "//.default", base + "/"},
		{"az in lower case", "/ADFS/OAuth2/Token", base + "//.default", base + "/"},
		{"JS through its tenant", pathA, armScope, base},
		{"Go with its three words more", pathA, armScope + " openid offline_access profile", base},
		{"any tenant", "/common/oauth2/v2.0/token", armScope, base},
		{"the directory", pathA, base + "/graph//.default", base + "/graph/"},
		{"many slashes count as one", pathA, base + "////.default", base + "/"},
		{"a host in capitals", pathA, "HTTPS://127.0.0.1:4443/.default", "HTTPS://127.0.0.1:4443"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			status, body := w.post(t, c.path, "grant_type", "client_credentials", "client_id", strings.ToUpper(clientA), "client_info", "1",
				"client_secret", secretA, "scope", c.scope, "claims", `{"access_token": {"xms_cc": {"values": ["CP1"]}}}`)
			if status != 200 || body["token_type"] != "Bearer" || body["expires_in"] != 3599.0 || body["scope"] != c.scope {
				t.Fatalf("got %d, %v", status, body)
			}
			if body["refresh_token"] != nil || body["id_token"] != nil {
				t.Errorf("an application got tokens of a person: %v", body)
			}
			claims := read(t, body["access_token"])
			want := map[string]any{"aud": c.audience, "iss": base + "/" + tenantA + "/", "tid": tenantA, "oid": objectA, "sub": objectA, "appid": clientA,
				"idtyp": "app", "ver": "1.0", "iat": float64(start.Unix()), "nbf": float64(start.Unix()), "exp": float64(start.Add(time.Hour).Unix())}
			for name, value := range want {
				if claims[name] != value {
					t.Errorf("claim %s is %v, want %v", name, claims[name], value)
				}
			}
			if claims["upn"] != nil {
				t.Errorf("an application has the upn %v", claims["upn"])
			}
		})
	}
}

func TestV1AndBasicAuthenticationWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := formRequest("/"+tenantA+"/oauth2/token", values("grant_type", "client_credentials", "resource", base+"/").Encode())
	r.SetBasicAuth(clientA, values("", secretA).Encode()[1:])
	status, body := w.send(t, r)
	if status != 200 || body["resource"] != base+"/" || body["expires_on"] != "1772370000" {
		t.Errorf("got %d, %v", status, body)
	}
}

func TestAPersonSignsInAndRefreshes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.signIn(t, userScope)
	if first["scope"] != userScope {
		t.Errorf("scope %q is not echoed", first["scope"])
	}
	if got := string(must(base64.RawURLEncoding.DecodeString(first["client_info"].(string)))); got != `{"uid":"`+userA+`","utid":"`+tenantA+`"}` {
		t.Errorf("client_info %s", got)
	}
	id := read(t, first["id_token"])
	if id["aud"] != azClient || id["iss"] != base+"/adfs" || id["tid"] != tenantA || id["upn"] != userName || id["preferred_username"] != userName {
		t.Errorf("id token %v", id)
	}
	access := read(t, first["access_token"])
	if access["idtyp"] != "user" || access["upn"] != userName || access["appid"] != azClient || access["scp"] != "user_impersonation" {
		t.Errorf("access token %v", access)
	}

	w.advance(2 * time.Hour)
	verifyCode(t, w, first["access_token"].(string), CodeExpiredToken)
	second := refreshed(t, w, first, "scope", userScope)
	verifyCode(t, w, second["access_token"].(string), "")

	w.advance(89 * 24 * time.Hour)
	third := refreshed(t, w, second, "scope", base+"/graph/.default") // another resource, as az asks for it
	if got := read(t, third["access_token"])["aud"]; got != base+"/graph" {
		t.Errorf("audience %v", got)
	}
	fourth := refreshed(t, w, second) // nothing named: the first resource
	verifyCode(t, w, fourth["access_token"].(string), "")
}

// refreshed trades the refresh token of an answer in.
func refreshed(t *testing.T, w *world, body map[string]any, pairs ...string) map[string]any {
	t.Helper()
	status, answer := w.post(t, "/adfs/oauth2/token", append([]string{"grant_type", "refresh_token", "client_id", azClient,
		"refresh_token", body["refresh_token"].(string)}, pairs...)...)
	if status != 200 || answer["refresh_token"] == nil {
		t.Fatalf("refresh: %d, %v", status, answer)
	}
	return answer
}

func TestARefreshTokenEnds(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		change func(*world)
		number float64
	}{
		{"when its time is over", func(w *world) { w.advance(90 * 24 * time.Hour) }, 700082},
		{"when the password changes", func(w *world) {
			p := w.people[userA]
			p.Secret = cheapHash("new")
			w.put(p)
		}, 50173},
		{"when the person is gone", func(w *world) { w.remove(userA) }, 50034},
		{"when the person moved to another tenant", func(w *world) {
			p := w.people[userA]
			p.TenantID = tenantB
			w.put(p)
		}, 50034},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			body := w.signIn(t, userScope)
			c.change(w)
			status, answer := w.post(t, "/adfs/oauth2/token", "grant_type", "refresh_token", "client_id", azClient, "refresh_token", body["refresh_token"].(string))
			if codes, _ := answer["error_codes"].([]any); status != 400 || answer["error"] != "invalid_grant" || codes[0] != c.number {
				t.Errorf("got %d, %v, want %v", status, answer, c.number)
			}
		})
	}
}

func TestAPersonWithoutAResourceGetsADirectoryToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := w.signIn(t, "openid")
	if got := read(t, body["access_token"])["aud"]; got != base+"/graph" || body["refresh_token"] != nil {
		t.Errorf("audience %v, refresh token %v", got, body["refresh_token"])
	}
}

// read checks the signature of a token with the public key and returns its claims.
func read(t *testing.T, token any) jwt.MapClaims {
	t.Helper()
	var found jwt.MapClaims
	_, err := jwt.NewParser(jwt.WithoutClaimsValidation()).ParseWithClaims(token.(string), &found, func(*jwt.Token) (any, error) {
		return &testKeys().signing.PublicKey, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func FuzzTokenForm(f *testing.F) {
	w := newWorld(f)
	f.Add("/adfs/oauth2/token", values("grant_type", "client_credentials", "client_id", clientA, "client_secret", secretA, "scope", armScope).Encode())
	f.Add(pathA, values("grant_type", "password", "client_id", azClient, "username", userName, "password", password, "scope", userScope).Encode())
	f.Add("/common/oauth2/token", values("grant_type", "refresh_token", "client_id", azClient, "refresh_token", "a.b.c", "resource", base).Encode())
	f.Add("//%2f/oauth2/token", "a=b&a=c;%zz")
	f.Fuzz(func(t *testing.T, path, body string) {
		r := formRequest("/", body)
		r.URL.Path = path
		if !w.Handles(path) {
			return
		}
		recorder := httptest.NewRecorder()
		w.ServeHTTP(recorder, r)
		if code := recorder.Code; code >= 500 && code != http.StatusNotImplemented {
			t.Fatalf("%q %q answered %d: %s", path, body, code, recorder.Body)
		}
	})
}
