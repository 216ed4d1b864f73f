package identity

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/amlmove/amlmove/internal/errs"
)

// The part of Microsoft Graph with which clients turn names into object ids before they assign a role. A caller sees
// its own tenant only. Whatever else Graph can do answers 501.

const getByIDsMost = 1000

// serveGraph answers a path below /v1.0.
func (i *Issuer) serveGraph(w http.ResponseWriter, r *http.Request, path []string) {
	caller, err := i.verify(r.Context(), r.Header.Get("Authorization"), true)
	if err == nil {
		var document any
		if document, err = i.graph(r, caller, path); err == nil {
			writeJSON(w, http.StatusOK, document)
			return
		}
	}
	known := errs.As(err)
	if known == nil {
		known = errs.New(errs.Internal, "", "")
	}
	switch known.Kind {
	case errs.Unauthorized:
		w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer authorization_uri=%q, error=\"invalid_token\"", i.base()+"/common/oauth2/authorize"))
		writeProblem(w, http.StatusUnauthorized, "InvalidAuthenticationToken", known.Message)
	case errs.NotFound:
		writeProblem(w, http.StatusNotFound, "Request_ResourceNotFound", known.Message)
	case errs.Invalid:
		writeProblem(w, http.StatusBadRequest, "Request_BadRequest", known.Message)
	case errs.Unsupported:
		writeProblem(w, http.StatusNotImplemented, "NotImplemented", known.Message)
	default:
		i.opts.Log.ErrorContext(r.Context(), "graph request failed", "path", r.URL.Path, "error", err)
		w.Header().Set("Retry-After", "1")
		writeProblem(w, http.StatusServiceUnavailable, "serviceNotAvailable", "The directory cannot answer now.")
	}
}

// byKey matches the alternate key of an application: servicePrincipals(appId='...').
var byKey = regexp.MustCompile(`(?i)^serviceprincipals\(appid='([^']*)'\)$`)

func (i *Issuer) graph(r *http.Request, caller Caller, path []string) (any, error) {
	first := strings.ToLower(path[0])
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	key := byKey.FindStringSubmatch(path[0])
	switch {
	case read && len(path) == 1 && first == "me":
		return i.me(r, caller)
	case read && len(path) == 1 && (first == "serviceprincipals" || first == "users"):
		return i.search(r, caller, first)
	case read && len(path) == 1 && key != nil:
		return i.entry(caller, "", func() (Principal, error) { return i.opts.Directory.ByClient(r.Context(), key[1]) })
	case read && len(path) == 2 && (first == "serviceprincipals" || first == "users" || first == "directoryobjects"):
		return i.entry(caller, first, func() (Principal, error) { return i.find(r, first, path[1]) })
	case r.Method == http.MethodPost && len(path) == 2 && first == "directoryobjects" && strings.EqualFold(path[1], "getByIds"):
		return i.getByIDs(r, caller)
	}
	return nil, errs.New(errs.Unsupported, "NotImplemented", "%s %s is not built in this cloud's directory.", shown(r.Method), shown(r.URL.Path))
}

// find looks a principal up by its object id, or a user by its name.
func (i *Issuer) find(r *http.Request, collection, id string) (Principal, error) {
	if collection == "users" && strings.Contains(id, "@") {
		return i.opts.Directory.ByUser(r.Context(), id)
	}
	return i.opts.Directory.ByObject(r.Context(), id)
}

// entry is a principal as a document, if the caller may see it and it is of the collection.
func (i *Issuer) entry(caller Caller, collection string, find func() (Principal, error)) (map[string]any, error) {
	p, err := find()
	if err != nil && !errs.Is(err, errs.NotFound) {
		return nil, fmt.Errorf("find principal: %w", err)
	}
	wrong := collection == "users" && p.Kind != User || collection == "serviceprincipals" && p.Kind == User
	if err != nil || wrong || !strings.EqualFold(p.TenantID, caller.TenantID) {
		return nil, errs.New(errs.NotFound, "Request_ResourceNotFound", "Resource does not exist or one of its queried reference-property objects are not present.")
	}
	return document(p), nil
}

