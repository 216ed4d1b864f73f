package azure

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

type badge struct{}

func (badge) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "e30.eyJ0aWQiOiJ0MSIsIm9pZCI6Im8xIiwidXBuIjoibWUifQ.x", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// serve starts a server that speaks for ARM and a client of it. Nothing is repeated.
func serve(t *testing.T, answer http.HandlerFunc, edit ...func(*Options)) *Client {
	t.Helper()
	server := httptest.NewTLSServer(answer)
	t.Cleanup(server.Close)
	options := Options{Endpoint: server.URL, Credential: badge{}, Client: policy.ClientOptions{Transport: server.Client(), Retry: policy.RetryOptions{MaxRetries: -1},
		Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: server.URL,
			Services: map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: {Endpoint: server.URL, Audience: server.URL}}}}}
	for _, e := range edit {
		e(&options)
	}
	c, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestErrorBodiesInEveryForm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		status     int
		kind       errs.Kind
		code, text string
		details    int
	}{
		{"nested, as ARM writes it", `{"error":{"code":"A","message":"b","details":[{"code":"C","message":"d"}]}}`, 409, errs.Conflict, "A", "b", 1},
		{"flat, as some providers do", `{"code":"A","message":"b"}`, 404, errs.NotFound, "A", "b", 0},
		{"a bare code, as sign-in does", `{"error":"invalid_grant","error_description":"b"}`, 401, errs.Unauthorized, "invalid_grant", "b", 0},
		{"no JSON at all", `<html>gateway</html>`, 502, errs.Unavailable, "", "502", 0},
		{"nothing", ``, 501, errs.Unsupported, "", "501", 0},
		{"a status of its own", `{"error":{"code":"A","message":"b"}}`, 418, errs.Invalid, "A", "b", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("x-ms-correlation-request-id", "corr-1")
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(c.status)
				_, _ = fmt.Fprint(w, c.body)
			})
			_, err := client.Get(t.Context(), "/subscriptions/s", "v")
			e := errs.As(err)
			if e == nil || e.Kind != c.kind || e.Code != c.code || !strings.Contains(e.Message, c.text) || len(e.Details) != c.details || e.After != 7*time.Second {
				t.Fatalf("got %#v", err)
			}
			if trace, ok := TraceOf(err); !ok || trace.Status != c.status || trace.Correlation != "corr-1" {
				t.Errorf("the trace is %+v", trace)
			}
		})
	}
}

func TestARefusalWithoutAWordIsKnown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		want       bool
	}{
		{"no message (arm-move 2)", `{"error":{"code":"BadRequest","message":""}}`, true},
		{"no body", ``, true},
		{"a message", `{"error":{"code":"BadRequest","message":"the name is taken"}}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = w.Write([]byte(c.body))
			})
			_, ended, err := client.Look(t.Context(), "/operations/1", "2021-04-01")
			if e := errs.As(err); e == nil || ended || Unexplained(e) != c.want {
				t.Errorf("got %v, ended %v", err, ended)
			}
		})
	}
}

func TestListsAreReadToTheEnd(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("api-version") == "" {
			w.WriteHeader(http.StatusBadRequest)
		}
		n := len(r.URL.Query().Get("$skip"))
		next := ""
		if n < 7 {
			next = fmt.Sprintf(`,"nextLink":"https://%s/list?$skip=%s"`, r.Host, strings.Repeat("x", n+1))
		}
		_, _ = fmt.Fprintf(w, `{"value":[{"n":%d.50},{"n":1e3}]%s}`, n, next)
	})
	var got []string
	if err := client.List(t.Context(), "/list?listViewType=All", "v", func(raw json.RawMessage) error { got = append(got, string(raw)); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 16 || got[0] != `{"n":0.50}` || got[14] != `{"n":7.50}` {
		t.Errorf("got %v", got)
	}
}

func TestAPageThatIsNoListIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, page string
		refused    bool
	}{
		{"an object of another kind, as of an error that came with 200", `{"code":"x"}`, true},
		{"a later page", `{"value":[{}],"nextLink":"NEXT"}`, true},
		{"a single document", `{"id":"/x"}`, true},
		{"an empty list", `{"value":[]}`, false},
		{"an empty list as some services write it", `{"value":null}`, false},
	} {
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			page := strings.ReplaceAll(c.page, "NEXT", "https://"+r.Host+"/further?api-version=v")
			if r.URL.Path == "/further" {
				page = `{}`
			}
			_, _ = fmt.Fprint(w, page)
		})
		err := client.List(t.Context(), "/list", "v", func(json.RawMessage) error { return nil })
		if e := errs.As(err); c.refused != (e != nil && e.Code == "AnswerDamaged") || !c.refused && err != nil {
			t.Errorf("pain 39 %s: %v", c.name, err)
		} else if c.refused && !strings.Contains(e.Error(), "/list") {
			t.Errorf("pain 39 %s: nobody knows of which list it is: %v", c.name, err)
		}
	}
}

func TestAListThatLeadsBackIsRefused(t *testing.T) {
	t.Parallel()
	pages := 0
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		pages++
		_, _ = fmt.Fprintf(w, `{"value":[{}],"nextLink":"https://%s/list?page=%d&api-version=v"}`, r.Host, pages%3)
	})
	err := client.List(t.Context(), "/list", "v", func(json.RawMessage) error { return nil })
	if e := errs.As(err); e == nil || e.Code != "PagingLoop" {
		t.Fatalf("got %v", err)
	}
	if pages > 5 {
		t.Errorf("%d pages were read before the loop was seen", pages)
	}
}

func TestTheTokenIsNotSentElsewhere(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"value":[],"nextLink":"https://evil.test/list"}`)
	})
	if err := client.List(t.Context(), "/list", "v", func(json.RawMessage) error { return nil }); !errs.Is(err, errs.Denied) {
		t.Errorf("got %v", err)
	}
	if _, err := New(Options{Endpoint: "http://plain.test", Credential: badge{}}); !errs.Is(err, errs.Invalid) {
		t.Errorf("an endpoint without TLS: %v", err)
	}
}

