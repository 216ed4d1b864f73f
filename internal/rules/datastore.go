package rules

import (
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/facts"
)

// datastoreRules are about data: datastores, data assets, connections, and old ids in documents.
func datastoreRules() []Rule {
	return []Rule{
		{ID: "ML090", Clauses: []string{"S32", "S45", "S46", "S47", "pain 30"}, Title: "Nondefault datastores are repaired",
			Why:    "Their registrations travel; subscription and group in them stay old or become empty. Which of the two is read after the move, not guessed. Where the account stays, the old values stay right.",
			Remedy: "the plan writes the right subscription and group under the same name, with the credentials that were read before", Judge: nondefaultDatastores},
		{ID: "ML091", Clauses: []string{"S45", "pain 30", "aml-contract 6"}, Title: "Datastores with a shared access signature are said",
			Why: "A signature is a secret that the service does not show: whether it has expired cannot be known, and nobody but its issuer can renew it.", Remedy: "make sure that the signature is good beyond the move, or put a new one into the datastore", Judge: signatures},
		{ID: "ML092", Clauses: []string{"S45", "aml-contract 6"}, Title: "OneLake datastores have no subscription",
			Why: "A OneLake datastore names a Fabric workspace and an artifact, neither subscription nor group: the move changes nothing in it.", Remedy: "nothing", Judge: oneLake},
		{ID: "ML093", Clauses: []string{"S05", "pain 29"}, Title: "Data assets are registered again",
			Why:    "Data assets do not move, none of their versions. The files they name are not touched. Lineage, creation times and creators of the registrations cannot be restored.",
			Remedy: "the plan registers every container and version again, with the same numbers and rewritten URIs", Judge: dataAssets},
		{ID: "ML094", Clauses: []string{"aml-contract 3", "pain 22"}, Title: "Connections that name something that moves get its new id",
			Why: "The id in a connection is text: no service rewrites it.", Remedy: "the plan writes the connection again, with its credentials", Judge: connections},
		{ID: "ML095", Clauses: []string{"pain 22", "aml-contract 8"}, Title: "Old ids in documents that nobody rewrites are said",
			Why: "Environment variables, scripts and properties may hold the old id. They are the owner's, and are made again as they are.", Remedy: "change them after the move, if something reads them", Judge: stale},
	}
}

// nondefault are the datastores that the service does not own.
func (c *Case) nondefault() []facts.Item {
	return slices.DeleteFunc(slices.Clone(c.Content("datastores")), func(i facts.Item) bool { return aml.IsSystemDatastore(i.Name()) })
}

// credentials is the kind of a datastore's credentials.
func credentials(item facts.Item) string {
	return item.Doc.Text("properties.credentials.credentialsType")
}

// hasCredentials reports whether a datastore has secrets.
func hasCredentials(item facts.Item) bool {
	kind := credentials(item)
	return kind != "" && !strings.EqualFold(kind, "None")
}

// isOneLake reports whether a datastore is of the kind without subscription.
func isOneLake(item facts.Item) bool {
	return strings.EqualFold(item.Doc.Text("properties.datastoreType"), "OneLake")
}

func nondefaultDatastores(c *Case) []Finding {
	var list []Finding
	for _, item := range c.nondefault() {
		if isOneLake(item) {
			continue
		}
		secret := "without secrets"
		if hasCredentials(item) {
			secret = "with its " + credentials(item)
		}
		f := found(Note, Plan, item.ID, "the nondefault datastore %s is checked after the move and repaired, %s", item.Name(), secret)
		if _, _, moves := c.paths().Account(item.Doc.Text("properties.accountName")); moves {
			f = f.seen("its account %s moves along", item.Doc.Text("properties.accountName"))
		} else {
			f = f.seen("its account stays in %s, %s", item.Doc.Text("properties.resourceGroup"), item.Doc.Text("properties.subscriptionId"))
		}
		list = append(list, f)
	}
	return list
}

