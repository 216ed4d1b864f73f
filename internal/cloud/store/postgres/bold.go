package postgres

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
)

// memory is what a first run takes for what it would find, so that an update which makes something new is one round trip: that a node which is held is as it was when it was held last,
// and that a name is free under which nothing was met. Nothing is told or kept before the server has found the same under the hold: the statements that look go before all others, and
// raise an error where it is not so.
type memory struct {
	mu    sync.Mutex
	nodes map[store.ID]store.Node // as they were held last
	taken [takenSlots]atomic.Uint64
	seed  maphash.Seed
}

// How much is remembered: names by their hashes, a later one in the place of an earlier one.
const (
	takenSlots = 1 << 16
	nodesKept  = 1 << 12
)

func newMemory() *memory {
	return &memory{nodes: map[store.ID]store.Node{}, seed: maphash.MakeSeed()}
}

// keep remembers a node that was held.
func (m *memory) keep(n store.Node) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.nodes) >= nodesKept {
		clear(m.nodes)
	}
	m.nodes[n.ID] = ownCopy(n)
}

// node returns a node as it was held last.
func (m *memory) node(id store.ID) (store.Node, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, known := m.nodes[id]
	return ownCopy(n), known
}

// sum is the hash of a name below a node; never 0.
func (m *memory) sum(parent store.ID, step store.Step) uint64 {
	return maphash.Comparable(m.seed, struct {
		parent store.ID
		step   store.Step
	}{parent, step}) | 1
}

// take remembers that a name is taken. It may be free again: then there is nothing to hope, and nothing is wrong.
func (m *memory) take(parent store.ID, step store.Step) {
	sum := m.sum(parent, step)
	m.taken[sum%takenSlots].Store(sum)
}

// isTaken reports whether a name was taken when it was met last.
func (m *memory) isTaken(parent store.ID, step store.Step) bool {
	sum := m.sum(parent, step)
	return m.taken[sum%takenSlots].Load() == sum
}

// boldly takes a hold and a walk of one step, which come first, for what they are hoped to find. false when there is no hope, and they have to be asked.
func (t *tx) boldly(ctx context.Context, id store.ID, w *walk) (held store.Node, hoped bool, err error) {
	guess, guessed := t.guessGeneration()
	if !guessed || len(t.later) > 0 || t.bump || len(w.steps) != 1 || w.from == store.Root {
		return held, false, nil
	}
	held, known := t.store.memory.node(id)
	if !known || t.store.memory.isTaken(w.from, w.steps[0]) {
		return held, false, nil
	}
	t.want(id)
	if err := t.write(ctx, "hold a node", sqlHoldAsKnown, int64(id), held.Flag, held.ETag, row.Micros(held.Changed)); err != nil {
		return held, false, err
	}
	if err := t.write(ctx, "walk", sqlStillFree, guess, int64(w.from), w.steps[0].Type, w.steps[0].Name); err != nil {
		return held, false, err
	}
	t.vouched = true
	t.hold(held, false)
	return held, true, nil
}
