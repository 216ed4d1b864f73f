package storetest

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

var nodeChecks = []check{
	{"a node comes back as it went in", nodeRoundTrip},
	{"a child of the same type and name is a conflict", nodeConflict},
	{"names and types are compared without regard to case", nodeCase},
	{"a parent must exist", nodeParent},
	{"an insert of several is all or nothing", nodeAllOrNothing},
	{"names that cannot be kept are refused", nodeNames},
	{"save writes what may change and nothing else", nodeSave},
	{"a walk ends where a child is missing", nodeWalk},
	{"a path goes from the top to the node", nodePath},
}

func nodeRoundTrip(t *testing.T, c *cloud) {
	east := time.FixedZone("east", 3600)
	in := store.Node{Type: "Subscriptions", Name: "Prod-1", Flag: "busy", ETag: `"1"`, Body: []byte("\x00{}\xff"),
		Refs: []store.ID{7, 1, math.MaxInt64}, Created: base.In(east), Changed: base.Add(999 * time.Nanosecond)}
	c.update(t, func(tx store.Tx) error {
		if err := tx.Insert(c.ctx, &in); err != nil {
			return err
		}
		seen, err := tx.Node(c.ctx, in.ID) // a transaction sees its own writes
		wantText(t, "name within the transaction", seen.Name, in.Name)
		return err
	})
	if in.ID <= 0 {
		t.Errorf("got id %d, want a positive one", in.ID)
	}
	out := in
	out.Created, out.Changed = base, base
	bare := &store.Node{Type: "t", Name: "bare"}
	c.update(t, func(tx store.Tx) error { return tx.Insert(c.ctx, bare) })
	c.view(t, func(r store.Reader) error {
		got, err := r.Node(c.ctx, in.ID)
		if !reflect.DeepEqual(got, out) {
			t.Errorf("got  %+v\nwant %+v", got, out)
		}
		if err != nil {
			return err
		}
		got, err = r.Node(c.ctx, bare.ID)
		if !reflect.DeepEqual(got, *bare) {
			t.Errorf("got  %+v\nwant %+v", got, *bare)
		}
		_, missing := r.Node(c.ctx, bare.ID+1)
		wantKind(t, "node that never was", missing, errs.NotFound, "NodeNotFound")
		_, missing = r.Node(c.ctx, store.Root)
		wantKind(t, "the root", missing, errs.NotFound, "NodeNotFound")
		return err
	})
}

func nodeConflict(t *testing.T, c *cloud) {
	c.plant(t, store.Root, "sub/a", "group/g")
	again := leaf(store.Root, "sub/a")
	err := c.Update(c.ctx, func(tx store.Tx) error { return tx.Insert(c.ctx, again) })
	wantKind(t, "same child twice", err, errs.Conflict, "NodeExists")
	c.update(t, func(tx store.Tx) error { // whoever takes the conflict for an answer goes on
		err = tx.Insert(c.ctx, leaf(store.Root, "sub/a")) // of the last run
		return tx.Insert(c.ctx, leaf(store.Root, "sub/b"))
	})
	wantKind(t, "same child twice", err, errs.Conflict, "NodeExists")
	c.view(t, func(r store.Reader) error {
		nodes, err := r.Children(c.ctx, store.Root, store.Range{Limit: 10})
		wantText(t, "children", words(nodes), "sub/a sub/b")
		return err
	})
}

func nodeCase(t *testing.T, c *cloud) {
	pairs := [][2]string{{"Group/Alpha", "gROUP/aLPHA"}, {"Group/Äpfel-Öl", "group/äPFEL-öL"}, {"Тип/ЖУК", "тип/жук"}, {"G/ΑΘΗΝΑ", "g/αθηνα"}}
	for _, pair := range pairs {
		id := c.plant(t, store.Root, pair[0])[0]
		err := c.Update(c.ctx, func(tx store.Tx) error { return tx.Insert(c.ctx, leaf(store.Root, pair[1])) })
		wantKind(t, pair[1], err, errs.Conflict, "NodeExists")
		c.view(t, func(r store.Reader) error {
			met, err := r.Walk(c.ctx, store.Root, steps(pair[1]))
			if len(met) != 1 || met[0].ID != id || words(met) != pair[0] {
				t.Errorf("walk to %s: got %q, want %q", pair[1], words(met), pair[0])
			}
			return err
		})
	}
	c.view(t, func(r store.Reader) error {
		count, err := r.Count(c.ctx, store.Root, "GROUP")
		want(t, "count", count, 2)
		return err
	})
}

func nodeParent(t *testing.T, c *cloud) {
	ids := c.plant(t, store.Root, "sub/a", "group/g")
	c.update(t, func(tx store.Tx) error { return tx.Trash(c.ctx, ids[1]) })
	for what, parent := range map[string]store.ID{"never was": ids[1] + 100, "in the trash": ids[1], "negative": -1} {
		err := c.Update(c.ctx, func(tx store.Tx) error { return tx.Insert(c.ctx, leaf(parent, "x/y")) })
		wantKind(t, "insert below a parent that "+what, err, errs.NotFound, "ParentNotFound")
		err = c.Update(c.ctx, func(tx store.Tx) error { return tx.Insert(c.ctx, leaf(ids[0], "x/y"), leaf(parent, "x/y")) })
		wantKind(t, "insert two below a parent that "+what, err, errs.NotFound, "ParentNotFound")
	}
}

