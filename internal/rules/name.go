package rules

import (
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// nameRules are about names that may be taken.
func nameRules() []Rule {
	return []Rule{
		{ID: "ML025", Clauses: []string{"pain 20"}, Title: "Nothing of the same type and name is in the target group",
			Why:    "ARM refuses to move onto something that is there (ResourceConflict).",
			Remedy: "choose another target group, or remove what is there if it is of no use", Judge: collisions},
		{ID: "ML026", Clauses: []string{"pain 34"}, Title: "No soft-deleted vault or storage account holds a name that moves along",
			Why:    "A soft-deleted resource holds its name until it is purged.",
			Remedy: "purge or recover it first", Judge: softDeleted},
		{ID: "ML027", Clauses: []string{"pain 34"}, Title: "No soft-deleted workspace of the same name is in the target group", Confirmable: true,
			Why:    "A deleted workspace holds its name for 14 days, and ARM lists no deleted workspaces: only the portal shows them.",
			Remedy: "look in the portal (Azure Machine Learning, Recently deleted), purge one of this name, and say --confirm ML027", Judge: softDeletedWorkspace},
	}
}

func collisions(c *Case) []Finding {
	if !c.aimed() {
		return nil
	}
	taken := map[string]bool{}
	for _, item := range c.Of(snapshot.Target, aml.Resources) {
		taken[strings.ToLower(item.Doc.Text("id"))] = true
	}
	var list []Finding
	for _, id := range c.moving() {
		if landing := c.Landing(id); taken[landing.Key()] && !landing.Equal(id) {
			list = append(list, found(Blocker, Person, id, "the target group has a %s called %s already", id.Type(), id.Name()).seen("%s", landing))
		}
	}
	return list
}

func softDeleted(c *Case) []Finding {
	var list []Finding
	for _, section := range []snapshot.Section{snapshot.Source, snapshot.Target} {
		for _, t := range []arm.Type{aml.DeletedVaults, aml.DeletedAccounts} {
			for _, item := range c.Of(section, t) {
				for _, a := range c.included() {
					if strings.EqualFold(a.ID.Type().Namespace(), t.Namespace()) && strings.EqualFold(item.Name(), a.ID.Name()) {
						list = append(list, found(Blocker, Person, a.ID, "a soft-deleted %s holds the name %s", a.ID.Type(), a.ID.Name()).seen("%s", item.Key))
					}
				}
			}
		}
	}
	return list
}

func softDeletedWorkspace(c *Case) []Finding {
	if !c.aimed() {
		return nil
	}
	for _, n := range c.Notes {
		if n.Code == snapshot.NotListed && strings.HasPrefix(n.Subject, string(aml.Workspaces)) {
			return []Finding{found(Warning, Person, c.Landing(c.Workspace.ID), "whether a soft-deleted workspace holds the name %s in the target group is not shown by ARM", c.Workspace.Name()).seen("%s", n.Text)}
		}
	}
	return nil
}
