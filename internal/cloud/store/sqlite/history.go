package sqlite

import (
	"context"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite/lite"
)

// history are the statements by which one table goes back.
type history struct{ clear, putBack, forget, passOn, drop *lite.Query }

var (
	sqlForks     = lite.NewQuery(`SELECT number, name, made FROM fork ORDER BY number`)
	sqlFork      = lite.NewQuery(`INSERT INTO fork (name, name_key, made) VALUES ($1, $2, $3)`)
	sqlLaterFork = lite.NewQuery(`DELETE FROM fork WHERE number > $1`)
	sqlDropFork  = lite.NewQuery(`DELETE FROM fork WHERE number = $1`)
	sqlHistory   = histories()
)

func histories() (all []history) {
	for _, t := range row.Tables("") {
		all = append(all, history{lite.NewQuery(t.Clear()), lite.NewQuery(t.PutBack()), lite.NewQuery(t.Forget()), lite.NewQuery(t.PassOn()), lite.NewQuery(t.Drop())})
	}
	return all
}

// keeping makes the triggers that keep rows as they were, and forgetting takes them away. They are there only while there are forks: nobody else pays.
var keeping, forgetting = triggers()

func triggers() (make, drop string) {
	var m, d strings.Builder
	for _, t := range row.Tables("") {
		for _, c := range []struct{ what, values string }{
			{"insert", `(fork, there, ` + t.Keys("") + `) SELECT newest.number, 0, ` + t.Keys("NEW.")},
			{"update", `(fork, there, ` + t.Columns("") + `) SELECT newest.number, 1, ` + t.Columns("OLD.")},
			{"delete", `(fork, there, ` + t.Columns("") + `) SELECT newest.number, 1, ` + t.Columns("OLD.")},
		} {
			row := "OLD."
			if c.what == "insert" {
				row = "NEW."
			}
			m.WriteString(`CREATE TRIGGER IF NOT EXISTS ` + t.Name + `_before_` + c.what + ` AFTER ` + strings.ToUpper(c.what) + ` ON ` + t.Name + ` BEGIN
				INSERT INTO ` + t.Name + `_before ` + c.values + ` FROM (SELECT max(number) AS number FROM fork) AS newest
				WHERE NOT EXISTS (SELECT 1 FROM ` + t.Name + `_before WHERE (` + t.Keys("") + `, fork) = (` + t.Keys(row) + `, newest.number)); END;`)
			d.WriteString(`DROP TRIGGER IF EXISTS ` + t.Name + `_before_` + c.what + `;`)
		}
	}
	return m.String(), d.String()
}

// Forks lists the forks.
func (r *reader) Forks(ctx context.Context) ([]store.Fork, error) {
	numbered, err := r.forks(ctx)
	var forks []store.Fork
	for _, f := range numbered {
		forks = append(forks, f.Fork)
	}
	return forks, err
}

func (r *reader) forks(ctx context.Context) (all []row.Numbered, err error) {
	err = r.must(ctx, "read forks", sqlForks, func(line lite.Row) {
		all = append(all, row.Numbered{Number: line.Int(0), Fork: store.Fork{Name: line.Text(1), Made: row.Time(line.Int(2))}})
	})
	return all, err
}

// Fork gives the state a name.
func (t *tx) Fork(ctx context.Context, name string, made time.Time) error {
	if err := row.CheckFork(name); err != nil {
		return err
	}
	err := t.must(ctx, "make a fork", sqlFork, nil, name, row.Key(name), row.Micros(made))
	if taken(err) {
		return row.ForkExists(name)
	}
	if err != nil {
		return err
	}
	return t.script("make a fork", keeping)
}

// Rewind goes back to a fork.
func (t *tx) Rewind(ctx context.Context, name string, before func() error) error {
	forks, err := t.forks(ctx)
	if err != nil {
		return err
	}
	fork, _, err := row.FindFork(forks, name)
	if err == nil && before != nil {
		err = before()
	}
	if err != nil {
		return err
	}
	clear(t.store.held)
	for _, h := range sqlHistory {
		for _, q := range []*lite.Query{h.clear, h.putBack, h.forget} {
			if err := t.must(ctx, "go back to a fork", q, nil, fork.Number); err != nil {
				return err
			}
		}
	}
	if err := t.must(ctx, "go back to a fork", sqlLaterFork, nil, fork.Number); err != nil {
		return err
	}
	return t.Bump(ctx)
}

// DropFork forgets a fork.
func (t *tx) DropFork(ctx context.Context, name string) error {
	forks, err := t.forks(ctx)
	if err != nil {
		return err
	}
	fork, before, err := row.FindFork(forks, name)
	if err != nil {
		return err
	}
	for _, h := range sqlHistory {
		if before > 0 {
			if err := t.must(ctx, "drop a fork", h.passOn, nil, before, fork.Number); err != nil {
				return err
			}
		}
		if err := t.must(ctx, "drop a fork", h.drop, nil, fork.Number); err != nil {
			return err
		}
	}
	if err := t.must(ctx, "drop a fork", sqlDropFork, nil, fork.Number); err != nil || len(forks) > 1 {
		return err
	}
	return t.script("drop a fork", forgetting)
}

// script changes the schema within the transaction.
func (t *tx) script(verb, text string) error {
	if err := t.conn.Exec(text); err != nil {
		return fault(t.path, verb, err)
	}
	return nil
}
