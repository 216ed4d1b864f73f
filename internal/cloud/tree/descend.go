package tree

import (
	"context"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// Structural is how many leading hops of an id are remembered for a generation: subscription, group, top-level resource. Whoever
// removes, moves or renames such a node bumps the generation.
const Structural = 3

// Resolve finds the node that an id names. NotFound says which hop is missing in Target.
func (t *Tree) Resolve(ctx context.Context, r store.Reader, id arm.ID) (Found, error) {
	// What the request names itself is read fresh; only what stands above it may come from memory.
	chain, err := t.descend(ctx, r, id, min(Structural, len(id)-1))
	if err != nil {
		return Found{}, err
	}
	if len(chain) < len(id) {
		return Found{}, missing(id[:len(chain)+1])
	}
	return Found{Chain: chain, Node: chain[len(chain)-1]}, nil
}

// Place finds what an id names and what stands above it in one walk: there is false when only the parent exists. NotFound when the parent does not.
func (t *Tree) Place(ctx context.Context, r store.Reader, id arm.ID) (parent, self Found, there bool, err error) {
	chain, err := t.descend(ctx, r, id, min(Structural, len(id)-1))
	if err != nil {
		return parent, self, false, err
	}
	return place(chain, id)
}

// place splits the nodes that an id passes into what it names and what stands above it.
func place(chain []store.Node, id arm.ID) (parent, self Found, there bool, err error) {
	above := len(id) - 1
	if len(chain) < above {
		return parent, self, false, missing(id[:len(chain)+1])
	}
	parent = Found{Chain: chain[:above:above], Node: chain[above-1]}
	if there = len(chain) == len(id); there {
		self = Found{Chain: chain, Node: chain[above]}
	}
	return parent, self, there, nil
}

// Enter is Place for whoever holds a node first, shared; NotFound NodeNotFound when that one is gone. mayEnter judges it as it is under the hold.
func (t *Tree) Enter(ctx context.Context, tx store.Tx, hold store.ID, mayEnter func(held store.Node) error, id arm.ID) (parent, self Found, there bool, err error) {
	before, err := tx.Generation(ctx)
	if err != nil {
		return parent, self, false, err
	}
	chain, err := t.head(ctx, tx, id, min(Structural, len(id)-1))
	if err != nil && !errs.Is(err, errs.NotFound) {
		return parent, self, false, err
	}
	lost := err // what stands above is missing
	held, met, err := tx.HoldAndWalk(ctx, store.Shared, hold, under(chain), t.steps(id[len(chain):]))
	if err == nil {
		err = mayEnter(held)
	}
	if err == nil {
		err = lost
	}
	if err != nil {
		return parent, self, false, err
	}
	after, err := tx.Generation(ctx)
	if err != nil {
		return parent, self, false, err
	}
	if after != before { // what was remembered may have been old
		return t.Place(ctx, tx, id)
	}
	return place(append(chain[:len(chain):len(chain)], visible(met)...), id)
}

// Remembered is Resolve from memory where it can: the node may be as old as the generation. For whoever reads it again under a lock.
func (t *Tree) Remembered(ctx context.Context, r store.Reader, id arm.ID) (Found, error) {
	chain, err := t.descend(ctx, r, id, min(Structural, len(id)))
	if err != nil {
		return Found{}, err
	}
	if len(chain) < len(id) {
		return Found{}, missing(id[:len(chain)+1])
	}
	return Found{Chain: chain, Node: chain[len(chain)-1]}, nil
}

// descend returns the nodes that an id passes, as far as they exist; the first hops may come from memory.
func (t *Tree) descend(ctx context.Context, r store.Reader, id arm.ID, memory int) ([]store.Node, error) {
	chain, err := t.head(ctx, r, id, memory)
	if err != nil || len(id) == len(chain) {
		return chain, err
	}
	below, err := t.walk(ctx, r, chain, id[len(chain):])
	return append(chain[:len(chain):len(chain)], below...), err
}

// missing is the error for an id that names nothing; the server gives it ARM's words.
func missing(id arm.ID) error {
	return errs.New(errs.NotFound, "ResourceNotFound", "The Resource '%s/%s' was not found.", id.Type(), id.Name()).At(id.String())
}

// head finds the first hops of an id, from memory if it can. The nodes it returns may be as old as the generation: their bodies and
// flags must be read again where they matter.
func (t *Tree) head(ctx context.Context, r store.Reader, id arm.ID, cached int) ([]store.Node, error) {
	if len(id) == 0 {
		return nil, errs.New(errs.NotFound, "ResourceNotFound", "the tenant itself has no document")
	}
	if cached == 0 {
		return nil, nil
	}
	generation, err := r.Generation(ctx)
	if err != nil {
		return nil, err
	}
	key := id[:cached].Key()
	if chain := t.remembered(generation, key); chain != nil {
		return chain, nil
	}
	chain, err := t.walk(ctx, r, nil, id[:cached])
	if err == nil && len(chain) == cached && !uncommitted(r) {
		t.remember(generation, key, chain)
	}
	if err == nil && len(chain) < cached {
		err = missing(id[:len(chain)+1])
	}
	return chain, err
}

// uncommitted reports whether a reader may see what is never committed.
func uncommitted(r store.Reader) bool {
	tx, writes := r.(store.Tx)
	return writes && tx.Inserted()
}

func (t *Tree) remembered(generation int64, key string) []store.Node {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.generation != generation {
		return nil
	}
	return t.known[key]
}

// maxKnown bounds what is remembered.
const maxKnown = 20_000

func (t *Tree) remember(generation int64, key string, chain []store.Node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.generation > generation {
		return
	}
	if t.generation < generation || len(t.known) >= maxKnown {
		t.generation, t.known = generation, map[string][]store.Node{}
	}
	t.known[key] = chain
}

// walk goes down from the end of a chain and returns the visible nodes met.
func (t *Tree) walk(ctx context.Context, r store.Reader, above []store.Node, hops []arm.Hop) ([]store.Node, error) {
	nodes, err := r.Walk(ctx, under(above), t.steps(hops))
	if err != nil {
		return nil, err
	}
	return visible(nodes), nil
}

// under is the store's node from which a chain is walked on.
func under(chain []store.Node) store.ID {
	if len(chain) == 0 {
		return store.Root
	}
	return chain[len(chain)-1].ID
}

// steps are the hops of an id as the store walks them, through slots.
func (t *Tree) steps(hops []arm.Hop) []store.Step {
	steps := make([]store.Step, 0, len(hops)+1)
	for _, hop := range hops {
		typ := hop.NodeType()
		if t.slots[strings.ToLower(typ)] {
			steps = append(steps, store.Step{Type: slotType, Name: typ})
		}
		steps = append(steps, store.Step{Type: typ, Name: hop.Name})
	}
	return steps
}

// visible leaves the slots out.
func visible(nodes []store.Node) []store.Node {
	shown := nodes[:0]
	for _, n := range nodes {
		if n.Type != slotType {
			shown = append(shown, n)
		}
	}
	return shown
}
