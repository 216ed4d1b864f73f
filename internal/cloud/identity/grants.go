package identity

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/amlmove/amlmove/internal/errs"
)

// publicClients are applications that exist in every tenant and have no secret: through them people sign in.
var publicClients = map[string]string{
	"04b07795-8ddb-461a-bbee-02f9e1bf7b46": "Microsoft Azure CLI",
	"1950a258-227b-4e31-a9cf-717495945fc2": "Microsoft Azure PowerShell",
	"aebc6443-996d-45c2-90f0-388ff96faa56": "Visual Studio Code",
}

// grant is what a token request ends in.
type grant struct {
	principal Principal
	clientID  string
	asked     scope
	refresh   bool // give a refresh token
}

// grant decides a token request.
func (i *Issuer) grant(ctx context.Context, f form) (grant, error) {
	if err := i.tenantExists(ctx, f.at); err != nil {
		return grant{}, err
	}
	switch f.grantType {
	case "":
		return grant{}, missing("grant_type")
	case "client_credentials":
		return i.applicationGrant(ctx, f)
	case "password":
		return i.passwordGrant(ctx, f)
	case "refresh_token":
		return i.refreshGrant(ctx, f)
	}
	return grant{}, refuse(unsupportedGrant, "The app requested an unsupported grant type '%s'.", shown(f.grantType))
}

// tenantExists refuses an authority of a tenant that there is not.
func (i *Issuer) tenantExists(ctx context.Context, at authority) error {
	if at.open() {
		return nil
	}
	exists, err := uuid.Validate(at.tenant) == nil, error(nil)
	if i.opts.HasTenant != nil {
		if exists, err = i.opts.HasTenant(ctx, at.tenant); err != nil {
			return fmt.Errorf("find tenant: %w", err)
		}
	}
	if !exists {
		return refuse(unknownTenant, "Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.", shown(at.tenant))
	}
	return nil
}

// applicationGrant is client_credentials. An application asked through another tenant's authority is unknown there.
func (i *Issuer) applicationGrant(ctx context.Context, f form) (grant, error) {
	asked, err := i.scopeOf(f)
	if err != nil {
		return grant{}, err
	}
	if !asked.named || !asked.application {
		return grant{}, refuse(badScope, "The provided value for the input parameter 'scope' is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier.")
	}
	p, err := i.client(ctx, f)
	if err != nil {
		return grant{}, err
	}
	if err := i.proveClient(ctx, p, f); err != nil {
		return grant{}, err
	}
	return grant{principal: p, clientID: p.ClientID, asked: asked}, nil
}

// passwordGrant is the grant by which az signs a person in without a browser.
func (i *Issuer) passwordGrant(ctx context.Context, f form) (grant, error) {
	switch {
	case f.userName == "":
		return grant{}, missing("username")
	case f.password == "":
		return grant{}, missing("password")
	}
	asked, err := i.scopeOf(f)
	if err != nil {
		return grant{}, err
	}
	tenantID, err := i.signInClient(ctx, f)
	if err != nil {
		return grant{}, err
	}
	p, err := i.opts.Directory.ByUser(ctx, f.userName)
	switch {
	case errs.Is(err, errs.NotFound):
		return grant{}, noUser(f.at)
	case err != nil:
		return grant{}, fmt.Errorf("find user: %w", err)
	case p.Kind != User || !belongs(p, f.at.tenant, f.at.open()):
		return grant{}, noUser(f.at)
	case !belongs(p, tenantID, tenantID == ""):
		return grant{}, noClient(f.clientID, p.TenantID)
	}
	good, err := i.matches(ctx, p, f.password)
	if err != nil {
		return grant{}, err
	}
	if !good {
		return grant{}, refuse(badPassword, "Error validating credentials due to invalid username or password.")
	}
	return grant{principal: p, clientID: f.clientID, asked: asked, refresh: asked.offlineToken}, nil
}

// refreshGrant turns a refresh token into a new access token, for the resource asked now or else the first one.
func (i *Issuer) refreshGrant(ctx context.Context, f form) (grant, error) {
	if f.refreshToken == "" {
		return grant{}, missing("refresh_token")
	}
	c, err := i.parse(f.refreshToken, typeRefresh)
	if err != nil || c.Audience != i.refreshAudience() || c.Issuer != i.issuerOf(c.TenantID) {
		return grant{}, refuse(badGrant, "Provided grant is invalid or malformed.")
	}
	now := i.opts.Now()
	if !now.Before(c.ExpiresAt.Time) || now.Before(c.NotBefore.Add(-leeway)) {
		return grant{}, refuse(expiredRefresh, "The refresh token has expired. It was issued on %s and was valid until %s.",
			c.IssuedAt.UTC().Format(time.RFC3339), c.ExpiresAt.UTC().Format(time.RFC3339))
	}
	if _, err := i.signInClient(ctx, f); err != nil {
		return grant{}, err
	}
	if !strings.EqualFold(c.ClientID, f.clientID) {
		return grant{}, refuse(badGrant, "Provided grant is invalid or malformed. The refresh token was issued to another client.")
	}
	p, err := i.opts.Directory.ByObject(ctx, c.ObjectID)
	switch {
	case errs.Is(err, errs.NotFound):
		return grant{}, noUser(f.at)
	case err != nil:
		return grant{}, fmt.Errorf("find user %s: %w", c.ObjectID, err)
	case p.Kind != User || !belongs(p, c.TenantID, false) || !belongs(p, f.at.tenant, f.at.open()):
		return grant{}, noUser(f.at)
	case credentialMark(p) != c.Credential:
		return grant{}, refuse(passwordChanged, "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.")
	}
	if f.scope == "" && f.resource == "" {
		f.scope = c.Asked
		if f.scope == "" {
			f.resource = c.Resource
		}
	}
	asked, err := i.scopeOf(f)
	if err != nil {
		return grant{}, err
	}
	if !asked.named {
		asked.resource = i.resourceOf(c.Resource)
	}
	return grant{principal: p, clientID: c.ClientID, asked: asked, refresh: true}, nil
}

// scopeOf reads what is asked for: scope, or the resource of a v1 request. Only a person may name no resource, and
// gets a token for the directory, as Entra ID does it.
func (i *Issuer) scopeOf(f form) (scope, error) {
	if f.scope == "" && f.resource == "" {
		return scope{}, missing("scope")
	}
	if f.resource != "" {
		found := i.resourceOf(f.resource)
		if found.kind == unknownResource {
			return scope{}, refuse(unknownAudience, "The resource principal named %s was not found.", shown(f.resource))
		}
		extra, err := i.parseScope(f.scope)
		if err != nil {
			return scope{}, err
		}
		return scope{text: extra.text, resource: found, named: true, application: true, openID: true, offlineToken: true}, nil
	}
	asked, err := i.parseScope(f.scope)
	if err == nil && !asked.named {
		asked.resource = i.resourceOf(i.base() + "/graph")
	}
	return asked, err
}

// belongs reports whether a principal is of the tenant; any will do where the tenant is open.
func belongs(p Principal, tenantID string, open bool) bool {
	return open || strings.EqualFold(p.TenantID, tenantID)
}

func missing(parameter string) error {
	return refuse(missingParameter, "The request body must contain the following parameter: '%s'.", parameter)
}

func noUser(at authority) error {
	return refuse(unknownUser, "The user account does not exist in the %s directory. To sign into this application, the account must be added to the directory.", shown(at.tenant))
}
