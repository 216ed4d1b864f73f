package identity

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/amlmove/amlmove/internal/errs"
)

// forge signs the claims of a good token of clientA after a change, with a key and header of choice.
func forge(w *world, method jwt.SigningMethod, key any, header map[string]any, change func(*claims)) string {
	c := w.claimsOf(Principal{ObjectID: objectA, TenantID: tenantA}, time.Hour)
	c.Issuer, c.Audience, c.ClientID, c.Identity = w.issuerOf(tenantA), base, clientA, "app"
	if change != nil {
		change(&c)
	}
	token := jwt.NewWithClaims(method, c)
	token.Header["kid"] = testKeys().id
	for name, value := range header {
		token.Header[name] = value
	}
	return must(token.SignedString(key))
}

func TestVerifyRefusesWhatItMust(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *Options) { o.Audiences = []string{"https://vault.local.test"} })
	good := w.token(t, tenantA, clientA, secretA, base+"/.default")
	parts := strings.Split(good, ".")
	own := testKeys().signing
	public := must(x509.MarshalPKIXPublicKey(&own.PublicKey))
	signed := func(change func(*claims)) string { return forge(w, jwt.SigningMethodRS256, own, nil, change) }
	payload := must(base64.RawURLEncoding.DecodeString(parts[1]))
	tampered := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(payload), objectA, objectB, 2)))
	refresh := w.signIn(t, base+"//.default offline_access openid profile")
	cases := []struct{ name, bearer, code string }{
		{"no header is no token", "", CodeInvalidToken},
		{"a scheme without a token is no token", "Bearer ", CodeInvalidToken},
		{"another scheme is refused", "Basic " + good, CodeInvalidToken},
		{"text that is no token is refused", "Bearer hello", CodeInvalidToken},
		{"a token beyond all size is refused", "Bearer " + strings.Repeat("a", tokenMost+1), CodeInvalidToken},
		{"a tampered signature is refused", parts[0] + "." + parts[1] + "." + flip(parts[2]), CodeInvalidToken},
		{"tampered claims are refused", parts[0] + "." + tampered + "." + parts[2], CodeInvalidToken},
		{"a token without signature is refused", parts[0] + "." + parts[1] + ".", CodeInvalidToken},
		{"algorithm none is refused", forge(w, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, nil), CodeInvalidToken},
		{"HS256 with the public key as secret is refused", forge(w, jwt.SigningMethodHS256, public, nil, nil), CodeInvalidToken},
		{"RS512 with the right key is refused", forge(w, jwt.SigningMethodRS512, own, nil, nil), CodeInvalidToken},
		{"another cloud's key is refused", forge(w, jwt.SigningMethodRS256, foreignKeys().signing, nil, nil), CodeInvalidToken},
		{"an unknown kid is refused", forge(w, jwt.SigningMethodRS256, own, map[string]any{"kid": "x"}, nil), CodeInvalidToken},
		{"a missing kid is refused", forge(w, jwt.SigningMethodRS256, own, map[string]any{"kid": nil}, nil), CodeInvalidToken},
		{"a refresh token opens nothing", refresh["refresh_token"].(string), CodeInvalidToken},
		{"an id token opens nothing", refresh["id_token"].(string), CodeInvalidToken},
		{"a token without expiry is refused", signed(func(c *claims) { c.ExpiresAt = nil }), CodeInvalidToken},
		{"a token of the future is refused", signed(func(c *claims) { c.NotBefore = jwt.NewNumericDate(start.Add(time.Minute)) }), CodeInvalidToken},
		{"an expired token is refused", signed(func(c *claims) { c.ExpiresAt = jwt.NewNumericDate(start.Add(-time.Minute)) }), CodeExpiredToken},
		{"a directory token is for the wrong audience", w.token(t, tenantA, clientA, secretA, base+"/graph/.default"), CodeInvalidAudience},
		{"a further audience is not that of ARM", w.token(t, tenantA, clientA, secretA, "https://vault.local.test/.default"), CodeInvalidAudience},
		{"an audience that only begins like the base is wrong", signed(func(c *claims) { c.Audience = base + "0" }), CodeInvalidAudience},
		{"a token of this cloud at another address is for the wrong audience", signed(func(c *claims) {
			c.Audience, c.Issuer = "https://127.0.0.1:1", "https://127.0.0.1:1/"+tenantA+"/"
		}), CodeInvalidAudience},
		{"an issuer of another tenant is refused", signed(func(c *claims) { c.Issuer = w.issuerOf(tenantB) }), CodeInvalidTenant},
		{"a tenant that the principal is not of is refused", signed(func(c *claims) { c.TenantID, c.Issuer = tenantB, w.issuerOf(tenantB) }), CodeInvalidTenant},
		{"a principal that is not there is refused", signed(func(c *claims) { c.ObjectID = tenantC }), CodeInvalidToken},
		{"a principal with another client is refused", signed(func(c *claims) { c.ClientID = clientB }), CodeInvalidToken},
		{"a person cannot be an application", signed(func(c *claims) { c.Identity = "user" }), CodeInvalidToken},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			caller, err := w.Verify(t.Context(), c.bearer)
			known := errs.As(err)
			if known == nil || known.Kind != errs.Unauthorized || known.Code != c.code {
				t.Fatalf("got %+v, %v, want %s", caller, err, c.code)
			}
			if caller != (Caller{}) {
				t.Errorf("a refused call has the caller %+v", caller)
			}
		})
	}
}

