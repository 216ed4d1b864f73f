// Package neighbourtest runs the entries of a namespace on the real engine over a real store, for their tests: a cloud without HTTP, with two
// subscriptions of one tenant, a group in each, a caller who owns both, and a clock that stands. It is for tests only.
package neighbourtest

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/known"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// What every cloud of a test holds.
const (
	Tenant = "11111111-1111-1111-1111-111111111111"
	Source = "22222222-2222-2222-2222-222222222222" // a subscription
	Target = "33333333-3333-3333-3333-333333333333" // another one
	Caller = "44444444-4444-4444-4444-444444444444"
	Group  = "/subscriptions/" + Source + "/resourceGroups/rg"
	Other  = "/subscriptions/" + Target + "/resourceGroups/other"
	Region = "westeurope"
)

// owner is the role of the caller on both subscriptions.
const owner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"

// Start is the time at which the clock of a test begins to stand.
var Start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Cloud is a cloud under test.
type Cloud struct {
	T      *testing.T
	Engine *control.Engine
	Store  store.Store
	Tree   *tree.Tree
	Now    time.Time
	caller string
	runner *operation.Runner
}

// New starts a cloud with the given entries.
func New(t *testing.T, types ...[]provider.Type) *Cloud {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return Over(t, s, types...)
}

// Over starts a cloud with the given entries over an empty store, which stays open.
func Over(t *testing.T, s store.Store, types ...[]provider.Type) *Cloud {
	t.Helper()
	table := provider.NewTable(known.Types(), types...)
	c := &Cloud{T: t, Now: Start, caller: Caller}
	c.start(s, table)
	if err := c.Store.Update(t.Context(), func(tx store.Tx) error { return c.seed(tx, table.Namespaces()) }); err != nil {
		t.Fatal(err)
	}
	return c
}

// Node returns another node of the same cloud, over a store that is another way to the same state. The time of one is not that of the other.
func (c *Cloud) Node(s store.Store) *Cloud {
	c.T.Helper()
	other := *c
	other.start(s, c.Engine.Types)
	return &other
}

func (c *Cloud) start(s store.Store, table *provider.Table) {
	c.T.Helper()
	var err error
	if c.Tree, err = tree.Open(c.T.Context(), s, table.Slotted()...); err != nil {
		c.T.Fatal(err)
	}
	c.Store = s
	clock := operation.NewClock(func() time.Time { return c.Now })
	c.Engine = control.New(control.Options{Store: s, Tree: c.Tree, Types: table, Clock: clock, Base: func() string { return "https://cloud.test" }, Log: slog.New(slog.DiscardHandler)})
	c.runner = operation.NewRunner(s, clock, c.Engine.Handlers(), slog.New(slog.DiscardHandler))
}

func (c *Cloud) seed(tx store.Tx, namespaces []string) error {
	ctx := c.T.Context()
	for _, place := range [][2]string{{Source, "rg"}, {Target, "other"}} {
		subscription := control.NewSubscription(place[0], control.SubscriptionBody{DisplayName: place[0], TenantID: Tenant, State: control.SubscriptionEnabled}, Start)
		if err := tx.Insert(ctx, subscription); err != nil {
			return err
		}
		body := []byte(`{"location":"` + Region + `","properties":{"provisioningState":"Succeeded"}}`)
		nodes := []*store.Node{{Parent: subscription.ID, Type: arm.ResourceGroups, Name: place[1], ETag: `"1"`, Body: body, Created: Start, Changed: Start}}
		for _, namespace := range namespaces {
			nodes = append(nodes, control.NewRegistration(subscription.ID, namespace, Start))
		}
		if err := tx.Insert(ctx, nodes...); err != nil {
			return err
		}
		if err := c.grant(tx, Caller, owner, "/subscriptions/"+place[0]); err != nil {
			return err
		}
	}
	return tx.Bump(ctx)
}

