package keyvault

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// A deleted vault leaves a record: a hidden node below its subscription with what a client may see of it (properties.vaultId, dates) and, in its
// private part, the vault as it was. The name is held everywhere by a meta key that names the subscription's node. A record is void
// once its purge date has passed: nobody has to remove it.
const recordType = "Microsoft.KeyVault/deletedVaults"

func heldKey(name string) string { return "keyvault.deleted/" + strings.ToLower(name) }

// record is what remains of a deleted vault.
type record struct {
	found tree.Found
	doc   tree.Document
}

func (r record) text(path string) string { return tree.Text(r.doc.Public, path) }

// over reports whether the record's purge date has passed.
func (r record) over(now time.Time) bool {
	due, err := time.Parse(time.RFC3339, r.text("properties.scheduledPurgeDate"))
	return err != nil || !now.Before(due)
}

// protected reports whether the vault may not be purged by hand.
func (r record) protected() bool { return tree.Flag(r.doc.Public, "properties.purgeProtectionEnabled") }

// readRecord reads a record's node.
func readRecord(c *provider.Call, subscription, node store.Node) (record, error) {
	found := tree.Found{Chain: []store.Node{subscription, node}, Node: node}
	doc, err := c.Tree.Decode(c.Ctx, c.Read, found)
	return record{found, doc}, err
}

// findDeleted finds the record of a name in whatever subscription holds it; NotFound if no one does or it is over.
func findDeleted(c *provider.Call, name string) (record, error) {
	held, err := c.Read.Meta(c.Ctx, heldKey(name))
	if errs.Is(err, errs.NotFound) {
		return record{}, deletedMissing(name)
	}
	if err != nil {
		return record{}, err
	}
	id, err := strconv.ParseInt(string(held), 10, 64)
	if err != nil {
		return record{}, errs.Wrap(errs.Internal, "RecordDamaged", err, "read who holds the vault name %s", name)
	}
	subscription, err := c.Read.Node(c.Ctx, store.ID(id))
	if err != nil {
		return record{}, err
	}
	nodes, err := c.Read.Walk(c.Ctx, subscription.ID, []store.Step{{Type: recordType, Name: name}})
	if err != nil {
		return record{}, err
	}
	if len(nodes) == 0 {
		return record{}, deletedMissing(name)
	}
	r, err := readRecord(c, subscription, nodes[0])
	if err == nil && r.over(c.Now) {
		return r, deletedMissing(name)
	}
	return r, err
}

func deletedMissing(name string) *errs.Error {
	return errs.New(errs.NotFound, "DeletedVaultNotFound", "The specified deleted vault '%s' does not exist.", name).At(name)
}

// keepDeleted writes the record of a vault that leaves sight.
func keepDeleted(c *provider.Call) error {
	props := tree.Object(c.Doc.Public, "properties")
	if props["enableSoftDelete"] == false {
		return nil
	}
	days, ok := number(props["softDeleteRetentionInDays"])
	if !ok {
		days = 90
	}
	children, err := keepChildren(c)
	if err != nil {
		return err
	}
	shown := map[string]any{
		"vaultId": c.ID.String(), "location": c.Doc.Public["location"], "deletionDate": stamp(c.Now),
		"scheduledPurgeDate": stamp(c.Now.Add(time.Duration(days) * 24 * time.Hour)), "purgeProtectionEnabled": props["enablePurgeProtection"] == true,
	}
	if tags := c.Doc.Public["tags"]; tags != nil {
		shown["tags"] = tags
	}
	return Remember(c.Ctx, c.Tx, c.Tree, c.Found.Chain[0], Deleted{Name: c.ID.Name(), Shown: shown, Vault: c.Doc.Public, Children: children, At: c.Now})
}

// Deleted is a vault that is gone and may come back.
type Deleted struct {
	Name     string
	Shown    map[string]any // properties of its record: vaultId, location, dates
	Vault    map[string]any // the document that it comes back with
	Children []any          // as keepChildren reads them
	At       time.Time      // when it was deleted
}

