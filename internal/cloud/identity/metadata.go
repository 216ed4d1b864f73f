package identity

import (
	"net/http"
	"net/url"
	"strings"
)

// serveDocument answers the OpenID configuration of an authority.
func (i *Issuer) serveDocument(w http.ResponseWriter, r *http.Request, at authority) {
	if err := i.tenantExists(r.Context(), at); err != nil {
		i.writeRefusal(w, r, err)
		return
	}
	root := i.base() + "/" + url.PathEscape(at.tenant)
	endpoint := root + "/oauth2/"
	if at.version2 && !at.adfs() {
		endpoint += "v2.0/"
	}
	tenant := at.tenant
	if at.open() {
		tenant = "{tenantid}" // as Entra ID writes it for an authority of many tenants
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                i.documentIssuer(at, tenant),
		"authorization_endpoint":                endpoint + "authorize",
		"token_endpoint":                        endpoint + "token",
		"jwks_uri":                              i.base() + "/discovery/keys",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic"},
		"grant_types_supported":                 []string{"client_credentials", "password", "refresh_token"},
		"response_types_supported":              []string{"token"},
		"response_modes_supported":              []string{"query"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
		"claims_supported":                      []string{"sub", "iss", "aud", "exp", "iat", "nbf", "tid", "oid", "upn", "name", "preferred_username", "ver"},
		"cloud_instance_name":                   i.host(),
	})
}

// documentIssuer is the issuer that an authority's document announces. Access tokens are v1 tokens, as those for ARM
// are in Azure, and their issuer is that of the v1 document; id tokens have the issuer of the document in use.
func (i *Issuer) documentIssuer(at authority, tenantID string) string {
	switch {
	case at.adfs():
		return i.base() + "/adfs"
	case at.version2:
		return i.base() + "/" + tenantID + "/v2.0"
	}
	return i.issuerOf(tenantID)
}

// serveInstance answers instance discovery: the only instance is this host.
func (i *Issuer) serveInstance(w http.ResponseWriter, r *http.Request) {
	host, tenant := i.host(), "common"
	if asked := r.URL.Query().Get("authorization_endpoint"); asked != "" {
		endpoint, err := url.Parse(asked)
		if err != nil || !strings.EqualFold(endpoint.Host, host) {
			i.writeRefusal(w, r, refuse(unknownInstance, "Unknown or invalid instance. Check the authority that the client is configured with."))
			return
		}
		if first, _, _ := strings.Cut(strings.Trim(endpoint.Path, "/"), "/"); first != "" {
			tenant = strings.ToLower(first)
		}
	}
	document := i.base() + "/" + url.PathEscape(tenant) + "/v2.0/.well-known/openid-configuration"
	if tenant == "adfs" {
		document = i.base() + "/adfs/.well-known/openid-configuration"
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": document,
		"api-version":               "1.1",
		"metadata":                  []map[string]any{{"preferred_network": host, "preferred_cache": host, "aliases": []string{host}}},
	})
}

// serveRealm answers what MSAL asks before a password grant: every user is managed here, and whether there is such a
// user is not told.
func (i *Issuer) serveRealm(w http.ResponseWriter, userName string) {
	_, domain, found := strings.Cut(userName, "@")
	if !found || domain == "" {
		domain = i.host()
	}
	writeJSON(w, http.StatusOK, map[string]string{
		"ver":                 "1.0",
		"account_type":        "Managed",
		"domain_name":         shown(domain),
		"cloud_instance_name": i.host(),
		"cloud_audience_urn":  "urn:federation:MicrosoftOnline",
	})
}

// serveMetadata answers /metadata/endpoints, whose form depends on the api-version: one object for 2015-01-01 (az cloud
// register) and for 2022-09-01 (go-azure-sdk, Terraform), a list for the others (ARM_CLOUD_METADATA_URL of az).
func (i *Issuer) serveMetadata(w http.ResponseWriter, r *http.Request) {
	base := i.base()
	switch r.URL.Query().Get("api-version") {
	case "":
		writeProblem(w, http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
	case "2015-01-01":
		writeJSON(w, http.StatusOK, map[string]any{
			"galleryEndpoint": base + "/gallery",
			"graphEndpoint":   base + "/graph",
			"portalEndpoint":  base + "/portal",
			"authentication":  map[string]any{"loginEndpoint": base + "/adfs", "audiences": []string{base + "/"}},
		})
	case "2022-09-01":
		writeJSON(w, http.StatusOK, i.cloud(base, "AAD"))
	default:
		writeJSON(w, http.StatusOK, []any{i.cloud(base+"/adfs", "ADFS")})
	}
}

// cloud describes the cloud. az takes an authority with the ADFS segment, which keeps it from asking
// login.microsoftonline.com whether the authority is real; the SDKs append the tenant to theirs.
func (i *Issuer) cloud(login, provider string) map[string]any {
	base, suffixes := i.base(), i.opts.Suffixes
	return map[string]any{
		"name":            "LocalCloud",
		"portal":          base + "/portal",
		"resourceManager": base,
		"authentication": map[string]any{
			"loginEndpoint": login, "audiences": []string{base + "/"}, "tenant": "common", "identityProvider": provider,
		},
		"graph":                    base + "/graph",
		"graphAudience":            base + "/graph",
		"microsoftGraphResourceId": base + "/",
		"appInsightsResourceId":    base + "/",
		"logAnalyticsResourceId":   base + "/",
		"gallery":                  base + "/gallery",
		"batch":                    base,
		"media":                    base,
		"sqlManagement":            base,
		"vmImageAliasDoc":          base,
		"activeDirectoryDataLake":  base,
		"suffixes": map[string]string{
			"storage":                             suffixes.Storage,
			"keyVaultDns":                         suffixes.KeyVault,
			"acrLoginServer":                      suffixes.Registry,
			"mhsmDns":                             "mhsm.local.test",
			"sqlServerHostname":                   "database.local.test",
			"azureDataLakeStoreFileSystem":        "adls.local.test",
			"azureDataLakeAnalyticsCatalogAndJob": "adla.local.test",
		},
	}
}
