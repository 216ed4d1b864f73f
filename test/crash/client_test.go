package crash

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// client talks to one node.
type client struct {
	base, token string
	http        *http.Client
}

// newClient trusts the certificate authority of a data folder, which outlives the node.
func newClient(t *testing.T, s state) *client {
	t.Helper()
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 32}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{base: s.Endpoint, http: &http.Client{Transport: transport, Timeout: time.Minute}}
}

// signIn gets a token for Resource Manager.
func (c *client) signIn(t *testing.T, tenant, id, secret string) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}, "scope": {c.base + "/.default"}}
	resp, err := c.http.PostForm(c.base+"/"+tenant+"/oauth2/v2.0/token", form)
	if err != nil {
		t.Fatalf("get a token: %v", err)
	}
	defer func() { _ = resp.Body.Close() }()
	var said struct {
		AccessToken string `json:"access_token"`
	}
	data, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(data, &said)
	}
	if err != nil || said.AccessToken == "" {
		t.Fatalf("get a token: %v: %s", err, data)
	}
	return said.AccessToken
}

// as is the same client with another principal's token.
func (c *client) as(t *testing.T, s state, name string) *client {
	t.Helper()
	for _, p := range s.Principals {
		if p.Name == name {
			other := *c
			other.token = c.signIn(t, p.TenantID, p.ClientID, p.ClientSecret)
			return &other
		}
	}
	t.Fatalf("there is no principal %s", name)
	return nil
}

// answer is what a node said. Once there is a status, the node has decided: a body that breaks off changes nothing about that.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) good() bool { return a.status >= 200 && a.status < 300 }

// doc reads the body as a JSON object; nil if it is none.
func (a answer) doc() map[string]any {
	var object map[string]any
	_ = json.Unmarshal(a.body, &object)
	return object
}

// code is the ARM code of a refusal.
func (a answer) code() string { return text(a.doc(), "error.code") }

// operation is the path by which the operation that an answer began is followed; "" if it began none.
func (a answer) operation() string {
	for _, name := range []string{"Azure-AsyncOperation", "Location"} {
		if at := a.header.Get(name); at != "" {
			_, path, _ := strings.Cut(strings.TrimPrefix(at, "https://"), "/")
			return "/" + path
		}
	}
	return ""
}

// do sends one request. An error means that no answer came: the node may have done it or not.
func (c *client) do(ctx context.Context, method, path string, body any) (answer, error) {
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		content = bytes.NewReader(data)
	}
	if !strings.Contains(path, "api-version=") {
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		path += separator + "api-version=2024-04-01"
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	data, _ := io.ReadAll(resp.Body) // see answer
	return answer{resp.StatusCode, resp.Header, data}, nil
}

// must sends a request that has to be answered well.
func (c *client) must(t *testing.T, method, path string, body any) answer {
	t.Helper()
	a, err := c.do(t.Context(), method, path, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if !a.good() {
		t.Fatalf("%s %s was answered %d: %s", method, path, a.status, a.body)
	}
	return a
}

// get reads a document; nil when it is not there.
func (c *client) get(t *testing.T, path string) map[string]any {
	t.Helper()
	a, err := c.do(t.Context(), http.MethodGet, path, nil)
	switch {
	case err != nil:
		t.Fatalf("GET %s: %v", path, err)
	case a.status == http.StatusNotFound:
		return nil
	case a.status != http.StatusOK:
		t.Fatalf("GET %s was answered %d: %s", path, a.status, a.body)
	}
	return a.doc()
}

// names lists what stands in a collection, by lower-case name.
func (c *client) names(t *testing.T, path string) map[string]map[string]any {
	t.Helper()
	list := map[string]map[string]any{}
	for path != "" {
		page := c.must(t, http.MethodGet, path, nil).doc()
		items, _ := page["value"].([]any)
		for _, item := range items {
			doc, _ := item.(map[string]any)
			name := strings.ToLower(text(doc, "name"))
			if list[name] != nil {
				t.Errorf("%s lists %s twice", path, name)
			}
			list[name] = doc
		}
		path = strings.TrimPrefix(text(page, "nextLink"), c.base)
	}
	return list
}

// pace is the time between two looks at something that a node is about to do.
const pace = 4 * time.Millisecond

// patience bounds how long something may take that should take a moment.
const patience = 30 * time.Second

// eventually looks until the answer is yes.
func eventually(t *testing.T, what string, look func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !look(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
		<-time.After(pace)
	}
}

// ended follows an operation to its end and returns the last answer.
func (c *client) ended(t *testing.T, operation string) (last answer) {
	t.Helper()
	eventually(t, "the operation "+operation+" ends", func() bool {
		var err error
		if last, err = c.do(t.Context(), http.MethodGet, operation, nil); err != nil {
			t.Fatalf("GET %s: %v", operation, err)
		}
		return !running(last)
	})
	return last
}

// running reports whether the poll of an operation says that it goes on.
func running(poll answer) bool {
	return poll.status == http.StatusAccepted || poll.status == http.StatusOK && text(poll.doc(), "status") == "InProgress"
}

// succeeded reports whether the last poll of an operation says that it ended well.
func succeeded(poll answer) bool {
	status := text(poll.doc(), "status")
	return poll.good() && status != "Failed" && status != "Canceled"
}

// value is what stands at a dotted path of a document, or nil.
func value(doc map[string]any, path string) any {
	var value any = doc
	for part := range strings.SplitSeq(path, ".") {
		object, _ := value.(map[string]any)
		value = object[part]
	}
	return value
}

// text is the string at a dotted path of a document, or "".
func text(doc map[string]any, path string) string {
	s, _ := value(doc, path).(string)
	return s
}
