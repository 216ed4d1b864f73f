package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"github.com/amlmove/amlmove/internal/errs"
)

// The refusals of the token endpoint, by the numbers of https://learn.microsoft.com/entra/identity-platform/reference-error-codes.
const (
	badSecret        = 7000215
	noCredential     = 7000218
	unknownClient    = 700016
	badPassword      = 50126
	unknownUser      = 50034
	unknownTenant    = 90002
	unknownAudience  = 500011
	badScope         = 70011
	badGrant         = 70000
	unsupportedGrant = 70003
	expiredRefresh   = 700082
	passwordChanged  = 50173
	missingParameter = 900144
	malformed        = 9002313
	notPost          = 900561
	unknownInstance  = 50049
	unavailable      = 90033
)

// meanings gives each number its OAuth error and its status.
var meanings = map[int]struct {
	name   string
	status int
	kind   errs.Kind
}{
	badSecret:        {"invalid_client", http.StatusUnauthorized, errs.Unauthorized},
	noCredential:     {"invalid_client", http.StatusUnauthorized, errs.Unauthorized},
	unknownClient:    {"unauthorized_client", http.StatusBadRequest, errs.Unauthorized},
	badPassword:      {"invalid_grant", http.StatusBadRequest, errs.Unauthorized},
	unknownUser:      {"invalid_grant", http.StatusBadRequest, errs.Unauthorized},
	unknownTenant:    {"invalid_request", http.StatusBadRequest, errs.Invalid},
	unknownAudience:  {"invalid_resource", http.StatusBadRequest, errs.Invalid},
	badScope:         {"invalid_scope", http.StatusBadRequest, errs.Invalid},
	badGrant:         {"invalid_grant", http.StatusBadRequest, errs.Unauthorized},
	unsupportedGrant: {"unsupported_grant_type", http.StatusBadRequest, errs.Invalid},
	expiredRefresh:   {"invalid_grant", http.StatusBadRequest, errs.Unauthorized},
	passwordChanged:  {"invalid_grant", http.StatusBadRequest, errs.Unauthorized},
	missingParameter: {"invalid_request", http.StatusBadRequest, errs.Invalid},
	malformed:        {"invalid_request", http.StatusBadRequest, errs.Invalid},
	notPost:          {"invalid_request", http.StatusMethodNotAllowed, errs.Invalid},
	unknownInstance:  {"invalid_instance", http.StatusBadRequest, errs.Invalid},
	unavailable:      {"temporarily_unavailable", http.StatusServiceUnavailable, errs.Unavailable},
}

// refuse makes the error of a number. The text MUST NOT hold anything that a client sent as a secret.
func refuse(number int, format string, args ...any) *errs.Error {
	return errs.New(meanings[number].kind, "AADSTS"+strconv.Itoa(number), format, args...)
}

// refusal is the body that MSAL reads.
type refusal struct {
	Error         string `json:"error"`
	Description   string `json:"error_description"`
	Numbers       []int  `json:"error_codes"`
	Timestamp     string `json:"timestamp"`
	TraceID       string `json:"trace_id"`
	CorrelationID string `json:"correlation_id"`
}

// writeRefusal answers an error of the OAuth endpoints. One that is no refusal is trouble of ours: it is logged, and
// the client learns only that a repeat may help.
func (i *Issuer) writeRefusal(w http.ResponseWriter, r *http.Request, err error) {
	number, text := unavailable, "A transient error has occurred. Please try again."
	if known := errs.As(err); known != nil {
		var found int
		if _, scanned := fmt.Sscanf(known.Code, "AADSTS%d", &found); scanned == nil && meanings[found].status != 0 {
			number, text = found, known.Message
		}
	}
	correlation := correlationOf(r)
	if number == unavailable && !errors.Is(err, context.Canceled) {
		i.opts.Log.ErrorContext(r.Context(), "identity request failed", "path", r.URL.Path, "correlation", correlation, "error", err)
	} else {
		i.opts.Log.DebugContext(r.Context(), "identity request refused", "path", r.URL.Path, "correlation", correlation, "code", number)
	}
	meaning, trace, now := meanings[number], uuid.NewString(), i.opts.Now().UTC()
	w.Header().Set("Cache-Control", "no-store, no-cache")
	w.Header().Set("Pragma", "no-cache")
	switch number {
	case notPost:
		w.Header().Set("Allow", http.MethodPost)
	case unavailable:
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, meaning.status, refusal{
		Error: meaning.name,
		Description: fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s",
			number, text, trace, correlation, now.Format("2006-01-02 15:04:05Z")),
		Numbers:       []int{number},
		Timestamp:     now.Format("2006-01-02 15:04:05Z"),
		TraceID:       trace,
		CorrelationID: correlation,
	})
}

// correlationOf is the client's request id where it sent a usable one.
func correlationOf(r *http.Request) string {
	for _, asked := range []string{r.Header.Get("client-request-id"), r.Header.Get("x-ms-client-request-id"), r.URL.Query().Get("client-request-id")} {
		if id, err := uuid.Parse(asked); err == nil {
			return id.String()
		}
	}
	return uuid.NewString()
}
