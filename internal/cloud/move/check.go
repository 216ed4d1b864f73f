package move

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/access"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/ml"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// check makes the three families of checks (arm-move 1.3), ARM's own first. Each family reports everything it finds; the first family that finds
// something is the verdict.
func (m *mover) check(ctx context.Context, r store.Reader, op *store.Operation, w work, now time.Time) error {
	for _, family := range []func(context.Context, store.Reader, *store.Operation, work, time.Time) (*errs.Error, error){m.checkARM, m.checkPolicy, m.checkProviders} {
		verdict, err := family(ctx, r, op, w, now)
		if err != nil {
			return err
		}
		if verdict != nil {
			return verdict
		}
	}
	return nil
}

// diagnostics is the tail of ARM's messages about a failed validation.
func diagnostics(op *store.Operation, w work, now time.Time) string {
	return fmt.Sprintf("Diagnostic information: timestamp '%s', subscription id '%s', tracking id '%s', request correlation id '%s'.",
		now.Format("20060102T150405Z"), w.order.Source.Subscription(), w.in.Tracking, op.Correlation)
}

// checkARM makes ARM's own checks: types that do not move, names taken at the target, registrations.
func (m *mover) checkARM(ctx context.Context, r store.Reader, op *store.Operation, w work, now time.Time) (*errs.Error, error) {
	var found []*errs.Error
	across := !strings.EqualFold(w.order.Source.Subscription(), w.order.Target.Subscription())
	for _, id := range w.order.Resources {
		entry, err := m.engine.Types.Find(id.Type())
		if err != nil {
			return nil, err
		}
		if across && !entry.MoveSubscription || !across && !entry.MoveGroup {
			found = append(found, errs.New(errs.Conflict, "ResourceMoveNotSupported",
				"Resource move is not supported for resource types '%s'. The resource '%s' cannot be moved.", entry.Name, id).At(id.String()))
		}
		taken, err := m.nameTaken(ctx, r, w, id, now)
		if err != nil {
			return nil, err
		}
		if taken != nil {
			found = append(found, taken)
		}
	}
	missing, err := m.missingRegistrations(ctx, r, w)
	if err != nil {
		return nil, err
	}
	if missing != nil {
		found = append(found, missing)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return errs.New(errs.Conflict, "ResourceMoveValidationFailed", "The resource batch move request has '%d' validation errors. %s",
		len(found), diagnostics(op, w, now)).With(found...), nil
}

// nameTaken refuses a name that a resource of the target group has, or that a soft-deleted one still holds.
func (m *mover) nameTaken(ctx context.Context, r store.Reader, w work, id arm.ID, now time.Time) (*errs.Error, error) {
	at := w.order.moved(id)
	_, err := m.engine.Tree.Resolve(ctx, r, at)
	if err == nil {
		return errs.New(errs.Conflict, "ResourceConflict", "The resource '%s' cannot be moved: a resource of the same type and name already exists in the target resource group: '%s'.", id, at).At(id.String()), nil
	}
	if !errs.Is(err, errs.NotFound) {
		return nil, err
	}
	if !id.Type().Is(aml.Workspaces) {
		return nil, nil
	}
	_, err = ml.SoftDeleted(ctx, r, w.groups.Target.Node.ID, id.Name(), now)
	if errs.Is(err, errs.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return errs.New(errs.Conflict, "ResourceConflict", "The resource '%s' cannot be moved: its name is held by a soft-deleted workspace in the target resource group '%s'. Recover or purge that workspace first.", id, w.order.Target).At(id.String()), nil
}

// missingRegistrations names the types for which the target subscription is not registered (S17-S19): the moved ones with the children that are there,
// and those that a workspace needs.
func (m *mover) missingRegistrations(ctx context.Context, r store.Reader, w work) (*errs.Error, error) {
	st, err := m.engine.StateOf(ctx, r)
	if err != nil {
		return nil, err
	}
	target := st.Subscription(w.order.Target.Subscription())
	var missing []string
	for _, id := range w.order.Resources {
		found, doc, err := m.found(ctx, r, id)
		if err != nil {
			return nil, err
		}
		types, err := m.typesNeeded(ctx, r, found, doc)
		if err != nil {
			return nil, err
		}
		for _, typ := range types {
			text := fmt.Sprintf("%s (%s)", typ, provider.Region(tree.Text(doc.Public, "location")))
			if target.Registration(typ.Namespace()) != "Registered" && !slices.Contains(missing, text) {
				missing = append(missing, text)
			}
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	return errs.New(errs.Conflict, "MissingRegistrationsForTypes", "The subscription '%s' is not registered for resource types '%s'.",
		w.order.Target.Subscription(), strings.Join(missing, ", ")).At(w.order.Target.SubscriptionID().String()), nil
}

// representative is the type by which a namespace that a workspace needs is named.
var representative = map[string]arm.Type{
	"Microsoft.Storage": "Microsoft.Storage/storageAccounts", "Microsoft.KeyVault": "Microsoft.KeyVault/vaults",
	"Microsoft.ContainerRegistry": "Microsoft.ContainerRegistry/registries", "Microsoft.Insights": "Microsoft.Insights/components",
	"Microsoft.Notebooks": "Microsoft.Notebooks/NotebookProxies", "Microsoft.ContainerService": "Microsoft.ContainerService/managedClusters",
	"Microsoft.DocumentDB": "Microsoft.DocumentDB/databaseAccounts", "Microsoft.Search": "Microsoft.Search/searchServices",
}

// typesNeeded lists what the target must be registered for when a resource comes.
func (m *mover) typesNeeded(ctx context.Context, r store.Reader, found tree.Found, doc tree.Document) ([]arm.Type, error) {
	entry, err := m.engine.Types.Find(found.ID().Type())
	if err != nil {
		return nil, err
	}
	types := []arm.Type{entry.Name}
	for _, child := range m.engine.Types.Children(entry.Name) {
		some, err := m.children(ctx, r, found, child.Kind(), 1)
		if err != nil {
			return nil, err
		}
		if len(some) > 0 {
			types = append(types, child.Name)
		}
	}
	if !entry.Name.Is(aml.Workspaces) {
		return types, nil
	}
	needs := aml.Needs{CMK: customerKey(doc) != ""}
	computes, err := m.everyChild(ctx, r, found, "computes", whole)
	if err != nil {
		return nil, err
	}
	for _, compute := range computes {
		doc, err := m.engine.Tree.Decode(ctx, r, compute)
		if err != nil {
			return nil, err
		}
		kind := tree.Text(doc.Public, "properties.computeType")
		needs.AKS = needs.AKS || kind == aml.ComputeAKS || kind == aml.ComputeKubernetes
	}
	for _, namespace := range aml.RequiredNamespaces(needs) {
		if typ := representative[namespace]; typ != "" {
			types = append(types, typ)
		}
	}
	return types, nil
}

// children returns the first children of one kind, at most limit.
func (m *mover) children(ctx context.Context, r store.Reader, parent tree.Found, kind string, limit int) ([]tree.Found, error) {
	var list []tree.Found
	err := m.engine.Tree.Children(ctx, r, parent, kind, func(child tree.Found) (bool, error) {
		list = append(list, child)
		return len(list) < limit, nil
	})
	return list, err
}

// everyChild returns all children of one kind that keep accepts.
func (m *mover) everyChild(ctx context.Context, r store.Reader, parent tree.Found, kind string, keep func(tree.Found) (bool, error)) ([]tree.Found, error) {
	var list []tree.Found
	err := m.engine.Tree.Children(ctx, r, parent, kind, func(child tree.Found) (bool, error) {
		kept, err := keep(child)
		if kept {
			list = append(list, child)
		}
		return true, err
	})
	return list, err
}

// whole keeps everything.
func whole(tree.Found) (bool, error) { return true, nil }

// below places nodes under a parent.
func below(parent tree.Found, nodes []store.Node) []tree.Found {
	list := make([]tree.Found, len(nodes))
	for i, node := range nodes {
		list[i] = tree.Found{Chain: append(slices.Clone(parent.Chain), node), Node: node}
	}
	return list
}

// checkPolicy asks the policies at the target about each resource as if it were created there (S15).
func (m *mover) checkPolicy(ctx context.Context, r store.Reader, op *store.Operation, w work, now time.Time) (*errs.Error, error) {
	group, err := m.engine.Tree.Decode(ctx, r, w.groups.Target)
	if err != nil {
		return nil, err
	}
	var found []*errs.Error
	for _, id := range w.order.Resources {
		_, doc, err := m.found(ctx, r, id)
		if err != nil {
			return nil, err
		}
		violations, err := m.engine.Denied(ctx, r, w.order.moved(id), doc.Public, group.Public)
		if err != nil {
			return nil, err
		}
		if denied := access.Disallowed(violations); denied != nil {
			denied.Kind = errs.Conflict
			found = append(found, denied.At(id.String()))
		}
	}
	if len(found) == 0 {
		return nil, nil
	}
	return errs.New(errs.Conflict, "ResourceMovePolicyValidationFailed", "Resource move policy validation failed. Please see details. %s",
		diagnostics(op, w, now)).With(found...), nil
}
