package ml

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// Soft-deleted workspaces are remembered by hidden nodes below their group: their names are blocked there until they are purged or their time is
// over (aml-contract 2).

// retention is how long a soft-deleted workspace blocks its name.
const retention = 14 * 24 * time.Hour

// deleted is what is remembered of a soft-deleted workspace.
type deleted struct {
	ID          string    `json:"id"`
	WorkspaceID string    `json:"workspaceId"`
	Location    string    `json:"location"`
	Deleted     time.Time `json:"deletedTime"`
	Purge       time.Time `json:"scheduledPurgeTime"`
}

// SoftDeleted returns the hidden node that blocks a workspace name in a group. NotFound if the name is free.
func SoftDeleted(ctx context.Context, r store.Reader, group store.ID, name string, now time.Time) (store.Node, error) {
	nodes, err := r.Walk(ctx, group, []store.Step{{Type: provider.DeletedWorkspace, Name: name}})
	if err != nil {
		return store.Node{}, err
	}
	if len(nodes) == 1 {
		var d deleted
		if err := json.Unmarshal(nodes[0].Body, &d); err != nil {
			return store.Node{}, errs.Wrap(errs.Internal, "StoredDocumentDamaged", err, "read the soft-deleted workspace %s", name)
		}
		if now.Before(d.Purge) {
			return nodes[0], nil
		}
	}
	return store.Node{}, errs.New(errs.NotFound, "NotSoftDeleted", "no soft-deleted workspace has the name %s", name)
}

// Purge forgets a soft-deleted workspace, so that its name is free. NotFound if there is none.
func Purge(ctx context.Context, tx store.Tx, group store.ID, name string, now time.Time) error {
	node, err := SoftDeleted(ctx, tx, group, name, now)
	if err != nil {
		return err
	}
	return tx.Trash(ctx, node.ID)
}

// purgeWorkspace forgets a soft-deleted workspace when it is deleted again for good.
func purgeWorkspace(c *provider.Call) error {
	if !strings.EqualFold(query(c, "forceToPurge"), "true") {
		return nil
	}
	err := Purge(c.Ctx, c.Tx, c.Found.Node.ID, c.ID.Name(), c.Now)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	return err
}

// refuseSoftDeleted keeps a name blocked.
func refuseSoftDeleted(c *provider.Call) error {
	recovers := tree.Flag(c.Doc.Public, "properties.allowRecoverSoftDeletedWorkspace")
	delete(c.Props(), "allowRecoverSoftDeletedWorkspace")
	_, err := SoftDeleted(c.Ctx, c.Read, c.Found.Chain[1].ID, c.ID.Name(), c.Now)
	switch {
	case errs.Is(err, errs.NotFound):
		return nil
	case err != nil:
		return err
	case recovers:
		return errs.New(errs.Unsupported, "NotImplemented", "Recovering the soft-deleted workspace '%s' is not built in this cloud.", c.ID)
	}
	return provider.Conflict("Conflict", "Soft-deleted workspace exists. Please purge or recover it. https://aka.ms/wsoftdelete").At(c.ID.String())
}

// deleteWorkspace judges the deletion of a workspace and remembers how it was asked for.
func deleteWorkspace(c *provider.Call) error {
	projects, err := liveProjects(c)
	if err != nil {
		return err
	}
	if len(projects) > 0 {
		return provider.Conflict("Conflict", "The hub '%s' has projects and cannot be deleted: %s.", c.ID, strings.Join(projects, ", ")).At(c.ID.String())
	}
	c.Doc.Private["forceToPurge"] = strings.EqualFold(query(c, "forceToPurge"), "true")
	c.Changed = true
	return nil
}

// goneWorkspace takes a workspace's share of the quota and its place at its hub along, and leaves the record of a soft-deleted workspace behind, unless it
// was purged. A customer-managed key makes no difference.
func goneWorkspace(c *provider.Call) error {
	if err := DropShares(c.Ctx, c.Tree, c.Tx, c.Found); err != nil {
		return err
	}
	if err := leaveHub(c); err != nil {
		return err
	}
	group, name := c.Found.Chain[1].ID, c.ID.Name()
	old, err := c.Tx.Walk(c.Ctx, group, []store.Step{{Type: provider.DeletedWorkspace, Name: name}})
	if err != nil {
		return err
	}
	for _, node := range old {
		if err := c.Tx.Trash(c.Ctx, node.ID); err != nil {
			return err
		}
	}
	if tree.Flag(c.Doc.Private, "forceToPurge") {
		return nil
	}
	body, err := json.Marshal(deleted{ID: c.ID.String(), WorkspaceID: tree.Text(c.Doc.Public, "properties.workspaceId"), Location: c.Location(),
		Deleted: c.Now, Purge: c.Now.Add(retention)})
	if err != nil {
		return fmt.Errorf("remember the soft-deleted workspace %s: %w", c.ID, err)
	}
	return c.Tx.Insert(c.Ctx, &store.Node{Parent: group, Type: provider.DeletedWorkspace, Name: name, ETag: provider.NewETag(), Body: body, Created: c.Now, Changed: c.Now})
}

// query reads a query parameter whatever the case of its name.
func query(c *provider.Call, name string) string { return parameterOf(c.Query, name) }
