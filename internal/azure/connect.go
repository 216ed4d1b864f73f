package azure

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/amlmove/amlmove/internal/errs"
)

// Place is where the other side is and who goes there. What is empty comes from the environment, as the Azure SDKs read it.
type Place struct {
	Endpoint     string `json:"endpoint"`
	Authority    string `json:"authority"` // of tokens; the endpoint itself for a cloud of ours
	CAFile       string `json:"caFile"`    // certificate authority besides the machine's own
	TenantID     string `json:"tenantId"`
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
}

// hosts are the clouds of Microsoft by the host of their tokens.
var hosts = map[string]cloud.Configuration{
	"login.microsoftonline.com": cloud.AzurePublic, "login.microsoftonline.us": cloud.AzureGovernment, "login.chinacloudapi.cn": cloud.AzureChina,
	"login.partner.microsoftonline.cn": cloud.AzureChina,
}

// Microsoft reports whether an endpoint that was named is one of Microsoft's clouds, as that is which nobody named.
func Microsoft(endpoint string) bool {
	for _, known := range hosts {
		if endpoint == "" || strings.EqualFold(strings.TrimRight(endpoint, "/"), known.Services[cloud.ResourceManager].Endpoint) {
			return true
		}
	}
	return false
}

// FindPlace reads an --endpoint: the cloud.json of a running cloud, the folder it is in, a URL, or nothing, which is AMLMOVE_ENDPOINT or else Azure.
func FindPlace(endpoint string) (Place, error) {
	endpoint = cmp.Or(endpoint, os.Getenv("AMLMOVE_ENDPOINT"))
	if endpoint == "" || strings.Contains(endpoint, "://") {
		return Place{Endpoint: endpoint}, nil
	}
	file := endpoint
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		file = filepath.Join(file, "cloud.json")
	}
	var place Place
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &place)
	}
	if err != nil || place.Endpoint == "" {
		return place, errs.Wrap(errs.Invalid, "EndpointFile", err, "the endpoint %s is neither a URL nor the cloud.json of a running cloud", endpoint).
			Advise("say --endpoint https://host:port or --endpoint FOLDER/cloud.json; amlmove cloud up starts a cloud")
	}
	place.Authority = cmp.Or(place.Authority, place.Endpoint)
	if place.CAFile != "" && !filepath.IsAbs(place.CAFile) {
		place.CAFile = filepath.Join(filepath.Dir(file), place.CAFile)
	}
	return place, nil
}

// Connect makes a client of a place. Changes are made to its options before.
func Connect(place Place, changes ...func(*Options)) (*Client, error) {
	options, err := place.options()
	if err != nil {
		return nil, err
	}
	credential, err := place.credential(options)
	if err != nil {
		return nil, errs.Wrap(errs.Unauthorized, "SignInFailed", err, "no credential can be made for %s", options.Endpoint).
			Advise("sign in with az login, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET")
	}
	options.Credential = credential
	for _, change := range changes {
		change(&options)
	}
	return New(options)
}

// options are those of a client without its credential.
func (p Place) options() (Options, error) {
	authority := strings.TrimRight(cmp.Or(p.Authority, os.Getenv("AZURE_AUTHORITY_HOST")), "/")
	known, ours := hosts[strings.TrimPrefix(cmp.Or(authority, "https://login.microsoftonline.com"), "https://")]
	endpoint := strings.TrimRight(p.Endpoint, "/")
	if endpoint == "" {
		if !ours {
			return Options{}, errs.New(errs.Invalid, "EndpointMissing", "AZURE_AUTHORITY_HOST is %s, which is none of Microsoft's clouds, and no endpoint is named", authority).
				Advise("say --endpoint, or set AMLMOVE_ENDPOINT")
		}
		endpoint = known.Services[cloud.ResourceManager].Endpoint
	}
	configuration := known
	if !ours || !strings.EqualFold(endpoint, known.Services[cloud.ResourceManager].Endpoint) {
		configuration = cloud.Configuration{ActiveDirectoryAuthorityHost: cmp.Or(authority, endpoint),
			Services: map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: {Endpoint: endpoint, Audience: endpoint}}}
	}
	transport, err := p.transport()
	if err != nil {
		return Options{}, err
	}
	client := policy.ClientOptions{Cloud: configuration, Transport: transport, Retry: policy.RetryOptions{MaxRetries: 6, MaxRetryDelay: 2 * time.Minute}}
	return Options{Endpoint: endpoint, Client: client}, nil
}

// microsoft reports whether the other side is one of Microsoft's clouds.
func (o Options) microsoft() bool {
	_, known := hosts[strings.Trim(strings.TrimPrefix(o.Client.Cloud.ActiveDirectoryAuthorityHost, "https://"), "/")]
	return known
}

// transport trusts the machine's authorities and that of the place, and keeps as many connections open as we use side by side.
func (p Place) transport() (policy.Transporter, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost, transport.MaxIdleConns = 64, 64
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if p.CAFile != "" {
		pem, err := os.ReadFile(p.CAFile)
		if err != nil {
			return nil, errs.Wrap(errs.Invalid, "CertificateAuthority", err, "the certificate authority %s cannot be read", p.CAFile)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, errs.New(errs.Invalid, "CertificateAuthority", "there is no certificate in %s", p.CAFile)
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	return &http.Client{Transport: transport}, nil
}

// credential is that of the place, or what DefaultAzureCredential finds.
func (p Place) credential(o Options) (azcore.TokenCredential, error) {
	if p.ClientSecret != "" {
		return azidentity.NewClientSecretCredential(p.TenantID, p.ClientID, p.ClientSecret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: o.Client, DisableInstanceDiscovery: !o.microsoft()})
	}
	return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: o.Client, DisableInstanceDiscovery: !o.microsoft()})
}

// Caller is who the other side takes us for.
type Caller struct{ TenantID, ObjectID, Name string }

// Caller reads the claims of a token. They are not verified: they are for people to read, and for finding one's own role assignments.
func (c *Client) Caller(ctx context.Context) (Caller, error) {
	audience := cmp.Or(c.audience, c.endpoint)
	token, err := c.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{strings.TrimRight(audience, "/") + "/.default"}})
	if err != nil {
		return Caller{}, transportError(ctx, http.MethodPost, "/token", err)
	}
	var claims struct {
		TenantID string `json:"tid"`
		ObjectID string `json:"oid"`
		User     string `json:"upn"`
		Name     string `json:"preferred_username"`
		App      string `json:"appid"`
		Client   string `json:"azp"`
	}
	if parts := strings.Split(token.Token, "."); len(parts) == 3 {
		if data, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			_ = json.Unmarshal(data, &claims) // a token of another form tells nothing
		}
	}
	return Caller{claims.TenantID, claims.ObjectID, cmp.Or(claims.User, claims.Name, claims.App, claims.Client)}, nil
}
