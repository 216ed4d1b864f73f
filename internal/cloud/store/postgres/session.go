package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
)

// session is a transaction on a connection of its own.
type session struct {
	store   *Store
	conn    *pgxpool.Conn // lent with the first statement
	begin   string        // how to begin; sent together with the first statement
	ahead   []statement   // sent behind begin and before the first statement
	later   []statement   // writes that nobody waits for: sent before the next statement (hope.go)
	fetched []store.ID    // ids for nodes; nobody's if the transaction is rolled back
	begun   bool
	over    bool
	again   bool // the transaction was lost in a way that running it again may cure

	generation int64 // as it was read last
	known      bool  // it was read
	hope
}

// statement is SQL with its arguments and what to do with each row.
type statement struct {
	sql  string
	args []any
	see  func(pgx.Rows) error
}

// query runs one statement and returns how many rows it yielded or touched.
func (s *session) query(ctx context.Context, verb string, see func(pgx.Rows) error, sql string, args ...any) (int64, error) {
	return s.send(ctx, verb, statement{sql, args, see})
}

// send runs statements in one round trip and returns how many rows the last one yielded or touched. What was to be sent before them goes along.
func (s *session) send(ctx context.Context, verb string, statements ...statement) (int64, error) {
	tag, err := s.exchange(ctx, verb, statements...)
	return tag.RowsAffected(), err
}

// exchange is send that returns the whole tag of the last statement.
func (s *session) exchange(ctx context.Context, verb string, statements ...statement) (tag pgconn.CommandTag, err error) {
	if err := s.check(ctx, statements); err != nil {
		return tag, err
	}
	written := len(s.later) > 0
	all := slices.Concat(s.opening(statements), s.later, statements)
	s.later = nil
	return s.judged(ctx, verb, written, all)
}

// judged sends statements and says what their outcome means for the transaction.
func (s *session) judged(ctx context.Context, verb string, written bool, statements []statement) (pgconn.CommandTag, error) {
	if err := s.connect(ctx); err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := pipeline(ctx, s.conn, statements)
	switch {
	case tag.String() == sqlCommit: // and nothing that comes behind it takes it back
		return tag, nil
	case err == nil:
		return tag, s.believed()
	case written && refused(err):
		s.dashed = true
	case lostRace(err):
		s.again = true
	}
	return tag, fault(ctx, verb, err)
}

// connect lends a connection.
func (s *session) connect(ctx context.Context) (err error) {
	if s.conn != nil {
		return nil
	}
	if s.conn, err = s.store.pool.Acquire(ctx); err != nil {
		return fault(ctx, "connect", err)
	}
	return nil
}

// opening is what goes before the first statements of a transaction.
func (s *session) opening(statements []statement) []statement {
	if s.begun {
		return nil
	}
	s.begun = true
	first := append([]statement{{sql: s.begin}}, s.ahead...)
	if s.alone != nil {
		first = append(first, s.alone.again(s))
	} else if s.mustKnow() && !slices.ContainsFunc(statements, statement.tellsGeneration) {
		first = append(first, s.readGeneration(sqlGeneration))
	}
	if s.hopeful && s.begin == sqlBeginWrite && s.store.ids.few() {
		first = append(first, fetchIDs(&s.fetched))
	}
	return first
}

// check refuses what must not be sent: a refusal by the server would spoil the transaction.
func (s *session) check(ctx context.Context, statements []statement) error {
	if s.over {
		return row.Over()
	}
	if err := row.GaveUp(ctx); err != nil {
		return err
	}
	for _, st := range statements {
		for _, arg := range st.args {
			if text, ok := arg.(string); ok {
				if err := row.CheckText("text", text); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// readGeneration is a statement that tells the generation.
func (s *session) readGeneration(sql string) statement {
	return statement{sql: sql, see: func(rows pgx.Rows) error {
		s.known = true
		return rows.Scan(&s.generation)
	}}
}

// tellsGeneration reports whether a statement reads the generation.
func (st statement) tellsGeneration() bool { return st.sql == sqlGeneration || isWalk(st.sql) }

// pipeline sends statements in one round trip and returns the tag of the last one.
func pipeline(ctx context.Context, conn *pgxpool.Conn, statements []statement) (tag pgconn.CommandTag, err error) {
	if len(statements) == 1 {
		rows, err := conn.Query(ctx, statements[0].sql, statements[0].args...)
		if err != nil {
			return tag, err
		}
		return read(rows, statements[0].see)
	}
	var batch pgx.Batch
	for _, st := range statements {
		batch.Queue(st.sql, st.args...)
	}
	results := conn.SendBatch(ctx, &batch)
	defer func() {
		if closing := results.Close(); err == nil {
			err = closing
		}
	}()
	for _, st := range statements {
		rows, err := results.Query()
		if err != nil {
			return tag, err
		}
		if tag, err = read(rows, st.see); err != nil {
			return tag, err
		}
	}
	return tag, nil
}

// read hands all rows to see.
func read(rows pgx.Rows, see func(pgx.Rows) error) (tag pgconn.CommandTag, err error) {
	defer rows.Close()
	for rows.Next() {
		if see == nil {
			continue
		}
		if err := see(rows); err != nil {
			return tag, err
		}
	}
	return rows.CommandTag(), rows.Err()
}

// finish ends what is left of the transaction, behind the back of the caller, whose answer need not wait for it.
func (s *session) finish() {
	s.over = true
	if s.conn == nil {
		s.store.gate.Leave()
		return
	}
	if !s.begun {
		s.conn.Release()
		s.store.gate.Leave()
		return
	}
	go func() {
		defer s.store.gate.Leave()
		defer s.conn.Release() // closes the connection if it is still in a transaction
		ctx, cancel := context.WithTimeout(context.Background(), cleanUp)
		defer cancel()
		_, _ = s.conn.Exec(ctx, sqlRollback)
	}()
}
