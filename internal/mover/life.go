package mover

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/amlmove/amlmove/internal/errs"
)

// Record is what the journal says of a run.
type Record struct {
	ID      string    `json:"id"`
	State   State     `json:"state"`
	Attempt int       `json:"attempt"`
	Began   time.Time `json:"began"`
	Ended   time.Time `json:"ended"` // of the last attempt; zero while it runs
	Reason  string    `json:"reason,omitempty"`
}

// asker asks for one row: a database, or a transaction.
type asker interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// record reads the run's row. NotFound when the run was never begun on this database.
func (j *journal) record(ctx context.Context) (Record, error) { return j.recordIn(ctx, j.db) }

func (j *journal) recordIn(ctx context.Context, db asker) (Record, error) {
	r := Record{ID: j.id}
	var began, ended int64
	err := db.QueryRowContext(ctx, "SELECT state, attempt, began, ended, reason FROM amlmove_run WHERE id = $1", j.run).Scan(&r.State, &r.Attempt, &began, &ended, &r.Reason)
	if errors.Is(err, sql.ErrNoRows) {
		return r, errs.New(errs.NotFound, "RunNotInDatabase", "the database knows no run %s", j.id).Advise("name the database with which the run was begun: --db")
	}
	if err != nil {
		return r, databaseError(err, j.id)
	}
	r.Began, r.Ended = instant(began), instant(ended)
	return r, nil
}

func instant(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}

// enter makes the run's row, as ready, unless it is there, and takes the run over from whoever had it: the lock says that nobody works on it, or that nobody can know any more. NotFound when
// there is none and the run is not the database's to begin.
func (j *journal) enter(begins bool) error {
	j.me = uuid.NewString()
	return j.pen.write(func(ctx context.Context, tx *sql.Tx) error {
		if !begins {
			if _, err := j.recordIn(ctx, tx); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO amlmove_run (id, state, attempt, began, ended, reason) VALUES ($1, $2, 0, $3, 0, '') ON CONFLICT DO NOTHING", j.run, string(Ready), j.stamp())
		if err == nil {
			_, err = tx.ExecContext(ctx, "INSERT INTO amlmove_holder (run, holder) VALUES ($1, $2) ON CONFLICT (run) DO UPDATE SET holder = excluded.holder", j.run, j.me)
		}
		if err != nil {
			return databaseError(err, j.id)
		}
		return nil
	})
}

// mine holds the run for a transaction. Conflict when another process has it: the lock on PostgreSQL is a session's, and a session can be lost without the process noticing.
func (j *journal) mine(ctx context.Context, tx *sql.Tx) error {
	held, err := tx.ExecContext(ctx, "UPDATE amlmove_holder SET holder = holder WHERE run = $1 AND holder = $2", j.run, j.me)
	if err != nil {
		return err
	}
	if rows, err := held.RowsAffected(); err != nil || rows == 1 {
		return err
	}
	return errs.New(errs.Conflict, "RunBusy", "another process has taken the run %s over, because this one had lost its session on the database", j.id).Advise("leave it to that process")
}

// become changes the state of the run. A change that is not legal is a defect and changes nothing.
func (j *journal) become(next State, why string) error {
	return j.write(func(ctx context.Context, tx *sql.Tx) error {
		r, err := j.recordIn(ctx, tx)
		if err != nil {
			return err
		}
		return j.turn(ctx, tx, r, next, why)
	})
}

// conclude ends an attempt as its workflow found. One that is not the run's any more ends nothing: another has begun since.
func (j *journal) conclude(attempt int, v verdict) error {
	return j.write(func(ctx context.Context, tx *sql.Tx) error {
		r, err := j.recordIn(ctx, tx)
		if err != nil || r.Attempt != attempt {
			return err
		}
		return j.turn(ctx, tx, r, v.State, v.Reason)
	})
}

// attempt begins the next attempt, in a state, and returns its number.
func (j *journal) attempt(state State) (n int, err error) {
	err = j.write(func(ctx context.Context, tx *sql.Tx) error {
		r, err := j.recordIn(ctx, tx)
		if err != nil {
			return err
		}
		if err := j.turn(ctx, tx, r, state, ""); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, "UPDATE amlmove_run SET attempt = attempt + 1 WHERE id = $1 RETURNING attempt", j.run).Scan(&n)
	})
	return n, err
}

// turn changes the state of a run that is as r says.
func (j *journal) turn(ctx context.Context, tx *sql.Tx, r Record, next State, why string) error {
	if r.State == next {
		return nil
	}
	if !r.State.CanBecome(next) {
		return errs.New(errs.Conflict, "RunState", "the run %s is %s and cannot become %s", j.id, r.State, next)
	}
	ended := int64(0)
	if next != Running && next != RollingBack && next != Ready {
		ended = j.stamp()
	}
	_, err := tx.ExecContext(ctx, "UPDATE amlmove_run SET state = $1, ended = $2, reason = $3 WHERE id = $4", string(next), ended, why, j.run)
	return err
}

// renew begins a new life of a run that went back: ready, with nothing done. The requests of the earlier life stay, as history; what was sent from now on is the new life's own.
func (j *journal) renew() error {
	return j.write(func(ctx context.Context, tx *sql.Tx) error {
		r, err := j.recordIn(ctx, tx)
		if err != nil {
			return err
		}
		for _, table := range []string{"amlmove_step", "amlmove_cursor", "amlmove_remark"} {
			if _, err := tx.ExecContext(ctx, fmt.Sprintf("DELETE FROM %s WHERE run = $1", table), j.run); err != nil { //nolint:gosec // the names are ours
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO amlmove_life (run, since) SELECT CAST($1 AS TEXT), COALESCE(MAX(number), 0) FROM amlmove_request WHERE run = $1
			ON CONFLICT (run) DO UPDATE SET since = excluded.since`, j.run)
		if err != nil {
			return err
		}
		return j.turn(ctx, tx, r, Ready, "")
	})
}

// thisLife is the condition of requests that were sent in the life in which the run is.
const thisLife = "run = $1 AND number > COALESCE((SELECT since FROM amlmove_life WHERE run = $1), 0)"

// explain changes the reason of the run's state.
func (j *journal) explain(why string) error {
	return j.exec("UPDATE amlmove_run SET reason = $1 WHERE id = $2", why, j.run)
}
