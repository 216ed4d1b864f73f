package move

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// workspace lists every reason of Azure Machine Learning against the move of a workspace (S22, S33-S38), each cause named with its resource.
func (s subject) workspace(ctx context.Context) ([]*errs.Error, error) {
	var list []*errs.Error
	for _, ask := range []func(context.Context) (*errs.Error, error){
		s.computes, s.endpoints("onlineEndpoints", "online endpoints (S36)"), s.endpoints("batchEndpoints", "batch endpoints"),
		s.endpoints("serverlessEndpoints", "serverless endpoints"), s.endpoints("services", "deployed services of the v1 API"),
		s.active("jobs", "experiment jobs that have not completed", "properties.status"),
		s.active("labelingJobs", "labeling projects that have not completed", "properties.status"),
		s.customerManagedKey, s.databricks, s.region, s.hub,
	} {
		refusal, err := ask(ctx)
		if err != nil {
			return nil, err
		}
		if refusal != nil {
			list = append(list, refusal)
		}
	}
	return list, nil
}

// computes refuses a workspace with computes, existing or being created (S09, S34).
func (s subject) computes(ctx context.Context) (*errs.Error, error) {
	return s.existing(ctx, "computes", func(doc tree.Document) string {
		return fmt.Sprintf("%s, %s", tree.Text(doc.Public, "properties.computeType"), tree.Text(doc.Public, "properties.provisioningState"))
	}, "it has computes, which must be deleted or detached before the move")
}

// endpoints refuses a workspace with endpoints of a kind (S10, S35, S36).
func (s subject) endpoints(kind, words string) func(context.Context) (*errs.Error, error) {
	words, _, _ = strings.Cut(words, " (")
	return func(ctx context.Context) (*errs.Error, error) {
		return s.existing(ctx, kind, func(doc tree.Document) string {
			return tree.Text(doc.Public, "properties.provisioningState")
		}, "it has "+words+", which must be deleted before the move")
	}
}

// existing refuses when there is any child of a kind.
func (s subject) existing(ctx context.Context, kind string, describe func(tree.Document) string, reason string) (*errs.Error, error) {
	some, err := s.children(ctx, s.reader, s.found, kind, mostNamed)
	if err != nil || len(some) == 0 {
		return nil, err
	}
	total, err := s.reader.Count(ctx, s.found.Node.ID, kind)
	if err != nil {
		return nil, err
	}
	return s.nameAll(ctx, some, int(total), describe, reason)
}

// nameAll makes a refusal that names each thing.
func (s subject) nameAll(ctx context.Context, some []tree.Found, total int, describe func(tree.Document) string, reason string) (*errs.Error, error) {
	var names []string
	var causes []*errs.Error
	for _, child := range some {
		doc, err := s.engine.Tree.Decode(ctx, s.reader, child)
		if err != nil {
			return nil, err
		}
		name := child.Node.Name
		if more := describe(doc); more != "" {
			name += " (" + more + ")"
		}
		names = append(names, name)
		id := child.ID()
		causes = append(causes, errs.New(errs.Conflict, "MoveNotSupported", "The workspace cannot be moved while '%s' exists (%s).", id, describe(doc)).At(id.String()))
	}
	return s.cannotMove(reason+": "+named(names, total)+".", causes...), nil
}

// active refuses when children of a kind have not come to an end (S22, S28, S37). Such children carry a flag, so finding them costs nothing however
// many ended ones there are.
func (s subject) active(kind, words, property string) func(context.Context) (*errs.Error, error) {
	return func(ctx context.Context) (*errs.Error, error) {
		nodes, err := s.reader.FlaggedChildren(ctx, s.found.Node.ID, kind, mostCounted+1)
		if err == nil && len(nodes) <= mostCounted {
			nodes = slices.DeleteFunc(nodes, func(n store.Node) bool { return n.Flag == provider.Deleting }) // only what has ended is deleted
		}
		if err != nil || len(nodes) == 0 {
			return nil, err
		}
		total := len(nodes)
		nodes = nodes[:min(total, mostNamed)]
		return s.nameAll(ctx, below(s.found, nodes), total, func(doc tree.Document) string { return tree.Text(doc.Public, property) }, "it has "+words)
	}
}

// customerKey says by which sign a workspace is known to use a customer-managed key; "" when it does not.
func customerKey(doc tree.Document) string {
	switch {
	case strings.EqualFold(tree.Text(doc.Public, "properties.encryption.status"), "Enabled"):
		return "properties.encryption.status is 'Enabled'"
	case tree.Flag(doc.Public, "properties.enableServiceSideCMKEncryption"):
		return "properties.enableServiceSideCMKEncryption is true"
	case tree.Text(doc.Public, "properties.serviceProvisionedResourceGroup") != "":
		return "it has the managed resource group '" + tree.Text(doc.Public, "properties.serviceProvisionedResourceGroup") + "'"
	}
	return ""
}

