package storetest

import (
	"reflect"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// Durable fills a store, closes it, opens it again and compares. Each call of open opens the same place.
func Durable(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	c := &cloud{Store: open(t), ctx: t.Context()}
	ids := c.plant(t, store.Root, "sub/a", "group/g", "ws/w")
	c.plantMany(t, ids[2], "job/", 500)
	gone := c.plant(t, ids[0], "group/gone", "ws/gone")
	flagged := store.Node{ID: ids[2], Flag: "busy", ETag: "7", Body: []byte("body"), Refs: ids, Changed: base}
	ended := job("ended", 1)
	ended.Ended, ended.Status, ended.Result = base, 200, []byte("done")
	c.update(t, func(tx store.Tx) error {
		for _, err := range []error{
			tx.Save(c.ctx, flagged), tx.Trash(c.ctx, gone[0]), tx.PutMeta(c.ctx, "k", []byte("v")), tx.Bump(c.ctx),
			tx.PutOperation(c.ctx, job("due", 3)), tx.PutOperation(c.ctx, ended), tx.PutExtension(c.ctx, bound("/sub/a", "ns/locks", "l")),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	before, stats := c.everything(t, ids, gone), c.stats(t)
	if err := c.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	c = &cloud{Store: open(t), ctx: t.Context()}
	if after := c.everything(t, ids, gone); !reflect.DeepEqual(before, after) {
		t.Errorf("after opening again:\n got %+v\nwant %+v", after, before)
	}
	want(t, "stats after opening again", c.stats(t), stats)
	want(t, "collected after opening again", c.collectAll(t, 100), 2)
	if err := c.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	c = &cloud{Store: open(t), ctx: t.Context()}
	if id := c.plant(t, ids[0], "group/gone")[0]; id <= gone[1] {
		t.Errorf("id %d was given again although id %d had been used", id, gone[1])
	}
}

// everything reads what Durable wrote.
func (c *cloud) everything(t *testing.T, ids, gone []store.ID) []any {
	t.Helper()
	var all []any
	keep := func(value any, err error) error { all = append(all, value); return err }
	c.view(t, func(r store.Reader) error {
		_, missing := r.Node(c.ctx, gone[0])
		wantKind(t, "node in the trash", missing, errs.NotFound, "NodeNotFound")
		due, _, err := r.NextDue(c.ctx)
		for _, err := range []error{err,
			keep(r.Path(c.ctx, ids[2])),
			keep(r.Children(c.ctx, ids[2], store.Range{Limit: 1000})),
			keep(r.FlaggedChildren(c.ctx, ids[1], "ws", 10)),
			keep(r.Meta(c.ctx, "k")),
			keep(r.Operation(c.ctx, "due")),
			keep(r.Operation(c.ctx, "ended")),
			keep(r.Extensions(c.ctx, store.ExtensionRange{Scope: "/", Below: true, Limit: 10})),
			keep(due, nil),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	return all
}
