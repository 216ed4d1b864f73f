package sqlite

import (
	"context"
	"runtime"
	"sync"

	"github.com/amlmove/amlmove/internal/cloud/store/row"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite/lite"
)

// pool lends reading connections, the most recently used first because its cache is warm. They are opened when needed.
type pool struct {
	path  string
	seats chan struct{} // one for each connection lent

	mu   sync.Mutex
	idle []*lite.Conn
}

func (p *pool) init(path string) {
	p.path = path
	p.seats = make(chan struct{}, min(16, max(4, 2*runtime.GOMAXPROCS(0))))
}

// take lends a connection as soon as one is free.
func (p *pool) take(ctx context.Context) (*lite.Conn, error) {
	select {
	case p.seats <- struct{}{}:
	case <-ctx.Done():
		return nil, row.GaveUp(ctx)
	}
	p.mu.Lock()
	last := len(p.idle) - 1
	if last >= 0 {
		conn := p.idle[last]
		p.idle = p.idle[:last]
		p.mu.Unlock()
		return conn, nil
	}
	p.mu.Unlock()
	conn, err := openReader(p.path)
	if err != nil {
		<-p.seats
		return nil, err
	}
	return conn, nil
}

// give takes a connection back, or drops it if it could not end its snapshot.
func (p *pool) give(conn *lite.Conn) {
	if conn.InTransaction() && conn.Run(sqlRollback) != nil {
		_ = conn.Close() // it only read
	} else {
		p.mu.Lock()
		p.idle = append(p.idle, conn)
		p.mu.Unlock()
	}
	<-p.seats
}

// close closes the connections; none is lent any more.
func (p *pool) close() {
	for _, conn := range p.idle {
		_ = conn.Close() // it only read
	}
	p.idle = nil
}
