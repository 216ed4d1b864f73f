package mover

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover/action"
)

// journal keeps what one run does: intent and outcome of each step and of each request, with the ids that support asks for. No body of a request and no secret is
// ever in it. It implements action.Journal.
type journal struct {
	db  *sql.DB
	pen *pen
	run string // key of the run in the database
	id  string // of the run, for people
	now func() time.Time
	// hook, if there is one, is called right before and right after each write: tests kill the process there.
	hook func(moment string)
}

// exec writes.
func (j *journal) exec(query string, args ...any) error {
	return j.write(func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
}

// write does a write that a person who stops the run does not cut off.
func (j *journal) write(do func(context.Context, *sql.Tx) error) error {
	if j.hook != nil {
		j.hook("before")
	}
	if err := j.pen.write(do); err != nil {
		return errs.Wrap(errs.Unavailable, "RunJournal", err, "the journal of the run %s cannot be written", j.id).Advise("check the free space; amlmove resume %s goes on", j.id)
	}
	if j.hook != nil {
		j.hook("after")
	}
	return nil
}

func (j *journal) stamp() int64 { return j.now().UnixNano() }

func number(is bool) int {
	if is {
		return 1
	}
	return 0
}

// Begin writes down that a request is about to be sent.
func (j *journal) Begin(ctx context.Context, step string, back bool, method, path string) (n int64, err error) {
	err = j.write(func(ctx context.Context, tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `INSERT INTO amlmove_request (run, step, back, method, path, began, ended, status, correlation, request, url, reason)
			VALUES ($1, $2, $3, $4, $5, $6, 0, 0, '', '', '', '') RETURNING number`, j.run, step, number(back), method, path, j.stamp()).Scan(&n)
	})
	return n, err
}

// Answered adds the first answer.
func (j *journal) Answered(ctx context.Context, n int64, t azure.Trace) error {
	return j.exec("UPDATE amlmove_request SET status = $1, correlation = $2, request = $3, url = $4 WHERE number = $5", t.Status, t.Correlation, t.Request, t.Location, n)
}

// Ended adds the end.
func (j *journal) Ended(ctx context.Context, n int64, end error) error {
	return j.exec("UPDATE amlmove_request SET ended = $1, reason = $2 WHERE number = $3", j.stamp(), reason(end), n)
}

// Unended returns the operations that may still go on.
func (j *journal) Unended(ctx context.Context, step string, back bool) ([]action.Operation, error) {
	return query(ctx, j, func(rows *sql.Rows) (o action.Operation, err error) { return o, rows.Scan(&o.Number, &o.URL) },
		"SELECT number, url FROM amlmove_request WHERE run = $1 AND step = $2 AND back = $3 AND ended = 0 AND url <> '' ORDER BY number", j.run, step, number(back))
}

// Remark keeps what the report must say.
func (j *journal) Remark(ctx context.Context, step, kind, text string) error {
	return j.exec("INSERT INTO amlmove_remark (run, step, kind, text, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING", j.run, step, kind, text, j.stamp())
}

// Cursor returns how far a step has come.
func (j *journal) Cursor(ctx context.Context, step string) (value string, err error) {
	err = j.db.QueryRowContext(ctx, "SELECT value FROM amlmove_cursor WHERE run = $1 AND step = $2", j.run, step).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, err
}

// Advance moves the cursor.
func (j *journal) Advance(ctx context.Context, step, cursor string) error {
	return j.exec("INSERT INTO amlmove_cursor (run, step, value) VALUES ($1, $2, $3) ON CONFLICT (run, step) DO UPDATE SET value = excluded.value", j.run, step, cursor)
}

// Record is what the journal says of a run.
type Record struct {
	ID      string    `json:"id"`
	State   State     `json:"state"`
	Attempt int       `json:"attempt"`
	Began   time.Time `json:"began"`
	Ended   time.Time `json:"ended"` // of the last attempt; zero while it runs
	Reason  string    `json:"reason,omitempty"`
}