var foreignKeys = sync.OnceValue(func() Keys { return must(NewKeys()) })

// flip changes one character in the middle, so that the text stays valid base64.
func flip(text string) string {
	middle := len(text) / 2
	letter := "A"
	if text[middle] == 'A' {
		letter = "B"
	}
	return text[:middle] + letter + text[middle+1:]
}

func TestVerifySaysWhoCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	user := w.signIn(t, base+"//.default")["access_token"].(string)
	cases := []struct {
		name, bearer string
		want         Caller
	}{
		{"a service principal", "Bearer " + w.token(t, tenantA, clientA, secretA, base+"/.default"),
			Caller{ObjectID: objectA, TenantID: tenantA, ClientID: clientA, Name: "mover", Kind: ServicePrincipal}},
		{"an audience with a trailing slash, the scheme in another casing", "bearer  " + w.token(t, "adfs", clientA, secretA, base+"//.default"),
			Caller{ObjectID: objectA, TenantID: tenantA, ClientID: clientA, Name: "mover", Kind: ServicePrincipal}},
		{"a token without its scheme", w.token(t, tenantB, clientB, secretB, base+"/.default openid offline_access profile"),
			Caller{ObjectID: objectB, TenantID: tenantB, ClientID: clientB, Name: "other", Kind: ServicePrincipal}},
		{"a person", "Bearer " + user,
			Caller{ObjectID: userA, TenantID: tenantA, ClientID: azClient, Name: "Maria", UserName: userName, Kind: User}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // proved, then remembered
				if got, err := w.Verify(t.Context(), c.bearer); err != nil || got != c.want {
					t.Errorf("got %+v, %v, want %+v", got, err, c.want)
				}
			}
		})
	}
}

func TestARememberedTokenStillExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token(t, tenantA, clientA, secretA, base+"/.default")
	verifyCode(t, w, token, "")
	w.advance(time.Hour + leeway - time.Second)
	verifyCode(t, w, token, "")
	w.advance(time.Second)
	verifyCode(t, w, token, CodeExpiredToken)
	w.advance(-2 * time.Hour)
	verifyCode(t, w, token, CodeInvalidToken) // not yet valid
}

func TestARememberedTokenAsksTheDirectoryOnceAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token(t, tenantA, clientA, secretA, base+"/.default")
	w.asked = 0
	for range 10 {
		verifyCode(t, w, token, "")
	}
	if w.asked != 1 {
		t.Errorf("the directory was asked %d times, want 1", w.asked)
	}
	w.remove(objectA)
	verifyCode(t, w, token, "")
	w.advance(recheck)
	verifyCode(t, w, token, CodeInvalidToken)
	verifyCode(t, w, token, CodeInvalidToken)
	if got := w.cache.len(); got != 0 {
		t.Errorf("%d tokens are remembered, want 0", got)
	}
}

func TestADirectoryThatCannotAnswerIsNotAFalseToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.token(t, tenantA, clientA, secretA, base+"/.default")
	w.broken = errs.New(errs.Unavailable, "StoreClosed", "the store is closed")
	if _, err := w.Verify(t.Context(), token); !errs.Is(err, errs.Unavailable) {
		t.Errorf("got %v, want Unavailable", err)
	}
}

