package storetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

var treeChecks = []check{
	{"reparent takes along all that hangs below", treeReparent},
	{"reparent refuses what cannot be", treeReparentRefused},
	{"trash takes a subtree out of sight and frees its name", treeTrash},
	{"trash leaves extensions alone", treeTrashExtensions},
}

var collectChecks = []check{
	{"collect deletes trashed subtrees to the last node", collectToZero},
	{"collect keeps what was not trashed", collectKeeps},
	{"collect may run several times at once", collectConcurrent},
	{"ids are never used twice", collectFreshIDs},
}

func treeReparent(t *testing.T, c *cloud) {
	from := c.plant(t, store.Root, "sub/a", "group/g", "ws/w")
	to := c.plant(t, store.Root, "sub/b", "group/h")
	kids := c.plantMany(t, from[2], "job/", 10000)
	deep := c.plant(t, kids[77], "run/r")[0]
	c.update(t, func(tx store.Tx) error { return tx.Reparent(c.ctx, from[2], to[1]) })
	wantText(t, "path of a descendant", c.path(t, deep), "sub/b group/h ws/w job/00077 run/r")
	c.view(t, func(r store.Reader) error {
		met, err := r.Walk(c.ctx, store.Root, steps("sub/b", "group/h", "ws/w", "job/00077", "run/r"))
		if err != nil || len(met) != 5 || met[4].ID != deep || met[3].ID != kids[77] || met[2].ID != from[2] {
			t.Errorf("walk along the new path: got %s (%v)", words(met), err)
		}
		met, err = r.Walk(c.ctx, store.Root, steps("sub/a", "group/g", "ws/w"))
		wantText(t, "walk along the old path", words(met), "sub/a group/g")
		return err
	})
	count := 0
	for page := (store.Range{Type: "job", Limit: 1000}); ; {
		nodes := c.children(t, from[2], page)
		if len(nodes) == 0 {
			break
		}
		for _, n := range nodes {
			if n.ID != kids[count] || n.Parent != from[2] {
				t.Fatalf("child %d became node %d below %d", count, n.ID, n.Parent)
			}
			count++
		}
		page.AfterType, page.AfterName = "job", nodes[len(nodes)-1].Name
	}
	want(t, "children", count, len(kids))
	c.update(t, func(tx store.Tx) error { return tx.Reparent(c.ctx, from[2], store.Root) })
	wantText(t, "path below the root", c.path(t, deep), "ws/w job/00077 run/r")
}

func treeReparentRefused(t *testing.T, c *cloud) {
	a := c.plant(t, store.Root, "sub/a", "group/g", "ws/w", "job/j")
	b := c.plant(t, store.Root, "sub/b", "ws/W")
	gone := c.plant(t, store.Root, "sub/gone", "group/x")
	c.update(t, func(tx store.Tx) error { return tx.Trash(c.ctx, gone[0]) })
	for _, try := range []struct {
		what       string
		id, parent store.ID
		kind       errs.Kind
		code       string
	}{
		{"name taken there", a[2], b[0], errs.Conflict, "NodeExists"},
		{"below itself", a[1], a[1], errs.Invalid, "NodeCycle"},
		{"below its grandchild", a[1], a[3], errs.Invalid, "NodeCycle"},
		{"node that never was", a[0] + 100, b[0], errs.NotFound, "NodeNotFound"},
		{"parent that never was", a[2], a[0] + 100, errs.NotFound, "ParentNotFound"},
		{"parent in the trash", a[2], gone[0], errs.NotFound, "ParentNotFound"},
		{"parent below the trash", a[2], gone[1], errs.NotFound, "ParentNotFound"},
		{"node in the trash", gone[0], b[0], errs.NotFound, "NodeNotFound"},
	} {
		c.update(t, func(tx store.Tx) error { // a refusal does not spoil the transaction
			wantKind(t, try.what, tx.Reparent(c.ctx, try.id, try.parent), try.kind, try.code)
			return nil
		})
	}
	wantText(t, "path", c.path(t, a[3]), "sub/a group/g ws/w job/j")
}

