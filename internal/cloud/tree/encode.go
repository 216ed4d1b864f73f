package tree

import (
	"context"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/store"
)

// Encode writes a document into a node: its body, with the ids at refs kept as references. id is the id the node has now.
func (t *Tree) Encode(ctx context.Context, r store.Reader, n *store.Node, id arm.ID, doc Document, refs arm.Paths) error {
	root := id.Root()
	return t.encode(n, doc, refs, func(text string) (mention, error) {
		return t.mention(text, root, func(named arm.ID) (store.ID, error) {
			if ref, known := doc.bound[named.Key()]; known { // rendered from a reference in the same transaction: what it names may have moved since
				return ref, nil
			}
			return t.lookup(ctx, r, named)
		})
	})
}

func (t *Tree) encode(n *store.Node, doc Document, refs arm.Paths, name func(text string) (mention, error)) (err error) {
	if doc.Public, n.Refs, err = t.bind(doc.Public, refs, name); err != nil {
		return err
	}
	n.Body, err = encode(doc)
	return err
}

// Batch encodes documents that are written together in one transaction: what many of them name is looked up once. None of them may refer to another one.
type Batch struct {
	tree  *Tree
	root  arm.ID // of the documents that named what is known
	known map[string]mention
}

// Batch begins a batch.
func (t *Tree) Batch() *Batch { return &Batch{tree: t} }

// Encode is that of the tree.
func (b *Batch) Encode(ctx context.Context, r store.Reader, n *store.Node, id arm.ID, doc Document, refs arm.Paths) error {
	root := id.Root()
	if b.known == nil || !b.root.Equal(root) {
		b.root, b.known = root, map[string]mention{}
	}
	return b.tree.encode(n, doc, refs, func(text string) (mention, error) {
		if m, known := b.known[text]; known {
			return m, nil
		}
		m, err := b.tree.mention(text, root, func(named arm.ID) (store.ID, error) { return b.tree.lookup(ctx, r, named) })
		if err == nil {
			b.known[text] = m
		}
		return m, err
	})
}
