package postgres

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
	"github.com/amlmove/amlmove/internal/errs"
)

// tx is one run of an update.
type tx struct {
	*session
	bump   bool   // the generation is to be moved with the commit, so that its row is held only for a moment
	moved  bool   // it was moved: what was read is not committed
	wanted *wants // what this run or an earlier one locks
	held   map[store.ID]heldNode

	inserted bool
}

var _ store.Tx = (*tx)(nil)

// wants is what a run locks from its start, because an earlier one came to lock it or lost for want of it.
type wants struct {
	nodes      map[store.ID]bool
	generation bool
}

// ahead are the statements that lock it: nodes first, in ascending order; whoever moves the generation has locked its own by then.
func (w *wants) ahead(s *session) (statements []statement) {
	if len(w.nodes) > 0 {
		statements = append(statements, statement{sql: sqlHoldAhead, args: []any{numbers(slices.Collect(maps.Keys(w.nodes)))}})
	}
	if w.generation {
		statements = append(statements, s.readGeneration(sqlHoldGeneration))
	}
	return statements
}

// heldNode is a node that nobody else can take away until the transaction ends.
type heldNode struct {
	exclusive bool // nor change
	node      store.Node
}

// commit makes the transaction durable. The generation moves last, so that its row is held only for a moment.
func (t *tx) commit(ctx context.Context) error {
	if !t.begun && !t.bump && len(t.later) == 0 {
		return nil
	}
	if t.oneTrip() {
		err := t.store.writers.join(ctx, t.later...)
		if err == nil {
			t.later = nil
			return nil
		}
		if !errors.Is(err, errApart) {
			return fault(ctx, "commit", err)
		}
	}
	statements := []statement{{sql: sqlCommit}}
	if t.bump {
		statements = append([]statement{t.readGeneration(sqlBump)}, statements...)
		t.moved, t.guess = true, 0 // it was judged
	}
	tag, err := t.exchange(ctx, "commit", statements...)
	if err != nil {
		return err
	}
	t.begun = false
	if tag.String() != sqlCommit { // PostgreSQL answers ROLLBACK when a statement had failed and the function went on
		return errs.New(errs.Internal, "TransactionBroken", "the transaction was rolled back: a statement of it had failed")
	}
	t.moved = false
	t.store.ids.give(t.fetched)
	return nil
}

// oneTrip reports whether all that the transaction does is known before anything of it is sent, so that it may go together with others.
func (t *tx) oneTrip() bool { return t.hopeful && !t.begun && !t.bump && !t.mustKnow() }

// want notes nodes that are about to be locked.
func (t *tx) want(ids ...store.ID) {
	for _, id := range ids {
		t.wanted.nodes[id] = true
	}
}

// hold notes a node that stays where it is until the transaction ends.
func (t *tx) hold(n store.Node, exclusive bool) {
	if t.held == nil {
		t.held = map[store.ID]heldNode{}
	}
	t.held[n.ID] = heldNode{exclusive, row.OwnCopy(n)}
}

// Inserted reports whether a node was added.
func (t *tx) Inserted() bool { return t.inserted }

// mine returns a node that only this transaction can change, as it is.
func (t *tx) mine(id store.ID) (store.Node, bool) {
	h := t.held[id]
	return row.OwnCopy(h.node), h.exclusive
}

// Node returns a node by id.
func (t *tx) Node(ctx context.Context, id store.ID) (store.Node, error) {
	if n, known := t.mine(id); known && !t.over {
		return n, row.GaveUp(ctx)
	}
	return t.session.Node(ctx, id)
}

// Save writes what may change of a node.
func (t *tx) Save(ctx context.Context, n store.Node) error {
	t.want(n.ID)
	args := []any{int64(n.ID), n.Flag, n.ETag, none(row.PackRefs(n.Refs)), row.Micros(n.Changed), none(n.Body)}
	if h, held := t.held[n.ID]; held {
		err := t.write(ctx, "save a node", sqlSave, args...)
		if err == nil && h.exclusive {
			h.node.Flag, h.node.ETag, h.node.Refs, h.node.Changed, h.node.Body = n.Flag, n.ETag, n.Refs, row.Time(row.Micros(n.Changed)), some(n.Body)
			t.hold(h.node, true)
		}
		return err
	}
	changed, err := t.query(ctx, "save a node", nil, sqlSave, args...)
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
	delete(t.held, id)
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
	t.held = nil
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
	if len(ids) == 1 {
		if n, known := t.mine(ids[0]); known && !t.over {
			return []store.Node{n}, row.GaveUp(ctx)
		}
	}
	return t.holdAnd(ctx, mode, ids, t.readGeneration(sqlGeneration))
}

// HoldAndWalk holds and walks in one round trip. Each statement sees what was committed when it begins: the walk what the hold waited for.
func (t *tx) HoldAndWalk(ctx context.Context, mode store.LockMode, id, from store.ID, steps []store.Step) (store.Node, []store.Node, error) {
	w := newWalk(from, steps)
	if mode == store.Shared && len(steps) == len(w.steps) {
		if n, hoped, err := t.boldly(ctx, id, w); hoped || err != nil {
			return n, nil, err
		}
	}
	next := t.readGeneration(sqlGeneration)
	if len(w.steps) > 0 {
		next = w.statement(t.session)
	}
	held, err := t.holdAnd(ctx, mode, []store.ID{id}, next)
	if err != nil {
		return store.Node{}, nil, err
	}
	t.store.memory.Keep(held[0])
	met, err := t.walkOn(ctx, w, steps)
	return held[0], met, err
}

// holdAnd holds nodes and reads the generation behind it: what is held does not move any more, and what is not held may move behind any reading of it.
func (t *tx) holdAnd(ctx context.Context, mode store.LockMode, ids []store.ID, next statement) ([]store.Node, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	t.want(ids...)
	sql := sqlHoldShared
	if mode == store.Exclusive {
		sql = sqlHoldExclusive
	}
	var held []store.Node
	if _, err := t.send(ctx, "hold nodes", statement{sql, []any{numbers(ids)}, into(&held)}, next); err != nil {
		return nil, err
	}
	byID := make(map[store.ID]store.Node, len(held))
	for _, n := range held {
		byID[n.ID] = n
		t.hold(n, mode == store.Exclusive)
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
	if value == nil {
		return t.write(ctx, "write meta", sqlDropMeta, key)
	}
	return t.write(ctx, "write meta", sqlPutMeta, key, value)
}

// Bump asks for a new generation when the transaction commits.
func (t *tx) Bump(ctx context.Context) error {
	if t.over {
		return row.Over()
	}
	t.bump = true
	return row.GaveUp(ctx)
}

// Generation returns the committed generation, or the one that this transaction will commit.
func (t *tx) Generation(ctx context.Context) (int64, error) {
	if t.bump {
		return t.moveGeneration(ctx)
	}
	return t.session.Generation(ctx)
}

// moveGeneration makes the generation grow; from here to the end other transactions that bump have to wait.
func (t *tx) moveGeneration(ctx context.Context) (int64, error) {
	if err := t.judge(ctx); err != nil {
		return 0, err
	}
	t.bump, t.moved, t.guess = false, true, 0 // it was judged
	_, err := t.send(ctx, "move the generation", t.readGeneration(sqlBump))
	return t.generation, err
}
