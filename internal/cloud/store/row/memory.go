package row

import (
	"bytes"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/amlmove/amlmove/internal/cloud/store"
)

// Memory is what the first run of an update takes for what it would find: that a node which is held is as it was when it was held last, and that a name is free under which nothing was
// met. Whoever goes by it compares before anything is told or kept.
type Memory struct {
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

// NewMemory remembers nothing yet.
func NewMemory() *Memory {
	return &Memory{nodes: map[store.ID]store.Node{}, seed: maphash.MakeSeed()}
}

// Keep remembers a node that was held.
func (m *Memory) Keep(n store.Node) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.nodes) >= nodesKept {
		clear(m.nodes)
	}
	m.nodes[n.ID] = OwnCopy(n)
}

// Node returns a node as it was held last.
func (m *Memory) Node(id store.ID) (store.Node, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, known := m.nodes[id]
	return OwnCopy(n), known
}

// sum is the hash of a name below a node; never 0.
func (m *Memory) sum(parent store.ID, step store.Step) uint64 {
	return maphash.Comparable(m.seed, struct {
		parent store.ID
		step   store.Step
	}{parent, store.Step{Type: Key(step.Type), Name: Key(step.Name)}}) | 1
}

// Take remembers that a name is taken. It may be free again: then there is nothing to hope, and nothing is wrong.
func (m *Memory) Take(parent store.ID, step store.Step) {
	sum := m.sum(parent, step)
	m.taken[sum%takenSlots].Store(sum)
}

// Taken reports whether a name was taken when it was met last.
func (m *Memory) Taken(parent store.ID, step store.Step) bool {
	sum := m.sum(parent, step)
	return m.taken[sum%takenSlots].Load() == sum
}

// OwnCopy is a node that shares nothing with another.
func OwnCopy(n store.Node) store.Node {
	n.Body, n.Refs = bytes.Clone(n.Body), slices.Clone(n.Refs)
	return n
}