// record reads the run's row. NotFound when the run was never begun on this database.
func (j *journal) record(ctx context.Context) (Record, error) {
	r := Record{ID: j.id}
	var began, ended int64
	err := j.db.QueryRowContext(ctx, "SELECT state, attempt, began, ended, reason FROM amlmove_run WHERE id = $1", j.run).Scan(&r.State, &r.Attempt, &began, &ended, &r.Reason)
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

// enter makes the run's row, as ready, unless it is there.
func (j *journal) enter(ctx context.Context) error {
	return j.exec("INSERT INTO amlmove_run (id, state, attempt, began, ended, reason) VALUES ($1, $2, 0, $3, 0, '') ON CONFLICT DO NOTHING", j.run, string(Ready), j.stamp())
}

// become changes the state of the run. A change that is not legal is a defect and changes nothing.
func (j *journal) become(ctx context.Context, next State, why string) error {
	r, err := j.record(ctx)
	if err != nil {
		return err
	}
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
	return j.exec("UPDATE amlmove_run SET state = $1, ended = $2, reason = $3 WHERE id = $4 AND state = $5", string(next), ended, why, j.run, string(r.State))
}

// attempt begins the next attempt and returns its number.
func (j *journal) attempt(ctx context.Context) (n int, err error) {
	err = j.write(func(ctx context.Context, tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "UPDATE amlmove_run SET attempt = attempt + 1 WHERE id = $1 RETURNING attempt", j.run).Scan(&n)
	})
	return n, err
}

// renew forgets what earlier attempts did with the steps, so that a run that was rolled back begins anew. Requests stay: they are history.
func (j *journal) renew(ctx context.Context) error {
	for _, table := range []string{"amlmove_step", "amlmove_cursor", "amlmove_remark"} {
		if err := j.exec(fmt.Sprintf("DELETE FROM %s WHERE run = $1", table), j.run); err != nil { //nolint:gosec // the names are ours
			return err
		}
	}
	return nil
}

// StepRecord is what the journal says of a step.
type StepRecord struct {
	Step   string    `json:"step"`
	Back   bool      `json:"back,omitempty"` // of its undoing
	State  StepState `json:"state"`
	Tries  int       `json:"tries"`
	Began  time.Time `json:"began"`
	Ended  time.Time `json:"ended"`
	Reason string    `json:"reason,omitempty"`
}

// began writes down that a step is begun, or begun again.
func (j *journal) began(ctx context.Context, step string, back bool) error {
	return j.exec(`INSERT INTO amlmove_step (run, step, back, state, tries, began, ended, reason) VALUES ($1, $2, $3, $4, 1, $5, 0, '')
		ON CONFLICT (run, step, back) DO UPDATE SET state = excluded.state, tries = amlmove_step.tries + 1, ended = 0, reason = ''`,
		j.run, step, number(back), string(StepRunning), j.stamp())
}

// ended writes down how a step ended.
func (j *journal) ended(ctx context.Context, step string, back bool, state StepState, why error) error {
	now := j.stamp()
	return j.exec(`INSERT INTO amlmove_step (run, step, back, state, tries, began, ended, reason) VALUES ($1, $2, $3, $4, 0, $5, $6, $7)
		ON CONFLICT (run, step, back) DO UPDATE SET state = excluded.state, ended = excluded.ended, reason = excluded.reason`,
		j.run, step, number(back), string(state), now, now, reason(why))
}

// undone writes down that a step was taken back. When it was done stays as it was: it is history.
func (j *journal) undone(ctx context.Context, step string) error {
	return j.exec("UPDATE amlmove_step SET state = $1, reason = $2 WHERE run = $3 AND step = $4 AND back = 0", string(StepBlocked), errUndone.Error(), j.run, step)
}

