package ml

import (
	"context"
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// Usage is never counted: it is the sum of what stands in the documents of a subscription's workspaces in a region, so it cannot be wrong. A limit
// that somebody changed is a hidden node below the subscription, so it does not travel; a workspace's share ends with the workspace, and when the workspace moves.

// quotaType is the type of those nodes; their names are "<region>/<family>", or "<region>/<family>/<group>/<workspace>" for a workspace's share.
const quotaType = "!quota"

// usedType is the type of hidden nodes, with the same names, that hold what is used by workspaces that the cloud does not have: a copy of a part of a subscription knows only how much that is.
const usedType = "!used"

// demand is what one compute or deployment takes.
type demand struct {
	cores int
	low   bool // low-priority nodes have a quota of their own
}

// use is what a subscription uses in a region.
type use struct {
	region      string
	location    string // of the workspace that is being added up; its computes may stand elsewhere
	byFamily    map[string]int
	byWorkspace map[string]map[string]int // "<group>/<workspace>" to family to cores
	computes    int
}

// takeQuota refuses what would use more than the limit. of says what a document takes; nobody needs quota for what is already running.
func takeQuota(c *provider.Call, of func(map[string]any) (string, demand)) error {
	family, d := of(c.Doc.Public)
	if family == "" {
		return nil
	}
	if c.Old != nil {
		if before, had := of(c.Old.Public); before == family && had.low == d.low && had.cores >= d.cores {
			return nil
		}
	}
	if d.low {
		family = lowPriority
	}
	// Whoever takes quota of a subscription holds it: what two nodes of a cloud add up side by side could be too much together.
	if _, err := c.Tx.Hold(c.Ctx, store.Exclusive, c.Found.Chain[0].ID); err != nil {
		return err
	}
	used, err := usage(c, c.Found.Chain[0], provider.Region(c.Location()), c.ID)
	if err != nil {
		return err
	}
	if err := within(c, family, "", used.byFamily[family], d.cores); err != nil {
		return err
	}
	workspace := shareKey(workspaceID(c))
	return within(c, family, workspace, used.byWorkspace[workspace][family], d.cores)
}

func within(c *provider.Call, family, workspace string, used, needed int) error {
	limit, set, err := limitOf(c, provider.Region(c.Location()), family, workspace)
	if err != nil || workspace != "" && !set {
		return err
	}
	if used+needed <= limit {
		return nil
	}
	whose := "the subscription"
	if workspace != "" {
		whose = "the workspace"
	}
	return provider.Invalid("QuotaExceeded",
		"The request needs %d vCPUs of '%s' in the region '%s', where %s uses %d of its quota of %d. Ask for more quota or use another size.",
		needed, familyLabel(family), provider.Region(c.Location()), whose, used, limit).At(c.ID.String())
}

// limitOf returns the quota of a family in a region, for the subscription or for one workspace, and whether somebody set it.
func limitOf(c *provider.Call, region, family, workspace string) (limit int, set bool, err error) {
	nodes, err := c.Read.Walk(c.Ctx, c.Found.Chain[0].ID, []store.Step{{Type: quotaType, Name: quotaName(region, family, workspace)}})
	if err != nil {
		return 0, false, err
	}
	if len(nodes) == 0 {
		return defaultLimit(family), false, nil
	}
	limit, err = strconv.Atoi(string(nodes[0].Body))
	if err != nil {
		return 0, false, errs.Wrap(errs.Internal, "StoredDocumentDamaged", err, "read the quota %s", nodes[0].Name)
	}
	return limit, true, nil
}

func quotaName(region, family, workspace string) string {
	return strings.TrimSuffix(region+"/"+familyKey(family)+"/"+workspace, "/")
}

// shareKey is a workspace in the names of its shares.
func shareKey(workspace arm.ID) string {
	return strings.ToLower(workspace.Group() + "/" + workspace.Name())
}

// DropShares forgets the limits that were set for a workspace which leaves its place: the next one of that name has none.
func DropShares(ctx context.Context, t *tree.Tree, tx store.Tx, workspace tree.Found) error {
	subscription, key := tree.Found{Chain: workspace.Chain[:1], Node: workspace.Chain[0]}, shareKey(workspace.ID())
	var gone []store.ID
	err := t.Children(ctx, tx, subscription, quotaType, func(found tree.Found) (bool, error) {
		if parts := strings.SplitN(found.Node.Name, "/", 3); len(parts) == 3 && parts[2] == key {
			gone = append(gone, found.Node.ID)
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	for _, id := range gone {
		if err := tx.Trash(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// usage adds up what the workspaces of a subscription use in a region, without one resource.
func usage(c *provider.Call, subscription store.Node, region string, without arm.ID) (use, error) {
	u := use{region: region, byFamily: map[string]int{}, byWorkspace: map[string]map[string]int{}}
	top := tree.Found{Chain: []store.Node{subscription}, Node: subscription}
	err := c.Children(top, arm.ResourceGroups, func(group tree.Found) (bool, error) {
		return true, c.Children(group, string(aml.Workspaces), func(ws tree.Found) (bool, error) {
			doc, err := c.Tree.Decode(c.Ctx, c.Read, ws)
			if err != nil {
				return false, err
			}
			u.location = provider.Region(tree.Text(doc.Public, "location"))
			return true, u.addWorkspace(c, ws, without)
		})
	})
	if err != nil {
		return u, err
	}
	return u, u.addOthers(c, subscription.ID)
}

// addOthers adds what workspaces use that the cloud does not have.
func (u *use) addOthers(c *provider.Call, subscription store.ID) error {
	if n, err := c.Read.Count(c.Ctx, subscription, usedType); err != nil || n == 0 {
		return err
	}
	for _, family := range families() {
		nodes, err := c.Read.Walk(c.Ctx, subscription, []store.Step{{Type: usedType, Name: quotaName(u.region, family, "")}})
		if err != nil {
			return err
		}
		if len(nodes) == 0 {
			continue
		}
		cores, err := strconv.Atoi(string(nodes[0].Body))
		if err != nil {
			return errs.Wrap(errs.Internal, "StoredDocumentDamaged", err, "read what others use of %s", nodes[0].Name)
		}
		u.byFamily[family] += cores
	}
	return nil
}

// CoresOf is what a compute, or a deployment of an online endpoint, takes of its subscription's quota: the family as quotas are kept under it, and its cores. No family: nothing.
func CoresOf(doc map[string]any) (family string, cores int) {
	for _, of := range []func(map[string]any) (string, demand){computeDemand, deploymentDemand} {
		if family, d := of(doc); family != "" {
			if d.low {
				family = lowPriority
			}
			return familyKey(family), d.cores
		}
	}
	return "", 0
}

func (u *use) addWorkspace(c *provider.Call, ws tree.Found, without arm.ID) error {
	err := c.Children(ws, "computes", u.adder(c, ws, without, computeDemand))
	if err != nil {
		return err
	}
	return c.Children(ws, "onlineEndpoints", func(endpoint tree.Found) (bool, error) {
		return true, c.Children(endpoint, "deployments", u.adder(c, ws, without, deploymentDemand))
	})
}

// adder counts one child.
func (u *use) adder(c *provider.Call, ws tree.Found, without arm.ID, of func(map[string]any) (string, demand)) func(tree.Found) (bool, error) {
	workspace := shareKey(ws.ID())
	return func(found tree.Found) (bool, error) {
		if found.ID().Equal(without) {
			return true, nil
		}
		doc, err := c.Tree.Decode(c.Ctx, c.Read, found)
		if err != nil {
			return false, err
		}
		location := u.location
		if own := tree.Text(doc.Public, "location"); own != "" {
			location = provider.Region(own)
		}
		family, d := of(doc.Public)
		if family == "" || location != u.region {
			return true, nil
		}
		if d.low {
			family = lowPriority
		}
		if u.byWorkspace[workspace] == nil {
			u.byWorkspace[workspace] = map[string]int{}
		}
		u.byFamily[family] += d.cores
		u.byWorkspace[workspace][family] += d.cores
		u.computes++
		return true, nil
	}
}

// computeDemand is what a compute takes: a cluster all that it may grow to.
func computeDemand(doc map[string]any) (string, demand) {
	inner := tree.Object(doc, "properties.properties")
	s, ok := findSize(tree.Text(inner, "vmSize"))
	if !ok {
		return "", demand{}
	}
	switch tree.Text(doc, "properties.computeType") {
	case aml.ComputeCluster:
		nodes := number(tree.Get(inner, "scaleSettings.maxNodeCount"), 1)
		return s.family, demand{cores: nodes * s.cores, low: tree.Text(inner, "vmPriority") == "LowPriority"}
	case aml.ComputeInstance:
		return s.family, demand{cores: s.cores}
	}
	return "", demand{}
}

// deploymentDemand is what a managed online deployment takes: a fifth more than its instances, for upgrades.
func deploymentDemand(doc map[string]any) (string, demand) {
	s, ok := findSize(tree.Text(doc, "properties.instanceType"))
	if !ok || tree.Text(doc, "properties.endpointComputeType") != "Managed" {
		return "", demand{}
	}
	instances := number(tree.Get(doc, "sku.capacity"), 1)
	return s.family, demand{cores: (instances*s.cores*12 + 9) / 10}
}
