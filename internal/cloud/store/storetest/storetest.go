// Package storetest judges an engine of the store against the contract in store.go, sentence by sentence.
//
// Run takes any engine; Durable and Kill ask in addition what is left after a close and after kill -9. An engine's own tests
// add only what the contract does not say. The package is imported by tests alone and knows no engine.
package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// Run judges the stores that open gives: a new, empty one at each call, closed by a cleanup of open.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	for _, group := range [][]check{nodeChecks, childrenChecks, treeChecks, collectChecks, updateChecks, snapshotChecks,
		holdChecks, extensionChecks, operationChecks, metaChecks, forkChecks} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.run(t, &cloud{Store: open(t), ctx: t.Context()})
			})
		}
	}
}

// check is one claim of the contract.
type check struct {
	name string
	run  func(*testing.T, *cloud)
}

// cloud is a store with a context, and with words that make a check short.
type cloud struct {
	store.Store
	ctx context.Context
}

// base is a time with a fraction that the store keeps to the microsecond.
var base = time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)

func (c *cloud) update(t *testing.T, fn func(store.Tx) error) {
	t.Helper()
	if err := c.Update(c.ctx, fn); err != nil {
		t.Fatalf("update: %v", err)
	}
}

func (c *cloud) view(t *testing.T, fn func(store.Reader) error) {
	t.Helper()
	if err := c.View(c.ctx, fn); err != nil {
		t.Fatalf("view: %v", err)
	}
}

// plant inserts a chain of nodes "type/name" below a parent and returns their ids.
func (c *cloud) plant(t *testing.T, parent store.ID, chain ...string) []store.ID {
	t.Helper()
	var ids []store.ID
	for _, word := range chain {
		n := leaf(parent, word)
		c.update(t, func(tx store.Tx) error { return tx.Insert(c.ctx, n) })
		parent = n.ID
		ids = append(ids, n.ID)
	}
	return ids
}

// plantMany inserts nodes "type/name0".. next to each other.
func (c *cloud) plantMany(t *testing.T, parent store.ID, word string, count int) []store.ID {
	t.Helper()
	nodes := make([]*store.Node, count)
	for i := range nodes {
		nodes[i] = leaf(parent, fmt.Sprintf("%s%05d", word, i))
	}
	c.update(t, func(tx store.Tx) error { return tx.Insert(c.ctx, nodes...) })
	ids := make([]store.ID, count)
	for i, n := range nodes {
		ids[i] = n.ID
	}
	return ids
}

// leaf makes a node from "type/name".
func leaf(parent store.ID, word string) *store.Node {
	typ, name, _ := strings.Cut(word, "/")
	return &store.Node{Parent: parent, Type: typ, Name: name, Body: []byte(`{"n":"` + name + `"}`), Created: base, Changed: base}
}

// steps reads "type/name" words as steps of a walk.
func steps(words ...string) []store.Step {
	var all []store.Step
	for _, word := range words {
		typ, name, _ := strings.Cut(word, "/")
		all = append(all, store.Step{Type: typ, Name: name})
	}
	return all
}

// words writes nodes as "type/name type/name".
func words(nodes []store.Node) string {
	var all []string
	for _, n := range nodes {
		all = append(all, n.Type+"/"+n.Name)
	}
	return strings.Join(all, " ")
}

func (c *cloud) path(t *testing.T, id store.ID) string {
	t.Helper()
	var text string
	c.view(t, func(r store.Reader) error {
		chain, err := r.Path(c.ctx, id)
		text = words(chain)
		return err
	})
	return text
}

func (c *cloud) stats(t *testing.T) store.Stats {
	t.Helper()
	stats, err := c.Stats(c.ctx)
	if err != nil {
		t.Fatalf("stats: %v", err)
	}
	return stats
}

// collectAll collects until nothing is left and returns how many nodes went.
func (c *cloud) collectAll(t *testing.T, limit int) int {
	t.Helper()
	for total := 0; ; {
		n, err := c.Collect(c.ctx, limit)
		if err != nil {
			t.Fatalf("collect: %v", err)
		}
		if n > limit {
			t.Fatalf("collect deleted %d nodes, the limit was %d", n, limit)
		}
		if n == 0 {
			return total
		}
		total += n
	}
}

// wantKind asks for an error of a kind, and of a code if that is not empty.
func wantKind(t *testing.T, what string, err error, kind errs.Kind, code string) {
	t.Helper()
	switch found := errs.As(err); {
	case err == nil:
		t.Errorf("%s: got no error, want %v %s", what, kind, code)
	case found == nil || found.Kind != kind || code != "" && found.Code != code:
		t.Errorf("%s: got %v, want %v %s", what, err, kind, code)
	}
}

func wantText(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