// reason is the text of an error for the journal.
func reason(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// steps reads the records of all steps, by the time they began.
func (j *journal) steps(ctx context.Context) ([]StepRecord, error) {
	return query(ctx, j, func(rows *sql.Rows) (s StepRecord, err error) {
		var back, began, ended int64
		err = rows.Scan(&s.Step, &back, &s.State, &s.Tries, &began, &ended, &s.Reason)
		s.Back, s.Began, s.Ended = back == 1, instant(began), instant(ended)
		return s, err
	}, "SELECT step, back, state, tries, began, ended, reason FROM amlmove_step WHERE run = $1 ORDER BY began, step", j.run)
}

// Remark is what the report must say about a step.
type Remark struct {
	Step string    `json:"step"`
	Kind string    `json:"kind"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

func (j *journal) remarks(ctx context.Context) ([]Remark, error) {
	return query(ctx, j, func(rows *sql.Rows) (r Remark, err error) {
		var at int64
		err = rows.Scan(&r.Step, &r.Kind, &r.Text, &at)
		r.At = instant(at)
		return r, err
	}, "SELECT step, kind, text, at FROM amlmove_remark WHERE run = $1 ORDER BY kind DESC, step, text", j.run)
}

// Request is one request that may have changed something.
type Request struct {
	Number      int64     `json:"number"`
	Step        string    `json:"step"`
	Back        bool      `json:"back,omitempty"`
	Method      string    `json:"method"`
	Path        string    `json:"path"`
	Began       time.Time `json:"began"`
	Ended       time.Time `json:"ended"`
	Status      int       `json:"status"`
	Correlation string    `json:"correlationId,omitempty"`
	RequestID   string    `json:"requestId,omitempty"`
	Reason      string    `json:"reason,omitempty"`
}

// operations are the requests that began something that took its time, and all of one step; the others of a large run are too many to hold.
func (j *journal) operations(ctx context.Context, step string) ([]Request, error) {
	return query(ctx, j, func(rows *sql.Rows) (r Request, err error) {
		var back, began, ended int64
		err = rows.Scan(&r.Number, &r.Step, &back, &r.Method, &r.Path, &began, &ended, &r.Status, &r.Correlation, &r.RequestID, &r.Reason)
		r.Back, r.Began, r.Ended = back == 1, instant(began), instant(ended)
		return r, err
	}, "SELECT number, step, back, method, path, began, ended, status, correlation, request, reason FROM amlmove_request WHERE run = $1 AND (url <> '' OR step = $2) ORDER BY number", j.run, step)
}

// sent counts all requests that may have changed something.
func (j *journal) sent(ctx context.Context) (n int, err error) {
	if err = j.db.QueryRowContext(ctx, "SELECT count(*) FROM amlmove_request WHERE run = $1", j.run).Scan(&n); err != nil {
		return 0, databaseError(err, j.id)
	}
	return n, nil
}

// query reads rows.
func query[T any](ctx context.Context, j *journal, scan func(*sql.Rows) (T, error), text string, args ...any) (all []T, err error) {
	rows, err := j.db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, databaseError(err, j.id)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, databaseError(err, j.id)
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// of reads the record of one step; its State is empty when the step was never begun.
func (j *journal) of(ctx context.Context, step string, back bool) (s StepRecord, err error) {
	s = StepRecord{Step: step, Back: back}
	err = j.db.QueryRowContext(ctx, "SELECT state, tries, reason FROM amlmove_step WHERE run = $1 AND step = $2 AND back = $3", j.run, step, number(back)).Scan(&s.State, &s.Tries, &s.Reason)
	if errors.Is(err, sql.ErrNoRows) {
		return s, nil
	}
	if err != nil {
		return s, databaseError(err, j.id)
	}
	return s, nil
}

// touched reports whether the run has sent, or was about to send, a request for a step: then its effect may be the run's own.
func (j *journal) touched(ctx context.Context, step string) (bool, error) {
	return j.any(ctx, "SELECT 1 FROM amlmove_request WHERE run = $1 AND step = $2 AND back = 0 LIMIT 1", j.run, step)
}

// anything reports whether the run has sent any request that may have changed something.
func (j *journal) anything(ctx context.Context) (bool, error) {
	return j.any(ctx, "SELECT 1 FROM amlmove_request WHERE run = $1 AND back = 0 LIMIT 1", j.run)
}

func (j *journal) any(ctx context.Context, text string, args ...any) (bool, error) {
	var one int
	err := j.db.QueryRowContext(ctx, text, args...).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, databaseError(err, j.id)
	}
	return true, nil
}

// explain changes the reason of the run's state.
func (j *journal) explain(ctx context.Context, why string) error {
	return j.exec("UPDATE amlmove_run SET reason = $1 WHERE id = $2", why, j.run)
}
