package identity

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/errs"
)

const (
	leeway    = 30 * time.Second // between the clocks of two nodes
	recheck   = time.Minute      // how long a principal deleted elsewhere may still call with a token verified before
	tokenMost = 16 << 10
)

// The codes of the refusals of Verify.
const (
	CodeInvalidToken    = "InvalidAuthenticationToken"
	CodeExpiredToken    = "ExpiredAuthenticationToken"
	CodeInvalidAudience = "InvalidAuthenticationTokenAudience"
	CodeInvalidTenant   = "InvalidAuthenticationTokenTenant"
)

// verified is what is remembered of a token: everything that was proved, and what has to be asked again.
type verified struct {
	caller    Caller
	audience  string
	notBefore time.Time
	expires   time.Time
	seen      time.Time // when the directory last knew the principal
}

// Verify answers who a bearer token speaks for, given the whole Authorization header or the token alone. Every
// refusal is errs.Unauthorized with one of the codes above; another kind means that the directory could not be asked.
func (i *Issuer) Verify(ctx context.Context, bearer string) (Caller, error) {
	return i.verify(ctx, bearer, false)
}

// verify accepts ARM tokens, and where graph is true those for the directory as well.
func (i *Issuer) verify(ctx context.Context, bearer string, graph bool) (Caller, error) {
	token, err := bareToken(bearer)
	if err != nil {
		return Caller{}, err
	}
	key, now := digestOf(token), i.opts.Now()
	known, hit := i.cache.get(key)
	if !hit {
		if known, err = i.prove(token); err != nil {
			return Caller{}, err
		}
	}
	if err := i.admit(known, now, graph); err != nil {
		return Caller{}, err
	}
	if age := now.Sub(known.seen); hit && age >= 0 && age < recheck {
		return known.caller, nil
	}
	if known.caller, err = i.confirm(ctx, known.caller); err != nil {
		i.cache.drop(key)
		return Caller{}, err
	}
	known.seen = now
	i.cache.put(key, known)
	return known.caller, nil
}

// prove checks the signature and takes the claims; nothing that an unsigned token says is looked at.
func (i *Issuer) prove(token string) (verified, error) {
	c, err := i.parse(token, typeAccess)
	if err != nil {
		return verified{}, errs.Wrap(errs.Unauthorized, CodeInvalidToken, err, "The access token is invalid.")
	}
	if c.Issuer != i.issuerOf(c.TenantID) {
		// The base is part of the issuer, so a token of this cloud at another address ends here too; its audience
		// says which of the two it is.
		if i.resourceOf(c.Audience).kind == unknownResource {
			return verified{}, wrongAudience(c.Audience, i.base())
		}
		return verified{}, wrongTenant("The access token is from the wrong issuer %s; it must be %s.", shown(c.Issuer), i.issuerOf(c.TenantID))
	}
	caller := Caller{ObjectID: c.ObjectID, TenantID: c.TenantID, ClientID: c.ClientID}
	if c.Identity == "user" {
		caller.Kind = User // the kinds of application are told apart by the directory
	}
	return verified{
		caller:    caller,
		audience:  c.Audience,
		notBefore: c.NotBefore.Time,
		expires:   c.ExpiresAt.Time,
	}, nil
}

// admit asks what changes with time and place: the validity and the audience.
func (i *Issuer) admit(t verified, now time.Time, graph bool) error {
	switch {
	case !now.Before(t.expires.Add(leeway)):
		return errs.New(errs.Unauthorized, CodeExpiredToken, "The access token expiry UTC time '%s' is earlier than current UTC time '%s'.",
			t.expires.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339)).Advise("log in again")
	case now.Before(t.notBefore.Add(-leeway)):
		return errs.New(errs.Unauthorized, CodeInvalidToken, "The access token is not valid before %s.", t.notBefore.UTC().Format(time.RFC3339))
	}
	if kind := i.kindOf(strings.TrimRight(t.audience, "/")); kind == armResource || graph && kind == graphResource {
		return nil
	}
	return wrongAudience(t.audience, i.base())
}

// confirm asks the directory whether the principal is still there and still of that tenant.
func (i *Issuer) confirm(ctx context.Context, caller Caller) (Caller, error) {
	p, err := i.opts.Directory.ByObject(ctx, caller.ObjectID)
	switch {
	case errs.Is(err, errs.NotFound):
		return Caller{}, errs.New(errs.Unauthorized, CodeInvalidToken, "The principal %s of the access token no longer exists.", caller.ObjectID)
	case err != nil:
		return Caller{}, fmt.Errorf("find principal %s: %w", caller.ObjectID, err)
	case !strings.EqualFold(p.TenantID, caller.TenantID):
		return Caller{}, wrongTenant("The access token is of tenant %s, to which the principal %s does not belong.", caller.TenantID, caller.ObjectID)
	case (p.Kind == User) != (caller.Kind == User), p.Kind != User && !strings.EqualFold(p.ClientID, caller.ClientID):
		return Caller{}, errs.New(errs.Unauthorized, CodeInvalidToken, "The principal %s is another one than when the access token was issued.", caller.ObjectID)
	}
	caller.Kind, caller.Name, caller.UserName = p.Kind, p.Name, p.UserName
	return caller, nil
}

// bareToken takes the token out of an Authorization header.
func bareToken(bearer string) (string, error) {
	token := strings.TrimSpace(bearer)
	if scheme, rest, found := strings.Cut(token, " "); found {
		if !strings.EqualFold(scheme, "Bearer") {
			return "", errs.New(errs.Unauthorized, CodeInvalidToken, "The Authorization header must use the Bearer scheme.")
		}
		token = strings.TrimSpace(rest)
	}
	switch {
	case token == "" || strings.EqualFold(token, "Bearer"):
		return "", errs.New(errs.Unauthorized, CodeInvalidToken, "Authentication failed. The 'Authorization' header is missing or empty.")
	case len(token) > tokenMost:
		return "", errs.New(errs.Unauthorized, CodeInvalidToken, "The access token is longer than %d bytes.", tokenMost)
	}
	return token, nil
}

func wrongAudience(got, base string) error {
	return errs.New(errs.Unauthorized, CodeInvalidAudience, "The access token has been obtained for wrong audience or resource '%s'. It should be '%s/'.",
		shown(got), base).Advise("ask for a token with the scope %s/.default", base)
}

func wrongTenant(format string, args ...any) error {
	return errs.New(errs.Unauthorized, CodeInvalidTenant, format, args...)
}
