package ml_test

import (
	"context"
	"encoding/json"
	"log/slog"
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
	"github.com/amlmove/amlmove/internal/cloud/provider/ml"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

const (
	tenant    = "11111111-1111-1111-1111-111111111111"
	principal = "22222222-2222-2222-2222-222222222222"
	sub       = "/subscriptions/aaaaaaaa-0000-0000-0000-000000000001"
	group     = sub + "/resourceGroups/source-rg"
	account   = group + "/providers/Microsoft.Storage/storageAccounts/acct"
	vault     = group + "/providers/Microsoft.KeyVault/vaults/kv"
	insights  = group + "/providers/Microsoft.Insights/components/ai"
	registry  = group + "/providers/Microsoft.ContainerRegistry/registries/cr"
	ws        = group + "/providers/Microsoft.MachineLearningServices/workspaces/ws1"
	locations = sub + "/providers/Microsoft.MachineLearningServices/locations/eastus"
)

// cloud is a control plane with the types of this package and stand-ins for its neighbours.
type cloud struct {
	t      *testing.T
	store  store.Store
	tree   *tree.Tree
	engine *control.Engine
	runner *operation.Runner
	clock  *operation.Clock
}

// start returns a cloud with a group, the four associated resources and nothing else.
func start(t *testing.T) *cloud {
	t.Helper()
	ctx := t.Context()
	s, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "cloud.db"))
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	types := provider.NewTable(ml.Known(), ml.Types(), neighbours())
	tr, err := tree.Open(ctx, s, types.Slotted()...)
	must(t, err)
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	c := &cloud{t: t, store: s, tree: tr, clock: operation.NewClock(func() time.Time { now = now.Add(time.Millisecond); return now })}
	c.engine = control.New(control.Options{Store: s, Tree: tr, Types: types, Clock: c.clock, Base: func() string { return "https://cloud" }, Log: slog.New(slog.DiscardHandler)})
	c.runner = operation.NewRunner(s, c.clock, c.engine.Handlers(), slog.New(slog.DiscardHandler))
	must(t, s.Update(ctx, c.seed))
	must(t, c.clock.Set(ctx, s, func(state *operation.ClockState) {
		state.Durations = map[string]time.Duration{"job.run": time.Hour, "labeling.run": time.Hour}
	}))
	for _, id := range []string{account, vault, insights, registry} {
		c.ok("PUT", id, `{"location":"eastus","properties":{}}`)
	}
	return c
}

// withWorkspace is start with the workspace ws1.
func withWorkspace(t *testing.T) *cloud {
	t.Helper()
	c := start(t)
	c.ok("PUT", ws, workspaceBody())
	c.settle()
	return c
}

func workspaceBody() string {
	return `{"location":"eastus","identity":{"type":"SystemAssigned"},"properties":{"storageAccount":"` + account + `","keyVault":"` + vault +
		`","applicationInsights":"` + insights + `","containerRegistry":"` + registry + `"}}`
}

// neighbours are the types that a workspace stands on, as far as these tests need them.
func neighbours() []provider.Type {
	return []provider.Type{
		{Name: "Microsoft.Storage/storageAccounts", Tracked: true, Actions: map[string]provider.Action{"listkeys": {Do: func(c *provider.Call) (any, error) {
			return map[string]any{"keys": []any{map[string]any{"keyName": "key1", "value": "key-of-" + c.ID.Name()}}}, nil
		}}}},
		{Name: "Microsoft.KeyVault/vaults", Tracked: true},
		{Name: "Microsoft.Insights/components", Tracked: true},
		{Name: "Microsoft.ContainerRegistry/registries", Tracked: true, Actions: map[string]provider.Action{"listcredentials": {Do: func(*provider.Call) (any, error) {
			return map[string]any{"username": "cr", "passwords": []any{map[string]any{"name": "password", "value": "pw"}}}, nil
		}}}},
		{Name: "Microsoft.ContainerService/managedClusters", Tracked: true},
		{Name: "Microsoft.ManagedIdentity/userAssignedIdentities", Tracked: true},
	}
}

