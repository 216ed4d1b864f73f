package postgres

import (
	"context"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
)

// boldly takes a hold and a walk of one step, which come first, for what they are hoped to find. false when there is no hope, and they have to be asked.
func (t *tx) boldly(ctx context.Context, id store.ID, w *walk) (held store.Node, hoped bool, err error) {
	guess, guessed := t.guessGeneration()
	if !guessed || len(t.later) > 0 || t.bump || len(w.steps) != 1 || w.from == store.Root {
		return held, false, nil
	}
	held, known := t.store.memory.Node(id)
	if !known || t.store.memory.Taken(w.from, w.steps[0]) {
		return held, false, nil
	}
	t.want(id)
	if err := t.write(ctx, "hold a node", sqlHoldAsKnown, int64(id), held.Flag, held.ETag, row.Micros(held.Changed)); err != nil {
		return held, false, err
	}
	if err := t.write(ctx, "walk", sqlStillFree, guess, int64(w.from), w.steps[0].Type, w.steps[0].Name); err != nil {
		return held, false, err
	}
	t.vouched = true
	t.hold(held, false)
	return held, true, nil
}
