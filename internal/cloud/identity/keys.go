package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"

	"github.com/amlmove/amlmove/internal/errs"
)

const signingBits = 2048

// Keys are what makes a cloud the same cloud on another node and after a restart: the certificate authority that
// clients trust, and the key that signs tokens. The zero value is not usable; see NewKeys and ParseKeys.
type Keys struct {
	authority   *ecdsa.PrivateKey
	certificate *x509.Certificate
	signing     *rsa.PrivateKey
	id          string // kid of the signing key, RFC 7638
}

// String names the keys and shows none of them.
func (k Keys) String() string { return "Keys " + k.id }

// GoString is String.
func (k Keys) GoString() string { return k.String() }

// NewKeys makes a new certificate authority and a new signing key. It takes a fraction of a second.
func NewKeys() (Keys, error) {
	authority, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Keys{}, fmt.Errorf("make certificate authority key: %w", err)
	}
	certificate, err := selfSign(authority, time.Now())
	if err != nil {
		return Keys{}, err
	}
	signing, err := rsa.GenerateKey(rand.Reader, signingBits)
	if err != nil {
		return Keys{}, fmt.Errorf("make signing key: %w", err)
	}
	return assemble(certificate, authority, signing)
}

// Marshal returns the keys as one PEM bundle: the CA certificate, its key, the signing key. It is a secret.
func (k Keys) Marshal() ([]byte, error) {
	if k.signing == nil {
		return nil, errs.New(errs.Internal, "NoKeys", "there are no keys to marshal")
	}
	bundle := bytes.NewBuffer(k.CAPEM())
	for _, key := range []any{k.authority, k.signing} {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, fmt.Errorf("marshal key: %w", err)
		}
		if err := pem.Encode(bundle, &pem.Block{Type: "PRIVATE KEY", Bytes: der}); err != nil {
			return nil, fmt.Errorf("marshal key: %w", err)
		}
	}
	return bundle.Bytes(), nil
}

// ParseKeys reads a bundle that Marshal made. A bundle that is cut short, damaged or put together from two clouds is
// refused and the error says which part is wrong, never what it contains.
func ParseKeys(bundle []byte) (Keys, error) {
	var certificate *x509.Certificate
	var authority *ecdsa.PrivateKey
	var signing *rsa.PrivateKey
	rest := bytes.TrimSpace(bundle)
	for n := 1; len(rest) > 0; n++ {
		block, after := pem.Decode(rest)
		if block == nil || !bytes.HasPrefix(rest, []byte("-----BEGIN ")) {
			return Keys{}, badKeys("part %d is cut short or not PEM", n)
		}
		value, err := parseBlock(block)
		if err != nil {
			return Keys{}, badKeys("part %d (%s) cannot be read", n, block.Type)
		}
		repeated := false
		switch value := value.(type) {
		case *x509.Certificate:
			repeated, certificate = certificate != nil, value
		case *ecdsa.PrivateKey:
			repeated, authority = authority != nil, value
		case *rsa.PrivateKey:
			repeated, signing = signing != nil, value
		default:
			return Keys{}, badKeys("part %d (%s) is of a kind that does not belong here", n, block.Type)
		}
		if repeated {
			return Keys{}, badKeys("part %d (%s) is of a kind that it already holds", n, block.Type)
		}
		rest = bytes.TrimSpace(after)
	}
	return assemble(certificate, authority, signing)
}

func parseBlock(block *pem.Block) (any, error) {
	switch block.Type {
	case "CERTIFICATE":
		return x509.ParseCertificate(block.Bytes)
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	return nil, nil
}

// assemble checks that the parts are all there and belong together.
func assemble(certificate *x509.Certificate, authority *ecdsa.PrivateKey, signing *rsa.PrivateKey) (Keys, error) {
	switch {
	case certificate == nil:
		return Keys{}, badKeys("the certificate of the certificate authority is missing")
	case authority == nil:
		return Keys{}, badKeys("the key of the certificate authority is missing")
	case signing == nil:
		return Keys{}, badKeys("the signing key is missing")
	case !certificate.IsCA || certificate.KeyUsage&x509.KeyUsageCertSign == 0:
		return Keys{}, badKeys("its certificate is not one of a certificate authority")
	case !authority.PublicKey.Equal(certificate.PublicKey):
		return Keys{}, badKeys("its certificate does not belong to its certificate authority key")
	case signing.N.BitLen() < signingBits:
		return Keys{}, badKeys("its signing key is shorter than %d bits", signingBits)
	}
	return Keys{authority: authority, certificate: certificate, signing: signing, id: thumbprint(&signing.PublicKey)}, nil
}

func badKeys(format string, args ...any) error {
	return errs.New(errs.Invalid, "InvalidKeyBundle", "the key bundle is not usable: %s", fmt.Sprintf(format, args...)).
		Advise("restore the bundle from a backup; with new keys every client must log in and trust the CA again")
}

// jsonWebKey is the public half of the signing key as RFC 7517 writes it.
type jsonWebKey struct {
	Type      string `json:"kty"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	ID        string `json:"kid"`
	Thumb     string `json:"x5t"` // what ADFS and Entra ID repeat the kid in
	Modulus   string `json:"n"`
	Exponent  string `json:"e"`
}

func (k Keys) jsonWebKey() jsonWebKey {
	n, e := numbers(&k.signing.PublicKey)
	return jsonWebKey{Type: "RSA", Use: "sig", Algorithm: "RS256", ID: k.id, Thumb: k.id, Modulus: n, Exponent: e}
}

// thumbprint is the key's RFC 7638 digest: equal on every node that has the key.
func thumbprint(key *rsa.PublicKey) string {
	n, e := numbers(key)
	digest := sha256.Sum256(fmt.Appendf(nil, `{"e":"%s","kty":"RSA","n":"%s"}`, e, n))
	return base64.RawURLEncoding.EncodeToString(digest[:])
}

func numbers(key *rsa.PublicKey) (n, e string) {
	encode := base64.RawURLEncoding.EncodeToString
	return encode(key.N.Bytes()), encode(big.NewInt(int64(key.E)).Bytes())
}
