package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
)

const (
	sqlForks     = `SELECT number, name, made FROM cloud_fork ORDER BY number`
	sqlFork      = `INSERT INTO cloud_fork (name, name_key, made) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
	sqlLaterFork = `DELETE FROM cloud_fork WHERE number > $1`
	sqlDropFork  = `DELETE FROM cloud_fork WHERE number = $1`
	// Waits for all transactions that have written and keeps others from beginning to write; who reads goes on. A fork so is a state between transactions.
	sqlStandStill = `LOCK TABLE cloud_node, cloud_extension, cloud_operation, cloud_meta, cloud_fork IN SHARE ROW EXCLUSIVE MODE`
)

// keeping makes the triggers that keep rows as they were, and forgetting takes them away. They are there only while there are forks: nobody else pays.
var keeping, forgetting = triggers()

func triggers() (keeping, forgetting []string) {
	for _, t := range row.Tables("cloud_") {
		name := t.Name + `_before`
		keeping = append(keeping, `CREATE OR REPLACE FUNCTION `+name+`_keep() RETURNS trigger LANGUAGE plpgsql AS $keep$
			BEGIN
				IF TG_OP = 'INSERT' THEN
					INSERT INTO `+name+` (fork, there, `+t.Keys("")+`) SELECT max(number), 0, `+t.Keys("NEW.")+` FROM cloud_fork HAVING max(number) IS NOT NULL ON CONFLICT DO NOTHING;
				ELSE
					INSERT INTO `+name+` (fork, there, `+t.Columns("")+`) SELECT max(number), 1, `+t.Columns("OLD.")+` FROM cloud_fork HAVING max(number) IS NOT NULL ON CONFLICT DO NOTHING;
				END IF;
				RETURN NULL;
			END $keep$`,
			`CREATE OR REPLACE TRIGGER `+name+`_keep AFTER INSERT OR UPDATE OR DELETE ON `+t.Name+` FOR EACH ROW EXECUTE FUNCTION `+name+`_keep()`)
		forgetting = append(forgetting, `DROP TRIGGER IF EXISTS `+name+`_keep ON `+t.Name)
	}
	return keeping, forgetting
}

// Forks lists the forks.
func (s *session) Forks(ctx context.Context) ([]store.Fork, error) {
	numbered, err := s.forks(ctx)
	var forks []store.Fork
	for _, f := range numbered {
		forks = append(forks, f.Fork)
	}
	return forks, err
}

func (s *session) forks(ctx context.Context) (all []row.Numbered, err error) {
	_, err = s.query(ctx, "read forks", func(rows pgx.Rows) error {
		var f row.Numbered
		var made int64
		err := rows.Scan(&f.Number, &f.Name, &made)
		f.Made = row.Time(made)
		all = append(all, f)
		return err
	}, sqlForks)
	return all, err
}

// Fork gives the state a name.
func (t *tx) Fork(ctx context.Context, name string, made time.Time) error {
	if err := row.CheckFork(name); err != nil {
		return err
	}
	if _, err := t.query(ctx, "make a fork", nil, sqlStandStill); err != nil {
		return err
	}
	inserted, err := t.query(ctx, "make a fork", nil, sqlFork, name, row.Key(name), row.Micros(made))
	if err == nil && inserted == 0 {
		err = row.ForkExists(name)
	}
	if err != nil {
		return err
	}
	return t.all(ctx, "make a fork", keeping)
}

// Rewind goes back to a fork.
func (t *tx) Rewind(ctx context.Context, name string, before func() error) error {
	fork, _, _, err := t.standAt(ctx, name)
	if err == nil && before != nil {
		err = before()
	}
	if err != nil {
		return err
	}
	t.held = nil
	for _, table := range row.Tables("cloud_") {
		for _, sql := range []string{table.Clear(), table.PutBack(), table.Forget()} {
			if _, err := t.query(ctx, "go back to a fork", nil, sql, fork.Number); err != nil {
				return err
			}
		}
	}
	if _, err := t.query(ctx, "go back to a fork", nil, sqlLaterFork, fork.Number); err != nil {
		return err
	}
	return t.Bump(ctx)
}

// DropFork forgets a fork.
func (t *tx) DropFork(ctx context.Context, name string) error {
	fork, before, count, err := t.standAt(ctx, name)
	if err != nil {
		return err
	}
	for _, table := range row.Tables("cloud_") {
		if before > 0 {
			if _, err := t.query(ctx, "drop a fork", nil, table.PassOn(), before, fork.Number); err != nil {
				return err
			}
		}
		if _, err := t.query(ctx, "drop a fork", nil, table.Drop(), fork.Number); err != nil {
			return err
		}
	}
	if _, err := t.query(ctx, "drop a fork", nil, sqlDropFork, fork.Number); err != nil || count > 1 {
		return err
	}
	return t.all(ctx, "drop a fork", forgetting)
}

// standAt lets everything stand still, and finds a fork, the number of the one before it, and how many there are.
func (t *tx) standAt(ctx context.Context, name string) (fork row.Numbered, before int64, count int, err error) {
	if _, err := t.query(ctx, "find a fork", nil, sqlStandStill); err != nil {
		return fork, 0, 0, err
	}
	forks, err := t.forks(ctx)
	if err != nil {
		return fork, 0, 0, err
	}
	fork, before, err = row.FindFork(forks, name)
	return fork, before, len(forks), err
}

// all changes the schema within the transaction, statement by statement.
func (t *tx) all(ctx context.Context, verb string, statements []string) error {
	for _, sql := range statements {
		if _, err := t.query(ctx, verb, nil, strings.TrimSpace(sql)); err != nil {
			return err
		}
	}
	return nil
}
