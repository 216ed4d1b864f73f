package sqlite

import (
	"context"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
)

// held are nodes as the writer's connection has them. The writer alone writes, so what it read stays as it is until it writes it: updates hold the same group and insert below the same
// parent again and again. What is undone is forgotten, all of it.
type held map[store.ID]store.Node

// heldAtMost bounds what is kept.
const heldAtMost = 4096

// keep keeps a node that was read.
func (h held) keep(n store.Node) {
	if len(h) >= heldAtMost {
		clear(h)
	}
	h[n.ID] = row.OwnCopy(n)
}

// saved notes what was written of a node, as it would be read.
func (h held) saved(n store.Node) {
	if kept, there := h[n.ID]; there {
		kept.Flag, kept.ETag, kept.Refs, kept.Changed, kept.Body = n.Flag, n.ETag, n.Refs, row.Time(row.Micros(n.Changed)), n.Body
		h.keep(kept)
	}
}

// node returns a node for whoever holds it, or hangs something below it.
func (t *tx) node(ctx context.Context, id store.ID) (store.Node, error) {
	if err := t.ready(ctx); err != nil {
		return store.Node{}, err
	}
	if n, there := t.store.held[id]; there {
		return row.OwnCopy(n), nil
	}
	n, err := t.Node(ctx, id)
	if err == nil {
		t.store.held.keep(n)
	}
	return n, err
}
