package crash

import (
	"fmt"
	"net/http"
	"testing"
)

// world is what a trial writes to: a steady group whose workspace never moves, and pairs of groups between which workspaces and accounts go back and
// forth.
type world struct {
	groups  []string
	pairs   []*pair
	steady  *place // workspace
	safe    *place // account with locks
	writers []*writer
}

// pair is two groups in two subscriptions and what moves between them. One mover works on it.
type pair struct {
	sides  [2]string
	places []*place
	open   *order // a move whose end is not known
	moved  int    // moves that ended well
	seen   map[string]int
}

// order is a move.
type order struct {
	places    []*place
	from, to  string
	operation string // "": the request had no answer
}

// namespaces that the load needs.
var namespaces = []string{"MachineLearningServices", "Storage", "KeyVault", "Insights", "ContainerRegistry", "Notebooks"}

const workspaceType, accountType = "/providers/Microsoft.MachineLearningServices/workspaces/", "/providers/Microsoft.Storage/storageAccounts/"

// settle builds the world through the API.
func settle(t *testing.T, c *client, subscriptions []string) *world {
	t.Helper()
	w := &world{}
	for _, sub := range subscriptions[:2] {
		for _, ns := range namespaces {
			c.must(t, http.MethodPost, "/subscriptions/"+sub+"/providers/Microsoft."+ns+"/register", nil)
		}
		for _, ns := range namespaces {
			eventually(t, ns+" is registered", func() bool {
				return text(c.get(t, "/subscriptions/"+sub+"/providers/Microsoft."+ns), "registrationState") == "Registered"
			})
		}
	}
	group := func(sub int, name string) string {
		id := "/subscriptions/" + subscriptions[sub] + "/resourceGroups/" + name
		c.must(t, http.MethodPut, id, object{"location": "eastus"})
		w.groups = append(w.groups, id)
		return id
	}
	vault := group(0, "vaults") + "/providers/Microsoft.KeyVault/vaults/crashvault"
	c.must(t, http.MethodPut, vault, object{"location": "eastus", "properties": object{"tenantId": text(c.get(t, "/subscriptions/"+subscriptions[0]), "tenantId"),
		"sku": object{"family": "A", "name": "standard"}, "accessPolicies": []any{}}})
	account := func(group, name string) *place {
		p := &place{tail: accountType + name, group: group}
		c.follow(t, http.MethodPut, p.path(), object{"location": "eastus", "kind": "StorageV2", "sku": object{"name": "Standard_LRS"}, "properties": object{}})
		return p
	}
	workspace := func(group, name string, bond *place) *place {
		p := &place{tail: workspaceType + name, group: group, bond: bond}
		c.follow(t, http.MethodPut, p.path(), object{"location": "eastus", "identity": object{"type": "SystemAssigned"},
			"properties": object{"storageAccount": bond.path(), "keyVault": vault}})
		p.guid = text(c.get(t, p.path()), "properties.workspaceId")
		return p
	}
	for i := range 2 {
		p := &pair{sides: [2]string{group(0, fmt.Sprint("left", i)), group(1, fmt.Sprint("right", i))}, seen: map[string]int{}}
		for j := range 2 {
			store := account(p.sides[j], fmt.Sprintf("store%d%d", i, j))
			p.places = append(p.places, store, workspace(p.sides[j], fmt.Sprintf("ws%d%d", i, j), store))
		}
		w.pairs = append(w.pairs, p)
	}
	// The steady workspace names an account that moves.
	w.steady = workspace(group(0, "steady"), "steady", w.pairs[0].places[0])
	w.safe = account(w.steady.where(), "safe")
	w.steady.rest, w.safe.rest = true, true
	for i := range 3 {
		w.writers = append(w.writers, newWriter(i, w))
	}
	return w
}

// follow sends a request and waits until its operation has ended well.
func (c *client) follow(t *testing.T, method, path string, body any) {
	t.Helper()
	a := c.must(t, method, path, body)
	if at := a.operation(); at != "" {
		if last := c.ended(t, at); !succeeded(last) {
			t.Fatalf("%s %s ended with %d: %s", method, path, last.status, last.body)
		}
	}
}

// places are all workspaces and accounts.
func (w *world) places() []*place {
	list := []*place{w.steady, w.safe}
	for _, p := range w.pairs {
		list = append(list, p.places...)
	}
	return list
}

// durations make operations long enough to be killed in, and short enough for many of them.
var durations = map[string]string{"move.validate": "40ms", "move.move": "60ms", "computes.put": "30ms", "computes.delete": "20ms",
	"workspaces.patch": "5ms", "job.run": "10ms", "jobs.delete": "5ms"}

// setDurations sets them; the store keeps them over all lives and for all nodes.
func (c *client) setDurations(t *testing.T, durations map[string]string) {
	t.Helper()
	c.must(t, http.MethodPatch, "/_cloud/clock", object{"durations": durations})
}
