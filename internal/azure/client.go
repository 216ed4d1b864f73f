// Package azure is the outbound client: raw documents (D1) through azcore's pipeline and azidentity's credentials, against Azure or any endpoint that
// speaks Azure Resource Manager. It knows resource ids and ARM's error bodies and nothing of workspaces, plans or the cloud.
package azure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
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
}

// Client sends raw ARM requests. It is safe for concurrent use.
type Client struct {
	endpoint string
	pipeline runtime.Pipeline
}

// New returns a client.
func New(o Options) (*Client, error) {
	if o.Client.Cloud.Services == nil {
		o.Client.Cloud = cloud.AzurePublic
	}
	// Registering providers behind the caller's back would change the wrong subscription (client-wire 5.5): steps of a plan do that, seen and said.
	pipeline, err := armruntime.NewPipeline("amlmove", "v0", o.Credential, runtime.PipelineOptions{},
		&azarm.ClientOptions{ClientOptions: o.Client, DisableRPRegistration: true})
	if err != nil {
		return nil, fmt.Errorf("build the client of %s: %w", o.Endpoint, err)
	}
	return &Client{endpoint: strings.TrimRight(o.Endpoint, "/"), pipeline: pipeline}, nil
}

// Answer is what the other side said to a request that it accepted.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends one request. path is absolute, or a full URL such as a nextLink; version is added when the URL has none. A refusal is an *errs.Error with ARM's code
// and nested details.
func (c *Client) Do(ctx context.Context, method, path, version string, body any) (Answer, error) {
	target, err := c.url(path, version)
	if err != nil {
		return Answer{}, err
	}
	req, err := runtime.NewRequest(ctx, method, target)
	if err != nil {
		return Answer{}, errs.Wrap(errs.Invalid, "InvalidURL", err, "make a request of %s", target)
	}
	req.Raw().Header.Set("Accept", "application/json")
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return Answer{}, fmt.Errorf("encode the body of %s %s: %w", method, path, err)
		}
		if err := req.SetBody(streaming{bytes.NewReader(data)}, "application/json"); err != nil {
			return Answer{}, err
		}
	}
	resp, err := c.pipeline.Do(req)
	if err != nil {
		return Answer{}, transportError(ctx, method, path, err)
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
	if base, _ := url.Parse(c.endpoint); parsed.Host != base.Host {
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

// List reads a collection page by page, to the end, and visits each document.
func (c *Client) List(ctx context.Context, path, version string, visit func(json.RawMessage) error) error {
	for path != "" {
		answer, err := c.Do(ctx, http.MethodGet, path, version, nil)
		if err != nil {
			return err
		}
		var page struct {
			Value    []json.RawMessage `json:"value"`
			NextLink string            `json:"nextLink"`
		}
		if err := json.Unmarshal(answer.Body, &page); err != nil {
			return errs.Wrap(errs.Unavailable, "AnswerDamaged", err, "read the list %s", path)
		}
		for _, item := range page.Value {
			if err := visit(item); err != nil {
				return err
			}
		}
		path = page.NextLink
	}
	return nil
}

// Run sends a request and follows its operation to the end.
func (c *Client) Run(ctx context.Context, method, path, version string, body any) (Answer, error) {
	answer, err := c.Do(ctx, method, path, version, body)
	for err == nil && answer.Status == http.StatusAccepted {
		location := answer.Header.Get("Location")
		if location == "" {
			return answer, errs.New(errs.Unavailable, "NoLocation", "%s %s was accepted without saying where its operation can be followed", method, path)
		}
		if err := pause(ctx, answer.Header); err != nil {
			return answer, err
		}
		answer, err = c.Do(ctx, http.MethodGet, location, version, nil)
	}
	return answer, err
}

// defaultPause is how long a poller waits when the other side does not say.
const defaultPause = 5 * time.Second

// pause waits as long as Retry-After says.
func pause(ctx context.Context, header http.Header) error {
	wait := defaultPause
	if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil {
		wait = time.Duration(seconds) * time.Second
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// object reads a JSON object and keeps numbers as they are written.
func object(data []byte, path string) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var doc map[string]any
	if err := dec.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, errs.Wrap(errs.Unavailable, "AnswerDamaged", err, "read the document %s", path)
	}
	return doc, nil
}

// transportError words what kept a request from being answered.
func transportError(ctx context.Context, method, path string, err error) error {
	if ctx.Err() != nil {
		return errs.Wrap(errs.Canceled, "Canceled", ctx.Err(), "%s %s was given up", method, path)
	}
	return errs.Wrap(errs.Unavailable, "NoAnswer", err, "%s %s was not answered", method, path)
}

// kinds maps status codes to kinds of trouble.
var kinds = map[int]errs.Kind{
	http.StatusUnauthorized: errs.Unauthorized, http.StatusForbidden: errs.Denied, http.StatusNotFound: errs.NotFound, http.StatusConflict: errs.Conflict,
	http.StatusPreconditionFailed: errs.Precondition, http.StatusTooManyRequests: errs.Throttled, http.StatusNotImplemented: errs.Unsupported,
}

// refusal reads ARM's error body, nested or flat.
func refusal(resp *http.Response, data []byte, method, path string) error {
	kind, known := kinds[resp.StatusCode]
	switch {
	case known:
	case resp.StatusCode >= 500:
		kind = errs.Unavailable
	default:
		kind = errs.Invalid
	}
	var nested arm.ErrorDocument
	if json.Unmarshal(data, &nested) != nil || nested.Error.Code == "" && nested.Error.Message == "" {
		_ = json.Unmarshal(data, &nested.Error) // the flat form; what is neither keeps the status line
	}
	trouble := fromBody(kind, nested.Error)
	if trouble.Message == "" {
		trouble.Message = fmt.Sprintf("%s %s was answered with %s", method, path, resp.Status)
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		trouble.After = time.Duration(seconds) * time.Second
	}
	return trouble
}

// fromBody reads an error with all that is nested in it.
func fromBody(kind errs.Kind, body arm.ErrorBody) *errs.Error {
	e := &errs.Error{Kind: kind, Code: body.Code, Message: body.Message, Target: body.Target}
	for _, d := range body.Details {
		e.Details = append(e.Details, fromBody(kind, d))
	}
	return e
}
