package sqlite

import (
	"context"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite/lite"
)

// reader reads through one connection, in a snapshot or in the writer's transaction.
type reader struct {
	conn       *lite.Conn
	path       string
	generation int64
	over       bool
	enter      func(ctx context.Context) error // what comes before anything that needs the connection; nil when there is nothing
}

var _ store.Reader = (*reader)(nil)

// ready says whether work may go on.
func (r *reader) ready(ctx context.Context) error {
	if r.over {
		return row.Over()
	}
	if r.enter != nil {
		if err := r.enter(ctx); err != nil {
			return err
		}
	}
	return row.GaveUp(ctx)
}

// must runs a query and hands its rows to see.
func (r *reader) must(ctx context.Context, verb string, q *lite.Query, see func(lite.Row), args ...any) error {
	if err := r.ready(ctx); err != nil {
		return err
	}
	if err := r.conn.Each(q, see, args...); err != nil {
		return fault(r.path, verb, err)
	}
	return nil
}

// scanNode reads nodeColumns.
func scanNode(r lite.Row) (store.Node, error) {
	refs, err := row.UnpackRefs(r.Blob(6))
	return store.Node{
		ID: store.ID(r.Int(0)), Parent: store.ID(r.Int(1)), Type: r.Text(2), Name: r.Text(3), Flag: r.Text(4), ETag: r.Text(5),
		Refs: refs, Created: row.Time(r.Int(7)), Changed: row.Time(r.Int(8)), Body: r.Blob(9),
	}, err
}

// nodes runs a query that yields nodeColumns.
func (r *reader) nodes(ctx context.Context, q *lite.Query, args ...any) ([]store.Node, error) {
	var found []store.Node
	var broken error
	err := r.must(ctx, "read nodes", q, func(line lite.Row) {
		n, err := scanNode(line)
		if err != nil {
			broken = err
		}
		found = append(found, n)
	}, args...)
	if err == nil {
		err = broken
	}
	return found, err
}

// node runs a query that yields nodeColumns at most once and reports whether it did.
func (r *reader) node(ctx context.Context, q *lite.Query, args ...any) (n store.Node, found bool, err error) {
	var broken error
	err = r.must(ctx, "read a node", q, func(line lite.Row) {
		found = true
		n, broken = scanNode(line)
	}, args...)
	if err == nil {
		err = broken
	}
	return n, found, err
}

// Node returns a node by id.
func (r *reader) Node(ctx context.Context, id store.ID) (store.Node, error) {
	n, found, err := r.node(ctx, sqlNode, int64(id))
	if err == nil && (!found || n.Parent == row.Trash) {
		err = row.NodeMissing(id)
	}
	if err != nil {
		return store.Node{}, err
	}
	return n, nil
}

// Walk reads hop by hop: in process a prepared point read costs less than the plan of a join.
func (r *reader) Walk(ctx context.Context, from store.ID, steps []store.Step) ([]store.Node, error) {
	met := make([]store.Node, 0, len(steps))
	if from == row.Trash {
		return met, nil
	}
	for _, step := range steps {
		n, found, err := r.node(ctx, sqlChild, int64(from), row.Key(step.Type), row.Key(step.Name))
		if err != nil {
			return nil, err
		}
		if !found {
			break
		}
		met = append(met, n)
		from = n.ID
	}
	return met, nil
}

// Path climbs from the node to the top.
func (r *reader) Path(ctx context.Context, id store.ID) ([]store.Node, error) {
	var chain []store.Node
	for at := id; at != store.Root || id == store.Root; {
		n, found, err := r.node(ctx, sqlNode, int64(at))
		if err != nil {
			return nil, err
		}
		if !found { // the trash is no node: who climbs into it finds nothing
			return nil, row.NodeMissing(id)
		}
		chain = append(chain, n)
		at = n.Parent
	}
	for i, j := 0, len(chain)-1; i < j; i, j = i+1, j-1 {
		chain[i], chain[j] = chain[j], chain[i]
	}
	return chain, nil
}

// Children returns a page of children.
func (r *reader) Children(ctx context.Context, parent store.ID, page store.Range) ([]store.Node, error) {
	if err := row.CheckLimit(page.Limit); err != nil {
		return nil, err
	}
	at, nothing := row.After(page)
	if nothing || parent == row.Trash {
		return nil, nil
	}
	if page.Type != "" {
		return r.nodes(ctx, sqlChildrenOfType, int64(parent), row.Key(page.Type), at.Name, int64(page.Limit))
	}
	return r.nodes(ctx, sqlChildren, int64(parent), at.Type, at.Name, int64(page.Limit))
}

// FlaggedChildren returns flagged children by the partial index.
func (r *reader) FlaggedChildren(ctx context.Context, parent store.ID, typ string, limit int) ([]store.Node, error) {
	if err := row.CheckLimit(limit); err != nil {
		return nil, err
	}
	return r.nodes(ctx, sqlFlagged, int64(parent), row.Key(typ), int64(limit))
}

// Count counts children of a type.
func (r *reader) Count(ctx context.Context, parent store.ID, typ string) (count int64, err error) {
	err = r.must(ctx, "count nodes", sqlCount, func(line lite.Row) { count = line.Int(0) }, int64(parent), row.Key(typ))
	return count, err
}

// Generation returns the generation of the snapshot.
func (r *reader) Generation(ctx context.Context) (int64, error) { return r.generation, r.ready(ctx) }

// Meta returns a value kept under a key.
func (r *reader) Meta(ctx context.Context, key string) (value []byte, err error) {
	found := false
	err = r.must(ctx, "read meta", sqlMeta, func(line lite.Row) {
		found = true
		value = append([]byte{}, line.Blob(0)...)
	}, key)
	if err == nil && !found {
		err = row.MetaMissing(key)
	}
	return value, err
}

// NextDue returns the earliest due time of what runs.
func (r *reader) NextDue(ctx context.Context) (due time.Time, found bool, err error) {
	err = r.must(ctx, "read what is due", sqlNextDue, func(line lite.Row) {
		due, found = row.Time(line.Int(0)), true
	})
	return due, found, err
}
