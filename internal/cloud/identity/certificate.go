package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/errs"
)

const (
	authorityYears = 10
	leafDays       = 397 // the longest that strict clients accept
)

// CAPEM returns the certificate of the certificate authority, which clients must trust. It is public.
func (k Keys) CAPEM() []byte {
	if k.certificate == nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.certificate.Raw})
}

// ServerCertificate makes a certificate for this machine's loopback names and the hosts given (names, addresses, or
// either with a port), valid from a day before now, signed by the certificate authority. It takes about a millisecond,
// so a server makes one at every start and keeps none.
func (k Keys) ServerCertificate(hosts []string, now time.Time) (tls.Certificate, error) {
	if k.authority == nil {
		return tls.Certificate{}, errs.New(errs.Internal, "NoKeys", "there are no keys to sign a certificate with")
	}
	names, addresses, err := subjects(hosts)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make server key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: "amlmove cloud"},
		NotBefore:             now.Add(-24 * time.Hour),
		NotAfter:              now.AddDate(0, 0, leafDays),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              names,
		IPAddresses:           addresses,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, k.certificate, &key.PublicKey, k.authority)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("sign server certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("read server certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// selfSign makes the certificate of a certificate authority that signs leaves only.
func selfSign(key *ecdsa.PrivateKey, now time.Time) (*x509.Certificate, error) {
	number := serial()
	template := &x509.Certificate{
		SerialNumber:          number,
		Subject:               pkix.Name{CommonName: fmt.Sprintf("amlmove local CA %x", number.Bytes()[:4])},
		NotBefore:             now.Add(-24 * time.Hour),
		NotAfter:              now.AddDate(authorityYears, 0, 0),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		IsCA:                  true,
		BasicConstraintsValid: true, // both extensions are written as critical, which strict Python wants
		MaxPathLenZero:        true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate authority: %w", err)
	}
	return x509.ParseCertificate(der)
}

// serial returns a random positive number of 127 bits whose first bytes are never all zero.
func serial() *big.Int {
	raw := make([]byte, 16)
	rand.Read(raw)
	raw[0] = raw[0]&0x7f | 0x40
	return new(big.Int).SetBytes(raw)
}

// subjects sorts hosts into names and addresses, the loopback ones first, without repeats.
func subjects(hosts []string) (names []string, addresses []net.IP, err error) {
	for _, host := range append([]string{"localhost", "127.0.0.1", "::1"}, hosts...) {
		host = strings.TrimSpace(host)
		if bare, port, err := net.SplitHostPort(host); err == nil {
			if _, err := strconv.ParseUint(port, 10, 16); err == nil {
				host = bare
			}
		}
		host = strings.TrimSuffix(strings.Trim(host, "[]"), ".")
		address := net.ParseIP(host)
		switch {
		case host == "":
		case address != nil:
			if !slices.ContainsFunc(addresses, address.Equal) {
				addresses = append(addresses, address)
			}
		case !validName(host):
			return nil, nil, errs.New(errs.Invalid, "InvalidHost", "%q is not a host name or an IP address", host).At(host)
		case !slices.Contains(names, strings.ToLower(host)):
			names = append(names, strings.ToLower(host))
		}
	}
	return names, addresses, nil
}

// validName accepts the letters, digits, hyphens and underscores of DNS names in use, and one leading wildcard.
func validName(host string) bool {
	if len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimPrefix(host, "*."), ".") {
		odd := strings.IndexFunc(label, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
		})
		if label == "" || len(label) > 63 || odd >= 0 {
			return false
		}
	}
	return true
}