// grant assigns a role.
func (c *Cloud) grant(tx store.Tx, principal, role, scope string) error {
	return c.bind(tx, scope, "Microsoft.Authorization/roleAssignments", provider.NewGUID(), map[string]any{"principalId": principal, "principalType": "ServicePrincipal",
		"roleDefinitionId": scope + "/providers/Microsoft.Authorization/roleDefinitions/" + role, "scope": scope})
}

// As returns the same cloud for a caller who holds one role at one scope and nothing else.
func (c *Cloud) As(role, scope string) *Cloud {
	c.T.Helper()
	other := *c
	other.caller = provider.NewGUID()
	err := c.Store.Update(c.T.Context(), func(tx store.Tx) error {
		if err := c.grant(tx, other.caller, role, scope); err != nil {
			return err
		}
		return tx.Bump(c.T.Context())
	})
	if err != nil {
		c.T.Fatal(err)
	}
	return &other
}

// Try sends a request and returns the answer or the error, without waiting for operations.
func (c *Cloud) Try(method, path, body string) (control.Response, error) {
	c.T.Helper()
	path, query, _ := strings.Cut(path, "?")
	target, err := arm.ParseTarget(path)
	if err != nil {
		c.T.Fatal(err)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		c.T.Fatal(err)
	}
	return c.Engine.Do(c.T.Context(), &control.Request{Method: method, Target: target, Query: values, Body: []byte(body),
		Caller: identity.Caller{ObjectID: c.caller, TenantID: Tenant, ClientID: c.caller, Kind: identity.ServicePrincipal}})
}

// Do sends a request that must succeed, waits for its operations, and returns the body of the answer.
func (c *Cloud) Do(method, path, body string) map[string]any {
	c.T.Helper()
	resp, err := c.Try(method, path, body)
	if err != nil {
		c.T.Fatalf("%s %s: %v", method, path, err)
	}
	c.Settle()
	if len(resp.Body) == 0 {
		return nil
	}
	object, err := tree.ParseObject(resp.Body)
	if err != nil {
		c.T.Fatalf("%s %s answered %s: %v", method, path, resp.Body, err)
	}
	return object
}

// Put writes a document, waits for its operations, and returns the document as it is then.
func (c *Cloud) Put(path, body string) map[string]any {
	c.T.Helper()
	c.Do(http.MethodPut, path, body)
	return c.Get(path)
}

// Get reads.
func (c *Cloud) Get(path string) map[string]any { c.T.Helper(); return c.Do(http.MethodGet, path, "") }

// Post acts.
func (c *Cloud) Post(path, body string) map[string]any {
	c.T.Helper()
	return c.Do(http.MethodPost, path, body)
}

// Delete removes.
func (c *Cloud) Delete(path string) { c.T.Helper(); c.Do(http.MethodDelete, path, "") }

// Refused sends a request that must be refused with a kind and a code, and returns the error.
func (c *Cloud) Refused(method, path, body string, kind errs.Kind, code string) *errs.Error {
	c.T.Helper()
	resp, err := c.Try(method, path, body)
	if err == nil {
		c.T.Fatalf("%s %s: got %d, want the error %s", method, path, resp.Status, code)
	}
	got := errs.As(err)
	if got == nil || got.Kind != kind || got.Code != code {
		c.T.Fatalf("%s %s: got %v %v, want %v %s", method, path, errs.KindOf(err), err, kind, code)
	}
	return got
}

// Settle carries out what is due.
func (c *Cloud) Settle() {
	c.T.Helper()
	for {
		done, err := c.runner.RunDue(c.T.Context())
		if err != nil {
			c.T.Fatal(err)
		}
		if !done {
			return
		}
	}
}

// Bind writes a document at a scope past all that requests are asked, as what fills a cloud does.
func (c *Cloud) Bind(scope, typ, name string, properties map[string]any) {
	c.T.Helper()
	err := c.Store.Update(c.T.Context(), func(tx store.Tx) error {
		if err := c.bind(tx, scope, typ, name, properties); err != nil {
			return err
		}
		return tx.Bump(c.T.Context())
	})
	if err != nil {
		c.T.Fatal(err)
	}
}

