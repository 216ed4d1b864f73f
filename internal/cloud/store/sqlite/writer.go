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

// request is an update on its way. The function runs in the goroutine of its caller, when the writer gives it its turn:
// a panic, or a test that ends its goroutine, is then the caller's own affair.
type request struct {
	turn chan turn  // the writer to the caller: go
	ran  chan error // the caller to the writer: what fn returned
	done chan error // the writer to the caller: how the commit went
}

type turn struct {
	tx  *tx
	err error // no transaction could be begun
}

// Update queues fn for the writer and waits until its group is durable.
func (s *Store) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.update(ctx, func(t *tx) error { return fn(t) })
}

func (s *Store) update(ctx context.Context, fn func(*tx) error) error {
	if err := row.GaveUp(ctx); err != nil {
		return err
	}
	if err := s.gate.Enter(); err != nil {
		return err
	}
	defer s.gate.Leave()
	req := &request{turn: make(chan turn, 1), ran: make(chan error, 1), done: make(chan error, 1)}
	select {
	case s.queue <- req:
	case <-ctx.Done():
		return row.GaveUp(ctx)
	}
	now := <-req.turn
	if now.err != nil {
		return now.err
	}
	if err := row.GaveUp(ctx); err != nil {
		req.ran <- err
	} else {
		run(req, now.tx, fn)
	}
	return <-req.done
}

// run calls fn and tells the writer how it ended, whatever way that was.
func run(req *request, t *tx, fn func(*tx) error) {
	err := row.Aborted() // what stays if fn ends the goroutine
	defer func() {
		if value := recover(); value != nil {
			err = row.Panicked(value)
		}
		t.over = true
		req.ran <- err
	}()
	err, _ = store.LostRace(fn(t)) // nobody else writes: it would end the same
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

// one gives a request its turn within a savepoint of its own.
func (g *group) one(req *request) {
	if err := g.conn.Run(sqlSaveUpdate); err != nil {
		g.lose(err)
		req.turn <- turn{err: g.lost}
		return
	}
	t := &tx{reader: reader{conn: g.conn, path: g.store.path, generation: g.seen}, next: g.next, inserted: &g.inserted, held: g.store.held}
	req.turn <- turn{tx: t}
	err := <-req.ran
	g.settle(err == nil)
	g.members = append(g.members, member{req, err})
	if err == nil && t.bumped {
		g.seen = t.generation
	}
}

// settle ends the savepoint of one request.
func (g *group) settle(keep bool) {
	if !keep {
		clear(g.store.held)
	}
	if !g.conn.InTransaction() { // SQLite had to roll back all of it, the work of the other members too
		g.lose(&lite.Error{Extended: lite.IOError, Message: "an update of the same group broke the transaction"})
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
