package sqlite

import (
	"context"
	"runtime"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite/lite"
	"github.com/amlmove/amlmove/internal/errs"
)

// A group is committed when nobody waits and the group before is durable, or when one of these is reached: nobody's answer waits for long.
const (
	groupSize = 256
	groupTime = 20 * time.Millisecond
)

// request is an update on its way. Its function runs in the goroutine of its caller, ahead or when the writer gives it its turn: a panic, or a test that ends its
// goroutine, is then the caller's own affair.
type request struct {
	ahead *ahead // all that the function does, done ahead; nil when it has to have its turn

	turn chan turn   // the writer to the caller: go
	ran  chan ending // the caller to the writer: how the function ended
	done chan error  // the writer to the caller: how the commit went
}

func newRequest(a *ahead) *request {
	return &request{ahead: a, turn: make(chan turn, 1), ran: make(chan ending, 1), done: make(chan error, 1)}
}

type turn struct {
	tx  *tx
	err error // no transaction could be begun
}

// ending is how a function ended in its turn.
type ending struct {
	err    error
	bumped int64 // the generation that it bumped to, or 0
}

// Update runs fn, ahead as far as that goes (ahead.go), and waits until what it did is durable.
func (s *Store) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.entered(ctx, func() error { return s.runAhead(ctx, func(t *tx) error { return fn(t) }) })
}

// update runs fn in its turn.
func (s *Store) update(ctx context.Context, fn func(*tx) error) error {
	return s.entered(ctx, func() error { return s.runInTurn(ctx, newRequest(nil), fn) })
}

// entered does something while the store stays open.
func (s *Store) entered(ctx context.Context, do func() error) error {
	if err := row.GaveUp(ctx); err != nil {
		return err
	}
	if err := s.gate.Enter(); err != nil {
		return err
	}
	defer s.gate.Leave()
	return do()
}

// runInTurn queues a request, runs fn if the writer gives it its turn, and waits until its group is durable.
func (s *Store) runInTurn(ctx context.Context, req *request, fn func(*tx) error) error {
	if err := s.queued(ctx, req); err != nil {
		return err
	}
	return req.runInTurn(ctx, fn)
}

// queued hands a request to the writer.
func (s *Store) queued(ctx context.Context, req *request) error {
	select {
	case s.queue <- req:
		return nil
	case <-ctx.Done():
		return row.GaveUp(ctx)
	}
}

// runInTurn runs fn if the writer gives it its turn.
func (req *request) runInTurn(ctx context.Context, fn func(*tx) error) error {
	select {
	case err := <-req.done:
		return err
	case now := <-req.turn:
		if now.err != nil {
			return now.err
		}
		now.tx.request = req
		_ = now.tx.run(func(t *tx) error {
			if err := row.GaveUp(ctx); err != nil {
				return err
			}
			return fn(t)
		})
	}
	return <-req.done
}

// run calls fn. Whatever way it ends, the writer hears of it if it waits for it.
func (t *tx) run(fn func(*tx) error) (err error) {
	err = row.Aborted() // what stays if fn ends the goroutine
	defer func() {
		if value := recover(); value != nil {
			err = row.Panicked(value)
		}
		t.over = true
		if t.request != nil {
			t.request.ran <- t.ending(err)
		}
	}()
	err, _ = store.LostRace(fn(t)) // nobody else writes: it would end the same
	return err
}

// ending tells the writer how a function ended.
func (t *tx) ending(err error) (e ending) {
	switch {
	case t.dashed:
		e.err = errDashed
	case err != nil:
		e.err = err
	case t.bumped:
		e.bumped = t.generation
	}
	return e
}

// write is the writer goroutine: it alone uses the writing connection.
func (s *Store) write() {
	defer close(s.written)
	next := s.generation.Load()
	for req := range s.queue {
		g := group{store: s, conn: s.writer, next: &next, seen: s.generation.Load()}
		g.run(req)
	}
}

// group is one transaction that holds the updates of several callers.
type group struct {
	store   *Store
	conn    *lite.Conn
	next    *int64 // newest generation ever taken
	seen    int64  // generation as the members of the group see it
	members []member
	lost    error // the transaction is gone

	inserted bool
}

// member is an update that was carried out and waits until what it saw and did is durable.
type member struct {
	request *request
	err     error // what its function returned
}

