package ml

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// locations serves what is asked of a region of a subscription.
func (b builder) locations() []provider.Type {
	return []provider.Type{{
		Name: aml.Namespace + "/locations", Virtual: true, Versions: versions,
		Actions: map[string]provider.Action{"updatequotas": {Do: b.updateQuotas, Writes: true}},
		Reads:   map[string]provider.Action{"usages": {Do: usages}, "quotas": {Do: quotas}, "vmsizes": {Do: vmSizes}},
	}}
}

func quotaItem(c *provider.Call, kind, what, family string, more ...any) map[string]any {
	name := familyLabel(family)
	item := object(append([]any{"id", fmt.Sprintf("%s/%s/%s", c.ID[:1], what, familyKey(family)), "type", aml.Namespace + "/" + kind + "/" + what,
		"name", object("value", name, "localizedValue", name), "unit", "Count"}, more...)...)
	return item
}

// usages answers with what is used and what may be used, by family.
func usages(c *provider.Call) (any, error) {
	region := provider.Region(c.ID.Name())
	used, err := usage(c, c.Found.Node, region, nil)
	if err != nil {
		return nil, err
	}
	total, totalLimit := 0, 0
	var byFamily []any
	for _, family := range knownFamilies(used) {
		limit, _, err := limitOf(c, region, family, "")
		if err != nil {
			return nil, err
		}
		kind := "vmFamily"
		if family == lowPriority {
			kind = lowPriority
		} else {
			total, totalLimit = total+used.byFamily[family], totalLimit+limit
		}
		byFamily = append(byFamily, quotaItem(c, kind, "usages", family, "currentValue", used.byFamily[family], "limit", limit))
	}
	clusters, dedicated := "Clusters", "Total Cluster Dedicated Regional vCPUs"
	value := []any{
		object("id", c.ID[:1].String()+"/usages", "type", aml.Namespace+"/totalCores/usages", "currentValue", used.computes, "limit", computeLimit,
			"name", object("value", clusters, "localizedValue", clusters), "unit", "Count"),
		object("id", c.ID[:1].String()+"/usages", "type", aml.Namespace+"/dedicatedCores/usages", "currentValue", total, "limit", totalLimit,
			"name", object("value", dedicated, "localizedValue", dedicated), "unit", "Count"),
	}
	return object("value", append(value, byFamily...)), nil
}

// knownFamilies are those of the table and whatever is in use besides.
func knownFamilies(u use) []string {
	list := families()
	seen := map[string]bool{}
	for _, f := range list {
		seen[f] = true
	}
	for _, f := range slices.Sorted(maps.Keys(u.byFamily)) {
		if !seen[f] {
			list = append(list, f)
		}
	}
	return list
}

// quotas answers with the limits of the subscription, and of workspaces that were given a share.
func quotas(c *provider.Call) (any, error) {
	region := provider.Region(c.ID.Name())
	value := []any{}
	for _, family := range families() {
		limit, _, err := limitOf(c, region, family, "")
		if err != nil {
			return nil, err
		}
		value = append(value, quotaItem(c, "vmFamily", "quotas", family, "limit", limit))
	}
	shares, err := workspaceShares(c, region)
	return object("value", append(value, shares...)), err
}

// workspaceShares lists the limits that were set for single workspaces.
func workspaceShares(c *provider.Call, region string) ([]any, error) {
	var value []any
	err := c.Children(c.Found, quotaType, func(found tree.Found) (bool, error) {
		parts := strings.Split(found.Node.Name, "/")
		if len(parts) != 4 || parts[0] != region {
			return true, nil
		}
		limit, err := strconv.Atoi(string(found.Node.Body))
		if err != nil {
			return false, errs.Wrap(errs.Internal, "StoredDocumentDamaged", err, "read the quota %s", found.Node.Name)
		}
		label := strings.ReplaceAll(parts[1], "_", " ")
		value = append(value, object("id", fmt.Sprintf("%s/resourceGroups/%s/providers/%s/%s/quotas/%s", c.ID[:1], parts[2], aml.Workspaces, parts[3], parts[1]),
			"type", string(aml.Workspaces)+"/quotas", "limit", limit, "name", object("value", label, "localizedValue", label), "unit", "Count"))
		return true, nil
	})
	return value, err
}

// updateQuotas sets limits: of a workspace within the subscription's, as Azure does, and of the subscription itself, which in Azure takes a support
// request.
func (b builder) updateQuotas(c *provider.Call) (any, error) {
	body, err := judged(b.shapes.get("QuotaUpdateParameters"), c)
	if err != nil {
		return nil, err
	}
	region := provider.Region(c.ID.Name())
	used, err := usage(c, c.Found.Node, region, nil)
	if err != nil {
		return nil, err
	}
	items, _ := body["value"].([]any)
	results := []any{}
	for _, item := range items {
		wanted := item.(map[string]any) // judged above
		status, err := setQuota(c, used, region, wanted)
		if err != nil {
			return nil, err
		}
		results = append(results, object("id", wanted["id"], "type", wanted["type"], "limit", number(wanted["limit"], 0), "unit", "Count", "status", status))
	}
	return object("value", results), nil
}

// setQuota carries out one wish and says how it went.
func setQuota(c *provider.Call, used use, region string, wanted map[string]any) (string, error) {
	id, err := arm.Parse(tree.Text(wanted, "id"))
	if err != nil || !id.Within(c.ID[:1]) {
		return "Failure", nil
	}
	family := familyOfKey(id.Name(), used)
	if family == "" {
		return "InvalidVMFamilyName", nil
	}
	workspace := ""
	if id.Group() != "" {
		if _, _, err := lookup(c, id.Parent().String(), aml.Workspaces); errs.Is(err, errs.NotFound) || errs.Is(err, errs.Invalid) {
			return "Failure", nil
		} else if err != nil {
			return "", err
		}
		workspace = shareKey(id.Parent())
	}
	limit, ceiling := number(wanted["limit"], -1), 1<<31
	current := used.byFamily[family]
	if workspace != "" {
		current = used.byWorkspace[workspace][family]
		if ceiling, _, err = limitOf(c, region, family, ""); err != nil {
			return "", err
		}
	}
	switch {
	case limit < current:
		return "InvalidQuotaBelowClusterMinimum", nil
	case limit > ceiling:
		return "InvalidQuotaExceedsSubscriptionLimit", nil
	}
	return "Success", saveQuota(c, quotaName(region, family, workspace), limit)
}

// familyOfKey finds a family by its key in ids, or by its name in vmSizes.
func familyOfKey(key string, used use) string {
	for _, family := range knownFamilies(used) {
		if strings.EqualFold(familyKey(family), key) || strings.EqualFold(family, key) {
			return family
		}
	}
	return ""
}

func saveQuota(c *provider.Call, name string, limit int) error {
	nodes, err := c.Tx.Walk(c.Ctx, c.Found.Node.ID, []store.Step{{Type: quotaType, Name: name}})
	if err != nil {
		return err
	}
	body := []byte(strconv.Itoa(limit))
	if len(nodes) == 0 {
		return c.Tx.Insert(c.Ctx, &store.Node{Parent: c.Found.Node.ID, Type: quotaType, Name: name, Body: body, Created: c.Now, Changed: c.Now})
	}
	nodes[0].Body, nodes[0].Changed = body, c.Now
	return c.Tx.Save(c.Ctx, nodes[0])
}
