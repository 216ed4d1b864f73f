package identity

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/errs"
)

const (
	base     = "https://127.0.0.1:4443"
	tenantA  = "aaaaaaaa-0000-4000-8000-000000000001"
	tenantB  = "bbbbbbbb-0000-4000-8000-000000000002"
	tenantC  = "cccccccc-0000-4000-8000-000000000003" // a GUID that no tenant has
	clientA  = "aaaaaaaa-1111-4000-8000-000000000001"
	clientB  = "bbbbbbbb-1111-4000-8000-000000000002"
	objectA  = "aaaaaaaa-2222-4000-8000-000000000001"
	objectB  = "bbbbbbbb-2222-4000-8000-000000000002"
	userA    = "aaaaaaaa-3333-4000-8000-000000000001"
	robotA   = "aaaaaaaa-4444-4000-8000-000000000001"
	robotApp = "aaaaaaaa-5555-4000-8000-000000000001"
	azClient = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
	userName = "maria@local.test"

	// Canaries: no answer but the ones that hold tokens may ever contain them.
	secretA  = "canary-secret-a~!&=%+"
	secretB  = "canary-secret-b"
	password = "canary-password-ü"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var testKeys = sync.OnceValue(func() Keys { return must(NewKeys()) })

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// world is an issuer with a clock and a directory that tests can change.
type world struct {
	*Issuer
	mu     sync.Mutex
	now    time.Time
	people map[string]Principal // by object id
	broken error
	asked  int
}

func newWorld(t testing.TB, change ...func(*Options)) *world {
	t.Helper()
	w := &world{now: start, people: map[string]Principal{}}
	w.put(Principal{ObjectID: objectA, TenantID: tenantA, ClientID: clientA, Name: "mover", Kind: ServicePrincipal, Secret: cheapHash(secretA)})
	w.put(Principal{ObjectID: objectB, TenantID: tenantB, ClientID: clientB, Name: "other", Kind: ServicePrincipal, Secret: cheapHash(secretB)})
	w.put(Principal{ObjectID: userA, TenantID: tenantA, Name: "Maria", UserName: userName, Kind: User, Secret: cheapHash(password)})
	w.put(Principal{ObjectID: robotA, TenantID: tenantA, ClientID: robotApp, Name: "worker", Kind: ManagedIdentity, Secret: cheapHash(secretA)})
	opts := Options{Base: func() string { return base }, Keys: testKeys(), Directory: w, Now: w.clock,
		HasTenant: func(_ context.Context, id string) (bool, error) {
			return strings.EqualFold(id, tenantA) || strings.EqualFold(id, tenantB), nil
		}}
	for _, c := range change {
		c(&opts)
	}
	issuer, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	w.Issuer = issuer
	return w
}

// cheapHash is HashSecret with a cost that tests can pay.
func cheapHash(secret string) string {
	salt := []byte("0123456789abcdef")
	hash := must(pbkdf2.Key(sha256.New, secret, salt, 1, sha256.Size))
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("%s$1$%s$%s", secretScheme, encode(salt), encode(hash))
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) put(p Principal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.people[p.ObjectID] = p
}

func (w *world) remove(objectID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.people, objectID)
}

func (w *world) find(matches func(Principal) bool) (Principal, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	if w.broken != nil {
		return Principal{}, w.broken
	}
	for _, p := range w.people {
		if matches(p) {
			return p, nil
		}
	}
	return Principal{}, errs.New(errs.NotFound, "PrincipalNotFound", "no such principal")
}

func (w *world) ByClient(_ context.Context, id string) (Principal, error) {
	return w.find(func(p Principal) bool { return p.ClientID != "" && strings.EqualFold(p.ClientID, id) })
}

func (w *world) ByUser(_ context.Context, name string) (Principal, error) {
	return w.find(func(p Principal) bool { return p.UserName != "" && strings.EqualFold(p.UserName, name) })
}

func (w *world) ByObject(_ context.Context, id string) (Principal, error) {
	return w.find(func(p Principal) bool { return strings.EqualFold(p.ObjectID, id) })
}

// send passes a request through the issuer and reads the JSON of the answer.
func (w *world) send(t testing.TB, r *http.Request) (int, map[string]any) {
	t.Helper()
	recorder := httptest.NewRecorder()
	w.ServeHTTP(recorder, r)
	if got := recorder.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("%s %s: content type %q", r.Method, r.URL, got)
	}
	var body map[string]any
	if err := json.Unmarshal(recorder.Body.Bytes(), &body); err != nil {
		t.Fatalf("%s %s answered %q: %v", r.Method, r.URL, recorder.Body, err)
	}
	return recorder.Code, body
}

func (w *world) get(t testing.TB, path, bearer string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	return w.send(t, r)
}

// post sends a form given as pairs.
func (w *world) post(t testing.TB, path string, pairs ...string) (int, map[string]any) {
	t.Helper()
	return w.send(t, formRequest(path, values(pairs...).Encode()))
}

func values(pairs ...string) url.Values {
	form := url.Values{}
	for n := 0; n+1 < len(pairs); n += 2 {
		form.Set(pairs[n], pairs[n+1])
	}
	return form
}

func formRequest(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// token signs in as a service principal.
func (w *world) token(t testing.TB, tenant, client, secret, scope string) string {
	t.Helper()
	status, body := w.post(t, "/"+tenant+"/oauth2/v2.0/token", "grant_type", "client_credentials",
		"client_id", client, "client_secret", secret, "scope", scope)
	if status != http.StatusOK {
		t.Fatalf("token of %s: status %d, body %v", client, status, body)
	}
	return body["access_token"].(string)
}

// signIn signs in as Maria through az.
func (w *world) signIn(t testing.TB, scope string) map[string]any {
	t.Helper()
	status, body := w.post(t, "/adfs/oauth2/token", "grant_type", "password", "client_id", azClient, "client_info", "1",
		"username", userName, "password", password, "scope", scope)
	if status != http.StatusOK {
		t.Fatalf("sign in: status %d, body %v", status, body)
	}
	return body
}

func roots(k Keys) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(k.CAPEM())
	return pool
}

func TestAnIssuerWithoutKeysIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := New(Options{Base: func() string { return base }, Directory: &world{}}); err == nil {
		t.Error("got an issuer without keys, want an error")
	}
}

func TestPrintingAPrincipalOrKeysShowsNoSecret(t *testing.T) {
	t.Parallel()
	p := Principal{ObjectID: objectA, Kind: User, Secret: "canary-hash"}
	text := fmt.Sprintf("%v %+v %#v %s %v %+v %#v", p, p, p, p, testKeys(), testKeys(), testKeys())
	if strings.Contains(text, "canary") || strings.Contains(text, "PrivateKey") {
		t.Errorf("got %s", text)
	}
}
