package neighbour

import (
	"encoding/base64"
	"regexp"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// The plain types.
const (
	Cluster    arm.Type = "Microsoft.ContainerService/managedClusters"
	Databricks arm.Type = "Microsoft.Databricks/workspaces"
	Cosmos     arm.Type = "Microsoft.DocumentDB/databaseAccounts"
	Search     arm.Type = "Microsoft.Search/searchServices"
	Cognitive  arm.Type = "Microsoft.CognitiveServices/accounts"
	Notebooks  arm.Type = "Microsoft.Notebooks/NotebookProxies"
)

// Types returns the entries of the plain services.
func Types() []provider.Type {
	plain := Shape{}.Put(nil)
	types := []provider.Type{
		cluster(),
		{Name: Cluster + "/agentPools", Stateful: true, AsyncPut: true, AsyncDelete: true, NoPatch: true, Put: plain},
		adjust(Connections(Cluster), func(t *provider.Type) { t.Created = 201 }),
		databricks(),
		adjust(Connections(Databricks), func(t *provider.Type) { t.AsyncPut, t.AsyncDelete = true, true }),
		{Name: "Microsoft.Databricks/accessConnectors", Versions: []string{"2026-01-01", "2024-05-01", "2023-05-01"}, Tracked: true, Stateful: true,
			AsyncPut: true, AsyncPatch: true, AsyncDelete: true, Put: Shape{}.Put(Identity)},
		cosmos(),
		adjust(Connections(Cosmos), func(t *provider.Type) { t.AsyncPut, t.AsyncDelete = true, true }),
		search(),
		Connections(Search),
		cognitive(),
		{Name: Cognitive + "/deployments", Stateful: true, AsyncPut: true, AsyncPatch: true, AsyncDelete: true,
			Put: Shape{{Path: "properties.model", Is: Object, Need: true}, {Path: "properties.model.name", Is: Text, Need: true}}.Put(nil)},
		adjust(Connections(Cognitive), func(t *provider.Type) { t.AsyncPut, t.AsyncDelete = true, true }),
		{Name: Notebooks, Versions: []string{"2024-11-01", "2019-10-11-preview"}, Tracked: true, Stateful: true, Put: plain},
	}
	return Moves(types)
}

func adjust(t provider.Type, change func(*provider.Type)) provider.Type {
	change(&t)
	return t
}

var linkReads = map[string]provider.Action{"privatelinkresources": {Do: LinkResources}}

func cluster() provider.Type {
	shape := Shape{
		{Path: "properties.dnsPrefix", Is: Text, Fixed: true}, {Path: "properties.kubernetesVersion", Is: Text},
		{Path: "properties.agentPoolProfiles", Is: List}, {Path: "properties.agentPoolProfiles.*.name", Is: Text, Need: true},
		{Path: "properties.agentPoolProfiles.*.count", Is: Number}, {Path: "properties.networkProfile", Is: Object},
	}
	return provider.Type{
		Name: Cluster, Keys: clusterKey.Names, Tracked: true, Stateful: true, Pattern: regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$`),
		Versions: []string{"2026-04-01", "2025-10-01", "2025-07-01", "2025-05-01", "2025-03-01", "2025-02-01", "2024-09-01", "2024-04-01", "2023-11-01", "2023-02-01", "2022-11-01"},
		AsyncPut: true, AsyncPatch: true, AsyncDelete: true, Put: shape.Put(putCluster), Get: ShowConnections, Reads: linkReads,
		Actions: map[string]provider.Action{
			"listclusteradmincredential": {Do: kubeconfig("clusterAdmin")}, "listclusterusercredential": {Do: kubeconfig("clusterUser")},
		},
	}
}

// clusterKey stands for the credentials of a cluster.
var clusterKey = Keyring{Names: []string{"clusterAdmin", "clusterUser"}, Bytes: 32}

func putCluster(c *provider.Call) error {
	clusterKey.Make(c)
	Forget(c, "properties.privateEndpointConnections")
	if err := Identity(c); err != nil {
		return err
	}
	Default(c, "sku", map[string]any{"name": "Base", "tier": "Free"})
	Default(c, "properties.dnsPrefix", Label(c.ID.Name())+"-dns")
	Default(c, "properties.kubernetesVersion", "1.33")
	Default(c, "properties.nodeResourceGroup", "MC_"+c.ID.Group()+"_"+c.ID.Name()+"_"+provider.Region(c.Location()))
	Default(c, "properties.enableRBAC", true)
	Stable(c, "properties.powerState", func() any { return map[string]any{"code": "Running"} })
	Stable(c, "properties.fqdn", func() any {
		return tree.Text(c.Doc.Public, "properties.dnsPrefix") + "-" + provider.NewGUID()[:8] + ".hcp." + provider.Region(c.Location()) + ".azmk8s.local.test"
	})
	return nil
}

// kubeconfig answers with a credentials file for a cluster that does not run.
func kubeconfig(user string) func(*provider.Call) (any, error) {
	return func(c *provider.Call) (any, error) {
		text := "apiVersion: v1\nkind: Config\nclusters:\n- name: " + c.ID.Name() + "\n  cluster:\n    server: https://" +
			tree.Text(c.Doc.Public, "properties.fqdn") + ":443\nusers:\n- name: " + user + "\n  user:\n    token: " + clusterKey.Value(c, user) + "\n"
		return map[string]any{"kubeconfigs": []any{map[string]any{"name": user, "value": base64.StdEncoding.EncodeToString([]byte(text))}}}, nil
	}
}

// databricks holds no references: parameters.amlWorkspaceId.value stays in the words in which it was put when the workspace moves.
func databricks() provider.Type {
	shape := Shape{
		{Path: "properties", Is: Object, Need: true},
		{Path: "properties.managedResourceGroupId", Is: ID}, {Path: "properties.parameters", Is: Object},
		{Path: "properties.parameters.*.value", Is: Any}, {Path: "sku", Is: Object}, {Path: "sku.name", Is: Text},
	}
	return provider.Type{
		Name: Databricks, Tracked: true, Stateful: true, Pattern: regexp.MustCompile(`^[A-Za-z0-9_-]{3,64}$`),
		Versions: []string{"2026-01-01", "2024-05-01", "2023-02-01", "2018-04-01", "2022-10-01-preview", "2022-04-01-preview"},
		AsyncPut: true, AsyncPatch: true, AsyncDelete: true, Put: shape.Put(putDatabricks), Get: ShowConnections, Reads: linkReads,
	}
}

func putDatabricks(c *provider.Call) error {
	Forget(c, "properties.privateEndpointConnections")
	Stable(c, "properties.workspaceId", func() any { return numeric(provider.NewGUID()) })
	Stable(c, "properties.workspaceUrl", func() any {
		id := tree.Text(c.Doc.Public, "properties.workspaceId")
		return "adb-" + id + "." + id[len(id)-1:] + ".databricks.local.test"
	})
	Stable(c, "properties.createdDateTime", func() any { return c.Now.UTC().Format(time.RFC3339Nano) })
	Stable(c, "properties.createdBy", func() any { return map[string]any{"oid": c.Caller.ObjectID, "applicationId": c.Caller.ClientID} })
	return nil
}

// numeric makes sixteen digits of a GUID.
func numeric(guid string) string {
	var b strings.Builder
	for _, r := range strings.ReplaceAll(guid, "-", "")[:16] {
		b.WriteRune('0' + r%10)
	}
	return b.String()
}
