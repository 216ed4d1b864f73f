package tree

import (
	"context"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/store"
)

// Encode writes a document into a node: its body, with the ids at refPaths kept as references. id is the id the node has now.
func (t *Tree) Encode(ctx context.Context, r store.Reader, n *store.Node, id arm.ID, doc Document, refPaths []string) error {
	return t.encode(n, id, doc, refPaths, func(named arm.ID) (store.ID, error) {
		if ref, known := doc.bound[named.Key()]; known { // rendered from a reference in the same transaction: what it names may have moved since
			return ref, nil
		}
		return t.lookup(ctx, r, named)
	})
}

func (t *Tree) encode(n *store.Node, id arm.ID, doc Document, refPaths []string, find func(arm.ID) (store.ID, error)) (err error) {
	public := doc.Public
	if len(refPaths) > 0 {
		public = Clone(public)
	}
	if n.Refs, err = t.bind(public, refPaths, id.Root(), find); err != nil {
		return err
	}
	n.Body, err = encode(Document{Public: public, Private: doc.Private})
	return err
}

// Batch encodes documents that are written together in one transaction: an id that many of them name is looked up once. None of them may refer to another one.
type Batch struct {
	tree  *Tree
	known map[string]store.ID // Root: there is no such thing
}

// Batch begins a batch.
func (t *Tree) Batch() *Batch { return &Batch{t, map[string]store.ID{}} }

// Encode is that of the tree.
func (b *Batch) Encode(ctx context.Context, r store.Reader, n *store.Node, id arm.ID, doc Document, refPaths []string) error {
	return b.tree.encode(n, id, doc, refPaths, func(named arm.ID) (store.ID, error) {
		key := named.Key()
		ref, known := b.known[key]
		if known {
			return ref, nil
		}
		ref, err := b.tree.lookup(ctx, r, named)
		if err == nil {
			b.known[key] = ref
		}
		return ref, err
	})
}
