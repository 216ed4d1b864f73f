package storetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store"
)

var snapshotChecks = []check{
	{"a view keeps its snapshot while others write", snapshotKeeps},
	{"a view behind an acknowledged update sees it", snapshotFresh},
	{"views never see half an update", snapshotWhole},
	{"a generation is never newer than its snapshot", snapshotGeneration},
}

func snapshotKeeps(t *testing.T, c *cloud) {
	ids := c.plant(t, store.Root, "sub/a", "group/g")
	c.view(t, func(r store.Reader) error {
		before, err := r.Count(c.ctx, ids[0], "group")
		if err != nil {
			return err
		}
		c.plant(t, ids[0], "group/new")
		c.put(t, "/sub/a", "ns/locks", "l")
		c.update(t, func(tx store.Tx) error {
			if err := tx.PutMeta(c.ctx, "k", []byte("v")); err != nil {
				return err
			}
			return tx.Trash(c.ctx, ids[1])
		})
		after, err := r.Count(c.ctx, ids[0], "group")
		want(t, "groups within the view", after, before)
		if err != nil {
			return err
		}
		chain, err := r.Path(c.ctx, ids[1])
		wantText(t, "path within the view", words(chain), "sub/a group/g")
		if err != nil {
			return err
		}
		locks, err := r.Extensions(c.ctx, store.ExtensionRange{Scope: "/sub/a", Limit: 10})
		want(t, "locks within the view", len(locks), 0)
		return err
	})
	wantText(t, "children behind the view", words(c.children(t, ids[0], store.Range{Limit: 10})), "group/new")
}

func snapshotFresh(t *testing.T, c *cloud) {
	for i := range 50 {
		c.plant(t, store.Root, fmt.Sprintf("sub/%02d", i))
		c.view(t, func(r store.Reader) error {
			count, err := r.Count(c.ctx, store.Root, "sub")
			want(t, "count", count, int64(i+1))
			return err
		})
	}
}

// snapshotWhole moves a node to and fro; at every moment exactly one parent has it.
func snapshotWhole(t *testing.T, c *cloud) {
	a, b := c.plant(t, store.Root, "sub/a")[0], c.plant(t, store.Root, "sub/b")[0]
	ball := c.plant(t, a, "ball/x")[0]
	done := make(chan struct{})
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				err := c.View(c.ctx, func(r store.Reader) error {
					left, err := r.Count(c.ctx, a, "ball")
					if err != nil {
						return err
					}
					right, err := r.Count(c.ctx, b, "ball")
					want(t, "balls", left+right, 1)
					return err
				})
				if err != nil {
					t.Errorf("view: %v", err)
					return
				}
			}
		})
	}
	for i := range 100 {
		to := b
		if i%2 == 1 {
			to = a
		}
		c.update(t, func(tx store.Tx) error { return tx.Reparent(c.ctx, ball, to) })
	}
	close(done)
	all.Wait()
}

// snapshotGeneration is about caches: who reads a generation and then the state fills a cache for that generation. If the
// state were older than the generation, the cache would stay wrong.
func snapshotGeneration(t *testing.T, c *cloud) {
	write := func(value string) {
		c.update(t, func(tx store.Tx) error {
			if err := tx.PutMeta(c.ctx, "k", []byte(value)); err != nil {
				return err
			}
			return tx.Bump(c.ctx)
		})
	}
	write("old")
	before := c.generation(t)
	c.view(t, func(r store.Reader) error {
		value, err := r.Meta(c.ctx, "k")
		wantText(t, "value", string(value), "old")
		if err != nil {
			return err
		}
		write("new")
		within, err := r.Generation(c.ctx)
		want(t, "generation within the older snapshot", within, before)
		return err
	})
	behind := c.generation(t)
	c.view(t, func(r store.Reader) error {
		write("newest")
		within, err := r.Generation(c.ctx)
		if err != nil {
			return err
		}
		value, err := r.Meta(c.ctx, "k")
		if within > behind && string(value) != "newest" {
			t.Errorf("generation %d is shown with the state of generation %d", within, behind)
		}
		return err
	})
}
