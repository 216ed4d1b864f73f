package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
)

// insertChunk bounds one statement that inserts many nodes.
const insertChunk = 1000

// Insert adds nodes, all of them or none.
func (t *tx) Insert(ctx context.Context, nodes ...*store.Node) error {
	for _, n := range nodes {
		if err := row.CheckNode(n); err != nil {
			return err
		}
	}
	t.inserted = t.inserted || len(nodes) > 0
	switch len(nodes) {
	case 0:
		return nil
	case 1:
		if t.hopeful {
			return t.insertLater(ctx, nodes[0])
		}
		return t.insertOne(ctx, nodes[0])
	}
	return t.insertMany(ctx, nodes)
}

// insertLater inserts with what is sent next. A parent that is missing, or a name that is taken, dashes the hope.
func (t *tx) insertLater(ctx context.Context, n *store.Node) error {
	id, err := t.takeID(ctx)
	if err != nil {
		return err
	}
	if err := t.write(ctx, "insert a node", sqlInsertLater, insertArgs(n, int64(id))...); err != nil {
		return err
	}
	n.ID = id
	t.store.memory.Take(n.Parent, store.Step{Type: n.Type, Name: n.Name})
	t.hold(*n, false)
	return nil
}

// insertArgs are the arguments of the statements that insert one node.
func insertArgs(n *store.Node, more ...any) []any {
	return append([]any{int64(n.Parent), row.Key(n.Type), row.Key(n.Name), n.Type, n.Name, n.Flag, n.ETag, none(row.PackRefs(n.Refs)),
		row.Micros(n.Created), row.Micros(n.Changed), none(n.Body)}, more...)
}

// insertOne inserts in one round trip; only if nothing came of it, it asks why.
func (t *tx) insertOne(ctx context.Context, n *store.Node) error {
	var id int64
	count, err := t.query(ctx, "insert a node", func(rows pgx.Rows) error { return rows.Scan(&id) }, sqlInsert, insertArgs(n)...)
	if err != nil {
		return err
	}
	if count == 0 {
		if err := t.holdParents(ctx, []int64{int64(n.Parent)}); err != nil {
			return err
		}
		return row.NodeExists(n.Parent, n.Type, n.Name)
	}
	n.ID = store.ID(id)
	return nil
}

// holdParents keeps parents (ascending, each once) from being trashed, moved or collected, or says which is missing.
func (t *tx) holdParents(ctx context.Context, parents []int64, more ...statement) error {
	var held []int64
	_, err := t.send(ctx, "hold parents", append(more, statement{sqlHoldParents, []any{parents}, func(rows pgx.Rows) error {
		var id int64
		err := rows.Scan(&id)
		held = append(held, id)
		return err
	}})...)
	if err != nil {
		return err
	}
	for _, parent := range parents {
		if parent != int64(store.Root) && !slices.Contains(held, parent) {
			return row.ParentMissing(store.ID(parent))
		}
	}
	return nil
}

// insertMany fetches ids and holds the parents in one round trip, and sends the nodes in chunks of columns.
func (t *tx) insertMany(ctx context.Context, nodes []*store.Node) error {
	parents := make([]int64, len(nodes))
	for i, n := range nodes {
		parents[i] = int64(n.Parent)
	}
	slices.Sort(parents)
	ids := make([]int64, 0, len(nodes))
	fetch := statement{sqlNewIDs, []any{int64(len(nodes))}, func(rows pgx.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}}
	if err := t.holdParents(ctx, slices.Compact(parents), fetch); err != nil {
		return err
	}
	for from := 0; from < len(nodes); from += insertChunk {
		to := min(from+insertChunk, len(nodes))
		c := newColumns(nodes[from:to], ids[from:to])
		count, err := t.query(ctx, "insert nodes", nil, sqlInsertMany, c.all()...)
		if err != nil {
			return err
		}
		if count < int64(to-from) {
			return t.takeBack(ctx, nodes[from:to], c, ids[:to])
		}
	}
	for i, n := range nodes {
		n.ID = store.ID(ids[i])
	}
	return nil
}

// takeBack deletes what an insert of several had inserted before it met a name that is taken, and says which.
func (t *tx) takeBack(ctx context.Context, nodes []*store.Node, c columns, ids []int64) error {
	if _, err := t.query(ctx, "take back nodes", nil, sqlDelete, ids); err != nil {
		return err
	}
	at := int64(0)
	_, err := t.query(ctx, "read nodes", func(rows pgx.Rows) error { return rows.Scan(&at) }, sqlTaken, c.parents, c.typeKeys, c.nameKeys)
	if err != nil {
		return err
	}
	n := nodes[max(0, at-1)] // not found: the call named one child twice
	if at == 0 {
		n = twice(nodes)
	}
	return row.NodeExists(n.Parent, n.Type, n.Name)
}

// twice returns the first node that has the parent, type and name of an earlier one.
func twice(nodes []*store.Node) *store.Node {
	type key struct {
		parent store.ID
		row.Position
	}
	seen := map[key]bool{}
	for _, n := range nodes {
		k := key{n.Parent, row.Position{Type: row.Key(n.Type), Name: row.Key(n.Name)}}
		if seen[k] {
			return n
		}
		seen[k] = true
	}
	return nodes[len(nodes)-1]
}

// columns are nodes turned on their side, as unnest takes them.
type columns struct {
	parents, created, changed, ids                 []int64
	typeKeys, nameKeys, types, names, flags, etags []string
	refs, bodies                                   [][]byte
}

func newColumns(nodes []*store.Node, ids []int64) columns {
	c := columns{ids: ids}
	for _, n := range nodes {
		c.parents = append(c.parents, int64(n.Parent))
		c.typeKeys, c.nameKeys = append(c.typeKeys, row.Key(n.Type)), append(c.nameKeys, row.Key(n.Name))
		c.types, c.names = append(c.types, n.Type), append(c.names, n.Name)
		c.flags, c.etags = append(c.flags, n.Flag), append(c.etags, n.ETag)
		c.created, c.changed = append(c.created, row.Micros(n.Created)), append(c.changed, row.Micros(n.Changed))
		c.refs, c.bodies = append(c.refs, none(row.PackRefs(n.Refs))), append(c.bodies, none(n.Body))
	}
	return c
}

// all lists the columns in the order of sqlInsertMany.
func (c columns) all() []any {
	return []any{c.parents, c.typeKeys, c.nameKeys, c.types, c.names, c.flags, c.etags, c.refs, c.created, c.changed, c.bodies, c.ids}
}
