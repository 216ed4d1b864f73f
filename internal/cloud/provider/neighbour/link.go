package neighbour

import (
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// Link is one group that a service offers through private link.
type Link struct {
	Group   string   // group id, for example blob
	Zone    string   // the private DNS zone that Azure wants for it
	Service string   // leading labels of the zone behind "privatelink.", by which a zone of any cloud is told
	Suffix  string   // what this cloud puts behind a record to make a host name
	Records []string // names in the zone; {name}, {region} and {workspace} stand for what the target says
}

// Members are what the group consists of, as privateLinkResources shows it.
func (l Link) Members() []string {
	if l.Group == "amlworkspace" {
		return []string{"default"}
	}
	if l.Group == "registry" {
		return []string{"registry", "registry_data"}
	}
	return []string{l.Group}
}

var byName = []string{"{name}"}

// storageLinks are the groups of a storage account, secondaries included.
func storageLinks() []Link {
	var links []Link
	for _, group := range []string{"blob", "table", "queue", "file", "web", "dfs"} {
		zone := "privatelink." + group + ".core.windows.net"
		suffix := group + "." + StorageSuffix
		links = append(links, Link{group, zone, group, suffix, byName})
		if group != "file" {
			links = append(links, Link{group + "_secondary", zone, group, suffix, []string{"{name}-secondary"}})
		}
	}
	return links
}

// links is what each service offers, by type key. Names are those of Azure's private endpoint DNS table.
var links = map[string][]Link{
	"microsoft.storage/storageaccounts":      storageLinks(),
	"microsoft.keyvault/vaults":              {{"vault", "privatelink.vaultcore.azure.net", "vaultcore", VaultSuffix, byName}},
	"microsoft.containerregistry/registries": {{"registry", "privatelink.azurecr.io", "azurecr", RegistrySuffix, []string{"{name}", "{name}.{region}.data"}}},
	"microsoft.machinelearningservices/workspaces": {
		{"amlworkspace", "privatelink.api.azureml.ms", "api.azureml", "api.azureml.local.test", []string{"{workspace}.workspace.{region}",
			"{workspace}.workspace.{region}.cert", "*.{workspace}.inference.{region}", "*.{workspace}.models.{region}"}},
		{"amlworkspace", "privatelink.notebooks.azure.net", "notebooks", "notebooks.local.test", []string{"ml-{name}-{region}-{workspace}.{region}"}},
	},
	"microsoft.search/searchservices":       {{"searchService", "privatelink.search.windows.net", "search", "search.local.test", byName}},
	"microsoft.documentdb/databaseaccounts": {{"Sql", "privatelink.documents.azure.com", "documents", "documents.local.test", []string{"{name}", "{name}-{region}"}}},
	"microsoft.cognitiveservices/accounts":  {{"account", "privatelink.cognitiveservices.azure.com", "cognitiveservices", "cognitiveservices.local.test", byName}},
	"microsoft.databricks/workspaces":       {{"databricks_ui_api", "privatelink.azuredatabricks.net", "azuredatabricks", "databricks.local.test", byName}},
	"microsoft.containerservice/managedclusters": {
		{"management", "privatelink.{region}.azmk8s.io", "azmk8s", "azmk8s.local.test", byName}},
}

// Links returns what a type offers through private link; nil if nothing is known about it.
func Links(typ arm.Type) []Link { return links[typ.Key()] }

// LinkResources answers the read privateLinkResources of a target.
func LinkResources(c *provider.Call) (any, error) {
	var groups []string
	zones, members := map[string][]any{}, map[string][]string{}
	for _, link := range Links(c.Type.Name) {
		if zones[link.Group] == nil {
			groups = append(groups, link.Group)
		}
		zones[link.Group] = append(zones[link.Group], strings.ReplaceAll(link.Zone, "{region}", provider.Region(c.Location())))
		members[link.Group] = link.Members()
	}
	value := []any{}
	for _, group := range groups {
		value = append(value, map[string]any{
			"id": c.ID.String() + "/privateLinkResources/" + group, "name": group, "type": string(c.Type.Name) + "/privateLinkResources",
			"properties": map[string]any{"groupId": group, "requiredMembers": members[group], "requiredZoneNames": zones[group]},
		})
	}
	return map[string]any{"value": value}, nil
}

// Record is a name that private link gives to an address.
type Record struct {
	Name string // in the zone
	Link Link
}

// Host is the full name of a record in this cloud.
func (r Record) Host() string { return r.Name + "." + r.Link.Suffix }

// Records returns the names that the groups of a target get.
func Records(id arm.ID, doc tree.Document, groups []string) []Record {
	fill := strings.NewReplacer("{name}", strings.ToLower(id.Name()), "{region}", provider.Region(tree.Text(doc.Public, "location")),
		"{workspace}", tree.Text(doc.Public, "properties.workspaceId"))
	var records []Record
	for _, link := range Links(id.Type()) {
		if !oneOf(groups, link.Group) {
			continue
		}
		for _, name := range link.Records {
			records = append(records, Record{fill.Replace(name), link})
		}
	}
	return records
}

// In reports whether a record belongs into a private DNS zone of a name.
func (l Link) In(zone string) bool {
	rest, found := strings.CutPrefix(strings.ToLower(zone), "privatelink.")
	return found && (strings.HasPrefix(rest, l.Service+".") || strings.Contains(rest, "."+l.Service+"."))
}
