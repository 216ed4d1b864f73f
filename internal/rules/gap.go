package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// gapRules are about what the snapshot does not show.
func gapRules() []Rule {
	return []Rule{
		{ID: "ML096", Clauses: []string{"D2", "pain 41"}, Title: "Nothing that would be removed or lost is hidden",
			Why:    "What could not be read may be content that the move loses, or a reason why something cannot be made again. Where the plan would remove or lose it, that stops the plan.",
			Remedy: "give who captures the right to read it, and capture again", Judge: hiding},
		{ID: "ML097", Clauses: []string{"D1", "pain 41"}, Title: "What else could not be read is said",
			Why: "A rule that sees nothing finds nothing.", Remedy: "give who captures the right to read it, and capture again; or look yourself", Judge: otherGaps},
		{ID: "ML098", Clauses: []string{"D1", "pain 41"}, Title: "Kinds of content that this version does not know are named", Confirmable: true,
			Why:    "The provider offers kinds of workspace content that are not captured: a workspace may have some, and nobody knows what a move does with them.",
			Remedy: "look whether the workspace has any; if not, say --confirm ML098", Judge: noted(snapshot.UnknownKind, Warning, Person)},
		{ID: "ML099", Clauses: []string{"D1", "pain 41"}, Title: "Kinds of content that are not offered are said",
			Why:    "The provider of the workspace's subscription offers no such kind, and refused to list it: nothing of it was looked at.",
			Remedy: "nothing, unless somebody knows that the workspace has some: then look at it by hand before and after the move", Judge: noted(snapshot.KindNotOffered, Note, None)},
	}
}

// hides says what a gap means: whether it stops the plan, and whether another rule speaks of it already.
func (c *Case) hides(g snapshot.Gap) (stops, silent bool) {
	target, err := arm.ParseTarget(g.Path)
	if err != nil {
		return false, false
	}
	if g.Section == snapshot.Content {
		return c.hidesContent(g, target), false
	}
	typ := typeOf(target)
	source := g.Section == snapshot.Source
	switch {
	case !source && (target.ID.Equal(c.Target.SubscriptionID()) || target.ID.Equal(c.Target.GroupID()) && g.Status == 404) && target.Tail == (arm.Hop{}):
		return false, true // ML017, ML010
	case !source && target.ID.Equal(c.Target.GroupID()) && target.Tail == (arm.Hop{}):
		return true, false // nobody knows what is in it, and what reaches it
	case typ.Is(aml.RoleAssignments):
		return source && c.travels(target.ID), false
	case typ.Is(aml.Usages), typ.Is(aml.Quotas), typ.Is(aml.VMSizes):
		return !source && len(c.demands()) > 0, source || len(c.demands()) == 0
	case typ.Is(aml.PolicyDefinitions), typ.Is(aml.PolicySetDefinitions):
		applies := slices.ContainsFunc(c.policies(), func(p policy) bool { return strings.EqualFold(p.id, g.Path) })
		return applies && c.destroys(), false
	case typ.Is(aml.PolicyAssignments), typ.Is(aml.Permissions):
		return c.destroys() && (!source || typ.Is(aml.Permissions)), false
	case typ.Is(aml.PolicyExemptions):
		return false, false
	}
	for _, a := range c.included() {
		if target.ID.Equal(a.ID) && target.Tail == (arm.Hop{}) {
			return true, false
		}
	}
	return false, false
}

// hidesContent reports whether a gap in the workspace's content stops the plan. Old kinds that were switched off are not hidden: nobody can have them any more who
// cannot read them; a refusal for want of rights is another thing.
func (c *Case) hidesContent(g snapshot.Gap, target arm.Target) bool {
	kind, known := aml.KindOf(typeOf(target))
	if !known {
		return false
	}
	switch kind.Path {
	case "services", "labelingJobs", "linkedServices", "linkedWorkspaces":
		return g.Status == 401 || g.Status == 403
	case "jobs", "schedules", "datastores":
		return true // running jobs, and secrets that will be needed
	}
	return kind.Fate == aml.Blocks || kind.Fate == aml.Dropped
}

// typeOf is the type of what a path names, be it a document or a collection.
func typeOf(target arm.Target) arm.Type {
	if target.Tail == (arm.Hop{}) {
		return target.ID.Type()
	}
	return target.ID.Child(arm.Hop{Namespace: target.Tail.Namespace, Type: target.Tail.Type, Name: "x"}).Type()
}

func hiding(c *Case) []Finding {
	var list []Finding
	for _, g := range c.Gaps {
		if stops, _ := c.hides(g); stops {
			list = append(list, Finding{Severity: Blocker, Answer: Person, Subject: g.Path, Message: "could not be read: " + g.Why, Evidence: evidence(g)})
		}
	}
	return list
}

func otherGaps(c *Case) []Finding {
	var list []Finding
	for _, g := range c.Gaps {
		if stops, silent := c.hides(g); !stops && !silent {
			list = append(list, Finding{Severity: Warning, Answer: Person, Subject: g.Path, Message: "could not be read: " + g.Why, Evidence: evidence(g)})
		}
	}
	return list
}

func evidence(g snapshot.Gap) string {
	return fmt.Sprintf("%s: answered %d %s", g.Section, g.Status, g.Code)
}

// noted finds what the capture noted.
func noted(code string, severity Severity, answer Answer) func(*Case) []Finding {
	return func(c *Case) []Finding {
		var list []Finding
		for _, n := range c.Notes {
			if n.Code == code {
				list = append(list, Finding{Severity: severity, Answer: answer, Subject: n.Subject, Message: n.Text})
			}
		}
		return list
	}
}