func TestOperationsAreFollowedFromASavedURL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		answers []string // status and body of each poll
		code    string   // of the error
	}{
		{"a Location that is accepted, then empty", []string{"202 ", "202 ", "204 "}, ""},
		{"an Azure-AsyncOperation", []string{`200 {"status":"InProgress"}`, `200 {"status":"Succeeded"}`}, ""},
		{"one that fails", []string{`200 {"status":"Running"}`, `200 {"status":"Failed","error":{"code":"Broken","message":"m"}}`}, "Broken"},
		{"words in other spellings", []string{`200 {"status":"running"}`, `200 {"status":"succeeded"}`}, ""},
		{"one that somebody ended", []string{`200 {"status":"Cancelled","error":{"code":"Ended","message":"m"}}`}, "Ended"},
		{"a resource that has a status of its own", []string{`200 {"id":"/x","type":"a/b","status":"Warming"}`}, ""},
		{"an error at the Location", []string{"202 ", `409 {"error":{"code":"Taken","message":"m"}}`}, "Taken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			polls := 0
			client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				status, body, _ := strings.Cut(c.answers[polls], " ")
				polls++
				var code int
				_, _ = fmt.Sscan(status, &code)
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(code)
				_, _ = fmt.Fprint(w, body)
			})
			_, err := client.Resume(t.Context(), client.Endpoint()+"/op", "v")
			if e := errs.As(err); (e == nil) != (c.code == "") || e != nil && e.Code != c.code {
				t.Errorf("got %v", err)
			}
			if polls != len(c.answers) {
				t.Errorf("%d polls, want %d", polls, len(c.answers))
			}
		})
	}
}

func TestWritesLeaveATrail(t *testing.T) {
	t.Parallel()
	var trail []Write
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("x-ms-correlation-request-id", "corr")
		w.Header().Set("x-ms-request-id", "req")
		_, _ = fmt.Fprint(w, "{}")
	}, func(o *Options) { o.OnWrite = func(w Write) { trail = append(trail, w) } })
	for _, method := range []string{"GET", "PUT", "HEAD", "DELETE"} {
		if _, err := client.Do(t.Context(), method, "/x", "v", nil); err != nil {
			t.Fatal(err)
		}
	}
	if len(trail) != 2 || trail[0].Method != "PUT" || trail[0].Correlation != "corr" || trail[1].Request != "req" {
		t.Errorf("got %+v", trail)
	}
}

