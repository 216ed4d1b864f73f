package postgres

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
)

// maxHops is how far one statement walks.
const maxHops = 8

// sqlWalks are the walks of so many hops: one row with the generation and the node of each hop, NULL from the first that is missing.
var sqlWalks = walks()

func walks() (all [maxHops + 1]string) {
	columns, from := "g.number", "cloud_generation g"
	for n := 1; n <= maxHops; n++ {
		above := "$1::bigint"
		if n > 1 {
			above = fmt.Sprintf("n%d.id", n-1)
		}
		columns += fmt.Sprintf(", n%d.", n) + strings.ReplaceAll(nodeColumns, ", ", fmt.Sprintf(", n%d.", n))
		from += fmt.Sprintf(" LEFT JOIN cloud_node n%d ON n%d.parent = %s AND n%d.parent <> -1 AND n%d.type_key = $%d AND n%d.name_key = $%d", n, n, above, n, n, 2*n, n, 2*n+1)
		all[n] = "SELECT " + columns + " FROM " + from
	}
	return all
}

func isWalk(sql string) bool { return strings.HasPrefix(sql, "SELECT g.number") }

// walk is one statement's way down.
type walk struct {
	from  store.ID
	steps []store.Step
	met   []store.Node
}

// newWalk takes the steps that some node can have, as many as one statement goes.
func newWalk(from store.ID, steps []store.Step) *walk {
	w := &walk{from: from}
	for _, step := range steps[:min(len(steps), maxHops)] {
		step = store.Step{Type: row.Key(step.Type), Name: row.Key(step.Name)}
		if row.CheckWord("type", step.Type) != nil || row.CheckWord("name", step.Name) != nil {
			break // nothing can have such a name
		}
		w.steps = append(w.steps, step)
	}
	return w
}

// statement goes the way.
func (w *walk) statement(s *session) statement {
	args := []any{int64(w.from)}
	for _, step := range w.steps {
		args = append(args, step.Type, step.Name)
	}
	return statement{sqlWalks[len(w.steps)], args, func(rows pgx.Rows) (err error) {
		w.met, err = s.scanWalk(rows, len(w.steps))
		if at := len(w.steps); len(w.met) == at && at > 0 {
			s.store.memory.take(w.met[at-1].Parent, w.steps[at-1])
		}
		return err
	}}
}

// again goes the way once more, which is to find the same nodes and the same generation.
func (w *walk) again(s *session) statement {
	generation := s.generation
	st := w.statement(s)
	st.see = func(rows pgx.Rows) error {
		met, err := s.scanWalk(rows, len(w.steps))
		s.dashed = s.dashed || generation != s.generation || !reflect.DeepEqual(met, w.met)
		return err
	}
	return st
}

// scanWalk reads the row of a walk.
func (s *session) scanWalk(rows pgx.Rows, hops int) ([]store.Node, error) {
	s.known = true
	raw := rows.RawValues()
	into := make([]any, len(raw)) // what stays nil is passed over
	into[0] = &s.generation
	lines := make([]nodeLine, 0, hops)
	for at := 1; at < len(raw) && raw[at] != nil; at += nodeWidth {
		lines = append(lines, nodeLine{})
		lines[len(lines)-1].into(into[at : at+nodeWidth])
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	met := make([]store.Node, 0, len(lines))
	for i := range lines {
		n, err := lines[i].node()
		if err != nil {
			return nil, err
		}
		met = append(met, n)
	}
	return met, nil
}

// Walk goes all the way in one query, unless it is very long.
func (s *session) Walk(ctx context.Context, from store.ID, steps []store.Step) ([]store.Node, error) {
	w := newWalk(from, steps)
	if err := s.take(ctx, w); err != nil {
		return nil, err
	}
	return s.walkOn(ctx, w, steps)
}

// walkOn goes on where one statement could not go further.
func (s *session) walkOn(ctx context.Context, w *walk, steps []store.Step) ([]store.Node, error) {
	if len(w.met) < maxHops || len(steps) == maxHops {
		return slices.Clone(w.met), nil // what was met alone is compared later
	}
	below, err := s.Walk(ctx, w.met[maxHops-1].ID, steps[maxHops:])
	return slices.Concat(w.met, below), err
}

// take goes one statement's way: alone, when it is the first of a view that hopes.
func (s *session) take(ctx context.Context, w *walk) error {
	if len(w.steps) == 0 {
		return s.check(ctx, nil)
	}
	st := w.statement(s)
	if s.begin != sqlBeginRead || !s.hopeful || s.begun || s.alone != nil {
		_, err := s.send(ctx, "read nodes", st)
		return err
	}
	if err := s.check(ctx, []statement{st}); err != nil {
		return err
	}
	_, err := s.judged(ctx, "read nodes", false, []statement{st})
	if err == nil {
		s.alone = w
	}
	return err
}
