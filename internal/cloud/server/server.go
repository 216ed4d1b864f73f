// Package server is the HTTP face of the cloud: it normalises paths, verifies tokens, turns requests into control.Request and answers in ARM's
// words. It holds no behaviour of Azure itself and knows no resource type.
package server

import (
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/errs"
)

// maxBody bounds a request's body: ARM refuses more than 4 MiB.
const maxBody = 4 << 20

// Options are what a Server is made of.
type Options struct {
	Engine *control.Engine
	Issuer *identity.Issuer
	Base   func() string
	Log    *slog.Logger
	// Admin serves /_cloud/...; it checks tokens itself. nil: there is nothing there.
	Admin func(http.ResponseWriter, *http.Request) error
	// Gate stands between the token and the engine; nil lets everything through.
	Gate Gate
}

// Gate is what a request of a known caller must pass: throttling and faults (D12).
type Gate interface {
	// Pass calls next at most once, or answers in its stead, or returns what the server is to answer. It may cut the connection by a panic with
	// http.ErrAbortHandler.
	Pass(w http.ResponseWriter, r *http.Request, caller identity.Caller, next func(http.ResponseWriter) error) error
}

// Server answers HTTP requests.
type Server struct {
	Options
	arm http.Handler
}

// New returns a server.
func New(o Options) *Server {
	s := &Server{Options: o}
	s.arm = handle(s, s.resource)
	return s
}

// ServeHTTP routes a request. Repeated slashes count as one and are never answered by a redirect (client-wire 1.4).
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	correlation := correlationOf(r)
	h := w.Header()
	maps.Copy(h, always)
	h["X-Ms-Request-Id"] = []string{uuid.NewString()}
	h["X-Ms-Correlation-Request-Id"] = []string{correlation}
	if client := r.Header.Get("x-ms-client-request-id"); client != "" && strings.EqualFold(r.Header.Get("x-ms-return-client-request-id"), "true") {
		h.Set("x-ms-client-request-id", client)
	}
	r.URL.Path = collapse(r.URL.Path)
	r.Header.Set("x-ms-correlation-request-id", correlation)
	defer func() {
		if trouble := recover(); trouble != nil {
			if trouble == http.ErrAbortHandler {
				panic(trouble)
			}
			s.Log.Error("request panicked", "method", r.Method, "path", r.URL.Path, "correlation", correlation, "panic", trouble)
			s.writeError(w, r, errs.New(errs.Internal, "InternalServerError", "The server met an internal error."))
		}
	}()
	switch low := strings.ToLower(r.URL.Path); {
	case s.Issuer.Handles(r.URL.Path):
		s.Issuer.ServeHTTP(w, r)
	case strings.HasPrefix(low, "/_cloud/") && s.Admin != nil:
		handle(s, s.Admin).ServeHTTP(w, r)
	default:
		s.arm.ServeHTTP(w, r)
	}
}

// always are the headers of every answer, in their canonical spelling. Nobody changes the lists.
var always = http.Header{
	"Cache-Control": {"no-cache"}, "Pragma": {"no-cache"}, "Expires": {"-1"}, "X-Content-Type-Options": {"nosniff"},
	"Strict-Transport-Security": {"max-age=31536000; includeSubDomains"},
}

// collapse makes one slash of several and drops one at the end.
func collapse(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	return path
}

var guid = regexp.MustCompile(`^[0-9a-fA-F-]{36}$`)

// correlationOf is the caller's correlation id, or a fresh one.
func correlationOf(r *http.Request) string {
	if id := r.Header.Get("x-ms-correlation-request-id"); guid.MatchString(id) {
		return id
	}
	return uuid.NewString()
}

// handle turns a handler with an error into one without: one place writes errors.
func handle(s *Server, h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.writeError(w, r, err)
		}
	})
}

var apiVersion = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(-[A-Za-z0-9.]+)?$`)

// resource serves ARM itself.
func (s *Server) resource(w http.ResponseWriter, r *http.Request) error {
	caller, err := s.Issuer.Verify(r.Context(), bearer(r))
	if err != nil {
		return err
	}
	if s.Gate == nil {
		return s.carryOut(w, r, caller)
	}
	return s.Gate.Pass(w, r, caller, func(w http.ResponseWriter) error { return s.carryOut(w, r, caller) })
}

// carryOut reads a request and has the engine carry it out.
func (s *Server) carryOut(w http.ResponseWriter, r *http.Request, caller identity.Caller) error {
	target, err := arm.ParseTarget(r.URL.Path)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	if version := query.Get("api-version"); version == "" {
		return errs.New(errs.Invalid, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
	} else if !apiVersion.MatchString(version) {
		return errs.New(errs.Invalid, "InvalidApiVersionParameter", "The api-version '%s' is invalid. It must have the form YYYY-MM-DD.", version)
	}
	body, err := content(w, r)
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return errs.New(errs.Invalid, "RequestContentTooLarge", "The request content is larger than %d bytes.", maxBody)
		}
		return errs.Wrap(errs.Canceled, "RequestAborted", err, "the request's content could not be read")
	}
	resp, err := s.Engine.Do(r.Context(), &control.Request{
		Method: r.Method, Target: target, Query: query, Body: body, Caller: caller,
		IfMatch: r.Header.Get("If-Match"), IfNoneMatch: r.Header.Get("If-None-Match"), Correlation: r.Header.Get("x-ms-correlation-request-id"),
	})
	if err != nil {
		return err
	}
	s.write(w, r, resp)
	return nil
}

// content reads a request's body.
func content(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength == 0 {
		return nil, nil
	}
	return io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
}

// bearer is the token of a request, or "".
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
