// Package postgres keeps the state of a cloud in a PostgreSQL database: the engine for many nodes.
//
// It holds a pool of connections and the schema, which it migrates when opened. Updates run in READ COMMITTED with explicit
// row locks (Hold, and the locks that inserts take on parents) and are run again after a deadlock or a lost race; views run
// in REPEATABLE READ. BEGIN travels with the first statement, so a view of one read is one round trip. It must not
// know ARM, HTTP or resource types. Its floor is store, store/row and errs.
package postgres

import (
	"context"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
	"github.com/amlmove/amlmove/internal/errs"
)

// An update that keeps losing races is given up after so many runs; the waits between them add up to some seconds.
const (
	attempts  = 16
	firstWait = 2 * time.Millisecond
	longWait  = 500 * time.Millisecond
)

// cleanUp bounds what is done for a caller who is gone: ending its transaction.
const cleanUp = 5 * time.Second

// Store is a cloud's state in a PostgreSQL database, shared with the other nodes of the cloud.
type Store struct {
	pool *pgxpool.Pool
	gate row.Gate
}

var _ store.Store = (*Store)(nil)

// Open connects to the database that a DSN names (URL or key=value form; pool_max_conns is understood) and brings its
// schema up to date. Several nodes may open the same database at once.
func Open(ctx context.Context, dsn string) (*Store, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, "StoreAddressInvalid", err, "the address of the PostgreSQL database cannot be read").
			Advise("write it as postgres://user@host:5432/database")
	}
	if !strings.Contains(dsn, "pool_max_conns") {
		config.MaxConns = int32(max(16, 4*runtime.GOMAXPROCS(0)))
	}
	params := config.ConnConfig.RuntimeParams
	if params["application_name"] == "" {
		params["application_name"] = "amlmove"
	}
	// The server notices within half a minute that a node lost its power, and gives its locks free.
	params["tcp_keepalives_idle"], params["tcp_keepalives_interval"], params["tcp_keepalives_count"] = "10", "5", "3"
	// Every statement has its index, and walking it in order is right whatever the planner believes about a table that is new
	// or lopsided (a million jobs below one workspace): otherwise a page may cost as much as all pages. Ruling out plans makes
	// those without an alternative look expensive, and expensive plans are compiled: that must be off too.
	params["enable_seqscan"], params["enable_bitmapscan"], params["jit"] = "off", "off", "off"
	if err := prepare(ctx, config.ConnConfig); err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fault(ctx, "open", err)
	}
	return &Store{pool: pool}, nil
}

// Close waits for running transactions and closes the connections.
func (s *Store) Close() error {
	if s.gate.Close() {
		s.pool.Close()
	}
	return nil
}

// View runs fn on one snapshot, which begins with the first read.
func (s *Store) View(ctx context.Context, fn func(store.Reader) error) error {
	r, err := s.begin(ctx, sqlBeginRead)
	if err != nil {
		return err
	}
	defer r.finish(s)
	return fn(r)
}

// begin lends a connection for a transaction that starts with its first statement.
func (s *Store) begin(ctx context.Context, how string) (*session, error) {
	if err := row.GaveUp(ctx); err != nil {
		return nil, err
	}
	if err := s.gate.Enter(); err != nil {
		return nil, err
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		s.gate.Leave()
		return nil, fault(ctx, "connect", err)
	}
	return &session{conn: conn, begin: how}, nil
}

// Update runs fn in a transaction, again if it lost a race that it may win the next time.
func (s *Store) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.update(ctx, func(t *tx) error { return fn(t) })
}

func (s *Store) update(ctx context.Context, fn func(*tx) error) error {
	wanted := map[store.ID]bool{}
	for attempt := 1; ; attempt++ {
		again, err := s.attempt(ctx, fn, wanted)
		if !again || attempt == attempts {
			return err
		}
		wait := min(longWait, firstWait<<(attempt-1))
		select {
		case <-time.After(wait/2 + rand.N(wait)):
		case <-ctx.Done():
			return row.GaveUp(ctx)
		}
	}
}

// attempt runs fn once. again says that the same may succeed when it is run again. Each run notes the nodes that it wants to
// lock, and the next one locks them all first, in ascending order: functions that lock in different orders deadlock once, not
// again and again.
func (s *Store) attempt(ctx context.Context, fn func(*tx) error, wanted map[store.ID]bool) (again bool, err error) {
	session, err := s.begin(ctx, sqlBeginWrite)
	if err != nil {
		return false, err
	}
	defer session.finish(s)
	t := &tx{session: session, wanted: wanted}
	if len(wanted) > 0 {
		session.ahead = []statement{{sql: sqlHoldAhead, args: []any{numbers(slices.Collect(maps.Keys(wanted)))}}}
	}
	if err, lost := store.LostRace(run(t, fn)); err != nil || session.again {
		return lost || session.again, err
	}
	err = t.commit(ctx)
	return session.again, err
}

// run calls fn and turns a panic into an error.
func run(t *tx, fn func(*tx) error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = row.Panicked(value)
		}
	}()
	return fn(t)
}

// Stats counts what the database holds.
func (s *Store) Stats(ctx context.Context) (store.Stats, error) {
	stats := store.Stats{Engine: "postgres"}
	r, err := s.begin(ctx, sqlBeginRead)
	if err != nil {
		return stats, err
	}
	defer r.finish(s)
	_, err = r.query(ctx, "count rows", func(rows pgx.Rows) error {
		return rows.Scan(&stats.Nodes, &stats.Extensions, &stats.Running)
	}, sqlStats)
	return stats, err
}
