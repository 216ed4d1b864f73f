// Package azure is the outbound client: raw documents (D1) through azcore's pipeline and azidentity's credentials, against Azure or any endpoint that
// speaks Azure Resource Manager. It paces itself below ARM's limits, reads lists to their end, chooses api-versions and follows operations. It knows resource
// ids and ARM's error bodies and nothing of workspaces, plans or the cloud. It stands on arm and errs.
package azure

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	armruntime "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

// Options are what a Client is made of.
type Options struct {
	Endpoint   string // https://management.azure.com or a cloud's endpoint, without a trailing slash
	Credential azcore.TokenCredential
	Client     policy.ClientOptions // transport, retries, and the cloud's configuration
	// Budget paces the requests; a new one with Azure's limits if nil, which hold for other clouds once they are seen to count. Clients of one principal in one process share a budget.
	Budget *Budget
	// Sleep waits between two looks at an operation; on the machine's clock if nil.
	Sleep func(context.Context, time.Duration) error
	// OnWrite hears of every request that may change something and was answered. May be nil.
	OnWrite func(Write)
}

// Write is the trail of a request that may have changed something: what support asks for.
type Write struct {
	Method, Path string
	Trace
}

// Client sends raw ARM requests. It is safe for concurrent use.
type Client struct {
	endpoint   string
	host       string
	audience   string
	credential azcore.TokenCredential
	pipeline   runtime.Pipeline
	onWrite    func(Write)
	sleep      func(context.Context, time.Duration) error
	budget     *Budget

	mutex  sync.Mutex
	offers map[string]*offering
}

// New returns a client.
func New(o Options) (*Client, error) {
	if o.Client.Cloud.Services == nil {
		o.Client.Cloud = cloud.AzurePublic
	}
	if o.Budget == nil {
		limits := Published()
		limits.Observed = !o.microsoft()
		o.Budget = NewBudget(limits, nil)
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	endpoint := strings.TrimRight(o.Endpoint, "/")
	base, err := url.Parse(endpoint)
	if err != nil || base.Scheme != "https" || base.Host == "" {
		return nil, errs.New(errs.Invalid, "InvalidEndpoint", "the endpoint %q is not of the form https://host", o.Endpoint)
	}
	// Before every try, not only the first: a repeat costs a token as well.
	o.Client.PerRetryPolicies = append(o.Client.PerRetryPolicies[:len(o.Client.PerRetryPolicies):len(o.Client.PerRetryPolicies)], o.Budget)
	// Registering providers behind the caller's back would change the wrong subscription (client-wire 5.5): steps of a plan do that, seen and said.
	pipeline, err := armruntime.NewPipeline("amlmove", "v0", o.Credential, runtime.PipelineOptions{},
		&azarm.ClientOptions{ClientOptions: o.Client, DisableRPRegistration: true})
	if err != nil {
		return nil, fmt.Errorf("build the client of %s: %w", o.Endpoint, err)
	}
	return &Client{endpoint: endpoint, host: base.Host, audience: o.Client.Cloud.Services[cloud.ResourceManager].Audience, credential: o.Credential,
		pipeline: pipeline, onWrite: o.OnWrite, sleep: o.Sleep, budget: o.Budget, offers: map[string]*offering{}}, nil
}

// Endpoint is where the client sends its requests.
func (c *Client) Endpoint() string { return c.endpoint }

// Usage counts the requests that were sent so far, repeats among them.
func (c *Client) Usage() Usage { return c.budget.Usage() }

// Answer is what the other side said to a request that it accepted.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Trace is by what support finds the request again, and where its operation can be followed.
func (a Answer) Trace() Trace { return traceOf(a.Status, a.Header) }

// Do sends one request. path is absolute, or a full URL such as a nextLink; version is added when the URL has none. A refusal is an *errs.Error with ARM's code
// and nested details, and has a Trace.
func (c *Client) Do(ctx context.Context, method, path, version string, body any) (Answer, error) {
	req, err := c.request(ctx, method, path, version, body)
	if err != nil {
		return Answer{}, err
	}
	resp, err := c.pipeline.Do(req)
	if err != nil {
		return Answer{}, transportError(ctx, method, path, err)
	}
	if c.onWrite != nil && method != http.MethodGet && method != http.MethodHead {
		c.onWrite(Write{method, path, traceOf(resp.StatusCode, resp.Header)})
	}
	data, err := runtime.Payload(resp)
	if err != nil {
		return Answer{}, errs.Wrap(errs.Unavailable, "AnswerCutOff", err, "read the answer to %s %s", method, path)
	}
	if resp.StatusCode >= 400 {
		return Answer{}, refusal(resp, data, method, path)
	}
	return Answer{resp.StatusCode, resp.Header, data}, nil
}

// request makes a request with its body.
func (c *Client) request(ctx context.Context, method, path, version string, body any) (*policy.Request, error) {
	target, err := c.url(path, version)
	if err != nil {
		return nil, err
	}
	req, err := runtime.NewRequest(ctx, method, target)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, "InvalidURL", err, "make a request of %s", target)
	}
	req.Raw().Header.Set("Accept", "application/json")
	if body == nil {
		return req, nil
	}
	data, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode the body of %s %s: %w", method, path, err)
	}
	return req, req.SetBody(streaming{bytes.NewReader(data)}, "application/json")
}

// streaming gives a reader the Close that azcore asks for.
type streaming struct{ *bytes.Reader }

func (streaming) Close() error { return nil }

// url completes a path.
func (c *Client) url(path, version string) (string, error) {
	if !strings.HasPrefix(path, "https://") {
		path = c.endpoint + path
	}
	parsed, err := url.Parse(path)
	if err != nil {
		return "", errs.Wrap(errs.Invalid, "InvalidURL", err, "the address %q cannot be read", path)
	}
	if !strings.EqualFold(parsed.Host, c.host) {
		return "", errs.New(errs.Denied, "ForeignAddress", "the address %q is not of %s: the token is not sent there", path, c.endpoint)
	}
	if query := parsed.Query(); query.Get("api-version") == "" {
		query.Set("api-version", version)
		parsed.RawQuery = query.Encode()
	}
	return parsed.String(), nil
}

// Get reads one document.
func (c *Client) Get(ctx context.Context, path, version string) (map[string]any, error) {
	answer, err := c.Do(ctx, http.MethodGet, path, version, nil)
	if err != nil {
		return nil, err
	}
	return object(answer.Body, path)
}

// object reads a JSON object and keeps numbers as they are written.
func object(data []byte, path string) (map[string]any, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	value, err := arm.ParseValue(data)
	doc, ok := value.(map[string]any)
	if err != nil || !ok && value != nil {
		return nil, errs.Wrap(errs.Unavailable, "AnswerDamaged", err, "read the document %s", path)
	}
	return doc, nil
}
