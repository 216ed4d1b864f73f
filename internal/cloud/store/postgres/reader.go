package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
)

var _ store.Reader = (*session)(nil)

// nodeWidth is how many nodeColumns there are.
const nodeWidth = 10

// nodeLine is where nodeColumns are scanned to.
type nodeLine struct {
	n                            store.Node
	id, parent, created, changed int64
	refs                         []byte
}

// into says where each column goes.
func (l *nodeLine) into(columns []any) {
	copy(columns, []any{&l.id, &l.parent, &l.n.Type, &l.n.Name, &l.n.Flag, &l.n.ETag, &l.refs, &l.created, &l.changed, &l.n.Body})
}

// node is what was scanned.
func (l *nodeLine) node() (n store.Node, err error) {
	n = l.n
	n.ID, n.Parent, n.Created, n.Changed = store.ID(l.id), store.ID(l.parent), row.Time(l.created), row.Time(l.changed)
	n.Body = some(n.Body)
	n.Refs, err = row.UnpackRefs(l.refs)
	return n, err
}

// scanNode reads nodeColumns.
func scanNode(rows pgx.Rows) (store.Node, error) {
	var line nodeLine
	var columns [nodeWidth]any
	line.into(columns[:])
	if err := rows.Scan(columns[:]...); err != nil {
		return store.Node{}, err
	}
	return line.node()
}

// some turns an empty document into none.
func some(body []byte) []byte {
	if len(body) == 0 {
		return nil
	}
	return body
}

// none turns no document into an empty one: columns are never NULL.
func none(body []byte) []byte {
	if body == nil {
		return []byte{}
	}
	return body
}

// numbers writes ids as the driver takes them.
func numbers(ids []store.ID) []int64 {
	all := make([]int64, len(ids))
	for i, id := range ids {
		all[i] = int64(id)
	}
	return all
}

// nodes runs a query that yields nodeColumns.
func (s *session) nodes(ctx context.Context, sql string, args ...any) ([]store.Node, error) {
	var found []store.Node
	_, err := s.query(ctx, "read nodes", into(&found), sql, args...)
	if err != nil {
		return nil, err
	}
	return found, nil
}

// into appends the node of each row.
func into(found *[]store.Node) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		n, err := scanNode(rows)
		*found = append(*found, n)
		return err
	}
}

// Node returns a node by id.
func (s *session) Node(ctx context.Context, id store.ID) (store.Node, error) {
	found, err := s.nodes(ctx, sqlNode, int64(id))
	if err == nil && len(found) == 0 {
		err = row.NodeMissing(id)
	}
	if err != nil {
		return store.Node{}, err
	}
	return found[0], nil
}

// Path returns the chain from the top down to the node.
func (s *session) Path(ctx context.Context, id store.ID) ([]store.Node, error) {
	chain, err := s.nodes(ctx, sqlPath, int64(id))
	if err != nil {
		return nil, err
	}
	if len(chain) == 0 || chain[0].Parent != store.Root {
		return nil, row.NodeMissing(id)
	}
	return chain, nil
}

// Children returns a page of children.
func (s *session) Children(ctx context.Context, parent store.ID, page store.Range) ([]store.Node, error) {
	if err := row.CheckLimit(page.Limit); err != nil {
		return nil, err
	}
	at, nothing := row.After(page)
	if nothing || parent == row.Trash {
		return nil, nil
	}
	if page.Type != "" {
		return s.nodes(ctx, sqlChildrenOfType, int64(parent), row.Key(page.Type), at.Name, int64(page.Limit))
	}
	return s.nodes(ctx, sqlChildren, int64(parent), at.Type, at.Name, int64(page.Limit))
}

// FlaggedChildren returns flagged children by the partial index.
func (s *session) FlaggedChildren(ctx context.Context, parent store.ID, typ string, limit int) ([]store.Node, error) {
	if err := row.CheckLimit(limit); err != nil {
		return nil, err
	}
	return s.nodes(ctx, sqlFlagged, int64(parent), row.Key(typ), int64(limit))
}

// Count counts children of a type.
func (s *session) Count(ctx context.Context, parent store.ID, typ string) (count int64, err error) {
	_, err = s.query(ctx, "count nodes", func(rows pgx.Rows) error { return rows.Scan(&count) }, sqlCount, int64(parent), row.Key(typ))
	return count, err
}

// Generation returns the generation of the snapshot, which comes along with the first read.
func (s *session) Generation(ctx context.Context) (int64, error) {
	if s.over {
		return 0, row.Over()
	}
	if s.known {
		return s.tell(), nil
	}
	if guess, ok := s.guessGeneration(); ok {
		return guess, row.GaveUp(ctx)
	}
	if _, err := s.send(ctx, "read the generation", s.readGeneration(sqlGeneration)); err != nil {
		return 0, err
	}
	return s.tell(), nil
}

// Meta returns a value kept under a key.
func (s *session) Meta(ctx context.Context, key string) (value []byte, err error) {
	found := false
	_, err = s.query(ctx, "read meta", func(rows pgx.Rows) error {
		found = true
		return rows.Scan(&value)
	}, sqlMeta, key)
	if err == nil && !found {
		err = row.MetaMissing(key)
	}
	return value, err
}

// NextDue returns the earliest due time of what runs.
func (s *session) NextDue(ctx context.Context) (due time.Time, found bool, err error) {
	_, err = s.query(ctx, "read what is due", func(rows pgx.Rows) error {
		var micros int64
		err := rows.Scan(&micros)
		due, found = row.Time(micros), true
		return err
	}, sqlNextDue)
	return due, found, err
}
