// Package control carries out ARM requests on the tree: it asks whether the caller may, whether a lock, a policy or a running move forbids it, finds
// the type in the provider table, runs its behaviour, and writes documents, children and operations in one transaction.
//
// It knows no HTTP: cloud/server turns requests into Request and Response into answers. It stands on provider, access, operation,
// tree and store. Moves are carried out by cloud/move, which registers its two actions here.
package control

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// Request is one call to the control plane.
type Request struct {
	Method      string // GET, HEAD, PUT, PATCH, DELETE, POST
	Target      arm.Target
	Query       url.Values
	Body        []byte
	IfMatch     string
	IfNoneMatch string
	Caller      identity.Caller
	Correlation string
}

// APIVersion is what the caller asked for.
func (r *Request) APIVersion() string { return r.Query.Get("api-version") }

// Response is what the server writes. A nil Body means none.
type Response struct {
	Status     int
	Body       []byte
	ETag       string
	Location   string // absolute URL of an operation's result
	Async      string // absolute URL of an operation's status
	RetryAfter int    // seconds; 0: no header
}

// GroupAction is a POST verb on a resource group.
type GroupAction struct {
	Permission string
	Do         func(ctx context.Context, req *Request) (Response, error)
}

// Options are what an Engine is made of.
type Options struct {
	Store store.Store
	Tree  *tree.Tree
	Types *provider.Table
	Clock *operation.Clock
	Base  func() string
	Log   *slog.Logger
}

// Engine carries out requests.
type Engine struct {
	Options
	state        stateCache
	wake         func()
	groupActions map[string]GroupAction
}

// New returns an engine. Wake is set later, when the operation runner exists.
func New(o Options) *Engine {
	return &Engine{Options: o, wake: func() {}, groupActions: map[string]GroupAction{}}
}

// OnOperation sets what is called after an operation was written.
func (e *Engine) OnOperation(wake func()) { e.wake = wake }

// AddGroupAction registers a POST verb on resource groups.
func (e *Engine) AddGroupAction(verb string, action GroupAction) {
	e.groupActions[strings.ToLower(verb)] = action
}

// Do carries out a request.
func (e *Engine) Do(ctx context.Context, req *Request) (Response, error) {
	id, tail := req.Target.ID, req.Target.Tail
	switch {
	case len(id) == 0:
		return e.tenantLevel(ctx, req, tail)
	case id.Subscription() == "" && id[0].Namespace == "":
		return Response{}, errs.New(errs.NotFound, "InvalidResourcePath", "The path '%s' names nothing that Azure Resource Manager knows.", id)
	}
	if len(id) > 1 && strings.EqualFold(id[0].Namespace, "Microsoft.Management") {
		return Response{}, errs.New(errs.Unsupported, "NotImplemented", "Management groups are not built in this cloud: '%s'.", id)
	}
	if err := checkNames(id); err != nil {
		return Response{}, err
	}
	switch {
	case isTags(id) && tail == (arm.Hop{}):
		return e.tags(ctx, req)
	case len(id) == 1 && id.Subscription() != "":
		return e.subscriptionLevel(ctx, req, tail)
	case id.Group() != "" && len(id) == 2:
		return e.groupLevel(ctx, req, tail)
	case id[len(id)-1].Namespace == "" && len(id) == 2:
		return e.subscriptionChild(ctx, req)
	}
	return e.resourceLevel(ctx, req)
}

// checkNames refuses names that ARM refuses everywhere.
func checkNames(id arm.ID) error {
	for _, hop := range id {
		if hop.Name == "" || len(hop.Name) > 260 || strings.ContainsFunc(hop.Name, forbidden) {
			return errs.New(errs.Invalid, "InvalidResourceName", "The resource name '%s' is invalid: it is empty, too long, or has a character that is not allowed.", hop.Name)
		}
	}
	return nil
}

// CheckName refuses a name at the end of an id that ARM or the type does not take, whether it stands in a path or inside a parent's document.
func CheckName(entry *provider.Type, id arm.ID) error {
	if err := checkNames(id[len(id)-1:]); err != nil {
		return err
	}
	if entry.Pattern != nil && !entry.Pattern.MatchString(id.Name()) {
		return errs.New(errs.Invalid, "InvalidResourceName", "The name '%s' is not valid for resources of type '%s': it must match %s.", id.Name(), entry.Name, entry.Pattern)
	}
	return nil
}

// forbidden are the characters that no name has: they would need escaping inside the ids of other documents.
func forbidden(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune(`<>%&?/\"`, r) }

// View runs fn on a snapshot with the access state of that snapshot.
func (e *Engine) View(ctx context.Context, fn func(store.Reader, *State) error) error {
	return e.Store.View(ctx, func(r store.Reader) error {
		st, err := e.StateOf(ctx, r)
		if err != nil {
			return err
		}
		return fn(r, st)
	})
}

// Update runs fn in a transaction with the access state that the transaction sees, and wakes the runner when fn wrote an operation. Two requests that
// make or change the same thing at once may find that out only when they write; the second one runs again and finds what the first one did.
func (e *Engine) Update(ctx context.Context, fn func(store.Tx, *State) error) error {
	operations := 0
	err := e.Store.Update(ctx, func(tx store.Tx) error {
		operations = 0
		st, err := e.StateOf(ctx, tx)
		if err == nil {
			err = fn(counting{tx, &operations}, st)
		}
		if lostRace(err) {
			return store.Again(err)
		}
		return err
	})
	switch {
	case lostRace(err):
		return errs.Wrap(errs.Conflict, "Conflict", err, "Another operation on this resource or on its parent is in progress. Please try again later.")
	case err == nil && operations > 0:
		e.wake()
	}
	return err
}

// lostRace reports whether another transaction took a name that was to be inserted, or changed a document that was to be written, after this one had
// looked.
func lostRace(err error) bool {
	e := errs.As(err)
	return e != nil && (e.Kind == errs.Conflict && e.Code == "NodeExists" || e.Code == provider.ChangedMeanwhile)
}

// counting counts the operations that a transaction writes.
type counting struct {
	store.Tx
	operations *int
}

func (c counting) PutOperation(ctx context.Context, op store.Operation) error {
	*c.operations++
	return c.Tx.PutOperation(ctx, op)
}

// now is the cloud's time.
func (e *Engine) now() time.Time { return e.Clock.Now() }
