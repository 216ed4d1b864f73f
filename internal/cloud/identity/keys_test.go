package identity

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/errs"
)

func TestKeysAreTheSameAfterARoundTrip(t *testing.T) {
	t.Parallel()
	bundle := must(testKeys().Marshal())
	again, err := ParseKeys(bundle)
	if err != nil {
		t.Fatal(err)
	}
	if again.id != testKeys().id || !bytes.Equal(again.CAPEM(), testKeys().CAPEM()) || !bytes.Equal(must(again.Marshal()), bundle) {
		t.Error("the keys changed on the way")
	}
}

func TestDamagedKeyBundlesAreRefused(t *testing.T) {
	t.Parallel()
	bundle, other := must(testKeys().Marshal()), must(must(NewKeys()).Marshal())
	parts, foreign := split(bundle), split(other)
	leaf := must(testKeys().ServerCertificate(nil, time.Now()))
	cases := []struct{ name, bundle, want string }{
		{"an empty bundle lacks its certificate", "", "certificate of the certificate authority is missing"},
		{"text that is not PEM is refused", "hello", "part 1 is cut short or not PEM"},
		{"a bundle cut in its last part is refused", string(bundle[:len(bundle)-40]), "part 3 is cut short"},
		{"a bundle cut between parts lacks the signing key", parts[0] + parts[1], "the signing key is missing"},
		{"a bundle without the CA key is refused", parts[0] + parts[2], "key of the certificate authority is missing"},
		{"a part whose content is damaged is refused", strings.Replace(string(bundle), "MII", "AAA", 1), "part 1 (CERTIFICATE) cannot be read"},
		{"a certificate of another CA is refused", foreign[0] + parts[1] + parts[2], "does not belong to its certificate authority key"},
		{"two signing keys are refused", string(bundle) + foreign[2], "kind that it already holds"},
		{"garbage behind the bundle is refused", string(bundle) + "x", "part 4 is cut short or not PEM"},
		{"a leaf in place of the CA is refused", pemOf(leaf.Certificate[0]) + parts[1] + parts[2], "not one of a certificate authority"},
		{"a part of a strange type is refused", "-----BEGIN SPAM-----\nAAAA\n-----END SPAM-----\n", "does not belong here"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseKeys([]byte(c.bundle))
			if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func split(bundle []byte) (parts []string) {
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		parts = append(parts, string(pem.EncodeToMemory(block)))
	}
	return parts
}

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestAServerCertificateIsTrustedThroughTheCAAlone(t *testing.T) {
	t.Parallel()
	now := time.Now()
	certificate, err := testKeys().ServerCertificate([]string{"cloud.test:8443", "[fd00::1]:443", "10.0.0.7", "LOCALHOST", "*.vault.test", ""}, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"localhost", "127.0.0.1", "::1", "cloud.test", "fd00::1", "10.0.0.7", "a.vault.test"} {
		_, err := certificate.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots(testKeys()), CurrentTime: now,
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
		if err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if got := certificate.Leaf.DNSNames; len(got) != 3 {
		t.Errorf("names %q, want each once", got)
	}
	if certificate.Leaf.IsCA || len(certificate.Leaf.AuthorityKeyId) == 0 {
		t.Error("the leaf must not be a CA and must name its authority's key")
	}
}

func TestAHostThatIsNoNameIsRefused(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"a b", "a..b", "https://x", strings.Repeat("a", 64), "a/b", "ü.test"} {
		if _, err := testKeys().ServerCertificate([]string{host}, time.Now()); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q: got %v, want Invalid", host, err)
		}
	}
}

// serve starts the issuer on TLS with a certificate of its own and answers its address and a client that trusts the
// CA and nothing else. A bare double slash arrives collapsed, as behind the real server.
func serve(t *testing.T, change ...func(*Options)) (*world, string, *http.Client) {
	t.Helper()
	var at string
	w := newWorld(t, append(change, func(o *Options) { o.Base = func() string { return at }; o.Now = time.Now })...)
	server := httptest.NewUnstartedServer(w)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{must(testKeys().ServerCertificate(nil, time.Now()))}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // one test makes a handshake fail
	server.StartTLS()
	t.Cleanup(server.Close)
	at = server.URL
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots(testKeys())}}
	t.Cleanup(transport.CloseIdleConnections)
	return w, at, &http.Client{Transport: transport}
}

func TestHashedSecretsMatchOnlyTheirSecret(t *testing.T) {
	t.Parallel()
	stored := must(HashSecret(secretA))
	if again := must(HashSecret(secretA)); again == stored {
		t.Error("two hashes of a secret are equal: there is no salt")
	}
	if strings.Contains(stored, secretA) {
		t.Error("the stored form holds the secret")
	}
	cases := []struct {
		name, stored, secret string
		want                 bool
	}{
		{"the secret matches", stored, secretA, true},
		{"another secret does not match", stored, secretB, false},
		{"an empty secret does not match", stored, "", false},
		{"nothing matches an empty stored form", "", secretA, false},
		{"the stored form is not a password", stored, stored, false},
		{"an unknown scheme matches nothing", "plain$1$AAAA$AAAA", "AAAA", false},
		{"a cost beyond reason is not paid", strings.Replace(stored, "$10000$", "$99999999999$", 1), secretA, false},
		{"a cut hash matches nothing", stored[:len(stored)-4], secretA, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := SecretMatches(c.stored, c.secret); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	if _, err := HashSecret(""); !errs.Is(err, errs.Invalid) {
		t.Errorf("empty secret: got %v, want Invalid", err)
	}
}
