package fault

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// Gate stands between the token of a request and the engine: first the throttle, then the faults. It is the server.Gate of a cloud.
type Gate struct {
	store    store.Store
	set      *Set
	throttle *Throttle

	mu     sync.Mutex
	loaded time.Time
}

// NewGate returns a gate over both. What another node of the cloud changed takes effect here within a second.
func NewGate(s store.Store, set *Set, throttle *Throttle) *Gate {
	return &Gate{store: s, set: set, throttle: throttle}
}

// reloadAfter is how old the gate's knowledge may be.
const reloadAfter = time.Second

// refresh looks at the store when that was not done for a while; one request does it for all.
func (g *Gate) refresh(ctx context.Context) error {
	if !g.mu.TryLock() {
		return nil
	}
	defer g.mu.Unlock()
	if time.Since(g.loaded) < reloadAfter {
		return nil
	}
	if err := g.Load(ctx); err != nil {
		return err
	}
	g.loaded = time.Now()
	return nil
}

// Load takes over what the store says.
func (g *Gate) Load(ctx context.Context) error {
	return g.store.View(ctx, func(r store.Reader) error {
		if err := g.set.Load(ctx, r); err != nil {
			return err
		}
		return g.throttle.Load(ctx, r)
	})
}

// Pass lets a request through to next, or not. It panics with http.ErrAbortHandler where the connection is to be cut.
func (g *Gate) Pass(w http.ResponseWriter, r *http.Request, caller identity.Caller, next func(http.ResponseWriter) error) error {
	if err := g.refresh(r.Context()); err != nil {
		return err
	}
	if err := g.throttle.admit(w.Header(), r, caller); err != nil {
		return err
	}
	active := g.set.current.Load()
	lost := false
	for _, f := range active.armed[requests] {
		if !f.aboutRequest(r, caller) || !g.set.count(active.Seed, f.Fault) {
			continue
		}
		switch f.Kind {
		case Latency:
			if err := pause(r.Context(), time.Duration(f.Delay)); err != nil {
				return err
			}
		case Status:
			f.answer(w, r)
			return nil
		case Drop:
			panic(http.ErrAbortHandler)
		case LostAnswer:
			lost = true
		case SlowBody:
			w = &slowWriter{w, f.Chunk, func() error { return pause(r.Context(), time.Duration(f.Delay)) }}
		}
	}
	if lost {
		_ = next(unheard{http.Header{}}) // nobody hears how it went, in Azure neither
		panic(http.ErrAbortHandler)
	}
	return next(w)
}

// aboutRequest reports whether a fault matches a request.
func (f armed) aboutRequest(r *http.Request, caller identity.Caller) bool {
	if f.Match.Method != "" && !strings.EqualFold(f.Match.Method, r.Method) || !f.Match.covers(caller.ObjectID, caller.ClientID) {
		return false
	}
	return (f.path == nil || f.path.MatchString(r.URL.Path)) && (f.action == nil || f.action.MatchString(actionOf(r)))
}

// verbs are the ends of role actions by method; a POST ends in its own verb.
var verbs = map[string]string{http.MethodGet: "/read", http.MethodHead: "/read", http.MethodPut: "/write", http.MethodPatch: "/write", http.MethodDelete: "/delete"}

// actionOf is the role action of a request, by its path: what the roles of the engine call it, for almost all of them.
func actionOf(r *http.Request) string {
	target, err := arm.ParseTarget(r.URL.Path)
	if err != nil {
		return ""
	}
	typ := string(target.ID.Type())
	if typ == "Microsoft.Resources/resourceGroups" {
		typ = "Microsoft.Resources/subscriptions/resourceGroups"
	}
	switch tail := target.Tail; {
	case tail == (arm.Hop{}):
	case tail.Namespace != "":
		typ = tail.NodeType()
	case tail.Type != "":
		typ += "/" + tail.Type
	}
	if r.Method == http.MethodPost {
		return typ + "/action"
	}
	return typ + verbs[r.Method]
}

// pause waits on the machine's clock, as long as somebody waits for the answer.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errs.Wrap(errs.Canceled, "RequestAborted", ctx.Err(), "the caller did not wait for the answer")
	}
}

// answer writes an error that this cloud may have no kind for.
func (f Fault) answer(w http.ResponseWriter, r *http.Request) {
	name := http.StatusText(f.Status)
	body := arm.ErrorBody{Code: or(f.Code, codes[f.Status]), Message: or(f.Message, "The request failed: "+name+". (Fault "+f.ID+" of this cloud.)")}
	if body.Code == "" {
		body.Code = "RequestFailed"
	}
	data, _ := json.Marshal(arm.ErrorDocument{Error: body}) // strings only: cannot fail
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	w.WriteHeader(f.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(data)
	}
}

// codes are the codes of injected errors that name none.
var codes = map[int]string{
	http.StatusTooManyRequests: "TooManyRequests", http.StatusInternalServerError: "InternalServerError", http.StatusBadGateway: "BadGateway",
	http.StatusServiceUnavailable: "ServiceUnavailable", http.StatusGatewayTimeout: "GatewayTimeout", http.StatusRequestTimeout: "RequestTimeout",
	http.StatusConflict: "Conflict", http.StatusForbidden: "AuthorizationFailed", http.StatusNotFound: "ResourceNotFound",
}

// unheard takes an answer that nobody will see.
type unheard struct{ header http.Header }

func (u unheard) Header() http.Header         { return u.header }
func (u unheard) Write(p []byte) (int, error) { return len(p), nil }
func (u unheard) WriteHeader(int)             {}

// slowWriter lets a body trickle.
type slowWriter struct {
	http.ResponseWriter
	chunk int
	pause func() error
}

// Write sends chunk by chunk, with a pause before each.
func (s *slowWriter) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		if err := s.pause(); err != nil {
			return written, err
		}
		n, err := s.ResponseWriter.Write(p[written:min(len(p), written+s.chunk)])
		written += n
		if err != nil {
			return written, err
		}
		_ = http.NewResponseController(s.ResponseWriter).Flush() // a writer that cannot flush is slow all the same
	}
	return written, nil
}

// Unwrap is for http.ResponseController.
func (s *slowWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
