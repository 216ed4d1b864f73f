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

	generation int64 // as it was met
	met        []store.Node
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

// read goes the way.
func (w *walk) read() statement {
	args := []any{int64(w.from)}
	for _, step := range w.steps {
		args = append(args, step.Type, step.Name)
	}
	return statement{sqlWalks[len(w.steps)], args, w.scan}
}

// statement goes the way for a session.
func (w *walk) statement(s *session) statement {
	st := w.read()
	st.see = func(rows pgx.Rows) error {
		err := w.scan(rows)
		s.saw(w)
		return err
	}
	return st
}

// saw takes over what a walk told.
func (s *session) saw(w *walk) {
	s.known, s.generation = true, w.generation
	if at := len(w.steps); len(w.met) == at && at > 0 {
		s.store.memory.Take(w.met[at-1].Parent, w.steps[at-1])
	}
}

// again goes the way once more, which is to find the same nodes and the same generation.
func (w *walk) again(s *session) statement {
	st := w.read()
	st.see = func(rows pgx.Rows) error {
		now := walk{from: w.from, steps: w.steps}
		err := now.scan(rows)
		s.dashed = s.dashed || now.generation != s.generation || !reflect.DeepEqual(now.met, w.met)
		s.generation = now.generation
		return err
	}
	return st
}

// scan reads the row of a walk.
func (w *walk) scan(rows pgx.Rows) error {
	raw := rows.RawValues()
	into := make([]any, len(raw)) // what stays nil is passed over
	into[0] = &w.generation
	lines := make([]nodeLine, 0, len(w.steps))
	for at := 1; at < len(raw) && raw[at] != nil; at += nodeWidth {
		lines = append(lines, nodeLine{})
		lines[len(lines)-1].into(into[at : at+nodeWidth])
	}
	if err := rows.Scan(into...); err != nil {
		return err
	}
	w.met = make([]store.Node, 0, len(lines))
	for i := range lines {
		n, err := lines[i].node()
		if err != nil {
			return err
		}
		w.met = append(w.met, n)
	}
	return nil
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
	if s.begin != sqlBeginRead || !s.hopeful || s.begun || s.alone != nil {
		_, err := s.send(ctx, "read nodes", w.statement(s))
		return err
	}
	st := w.read()
	if err := s.check(ctx, []statement{st}); err != nil {
		return err
	}
	if err := s.store.readers.join(ctx, st); err != nil {
		return fault(ctx, "read nodes", err)
	}
	s.saw(w)
	s.alone = w
	return s.believed()
}
