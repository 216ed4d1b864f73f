package postgres

import (
	"bytes"
	"context"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
)

// hope is how the first run of a function saves round trips. It takes the generation for the one that was read last, on whatever connection. An update sends writes together
// with what comes after them, at the latest with COMMIT. One that begins with a hold and a walk takes them for what it remembers, and lets the server compare (bold.go); all that it does then goes to the server at once, together with what others do (crew.go). A view takes a walk that comes first for all that it reads, and begins no transaction for it; when more is read, the
// transaction begins with the same walk, which must find the same. All of it is checked before anything is told or kept. When a hope is dashed the function is run again,
// carefully: in one transaction, everything asked first and written at once. A generation that a careful update was told is compared with later readings all the same: what it waited
// for when it held a node may have moved it. Then the next run holds the generation itself, and nobody moves it any more: others cannot outrun a long function for ever.
type hope struct {
	hopeful bool
	guess   int64 // the generation that was told, before anything was read or in an update; 0 when none was
	alone   *walk // what a view read without a transaction
	vouched bool  // the server compares the guess with the generation, behind a hold (bold.go)
	dashed  bool
	outrun  bool // a careful update was told a generation that moved on
}

// guessGeneration tells the generation that was read last, if nothing was read in this transaction.
func (s *session) guessGeneration() (int64, bool) {
	if !s.hopeful || s.known || s.begun {
		return 0, false
	}
	if s.guess == 0 {
		s.guess = s.store.newest.Load()
	}
	return s.guess, s.guess != 0
}

// tell tells the generation that was read.
func (s *session) tell() int64 {
	if s.begin == sqlBeginWrite { // a view reads it once
		s.guess = s.generation
	}
	return s.generation
}

// mustKnow reports whether the generation has to come along with the first statement: views tell it, and a guess has to be judged.
func (s *session) mustKnow() bool { return s.begin == sqlBeginRead || s.guess != 0 && !s.vouched }

// believed judges the hopes by what was read.
func (s *session) believed() error {
	if s.guess != 0 && s.known && s.guess != s.generation {
		s.dashed, s.outrun = s.hopeful, !s.hopeful
		s.store.newest.CompareAndSwap(s.guess, s.generation) // also backwards: a server may have been set back
	}
	if s.dashed || s.outrun {
		return row.Meanwhile()
	}
	return nil
}

// judge makes sure that a guess was judged, whatever the function did with it.
func (s *session) judge(ctx context.Context) error {
	if s.guess == 0 || s.known || s.vouched {
		return nil
	}
	_, err := s.send(ctx, "read the generation")
	return err
}

// learn notes the generation for the guesses of others. Only what is committed may be learned.
func (s *Store) learn(generation int64) {
	for {
		newest := s.newest.Load()
		if generation <= newest || s.newest.CompareAndSwap(newest, generation) {
			return
		}
	}
}

// write sends a statement whose outcome is certain, later if there is hope.
func (t *tx) write(ctx context.Context, verb string, sql string, args ...any) error {
	st := statement{sql: sql, args: args}
	if !t.hopeful {
		_, err := t.send(ctx, verb, st)
		return err
	}
	if err := t.check(ctx, []statement{st}); err != nil {
		return err
	}
	for i, arg := range args {
		if data, ok := arg.([]byte); ok {
			args[i] = bytes.Clone(data) // the caller may go on with its own
		}
	}
	if t.later = append(t.later, st); len(t.later) < laterAtMost {
		return nil
	}
	_, err := t.send(ctx, verb)
	return err
}

// laterAtMost bounds what is kept back.
const laterAtMost = 100

// Ids are fetched in advance, so that a node has one before it is inserted.
const (
	idsFetched = 64
	idsWanted  = 32
)

// ids are numbers of the sequence that no node has, and that no server gives again: the transactions that fetched them were committed.
type ids struct {
	mu   sync.Mutex
	free []store.ID
}

// take takes an id, if there is one.
func (p *ids) take() (id store.ID, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ok = len(p.free) > 0; ok {
		id, p.free = p.free[0], p.free[1:]
	}
	return id, ok
}

// give puts ids to the others.
func (p *ids) give(more []store.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, more...)
}

// few reports whether ids should be fetched with the next occasion.
func (p *ids) few() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.free) < idsWanted
}

// fetchIDs is a statement that fetches ids for a transaction, and for others once it is committed.
func fetchIDs(into *[]store.ID) statement {
	return statement{sqlNewIDs, []any{int64(idsFetched)}, func(rows pgx.Rows) error {
		var id int64
		err := rows.Scan(&id)
		*into = append(*into, store.ID(id))
		return err
	}}
}

// takeID takes an id that this transaction fetched or that is in stock, or fetches some.
func (t *tx) takeID(ctx context.Context) (id store.ID, err error) {
	if len(t.fetched) == 0 {
		if id, ok := t.store.ids.take(); ok {
			return id, nil
		}
		if _, err := t.send(ctx, "fetch ids", fetchIDs(&t.fetched)); err != nil {
			return 0, err
		}
	}
	id, t.fetched = t.fetched[0], t.fetched[1:]
	return id, nil
}
