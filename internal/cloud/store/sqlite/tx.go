package sqlite

import (
	"context"
	"errors"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite/lite"
	"github.com/amlmove/amlmove/internal/errs"
)

// tx is one update within the writer's group.
type tx struct {
	reader
	store    *Store
	next     *int64 // the newest generation that anybody ever took, committed or not
	bumped   bool
	inserted *bool // by any member of the group

	ahead   *ahead   // nil when it has its turn
	request *request // what has its turn
	dashed  bool     // what was told ahead was not so
}

var _ store.Tx = (*tx)(nil)

// change runs a statement that writes and returns how many rows it touched.
func (t *tx) change(ctx context.Context, verb string, q *lite.Query, args ...any) (int64, error) {
	if err := t.must(ctx, verb, q, nil, args...); err != nil {
		return 0, err
	}
	return t.conn.Changed(), nil
}

// Inserted reports whether a node was added.
func (t *tx) Inserted() bool { return *t.inserted }

// Insert adds nodes, all of them or none.
func (t *tx) Insert(ctx context.Context, nodes ...*store.Node) error {
	for _, n := range nodes {
		if err := row.CheckNode(n); err != nil {
			return err
		}
	}
	if len(nodes) == 1 && t.isAhead() {
		t.insertLater(nodes[0])
		return row.GaveUp(ctx)
	}
	for _, n := range nodes {
		n.ID = t.store.newID()
	}
	return t.insertAll(ctx, nodes...)
}

// insertAll adds nodes that have their ids.
func (t *tx) insertAll(ctx context.Context, nodes ...*store.Node) error {
	there := store.Root // the parent that was looked for last
	if len(nodes) == 1 {
		return t.insert(ctx, nodes[0], &there)
	}
	if err := t.must(ctx, "insert nodes", sqlSaveInsert, nil); err != nil {
		return err
	}
	for _, n := range nodes {
		if err := t.insert(ctx, n, &there); err != nil {
			if t.conn.InTransaction() { // else nothing is left to undo
				err = errors.Join(err, t.conn.Run(sqlUndoInsert), t.conn.Run(sqlKeepInsert))
			}
			return err
		}
	}
	return t.must(ctx, "insert nodes", sqlKeepInsert, nil)
}

// insert adds one node. there is a parent that is known to be there.
func (t *tx) insert(ctx context.Context, n *store.Node, there *store.ID) error {
	if n.Parent != *there {
		if err := t.parentIsThere(ctx, n.Parent); err != nil {
			return err
		}
		*there = n.Parent
	}
	err := t.must(ctx, "insert a node", sqlInsert, nil, int64(n.Parent), row.Key(n.Type), row.Key(n.Name), n.Type, n.Name,
		n.Flag, n.ETag, row.PackRefs(n.Refs), row.Micros(n.Created), row.Micros(n.Changed), n.Body, int64(n.ID))
	if taken(err) {
		return row.NodeExists(n.Parent, n.Type, n.Name)
	}
	*t.inserted = *t.inserted || err == nil
	return err
}

// parentIsThere refuses a parent that does not exist or lies in the trash.
func (t *tx) parentIsThere(ctx context.Context, id store.ID) error {
	_, err := t.node(ctx, id)
	if errs.Is(err, errs.NotFound) {
		err = row.ParentMissing(id)
	}
	return err
}

func (t *tx) parent(ctx context.Context, id store.ID) (parent store.ID, found bool, err error) {
	err = t.must(ctx, "read a parent", sqlParent, func(line lite.Row) {
		parent, found = store.ID(line.Int(0)), true
	}, int64(id))
	return parent, found, err
}

// Save writes what may change of a node.
func (t *tx) Save(ctx context.Context, n store.Node) error {
	if err := row.CheckSave(&n); err != nil {
		return err
	}
	changed, err := t.change(ctx, "save a node", sqlSave, n.Flag, n.ETag, row.PackRefs(n.Refs), row.Micros(n.Changed), n.Body, int64(n.ID))
	if err == nil && changed == 0 {
		err = row.NodeMissing(n.ID)
	}
	if err == nil {
		t.store.held.saved(n)
	}
	return err
}

// Reparent hangs a node elsewhere, never below itself.
func (t *tx) Reparent(ctx context.Context, id, parent store.ID) error {
	if err := t.ready(ctx); err != nil {
		return err
	}
	for at := parent; at != store.Root; {
		if at == id {
			return row.Cycle(id, parent)
		}
		next, found, err := t.parent(ctx, at)
		if err != nil {
			return err
		}
		if !found || next == row.Trash {
			return row.ParentMissing(parent)
		}
		at = next
	}
	delete(t.store.held, id)
	changed, err := t.change(ctx, "reparent a node", sqlReparent, int64(parent), int64(id))
	if taken(err) {
		n, err := t.Node(ctx, id)
		if err != nil {
			return err
		}
		return row.NodeExists(parent, n.Type, n.Name)
	}
	if err == nil && changed == 0 {
		err = row.NodeMissing(id)
	}
	return err
}

// Trash hangs nodes below the reserved parent, under a key that nobody else can have.
func (t *tx) Trash(ctx context.Context, ids ...store.ID) error {
	if err := t.ready(ctx); err != nil {
		return err
	}
	for _, id := range ids {
		delete(t.store.held, id)
		changed, err := t.change(ctx, "trash a node", sqlTrash, int64(id))
		if err != nil {
			return err
		}
		if changed == 0 {
			return row.NodeMissing(id)
		}
	}
	return nil
}

// Hold reads: the writer is alone.
func (t *tx) Hold(ctx context.Context, _ store.LockMode, ids ...store.ID) ([]store.Node, error) {
	held := make([]store.Node, 0, len(ids))
	for _, id := range ids {
		n, err := t.node(ctx, id)
		if err != nil {
			return nil, err
		}
		held = append(held, n)
	}
	return held, nil
}

// HoldAndWalk is Hold and Walk: there are no trips to save.
func (t *tx) HoldAndWalk(ctx context.Context, mode store.LockMode, id, from store.ID, steps []store.Step) (store.Node, []store.Node, error) {
	if held, hoped := t.foresee(id, from, steps); hoped {
		return held, nil, row.GaveUp(ctx)
	}
	held, err := t.Hold(ctx, mode, id)
	if err != nil {
		return store.Node{}, nil, err
	}
	t.store.memory.Keep(held[0])
	met, err := t.Walk(ctx, from, steps)
	if at := len(steps); len(met) == at && at > 0 {
		t.store.memory.Take(met[at-1].Parent, steps[at-1])
	}
	return held[0], met, err
}

// PutMeta writes or deletes a value.
func (t *tx) PutMeta(ctx context.Context, key string, value []byte) error {
	if err := row.CheckWord("key", key); err != nil {
		return err
	}
	if t.isAhead() {
		t.metaLater(key, value)
		return row.GaveUp(ctx)
	}
	if value == nil {
		return t.must(ctx, "write meta", sqlDropMeta, nil, key)
	}
	return t.must(ctx, "write meta", sqlPutMeta, nil, key, value)
}

// Bump takes a generation that nobody ever saw. Readers see it when the group is committed.
func (t *tx) Bump(ctx context.Context) error {
	if err := t.ready(ctx); err != nil {
		return err
	}
	*t.next++
	t.generation, t.bumped = *t.next, true
	return nil
}
