package rules

import (
	"cmp"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// placeRules are about the two ends: tenant, subscription, region and group.
func placeRules() []Rule {
	return []Rule{
		{ID: "ML010", Clauses: []string{"S40"}, Title: "A target group is named, and made if it is not there",
			Why:    "A move needs an existing resource group to go to; ARM does not make it.",
			Remedy: "the plan makes the group, in the region of the workspace", Judge: targetGroup},
		{ID: "ML011", Clauses: []string{"S02", "pain 20"}, Title: "The target is another group than the source",
			Why:    "ARM refuses a move from a group to itself.",
			Remedy: "name another resource group", Judge: sameGroup},
		{ID: "ML012", Clauses: []string{"S21", "S26", "pain 33"}, Title: "Workspace, target group and what the target offers are of one region",
			Why:    "A workspace never changes its region, and Azure's page wants the target group in the same one. The resource provider must be offered there.",
			Remedy: "choose a target group in the region of the workspace. To another region there is no move: " + registries, Judge: sameRegion},
		{ID: "ML013", Clauses: []string{"S27", "S48", "pain 20", "pain 33"}, Title: "Both subscriptions are of one Microsoft Entra tenant",
			Why:    "A move across tenants is refused.",
			Remedy: "transfer the whole subscription to the other tenant (Azure's page: Transfer an Azure subscription to a different Microsoft Entra ID), a manual procedure in which roles and identities are lost; or " + registries, Judge: sameTenant},
		{ID: "ML014", Clauses: []string{"S12", "arm-move 1.2"}, Title: "Both subscriptions are active",
			Why:    "ARM moves only between active subscriptions.",
			Remedy: "let the owner of the subscription enable it again", Judge: activeSubscriptions},
		{ID: "ML015", Clauses: []string{"pain 1", "pain 20"}, Title: "Neither group is being moved, deleted or changed",
			Why:    "A group takes part in one move at a time; a second one is refused with ResourcesBeingMoved.",
			Remedy: "wait until the group is Succeeded; plan moves of one group one after the other", Judge: idleGroups},
		{ID: "ML016", Clauses: []string{"pain 1", "arm-move 2"}, Title: "No deployment is in flight in either group",
			Why:    "A running template deployment in the source or target group stops the move with DeploymentActive.",
			Remedy: "wait for the deployment, or cancel it", Judge: noDeployments},
		{ID: "ML017", Clauses: []string{"S12", "S27", "pain 21"}, Title: "The target subscription can be seen",
			Why:    "A subscription that cannot be read does not exist, is of another tenant, or gives the caller no right at all: nothing can move there.",
			Remedy: "check the id, and the rights of who is signed in. In another tenant there is nothing to move to: transfer the subscription instead, or " + registries, Judge: seenTarget},
	}
}

// targetGroupDoc returns the document of the target group.
func (c *Case) targetGroupDoc() (facts.Item, bool) {
	return c.One(snapshot.Target, aml.ResourceGroups, c.Target.GroupID().String())
}

// groupMissing reports whether ARM said that the target group is not there.
func (c *Case) groupMissing() bool {
	if !c.aimed() {
		return false
	}
	gap, is := c.gapAt(snapshot.Target, c.Target.GroupID().String())
	return is && gap.Status == 404
}

func targetGroup(c *Case) []Finding {
	if !c.aimed() {
		return []Finding{found(Note, None, c.Workspace.ID, "no target group was named: what depends on it was not judged").do("capture again with --to-subscription and --to-group")}
	}
	if !c.groupMissing() {
		return nil
	}
	return []Finding{found(Note, Plan, c.Target.GroupID(), "the target group %s is not there; it is made in %s", c.Target.Group(), region(c.Workspace.Doc.Text("location")))}
}

func sameGroup(c *Case) []Finding {
	if !c.aimed() || !c.Target.GroupID().Equal(c.group()) {
		return nil
	}
	return []Finding{found(Blocker, Person, c.Target.GroupID(), "the workspace %s is in the target group already", c.Workspace.Name())}
}

func sameRegion(c *Case) []Finding {
	if !c.aimed() {
		return nil
	}
	var list []Finding
	here := region(c.Workspace.Doc.Text("location"))
	if group, ok := c.targetGroupDoc(); ok {
		if there := region(group.Doc.Text("location")); there != here {
			list = append(list, found(Blocker, Person, group.ID, "the target group %s is in %s and the workspace in %s", c.Target.Group(), there, here))
		}
	}
	places := []facts.Item{c.Workspace}
	for _, a := range c.included() {
		if a.Item.Doc != nil {
			places = append(places, a.Item)
		}
	}
	for _, item := range places {
		entry, known := c.offered(item.Type)
		offered := entry.Texts("locations")
		at := region(item.Doc.Text("location"))
		if !known || len(offered) == 0 || at == "" || at == "global" || slices.ContainsFunc(offered, func(l string) bool { return region(l) == at }) {
			continue
		}
		list = append(list, found(Blocker, Nobody, item.ID, "%s is not offered in %s to the target subscription", item.Type, at).seen("the locations of the provider there"))
	}
	return list
}

func sameTenant(c *Case) []Finding {
	if len(c.Target) == 0 {
		return nil
	}
	tenant := c.Header.TenantID
	if source, ok := c.subscription(snapshot.Source, c.Workspace.ID); ok {
		tenant = cmp.Or(source.Doc.Text("tenantId"), tenant)
	}
	target, ok := c.subscription(snapshot.Target, c.Target)
	if !ok {
		return nil // seenTarget
	}
	var list []Finding
	for what, other := range map[string]string{"the target subscription": target.Doc.Text("tenantId"), "the workspace": c.Workspace.Doc.Text("properties.tenantId")} {
		if other != "" && tenant != "" && !strings.EqualFold(other, tenant) {
			list = append(list, found(Blocker, Nobody, c.Target.SubscriptionID(), "%s is of the tenant %s and the source subscription of %s", what, other, tenant))
		}
	}
	return list
}

func seenTarget(c *Case) []Finding {
	if len(c.Target) == 0 {
		return nil
	}
	if _, ok := c.subscription(snapshot.Target, c.Target); ok {
		return nil
	}
	f := found(Blocker, Person, c.Target.SubscriptionID(), "the target subscription cannot be seen")
	if gap, is := c.gapAt(snapshot.Target, c.Target.SubscriptionID().String()); is {
		f = f.seen("%s", evidence(gap))
	}
	return []Finding{f}
}

// subscription returns the document of the subscription of an id at one end.
func (c *Case) subscription(section snapshot.Section, id arm.ID) (facts.Item, bool) {
	return c.One(section, aml.Subscriptions, id.SubscriptionID().String())
}

func activeSubscriptions(c *Case) []Finding {
	var list []Finding
	for section, id := range map[snapshot.Section]arm.ID{snapshot.Source: c.Workspace.ID, snapshot.Target: c.Target} {
		doc, ok := c.subscription(section, id)
		if !ok {
			continue // seenTarget, or a gap
		}
		switch state := doc.Doc.Text("state"); strings.ToLower(state) {
		case "enabled", "":
		case "pastdue":
			list = append(list, found(Warning, Person, id.SubscriptionID(), "the %s subscription is past due and may be disabled while the move runs", section).seen("state").do("pay first"))
		default:
			list = append(list, found(Blocker, Person, id.SubscriptionID(), "the %s subscription is %s", section, state).seen("state"))
		}
	}
	return list
}

func idleGroups(c *Case) []Finding {
	var list []Finding
	for section, id := range map[snapshot.Section]arm.ID{snapshot.Source: c.group(), snapshot.Target: c.Target.GroupID()} {
		doc, ok := c.One(section, aml.ResourceGroups, id.String())
		if state := doc.State(); ok && state != "" && state != aml.Succeeded {
			list = append(list, found(Blocker, Person, id, "the %s group %s is %s", section, id.Group(), state).seen("properties.provisioningState"))
		}
	}
	return list
}

func noDeployments(c *Case) []Finding {
	var list []Finding
	for _, section := range []snapshot.Section{snapshot.Source, snapshot.Target} {
		for _, item := range c.Of(section, aml.Deployments) {
			if state := item.State(); !state.Terminal() {
				list = append(list, found(Blocker, Person, item.ID, "the deployment %s in the %s group is %s", item.Name(), section, state).seen("properties.provisioningState"))
			}
		}
	}
	return list
}
