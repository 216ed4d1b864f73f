package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/amlmove/amlmove/internal/cloud/store/row"
)

// collectStep is how many nodes one transaction deletes: locks are held for a moment only.
const collectStep = 500

// Collect deletes trashed nodes, leaves first.
func (s *Store) Collect(ctx context.Context, limit int) (int, error) {
	if err := row.CheckLimit(limit); err != nil {
		return 0, err
	}
	total := 0
	for total < limit {
		deleted := 0
		err := s.update(ctx, func(t *tx) (err error) {
			deleted, err = t.collect(ctx, min(collectStep, limit-total))
			return err
		})
		total += deleted
		if err != nil || deleted == 0 {
			return total, err
		}
	}
	return total, nil
}

// collect goes down level by level, at most limit nodes wide, holding what it meets, and deletes from the lowest
// level upward what has no children. Somebody may be inserting below a node: the insert holds its parent, so either it is
// waited for and its node keeps the parent alive, or it waits and finds the parent gone.
func (t *tx) collect(ctx context.Context, limit int) (int, error) {
	var levels [][]int64
	first := statement{sql: sqlCollectLock, args: []any{int64(collectLock)}}
	for above := []int64{int64(row.Trash)}; ; {
		var level []int64
		statements := []statement{{sqlBelow, []any{above, int64(limit)}, func(rows pgx.Rows) error {
			var id int64
			err := rows.Scan(&id)
			level = append(level, id)
			return err
		}}}
		if len(levels) == 0 {
			statements = append([]statement{first}, statements...)
		}
		if _, err := t.send(ctx, "collect trash", statements...); err != nil {
			return 0, err
		}
		if len(level) == 0 {
			break
		}
		levels, above = append(levels, level), level
	}
	deleted := 0
	for i := len(levels) - 1; i >= 0 && deleted < limit; i-- {
		level := levels[i]
		count, err := t.query(ctx, "collect trash", nil, sqlDeleteBare, level[:min(len(level), limit-deleted)])
		if err != nil {
			return 0, err
		}
		deleted += int(count)
	}
	return deleted, nil
}
