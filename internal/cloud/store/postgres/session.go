package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/amlmove/amlmove/internal/cloud/store/row"
)

// session is a transaction on a connection of its own.
type session struct {
	conn  *pgxpool.Conn
	begin string      // how to begin; sent together with the first statement
	ahead []statement // sent behind begin and before the first statement
	begun bool
	over  bool
	again bool // the transaction was lost in a way that running it again may cure

	generation int64 // of the snapshot, in a view
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

// send runs statements in one round trip and returns how many rows the last one yielded or touched. In a view, the
// generation comes along with the first round trip.
func (s *session) send(ctx context.Context, verb string, statements ...statement) (int64, error) {
	if s.over {
		return 0, row.Over()
	}
	if err := row.GaveUp(ctx); err != nil {
		return 0, err
	}
	for _, st := range statements { // a refusal by the server would spoil the transaction
		for _, arg := range st.args {
			if text, ok := arg.(string); ok {
				if err := row.CheckText("text", text); err != nil {
					return 0, err
				}
			}
		}
	}
	if !s.begun {
		first := append([]statement{{sql: s.begin}}, s.ahead...)
		if s.begin == sqlBeginRead {
			first = append(first, statement{sql: sqlGeneration, see: func(rows pgx.Rows) error { return rows.Scan(&s.generation) }})
		}
		statements = append(first, statements...)
		s.begun = true
	}
	count, err := s.pipeline(ctx, statements)
	if err != nil {
		if lostRace(err) {
			s.again = true
		}
		return 0, fault(ctx, verb, err)
	}
	return count, nil
}

func (s *session) pipeline(ctx context.Context, statements []statement) (count int64, err error) {
	if len(statements) == 1 {
		rows, err := s.conn.Query(ctx, statements[0].sql, statements[0].args...)
		if err != nil {
			return 0, err
		}
		return read(rows, statements[0].see)
	}
	var batch pgx.Batch
	for _, st := range statements {
		batch.Queue(st.sql, st.args...)
	}
	results := s.conn.SendBatch(ctx, &batch)
	defer func() {
		if closing := results.Close(); err == nil {
			err = closing
		}
	}()
	for _, st := range statements {
		rows, err := results.Query()
		if err != nil {
			return 0, err
		}
		if count, err = read(rows, st.see); err != nil {
			return 0, err
		}
	}
	return count, nil
}

// read hands all rows to see.
func read(rows pgx.Rows, see func(pgx.Rows) error) (int64, error) {
	defer rows.Close()
	for rows.Next() {
		if see == nil {
			continue
		}
		if err := see(rows); err != nil {
			return 0, err
		}
	}
	return rows.CommandTag().RowsAffected(), rows.Err()
}

// finish ends what is left of the transaction, behind the back of the caller, whose answer need not wait for it.
func (s *session) finish(owner *Store) {
	s.over = true
	if !s.begun {
		s.conn.Release()
		owner.gate.Leave()
		return
	}
	go func() {
		defer owner.gate.Leave()
		defer s.conn.Release() // closes the connection if it is still in a transaction
		ctx, cancel := context.WithTimeout(context.Background(), cleanUp)
		defer cancel()
		_, _ = s.conn.Exec(ctx, sqlRollback)
	}()
}
