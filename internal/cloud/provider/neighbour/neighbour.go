// Package neighbour is what the services around a workspace have in common, and the plain ones among them.
//
// Common are: the declaration of what a document may contain (Shape), values that a service computes once and keeps, keys, private
// endpoint connections with what private link offers for a service (Links), and writing a resource next to the one a call is about. Plain
// services need little more than an entry: ContainerService, Databricks, DocumentDB, Search, Notebooks, CognitiveServices (Types). Services
// with a life of their own (storage, keyvault, containerregistry, insights, network, identityresource) are packages beside this one and stand on it.
// It stands on provider and known and must not know the engine (cloud/control) or HTTP; only its tests, through neighbourtest, run on the engine.
package neighbour

import (
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/known"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// Suffixes of the host names that the cloud announces (client-wire 2.2). They lie below .test, which never resolves, so that no client can
// reach a real service of the same name by following a document of this cloud.
const (
	StorageSuffix  = "core.local.test"
	VaultSuffix    = "vault.local.test"
	RegistrySuffix = "azurecr.local.test"
)

// Moves fills what Azure's table says about moving into tracked entries.
func Moves(types []provider.Type) []provider.Type {
	for i := range types {
		if types[i].Tracked {
			types[i].MoveGroup, types[i].MoveSubscription, _ = known.Movable(types[i].Name)
		}
	}
	return types
}

// Stable gives a public property the value that it had, or makes one: what a client sends for it does not count.
func Stable(c *provider.Call, path string, first func() any) {
	if c.Old != nil {
		if value := tree.Get(c.Old.Public, path); value != nil {
			tree.Set(c.Doc.Public, path, value)
			return
		}
	}
	tree.Set(c.Doc.Public, path, first())
}

// Default gives a public property a value if the document has none.
func Default(c *provider.Call, path string, value any) {
	if tree.Get(c.Doc.Public, path) == nil {
		tree.Set(c.Doc.Public, path, value)
	}
}

// Private returns the private part of the document, made if absent, with what an earlier version of the document remembered.
func Private(c *provider.Call) map[string]any {
	if c.Doc.Private == nil {
		c.Doc.Private = map[string]any{}
	}
	if c.Old != nil {
		for key, value := range c.Old.Private {
			if _, there := c.Doc.Private[key]; !there {
				c.Doc.Private[key] = value
			}
		}
	}
	return c.Doc.Private
}

// Forget removes properties that only the service may write.
func Forget(c *provider.Call, paths ...string) {
	for _, path := range paths {
		tree.Set(c.Doc.Public, path, nil)
	}
}

// Rendered reads a found resource as a client sees it.
func Rendered(c *provider.Call, found tree.Found) (map[string]any, error) {
	body, err := c.Tree.Render(c.Ctx, c.Read, found)
	if err != nil {
		return nil, err
	}
	return tree.ParseObject(body)
}

// Beside makes a resource below another one than the call's, in the same transaction. For a top-level resource parent is the group. Below what is being deleted nothing is made.
func Beside(c *provider.Call, parent tree.Found, typ arm.Type, name string, doc tree.Document) (tree.Found, error) {
	entry, err := c.Types.Find(typ)
	if err != nil {
		return tree.Found{}, err
	}
	hop := arm.Hop{Type: entry.Kind(), Name: name}
	if entry.Depth() == 1 {
		hop = arm.Hop{Namespace: entry.Name.Namespace(), Type: entry.Name.Path(), Name: name}
	} else if err := stays(c, parent); err != nil {
		return tree.Found{}, err
	}
	container, err := c.Tree.MakeContainer(c.Ctx, c.Tx, parent, hop.NodeType())
	if err != nil {
		return tree.Found{}, err
	}
	node := &store.Node{Parent: container, Type: hop.NodeType(), Name: name, ETag: provider.NewETag(), Created: c.Now, Changed: c.Now}
	if err := c.Tree.Encode(c.Ctx, c.Tx, node, parent.ID().Child(hop), doc, entry.Refs); err != nil {
		return tree.Found{}, err
	}
	if err := c.Tx.Insert(c.Ctx, node); err != nil {
		return tree.Found{}, err
	}
	return tree.Found{Chain: append(append([]store.Node{}, parent.Chain...), *node), Node: *node}, nil
}

// stays keeps a resource from being deleted until the transaction ends, and refuses one that is being deleted.
func stays(c *provider.Call, found tree.Found) error {
	held, err := c.Tx.Hold(c.Ctx, store.Shared, found.Node.ID)
	if err != nil {
		return err
	}
	return provider.NotDeleting(append(found.Chain[:len(found.Chain)-1:len(found.Chain)-1], held[0]))
}

// pageSize is how many nodes a walk over the cloud reads at once.
const pageSize = 500

// Taken reports whether a top-level resource of a type and name exists in any subscription. It walks the groups of the cloud: meant for
// checkNameAvailability, which a person asks now and then, not for the write path.
func Taken(c *provider.Call, typ arm.Type, name string) (bool, error) {
	taken := false
	err := eachChild(c, store.Root, arm.Subscriptions, func(subscription store.Node) (bool, error) {
		err := eachChild(c, subscription.ID, arm.ResourceGroups, func(group store.Node) (bool, error) {
			met, err := c.Read.Walk(c.Ctx, group.ID, []store.Step{{Type: string(typ), Name: name}})
			taken = len(met) > 0
			return !taken, err
		})
		return !taken, err
	})
	return taken, err
}

// eachChild visits the children of a node of one type until visit returns false.
func eachChild(c *provider.Call, parent store.ID, typ string, visit func(store.Node) (bool, error)) error {
	r := store.Range{Type: typ, Limit: pageSize}
	for {
		page, err := c.Read.Children(c.Ctx, parent, r)
		if err != nil {
			return err
		}
		for _, node := range page {
			if more, err := visit(node); err != nil || !more {
				return err
			}
		}
		if len(page) < r.Limit {
			return nil
		}
		r.AfterType, r.AfterName = page[len(page)-1].Type, page[len(page)-1].Name
	}
}

// NamedInBody reads the name that a checkNameAvailability request asks about and judges the request's form.
func NamedInBody(c *provider.Call, typ arm.Type) (string, error) {
	if err := (Shape{{Path: "name", Is: Text, Need: true}, {Path: "type", Is: Text, Need: true}}).check(c.Body); err != nil {
		return "", err
	}
	if asked := tree.Text(c.Body, "type"); !typ.Is(arm.Type(asked)) {
		return "", errs.New(errs.Invalid, "InvalidResourceType", "The type '%s' must be '%s'.", asked, typ).At("type")
	}
	return tree.Text(c.Body, "name"), nil
}

// Label makes a lower-case DNS label of a name.
func Label(name string) string { return strings.ToLower(name) }
