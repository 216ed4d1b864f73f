package rules

import (
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// accountRules are about the associated resources.
func accountRules() []Rule {
	return []Rule{
		{ID: "ML019", Clauses: []string{"S42", "aml-contract 2"}, Title: "What moves along is not taken from under another workspace",
			Why:    "A workspace names its storage account and key vault by id and can never be given others: one that stays behind would name what is not there any more. Application Insights and registry can be set anew.",
			Remedy: "leave it out of --include: both workspaces go on using it from where it is", Judge: shared},
		{ID: "ML020", Clauses: []string{"pain 14", "S42"}, Title: "Associated resources and private endpoints are settled",
			Why:    "One resource that is not Succeeded, even a failed private endpoint, stops the whole move: MoveCannotProceedWithResourcesNotInSucceededState.",
			Remedy: "save the resource again as it is (a PUT of its own document repairs most failed ones), and wait for Succeeded", Judge: settledNeighbours},
		{ID: "ML021", Clauses: []string{"S42", "arm-move 4.1"}, Title: "What moves along is of a type that moves",
			Why:    "A provider says of each type whether it moves to another group or subscription. One that does not stops the whole request.",
			Remedy: "leave it out of --include; the workspace goes on using it from where it is", Judge: movable},
		{ID: "ML022", Clauses: []string{"S42", "arm-move 1.2"}, Title: "What moves along is in the workspace's own group",
			Why:    "All resources of one move must be in the source group.",
			Remedy: "leave it out of --include, or move it on its own", Judge: oneGroup},
		{ID: "ML023", Clauses: []string{"arm-move 3.1"}, Title: "User-assigned identities stay where they are",
			Why:    "User-assigned identities cannot be moved. The references to them stay valid, within the tenant.",
			Remedy: "nothing; do not delete the old group as long as the workspace uses them", Judge: identities},
		{ID: "ML024", Clauses: []string{"pain 19"}, Title: "Application Insights moves without availability tests that point at it",
			Why:    "A joint move that carries an Application Insights with availability tests has failed in the field. Of alerts that watch it ARM's own verdict is asked before the move, and they get its new id after it (ML088).",
			Remedy: "leave it out (--include without insights), or move it alone with its tests afterwards", Judge: insights},
	}
}

func settledNeighbours(c *Case) []Finding {
	var items []facts.Item
	for _, a := range c.Accounts() {
		if a.Item.Doc != nil {
			items = append(items, a.Item)
		}
	}
	items = append(items, c.Of(snapshot.Source, aml.PrivateEndpoints)...)
	var list []Finding
	for _, item := range items {
		if state := item.State(); state != "" && state != aml.Succeeded {
			list = append(list, found(Blocker, Person, item.ID, "%s %s is in the state %s", item.Type, item.Name(), state).seen("properties.provisioningState"))
		}
	}
	return list
}

func movable(c *Case) []Finding {
	if !c.aimed() {
		return nil
	}
	capability := "CrossResourceGroupResourceMove"
	if c.crosses() {
		capability = "CrossSubscriptionResourceMove"
	}
	var list []Finding
	for _, id := range c.moving() {
		entry, known := c.offered(id.Type())
		if !known || entry.Text("capabilities") == "" || hasWord(entry.Text("capabilities"), capability) {
			continue
		}
		if id.Equal(c.Workspace.ID) { // the table and Azure's page disagree; only validate decides (arm-move 4.2)
			list = append(list, found(Warning, None, id, "the provider does not say that workspaces move").seen("capabilities lack %s", capability).
				do("the plan asks ARM's own verdict before it moves (validateMoveResources)"))
			continue
		}
		list = append(list, found(Blocker, Person, id, "%s cannot move: its type %s lacks %s", id.Name(), id.Type(), capability).seen("capabilities are %s", entry.Text("capabilities")))
	}
	return list
}

// hasWord reports whether a list that is written with commas has a word.
func hasWord(list, word string) bool {
	for item := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.TrimSpace(item), word) {
			return true
		}
	}
	return false
}

func oneGroup(c *Case) []Finding {
	var list []Finding
	for _, a := range c.included() {
		if !a.ID.GroupID().Equal(c.group()) {
			list = append(list, found(Blocker, Person, a.ID, "%s is in the group %s and cannot move together with the workspace", a.ID.Name(), a.ID.Group()).seen("%s", a.Property))
		}
	}
	return list
}

func identities(c *Case) []Finding {
	seen := map[string]arm.ID{}
	for _, item := range append([]facts.Item{c.Workspace}, c.remade()...) {
		for text := range item.Doc.Object("identity.userAssignedIdentities") {
			if id, err := arm.Parse(text); err == nil {
				seen[id.Key()] = id
			}
		}
	}
	var list []Finding
	for _, id := range seen {
		list = append(list, found(Note, None, id, "the identity %s stays in the group %s", id.Name(), id.Group()))
	}
	return list
}

// webTests are availability tests.
const webTests arm.Type = "Microsoft.Insights/webtests"

// linkTag is how the name of that tag of a web test begins which names the Application Insights that it reports to.
const linkTag = "hidden-link:"

func insights(c *Case) []Finding {
	var list []Finding
	for _, a := range c.included() {
		if !a.ID.Type().Is("Microsoft.Insights/components") {
			continue
		}
		var tests []string
		for _, item := range c.Of(snapshot.Source, aml.Resources) {
			id, err := arm.Parse(item.Doc.Text("id"))
			if err == nil && id.Type().Is(webTests) && id.GroupID().Equal(a.ID.GroupID()) && mayReportTo(item.Doc, a.ID) {
				tests = append(tests, id.Name())
			}
		}
		if len(tests) > 0 {
			list = append(list, found(Warning, Person, a.ID, "availability tests may point at %s, which moves along", a.ID.Name()).seen("%s", names(tests)))
		}
	}
	return list
}

// mayReportTo reports whether a web test reports to an Application Insights; one that does not tell may.
func mayReportTo(test arm.Document, insights arm.ID) bool {
	linked := false
	for name := range test.Object("tags") {
		to, isLink := strings.CutPrefix(strings.ToLower(name), linkTag)
		if isLink && to == insights.Key() {
			return true
		}
		linked = linked || isLink
	}
	return !linked
}

// shared finds what moves along and is used by another workspace as well.
func shared(c *Case) []Finding {
	var list []Finding
	for _, a := range c.included() {
		var users []string
		for _, other := range c.Of(snapshot.Source, aml.Workspaces) {
			if id, err := arm.Parse(other.Doc.Text(a.Property)); err == nil && id.Equal(a.ID) && !other.ID.Equal(c.Workspace.ID) {
				users = append(users, other.Name())
			}
		}
		if len(users) == 0 {
			continue
		}
		f := found(Blocker, Person, a.ID, "%s moves along, and other workspaces use it: %s", a.ID.Name(), names(users))
		if !a.Fixed {
			f = found(Warning, Person, a.ID, "%s moves along, and other workspaces use it: %s", a.ID.Name(), names(users)).
				do("leave it out of --include, or give the other workspaces the new id after the move: az ml workspace update")
		}
		list = append(list, f.seen("%s", a.Property))
	}
	return list
}
