// Package postgres keeps the state of a cloud in a PostgreSQL database: the engine for many nodes.
//
// It holds a pool of connections and the schema, which it migrates when opened. Updates run in READ COMMITTED with explicit
// row locks (Hold, and the locks that inserts take on parents) and are run again after a deadlock or a lost race; views run
// in REPEATABLE READ. BEGIN travels with the first statement, and first runs save further round trips by hoping (hope.go);
// what needs only one goes together with what others need (crew.go).
// It must not know ARM, HTTP or resource types. Its floor is store, store/row and errs.
package postgres

import (
	"context"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
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
	pool   *pgxpool.Pool
	gate   row.Gate
	ids    ids
	newest atomic.Int64 // the newest generation that was read; 0 before the first
	memory *row.Memory

	readers, writers crew
	dismiss          func() // ends what the crews wait for
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
	// Left to itself the planner plans what takes a list of ids anew each time, because it hopes for short lists; that takes longer than what it plans.
	params["plan_cache_mode"] = "force_generic_plan"
	if err := prepare(ctx, config.ConnConfig); err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fault(ctx, "open", err)
	}
	s := &Store{pool: pool, memory: row.NewMemory()}
	crews, dismiss := context.WithCancel(context.WithoutCancel(ctx))
	s.dismiss = dismiss
	s.readers = crew{ctx: crews, send: s.readTogether, limit: tripLimit}
	s.writers = crew{ctx: crews, send: s.writeTogether, limit: tripLimit}
	return s, nil
}

// Close waits for running transactions and closes the connections.
func (s *Store) Close() error {
	if s.gate.Close() {
		s.dismiss()
		s.pool.Close()
	}
	return nil
}

// View runs fn on one snapshot, which begins with the first read.
func (s *Store) View(ctx context.Context, fn func(store.Reader) error) error {
	for _, hopeful := range []bool{true, false} {
		again, err := s.look(ctx, fn, hopeful)
		if !again {
			return err
		}
	}
	return nil // the second run is never run again
}

// look runs fn on a snapshot. again: it hoped in vain.
func (s *Store) look(ctx context.Context, fn func(store.Reader) error, hopeful bool) (again bool, err error) {
	r, err := s.begin(ctx, sqlBeginRead, hopeful)
	if err != nil {
		return false, err
	}
	defer r.finish()
	err = fn(r)
	if judged := r.judge(ctx); judged != nil {
		err = judged
	}
	if r.known {
		s.learn(r.generation)
	}
	return r.dashed, err
}

// begin is a transaction that starts with its first statement.
func (s *Store) begin(ctx context.Context, how string, hopeful bool) (*session, error) {
	if err := row.GaveUp(ctx); err != nil {
		return nil, err
	}
	if err := s.gate.Enter(); err != nil {
		return nil, err
	}
	return &session{store: s, begin: how, hope: hope{hopeful: hopeful}}, nil
}

// Update runs fn in a transaction, again if it lost a race that it may win the next time.
func (s *Store) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.update(ctx, func(t *tx) error { return fn(t) })
}

func (s *Store) update(ctx context.Context, fn func(*tx) error) error {
	wanted := &wants{nodes: map[store.ID]bool{}}
	outcome, err := s.attempt(ctx, fn, wanted, true)
	if outcome == inVain { // nobody was in the way: there is nothing to wait for, and nothing to lock ahead
		clear(wanted.nodes)
		outcome, err = s.attempt(ctx, fn, wanted, false)
	}
	for run := 1; outcome == lost && run < attempts; run++ {
		wait := min(longWait, firstWait<<(run-1))
		select {
		case <-time.After(wait/2 + rand.N(wait)):
		case <-ctx.Done():
			return row.GaveUp(ctx)
		}
		outcome, err = s.attempt(ctx, fn, wanted, false)
	}
	return err
}

// outcome is what came of one run.
type outcome int

const (
	final  outcome = iota
	lost           // a race: the same may succeed when it is run again
	inVain         // it hoped, and is to be run with care
)

// attempt runs fn once. Each run notes the nodes that it wants to lock, and the next one locks them all first, in ascending order: functions that lock in
// different orders deadlock once, not again and again.
func (s *Store) attempt(ctx context.Context, fn func(*tx) error, wanted *wants, hopeful bool) (outcome, error) {
	session, err := s.begin(ctx, sqlBeginWrite, hopeful)
	if err != nil {
		return final, err
	}
	defer session.finish()
	t := &tx{session: session, wanted: wanted}
	session.ahead = wanted.ahead(session)
	err, again := store.LostRace(run(t, fn))
	switch judged := session.judge(ctx); {
	case judged != nil:
		err = judged
	case err == nil && !session.again && !session.outrun && !session.dashed:
		err = t.commit(ctx)
	case len(session.later) > 0: // a write of it may have been refused before
		session.dashed = true
	}
	if t.known && !t.moved {
		s.learn(t.generation)
	}
	switch {
	case session.dashed:
		return inVain, err
	case session.again, session.outrun, again:
		wanted.generation = wanted.generation || session.outrun
		return lost, err
	}
	return final, err
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
	r, err := s.begin(ctx, sqlBeginRead, false)
	if err != nil {
		return stats, err
	}
	defer r.finish()
	_, err = r.query(ctx, "count rows", func(rows pgx.Rows) error {
		return rows.Scan(&stats.Nodes, &stats.Extensions, &stats.Running)
	}, sqlStats)
	return stats, err
}
