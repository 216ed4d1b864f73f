package crash

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// crowd writes a fixture that takes a while to load: a workspace with many models, a role assignment for each group, and one group more than that.
func crowd(t *testing.T) string {
	t.Helper()
	world := object{
		"name": "crowd", "extends": "empty",
		"groups": []any{object{"id": "/subscriptions/${source}/resourceGroups/crowd", "location": "eastus"}},
		"resources": []any{
			object{"id": "/subscriptions/${source}/resourceGroups/crowd/providers/Microsoft.Storage/storageAccounts/crowdstore",
				"body": object{"location": "eastus", "kind": "StorageV2", "sku": object{"name": "Standard_LRS"}, "properties": object{}}},
			object{"id": "/subscriptions/${source}/resourceGroups/crowd/providers/Microsoft.Resources/deployments/d{n}", "repeat": object{"count": 3000},
				"body": object{"properties": object{"mode": "Incremental", "provisioningState": "Succeeded"}}},
		},
		"extensions": []any{object{"id": "/subscriptions/${source}/resourceGroups/crowd/providers/Microsoft.Authorization/locks/last",
			"body": object{"properties": object{"level": "CanNotDelete"}}}},
	}
	data, err := json.Marshal(world)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "crowd.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// census counts what a store holds, by type.
func (n *node) census(t *testing.T) map[string]int {
	t.Helper()
	r := openRows(t, n)
	defer r.close()
	counts := map[string]int{}
	for _, query := range []string{`SELECT type FROM {node} WHERE parent >= 0`, `SELECT type FROM {extension}`, `SELECT key FROM {meta}`} {
		for _, typ := range r.column(t, query) {
			counts[typ]++
		}
	}
	return counts
}

// TestAFirstStartThatIsKilled kills nodes while their world is being loaded. The next start finds nothing or all of it, never half a world, and goes on.
func TestAFirstStartThatIsKilled(t *testing.T) {
	t.Parallel()
	for name, dsn := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seedOf(t), 2))
			fixture := crowd(t)
			whole := newNode(t, dsn(t))
			whole.fixture = fixture
			whole.start(t)
			want, takes := whole.census(t), whole.ready[0]
			whole.kill()
			early, rounds := 0, 0
			for round := 0; round < kills(5) || early == 0 && round < 10*kills(5); round++ {
				rounds++
				n := newNode(t, dsn(t))
				n.fixture = fixture
				n.spawn(t)
				<-time.After(time.Duration(rng.Int64N(int64(takes))))
				n.kill()
				n.vanish(t)
				if _, err := os.Stat(n.stateFile()); err != nil {
					early++
				} else { // the first start was slower than this one: the machine had other things to do
					takes = max(takes/2, time.Millisecond)
				}
				n.start(t)
				if got := n.census(t); !maps.Equal(got, want) {
					t.Errorf("round %d: the store holds %v, want %v", round, got, want)
				}
				c := n.client(t)
				c.must(t, http.MethodPut, "/subscriptions/"+n.state(t).Subscriptions[0]+"/resourceGroups/after", object{"location": "eastus"})
				n.kill()
			}
			t.Logf("a whole start takes %v; %d of %d kills came before it was ready", takes, early, rounds)
			if early == 0 {
				t.Error("no kill came before the world was there: the test proves nothing")
			}
		})
	}
}

// TestTwoNodesBeginAtOnce starts both nodes of a cloud on an empty database: one loads the world, and the other finds it.
func TestTwoNodesBeginAtOnce(t *testing.T) {
	t.Parallel()
	fixture := crowd(t)
	for range 3 {
		dsn := server.Database(t)
		nodes := []*node{newNode(t, dsn), newNode(t, dsn)}
		for _, n := range nodes {
			n.fixture = fixture
			n.spawn(t)
		}
		for _, n := range nodes {
			n.await(t)
		}
		a, b := nodes[0].state(t), nodes[1].state(t)
		if a.ClientSecret != b.ClientSecret || a.TenantID != b.TenantID {
			t.Error("the nodes do not know the same client")
		}
		for _, n := range nodes {
			n.client(t).must(t, http.MethodGet, "/subscriptions/"+a.Subscriptions[0]+"/resourceGroups/crowd", nil)
			n.kill()
		}
	}
}

// TestACloudThatWasKilledIsNotTakenForReady: cloud.json of a life before is gone before the next life answers, and a second process on the same folder is
// refused and leaves the first one alone.
func TestACloudThatWasKilledIsNotTakenForReady(t *testing.T) {
	t.Parallel()
	n := newNode(t, "")
	n.start(t)
	second := &node{dir: n.dir, address: freeAddress(t), fixture: "empty"}
	said := second.fails(t)
	if !strings.Contains(said, "in use by another cloud") || !strings.Contains(said, fmt.Sprint(n.cmd.Process.Pid)) {
		t.Errorf("a second process on the folder says: %s", said)
	}
	if n.state(t).PID != n.cmd.Process.Pid {
		t.Error("the second process took the cloud.json of the first one away")
	}
	n.kill()
	if _, err := os.Stat(n.stateFile()); err != nil {
		t.Fatalf("a kill leaves cloud.json: %v", err)
	}
	n.fixture = "no such fixture" // is not needed any more
	n.start(t)
	n.kill()
	taken := &node{dir: n.dir, address: "256.0.0.1:1", fixture: "empty"}
	taken.fails(t)
	if _, err := os.Stat(n.stateFile()); !os.IsNotExist(err) {
		t.Errorf("a start that failed leaves the cloud.json of the life before: %v", err)
	}
}
