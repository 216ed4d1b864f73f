package identity

import (
	"encoding/json"
	"net/http"
	"strings"
)

// face is one thing that the issuer answers.
type face int

const (
	noFace face = iota
	documentFace
	tokenFace
	keysFace
	instanceFace
	realmFace
	metadataFace
	managedFace
	graphFace
	unbuiltFace // ours by its shape, and not built
)

// target is a path understood.
type target struct {
	face face
	at   authority
	rest []string // graph: the segments below /v1.0; realm: the user name
}

// authority is the first part of an OAuth path: a tenant, or one of the names that stand for none.
type authority struct {
	tenant   string // lower case
	version2 bool   // the path is one of the v2.0 endpoints
}

// adfs reports whether the authority is the ADFS one, which has no tenant and no versions.
func (a authority) adfs() bool { return a.tenant == "adfs" }

// open reports whether the authority names no tenant, so that the principal's own is meant.
func (a authority) open() bool {
	return a.adfs() || a.tenant == "common" || a.tenant == "organizations"
}

// Handles reports whether a path is the issuer's, in any casing. The server asks before it routes to ARM.
func (i *Issuer) Handles(path string) bool { return targetOf(path).face != noFace }

// ServeHTTP answers the paths for which Handles is true.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to := targetOf(r.URL.Path)
	if to.face == tokenFace {
		i.serveToken(w, r, to.at)
		return
	}
	if to.face != graphFace && r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		writeProblem(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "The method "+shown(r.Method)+" is not allowed here.")
		return
	}
	switch to.face {
	case documentFace:
		i.serveDocument(w, r, to.at)
	case keysFace:
		writeJSON(w, http.StatusOK, map[string]any{"keys": []jsonWebKey{i.opts.Keys.jsonWebKey()}})
	case instanceFace:
		i.serveInstance(w, r)
	case realmFace:
		i.serveRealm(w, to.rest[0])
	case metadataFace:
		i.serveMetadata(w, r)
	case managedFace:
		i.serveManaged(w, r)
	case graphFace:
		i.serveGraph(w, r, to.rest)
	case unbuiltFace:
		writeProblem(w, http.StatusNotImplemented, "NotImplemented", "The path "+shown(r.URL.Path)+" is not built in this cloud.")
	default:
		writeProblem(w, http.StatusNotFound, "NotFound", "The path "+shown(r.URL.Path)+" is not one of the identity endpoints.")
	}
}

// targetOf reads a path. Clients write it in any casing (az lowers the authority), and with slashes too many.
func targetOf(path string) target {
	if strings.HasPrefix(path, "/subscriptions/") || strings.HasPrefix(path, "/providers/") {
		return target{} // nearly every request; the other casings take the long way to the same answer
	}
	given := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	lower := strings.FieldsFunc(strings.ToLower(path), func(r rune) bool { return r == '/' })
	if len(lower) != len(given) || len(lower) < 2 {
		return target{}
	}
	if lower[0] == "graph" { // the metadata names BASE/graph, to which clients append /v1.0
		given, lower = given[1:], lower[1:]
		if len(lower) < 2 || lower[0] != "v1.0" {
			return target{face: unbuiltFace}
		}
	}
	switch first, rest := lower[0], strings.Join(lower[1:], "/"); {
	case first == "v1.0":
		return target{face: graphFace, rest: given[1:]}
	case first == "metadata" && rest == "endpoints":
		return target{face: metadataFace}
	case first == "_cloud" && rest == "identity/token":
		return target{face: managedFace}
	case first == "discovery" && rest == "keys":
		return target{face: keysFace}
	case first == "subscriptions", first == "providers", first == "tenants", first == "metadata", first == "_cloud", first == "discovery":
		return target{}
	default:
		return authorityTarget(first, rest, given)
	}
}

// authorityTarget reads what stands below an authority.
func authorityTarget(tenant, rest string, given []string) target {
	at := authority{tenant: tenant, version2: strings.Contains(rest+"/", "v2.0/")}
	switch rest {
	case ".well-known/openid-configuration", "v2.0/.well-known/openid-configuration":
		return target{face: documentFace, at: at}
	case "oauth2/token", "oauth2/v2.0/token":
		return target{face: tokenFace, at: at}
	case "discovery/keys", "discovery/v2.0/keys":
		return target{face: keysFace}
	case "discovery/instance":
		return target{face: instanceFace}
	}
	below, last, _ := strings.Cut(rest, "/")
	switch {
	case below == "userrealm" && last != "" && !strings.Contains(last, "/"):
		return target{face: realmFace, rest: given[len(given)-1:]}
	case below == "oauth2", below == "v2.0", below == ".well-known", below == "discovery", at.open():
		return target{face: unbuiltFace}
	}
	return target{}
}

// writeJSON answers a document.
func writeJSON(w http.ResponseWriter, status int, document any) {
	body, err := json.Marshal(document)
	if err != nil { // only ours are written here, and all of them can be
		http.Error(w, "{}", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away cannot be told
}

// problem is the error body that ARM and Microsoft Graph share.
type problem struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func writeProblem(w http.ResponseWriter, status int, code, message string) {
	var body problem
	body.Error.Code, body.Error.Message = code, message
	writeJSON(w, status, body)
}
