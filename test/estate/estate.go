// Package estate is the small estate on which the suites below test try moves: a workspace with its associated resources at one end, an empty group at the
// other, and beside them the ends that a move must refuse. What no client may write (a job that is Finalizing, a compute that Failed) is imported.
package estate

import (
	"context"
	_ "embed"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud"
	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/move"
	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

//go:embed estate.json
var world []byte

// Ids of the estate.
const (
	Home    = "5e5e5e5e-0000-4000-8000-00000000000a"
	Source  = "5e5e5e5e-1111-4000-8000-000000000001"
	Target  = "5e5e5e5e-1111-4000-8000-000000000002"
	Bare    = "5e5e5e5e-1111-4000-8000-000000000003"
	Off     = "5e5e5e5e-1111-4000-8000-000000000004"
	Foreign = "5e5e5e5e-2222-4000-8000-000000000001"

	OriginGroup      = "/subscriptions/" + Source + "/resourceGroups/origin-rg"
	SiblingGroup     = "/subscriptions/" + Source + "/resourceGroups/sibling-rg"
	DestinationGroup = "/subscriptions/" + Target + "/resourceGroups/destination-rg"
	WestGroup        = "/subscriptions/" + Target + "/resourceGroups/west-rg"
	BareGroup        = "/subscriptions/" + Bare + "/resourceGroups/bare-rg"
	OffGroup         = "/subscriptions/" + Off + "/resourceGroups/off-rg"
	ForeignGroup     = "/subscriptions/" + Foreign + "/resourceGroups/foreign-rg"

	Storage   = OriginGroup + "/providers/Microsoft.Storage/storageAccounts/originstore"
	Vault     = OriginGroup + "/providers/Microsoft.KeyVault/vaults/originvault"
	Registry  = OriginGroup + "/providers/Microsoft.ContainerRegistry/registries/originregistry"
	Insights  = OriginGroup + "/providers/Microsoft.Insights/components/origin-insights"
	Identity  = OriginGroup + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/origin-id"
	Workspace = OriginGroup + "/providers/Microsoft.MachineLearningServices/workspaces/origin-ws"
)

// Associated are the resources that may travel with the workspace (S42).
var Associated = []string{Storage, Vault, Registry, Insights}

// Estate is a running cloud with the estate in it.
type Estate struct {
	*cloudtest.Cloud
	tokens sync.Map
}

// Start starts a cloud with the estate in it.
func Start(t testing.TB) *Estate {
	t.Helper()
	file := filepath.Join(t.TempDir(), "estate.json")
	if err := os.WriteFile(file, world, 0o600); err != nil {
		t.Fatal(err)
	}
	e := &Estate{Cloud: cloudtest.Start(t, cloudtest.Fixture(file))}
	e.Make(t, Storage, `{"location":"eastus","kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{}}`)
	e.Make(t, Vault, `{"location":"eastus","properties":{"tenantId":"`+Home+`","sku":{"family":"A","name":"standard"},"accessPolicies":[]}}`)
	e.Make(t, Registry, `{"location":"eastus","sku":{"name":"Standard"},"properties":{"adminUserEnabled":true}}`)
	e.Make(t, Insights, `{"location":"eastus","kind":"web","properties":{"Application_Type":"web"}}`)
	e.Make(t, Workspace, `{"location":"eastus","identity":{"type":"SystemAssigned"},"sku":{"name":"Basic"},"tags":{"team":"vision"},"properties":{"friendlyName":"Origin",`+
		`"storageAccount":"`+Storage+`","keyVault":"`+Vault+`","containerRegistry":"`+Registry+`","applicationInsights":"`+Insights+`"}}`)
	return e
}

// Moved is the id that something of the origin group has in another group.
func Moved(id, group string) string { return group + strings.TrimPrefix(id, OriginGroup) }

// Ask sends one request as a principal; "" is the owner. Operations are not followed.
func (e *Estate) Ask(t testing.TB, principal, method, path string, body any) cloudtest.Answer {
	t.Helper()
	token, known := e.tokens.Load(principal)
	if !known {
		credential := e.Credential()
		if principal != "" {
			credential = e.CredentialOf(principal)
		}
		token = e.Token(t, credential)
		e.tokens.Store(principal, token)
	}
	return e.DoToken(t, token.(string), method, path, body)
}

// Make puts something and follows its operation; the test fails when it is refused.
func (e *Estate) Make(t testing.TB, id string, body any) map[string]any {
	t.Helper()
	e.Must(t, http.MethodPut, id, body)
	return e.Get(t, id)
}

// Must sends a request as the owner and follows its operation; the test fails when it is refused.
func (e *Estate) Must(t testing.TB, method, path string, body any) cloudtest.Answer {
	t.Helper()
	answer := e.Await(t, method, path, body)
	if answer.Status >= 300 || strings.Contains(string(answer.Body), `"status":"Failed"`) {
		t.Fatalf("%s %s was answered %d: %s", method, path, answer.Status, answer.Body)
	}
	return answer
}

// Get reads a document; the test fails when it is not there.
func (e *Estate) Get(t testing.TB, id string) map[string]any {
	t.Helper()
	answer := e.Ask(t, "", http.MethodGet, id, nil)
	if answer.Status != http.StatusOK {
		t.Fatalf("GET %s was answered %d: %s", id, answer.Status, answer.Body)
	}
	return answer.JSON(t)
}

// Gone fails the test when something can still be read.
func (e *Estate) Gone(t testing.TB, clause, id string) {
	t.Helper()
	if answer := e.Ask(t, "", http.MethodGet, id, nil); answer.Status != http.StatusNotFound {
		t.Errorf("%s GET %s was answered %d and must be 404: %s", clause, id, answer.Status, answer.Body)
	}
}

// List reads all pages of a list.
func (e *Estate) List(t testing.TB, path string) []map[string]any {
	t.Helper()
	var items []map[string]any
	for path != "" {
		answer := e.Ask(t, "", http.MethodGet, path, nil)
		if answer.Status != http.StatusOK {
			t.Fatalf("GET %s was answered %d: %s", path, answer.Status, answer.Body)
		}
		page := answer.JSON(t)
		for _, item := range page["value"].([]any) {
			items = append(items, item.(map[string]any))
		}
		path, _ = page["nextLink"].(string)
	}
	return items
}

// Order is the body of a move of resources to a group.
func Order(target string, ids ...string) map[string]any {
	return map[string]any{"resources": ids, "targetResourceGroup": target}
}

// Import writes a document as its service holds it.
func (e *Estate) Import(t testing.TB, id string, public map[string]any) {
	t.Helper()
	e.Update(t, func(ctx context.Context, tx store.Tx) error {
		doc := control.Imported{ID: parse(t, id), Doc: tree.Document{Public: tree.Clone(public), Private: map[string]any{}}}
		if _, err := control.Import(ctx, tx, e.Inner().Tree, cloud.Types(), time.Now().UTC(), doc); err != nil {
			return err
		}
		return tx.Bump(ctx)
	})
}

// Edit changes the stored document of a resource past its service.
func (e *Estate) Edit(t testing.TB, id string, path string, value any) {
	t.Helper()
	inner := e.Inner()
	e.Update(t, func(ctx context.Context, tx store.Tx) error {
		found, err := inner.Tree.Resolve(ctx, tx, parse(t, id))
		if err != nil {
			return err
		}
		doc, err := inner.Tree.Decode(ctx, tx, found)
		if err != nil {
			return err
		}
		entry, err := cloud.Types().Find(found.ID().Type())
		if err != nil {
			return err
		}
		tree.Set(doc.Public, path, value)
		node := found.Node
		if err := inner.Tree.Encode(ctx, tx, &node, found.ID(), doc, entry.Refs); err != nil {
			return err
		}
		return tx.Save(ctx, node)
	})
}

// Flag changes the flag of a resource's node: what is unfinished has one.
func (e *Estate) Flag(t testing.TB, id, flag string) {
	t.Helper()
	e.Update(t, func(ctx context.Context, tx store.Tx) error {
		found, err := e.Inner().Tree.Resolve(ctx, tx, parse(t, id))
		if err != nil {
			return err
		}
		node := found.Node
		node.Flag = flag
		return tx.Save(ctx, node)
	})
}

// Drop takes a resource out of sight past its service.
func (e *Estate) Drop(t testing.TB, id string) {
	t.Helper()
	e.Update(t, func(ctx context.Context, tx store.Tx) error {
		found, err := e.Inner().Tree.Resolve(ctx, tx, parse(t, id))
		if err != nil {
			return err
		}
		return tx.Trash(ctx, found.Node.ID)
	})
}

// Set chooses settings of moves.
func (e *Estate) Set(t testing.TB, settings move.Settings) {
	t.Helper()
	e.Update(t, func(ctx context.Context, tx store.Tx) error { return move.SaveSettings(ctx, tx, settings) })
}

// Update changes the store of the cloud.
func (e *Estate) Update(t testing.TB, change func(context.Context, store.Tx) error) {
	t.Helper()
	ctx := t.Context()
	if err := e.Inner().Store.Update(ctx, func(tx store.Tx) error { return change(ctx, tx) }); err != nil {
		t.Fatal(err)
	}
}

// Clock changes the clock of the cloud.
func (e *Estate) Clock(t testing.TB, change func(*operation.ClockState)) {
	t.Helper()
	inner := e.Inner()
	if err := inner.Clock.Set(t.Context(), inner.Store, change); err != nil {
		t.Fatal(err)
	}
}

// Takes says how long things take from now on, by the names of the clock.
func (e *Estate) Takes(t testing.TB, durations map[string]time.Duration) {
	t.Helper()
	e.Clock(t, func(s *operation.ClockState) { s.Durations = durations })
}

// Advance lets time pass.
func (e *Estate) Advance(t testing.TB, by time.Duration) {
	t.Helper()
	e.Clock(t, func(s *operation.ClockState) { s.Offset += by })
	e.Settle(t)
}

// Settle carries out everything that is due.
func (e *Estate) Settle(t testing.TB) {
	t.Helper()
	for {
		done, err := e.Inner().Runner.RunDue(t.Context())
		if err != nil {
			t.Fatalf("carry out what is due: %v", err)
		}
		if !done {
			return
		}
	}
}

func parse(t testing.TB, text string) arm.ID {
	t.Helper()
	id, err := arm.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
