package storetest

import (
	"strconv"
	"sync"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

var holdChecks = []check{
	{"hold returns nodes as they are", holdReturns},
	{"an exclusive hold excludes others", holdExcludes},
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
