package postgres

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/amlmove/amlmove/internal/cloud/store"
)

// crew sends in one round trip what several callers ask for at the same time: who comes while others are on their way goes with the next.
type crew struct {
	send  func(ctx context.Context, together []*trip)
	limit time.Duration // after which a trip is given up

	ctx     context.Context // ends when the store is closed
	mu      sync.Mutex
	waiting []*trip
	away    bool
}

// tripLimit is far more than any trip takes.
const tripLimit = 20 * time.Second

// togetherAtMost bounds what goes together.
const togetherAtMost = 64

// trip is what one caller asks for. The crew owns it until it is back: a caller that does not wait for it leaves alone what the statements write to.
type trip struct {
	statements []statement
	err        error
	back       chan struct{}
}

// join sends statements, together with those of others, and waits until they are back or the caller gives up.
func (c *crew) join(ctx context.Context, statements ...statement) error {
	t := &trip{statements: statements, back: make(chan struct{})}
	c.mu.Lock()
	c.waiting = append(c.waiting, t)
	if !c.away {
		c.away = true
		go c.work()
	}
	c.mu.Unlock()
	select {
	case <-t.back:
		return t.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// work sends until nobody waits.
func (c *crew) work() {
	for {
		runtime.Gosched() // who is about to join does so first
		together := c.next()
		if len(together) == 0 {
			return
		}
		c.sendTimely(together)
		for _, t := range together {
			close(t.back)
		}
	}
}

// sendTimely gives up on a server that does not answer: those who come later are not to wait for it.
func (c *crew) sendTimely(together []*trip) {
	ctx, cancel := context.WithTimeout(c.ctx, c.limit)
	defer cancel()
	c.send(ctx, together)
}

// next takes those who wait, or ends the work.
func (c *crew) next() []*trip {
	c.mu.Lock()
	defer c.mu.Unlock()
	together := c.waiting[:min(len(c.waiting), togetherAtMost)]
	c.waiting = c.waiting[len(together):]
	if len(together) == 0 {
		c.waiting, c.away = nil, false
	}
	return together
}

// readTogether reads for all; each statement sees what is committed when it begins.
func (s *Store) readTogether(ctx context.Context, together []*trip) {
	var statements []statement
	for _, t := range together {
		for _, st := range t.statements {
			st.see = t.seeing(st.see)
			statements = append(statements, st)
		}
	}
	if _, err := s.onceTogether(ctx, statements); err != nil {
		end(together, err)
	}
}

// seeing keeps what one cannot read from the others.
func (t *trip) seeing(see func(pgx.Rows) error) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		if t.err == nil {
			t.err = see(rows)
		}
		return nil
	}
}

// errApart says that the server refused what several wanted to write, so that each is to be tried by itself.
var errApart = errors.New("what was written together was refused")

// writeTogether writes for all in one transaction: all of it is kept, or nothing. It does not wait long for a lock: who has to wait for one does so alone.
func (s *Store) writeTogether(ctx context.Context, together []*trip) {
	statements := []statement{{sql: sqlBeginWrite}, {sql: sqlNoLongWait}}
	var fetched []store.ID
	if s.ids.few() {
		statements = append(statements, fetchIDs(&fetched))
	}
	for _, t := range together {
		statements = append(statements, t.statements...)
	}
	tag, err := s.onceTogether(ctx, append(statements, statement{sql: sqlCommit}))
	switch {
	case tag.String() == sqlCommit: // and nothing that comes behind it takes it back
		s.ids.give(fetched)
		return
	case err == nil, refused(err), lostRace(err):
		err = errApart
	}
	end(together, err)
}

// end tells all the same.
func end(together []*trip, err error) {
	for _, t := range together {
		t.err = err
	}
}

// onceTogether sends statements on a connection that is lent for it.
func (s *Store) onceTogether(ctx context.Context, statements []statement) (tag pgconn.CommandTag, err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return tag, err
	}
	defer conn.Release()
	tag, err = pipeline(ctx, conn, statements)
	if conn.Conn().PgConn().TxStatus() == inFailedTransaction {
		_, _ = conn.Exec(ctx, sqlRollback)
	}
	return tag, err
}

// inFailedTransaction is what a connection says of itself on which a transaction waits for its end.
const inFailedTransaction = 'E'
