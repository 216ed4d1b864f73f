package azure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

// Trace is by what support finds a request again.
type Trace struct {
	Status      int
	Correlation string // x-ms-correlation-request-id
	Request     string // x-ms-request-id
	Location    string // where its operation can be followed, if it began one
}

// Error words the trace: it is the cause inside a refusal.
func (t Trace) Error() string {
	text := "status " + strconv.Itoa(t.Status)
	if t.Correlation != "" {
		text += ", correlation id " + t.Correlation
	}
	return text
}

// TraceOf returns the trace of an error that is an answer of the other side; false when there was no answer.
func TraceOf(err error) (Trace, bool) { return errors.AsType[Trace](err) }

// traceOf reads a trace. Where both are given, the operation is followed at its Azure-AsyncOperation, which says how it ends (arm-move 1.1).
func traceOf(status int, header http.Header) Trace {
	location := header.Get("Azure-AsyncOperation")
	if location == "" && status == http.StatusAccepted {
		location = header.Get("Location")
	}
	return Trace{status, header.Get("x-ms-correlation-request-id"), header.Get("x-ms-request-id"), location}
}

// transportError words what kept a request from being answered.
func transportError(ctx context.Context, method, path string, err error) error {
	if ctx.Err() != nil {
		return errs.Wrap(errs.Canceled, "Canceled", ctx.Err(), "%s %s was given up", method, path)
	}
	if known := errs.As(err); known != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if said := signInRefusal(err); said != "" {
		return errs.New(errs.Unauthorized, "SignInFailed", "the sign-in was refused: %s", said).
			Advise("check AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or the cloud.json that --endpoint names")
	}
	if _, signIn := errors.AsType[interface {
		error
		NonRetriable()
	}](err); signIn {
		return errs.Wrap(errs.Unauthorized, "SignInFailed", err, "nobody is signed in for %s %s", method, path).
			Advise("sign in with az login, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET")
	}
	return errs.Wrap(errs.Unavailable, "NoAnswer", err, "%s %s was not answered", method, path)
}

// signInRefusal is why the sign-in service refused a credential; empty when it was not that.
func signInRefusal(err error) string {
	failed, ok := errors.AsType[*azidentity.AuthenticationFailedError](err)
	if !ok || failed.RawResponse == nil {
		return ""
	}
	data, err := runtime.Payload(failed.RawResponse)
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(readError(errs.Unauthorized, data).Message), " ")
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
	trouble := readError(kind, data)
	if trouble.Message == "" {
		trouble.Message = fmt.Sprintf("%s %s"+unexplained+"%s", method, path, resp.Status)
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		trouble.After = time.Duration(seconds) * time.Second
	}
	trouble.Err = traceOf(resp.StatusCode, resp.Header)
	return trouble
}

// unexplained stands in the message of a refusal for which the other side gave no reason.
const unexplained = " was answered with "

// Unexplained reports whether the other side refused without a word. ARM does so in passing trouble (arm-move 2).
func Unexplained(e *errs.Error) bool {
	return e.Message == "" || strings.Contains(e.Message, unexplained)
}

// readError reads an error body: nested below "error", flat, or (some services) a bare text.
func readError(kind errs.Kind, data []byte) *errs.Error {
	var nested arm.ErrorDocument
	if json.Unmarshal(data, &nested) == nil && (nested.Error.Code != "" || nested.Error.Message != "") {
		return fromBody(kind, nested.Error)
	}
	var flat arm.ErrorBody
	if json.Unmarshal(data, &flat) == nil && (flat.Code != "" || flat.Message != "") {
		return fromBody(kind, flat)
	}
	var bare struct {
		Error   string `json:"error"`
		Message string `json:"error_description"`
	}
	_ = json.Unmarshal(data, &bare) // what is no form at all keeps the status line
	return &errs.Error{Kind: kind, Code: bare.Error, Message: bare.Message}
}

// fromBody reads an error with all that is nested in it.
func fromBody(kind errs.Kind, body arm.ErrorBody) *errs.Error {
	e := &errs.Error{Kind: kind, Code: body.Code, Message: body.Message, Target: body.Target}
	for _, d := range body.Details {
		e.Details = append(e.Details, fromBody(kind, d))
	}
	return e
}
