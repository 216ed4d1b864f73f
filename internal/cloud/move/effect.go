package move

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/authorization"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/ml"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// carryOver moves every resource of an order, with the damage that the seed describes. All of it is one transaction: it happens or it does not. Its cost
// depends on how many resources the order names, never on what hangs below them (D5).
func (m *mover) carryOver(ctx context.Context, tx store.Tx, w work, now time.Time) error {
	settings, err := LoadSettings(ctx, tx)
	if err != nil {
		return err
	}
	for _, id := range w.order.Resources {
		found, err := m.engine.Tree.Resolve(ctx, tx, id)
		if err != nil {
			return fmt.Errorf("move %s: %w", id, err)
		}
		if err := m.carryOne(ctx, tx, w, id, found, settings, now); err != nil {
			return fmt.Errorf("move %s: %w", id, err)
		}
	}
	return nil
}

// carryOne moves one resource. Its id changes with its parent, those of its children and the references to it with it (S01-S04, S06-S08, S42).
func (m *mover) carryOne(ctx context.Context, tx store.Tx, w work, id arm.ID, found tree.Found, settings Settings, now time.Time) error {
	if err := m.leaveScope(ctx, tx, id); err != nil {
		return err
	}
	if id.Type().Is(aml.Workspaces) {
		if err := ml.DropShares(ctx, m.engine.Tree, tx, found); err != nil {
			return err
		}
	}
	if err := tx.Reparent(ctx, found.Node.ID, w.groups.Target.Node.ID); err != nil {
		return err
	}
	chain := []store.Node{w.groups.Target.Chain[0], w.groups.Target.Node, found.Node}
	moved := tree.Found{Chain: chain, Node: found.Node}
	if err := m.disconnect(ctx, tx, moved, now); err != nil {
		return err
	}
	if !id.Type().Is(aml.Workspaces) {
		return nil
	}
	for _, kind := range aml.Kinds() { // data assets are not moved (S05)
		if kind.Fate == aml.Dropped && kind.Depth() == 1 {
			if err := m.engine.Tree.Drop(ctx, tx, found.Node.ID, kind.Path); err != nil {
				return err
			}
		}
	}
	if settings.DatastoreFields == "empty" {
		return m.emptyDatastores(ctx, tx, moved, now)
	}
	return nil
}

// leaveScope removes what is bound to the words of the old scope and goes with it: locks, diagnostic settings, policy of the resource (arm-move 3.1). Role
// assignments stay where they are, as orphans of an id that no longer exists (S16).
func (m *mover) leaveScope(ctx context.Context, tx store.Tx, id arm.ID) error {
	for _, namespace := range m.engine.Types.Namespaces() {
		_, types, _ := m.engine.Types.Namespace(namespace)
		for _, entry := range types {
			if !entry.Extension || entry.Name.Is(authorization.RoleAssignments) {
				continue
			}
			scope := store.ExtensionRange{Scope: id.String(), Below: true, Type: string(entry.Name)}
			if _, err := tx.DropExtensions(ctx, scope, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// connections is the kind of the private endpoint connections below a resource.
const connections = "privateEndpointConnections"

// disconnect cuts the private endpoint connections of a moved resource and makes new ones that wait for approval (S23, S24).
func (m *mover) disconnect(ctx context.Context, tx store.Tx, moved tree.Found, now time.Time) error {
	entry, err := m.engine.Types.Find(moved.ID().Type() + "/" + connections)
	if err != nil {
		return nil // a type without private endpoints
	}
	list, err := m.everyChild(ctx, tx, moved, connections, whole)
	if err != nil {
		return err
	}
	for _, connection := range list {
		doc, err := m.engine.Tree.Decode(ctx, tx, connection)
		if err != nil {
			return err
		}
		if tree.Text(doc.Public, connectionStatus) == "Disconnected" {
			continue
		}
		fresh := doc.Copy()
		setConnection(doc.Public, "Disconnected", "The resource was moved.")
		if err := m.save(ctx, tx, connection, doc, entry, now); err != nil {
			return err
		}
		setConnection(fresh.Public, "Pending", "Please approve the connection: the resource was moved.")
		if err := m.insertConnection(ctx, tx, moved, fresh, entry, now); err != nil {
			return err
		}
	}
	return nil
}

// connectionStatus is where a connection says how it stands.
const connectionStatus = "properties.privateLinkServiceConnectionState.status"

func setConnection(doc map[string]any, status, description string) {
	tree.Set(doc, connectionStatus, status)
	tree.Set(doc, "properties.privateLinkServiceConnectionState.description", description)
	tree.Set(doc, "properties.privateLinkServiceConnectionState.actionsRequired", "None")
}

// insertConnection makes a connection under a name of its own: that of the private endpoint and a fresh guid, as the service names them.
func (m *mover) insertConnection(ctx context.Context, tx store.Tx, moved tree.Found, doc tree.Document, entry *provider.Type, now time.Time) error {
	name := "connection." + uuid.NewString()
	if endpoint, err := arm.Parse(tree.Text(doc.Public, "properties.privateEndpoint.id")); err == nil {
		name = endpoint.Name() + "." + uuid.NewString()
	}
	node := store.Node{Parent: moved.Node.ID, Type: connections, Name: name, ETag: provider.NewETag(), Created: now, Changed: now}
	id := moved.ID().Child(arm.Hop{Type: connections, Name: name})
	if err := m.engine.Tree.Encode(ctx, tx, &node, id, doc, entry.Refs); err != nil {
		return err
	}
	return tx.Insert(ctx, &node)
}

// save writes a changed document of a child back.
func (m *mover) save(ctx context.Context, tx store.Tx, found tree.Found, doc tree.Document, entry *provider.Type, now time.Time) error {
	node := found.Node
	node.Changed, node.ETag = now, provider.NewETag()
	if err := m.engine.Tree.Encode(ctx, tx, &node, found.ID(), doc, entry.Refs); err != nil {
		return err
	}
	return tx.Save(ctx, node)
}

// emptyDatastores clears subscription and group of the nondefault datastores (S45).
func (m *mover) emptyDatastores(ctx context.Context, tx store.Tx, moved tree.Found, now time.Time) error {
	const kind = "datastores"
	entry, err := m.engine.Types.Find(aml.Workspaces + "/" + kind)
	if err != nil {
		return err
	}
	list, err := m.everyChild(ctx, tx, moved, kind, whole)
	if err != nil {
		return err
	}
	for _, datastore := range list {
		if aml.IsSystemDatastore(datastore.Node.Name) {
			continue
		}
		doc, err := m.engine.Tree.Decode(ctx, tx, datastore)
		if err != nil {
			return err
		}
		tree.Set(doc.Public, "properties.subscriptionId", nil)
		tree.Set(doc.Public, "properties.resourceGroup", nil)
		if err := m.save(ctx, tx, datastore, doc, entry, now); err != nil {
			return err
		}
	}
	return nil
}