func (i *Issuer) me(r *http.Request, caller Caller) (any, error) {
	if caller.Kind != User {
		return nil, errs.New(errs.Invalid, "Request_BadRequest", "/me request is only valid with delegated authentication flow.")
	}
	return i.entry(caller, "users", func() (Principal, error) { return i.opts.Directory.ByObject(r.Context(), caller.ObjectID) })
}

// filters are the searches that clients make, each by something that names one principal.
var filters = []struct {
	collection string
	pattern    *regexp.Regexp
	byUser     bool
}{
	{"serviceprincipals", regexp.MustCompile(`(?i)^serviceprincipalnames/any\(\s*(?:\w+)\s*:\s*(?:\w+)\s+eq\s+'((?:[^']|'')*)'\s*\)$`), false},
	{"serviceprincipals", regexp.MustCompile(`(?i)^appid\s+eq\s+'((?:[^']|'')*)'$`), false},
	{"users", regexp.MustCompile(`(?i)^userprincipalname\s+eq\s+'((?:[^']|'')*)'$`), true},
}

// search answers a list of one or none.
func (i *Issuer) search(r *http.Request, caller Caller, collection string) (any, error) {
	text := strings.TrimSpace(r.URL.Query().Get("$filter"))
	for _, filter := range filters {
		match := filter.pattern.FindStringSubmatch(text)
		if filter.collection != collection || match == nil {
			continue
		}
		name := strings.ReplaceAll(match[1], "''", "'")
		found, err := i.entry(caller, collection, func() (Principal, error) {
			if filter.byUser {
				return i.opts.Directory.ByUser(r.Context(), name)
			}
			return i.opts.Directory.ByClient(r.Context(), name)
		})
		switch {
		case errs.Is(err, errs.NotFound):
			return listing([]any{}), nil
		case err != nil:
			return nil, err
		}
		return listing([]any{found}), nil
	}
	return nil, errs.New(errs.Unsupported, "NotImplemented", "The $filter %q on %s is not built in this cloud's directory.", shown(text), collection)
}

// getByIDs answers those of the ids that exist, in their order.
func (i *Issuer) getByIDs(r *http.Request, caller Caller) (any, error) {
	var asked struct {
		IDs   []string `json:"ids"`
		Types []string `json:"types"`
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, formMost))
	if err != nil || json.Unmarshal(body, &asked) != nil || len(asked.IDs) == 0 || len(asked.IDs) > getByIDsMost {
		return nil, errs.New(errs.Invalid, "Request_BadRequest", "The body must hold between 1 and %d ids.", getByIDsMost)
	}
	found := []any{}
	for _, id := range asked.IDs {
		one, err := i.entry(caller, "", func() (Principal, error) { return i.opts.Directory.ByObject(r.Context(), id) })
		switch {
		case errs.Is(err, errs.NotFound):
			continue
		case err != nil:
			return nil, err
		}
		if wanted(asked.Types, one) {
			found = append(found, one)
		}
	}
	return listing(found), nil
}

// wanted reports whether a document is of one of the types, of which none means all.
func wanted(types []string, document map[string]any) bool {
	if len(types) == 0 {
		return true
	}
	for _, kind := range types {
		if strings.EqualFold("#microsoft.graph."+kind, fmt.Sprint(document["@odata.type"])) || strings.EqualFold(kind, "directoryObject") {
			return true
		}
	}
	return false
}

func listing(entries []any) map[string]any { return map[string]any{"value": entries} }

// document writes a principal as Graph does.
func document(p Principal) map[string]any {
	if p.Kind == User {
		return map[string]any{"@odata.type": "#microsoft.graph.user", "id": p.ObjectID, "displayName": p.Name,
			"userPrincipalName": p.UserName, "mail": p.UserName, "accountEnabled": true, "userType": "Member"}
	}
	kind := "Application"
	if p.Kind == ManagedIdentity {
		kind = "ManagedIdentity"
	}
	return map[string]any{"@odata.type": "#microsoft.graph.servicePrincipal", "id": p.ObjectID, "appId": p.ClientID,
		"displayName": p.Name, "appDisplayName": p.Name, "servicePrincipalType": kind, "servicePrincipalNames": []string{p.ClientID},
		"appOwnerOrganizationId": p.TenantID, "accountEnabled": true}
}
