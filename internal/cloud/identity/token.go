package identity

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// The typ headers keep the kinds of token apart: all are signed with one key, and only one kind opens the cloud.
const (
	typeAccess  = "JWT"
	typeID      = "id+jwt"
	typeRefresh = "refresh+jwt"
)

// claims are those of all our tokens; each kind uses some.
type claims struct {
	jwt.RegisteredClaims
	Audience      string `json:"aud"` // shadows the embedded list: clients want one string
	TenantID      string `json:"tid"`
	ObjectID      string `json:"oid"`
	ClientID      string `json:"appid,omitempty"`
	Identity      string `json:"idtyp,omitempty"` // app or user
	UserName      string `json:"upn,omitempty"`
	PreferredName string `json:"preferred_username,omitempty"`
	Name          string `json:"name,omitempty"`
	Scopes        string `json:"scp,omitempty"`
	Version       string `json:"ver,omitempty"`
	Asked         string `json:"scope,omitempty"`    // refresh: what the first request asked for
	Resource      string `json:"resource,omitempty"` // refresh: the audience of that request
	Credential    string `json:"cred,omitempty"`     // refresh: see credentialMark
}

// issued is an access token with the moment when it ends.
type issued struct {
	token    string
	notAfter time.Time
}

// issuerOf is the issuer of a tenant's access tokens. It names the tenant, in both authority shapes, so that a token
// is bound to its tenant by its issuer as well.
func (i *Issuer) issuerOf(tenantID string) string { return i.base() + "/" + tenantID + "/" }

// accessToken signs a token of a principal for an audience. A user signs in through an application; for the others
// clientID is their own.
func (i *Issuer) accessToken(p Principal, clientID, audience string) (issued, error) {
	c := i.claimsOf(p, i.opts.Lifetime)
	c.Issuer, c.Audience, c.ClientID, c.Version = i.issuerOf(p.TenantID), audience, clientID, "1.0"
	c.Identity, c.Name = "app", p.Name
	if p.Kind == User {
		c.Identity, c.UserName, c.Scopes = "user", p.UserName, "user_impersonation"
	}
	token, err := i.sign(c, typeAccess)
	return issued{token, c.ExpiresAt.Time}, err
}

// idToken signs what the client learns about a user.
func (i *Issuer) idToken(p Principal, clientID string, at authority) (string, error) {
	c := i.claimsOf(p, i.opts.Lifetime)
	c.Issuer, c.Audience, c.Version = i.documentIssuer(at, p.TenantID), clientID, "2.0"
	c.Name, c.UserName, c.PreferredName = p.Name, p.UserName, p.UserName
	return i.sign(c, typeID)
}

// refreshToken signs the right to ask again, bound to the user, the client and the user's present password.
func (i *Issuer) refreshToken(p Principal, clientID string, asked scope) (string, error) {
	c := i.claimsOf(p, i.opts.RefreshLifetime)
	c.Issuer, c.Audience, c.ClientID = i.issuerOf(p.TenantID), i.refreshAudience(), clientID
	c.Asked, c.Resource, c.Credential = asked.text, asked.resource.audience, credentialMark(p)
	return i.sign(c, typeRefresh)
}

func (i *Issuer) refreshAudience() string { return i.base() + "/oauth2/token" }

// claimsOf fills what every token says.
func (i *Issuer) claimsOf(p Principal, lifetime time.Duration) claims {
	now := i.opts.Now().Truncate(time.Second)
	return claims{
		RegisteredClaims: jwt.RegisteredClaims{
			ID:        uuid.NewString(),
			Subject:   p.ObjectID,
			IssuedAt:  jwt.NewNumericDate(now),
			NotBefore: jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(lifetime)),
		},
		TenantID: p.TenantID,
		ObjectID: p.ObjectID,
	}
}

func (i *Issuer) sign(c claims, kind string) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, c)
	token.Header["typ"], token.Header["kid"] = kind, i.opts.Keys.id
	text, err := token.SignedString(i.opts.Keys.signing)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return text, nil
}

// parse returns the claims of a token of ours whatever its time, audience and tenant. The algorithm is fixed: a token
// cannot choose none, or HS256 with the public key as the secret.
func (i *Issuer) parse(text, kind string) (claims, error) {
	var c claims
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding())
	_, err := parser.ParseWithClaims(text, &c, func(token *jwt.Token) (any, error) {
		if token.Header["kid"] != i.opts.Keys.id {
			return nil, fmt.Errorf("the token names another key than this cloud's")
		}
		if typ, _ := token.Header["typ"].(string); !strings.EqualFold(typ, kind) {
			return nil, fmt.Errorf("the token is not of type %s", kind)
		}
		return &i.opts.Keys.signing.PublicKey, nil
	})
	if err == nil && (c.ExpiresAt == nil || c.NotBefore == nil || c.TenantID == "" || c.ObjectID == "") {
		err = fmt.Errorf("the token lacks a claim that this cloud always writes")
	}
	return c, err
}

// clientInfo is what MSAL makes its account id from.
func clientInfo(p Principal) (string, error) {
	text, err := json.Marshal(map[string]string{"uid": p.ObjectID, "utid": p.TenantID})
	return base64.RawURLEncoding.EncodeToString(text), err
}
