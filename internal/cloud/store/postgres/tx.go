package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
	"github.com/amlmove/amlmove/internal/errs"
)

// tx is one run of an update.
type tx struct {
	*session
	bump   bool              // the generation is to be moved with the commit, so that its row is held only for a moment
	wanted map[store.ID]bool // nodes that this run or an earlier one locks
	known  bool              // the generation was read, and nothing was held since
}

var _ store.Tx = (*tx)(nil)

// commit makes the transaction durable.
func (t *tx) commit(ctx context.Context) error {
	if !t.begun && !t.bump {
		return nil
	}
	if t.bump {
		if _, err := t.moveGeneration(ctx); err != nil {
			return err
		}
	}
	if err := row.GaveUp(ctx); err != nil {
		return err
	}
	tag, err := t.conn.Exec(ctx, sqlCommit)
	if err != nil {
		t.again = lostRace(err)
		return fault(ctx, "commit", err)
	}
	t.begun = false
	if tag.String() != sqlCommit { // PostgreSQL answers ROLLBACK when a statement had failed and the function went on
		return errs.New(errs.Internal, "TransactionBroken", "the transaction was rolled back: a statement of it had failed")
	}
	return nil
}

// want notes nodes that are about to be locked.
func (t *tx) want(ids ...store.ID) {
	for _, id := range ids {
		t.wanted[id] = true
	}
}

// Save writes what may change of a node.
func (t *tx) Save(ctx context.Context, n store.Node) error {
	t.want(n.ID)
	changed, err := t.query(ctx, "save a node", nil, sqlSave, int64(n.ID), n.Flag, n.ETag, none(row.PackRefs(n.Refs)),
		row.Micros(n.Changed), none(n.Body))
	if err == nil && changed == 0 {
		err = row.NodeMissing(n.ID)
	}
	return err
}

// Reparent hangs a node elsewhere, never below itself. It holds the new parent as an insert does.
func (t *tx) Reparent(ctx context.Context, id, parent store.ID) error {
	if parent != store.Root {
		if err := t.mayHang(ctx, id, parent); err != nil {
			return err
		}
	}
	t.want(id)
	changed, err := t.query(ctx, "reparent a node", nil, sqlReparent, int64(id), int64(parent))
	if err != nil || changed == 1 {
		return err
	}
	n, err := t.Node(ctx, id)
	if err != nil {
		return err
	}
	return row.NodeExists(parent, n.Type, n.Name)
}

// mayHang holds a parent and refuses it if it is not there or lies below the node.
func (t *tx) mayHang(ctx context.Context, id, parent store.ID) error {
	top, cycle := row.Trash, false
	_, err := t.send(ctx, "reparent a node", statement{sql: sqlHoldParents, args: []any{[]int64{int64(parent)}}},
		statement{sqlAbove, []any{int64(parent)}, func(rows pgx.Rows) error {
			var at, above int64
			err := rows.Scan(&at, &above)
			top, cycle = store.ID(above), cycle || store.ID(at) == id
			return err
		}})
	switch {
	case err != nil:
		return err
	case top != store.Root:
		return row.ParentMissing(parent)
	case cycle:
		return row.Cycle(id, parent)
	}
	return nil
}

// Trash hangs nodes below the reserved parent, under a key that nobody else can have.
func (t *tx) Trash(ctx context.Context, ids ...store.ID) error {
	t.want(ids...)
	var gone []store.ID
	_, err := t.query(ctx, "trash nodes", func(rows pgx.Rows) error {
		var id int64
		err := rows.Scan(&id)
		gone = append(gone, store.ID(id))
		return err
	}, sqlTrash, numbers(ids))
	if err != nil {
		return err
	}
	for i, id := range ids {
		if !slices.Contains(gone, id) || slices.Contains(ids[:i], id) {
			return row.NodeMissing(id)
		}
	}
	return nil
}

// Hold locks nodes in ascending order and returns them in the order asked for.
func (t *tx) Hold(ctx context.Context, mode store.LockMode, ids ...store.ID) ([]store.Node, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	t.want(ids...)
	sql := sqlHoldShared
	if mode == store.Exclusive {
		sql = sqlHoldExclusive
	}
	var held []store.Node
	_, err := t.send(ctx, "hold nodes", statement{sql, []any{numbers(ids)}, into(&held)}, t.readGeneration(sqlGeneration))
	if err != nil {
		return nil, err
	}
	byID := make(map[store.ID]store.Node, len(held))
	for _, n := range held {
		byID[n.ID] = n
	}
	asked := make([]store.Node, 0, len(ids))
	for _, id := range ids {
		n, found := byID[id]
		if !found {
			return nil, row.NodeMissing(id)
		}
		asked = append(asked, n)
	}
	return asked, nil
}

// PutMeta writes or deletes a value.
func (t *tx) PutMeta(ctx context.Context, key string, value []byte) error {
	if err := row.CheckWord("key", key); err != nil {
		return err
	}
	var err error
	if value == nil {
		_, err = t.query(ctx, "write meta", nil, sqlDropMeta, key)
	} else {
		_, err = t.query(ctx, "write meta", nil, sqlPutMeta, key, value)
	}
	return err
}

// Bump asks for a new generation when the transaction commits.
func (t *tx) Bump(ctx context.Context) error {
	if t.over {
		return row.Over()
	}
	t.bump = true
	return row.GaveUp(ctx)
}

// Generation returns the committed generation, or the one that this transaction will commit. It is read once before something is held and once with each Hold: what is held
// does not move any more, and what is not held may move behind any reading of it.
func (t *tx) Generation(ctx context.Context) (int64, error) {
	switch {
	case t.bump:
		return t.moveGeneration(ctx)
	case t.over:
		return 0, row.Over()
	case t.known:
		return t.generation, row.GaveUp(ctx)
	}
	_, err := t.send(ctx, "read the generation", t.readGeneration(sqlGeneration))
	return t.generation, err
}

// moveGeneration makes the generation grow; from here to the end other transactions that bump have to wait.
func (t *tx) moveGeneration(ctx context.Context) (int64, error) {
	t.bump = false
	_, err := t.send(ctx, "move the generation", t.readGeneration(sqlBump))
	return t.generation, err
}

// readGeneration is a statement that tells the generation.
func (t *tx) readGeneration(sql string) statement {
	return statement{sql: sql, see: func(rows pgx.Rows) error {
		t.known = true
		return rows.Scan(&t.generation)
	}}
}
