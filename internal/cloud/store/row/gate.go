package row

import "sync"

// Gate counts transactions in and out, so that a store closes only when the last one has left.
type Gate struct {
	mu     sync.Mutex
	closed bool
	inside sync.WaitGroup
}

// Enter counts a transaction in, or says that the store is closed.
func (g *Gate) Enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return Closed()
	}
	g.inside.Add(1)
	return nil
}

// Leave counts a transaction out.
func (g *Gate) Leave() { g.inside.Done() }

// Close lets nobody in any more and waits for those inside. It reports whether this call was the one that closed.
func (g *Gate) Close() bool {
	g.mu.Lock()
	first := !g.closed
	g.closed = true
	g.mu.Unlock()
	g.inside.Wait()
	return first
}