// seed makes the subscriptions with registrations, an owner, and the group.
func (c *cloud) seed(tx store.Tx) error {
	ctx, now := context.Background(), c.clock.Now()
	body, _ := json.Marshal(control.SubscriptionBody{DisplayName: "one", TenantID: tenant, State: control.SubscriptionEnabled})
	subscription := &store.Node{Parent: store.Root, Type: control.SubscriptionNode, Name: strings.TrimPrefix(sub, "/subscriptions/"), Body: body, Created: now, Changed: now}
	if err := tx.Insert(ctx, subscription); err != nil {
		return err
	}
	for _, ns := range []string{"Microsoft.MachineLearningServices", "Microsoft.Storage", "Microsoft.KeyVault", "Microsoft.Insights",
		"Microsoft.ContainerRegistry", "Microsoft.ContainerService", "Microsoft.ManagedIdentity"} {
		if err := tx.Insert(ctx, control.NewRegistration(subscription.ID, ns, now)); err != nil {
			return err
		}
	}
	for _, name := range []string{"source-rg", "target-rg"} {
		node := &store.Node{Parent: subscription.ID, Type: "resourceGroups", Name: name, Body: []byte(`{"location":"eastus"}`), Created: now, Changed: now}
		if err := tx.Insert(ctx, node); err != nil {
			return err
		}
	}
	owner := store.Extension{Scope: "/", Type: "Microsoft.Authorization/roleAssignments", Name: "33333333-3333-3333-3333-333333333333", Created: now, Changed: now}
	doc := map[string]any{"properties": map[string]any{"principalId": principal, "principalType": "ServicePrincipal",
		"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"}}
	if err := tree.EncodeExtension(&owner, tree.Document{Public: doc}); err != nil {
		return err
	}
	if err := tx.PutExtension(ctx, owner); err != nil {
		return err
	}
	return tx.Bump(ctx)
}

// call carries out one request. A path may end in a query.
func (c *cloud) call(method, path, body string) (control.Response, error) {
	c.t.Helper()
	path, query, _ := strings.Cut(path, "?")
	target, err := arm.ParseTarget(path)
	must(c.t, err)
	values, err := url.ParseQuery(query)
	must(c.t, err)
	values.Set("api-version", "2025-09-01")
	resp, err := c.engine.Do(c.t.Context(), &control.Request{Method: method, Target: target, Query: values, Body: []byte(body),
		Caller: identity.Caller{ObjectID: principal, TenantID: tenant, ClientID: "44444444-4444-4444-4444-444444444444", Name: "tester", Kind: identity.ServicePrincipal}})
	if err == nil {
		judgeAnswer(c.t, method, target, resp)
	}
	return resp, err
}

// ok carries out a request that must succeed and returns the answer's document.
func (c *cloud) ok(method, path, body string) map[string]any {
	c.t.Helper()
	resp, err := c.call(method, path, body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	if len(resp.Body) == 0 {
		return nil
	}
	doc, err := tree.ParseObject(resp.Body)
	must(c.t, err)
	return doc
}

// refused carries out a request that must be refused with a kind of error, and returns the error.
func (c *cloud) refused(kind errs.Kind, method, path, body string) *errs.Error {
	c.t.Helper()
	_, err := c.call(method, path, body)
	if !errs.Is(err, kind) {
		c.t.Fatalf("%s %s: got %v, want an error of kind %s", method, path, err, kind)
	}
	return errs.As(err)
}

// settle lets all operations end that are due.
func (c *cloud) settle() {
	c.t.Helper()
	for range 1000 {
		done, err := c.runner.RunDue(c.t.Context())
		must(c.t, err)
		if !done {
			return
		}
	}
	c.t.Fatal("operations do not end")
}

// sleep lets time pass on the cloud's clock.
func (c *cloud) sleep(d time.Duration) {
	c.t.Helper()
	must(c.t, c.clock.Set(c.t.Context(), c.store, func(s *operation.ClockState) { s.Offset += d }))
	c.settle()
}

// move hangs a top-level resource under another group, as the move does.
func (c *cloud) move(id, target string) {
	c.t.Helper()
	must(c.t, c.store.Update(c.t.Context(), func(tx store.Tx) error {
		found, err := c.tree.Resolve(c.t.Context(), tx, mustParse(id))
		if err != nil {
			return err
		}
		to, err := c.tree.Resolve(c.t.Context(), tx, mustParse(target))
		if err != nil {
			return err
		}
		if err := tx.Reparent(c.t.Context(), found.Node.ID, to.Node.ID); err != nil {
			return err
		}
		return tx.Bump(c.t.Context())
	}))
}

// flags returns the names of children of a type that carry a flag.
func (c *cloud) flags(parent, kind string) []string {
	c.t.Helper()
	var names []string
	must(c.t, c.store.View(c.t.Context(), func(r store.Reader) error {
		found, err := c.tree.Resolve(c.t.Context(), r, mustParse(parent))
		if err != nil {
			return err
		}
		nodes, err := r.FlaggedChildren(c.t.Context(), found.Node.ID, kind, 100)
		for _, n := range nodes {
			names = append(names, n.Name)
		}
		return err
	}))
	return names
}

func mustParse(id string) arm.ID {
	parsed, err := arm.Parse(id)
	if err != nil {
		panic(err)
	}
	return parsed
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// text reads a string at a dotted path.
func text(doc map[string]any, path string) string { return tree.Text(doc, path) }

// equal fails when a text is not what it should be.
func equal(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// values returns the items of a list.
func values(doc map[string]any) []map[string]any {
	list, _ := doc["value"].([]any)
	var items []map[string]any
	for _, item := range list {
		object, _ := item.(map[string]any)
		items = append(items, object)
	}
	return items
}
