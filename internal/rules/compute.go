package rules

import (
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/facts"
)

// computeRules are about computes as such; lossRules about what of them cannot be made again.
func computeRules() []Rule {
	return []Rule{
		{ID: "ML060", Clauses: []string{"S09", "S22", "S31", "S34", "S44", "pain 24"}, Title: "Computes are removed before the move and made again after it",
			Why: "Computes do not move, and the workspace does not either while it has one, in whatever state. A newer text says that the move deletes them itself; the stricter reading counts. " +
				"What the service owns is deleted; what was attached is detached, and the cluster or machine behind it is not touched.",
			Remedy: "the plan removes it, and makes it again from its document after the move", Judge: computes},
		{ID: "ML061", Clauses: []string{"S34", "pain 42"}, Title: "No compute is being created, changed or deleted",
			Why:    "A compute on its way to somewhere can neither be removed nor be written down for good.",
			Remedy: "wait until the compute is Succeeded or Failed", Judge: movingComputes},
		{ID: "ML062", Clauses: []string{"aml-contract 4", "pain 36", "pain 42"}, Title: "Failed computes are said",
			Why:    "What failed where it is will most likely fail when it is made again.",
			Remedy: "repair or delete it before the move", Judge: failedComputes},
		{ID: "ML063", Clauses: []string{"aml-contract 2"}, Title: "The compute that builds images is set again",
			Why:    "The workspace names a compute for building images; the name is put back when the compute is there again.",
			Remedy: "the plan sets imageBuildCompute again", Judge: imageBuild},
		{ID: "ML064", Clauses: []string{"D2", "aml-contract 2"}, Title: "Subnets of computes are reachable from the target",
			Why:    "A compute in a virtual network must be made again in the same subnet, which stays where it is. The subnet is not in the snapshot, and across subscriptions the service may refuse it.",
			Remedy: "make sure that who runs the plan may join the subnet (Microsoft.Network/virtualNetworks/subnets/join/action), and that a workspace of the target subscription may use it", Judge: subnets},
	}
}

// kindOf is the type of a compute.
func kindOf(item facts.Item) string {
	return aml.ComputeTypeOf(item.Doc.Text("properties.computeType"))
}

// attached reports whether a compute was attached, not made by the service.
func attached(item facts.Item) bool {
	return aml.RemovalOf(kindOf(item), item.Doc.Bool("properties.isAttachedCompute")) == aml.ActionDetach
}

func computes(c *Case) []Finding {
	var list []Finding
	for _, item := range c.Content("computes") {
		what, again := "deleted", "made again"
		if attached(item) {
			what, again = "detached", "attached again"
		}
		f := found(Note, Plan, item.ID, "the compute %s (%s) is %s and %s", item.Name(), kindOf(item), what, again)
		if c.NoQuiesce {
			f = found(Blocker, Person, item.ID, "the workspace has the compute %s (%s)", item.Name(), kindOf(item)).do("leave out --no-quiesce, or remove it by hand: %s, never the other", what)
		}
		list = append(list, f.seen("provisioningState is %s", item.State()))
	}
	return list
}

// settling reports whether a state is one on the way to another. Unknown is never taken for an end.
func settling(s aml.ProvisioningState) bool { return s != "" && !s.Terminal() }

func movingComputes(c *Case) []Finding {
	var list []Finding
	for _, item := range c.Content("computes") {
		if s := item.State(); settling(s) {
			list = append(list, found(Blocker, Person, item.ID, "the compute %s is %s", item.Name(), s).seen("properties.provisioningState"))
		}
	}
	return list
}

func failedComputes(c *Case) []Finding {
	var list []Finding
	for _, item := range c.removed("computes") {
		instance := aml.InstanceState(item.Doc.Text("properties.properties.state"))
		switch s := item.State(); {
		case s == aml.Failed || s == aml.Canceled:
			list = append(list, found(Warning, Person, item.ID, "the compute %s is %s: making it again may fail as well", item.Name(), s).seen("properties.provisioningState"))
		case kindOf(item) == aml.ComputeInstance && instance.Broken():
			list = append(list, found(Warning, Person, item.ID, "the compute instance %s is %s; what is on its disk cannot be rescued", item.Name(), instance).seen("properties.properties.state"))
		}
	}
	return list
}

func imageBuild(c *Case) []Finding {
	name := c.Workspace.Doc.Text("properties.imageBuildCompute")
	if name == "" {
		return nil
	}
	for _, item := range c.removed("computes") {
		if strings.EqualFold(item.Name(), name) {
			return []Finding{found(Note, Plan, c.Workspace.ID, "the workspace builds images on %s; that is set again", name).seen("properties.imageBuildCompute")}
		}
	}
	return nil
}

func subnets(c *Case) []Finding {
	if !c.crosses() {
		return nil
	}
	var list []Finding
	for _, item := range c.removed("computes") {
		if subnet, err := arm.Parse(item.Doc.Text("properties.properties.subnet.id")); err == nil && subnet.Subscription() != "" {
			list = append(list, found(Warning, Person, item.ID, "the compute %s is in the subnet %s, which stays in the subscription %s", item.Name(), subnet.Name(), subnet.Subscription()).seen("%s", subnet))
		}
	}
	return list
}
