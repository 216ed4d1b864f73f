package tree

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// nonceKey is where the store keeps the nonce of its tokens.
const nonceKey = "tree.nonce"

// slotType is the type of a hidden node that stands between a parent and those children that can be dropped all at once: it makes
// losing a million data assets one Reparent (D5, S05). It never shows in an id.
const slotType = "!slot"

// Tree resolves and renders the nodes of one store. It is safe for concurrent use.
type Tree struct {
	nonce string
	slots map[string]bool // lower-case child types that live in a slot of their parent

	mu         sync.RWMutex
	generation int64
	known      map[string][]store.Node // id key of a structural node to its chain, for one generation
}

// Open reads or makes the tree's nonce. slotted names the child types (bare segments) that live in a slot.
func Open(ctx context.Context, s store.Store, slotted ...string) (*Tree, error) {
	t := &Tree{slots: map[string]bool{}, known: map[string][]store.Node{}}
	for _, typ := range slotted {
		t.slots[strings.ToLower(typ)] = true
	}
	err := s.Update(ctx, func(tx store.Tx) error {
		kept, err := tx.Meta(ctx, nonceKey)
		if err == nil {
			t.nonce = string(kept)
			return nil
		}
		if !errs.Is(err, errs.NotFound) {
			return err
		}
		random := make([]byte, 12)
		if _, err := rand.Read(random); err != nil {
			return err
		}
		t.nonce = hex.EncodeToString(random)
		return tx.PutMeta(ctx, nonceKey, []byte(t.nonce))
	})
	if err != nil {
		return nil, fmt.Errorf("open the tree: %w", err)
	}
	return t, nil
}

// Found is a node together with the chain of visible nodes above it, topmost first, itself last.
type Found struct {
	Chain []store.Node
	Node  store.Node
}

// ID renders the id of what was found, in the casing it was created with.
func (f Found) ID() arm.ID { return idOf(f.Chain) }

// Parent is the store's parent for new children of the found node, unless their type lives in a slot.
func (f Found) Parent() store.ID { return f.Node.ID }

// idOf renders a chain of visible nodes.
func idOf(chain []store.Node) arm.ID {
	id := make(arm.ID, 0, len(chain))
	for _, n := range chain {
		hop := arm.Hop{Type: n.Type, Name: n.Name}
		if ns, typ, found := strings.Cut(n.Type, "/"); found {
			hop.Namespace, hop.Type = ns, typ
		}
		id = append(id, hop)
	}
	return id
}

// IDOf renders the id of a node; NotFound when it is gone.
func (t *Tree) IDOf(ctx context.Context, r store.Reader, id store.ID) (arm.ID, error) {
	found, err := t.FindNode(ctx, r, id)
	if err != nil {
		return nil, err
	}
	return found.ID(), nil
}

// FindNode finds a node by its store id, with the chain above it.
func (t *Tree) FindNode(ctx context.Context, r store.Reader, id store.ID) (Found, error) {
	path, err := r.Path(ctx, id)
	if err != nil {
		return Found{}, err
	}
	chain := visible(path)
	return Found{Chain: chain, Node: chain[len(chain)-1]}, nil
}

// Container is the store's parent of a found node's children of a type: the node itself or a slot. NotFound when the slot was never made.
func (t *Tree) Container(ctx context.Context, r store.Reader, parent Found, childType string) (store.ID, error) {
	if !t.slots[strings.ToLower(childType)] {
		return parent.Node.ID, nil
	}
	slots, err := r.Walk(ctx, parent.Node.ID, []store.Step{{Type: slotType, Name: childType}})
	if err != nil {
		return 0, err
	}
	if len(slots) == 0 {
		return 0, errs.New(errs.NotFound, "SlotNotFound", "no %s below %s", childType, parent.ID())
	}
	return slots[0].ID, nil
}