func nodeAllOrNothing(t *testing.T, c *cloud) {
	c.plant(t, store.Root, "sub/taken")
	c.update(t, func(tx store.Tx) error {
		err := tx.Insert(c.ctx, leaf(store.Root, "sub/one"), leaf(store.Root, "sub/TAKEN"), leaf(store.Root, "sub/two"))
		wantKind(t, "one of three is there", err, errs.Conflict, "NodeExists")
		err = tx.Insert(c.ctx, leaf(store.Root, "sub/three"), leaf(store.Root, "sub/THREE"))
		wantKind(t, "the same one twice", err, errs.Conflict, "NodeExists")
		if err := tx.Insert(c.ctx); err != nil {
			t.Errorf("insert of nothing: %v", err)
		}
		return tx.Insert(c.ctx, leaf(store.Root, "sub/four"), leaf(store.Root, "sub/five"))
	})
	c.view(t, func(r store.Reader) error {
		nodes, err := r.Children(c.ctx, store.Root, store.Range{Limit: 10})
		wantText(t, "children", words(nodes), "sub/five sub/four sub/taken")
		return err
	})
}

func nodeNames(t *testing.T, c *cloud) {
	c.update(t, func(tx store.Tx) error { // a refusal does not spoil the transaction
		for _, n := range []store.Node{{Type: "", Name: "a"}, {Type: "a", Name: ""}, {Type: "a", Name: "x\x00y"}, {Type: "a", Name: "\xff"},
			{Type: "a", Name: "a", Flag: "\x00"}, {Type: "a", Name: "a", ETag: "\xff"}} {
			wantKind(t, "node "+n.Type+"/"+n.Name, tx.Insert(c.ctx, &n), errs.Invalid, "TextInvalid")
			n.ID = 1
			if n.Flag+n.ETag != "" {
				wantKind(t, "save", tx.Save(c.ctx, n), errs.Invalid, "TextInvalid")
			}
		}
		wantKind(t, "operation", tx.PutOperation(c.ctx, store.Operation{ID: "o", Kind: "\x00"}), errs.Invalid, "TextInvalid")
		met, err := tx.Walk(c.ctx, store.Root, steps("a/\x00"))
		want(t, "nodes of a name that cannot be", len(met), 0)
		return err
	})
}

func nodeSave(t *testing.T, c *cloud) {
	id := c.plant(t, store.Root, "sub/a")[0]
	later := base.Add(time.Hour)
	changed := store.Node{ID: id, Parent: 99, Type: "other", Name: "other", Flag: "f", ETag: "2", Body: []byte("new"),
		Refs: []store.ID{3}, Created: later, Changed: later}
	c.update(t, func(tx store.Tx) error { return tx.Save(c.ctx, changed) })
	expected := changed
	expected.Parent, expected.Type, expected.Name, expected.Created = store.Root, "sub", "a", base
	c.view(t, func(r store.Reader) error {
		got, err := r.Node(c.ctx, id)
		if !reflect.DeepEqual(got, expected) {
			t.Errorf("got  %+v\nwant %+v", got, expected)
		}
		return err
	})
	changed.ID += 100
	err := c.Update(c.ctx, func(tx store.Tx) error { return tx.Save(c.ctx, changed) })
	wantKind(t, "save of a node that never was", err, errs.NotFound, "NodeNotFound")
	c.update(t, func(tx store.Tx) error { return tx.Trash(c.ctx, id) })
	changed.ID = id
	err = c.Update(c.ctx, func(tx store.Tx) error { return tx.Save(c.ctx, changed) })
	wantKind(t, "save of a trashed node", err, errs.NotFound, "NodeNotFound")
}

func nodeWalk(t *testing.T, c *cloud) {
	chain := []string{"sub/a", "group/g", "ws/w", "model/m", "version/1", "part/p", "x/7", "x/8", "x/9", "x/10"}
	ids := c.plant(t, store.Root, chain...)
	c.view(t, func(r store.Reader) error {
		for hops := range len(chain) + 1 {
			met, err := r.Walk(c.ctx, store.Root, steps(chain[:hops]...))
			if err != nil || len(met) != hops {
				t.Fatalf("walk of %d hops met %d nodes (%v)", hops, len(met), err)
			}
			for i, n := range met {
				want(t, "id on the way", n.ID, ids[i])
				wantText(t, "body on the way", string(n.Body), string(leaf(0, chain[i]).Body))
			}
			met, err = r.Walk(c.ctx, store.Root, steps(append(chain[:hops:hops], "no/body", "x/y")...))
			if err != nil || len(met) != hops {
				t.Fatalf("walk to a missing child behind %d hops met %d nodes (%v)", hops, len(met), err)
			}
		}
		met, err := r.Walk(c.ctx, ids[1], steps("ws/w", "model/m"))
		wantText(t, "walk from the middle", words(met), "ws/w model/m")
		if err != nil {
			return err
		}
		met, err = r.Walk(c.ctx, ids[9]+100, steps("ws/w"))
		want(t, "nodes met from nowhere", len(met), 0)
		return err
	})
}

func nodePath(t *testing.T, c *cloud) {
	ids := c.plant(t, store.Root, "sub/a", "group/g", "ws/w", "model/m")
	wantText(t, "path", c.path(t, ids[3]), "sub/a group/g ws/w model/m")
	wantText(t, "path of the top", c.path(t, ids[0]), "sub/a")
	c.view(t, func(r store.Reader) error {
		for _, id := range []store.ID{store.Root, -1, ids[3] + 100} {
			_, err := r.Path(c.ctx, id)
			wantKind(t, "path of what is not there", err, errs.NotFound, "NodeNotFound")
		}
		return nil
	})
}
