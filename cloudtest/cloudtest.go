// Package cloudtest starts a local Azure Resource Manager inside a Go test: with tokens, roles, locks, policies, Azure Machine Learning workspaces and
// moves that really happen. Point the official SDKs at it through Options and Credential.
//
//	cloud := cloudtest.Start(t, cloudtest.Fixture("contoso-quiet"))
//	client, err := armresources.NewClient(cloud.Subscriptions[0], cloud.Credential(), cloud.Options())
package cloudtest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/amlmove/amlmove/internal/cloud"
	"github.com/amlmove/amlmove/internal/cloud/fixture"
	"github.com/amlmove/amlmove/internal/cloud/folder"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/replica"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// Cloud is a running cloud of a test. It stops with the test.
type Cloud struct {
	Endpoint      string   // https://127.0.0.1:port
	Dir           string   // its data folder, with cloud.json, ca.pem and env.sh
	TenantID      string   // home tenant
	Subscriptions []string // of the home tenant, in the order of the fixture
	Principals    map[string]Principal

	client *http.Client
	state  folder.State
	inner  *cloud.Cloud

	credentials sync.Map // by client id; each keeps its tokens
}

// Principal is somebody who can sign in.
type Principal struct {
	Name, TenantID, ObjectID, ClientID, ClientSecret, UserName, Password string
}

// settings are what options change.
type settings struct {
	fixture string
	scale   int
	path    string // of a snapshot
}

// keys are made once for all clouds of a test binary. A token of one cloud is of no use at another: its audience names the port.
var keys = sync.OnceValues(identity.NewKeys)

// Option changes how a cloud is started.
type Option func(*settings)

// Fixture chooses what the cloud holds: "contoso" (in full use), "contoso-quiet" (drained for a move), "empty", or the path of a file.
func Fixture(name string) Option { return func(s *settings) { s.fixture = name } }

// Scale makes the fixture so many times as large.
func Scale(n int) Option { return func(s *settings) { s.scale = n } }

// FromSnapshot fills the cloud with a workspace as it was captured, and with what was around it at both ends, instead of a fixture. The client is whoever captured it, with the same
// rights; secrets are placeholders.
func FromSnapshot(path string) Option { return func(s *settings) { s.path = path } }

// Start starts a cloud and stops it when the test ends.
func Start(t testing.TB, options ...Option) *Cloud {
	t.Helper()
	s := settings{fixture: "empty", scale: 1}
	for _, option := range options {
		option(&s)
	}
	dir := t.TempDir()
	inner, summary := start(t, dir, s)
	c := &Cloud{Endpoint: inner.Base(), Dir: dir, TenantID: summary.TenantID, Principals: map[string]Principal{}, client: inner.Client(), inner: inner}
	t.Cleanup(c.client.CloseIdleConnections) // a cloud that stops waits for connections that are kept alive
	c.state = folder.NewState(dir, inner.Base(), inner.Address(), "sqlite", summary)
	c.Subscriptions = c.state.Subscriptions
	for _, p := range append(summary.Principals, summary.Client) {
		c.Principals[p.Name] = Principal{p.Name, p.TenantID, p.ObjectID, p.ClientID, p.ClientSecret, p.UserName, p.Password}
	}
	if err := folder.Publish(dir, c.state, inner.Keys.CAPEM()); err != nil {
		t.Fatalf("publish a test cloud: %v", err)
	}
	return c
}

// Inner is the cloud itself, for the tests of this module.
func (c *Cloud) Inner() *cloud.Cloud { return c.inner }

// State is what cloud.json in Dir says, for the tests of this module.
func (c *Cloud) State() folder.State { return c.state }

// start opens a store in the folder, starts a cloud on it and loads the fixture.
func start(t testing.TB, dir string, s settings) (*cloud.Cloud, fixture.Summary) {
	t.Helper()
	ctx := context.Background()
	st, err := sqlite.Scratch(ctx, filepath.Join(dir, folder.DatabaseFile))
	if err != nil {
		t.Fatalf("open the store of a test cloud: %v", err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Errorf("close the store of a test cloud: %v", err)
		}
	})
	inner, err := cloud.Start(ctx, cloud.Options{Store: st, NewKeys: keys})
	if err != nil {
		t.Fatalf("start a test cloud: %v", err)
	}
	t.Cleanup(func() {
		if err := inner.Close(); err != nil {
			t.Errorf("stop a test cloud: %v", err)
		}
	})
	return inner, load(ctx, t, fixture.Target{Store: st, Tree: inner.Tree, Types: cloud.Types(), Now: time.Now}, s)
}

// load fills the store of a cloud.
func load(ctx context.Context, t testing.TB, target fixture.Target, s settings) fixture.Summary {
	t.Helper()
	if s.path == "" {
		summary, err := fixture.Load(ctx, target, s.fixture, fixture.Options{Scale: s.scale})
		if err != nil {
			t.Fatalf("load the fixture %q: %v", s.fixture, err)
		}
		return summary
	}
	snap, err := snapshot.Open(ctx, s.path)
	if err != nil {
		t.Fatalf("open the snapshot of a test cloud: %v", err)
	}
	defer func() { _ = snap.Close() }() // only read
	r, err := replica.Load(ctx, snap, target, replica.Options{})
	if err != nil {
		t.Fatalf("load the snapshot %q: %v", s.path, err)
	}
	return r.Summary
}

// HTTPClient trusts the cloud's certificate authority.
func (c *Cloud) HTTPClient() *http.Client { return c.client }