// Remember writes the record of a deleted vault below the node of its subscription, over an older one.
func Remember(ctx context.Context, tx store.Tx, t *tree.Tree, subscription store.Node, d Deleted) error {
	nodes, err := tx.Walk(ctx, subscription.ID, []store.Step{{Type: recordType, Name: d.Name}})
	if err != nil {
		return err
	}
	if len(nodes) > 0 { // it is over
		if err := tx.Trash(ctx, nodes[0].ID); err != nil {
			return err
		}
	}
	node := &store.Node{Parent: subscription.ID, Type: recordType, Name: d.Name, ETag: provider.NewETag(), Created: d.At, Changed: d.At}
	id := arm.ID{{Type: arm.Subscriptions, Name: subscription.Name}, {Namespace: "Microsoft.KeyVault", Type: "deletedVaults", Name: d.Name}}
	doc := tree.Document{Public: map[string]any{"properties": d.Shown}, Private: map[string]any{"vault": d.Vault, "children": d.Children}}
	if err := t.Encode(ctx, tx, node, id, doc, nil); err != nil {
		return err
	}
	if err := tx.Insert(ctx, node); err != nil {
		return err
	}
	return tx.PutMeta(ctx, heldKey(d.Name), []byte(strconv.FormatInt(int64(subscription.ID), 10)))
}

// childKinds come back with a recovered vault.
var childKinds = []string{"secrets", "keys"}

// keepChildren reads what hangs below a vault.
func keepChildren(c *provider.Call) ([]any, error) {
	kept := []any{}
	for _, kind := range childKinds {
		err := c.Children(c.Found, kind, func(found tree.Found) (bool, error) {
			doc, err := c.Tree.Decode(c.Ctx, c.Read, found)
			kept = append(kept, map[string]any{"kind": kind, "name": found.Node.Name, "public": doc.Public, "private": doc.Private})
			return true, err
		})
		if err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// recoverVault brings a deleted vault back where it was, with what hung below it.
func recoverVault(c *provider.Call) error {
	r, err := findDeleted(c, c.ID.Name())
	if err != nil {
		return err
	}
	where, err := arm.Parse(r.text("properties.vaultId"))
	if err != nil || !where.Equal(c.ID) {
		return provider.Conflict("ConflictError", "The deleted vault '%s' was at '%s' and can be recovered only there.", c.ID.Name(), r.text("properties.vaultId")).At(c.ID.String())
	}
	if provider.Region(tree.Text(c.Doc.Public, "location")) != provider.Region(r.text("properties.location")) {
		return provider.Conflict("ConflictError", "The deleted vault '%s' is in location '%s' and can be recovered only there.", c.ID.Name(), r.text("properties.location")).At("location")
	}
	system := c.Doc.Public["systemData"]
	c.Doc.Public = tree.Clone(tree.Object(r.doc.Private, "vault"))
	if system != nil {
		c.Doc.Public["systemData"] = system
	}
	c.Props()["provisioningState"] = "Succeeded"
	children, _ := r.doc.Private["children"].([]any)
	for _, child := range children {
		object, _ := child.(map[string]any)
		doc := tree.Document{Public: tree.Object(object, "public"), Private: tree.Object(object, "private")}
		if err := c.Spawn(tree.Text(object, "kind"), tree.Text(object, "name"), doc); err != nil {
			return err
		}
	}
	return release(c, r)
}

// release removes a record and gives the name free.
func release(c *provider.Call, r record) error {
	if err := c.Tx.Trash(c.Ctx, r.found.Node.ID); err != nil {
		return err
	}
	return c.Tx.PutMeta(c.Ctx, heldKey(r.found.Node.Name), nil)
}

// number reads a whole number of a document.
func number(value any) (int64, bool) {
	switch n := value.(type) {
	case json.Number:
		whole, err := n.Int64()
		return whole, err == nil
	case float64:
		return int64(n), true
	case int:
		return int64(n), true
	}
	return 0, false
}