// MakeContainer is Container in a transaction: a missing slot is made.
func (t *Tree) MakeContainer(ctx context.Context, tx store.Tx, parent Found, childType string) (store.ID, error) {
	id, err := t.Container(ctx, tx, parent, childType)
	if !errs.Is(err, errs.NotFound) {
		return id, err
	}
	slot := &store.Node{Parent: parent.Node.ID, Type: slotType, Name: childType}
	if err := tx.Insert(ctx, slot); err != nil {
		return 0, err
	}
	return slot.ID, nil
}

// Drop takes all children of a slotted type out of sight in constant time.
func (t *Tree) Drop(ctx context.Context, tx store.Tx, parent store.ID, childType string) error {
	slots, err := tx.Walk(ctx, parent, []store.Step{{Type: slotType, Name: childType}})
	if err != nil || len(slots) == 0 {
		return err
	}
	return tx.Trash(ctx, slots[0].ID)
}

// Decode reads the document of a found node, references expanded.
func (t *Tree) Decode(ctx context.Context, r store.Reader, f Found) (Document, error) {
	public, private, cut := bytes.Cut(f.Node.Body, []byte{separator})
	var bound map[string]store.ID
	if len(f.Node.Refs) > 0 {
		bound = map[string]store.ID{}
	}
	expanded, err := t.expand(ctx, r, public, f.Node.Refs, f.root, bound)
	if err != nil {
		return Document{}, err
	}
	body := expanded
	if cut {
		body = append(append(append([]byte{}, expanded...), separator), private...)
	}
	doc, err := decode(body)
	doc.bound = bound
	return doc, err
}

// root renders the id of the top-level resource that a found node is at or below.
func (f Found) root() string {
	if len(f.Chain) < Structural {
		return f.ID().String()
	}
	return idOf(f.Chain[:Structural]).String()
}

// Render writes what a client sees: id, name, type and the public document.
func (t *Tree) Render(ctx context.Context, r store.Reader, f Found) ([]byte, error) {
	public, _, _ := bytes.Cut(f.Node.Body, []byte{separator})
	public, err := t.expand(ctx, r, public, f.Node.Refs, f.root, nil)
	if err != nil {
		return nil, err
	}
	id := f.ID()
	return envelope(id.String(), id.Name(), string(id.Type()), public), nil
}

// Siblings renders the children of one parent and type, whose ids differ in their names only.
type Siblings struct {
	tree         *Tree
	prefix, root string
	kind         string
}

// SiblingsOf prepares the rendering of children below a parent. typ is the node type of the children.
func (t *Tree) SiblingsOf(parent Found, typ string) Siblings {
	example := Found{Chain: append(parent.Chain[:len(parent.Chain):len(parent.Chain)], store.Node{Type: typ})}
	id := example.ID()
	s := Siblings{tree: t, prefix: id.String(), kind: string(id.Type()), root: example.root()}
	if len(example.Chain) == Structural {
		s.root = "" // each child is a top-level resource of its own
	}
	return s
}

// Render writes what a client sees of one child.
func (s Siblings) Render(ctx context.Context, r store.Reader, node store.Node) ([]byte, error) {
	id := s.prefix + node.Name
	root := func() string { return cmp.Or(s.root, id) }
	public, _, _ := bytes.Cut(node.Body, []byte{separator})
	public, err := s.tree.expand(ctx, r, public, node.Refs, root, nil)
	if err != nil {
		return nil, err
	}
	return envelope(id, node.Name, s.kind, public), nil
}

// envelope puts id, name and type in front of the members of a JSON object.
func envelope(id, name, typ string, object []byte) []byte {
	out := make([]byte, 0, len(object)+len(id)+len(name)+len(typ)+40)
	out = append(out, `{"id":`...)
	out = appendText(out, id)
	out = append(out, `,"name":`...)
	out = appendText(out, name)
	out = append(out, `,"type":`...)
	out = appendText(out, typ)
	rest := bytes.TrimSpace(object)
	if len(rest) > 2 {
		out = append(out, ',')
		return append(out, rest[1:]...)
	}
	return append(out, '}')
}

// appendText appends a text as JSON.
func appendText(out []byte, text string) []byte {
	out, _ = arm.AppendValue(out, text) // a text: cannot fail
	return out
}
