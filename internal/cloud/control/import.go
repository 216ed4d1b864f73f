package control

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// Imported is a document that a service already holds, as a backup would bring it back: with states, guids and times that no client may write.
type Imported struct {
	ID  arm.ID
	Doc tree.Document
}

// Import writes documents as they are, past rights, policies, locks and behaviours: for filling a new cloud. What every write keeps in order is kept
// in order: parents must exist, secrets go to the private part, owned ids become references, unfinished work carries its flag, unique names are claimed.
// The documents of one call are inserted at once, so none of them may be the parent of another one or be referred to by it. Whoever imports
// resource groups or top-level resources bumps the generation. Running it again after a failed transaction is harmless.
func Import(ctx context.Context, tx store.Tx, t *tree.Tree, types *provider.Table, now time.Time, docs ...Imported) ([]*store.Node, error) {
	im := importer{tx: tx, tree: t, batch: t.Batch(), types: types, now: now, parents: map[string]above{}, containers: map[place]store.ID{}}
	nodes := make([]*store.Node, len(docs))
	calls := make([]*provider.Call, len(docs))
	for i, doc := range docs {
		var err error
		if nodes[i], calls[i], err = im.prepare(ctx, doc); err != nil {
			return nil, fmt.Errorf("import %s: %w", doc.ID, err)
		}
	}
	if err := tx.Insert(ctx, nodes...); err != nil {
		return nil, fmt.Errorf("import %d documents from %s on: %w", len(docs), docs[0].ID, err)
	}
	for i, call := range calls {
		if call == nil {
			continue
		}
		call.Found.Node = *nodes[i]
		if err := (&Engine{}).own(ctx, tx, call); err != nil {
			return nil, fmt.Errorf("claim the name of %s: %w", call.ID, err)
		}
	}
	return nodes, nil
}

// Places are where Import looks into documents of a type: only these, and those that others add, need to be parsed (arm.ParsePart).
func Places(entry *provider.Type, more ...string) arm.Paths {
	places := arm.NewPaths(slices.Concat(entry.Secrets, more, []string{"location", "properties.status", "properties.provisioningState"})...)
	places.Merge(entry.Refs)
	return places
}

// importer is one call of Import: it looks up each parent once.
type importer struct {
	tx         store.Tx
	tree       *tree.Tree
	batch      *tree.Batch
	types      *provider.Table
	now        time.Time
	parents    map[string]above
	containers map[place]store.ID
	last       above // the parent that was looked for last
}

// above is a parent and its id.
type above struct {
	tree.Found
	id arm.ID
}

// place is where the children of a type hang below a node.
type place struct {
	parent    store.ID
	childType string
}

// prepare makes the node of a document. The call is nil unless the name must be claimed.
func (im *importer) prepare(ctx context.Context, d Imported) (*store.Node, *provider.Call, error) {
	parent, err := im.parent(ctx, d.ID.Parent())
	if err != nil {
		return nil, nil, err
	}
	node := &store.Node{Parent: parent.Node.ID, ETag: provider.NewETag(), Created: im.now, Changed: im.now}
	if len(d.ID) == 2 && d.ID.Group() != "" {
		node.Type, node.Name = arm.ResourceGroups, d.ID.Name()
		return node, nil, im.batch.Encode(ctx, im.tx, node, d.ID, d.Doc, nil)
	}
	entry, err := im.types.Find(d.ID.Type())
	if err != nil {
		return nil, nil, err
	}
	if err := CheckName(entry, d.ID); err != nil {
		return nil, nil, err
	}
	hop := canonicalHop(entry, d.ID)
	id := parent.id.Child(hop)
	if node.Parent, err = im.container(ctx, parent.Found, hop.NodeType()); err != nil {
		return nil, nil, err
	}
	hide(&d.Doc, entry.Secrets)
	node.Type, node.Name, node.Flag = hop.NodeType(), hop.Name, unfinished(entry, d.Doc)
	var call *provider.Call
	if entry.Unique != provider.BelowParent {
		call = &provider.Call{Now: im.now, ID: id, Type: entry, Doc: d.Doc, Found: tree.Found{Chain: parent.Chain}}
		if err := (&Engine{}).claim(ctx, im.tx, call); err != nil {
			return nil, nil, err
		}
	}
	return node, call, im.batch.Encode(ctx, im.tx, node, id, d.Doc, entry.Refs)
}

// parent finds a parent, once for all documents below it.
func (im *importer) parent(ctx context.Context, id arm.ID) (above, error) {
	if im.last.id != nil && im.last.id.Equal(id) { // children stand together
		return im.last, nil
	}
	key := id.Key()
	if known, met := im.parents[key]; met {
		im.last = known
		return known, nil
	}
	found, err := im.tree.Resolve(ctx, im.tx, id)
	if errs.Is(err, errs.NotFound) {
		return above{}, errs.New(errs.NotFound, "ParentNotFound", "its parent %s does not exist", id).At(id.String())
	}
	if err != nil {
		return above{}, err
	}
	im.last = above{found, found.ID()}
	im.parents[key] = im.last
	return im.last, nil
}

// container finds or makes the place of a parent's children of a type.
func (im *importer) container(ctx context.Context, parent tree.Found, childType string) (store.ID, error) {
	key := place{parent.Node.ID, childType}
	if id, known := im.containers[key]; known {
		return id, nil
	}
	id, err := im.tree.MakeContainer(ctx, im.tx, parent, childType)
	if err == nil {
		im.containers[key] = id
	}
	return id, err
}

// unfinishedFlag is the flag that providers give to jobs and that a move looks for.
const unfinishedFlag = "active"

// unfinished is the flag of a document whose work has not come to an end: jobs, labeling projects, template deployments.
func unfinished(entry *provider.Type, doc tree.Document) string {
	done := true
	switch {
	case entry.Name.Is(aml.Workspaces + "/jobs"), entry.Name.Is(aml.Workspaces + "/labelingJobs"):
		done = aml.JobStatus(tree.Text(doc.Public, "properties.status")).Terminal()
	case entry.Name.Is("Microsoft.Resources/deployments"):
		done = aml.ProvisioningState(tree.Text(doc.Public, "properties.provisioningState")).Terminal()
	}
	if done {
		return ""
	}
	return unfinishedFlag
}

// SettleLater writes the operation that settles an imported resource after a time, as the request that began its work would have.
func SettleLater(ctx context.Context, tx store.Tx, node store.Node, id arm.ID, cause string, caller identity.Caller, now time.Time, after time.Duration) error {
	op, err := operation.New(opSettle, now, after, settleInput{Cause: cause, Caller: caller})
	if err != nil {
		return err
	}
	op.Tenant, op.Subscription, op.Principal, op.Node = caller.TenantID, id.Subscription(), caller.ObjectID, node.ID
	return tx.PutOperation(ctx, op)
}
