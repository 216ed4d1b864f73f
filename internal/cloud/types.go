package cloud

import (
	"crypto/x509"
	"net/http"

	"github.com/amlmove/amlmove/internal/cloud/authorization"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/containerregistry"
	"github.com/amlmove/amlmove/internal/cloud/provider/identityresource"
	"github.com/amlmove/amlmove/internal/cloud/provider/insights"
	"github.com/amlmove/amlmove/internal/cloud/provider/keyvault"
	"github.com/amlmove/amlmove/internal/cloud/provider/known"
	"github.com/amlmove/amlmove/internal/cloud/provider/ml"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
	"github.com/amlmove/amlmove/internal/cloud/provider/network"
	"github.com/amlmove/amlmove/internal/cloud/provider/storage"
	"github.com/amlmove/amlmove/internal/errs"
)

// Types is the table of all resource types that this cloud knows.
func Types() *provider.Table {
	return provider.NewTable(append(known.Types(), ml.Known()...),
		authorization.Types(), ml.Types(), storage.Types(), keyvault.Types(), containerregistry.Types(),
		insights.Types(), network.Types(), identityresource.Types(), neighbour.Types(), resources())
}

// resources are ARM's own types that the cloud keeps as documents: deployments, of which only those in flight matter to a move.
func resources() []provider.Type {
	return []provider.Type{{Name: "Microsoft.Resources/deployments", Versions: []string{"2024-03-01", "2022-09-01", "2021-04-01"}, NoPatch: true, Deleted: http.StatusNoContent,
		Put: func(c *provider.Call) error {
			return errs.New(errs.Unsupported, "NotImplemented", "Starting the deployment '%s' is not built in this cloud: it has no template engine.", c.ID)
		}}}
}

// certPool holds one certificate authority.
func certPool(pem []byte) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return pool
}
