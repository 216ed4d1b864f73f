package cloud_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/cloud"
	"github.com/amlmove/amlmove/internal/cloud/fixture"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite"
	"github.com/amlmove/amlmove/internal/errs"
)

// balancer is the address behind which both nodes stand.
const balancer = "https://arm.balancer.test:8443"

// behindBalancer starts two nodes on one store and returns a client whose connections go to them in turn.
func behindBalancer(t *testing.T) (*http.Client, fixture.Summary) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	var addresses []string
	var nodes []*cloud.Cloud
	for range 2 {
		node, err := cloud.Start(t.Context(), cloud.Options{Store: s, Advertise: balancer + "/"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = node.Close() })
		nodes, addresses = append(nodes, node), append(addresses, node.Address())
	}
	summary, err := fixture.Load(t.Context(), fixture.Target{Store: s, Tree: nodes[0].Tree, Types: cloud.Types(), Now: time.Now}, "empty", fixture.Options{Scale: 1})
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(nodes[0].Keys.CAPEM())
	var turn atomic.Int64
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, addresses[turn.Add(1)%2])
		},
	}}, summary
}

func TestATokenOfOneNodeIsGoodAtTheOtherBehindABalancer(t *testing.T) {
	t.Parallel()
	client, summary := behindBalancer(t)
	send := func(method, address, contentType, token, body string) (int, []byte) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", contentType)
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, data
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {summary.Client.ClientID}, "client_secret": {summary.Client.ClientSecret}, "scope": {balancer + "/.default"}}
	_, data := send(http.MethodPost, balancer+"/"+summary.TenantID+"/oauth2/v2.0/token", "application/x-www-form-urlencoded", "", form.Encode())
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(data, &token); err != nil || token.AccessToken == "" {
		t.Fatalf("no token: %v %s", err, data)
	}
	group := balancer + "/subscriptions/" + summary.Subscriptions[0].ID + "/resourcegroups/g?api-version=2021-04-01"
	if status, body := send(http.MethodPut, group, "application/json", token.AccessToken, `{"location":"eastus"}`); status != http.StatusCreated {
		t.Fatalf("a group through one node gave %d %s", status, body)
	}
	for range 4 { // both nodes, twice
		if status, body := send(http.MethodGet, group, "", token.AccessToken, ""); status != http.StatusOK {
			t.Errorf("the group answers %d %s", status, body)
		}
	}
}

func TestAddressesThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for name, o := range map[string]cloud.Options{
		"an advertised address without https":             {Store: s, Advertise: "http://x.test"},
		"an advertised address that is no URL":            {Store: s, Advertise: "::"},
		"a listen address that others can reach":          {Store: s, Listen: "0.0.0.0:0"},
		"a listen address without a port":                 {Store: s, Listen: "127.0.0.1"},
		"a listen address of another machine's interface": {Store: s, Listen: "[::]:0"},
	} {
		if c, err := cloud.Start(t.Context(), o); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s gave %v", name, err)
			if err == nil {
				_ = c.Close()
			}
		}
	}
}
