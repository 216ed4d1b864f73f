package provider

import (
	"context"
	"fmt"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// Remove takes another resource away along with what the call is about, with all that a deletion of it means: a lock on it or below it holds it, its type has its say (Gone), and
// what is bound to its scope goes too. What is gone already is left alone. Where that is the caller's own will and not the service's, MayDelete was asked when the request came.
func (c *Call) Remove(found tree.Found) error {
	held, err := c.Tx.Hold(c.Ctx, store.Exclusive, found.Node.ID)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	found = tree.Found{Chain: append(found.Chain[:len(found.Chain)-1:len(found.Chain)-1], held[0]), Node: held[0]}
	id := found.ID()
	if err := c.Unlocked(id); err != nil {
		return err
	}
	entry, err := c.Types.Find(id.Type())
	if err != nil {
		return err
	}
	doc, err := c.Tree.Decode(c.Ctx, c.Tx, found)
	if err != nil {
		return fmt.Errorf("read %s: %w", id, err)
	}
	old := doc.Copy()
	other := &Call{Ctx: c.Ctx, Read: c.Tx, Tx: c.Tx, Tree: c.Tree, Types: c.Types, Now: c.Now, Caller: c.Caller, Base: c.Base, Tenant: c.Tenant, Unlocked: c.Unlocked,
		ID: id, Type: entry, Found: found, Old: &old, Doc: doc, Flag: held[0].Flag}
	return other.Leave()
}

// Leave takes the resource of the call itself away. For cloud/control, when a deletion ends.
func (c *Call) Leave() error {
	if c.Type.Gone != nil {
		if err := c.Type.Gone(c); err != nil {
			return err
		}
	}
	return Drop(c.Ctx, c.Tx, c.Found)
}

// Drop trashes a node with all below it and what is bound to its scope; whoever remembered its place must look again.
func Drop(ctx context.Context, tx store.Tx, found tree.Found) error {
	id := found.ID()
	dropped, err := tx.DropExtensions(ctx, store.ExtensionRange{Scope: id.String(), Below: true}, "")
	if err != nil {
		return err
	}
	if err := tx.Trash(ctx, found.Node.ID); err != nil {
		return err
	}
	if dropped == 0 && len(id) > tree.Structural { // neither a rule nor a place that is remembered
		return nil
	}
	return tx.Bump(ctx)
}
