package sqlite

import (
	"context"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite/lite"
)

// collectStep is how many nodes one update deletes: a few milliseconds of the writer.
const collectStep = 200

// Collect deletes trashed nodes, leaves first.
func (s *Store) Collect(ctx context.Context, limit int) (int, error) {
	if err := row.CheckLimit(limit); err != nil {
		return 0, err
	}
	total := 0
	for total < limit {
		step, deleted := min(collectStep, limit-total), 0
		err := s.update(ctx, func(t *tx) error {
			left := step
			_, err := t.collect(ctx, row.Trash, &left)
			deleted = step - left
			return err
		})
		if err != nil {
			return total, err
		}
		total += deleted
		if deleted < step {
			break
		}
	}
	return total, nil
}

// collect deletes what hangs below a parent until nothing is left of the budget; it reports whether all of it is gone.
func (t *tx) collect(ctx context.Context, parent store.ID, left *int) (bool, error) {
	var kids []store.ID
	asked := *left
	see := func(line lite.Row) { kids = append(kids, store.ID(line.Int(0))) }
	if err := t.must(ctx, "collect trash", sqlKids, see, int64(parent), int64(asked)); err != nil {
		return false, err
	}
	for _, kid := range kids {
		if *left == 0 {
			return false, nil
		}
		bare, err := t.collect(ctx, kid, left)
		if err != nil {
			return false, err
		}
		if !bare || *left == 0 {
			return false, nil
		}
		delete(t.store.held, kid)
		if err := t.must(ctx, "collect trash", sqlDelete, nil, int64(kid)); err != nil {
			return false, err
		}
		*left--
	}
	return len(kids) < asked, nil
}
