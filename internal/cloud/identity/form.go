package identity

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

const formMost = 64 << 10

// form is a token request as it was sent.
type form struct {
	at           authority
	grantType    string
	clientID     string
	clientSecret string
	assertion    bool // a client assertion was sent, which is not built
	userName     string
	password     string
	refreshToken string
	scope        string
	resource     string // of a v1 request
	clientInfo   bool
}

// parseForm reads the body of a token request. Credentials count only there, or in Basic authentication, never in the query.
func parseForm(r *http.Request, at authority) (form, error) {
	if r.Method != http.MethodPost {
		return form{}, refuse(notPost, "The endpoint only accepts POST requests. Received a %s request.", shown(r.Method))
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return form{}, refuse(malformed, "Invalid request. Request is malformed or invalid: its content type must be application/x-www-form-urlencoded.")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, formMost+1))
	if err != nil {
		return form{}, refuse(malformed, "Invalid request. Request is malformed or invalid: its body ended early.")
	}
	if len(body) > formMost {
		return form{}, refuse(malformed, "Invalid request. Request is malformed or invalid: its body is longer than %d bytes.", formMost)
	}
	values, err := url.ParseQuery(string(body))
	if err != nil { // the cause would quote the body
		return form{}, refuse(malformed, "Invalid request. Request is malformed or invalid: its body is not a form.")
	}
	for name, all := range values {
		if len(all) > 1 {
			return form{}, refuse(malformed, "Invalid request. Request is malformed or invalid: the parameter '%s' is sent more than once.", shown(name))
		}
		if !utf8.ValidString(all[0]) || strings.ContainsRune(all[0], 0) {
			return form{}, refuse(malformed, "Invalid request. Request is malformed or invalid: the parameter '%s' is not text.", shown(name))
		}
	}
	f := form{
		at:           at,
		grantType:    values.Get("grant_type"),
		clientID:     values.Get("client_id"),
		clientSecret: values.Get("client_secret"),
		assertion:    values.Get("client_assertion") != "",
		userName:     values.Get("username"),
		password:     values.Get("password"),
		refreshToken: values.Get("refresh_token"),
		scope:        values.Get("scope"),
		resource:     values.Get("resource"),
		clientInfo:   values.Get("client_info") != "",
	}
	return f, f.addBasic(r)
}

// addBasic takes the client's credential from the Authorization header (RFC 6749 section 2.3.1).
func (f *form) addBasic(r *http.Request) error {
	user, password, ok := r.BasicAuth()
	if !ok {
		return nil
	}
	clientID, idErr := url.QueryUnescape(user)
	secret, secretErr := url.QueryUnescape(password)
	if idErr != nil || secretErr != nil || f.clientSecret != "" || f.clientID != "" && !strings.EqualFold(f.clientID, clientID) {
		return refuse(malformed, "Invalid request. Request is malformed or invalid: it sends the client's credential in two ways.")
	}
	f.clientID, f.clientSecret = clientID, secret
	return nil
}

// answer is what a grant is answered with. Numbers are numbers in both versions of the endpoint.
type answer struct {
	TokenType    string `json:"token_type"`
	Scope        string `json:"scope,omitempty"`
	ExpiresIn    int    `json:"expires_in"`
	ExtExpiresIn int    `json:"ext_expires_in"`
	ExpiresOn    string `json:"expires_on,omitempty"` // v1
	Resource     string `json:"resource,omitempty"`   // v1
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	ClientInfo   string `json:"client_info,omitempty"`
}

// serveToken is the token endpoint.
func (i *Issuer) serveToken(w http.ResponseWriter, r *http.Request, at authority) {
	f, err := parseForm(r, at)
	if err != nil {
		i.writeRefusal(w, r, err)
		return
	}
	granted, err := i.grant(r.Context(), f)
	if err != nil {
		i.writeRefusal(w, r, err)
		return
	}
	body, err := i.answer(granted, f)
	if err != nil {
		i.writeRefusal(w, r, err)
		return
	}
	i.opts.Log.DebugContext(r.Context(), "token issued", "principal", granted.principal, "grant", f.grantType)
	w.Header().Set("Cache-Control", "no-store, no-cache")
	w.Header().Set("Pragma", "no-cache")
	writeJSON(w, http.StatusOK, body)
}

// answer signs the tokens of a grant.
func (i *Issuer) answer(g grant, f form) (answer, error) {
	access, err := i.accessToken(g.principal, g.clientID, g.asked.resource.audience)
	if err != nil {
		return answer{}, err
	}
	// One second less than the token has: a client must not use it in its last moment.
	seconds := max(1, int(i.opts.Lifetime.Seconds())-1)
	body := answer{TokenType: "Bearer", Scope: g.asked.text, ExpiresIn: seconds, ExtExpiresIn: seconds, AccessToken: access.token}
	if f.resource != "" {
		body.Resource, body.ExpiresOn = g.asked.resource.audience, strconv.FormatInt(access.notAfter.Unix(), 10)
	}
	if g.principal.Kind != User {
		return body, nil
	}
	if g.refresh {
		if body.RefreshToken, err = i.refreshToken(g.principal, g.clientID, g.asked); err != nil {
			return answer{}, err
		}
	}
	if g.asked.openID {
		if body.IDToken, err = i.idToken(g.principal, g.clientID, f.at); err != nil {
			return answer{}, err
		}
	}
	if f.clientInfo {
		if body.ClientInfo, err = clientInfo(g.principal); err != nil {
			return answer{}, err
		}
	}
	return body, nil
}
