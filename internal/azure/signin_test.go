package azure

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/errs"
)

// What the sign-in service says is enough: a person needs neither the exchange nor its form.
func TestARefusedSignInIsToldInAWord(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "openid-configuration") {
			at := "https://" + r.Host + "/t"
			_, _ = fmt.Fprintf(w, `{"issuer":"%[1]s/v2.0","authorization_endpoint":"%[1]s/oauth2/v2.0/authorize","token_endpoint":"%[1]s/oauth2/v2.0/token"}`, at)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprint(w, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Trace ID: 1 Correlation ID: 2 Timestamp: 3"}`)
	}))
	t.Cleanup(server.Close)
	place := Place{Endpoint: server.URL, Authority: server.URL, TenantID: "t", ClientID: "c", ClientSecret: "s"}
	options, err := place.options()
	if err != nil {
		t.Fatal(err)
	}
	options.Client.Transport = server.Client()
	if options.Credential, err = place.credential(options); err != nil {
		t.Fatal(err)
	}
	client, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	_, asked := client.Get(t.Context(), "/subscriptions", "2022-12-01")
	_, called := client.Caller(context.WithoutCancel(t.Context()))
	for _, err := range []error{asked, called} {
		if !errs.Is(err, errs.Unauthorized) {
			t.Fatalf("got %v", err)
		}
		text := err.Error()
		if !strings.Contains(text, "AADSTS7000215: Invalid client secret provided.") || strings.Contains(text, "\n") || strings.Contains(text, "nobody is signed in") || !strings.Contains(text, "Correlation ID: 2") {
			t.Errorf("got %s", text)
		}
	}
}
