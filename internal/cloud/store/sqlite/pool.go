package sqlite

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/amlmove/amlmove/internal/cloud/store/row"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite/lite"
)

// pool lends reading connections, the most recently used first because its cache is warm. They are opened when needed.
//
// A connection that is given back keeps its snapshot as long as nothing is committed: beginning and ending one costs as much as a short read. Snapshots keep SQLite from
// using its log anew, so none is kept while the writer commits.
type pool struct {
	path    string
	seats   chan struct{} // one for each connection lent
	commits atomic.Int64  // how often something was committed; moves before anybody is told

	mu         sync.Mutex
	idle       []*seat
	committing bool
}

// seat is a connection and its snapshot.
type seat struct {
	conn *lite.Conn
	seen int64 // the commits before the snapshot began; without a transaction there is none
}

func (p *pool) init(path string) {
	p.path = path
	p.seats = make(chan struct{}, min(16, max(4, 2*runtime.GOMAXPROCS(0))))
}

// take lends a connection as soon as one is free, with a snapshot of all that was committed.
func (p *pool) take(ctx context.Context) (*seat, error) {
	select {
	case p.seats <- struct{}{}:
	case <-ctx.Done():
		return nil, row.GaveUp(ctx)
	}
	s, err := p.seat()
	if err != nil {
		<-p.seats
		return nil, err
	}
	if err := s.begin(p.commits.Load()); err != nil {
		_ = s.conn.Close() // it only read
		<-p.seats
		return nil, fault(p.path, "begin to read", err)
	}
	return s, nil
}

// seat is an idle connection, or a new one.
func (p *pool) seat() (*seat, error) {
	p.mu.Lock()
	if last := len(p.idle) - 1; last >= 0 {
		s := p.idle[last]
		p.idle = p.idle[:last]
		p.mu.Unlock()
		return s, nil
	}
	p.mu.Unlock()
	conn, err := openReader(p.path)
	if err != nil {
		return nil, err
	}
	return &seat{conn: conn}, nil
}

// begin begins a snapshot, unless the one that is there is as new.
func (s *seat) begin(commits int64) error {
	if s.conn.InTransaction() && s.seen == commits {
		return nil
	}
	if err := s.end(); err != nil {
		return err
	}
	if err := s.conn.Run(sqlBegin); err != nil {
		return err
	}
	s.seen = commits
	return nil
}

// end ends the snapshot.
func (s *seat) end() error {
	if !s.conn.InTransaction() {
		return nil
	}
	return s.conn.Run(sqlRollback)
}

// give takes a connection back. Whoever met an error does not keep the snapshot, nor does one that is not new any more.
func (p *pool) give(s *seat, keep bool) {
	defer func() { <-p.seats }()
	if !keep && s.end() != nil {
		_ = s.conn.Close() // it only read
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if (p.committing || s.seen != p.commits.Load()) && s.end() != nil {
		_ = s.conn.Close()
		return
	}
	p.idle = append(p.idle, s)
}

// release ends the snapshots of idle connections, and lets none be kept until something is committed.
func (p *pool) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.committing = true
	kept := p.idle[:0]
	for _, s := range p.idle {
		if s.end() != nil {
			_ = s.conn.Close() // it only read
			continue
		}
		kept = append(kept, s)
	}
	p.idle = kept
}

// committed ends what release began. changed: there is something new to see.
func (p *pool) committed(changed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if changed {
		p.commits.Add(1)
	}
	p.committing = false
}

// close closes the connections; none is lent any more.
func (p *pool) close() {
	for _, s := range p.idle {
		_ = s.conn.Close() // it only read
	}
	p.idle = nil
}
