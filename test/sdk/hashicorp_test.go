package sdk

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	ml "github.com/hashicorp/go-azure-sdk/resource-manager/machinelearningservices/2025-09-01"
	"github.com/hashicorp/go-azure-sdk/sdk/client"
	"github.com/hashicorp/go-azure-sdk/sdk/client/resourcemanager"
	"github.com/hashicorp/go-azure-sdk/sdk/environments"
	"golang.org/x/oauth2"

	"github.com/amlmove/amlmove/test/estate"
)

// Names of the estate as this SDK wants them.
const (
	subscription = estate.Source
	group        = "origin-rg"
	workspace    = "origin-ws"
)

// bearer hands our token to the SDK.
type bearer struct{ token string }

func (b bearer) Token(context.Context, *http.Request) (*oauth2.Token, error) {
	return &oauth2.Token{AccessToken: b.token, TokenType: "Bearer"}, nil
}

func (b bearer) AuxiliaryTokens(context.Context, *http.Request) ([]*oauth2.Token, error) {
	return nil, nil
}

// impatient spares the pauses of ten seconds that this SDK makes between two looks.
type impatient struct{ http.RoundTripper }

func (i impatient) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := i.RoundTripper.RoundTrip(req)
	if err == nil {
		resp.Header[client.SkipPollingDelayHeader] = []string{"true"}
	}
	return resp, err
}

// hashicorp returns the SDK's clients for a cloud.
func hashicorp(t *testing.T, e *estate.Estate) *ml.Client {
	t.Helper()
	token := e.Token(t, e.Credential())
	c, err := ml.NewClientWithBaseURI(environments.ResourceManagerAPI(e.Endpoint), func(c *resourcemanager.Client) {
		c.SetAuthorizer(bearer{token})
		c.SetTransport(impatient{e.HTTPClient().Transport})
		c.DisableRetries = true // a wrong status must show at once
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// of reads one of the SDK's models from JSON.
func of[T any](text string) T {
	var value T
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		panic("sdk: " + err.Error() + ": " + text) // the texts stand in this package
	}
	return value
}

// resource is the life of one resource through this SDK: made, read, listed, changed, deleted, gone. Each call has a list of the status codes that the
// published contract allows, and refuses any other.
type resource struct {
	name   string
	create func(context.Context) error
	get    func(context.Context) (*http.Response, error)
	list   func(context.Context) (int, error)
	update func(context.Context) error
	use    func(context.Context) error // actions
	remove func(context.Context) error
}

func (r resource) live(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"create", r.create},
		{"get", func(ctx context.Context) error { _, err := r.get(ctx); return err }},
		{"update", r.update},
		{"use", r.use},
	} {
		if step.do == nil {
			continue
		}
		if err := step.do(ctx); err != nil {
			t.Fatalf("%s: %s: %v", r.name, step.name, err)
		}
	}
	if r.list != nil {
		if n, err := r.list(ctx); err != nil || n == 0 {
			t.Errorf("%s: list: %d items: %v", r.name, n, err)
		}
	}
	if r.remove == nil {
		return
	}
	if err := r.remove(ctx); err != nil {
		t.Fatalf("%s: delete: %v", r.name, err)
	}
	if resp, err := r.get(ctx); err == nil || resp == nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("%s: after its deletion GET says %v", r.name, err)
	}
}

func TestTheStrictSDKAcceptsEveryAnswer(t *testing.T) {
	t.Parallel()
	e := estate.Start(t)
	c := hashicorp(t, e)
	for _, r := range []resource{
		workspaceItself(c), computeInstance(c), cluster(c), datastores(c), jobs(c), models(c), data(c), environmentVersions(c), codes(c), components(c),
		onlineEndpoints(c), onlineDeployments(c), batchEndpoints(c), batchDeployments(c), serverless(c), schedules(c), connections(c), featureSets(c),
		featureStoreEntities(c), outboundRules(c), capabilityHosts(c), locations(c),
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			r.live(t)
		})
	}
}

func TestTheStrictSDKShowsARefusal(t *testing.T) {
	t.Parallel()
	e := estate.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	bad := cluster(hashicorp(t, e))
	if err := bad.create(ctx); err != nil {
		t.Fatal(err)
	}
	if err := bad.update(ctx); err != nil {
		t.Fatal(err)
	}
	e.Must(t, http.MethodPut, estate.OriginGroup+"/providers/Microsoft.Authorization/locks/still", `{"properties":{"level":"ReadOnly"}}`)
	if err := bad.update(ctx); err == nil || !strings.Contains(err.Error(), "ScopeLocked") {
		t.Errorf("a locked workspace answers %v", err)
	}
}
