// Package identity is the token issuer of the cloud: who may call, and how they prove it.
//
// It holds the keys and certificates, the OAuth 2.0 and OpenID Connect endpoints in the shapes that the unmodified
// Azure CLI and SDKs ask for (an ADFS authority, an authority per tenant, the managed identity endpoint of App
// Service), the verification of bearer tokens, and the small part of Microsoft Graph that resolves principals.
//
// It must not know what a principal may do (cloud/access), where principals are kept (it asks a Directory), or how
// ARM requests are routed (cloud/server asks Handles and then ServeHTTP). Its floor: errs and the standard library.
package identity

import (
	"context"
	"log/slog"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/errs"
)

// The kinds of principal.
const (
	ServicePrincipal = "ServicePrincipal" // an application: client id and client secret
	User             = "User"             // a person: user name and password
	ManagedIdentity  = "ManagedIdentity"  // the identity of a resource: the secret of its identity header
)

// Principal is one identity of a tenant as the directory keeps it.
type Principal struct {
	ObjectID string
	TenantID string
	ClientID string // application id; empty for a user
	Name     string // display name
	UserName string // user principal name; empty unless the kind is User
	Kind     string
	Secret   string // made by HashSecret; empty means that the principal cannot sign in
}

// String names the principal without its secret, whatever verb prints it.
func (p Principal) String() string { return p.Kind + " " + p.ObjectID }

// GoString is String: the stored secret stays out of %#v as well.
func (p Principal) GoString() string { return p.String() }

// LogValue names the principal in a log without its secret.
func (p Principal) LogValue() slog.Value { return slog.StringValue(p.String()) }

// Directory finds principals. All three methods MUST compare without regard to case, MUST answer errs.NotFound when
// there is no such principal, and may be called from many goroutines; repeating a call is harmless.
type Directory interface {
	ByClient(ctx context.Context, clientID string) (Principal, error)
	ByUser(ctx context.Context, userName string) (Principal, error)
	ByObject(ctx context.Context, objectID string) (Principal, error)
}

// Caller is who a verified token speaks for.
type Caller struct {
	ObjectID string
	TenantID string
	ClientID string // the application: of the principal itself, or the one that a user signed in with
	Name     string
	UserName string // of a user; what systemData.createdBy shows for people
	Kind     string
}

// Client is what a refusal calls the caller: a user by name, an application by its id.
func (c Caller) Client() string {
	if c.Kind == User {
		return c.UserName
	}
	return c.ClientID
}

// Suffixes are the DNS endings that the cloud metadata announces.
type Suffixes struct{ Storage, KeyVault, Registry string }

// Options are what an Issuer is made of. Base, Keys and Directory are required.
type Options struct {
	Base      func() string // https://host:port as clients reach it; asked on every use, so it may be known late
	Keys      Keys
	Directory Directory

	// HasTenant reports whether a tenant exists, so that an unknown tenant and an unknown client are told apart as
	// Azure does. Without it every tenant id that is a GUID exists, and the directory decides the rest.
	HasTenant func(ctx context.Context, tenantID string) (bool, error)

	// Now is the clock; time.Now if nil. Give the real clock even where the cloud's own is virtual: clients count
	// the lifetime of their tokens by theirs, and az never renews a token that the server calls expired too early.
	Now func() time.Time

	Lifetime        time.Duration // of an access token; one hour if zero
	RefreshLifetime time.Duration // of a refresh token; 90 days if zero
	Audiences       []string      // further resources that tokens are issued for; none of them is valid for ARM
	Suffixes        Suffixes
	Log             *slog.Logger // internal trouble and refusals, never a secret; silent if nil
}

// Issuer issues tokens and verifies them. It is safe for concurrent use.
type Issuer struct {
	opts    Options
	cache   *cache
	hashing chan struct{} // bounds how many secrets are hashed at once: anybody may ask for a token
}

// New makes an issuer.
func New(opts Options) (*Issuer, error) {
	if opts.Base == nil || opts.Directory == nil || opts.Keys.signing == nil {
		return nil, errs.New(errs.Internal, "IdentityOptions", "an issuer needs a base, keys and a directory")
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Lifetime <= 0 {
		opts.Lifetime = time.Hour
	}
	if opts.RefreshLifetime <= 0 {
		opts.RefreshLifetime = 90 * 24 * time.Hour
	}
	if opts.Suffixes == (Suffixes{}) {
		opts.Suffixes = Suffixes{"core.local.test", "vault.local.test", "azurecr.local.test"}
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	opts.Directory = careful{opts.Directory}
	return &Issuer{opts: opts, cache: newCache(cacheSize), hashing: make(chan struct{}, runtime.GOMAXPROCS(0))}, nil
}

// base returns the address of the cloud without a trailing slash.
func (i *Issuer) base() string { return strings.TrimRight(i.opts.Base(), "/") }

// host returns host:port of the base.
func (i *Issuer) host() string {
	base, err := url.Parse(i.base())
	if err != nil {
		return ""
	}
	return base.Host
}
