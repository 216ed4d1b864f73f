package identity

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/internal/errs"
)

// The managed identity endpoint speaks the App Service protocol: a process is given IDENTITY_ENDPOINT and
// IDENTITY_HEADER, and whoever knows the header is the identity.
// https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference

// ManagedPath is the path of the managed identity endpoint below the base.
const ManagedPath = "/_cloud/identity/token"

const managedVersion = "2019-08-01"

// IdentityHeader makes the value of IDENTITY_HEADER for a managed identity from its object id and the secret whose
// HashSecret the directory holds. The id is inside so that the secret is checked against one principal, not all.
func IdentityHeader(objectID, secret string) string { return objectID + "." + secret }

// managedAnswer is the token as the App Service protocol writes it: the time is a text of Unix seconds.
type managedAnswer struct {
	AccessToken string `json:"access_token"`
	ExpiresOn   string `json:"expires_on"`
	Resource    string `json:"resource"`
	TokenType   string `json:"token_type"`
	ClientID    string `json:"client_id"`
}

func (i *Issuer) serveManaged(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if version := query.Get("api-version"); version != managedVersion {
		writeManagedError(w, http.StatusBadRequest, "invalid_request", "The api-version must be "+managedVersion+".")
		return
	}
	p, err := i.managedPrincipal(r)
	switch {
	case errs.Is(err, errs.Unauthorized):
		writeManagedError(w, http.StatusUnauthorized, "unauthorized", err.Error())
		return
	case err != nil:
		i.opts.Log.ErrorContext(r.Context(), "managed identity request failed", "error", err)
		writeManagedError(w, http.StatusServiceUnavailable, "temporarily_unavailable", "A transient error has occurred. Please try again.")
		return
	}
	for _, selector := range [][2]string{{"client_id", p.ClientID}, {"object_id", p.ObjectID}, {"principal_id", p.ObjectID}, {"mi_res_id", ""}} {
		if asked := query.Get(selector[0]); asked != "" && !strings.EqualFold(asked, selector[1]) {
			writeManagedError(w, http.StatusBadRequest, "invalid_request", "No managed identity was found for the specified "+selector[0]+".")
			return
		}
	}
	asked := i.resourceOf(query.Get("resource"))
	if asked.kind == unknownResource {
		writeManagedError(w, http.StatusBadRequest, "invalid_resource", "The resource principal named '"+shown(query.Get("resource"))+"' was not found.")
		return
	}
	access, err := i.accessToken(p, p.ClientID, asked.audience)
	if err != nil {
		i.opts.Log.ErrorContext(r.Context(), "managed identity request failed", "error", err)
		writeManagedError(w, http.StatusServiceUnavailable, "temporarily_unavailable", "A transient error has occurred. Please try again.")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, managedAnswer{access.token, strconv.FormatInt(access.notAfter.Unix(), 10), asked.audience, "Bearer", p.ClientID})
}

// managedPrincipal finds who the identity header belongs to. Every reason to refuse reads the same.
func (i *Issuer) managedPrincipal(r *http.Request) (Principal, error) {
	refused := errs.New(errs.Unauthorized, "InvalidIdentityHeader", "The X-IDENTITY-HEADER is missing or not valid.")
	objectID, secret, found := strings.Cut(r.Header.Get("X-IDENTITY-HEADER"), ".")
	if !found || objectID == "" || secret == "" {
		return Principal{}, refused
	}
	p, err := i.opts.Directory.ByObject(r.Context(), objectID)
	switch {
	case errs.Is(err, errs.NotFound):
		return Principal{}, refused
	case err != nil:
		return Principal{}, err
	case p.Kind != ManagedIdentity:
		return Principal{}, refused
	}
	good, err := i.matches(r.Context(), p, secret)
	if err != nil {
		return Principal{}, err
	}
	if !good {
		return Principal{}, refused
	}
	return p, nil
}

func writeManagedError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string]any{"error": code, "error_description": message, "statusCode": status, "message": message})
}