// customerManagedKey refuses a workspace with a customer-managed key (S33).
func (s subject) customerManagedKey(context.Context) (*errs.Error, error) {
	if sign := customerKey(s.doc); sign != "" {
		return s.cannotMove("workspaces configured for customer-managed keys are not supported ("+sign+").",
			errs.New(errs.Conflict, "MoveNotSupported", "The workspace '%s' uses a customer-managed key: %s.", s.id, sign).At(s.id.String())), nil
	}
	return nil, nil
}

// region refuses a group in another region (S21, S26).
func (s subject) region(context.Context) (*errs.Error, error) {
	here := provider.Region(tree.Text(s.doc.Public, "location"))
	if here == s.targetRegion {
		return nil, nil
	}
	return s.cannotMove(fmt.Sprintf("it is in the region '%s' and the target resource group '%s' is in '%s'; moves across regions are not supported.", here, s.order.Target, s.targetRegion),
		errs.New(errs.Conflict, "CrossRegionMoveNotSupported", "The workspace '%s' cannot be moved from '%s' to '%s'.", s.id, here, s.targetRegion).At(s.id.String())), nil
}

// hub refuses hubs and their projects: each holds ids of the other, and Azure's page does not speak of them.
func (s subject) hub(context.Context) (*errs.Error, error) {
	kind := tree.Text(s.doc.Public, "kind")
	if s.settings.Hubs == "move" || !strings.EqualFold(kind, aml.KindHub) && !strings.EqualFold(kind, aml.KindProject) {
		return nil, nil
	}
	return s.cannotMove(fmt.Sprintf("workspaces of kind '%s' are not supported.", kind),
		errs.New(errs.Conflict, "MoveNotSupported", "The workspace '%s' is of kind '%s'.", s.id, kind).At(s.id.String())), nil
}

// databricksWorkspace is the type whose documents may name a workspace (aml-contract 7).
const databricksWorkspace = "Microsoft.Databricks/workspaces"

// databricks refuses a workspace that Azure Databricks is linked with (S38): a Databricks workspace that names it, or a linked service or workspace of its own.
func (s subject) databricks(ctx context.Context) (*errs.Error, error) {
	var links []tree.Found
	for _, kind := range []string{"linkedServices", "linkedWorkspaces"} {
		some, err := s.everyChild(ctx, s.reader, s.found, kind, func(link tree.Found) (bool, error) { return s.isDatabricks(ctx, link), nil })
		if err != nil {
			return nil, err
		}
		links = append(links, some...)
	}
	others, err := s.databricksPointingHere(ctx)
	if err != nil {
		return nil, err
	}
	links = append(links, others...)
	if len(links) == 0 {
		return nil, nil
	}
	return s.nameAll(ctx, links[:min(len(links), mostNamed)], len(links), func(tree.Document) string { return "" }, "it is linked with Azure Databricks")
}

// isDatabricks reports whether a linked service or workspace leads to Azure Databricks.
func (s subject) isDatabricks(ctx context.Context, link tree.Found) bool {
	doc, err := s.engine.Tree.Decode(ctx, s.reader, link)
	if err != nil {
		return true // what cannot be read may be one: fail closed
	}
	for _, path := range []string{"properties.linkedServiceResourceId", "properties.linkedWorkspaceResourceId", "properties.linkType"} {
		if strings.Contains(strings.ToLower(tree.Text(doc.Public, path)), "databricks") {
			return true
		}
	}
	return false
}

// databricksPointingHere finds Databricks workspaces of the tenant that name this workspace.
func (s subject) databricksPointingHere(ctx context.Context) ([]tree.Found, error) {
	st, err := s.engine.StateOf(ctx, s.reader)
	if err != nil {
		return nil, err
	}
	var list []tree.Found
	for _, subscription := range st.Subscriptions(st.Subscription(s.id.Subscription()).Tenant) {
		if subscription.Registration("Microsoft.Databricks") != "Registered" {
			continue
		}
		groups, err := s.groupsOf(ctx, subscription.Node)
		if err != nil {
			return nil, err
		}
		for _, group := range groups {
			some, err := s.everyChild(ctx, s.reader, group, databricksWorkspace, func(candidate tree.Found) (bool, error) { return s.isNamedBy(ctx, candidate) })
			if err != nil {
				return nil, err
			}
			list = append(list, some...)
		}
	}
	return list, nil
}

// isNamedBy reports whether a Databricks workspace names the workspace under examination.
func (s subject) isNamedBy(ctx context.Context, candidate tree.Found) (bool, error) {
	doc, err := s.engine.Tree.Decode(ctx, s.reader, candidate)
	if err != nil {
		return false, err
	}
	id, err := arm.Parse(tree.Text(doc.Public, "properties.parameters.amlWorkspaceId.value"))
	return err == nil && id.Equal(s.id), nil
}

// groupsOf lists the resource groups of a subscription.
func (s subject) groupsOf(ctx context.Context, subscription store.ID) ([]tree.Found, error) {
	node, err := s.reader.Node(ctx, subscription)
	if err != nil {
		return nil, err
	}
	parent := tree.Found{Chain: []store.Node{node}, Node: node}
	return s.everyChild(ctx, s.reader, parent, arm.ResourceGroups, whole)
}