func (c *Cloud) bind(tx store.Tx, scope, typ, name string, properties map[string]any) error {
	e := store.Extension{Scope: scope, Type: typ, Name: name, ETag: `"1"`, Created: Start, Changed: Start}
	if err := tree.EncodeExtension(&e, tree.Document{Public: map[string]any{"properties": properties}}); err != nil {
		return err
	}
	return tx.PutExtension(c.T.Context(), e)
}

// Bound lists the types of what is bound at a scope and below it.
func (c *Cloud) Bound(scope string) (types []string) {
	c.T.Helper()
	err := c.Store.View(c.T.Context(), func(r store.Reader) error {
		types = nil
		all, err := r.Extensions(c.T.Context(), store.ExtensionRange{Scope: scope, Below: true, Limit: 100})
		for _, e := range all {
			types = append(types, e.Type)
		}
		return err
	})
	if err != nil {
		c.T.Fatal(err)
	}
	return types
}

// Move hangs a top-level resource under another group, as a workspace move does with its node.
func (c *Cloud) Move(path, group string) {
	c.T.Helper()
	ctx := c.T.Context()
	err := c.Store.Update(ctx, func(tx store.Tx) error {
		found, err := c.find(tx, path)
		if err != nil {
			return err
		}
		to, err := c.find(tx, group)
		if err != nil {
			return err
		}
		if err := tx.Reparent(ctx, found.Node.ID, to.Node.ID); err != nil {
			return err
		}
		return tx.Bump(ctx)
	})
	if err != nil {
		c.T.Fatal(err)
	}
}

// Stored returns the bytes that the store keeps of a resource, private part included.
func (c *Cloud) Stored(path string) string {
	c.T.Helper()
	var body string
	err := c.Store.View(c.T.Context(), func(r store.Reader) error {
		found, err := c.find(r, path)
		body = string(found.Node.Body)
		return err
	})
	if err != nil {
		c.T.Fatal(err)
	}
	return body
}

func (c *Cloud) find(r store.Reader, path string) (tree.Found, error) {
	id, err := arm.Parse(path)
	if err != nil {
		return tree.Found{}, err
	}
	return c.Tree.Resolve(c.T.Context(), r, id)
}

// Want fails the test unless the value at a dotted path of a document is as wanted; both are compared as JSON.
func Want(t *testing.T, document map[string]any, path string, want any) {
	t.Helper()
	got, _ := json.Marshal(tree.Get(document, path))
	expected, _ := json.Marshal(want)
	if string(got) != string(expected) {
		t.Errorf("%s: got %s, want %s", path, got, expected)
	}
}

// Read runs the read of a virtual entry itself, as the engine does for a GET of a path that has no document.
func (c *Cloud) Read(typ arm.Type, path string) (map[string]any, error) {
	c.T.Helper()
	path, query, _ := strings.Cut(path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		c.T.Fatal(err)
	}
	entry, err := c.Engine.Types.Find(typ)
	if err != nil {
		c.T.Fatal(err)
	}
	id, err := arm.Parse(path)
	if err != nil {
		c.T.Fatal(err)
	}
	var answer any
	err = c.Store.View(c.T.Context(), func(r store.Reader) error {
		at := id[:1]
		if entry.Extension {
			at = id
		}
		found, err := c.Tree.Resolve(c.T.Context(), r, at)
		if err != nil {
			return err
		}
		call := &provider.Call{Ctx: c.T.Context(), Read: r, Tree: c.Tree, Types: c.Engine.Types, Now: c.Now, ID: id, Type: entry, Found: found, Query: values}
		if entry.Extension {
			if call.Doc, err = c.Tree.Decode(c.T.Context(), r, found); err != nil {
				return err
			}
		}
		answer, err = entry.Reads[""].Do(call)
		return err
	})
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(answer)
	if err != nil {
		c.T.Fatal(err)
	}
	object, err := tree.ParseObject(text)
	return object, err
}