func signatures(c *Case) []Finding {
	var list []Finding
	for _, item := range c.nondefault() {
		if strings.EqualFold(credentials(item), "Sas") {
			list = append(list, found(Note, None, item.ID, "the datastore %s uses a shared access signature whose end is not known", item.Name()).seen("properties.credentials.credentialsType"))
		}
	}
	return list
}

func oneLake(c *Case) []Finding {
	var list []Finding
	for _, item := range c.nondefault() {
		if isOneLake(item) {
			list = append(list, found(Note, None, item.ID, "the datastore %s leads to OneLake and stays as it is", item.Name()))
		}
	}
	return list
}

func dataAssets(c *Case) []Finding {
	versions := c.Counts["data/versions"]
	if versions == 0 && c.Counts["data"] == 0 {
		return nil
	}
	return []Finding{found(Note, Plan, c.Workspace.ID, "%s in %s do not move and are registered again", plural(versions, "version"), plural(c.Counts["data"], "data asset"))}
}

func connections(c *Case) []Finding {
	var list []Finding
	for _, item := range c.renamed("connections") {
		list = append(list, found(Note, Plan, item.ID, "the connection %s names something that moves", item.Name()).seen("%s", c.renames(item)[0]))
		if strings.EqualFold(item.Doc.Text("properties.authType"), "OAuth2") {
			list = append(list, found(Warning, Person, item.ID, "the consent behind the connection %s cannot be written again", item.Name()).seen("properties.authType is OAuth2").
				do("sign in again for the connection after the move"))
		}
	}
	return list
}

// renamed are the documents of a kind that name something that moves where no service keeps that up: they must be written again.
func (c *Case) renamed(kind string) []facts.Item {
	return slices.DeleteFunc(slices.Clone(c.Content(kind)), func(i facts.Item) bool { return len(c.renames(i)) == 0 })
}

// renames are the places in a document that name something that moves and that no service keeps up.
func (c *Case) renames(item facts.Item) []string {
	kind, _ := aml.KindOf(item.Type)
	paths := c.paths()
	var at []string
	for _, r := range kind.References {
		item.Doc.Clone().Change(r.Path, func(value any) (any, bool) {
			if text, _ := value.(string); !r.Owned && paths.Text(text) != text {
				at = append(at, r.Path)
			}
			return value, true
		})
	}
	return at
}

// looked are the kinds in whose documents old ids are looked for: those that are made again, and those in which no step rewrites text.
var looked = []string{"computes", "onlineEndpoints", "onlineEndpoints/deployments", "batchEndpoints", "batchEndpoints/deployments", "schedules", "capabilityHosts", "labelingJobs", "linkedServices", "linkedWorkspaces"}

func stale(c *Case) []Finding {
	paths := c.paths()
	if paths.Empty() {
		return nil
	}
	var list []Finding
	for _, path := range looked {
		kind, _ := aml.FindKind(path)
		for _, item := range c.Content(path) {
			doc := item.Doc.Clone()
			doc.Delete("id")
			rewritten := kind.Paths()
			if slices.Contains([]string{"capabilityHosts", "labelingJobs", "linkedServices", "linkedWorkspaces"}, path) {
				rewritten = kind.Owned()
			}
			paths.References(rewritten, doc)
			if at := paths.Mentions(doc); len(at) > 0 {
				list = append(list, found(Note, None, item.ID, "%s holds the old id of something that moves", item.Name()).seen("%s", names(at)))
			}
		}
	}
	registry := slices.ContainsFunc(c.included(), func(a facts.Account) bool { return a.Choice == "registry" })
	if registry && c.Counts["environments/versions"] > 0 {
		id, _ := arm.Parse(c.Workspace.Doc.Text("properties.containerRegistry"))
		list = append(list, found(Note, None, id, "images of environments may name the registry %s by its login server", id.Name()).do("nothing: the login server keeps its name when the registry moves"))
	}
	return list
}