func treeTrash(t *testing.T, c *cloud) {
	ids := c.plant(t, store.Root, "sub/a", "group/g", "ws/w", "job/j")
	c.update(t, func(tx store.Tx) error {
		if err := tx.Trash(c.ctx, ids[1]); err != nil {
			return err
		}
		return tx.Insert(c.ctx, leaf(ids[0], "group/G")) // the name is free at once
	})
	again := c.children(t, ids[0], store.Range{Limit: 10})
	wantText(t, "children", words(again), "group/G")
	want(t, "nodes, trash included", c.stats(t).Nodes, 5)
	c.view(t, func(r store.Reader) error {
		_, err := r.Node(c.ctx, ids[1])
		wantKind(t, "node in the trash", err, errs.NotFound, "NodeNotFound")
		below, err := r.Node(c.ctx, ids[3])
		wantText(t, "node below the trash", below.Name, "j")
		for _, id := range ids[1:] {
			_, err := r.Path(c.ctx, id)
			wantKind(t, "path in or below the trash", err, errs.NotFound, "NodeNotFound")
		}
		return err
	})
	err := c.Update(c.ctx, func(tx store.Tx) error { return tx.Trash(c.ctx, ids[1]) })
	wantKind(t, "trash a second time", err, errs.NotFound, "NodeNotFound")
	for range 3 { // the same name again and again
		c.update(t, func(tx store.Tx) error {
			nodes, err := tx.Children(c.ctx, ids[0], store.Range{Limit: 1})
			if err != nil {
				return err
			}
			if err := tx.Trash(c.ctx, nodes[0].ID); err != nil {
				return err
			}
			return tx.Insert(c.ctx, leaf(ids[0], "group/g"))
		})
	}
	want(t, "collected", c.collectAll(t, 3), 6)
}

func treeTrashExtensions(t *testing.T, c *cloud) {
	id := c.plant(t, store.Root, "sub/a")[0]
	c.put(t, "/sub/a", "ns/locks", "l")
	c.update(t, func(tx store.Tx) error { return tx.Trash(c.ctx, id) })
	c.collectAll(t, 100)
	stats := c.stats(t)
	want(t, "nodes", stats.Nodes, 0)
	want(t, "extensions", stats.Extensions, 1)
}

func collectToZero(t *testing.T, c *cloud) {
	ids := c.plant(t, store.Root, "sub/a", "group/g", "ws/w")
	kids := c.plantMany(t, ids[2], "job/", 700)
	for _, kid := range kids[:3] {
		c.plantMany(t, kid, "run/", 150)
	}
	keep := c.plant(t, ids[0], "group/keep")[0]
	want(t, "collected before anything was trashed", c.collectAll(t, 10), 0)
	c.update(t, func(tx store.Tx) error { return tx.Trash(c.ctx, ids[1]) })
	want(t, "collected", c.collectAll(t, 83), 1+1+700+450)
	want(t, "nodes left", c.stats(t).Nodes, 2)
	wantText(t, "path of what was kept", c.path(t, keep), "sub/a group/keep")
}

func collectKeeps(t *testing.T, c *cloud) {
	ids := c.plant(t, store.Root, "sub/a", "group/g", "ws/w", "job/j")
	c.update(t, func(tx store.Tx) error {
		if err := tx.Reparent(c.ctx, ids[3], ids[0]); err != nil { // out of the subtree just before it goes
			return err
		}
		return tx.Trash(c.ctx, ids[1])
	})
	if n, err := c.Collect(c.ctx, 1); n != 1 || err != nil {
		t.Errorf("collect one: got %d, %v", n, err)
	}
	want(t, "collected", c.collectAll(t, 100), 1)
	wantText(t, "path of what moved away", c.path(t, ids[3]), "sub/a job/j")
}

func collectConcurrent(t *testing.T, c *cloud) {
	for i := range 6 {
		top := c.plant(t, store.Root, fmt.Sprintf("sub/%d", i), "group/g")
		c.plantMany(t, top[1], "job/", 100)
		c.update(t, func(tx store.Tx) error { return tx.Trash(c.ctx, top[0]) })
	}
	live := c.plant(t, store.Root, "sub/live")[0]
	var all sync.WaitGroup
	totals := make([]int, 3)
	for i := range totals {
		all.Go(func() {
			for {
				n, err := c.Collect(c.ctx, 17)
				if err != nil {
					t.Errorf("collect: %v", err)
				}
				if n == 0 || err != nil {
					return
				}
				totals[i] += n
			}
		})
	}
	all.Go(func() {
		for i := range 20 {
			if err := c.Update(c.ctx, func(tx store.Tx) error { return tx.Insert(c.ctx, leaf(live, fmt.Sprintf("x/%d", i))) }); err != nil {
				t.Errorf("insert next to the collectors: %v", err)
			}
		}
	})
	all.Wait()
	want(t, "collected together", totals[0]+totals[1]+totals[2], 6*102)
	want(t, "nodes left", c.stats(t).Nodes, 21)
}

func collectFreshIDs(t *testing.T, c *cloud) {
	given := map[store.ID]bool{}
	for range 5 {
		id := c.plant(t, store.Root, "sub/a")[0]
		if id <= 0 || given[id] {
			t.Errorf("id %d was given behind %v", id, given)
		}
		given[id] = true
		c.update(t, func(tx store.Tx) error { return tx.Trash(c.ctx, id) })
		c.collectAll(t, 10)
	}
}
