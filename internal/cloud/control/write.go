package control

import (
	"context"
	"fmt"
	"net/http"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// makeParent makes the missing container of an asset along with its first version.
func (e *Engine) makeParent(ctx context.Context, tx store.Tx, st *State, req *Request) (tree.Found, error) {
	parentID := req.Target.ID.Parent()
	containerType, err := e.Types.Find(parentID.Type())
	if err != nil {
		return tree.Found{}, err
	}
	if err := CheckName(containerType, parentID); err != nil {
		return tree.Found{}, err
	}
	container := *req
	container.Method, container.Target = http.MethodPut, arm.Target{ID: parentID}
	call, err := e.prepare(ctx, tx, st, &container, containerType, map[string]any{"properties": map[string]any{}})
	if err != nil {
		return tree.Found{}, err
	}
	call.Auto = true
	e.stamp(call, true, false)
	if containerType.Put != nil {
		if err := containerType.Put(call); err != nil {
			return tree.Found{}, err
		}
	}
	err = e.write(ctx, tx, call)
	return call.Found, err
}

// write inserts or saves the document of a call, then what it spawned and its timers.
func (e *Engine) write(ctx context.Context, tx store.Tx, call *provider.Call) error {
	if call.Old != nil {
		if err := e.save(ctx, tx, call); err != nil {
			return err
		}
	} else if err := e.insert(ctx, tx, call); err != nil {
		return err
	}
	for _, child := range call.Spawned() {
		if err := e.insertChild(ctx, tx, call, child); err != nil {
			return err
		}
	}
	return e.startTimers(ctx, tx, call)
}

// insert puts a new resource below its parent.
func (e *Engine) insert(ctx context.Context, tx store.Tx, call *provider.Call) error {
	hop := canonicalHop(call.Type, call.ID)
	container, err := e.Tree.MakeContainer(ctx, tx, parentFound(call.Found), hop.NodeType())
	if err != nil {
		return err
	}
	node := store.Node{Parent: container, Type: hop.NodeType(), Name: hop.Name, Flag: call.Flag, ETag: provider.NewETag(), Created: call.Now, Changed: call.Now}
	if err := e.Tree.Encode(ctx, tx, &node, call.ID, call.Doc, call.Type.Refs); err != nil {
		return fmt.Errorf("write %s: %w", call.ID, err)
	}
	if err := tx.Insert(ctx, &node); err != nil {
		return fmt.Errorf("insert %s: %w", call.ID, err)
	}
	call.Found = tree.Found{Chain: append(append([]store.Node{}, call.Found.Chain...), node), Node: node}
	return e.own(ctx, tx, call)
}

// parentFound reads a chain as the place of its last node.
func parentFound(f tree.Found) tree.Found {
	return tree.Found{Chain: f.Chain, Node: f.Chain[len(f.Chain)-1]}
}

// insertChild puts a spawned child below a call's resource.
func (e *Engine) insertChild(ctx context.Context, tx store.Tx, parent *provider.Call, child provider.Spawn) error {
	call := *parent
	call.Type, call.Doc, call.Flag, call.Old = child.Type, child.Doc, "", nil
	call.ID = parent.ID.Child(arm.Hop{Type: child.Type.Kind(), Name: child.Name})
	if _, err := e.Tree.Resolve(ctx, tx, call.ID); err == nil {
		return nil // it is there already: the parent was written again
	}
	if err := CheckName(child.Type, call.ID); err != nil {
		return err
	}
	e.stamp(&call, true, false)
	hide(&call.Doc, child.Type.Secrets)
	return e.insert(ctx, tx, &call)
}
