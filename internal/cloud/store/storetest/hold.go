package storetest

import (
	"reflect"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

var holdChecks = []check{
	{"hold returns nodes as they are", holdReturns},
	{"an exclusive hold excludes others", holdExcludes},
	{"what is held is read as it was saved last", holdSaved},
	{"hold and walk", holdWalk},
	{"holders of many nodes in any order all come through", holdOrder},
}

func holdReturns(t *testing.T, c *cloud) {
	ids := c.plant(t, store.Root, "sub/a", "group/g", "ws/w")
	c.update(t, func(tx store.Tx) error {
		for _, mode := range []store.LockMode{store.Shared, store.Exclusive} {
			nodes, err := tx.Hold(c.ctx, mode, ids[2], ids[0], ids[2])
			if err != nil {
				return err
			}
			wantText(t, "held, in the order asked for", words(nodes), "ws/w sub/a ws/w")
			wantText(t, "body", string(nodes[1].Body), string(leaf(0, "sub/a").Body))
			if nodes, err = tx.Hold(c.ctx, mode); err != nil || len(nodes) != 0 {
				t.Errorf("hold of nothing: %v, %v", nodes, err)
			}
		}
		return tx.Trash(c.ctx, ids[1])
	})
	for what, id := range map[string]store.ID{"never was": ids[2] + 100, "in the trash": ids[1], "root": store.Root} {
		c.update(t, func(tx store.Tx) error {
			_, err := tx.Hold(c.ctx, store.Exclusive, ids[0], id)
			wantKind(t, "hold of a node: "+what, err, errs.NotFound, "NodeNotFound")
			return nil
		})
	}
}

func holdSaved(t *testing.T, c *cloud) {
	ids := c.plant(t, store.Root, "sub/a", "group/g")
	c.update(t, func(tx store.Tx) error {
		held, err := tx.Hold(c.ctx, store.Exclusive, ids[1])
		if err != nil {
			return err
		}
		n := held[0]
		n.Flag, n.ETag, n.Body, n.Refs = "f", "e", []byte("saved"), []store.ID{ids[0]}
		n.Parent, n.Type, n.Name, n.Created = 4711, "other", "other", base.Add(time.Hour) // Save leaves these
		if err := tx.Save(c.ctx, n); err != nil {
			return err
		}
		want := held[0]
		want.Flag, want.ETag, want.Body, want.Refs = n.Flag, n.ETag, n.Body, n.Refs
		again, err := tx.Hold(c.ctx, store.Exclusive, ids[1])
		if err != nil || !reflect.DeepEqual(again[0], want) {
			t.Errorf("held again %+v, want %+v: %v", again, want, err)
		}
		got, err := tx.Node(c.ctx, ids[1])
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("read %+v, want %+v: %v", got, want, err)
		}
		if err := tx.Trash(c.ctx, ids[1]); err != nil {
			return err
		}
		_, err = tx.Node(c.ctx, ids[1])
		wantKind(t, "held and trashed", err, errs.NotFound, "NodeNotFound")
		_, err = tx.Hold(c.ctx, store.Exclusive, ids[1])
		wantKind(t, "held, trashed and held", err, errs.NotFound, "NodeNotFound")
		return nil
	})
}

func holdWalk(t *testing.T, c *cloud) {
	ids := c.plant(t, store.Root, "sub/a", "group/g", "ws/w")
	walk := func(hold store.ID, steps ...store.Step) (held store.Node, met []store.Node, err error) {
		c.update(t, func(tx store.Tx) error {
			held, met, err = tx.HoldAndWalk(c.ctx, store.Shared, hold, ids[0], steps)
			return nil
		})
		return held, met, err
	}
	held, met, err := walk(ids[1], store.Step{Type: "GROUP", Name: "G"}, store.Step{Type: "ws", Name: "w"}, store.Step{Type: "ws", Name: "none"})
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, "held", words([]store.Node{held}), "group/g")
	wantText(t, "met", words(met), "group/g ws/w")
	wantText(t, "its body", string(met[1].Body), string(leaf(0, "ws/w").Body))
	if held, met, err = walk(ids[2]); err != nil || held.ID != ids[2] || len(met) != 0 {
		t.Errorf("no steps: %v, %v, %v", held, met, err)
	}
	_, _, err = walk(ids[2]+100, store.Step{Type: "group", Name: "g"})
	wantKind(t, "hold of what never was", err, errs.NotFound, "NodeNotFound")
}

// holdExcludes counts in the body of a node: read, add one, write. Without the lock updates would be lost.
func holdExcludes(t *testing.T, c *cloud) {
	id := c.plant(t, store.Root, "sub/a")[0]
	c.update(t, func(tx store.Tx) error { return tx.Save(c.ctx, store.Node{ID: id, Body: []byte("0")}) })
	const workers, turns = 4, 40
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range turns {
				err := c.Update(c.ctx, func(tx store.Tx) error {
					held, err := tx.Hold(c.ctx, store.Exclusive, id)
					if err != nil {
						return err
					}
					count, err := strconv.Atoi(string(held[0].Body))
					if err != nil {
						return err
					}
					held[0].Body = strconv.AppendInt(nil, int64(count+1), 10)
					return tx.Save(c.ctx, held[0])
				})
				if err != nil {
					t.Errorf("count: %v", err)
				}
			}
		})
	}
	all.Wait()
	c.view(t, func(r store.Reader) error {
		n, err := r.Node(c.ctx, id)
		wantText(t, "sum", string(n.Body), strconv.Itoa(workers*turns))
		return err
	})
}

func holdOrder(t *testing.T, c *cloud) {
	ids := c.plantMany(t, store.Root, "sub/", 6)
	var all sync.WaitGroup
	for w := range 6 {
		all.Go(func() {
			for turn := range 10 {
				mode := store.LockMode((w + turn) % 2)
				err := c.Update(c.ctx, func(tx store.Tx) error {
					held, err := tx.Hold(c.ctx, mode, ids[w], ids[(w+turn)%6], ids[5-w])
					if err != nil || mode == store.Shared {
						return err
					}
					held[0].ETag = strconv.Itoa(turn)
					return tx.Save(c.ctx, held[0])
				})
				if err != nil {
					t.Errorf("worker %d: %v", w, err)
				}
			}
		})
	}
	all.Wait()
}
