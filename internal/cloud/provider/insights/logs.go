package insights

import (
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
)

var logsShape = neighbour.Shape{
	{Path: "properties.sku", Is: neighbour.Object}, {Path: "properties.sku.name", Is: neighbour.Text},
	{Path: "properties.retentionInDays", Is: neighbour.Number}, {Path: "properties.workspaceCapping", Is: neighbour.Object},
	{Path: "properties.features", Is: neighbour.Object},
	{Path: "properties.publicNetworkAccessForIngestion", Is: neighbour.Text}, {Path: "properties.publicNetworkAccessForQuery", Is: neighbour.Text},
}

// keyring are the shared keys of a log workspace.
var keyring = neighbour.Keyring{Names: []string{"primary", "secondary"}, Bytes: 64}

func logs() provider.Type {
	return provider.Type{
		Name: Logs, Keys: keyring.Names, Versions: logsVersions, Tracked: true, Stateful: true, Pattern: logsName, AsyncPut: true, AsyncDelete: true,
		Put: logsShape.Put(putLogs),
		Actions: map[string]provider.Action{
			"sharedkeys": {Do: keyring.Texts("primarySharedKey", "primary", "secondarySharedKey", "secondary")},
			"regeneratesharedkey": {Writes: true, Do: func(c *provider.Call) (any, error) {
				for _, name := range keyring.Names {
					if err := keyring.Renew(c, name); err != nil {
						return nil, err
					}
				}
				return keyring.Texts("primarySharedKey", "primary", "secondarySharedKey", "secondary")(c)
			}},
		},
		Reads: map[string]provider.Action{"intelligencepacks": {Do: func(*provider.Call) (any, error) { return []any{}, nil }}},
	}
}

// logsChildren are plain documents below a log workspace.
func logsChildren() []provider.Type {
	plain := neighbour.Shape{}.Put(nil)
	return []provider.Type{
		{Name: Logs + "/tables", Stateful: true, Created: 202, AsyncPut: true, AsyncPatch: true, AsyncDelete: true, Put: plain},
		{Name: Logs + "/savedSearches", Created: 200, NoPatch: true, Put: plain},
		{Name: Logs + "/dataSources", NoPatch: true, Put: plain},
		{Name: Logs + "/dataExports", NoPatch: true, Put: plain},
		{Name: Logs + "/linkedServices", Stateful: true, AsyncPut: true, AsyncDelete: true, NoPatch: true, Put: plain},
		{Name: Logs + "/linkedStorageAccounts", Created: 200, NoPatch: true, Put: plain},
		{Name: Logs + "/storageInsightConfigs", NoPatch: true, Put: plain, Secrets: []string{"properties.storageAccount.key"}},
		{Name: arm.Type("Microsoft.OperationalInsights/queryPacks"), Versions: logsVersions, Tracked: true, Stateful: true, Created: 200, Put: plain},
	}
}

func putLogs(c *provider.Call) error {
	keyring.Make(c)
	if err := neighbour.Identity(c); err != nil {
		return err
	}
	neighbour.Stable(c, "properties.customerId", guid)
	neighbour.Stable(c, "properties.createdDate", func() any { return c.Now.UTC().Format(time.RFC3339Nano) })
	c.Props()["modifiedDate"] = c.Now.UTC().Format(time.RFC3339Nano)
	neighbour.Default(c, "properties.sku", map[string]any{"name": "PerGB2018"})
	neighbour.Default(c, "properties.retentionInDays", 30)
	neighbour.Default(c, "properties.features", map[string]any{"legacy": 0, "searchVersion": 1, "enableLogAccessUsingOnlyResourcePermissions": true})
	neighbour.Default(c, "properties.workspaceCapping", map[string]any{"dailyQuotaGb": -1, "dataIngestionStatus": "RespectQuota"})
	neighbour.Default(c, "properties.publicNetworkAccessForIngestion", "Enabled")
	neighbour.Default(c, "properties.publicNetworkAccessForQuery", "Enabled")
	if sku, ok := c.Props()["sku"].(map[string]any); ok && strings.EqualFold(text(sku["name"]), "Free") {
		c.Props()["retentionInDays"] = 7
	}
	return nil
}

func text(value any) string {
	s, _ := value.(string)
	return s
}
