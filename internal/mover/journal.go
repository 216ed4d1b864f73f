package mover

import (
	"context"
	"database/sql"
	"errors"
	"slices"
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
	me  string // who has the run: drawn anew by each process that opens it
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

// write does a write that a person who stops the run does not cut off. Conflict when another process has taken the run over: so nothing is sent any more, since each request is written
// down before.
func (j *journal) write(do func(context.Context, *sql.Tx) error) error {
	if j.hook != nil {
		j.hook("before")
	}
	err := j.pen.write(func(ctx context.Context, tx *sql.Tx) error {
		if err := j.mine(ctx, tx); err != nil {
			return err
		}
		return do(ctx, tx)
	})
	if errs.As(err) != nil {
		return err
	}
	if err != nil {
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
		"SELECT number, url FROM amlmove_request WHERE "+thisLife+" AND step = $2 AND back = $3 AND ended = 0 AND url <> '' ORDER BY number", j.run, step, number(back))
}

// Carried are the steps that the run has begun in this life, with whether each has ended well: those that have, and those for which something was sent, unless they were taken back.
func (j *journal) Carried(ctx context.Context) (map[string]bool, error) {
	type entry struct {
		step  string
		state StepState
	}
	begun, err := query(ctx, j, func(rows *sql.Rows) (e entry, err error) { return e, rows.Scan(&e.step, &e.state) },
		"SELECT step, state FROM amlmove_step WHERE run = $1 AND back = 0 AND NOT (state = $2 AND reason = $3)", j.run, string(StepBlocked), errUndone.Error())
	if err != nil {
		return nil, err
	}
	sent, err := query(ctx, j, func(rows *sql.Rows) (step string, err error) { return step, rows.Scan(&step) }, "SELECT DISTINCT step FROM amlmove_request WHERE "+thisLife+" AND back = 0", j.run)
	if err != nil {
		return nil, err
	}
	carried := map[string]bool{}
	for _, e := range begun {
		if e.state.Well() || slices.Contains(sent, e.step) {
			carried[e.step] = e.state.Well()
		}
	}
	return carried, nil
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
	all = []T{} // a list in JSON as well when nothing is in it
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

// touched reports whether the run has sent, or was about to send, a request for a step in this life: then its effect may be the run's own.
func (j *journal) touched(ctx context.Context, step string) (bool, error) {
	return j.any(ctx, "SELECT 1 FROM amlmove_request WHERE "+thisLife+" AND step = $2 AND back = 0 LIMIT 1", j.run, step)
}

// anything reports whether the run has sent any request in this life that may have changed something.
func (j *journal) anything(ctx context.Context) (bool, error) {
	return j.any(ctx, "SELECT 1 FROM amlmove_request WHERE "+thisLife+" AND back = 0 LIMIT 1", j.run)
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
