// Package admin is the HTTP API below /_cloud/: clock, faults, throttling, settings, forks and status of a cloud, for its owner alone (D12, docs/cloud-api.md).
//
// It turns JSON into calls on operation, fault, move and store, and back; it knows nothing of Azure's resources. Errors are returned to the server,
// which writes them as it writes ARM's.
package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/fault"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// Options are what an API is made of. All are required but Home and Version.
type Options struct {
	Engine   *control.Engine
	Issuer   *identity.Issuer
	Runner   *operation.Runner
	Faults   *fault.Set
	Throttle *fault.Throttle
	Forks    Forks
	// Home finds the home tenant; NotFound, or no Home, means that of the subscription that was made first.
	Home    func(ctx context.Context, r store.Reader) (string, error)
	Version string
}

// API answers below /_cloud/.
type API struct {
	Options
	started time.Time
	routes  map[string]map[string]handler
}

// handler answers one verb on one path with a status and a body; rest is what follows the path.
type handler func(r *http.Request, rest string) (int, any, error)

// New returns an API.
func New(o Options) *API {
	a := &API{Options: o, started: time.Now()}
	a.routes = map[string]map[string]handler{
		"status":      {"GET": a.status},
		"clock":       {"GET": a.clock, "POST": a.changeClock, "PATCH": a.changeClock},
		"clock/drain": {"POST": a.drain},
		"settings":    {"GET": a.settings, "PATCH": a.patchSettings, "PUT": a.putSettings},
		"faults":      {"GET": a.faults, "POST": a.addFault, "PUT": a.putFaults, "PATCH": a.reseed, "DELETE": a.clearFaults},
		"faults/":     {"GET": a.fault, "DELETE": a.deleteFault},
		"throttle":    {"GET": a.throttle, "PUT": a.putThrottle, "PATCH": a.patchThrottle, "DELETE": a.deleteThrottle},
		"collect":     {"POST": a.collect},
		"forks":       {"GET": a.forks, "POST": a.addFork},
		"forks/":      {"DELETE": a.deleteFork},
		"rewind":      {"POST": a.rewind},
	}
	return a
}

// Serve answers a request whose path begins with /_cloud/.
func (a *API) Serve(w http.ResponseWriter, r *http.Request) error {
	if err := a.admit(r); err != nil {
		return err
	}
	path := r.URL.Path[len("/_cloud/"):]
	verbs, rest := a.routes[strings.ToLower(path)], ""
	if head, tail, deeper := strings.Cut(path, "/"); verbs == nil && deeper && tail != "" {
		verbs, rest = a.routes[strings.ToLower(head)+"/"], tail
	}
	if verbs == nil {
		return errs.New(errs.NotFound, "InvalidResourcePath", "The path '%s' names nothing of this cloud.", r.URL.Path)
	}
	answer := verbs[r.Method]
	if answer == nil {
		return errs.New(errs.Invalid, "HttpMethodNotAllowed", "The method '%s' is not supported on '%s'.", r.Method, r.URL.Path)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	status, body, err := answer(r, rest)
	if err != nil {
		return err
	}
	if body == nil {
		w.WriteHeader(status)
		return nil
	}
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(data) // the client may be gone; there is nobody to tell
	return nil
}

// ownership are the actions that together only an Owner has: one that Contributor lacks, and one that no role names, so that only "*" covers it.
var ownership = []string{"Microsoft.Authorization/roleAssignments/write", "Amlmove.Cloud/administer/action"}

// admit lets only those pass who are Owner of every subscription of the home tenant: the client of cloud.json.
func (a *API) admit(r *http.Request) error {
	caller, err := a.Issuer.Verify(r.Context(), r.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	return a.Engine.View(r.Context(), func(reader store.Reader, st *control.State) error {
		home, err := a.home(r.Context(), reader, st)
		if err != nil {
			return err
		}
		denied := errs.New(errs.Denied, "AuthorizationFailed",
			"The client '%s' with object id '%s' does not have authorization over '/_cloud': it must be Owner of every subscription of the home tenant.", caller.Client(), caller.ObjectID)
		subscriptions := st.Subscriptions(caller.TenantID)
		if !strings.EqualFold(home, caller.TenantID) || len(subscriptions) == 0 {
			return denied
		}
		for _, s := range subscriptions {
			id := arm.ID{{Type: arm.Subscriptions, Name: s.ID}}
			for _, action := range ownership {
				if !st.Allowed(caller.ObjectID, action, id) {
					return denied
				}
			}
		}
		return nil
	})
}

// home is the id of the home tenant; "" when nobody can tell.
func (a *API) home(ctx context.Context, r store.Reader, st *control.State) (string, error) {
	if a.Home != nil {
		home, err := a.Home(ctx, r)
		if !errs.Is(err, errs.NotFound) {
			return home, err
		}
	}
	nodes, err := r.Children(ctx, store.Root, store.Range{Type: control.SubscriptionNode, Limit: 1000})
	if err != nil {
		return "", err
	}
	var first *control.Subscription
	for _, node := range nodes {
		if s := st.Subscription(node.Name); s != nil && (first == nil || s.Node < first.Node) {
			first = s
		}
	}
	if first == nil {
		return "", nil
	}
	return first.Tenant, nil
}

// maxBody bounds what somebody may send.
const maxBody = 1 << 20

// read reads a request's body; members that nobody knows are refused, never ignored.
func read(r *http.Request, into any) error {
	data, err := content(r)
	if err != nil {
		return err
	}
	return decode(data, into)
}

// content reads the bytes of a request's body.
func content(r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(r.Body)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, errs.New(errs.Invalid, "RequestContentTooLarge", "The request content is larger than %d bytes.", maxBody)
	}
	if err != nil {
		return nil, errs.Wrap(errs.Canceled, "RequestAborted", err, "the request's content could not be read")
	}
	return data, nil
}

// decode reads one JSON value.
func decode(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		err = errors.New("something follows the JSON value")
	}
	if known := errs.As(err); known != nil {
		return known
	}
	return errs.New(errs.Invalid, "InvalidRequestContent", "The request content was invalid and could not be deserialized: '%s'.", err)
}
