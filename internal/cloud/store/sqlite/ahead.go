package sqlite

import (
	"bytes"
	"context"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
)

// ahead is what an update's function does before the writer has come to it: it runs beside others, takes what it holds for what is remembered, and what it writes is noted. If that is all,
// the writer compares and writes it, in a fraction of the time that the function takes. What else it asks waits for the function's turn, which begins with what was noted. When something is
// not as it had been told, the function runs again, in its turn.
type ahead struct {
	ctx        context.Context
	generation int64 // as it was told
	told       bool
	steps      []step
	writes     int            // so many rows
	free       map[place]bool // names that were told to be free, and that nothing was inserted under
	inserted   bool
}

// step is something that was noted.
type step func(ctx context.Context, t *tx) error

// place is where a name stands.
type place struct {
	parent    store.ID
	typ, name string
}

func placeOf(parent store.ID, typ, name string) place {
	return place{parent, row.Key(typ), row.Key(name)}
}

// errDashed says that something is not as it had been told.
var errDashed = row.Meanwhile()

// runAhead runs fn ahead as far as that goes.
func (s *Store) runAhead(ctx context.Context, fn func(*tx) error) error {
	a := &ahead{ctx: ctx, generation: s.generation.Load(), free: map[place]bool{}}
	t := &tx{store: s, ahead: a, reader: reader{path: s.path, generation: a.generation}, inserted: &a.inserted}
	t.enter = t.takeTurn
	err := t.run(fn)
	switch {
	case t.request != nil: // it had its turn
		return t.request.runInTurn(ctx, fn)
	case len(a.steps) == 0: // what it says rests on what was committed
		if lost := s.durable.wait(); lost != nil {
			return lost
		}
		return err
	case err != nil:
		a = nil
	}
	return s.runInTurn(ctx, newRequest(a), fn)
}

// takeTurn waits for the function's turn, and does what was noted.
func (t *tx) takeTurn(ctx context.Context) error {
	if t.dashed {
		return errDashed
	}
	req := newRequest(nil)
	if err := t.store.queued(ctx, req); err != nil {
		return err
	}
	now := <-req.turn
	if now.err != nil {
		return now.err
	}
	a := t.ahead
	t.request, t.ahead, t.enter = req, nil, nil
	t.conn, t.generation, t.next, t.inserted = now.tx.conn, now.tx.generation, now.tx.next, now.tx.inserted
	if err := a.carryOut(t); err != nil {
		t.dashed, t.enter = true, t.takeTurn
		return err
	}
	return nil
}

// carryOut does what was noted.
func (a *ahead) carryOut(t *tx) error {
	if a.told && t.generation != a.generation {
		return errDashed
	}
	for _, do := range a.steps {
		if err := do(a.ctx, t); err != nil {
			return err
		}
	}
	for at := range a.free {
		if _, found, err := t.reader.node(a.ctx, sqlChild, int64(at.parent), at.typ, at.name); err != nil || found {
			return errDashed
		}
	}
	return nil
}

// isAhead reports whether what is written is noted; otherwise the transaction has its turn, and does it itself.
func (t *tx) isAhead() bool { return t.ahead != nil && !t.over }

// note notes a step that writes so many rows.
func (t *tx) note(writes int, do step) {
	t.ahead.steps, t.ahead.writes = append(t.ahead.steps, do), t.ahead.writes+writes
}

// Generation is the one that is committed, or that this transaction bumped.
func (t *tx) Generation(ctx context.Context) (int64, error) {
	if !t.isAhead() {
		return t.reader.Generation(ctx)
	}
	t.ahead.told = true
	return t.ahead.generation, row.GaveUp(ctx)
}

// foresee answers a hold and a walk of one step by what is remembered. false when it has to be looked for.
func (t *tx) foresee(id, from store.ID, steps []store.Step) (held store.Node, hoped bool) {
	if !t.isAhead() || len(steps) != 1 || from == row.Trash || t.store.memory.Taken(from, steps[0]) {
		return held, false
	}
	held, known := t.store.memory.Node(id)
	if !known {
		return held, false
	}
	t.ahead.free[placeOf(from, steps[0].Type, steps[0].Name)] = true
	t.note(0, func(ctx context.Context, t *tx) error {
		now, err := t.node(ctx, id)
		if err == nil && (now.Flag != held.Flag || now.ETag != held.ETag || !now.Changed.Equal(held.Changed)) {
			err = errDashed
		}
		return err
	})
	return held, true
}

// insertLater notes a node that is to be inserted.
func (t *tx) insertLater(n *store.Node) {
	n.ID = t.store.newID()
	delete(t.ahead.free, placeOf(n.Parent, n.Type, n.Name)) // the insert tells
	t.store.memory.Take(n.Parent, store.Step{Type: n.Type, Name: n.Name})
	t.ahead.inserted = true
	own := row.OwnCopy(*n)
	t.note(1, func(ctx context.Context, t *tx) error { return t.insertAll(ctx, &own) })
}

// extensionLater, operationLater and metaLater note what is to be written. The caller may use its buffers again.
func (t *tx) extensionLater(e store.Extension) {
	e.Body = bytes.Clone(e.Body)
	t.note(1, func(ctx context.Context, t *tx) error { return t.PutExtension(ctx, e) })
}

func (t *tx) operationLater(o store.Operation) {
	o.Input, o.Result = bytes.Clone(o.Input), bytes.Clone(o.Result)
	t.note(1, func(ctx context.Context, t *tx) error { return t.PutOperation(ctx, o) })
}

func (t *tx) metaLater(key string, value []byte) {
	value = bytes.Clone(value)
	t.note(1, func(ctx context.Context, t *tx) error { return t.PutMeta(ctx, key, value) })
}