// ClientOptions point azcore at the cloud.
func (c *Cloud) ClientOptions() policy.ClientOptions {
	return policy.ClientOptions{Transport: c.client, Cloud: azcloud.Configuration{
		ActiveDirectoryAuthorityHost: c.Endpoint,
		Services:                     map[azcloud.ServiceName]azcloud.ServiceConfiguration{azcloud.ResourceManager: {Endpoint: c.Endpoint, Audience: c.Endpoint}},
	}}
}

// Options are the client options of the official ARM modules.
func (c *Cloud) Options() *arm.ClientOptions {
	return &arm.ClientOptions{ClientOptions: c.ClientOptions()}
}

// Credential is that of the client, who is Owner of every subscription of the home tenant.
func (c *Cloud) Credential() azcore.TokenCredential {
	return c.credential(c.state.TenantID, c.state.ClientID, c.state.ClientSecret)
}

// CredentialOf is that of another principal of the fixture; it panics when there is none of that name with a client secret.
func (c *Cloud) CredentialOf(name string) azcore.TokenCredential {
	p, ok := c.Principals[name]
	if !ok || p.ClientSecret == "" {
		panic("cloudtest: the fixture has no principal " + name + " with a client secret")
	}
	return c.credential(p.TenantID, p.ClientID, p.ClientSecret)
}

func (c *Cloud) credential(tenant, client, secret string) azcore.TokenCredential {
	if known, ok := c.credentials.Load(client); ok {
		return known.(azcore.TokenCredential)
	}
	credential, err := azidentity.NewClientSecretCredential(tenant, client, secret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: c.ClientOptions(), DisableInstanceDiscovery: true})
	if err != nil {
		panic("cloudtest: " + err.Error()) // the ids come from the fixture
	}
	c.credentials.Store(client, credential)
	return credential
}

// Token returns a bearer token for ARM.
func (c *Cloud) Token(t testing.TB, credential azcore.TokenCredential) string {
	t.Helper()
	token, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{c.Endpoint + "/.default"}})
	if err != nil {
		t.Fatalf("get a token: %v", err)
	}
	return token.Token
}

// Answer is what the cloud said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON reads the body as an object; the test fails when it is none.
func (a Answer) JSON(t testing.TB) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(a.Body, &object); err != nil {
		t.Fatalf("the answer %d is no JSON object: %v: %s", a.Status, err, a.Body)
	}
	return object
}

// Do sends one request as a principal ("" is the client). body may be nil, a string, or anything that encodes to JSON. An api-version is added when
// the path has none. Operations are not followed; see Await.
func (c *Cloud) Do(t testing.TB, principal, method, path string, body any) Answer {
	t.Helper()
	credential := c.Credential()
	if principal != "" {
		credential = c.CredentialOf(principal)
	}
	return c.DoToken(t, c.Token(t, credential), method, path, body)
}

// DoToken is Do with a token in hand.
func (c *Cloud) DoToken(t testing.TB, token, method, path string, body any) Answer {
	t.Helper()
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(b)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			t.Fatalf("encode a request: %v", err)
		}
		content = bytes.NewReader(data)
	}
	if !strings.HasPrefix(path, "https://") {
		path = c.Endpoint + path
	}
	if !strings.Contains(path, "api-version=") && !strings.Contains(path, "/_cloud/") {
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		path += separator + "api-version=2024-04-01"
	}
	req, err := http.NewRequestWithContext(t.Context(), method, path, content)
	if err != nil {
		t.Fatalf("make a request: %v", err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: read the answer: %v", method, path, err)
	}
	return Answer{resp.StatusCode, resp.Header, data}
}

// Await sends a request as the client and follows its operation to the end: the final answer of the Location URL, or of the Azure-AsyncOperation URL when
// that is all there is. The cloud's operations must be able to end: its clock must not stand still before them.
func (c *Cloud) Await(t testing.TB, method, path string, body any) Answer {
	t.Helper()
	token := c.Token(t, c.Credential())
	answer := c.DoToken(t, token, method, path, body)
	location, async := answer.Header.Get("Location"), answer.Header.Get("Azure-AsyncOperation")
	for answer.Status < 300 && (location != "" || async != "") {
		c.settle(t)
		if location != "" {
			poll := c.DoToken(t, token, http.MethodGet, location, nil)
			if poll.Status != http.StatusAccepted {
				return poll
			}
			continue
		}
		poll := c.DoToken(t, token, http.MethodGet, async, nil)
		if status, _ := poll.JSON(t)["status"].(string); status != "InProgress" {
			return poll
		}
	}
	return answer
}

// settle carries out what is due without waiting for the runner.
func (c *Cloud) settle(t testing.TB) {
	t.Helper()
	if _, err := c.inner.Runner.RunDue(t.Context()); err != nil {
		t.Fatalf("carry out what is due: %v", err)
	}
}

// Fork gives the state of the whole cloud a name, to which Rewind goes back: clock, faults and settings as well. It takes the same time whatever the cloud holds.
func (c *Cloud) Fork(t testing.TB, name string) {
	t.Helper()
	if err := c.inner.Fork(t.Context(), name); err != nil {
		t.Fatalf("name the state of the cloud: %v", err)
	}
}

// Rewind brings the cloud back to a named state, as often as you like; states named after it are gone. It takes as long as there are things that were changed since.
func (c *Cloud) Rewind(t testing.TB, name string) {
	t.Helper()
	if err := c.inner.Rewind(t.Context(), name); err != nil {
		t.Fatalf("go back: %v", err)
	}
}