func TestTokensHoldOnAnotherNodeAndAfterARestart(t *testing.T) {
	t.Parallel()
	first := newWorld(t)
	kept := must(ParseKeys(must(testKeys().Marshal())))
	second := newWorld(t, func(o *Options) { o.Keys = kept })
	body := first.signIn(t, base+"//.default offline_access openid")
	verifyCode(t, second, body["access_token"].(string), "")
	status, again := second.post(t, "/adfs/oauth2/token", "grant_type", "refresh_token", "client_id", azClient, "refresh_token", body["refresh_token"].(string))
	if status != 200 {
		t.Errorf("refresh on the other node: %d, %v", status, again)
	}
}

func verifyCode(t *testing.T, w *world, token, want string) {
	t.Helper()
	_, err := w.Verify(t.Context(), token)
	got := ""
	if known := errs.As(err); known != nil {
		got = known.Code
	} else if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheCacheKeepsTheMostRecentTokensOfEachShard(t *testing.T) {
	t.Parallel()
	c := newCache(2 * cacheShards)
	key := func(n byte) digest { return digest{0, n} } // all of one shard
	for n := range byte(3) {
		c.put(key(n), verified{audience: string('a' + rune(n))})
		c.get(key(0))
	}
	if _, kept := c.get(key(1)); kept {
		t.Error("the least recently used token is still there")
	}
	if v, kept := c.get(key(0)); !kept || v.audience != "a" {
		t.Error("the token in use is gone")
	}
	for n := range 100_000 {
		c.put(sha256.Sum256([]byte{byte(n), byte(n >> 8), byte(n >> 16)}), verified{})
	}
	if got := c.len(); got > 2*cacheShards {
		t.Errorf("%d tokens are remembered, want at most %d", got, 2*cacheShards)
	}
}

func TestVerifyIsSafeForManyAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tokens := []string{w.token(t, tenantA, clientA, secretA, base+"/.default"), w.token(t, tenantB, clientB, secretB, base+"/.default"), "bad"}
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			for m := range 200 {
				if _, err := w.Verify(t.Context(), tokens[(n+m)%3]); (err != nil) != ((n+m)%3 == 2) {
					t.Errorf("token %d: %v", (n+m)%3, err)
				}
			}
		})
	}
	group.Wait()
}

func FuzzVerify(f *testing.F) {
	w := newWorld(f)
	good := w.token(f, tenantA, clientA, secretA, base+"/.default")
	parts := strings.Split(good, ".")
	header := base64.RawURLEncoding.EncodeToString(must(json.Marshal(map[string]string{"alg": "none", "kid": testKeys().id})))
	for _, seed := range []string{"", "Bearer", good, "Bearer " + good, header + "." + parts[1] + ".", parts[0] + ".e30." + parts[2], "a.b.c", "...", parts[0] + ".bnVsbA." + parts[2]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, bearer string) {
		_, err := w.Verify(t.Context(), bearer)
		if err == nil && !strings.HasSuffix(strings.TrimSpace(bearer), good) {
			t.Fatalf("%q was accepted", bearer)
		}
		if err != nil && !errs.Is(err, errs.Unauthorized) {
			t.Fatalf("%q: %v", bearer, err)
		}
		var known *errs.Error
		if errors.As(err, &known) && len(known.Message) > 1000 {
			t.Fatalf("a message of %d bytes", len(known.Message))
		}
	})
}

func BenchmarkVerifyRemembered(b *testing.B) {
	w := newWorld(b, func(o *Options) { o.Now = time.Now })
	token := "Bearer " + w.token(b, tenantA, clientA, secretA, base+"//.default")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyProved(b *testing.B) {
	w := newWorld(b, func(o *Options) { o.Now = time.Now })
	token := w.token(b, tenantA, clientA, secretA, base+"//.default")
	for b.Loop() {
		w.cache.drop(digestOf(token))
		if _, err := w.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkServerCertificate(b *testing.B) {
	for b.Loop() {
		must(testKeys().ServerCertificate(nil, start))
	}
}

func BenchmarkSecret(b *testing.B) {
	for b.Loop() {
		must(HashSecret(secretA))
	}
}
