package server

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/errs"
)

// contentType is that of every answer with a body (client-wire 4).
const contentType = "application/json; charset=utf-8"

// write sends an answer.
func (s *Server) write(w http.ResponseWriter, r *http.Request, resp control.Response) {
	h := w.Header()
	if resp.ETag != "" {
		h.Set("ETag", resp.ETag)
	}
	if resp.Async != "" {
		h.Set("Azure-AsyncOperation", resp.Async)
	}
	switch resp.Location {
	case "":
	case "self": // a poll that is not over repeats its own URL, as it was asked for
		h.Set("Location", s.Base()+r.URL.RequestURI())
	default:
		h.Set("Location", resp.Location)
	}
	if resp.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(resp.RetryAfter))
	}
	if len(resp.Body) == 0 || resp.Status == http.StatusNoContent || resp.Status == http.StatusNotModified {
		w.WriteHeader(resp.Status)
		return
	}
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(resp.Body)))
	w.WriteHeader(resp.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(resp.Body) // the client may be gone; there is nobody to tell
	}
}

// status maps kinds of trouble to HTTP status codes.
var status = map[errs.Kind]int{
	errs.Internal: http.StatusInternalServerError, errs.Invalid: http.StatusBadRequest, errs.Unauthorized: http.StatusUnauthorized,
	errs.Denied: http.StatusForbidden, errs.NotFound: http.StatusNotFound, errs.Conflict: http.StatusConflict,
	errs.Precondition: http.StatusPreconditionFailed, errs.Throttled: http.StatusTooManyRequests,
	errs.Unavailable: http.StatusServiceUnavailable, errs.Unsupported: http.StatusNotImplemented, errs.Canceled: 499,
}

// codes are for errors that carry a kind and no code of ARM's.
var codes = map[errs.Kind]string{
	errs.Internal: "InternalServerError", errs.Invalid: "BadRequest", errs.Unauthorized: "AuthenticationFailed", errs.Denied: "AuthorizationFailed",
	errs.NotFound: "ResourceNotFound", errs.Conflict: "Conflict", errs.Precondition: "PreconditionFailed", errs.Throttled: "TooManyRequests",
	errs.Unavailable: "ServiceUnavailable", errs.Unsupported: "NotImplemented", errs.Canceled: "ClientClosedRequest",
}

// statusOf is the HTTP status of an error. A method that a type does not have is 405.
func statusOf(e *errs.Error) int {
	switch e.Code {
	case "HttpMethodNotAllowed":
		return http.StatusMethodNotAllowed
	case "RequestContentTooLarge":
		return http.StatusRequestEntityTooLarge
	case "RequestDisallowedByPolicy":
		return http.StatusForbidden
	}
	return status[e.Kind]
}

// writeError answers with an error. Causes go to the log, never to the client.
func (s *Server) writeError(w http.ResponseWriter, r *http.Request, err error) {
	e := errs.As(err)
	if e == nil || e.Kind == errs.Internal {
		s.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "correlation", r.Header.Get("x-ms-correlation-request-id"), "error", err)
		e = errs.New(errs.Internal, "InternalServerError", "The server met an internal error. See the log of the cloud for the correlation id %s.",
			r.Header.Get("x-ms-correlation-request-id"))
	}
	body := arm.NewErrorBody(e)
	if e.Code == "" {
		body.Code = codes[e.Kind]
	}
	h := w.Header()
	switch e.Kind {
	case errs.Unauthorized:
		h.Set("WWW-Authenticate", `Bearer authorization_uri="`+s.Base()+`/adfs/oauth2/authorize", error="invalid_token", error_description="`+e.Code+`"`)
	case errs.Throttled, errs.Unavailable:
		h.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(e.After.Seconds())))))
	}
	if e.Kind != errs.Internal {
		h.Set("x-ms-failure-cause", "gateway")
	}
	data, _ := json.Marshal(arm.ErrorDocument{Error: body}) // strings only: cannot fail
	h.Set("Content-Type", contentType)
	w.WriteHeader(statusOf(e))
	if r.Method != http.MethodHead {
		_, _ = w.Write(data)
	}
}