// run carries out a request and whoever comes while the group before is being synced, and commits.
func (g *group) run(first *request) {
	err := g.store.durable.fault()
	if err == nil {
		if err = g.conn.Run(sqlBeginWrite); err != nil {
			err = fault(g.store.path, "begin to write", err)
		}
	}
	if err != nil {
		first.turn <- turn{err: err}
		return
	}
	deadline := time.Now().Add(groupTime)
	g.one(first)
	mine := false // the token that allows one group to be synced
	for tried := 1; g.lost == nil && tried < groupSize && time.Now().Before(deadline); tried++ {
		var req *request
		if req, mine = g.waiting(); req == nil {
			break
		}
		g.one(req)
	}
	if !mine {
		<-g.store.durable.free
	}
	if err := g.store.durable.fault(); err != nil && g.lost == nil {
		g.lost = err // the group before: what this one saw may be gone
	}
	g.commit()
	g.store.durable.groups <- g
}

// waiting returns the next request. When none comes, even after everybody who could work had a turn, the group is to be committed as soon as the one before is settled:
// mine says that it is. The more come along, the fewer commits.
func (g *group) waiting() (next *request, mine bool) {
	for range 2 {
		select {
		case next = <-g.store.queue: // nil when the queue is closed
			return next, false
		default:
			runtime.Gosched()
		}
	}
	select {
	case next = <-g.store.queue:
		return next, false
	case <-g.store.durable.free:
		return nil, true
	}
}

// one carries out what a request did ahead, or gives it its turn within a savepoint of its own; another one at once when something was not as it had been told ahead.
func (g *group) one(req *request) {
	if req.ahead != nil && g.oneAhead(req) {
		return
	}
	for {
		if err := g.conn.Run(sqlSaveUpdate); err != nil {
			g.lose(err)
			req.turn <- turn{err: g.lost}
			return
		}
		req.turn <- turn{tx: g.tx()}
		end := <-req.ran
		g.settle(end.err == nil)
		if end.err == errDashed { //nolint:errorlint // it is never wrapped
			if g.lost == nil {
				continue
			}
			end.err = g.lost
		}
		g.members = append(g.members, member{req, end.err})
		if end.bumped > 0 {
			g.seen = end.bumped
		}
		return
	}
}

// oneAhead carries out what a request did ahead. false: it has to have its turn. One row is written or not; several need a savepoint.
func (g *group) oneAhead(req *request) (done bool) {
	several := req.ahead.writes > 1
	if several && g.conn.Run(sqlSaveUpdate) != nil {
		return false // its turn says why
	}
	err := req.ahead.carryOut(g.tx())
	switch {
	case several:
		g.settle(err == nil)
	case err != nil:
		g.whole()
	}
	if err != nil && g.lost == nil {
		return false
	}
	g.members = append(g.members, member{req, err})
	return true
}

// tx is the transaction as the next member sees it.
func (g *group) tx() *tx {
	return &tx{reader: reader{conn: g.conn, path: g.store.path, generation: g.seen}, store: g.store, next: g.next, inserted: &g.inserted}
}

// whole reports whether the transaction is there, with the work of all members. SQLite may have had to roll it back.
func (g *group) whole() bool {
	if !g.conn.InTransaction() {
		g.lose(&lite.Error{Extended: lite.IOError, Message: "an update of the same group broke the transaction"})
	}
	return g.lost == nil
}

// settle ends the savepoint of one request.
func (g *group) settle(keep bool) {
	if !keep {
		clear(g.store.held)
	}
	if !g.whole() {
		return
	}
	if !keep {
		if err := g.conn.Run(sqlUndoUpdate); err != nil {
			g.lose(err)
			return
		}
	}
	if err := g.conn.Run(sqlKeepUpdate); err != nil {
		g.lose(err)
	}
}

// lose remembers why the transaction cannot go on.
func (g *group) lose(err error) { g.lost = fault(g.store.path, "write", err) }

// commit ends the transaction and shows its generation.
func (g *group) commit() {
	if g.lost == nil {
		g.store.readers.release()
		g.store.durable.begin()
		if err := g.conn.Run(sqlCommit); err != nil {
			g.lost = fault(g.store.path, "commit", err)
		}
		g.store.readers.committed(g.lost == nil) // before the generation: a reader that knows the new one does not stay with an old snapshot
	}
	if g.lost == nil {
		g.store.generation.Store(g.seen)
		return
	}
	clear(g.store.held)
	if g.conn.InTransaction() {
		_ = g.conn.Run(sqlRollback) // the loss is already on its way to everybody
	}
}

// answer tells the members how their updates ended. A refusal rests on what the transaction saw, and is lost with it.
func (g *group) answer() {
	for _, m := range g.members {
		if g.lost != nil && !errs.Is(m.err, errs.Unavailable) {
			m.err = g.lost
		}
		m.request.done <- m.err
	}
}