func TestChooseTakesTheNewestKnown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		offered, known []string
		want           string
	}{
		{"the newest that both know", []string{"2030-01-01", "2025-09-01", "2025-12-01"}, []string{"2025-12-01", "2025-09-01"}, "2025-12-01"},
		{"a preview where we ask for one", []string{"2025-12-01", "2024-04-01-preview"}, []string{"2024-04-01-preview"}, "2024-04-01-preview"},
		{"the newest stable that is not newer than ours", []string{"2030-01-01", "2024-01-01", "2023-01-01", "2025-01-01-preview"}, []string{"2025-12-01"}, "2024-01-01"},
		{"a newer stable before any preview", []string{"2030-01-01", "2031-01-01-preview"}, []string{"2025-12-01"}, "2030-01-01"},
		{"a preview when there is nothing else", []string{"2020-01-01-preview", "2021-01-01-preview"}, nil, "2021-01-01-preview"},
		{"ours when nothing is offered", nil, []string{"2025-12-01"}, "2025-12-01"},
	} {
		if got := Choose(c.offered, c.known); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestVersionsComeFromTheProvider(t *testing.T) {
	t.Parallel()
	asked := 0
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		if strings.Contains(r.URL.Path, "Microsoft.Storage") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = fmt.Fprint(w, `{"namespace":"Microsoft.MachineLearningServices","registrationState":"Registered","resourceTypes":[
			{"resourceType":"workspaces","apiVersions":["2030-01-01","2025-09-01"]},
			{"resourceType":"workspaces/labelingJobs","apiVersions":["2025-09-01","2023-04-01-preview"]}]}`)
	})
	for typ, want := range map[arm.Type]string{
		"Microsoft.MachineLearningServices/workspaces":              "2025-09-01",
		"Microsoft.MachineLearningServices/workspaces/jobs":         "2025-09-01",
		"microsoft.machinelearningservices/workspaces/labelingjobs": "2023-04-01-preview",
		"Microsoft.Storage/storageAccounts":                         Known("Microsoft.Storage")[0],
	} {
		if got := client.Version(t.Context(), "S", typ); got != want {
			t.Errorf("%s: got %s, want %s", typ, got, want)
		}
	}
	if asked != 2 {
		t.Errorf("the providers were asked %d times, want once each", asked)
	}
}

func TestPlaces(t *testing.T) {
	t.Setenv("AMLMOVE_ENDPOINT", "")
	t.Setenv("AZURE_AUTHORITY_HOST", "")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cloud.json"), []byte(`{"endpoint":"https://127.0.0.1:1","caFile":"ca.pem","tenantId":"t","clientId":"c","clientSecret":"s"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, named := range []string{dir, filepath.Join(dir, "cloud.json")} {
		place, err := FindPlace(named)
		if err != nil || place.Endpoint != "https://127.0.0.1:1" || place.CAFile != filepath.Join(dir, "ca.pem") || place.Authority != place.Endpoint {
			t.Errorf("%s: got %+v, %v", named, place, err)
		}
	}
	if _, err := FindPlace(filepath.Join(dir, "nothing")); !errs.Is(err, errs.Invalid) {
		t.Errorf("a file that is not there: %v", err)
	}
	for authority, want := range map[string]string{"": "https://management.azure.com", "https://login.microsoftonline.us/": "https://management.usgovcloudapi.net"} {
		options, err := Place{Authority: authority}.options()
		if err != nil || options.Endpoint != want || !options.microsoft() {
			t.Errorf("authority %q: got %s, %v", authority, options.Endpoint, err)
		}
	}
	if _, err := (Place{Authority: "https://elsewhere.test"}).options(); !errs.Is(err, errs.Invalid) {
		t.Errorf("an authority of nobody without an endpoint: %v", err)
	}
	t.Setenv("AMLMOVE_ENDPOINT", "https://env.test")
	if place, err := FindPlace(""); err != nil || place.Endpoint != "https://env.test" {
		t.Errorf("from the environment: %+v, %v", place, err)
	}
}

func TestCallerReadsTheToken(t *testing.T) {
	t.Parallel()
	client := serve(t, func(http.ResponseWriter, *http.Request) {})
	if caller, err := client.Caller(t.Context()); err != nil || caller != (Caller{"t1", "o1", "me"}) {
		t.Errorf("got %+v, %v", caller, err)
	}
}
