package identity

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/amlmove/amlmove/internal/errs"
)

// client finds the application of a request in the directory and holds it against the authority.
func (i *Issuer) client(ctx context.Context, f form) (Principal, error) {
	if f.clientID == "" {
		return Principal{}, missing("client_id")
	}
	p, err := i.opts.Directory.ByClient(ctx, f.clientID)
	switch {
	case errs.Is(err, errs.NotFound):
		return Principal{}, noClient(f.clientID, f.at.tenant)
	case err != nil:
		return Principal{}, fmt.Errorf("find client: %w", err)
	case p.Kind != ServicePrincipal || !belongs(p, f.at.tenant, f.at.open()):
		// A managed identity has a client id too, and nothing but its own endpoint gives it tokens.
		return Principal{}, noClient(f.clientID, f.at.tenant)
	}
	return p, nil
}

// proveClient checks the secret of an application.
func (i *Issuer) proveClient(ctx context.Context, p Principal, f form) error {
	switch {
	case f.clientSecret == "" && f.assertion:
		return refuse(noCredential, "This cloud does not accept certificates: the request body must contain the following parameter: 'client_secret'.")
	case f.clientSecret == "":
		return refuse(noCredential, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	}
	good, err := i.matches(ctx, p, f.clientSecret)
	if err != nil {
		return err
	}
	if !good {
		return refuse(badSecret, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for app '%s'.", p.ClientID)
	}
	return nil
}

// signInClient checks the application that a person signs in through, and answers the tenant that it is bound to: none
// for the public ones. An application of the directory must prove itself here as well.
func (i *Issuer) signInClient(ctx context.Context, f form) (tenantID string, err error) {
	if _, public := publicClients[strings.ToLower(f.clientID)]; public {
		return "", nil
	}
	p, err := i.client(ctx, f)
	if err != nil {
		return "", err
	}
	return p.TenantID, i.proveClient(ctx, p, f)
}

// noClient names the client only if it has the form of one: a secret in the wrong field must not come back.
func noClient(clientID, tenant string) error {
	name := "the given identifier"
	if id, err := uuid.Parse(clientID); err == nil {
		name = "identifier '" + id.String() + "'"
	}
	return refuse(unknownClient, "Application with %s was not found in the directory '%s'. This can happen if the application has not been installed by the administrator of the tenant. You may have sent your authentication request to the wrong tenant.", name, shown(tenant))
}
