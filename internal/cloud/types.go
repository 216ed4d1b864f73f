package cloud

import (
	"crypto/x509"

	"github.com/amlmove/amlmove/internal/cloud/authorization"
	"github.com/amlmove/amlmove/internal/cloud/provider"
)

// Types is the table of all resource types that this cloud knows.
func Types() *provider.Table {
	return provider.NewTable(nil, authorization.Types())
}

// certPool holds one certificate authority.
func certPool(pem []byte) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return pool
}
