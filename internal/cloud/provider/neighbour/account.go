package neighbour

import (
	"regexp"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// cosmos is a database account: a PUT answers 200 also when it creates (2025-10-15).
func cosmos() provider.Type {
	shape := Shape{
		{Path: "properties", Is: Object, Need: true},
		{Path: "properties.databaseAccountOfferType", Is: Text, Need: true, OneOf: []string{"Standard"}},
		{Path: "properties.locations", Is: List, Need: true}, {Path: "properties.locations.*.locationName", Is: Text},
		{Path: "properties.capabilities", Is: List},
	}
	return provider.Type{
		Name: Cosmos, Keys: cosmosKeys.Names, Tracked: true, Stateful: true, Pattern: regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,42}[a-z0-9]$`), Unique: provider.Global,
		Versions: []string{"2025-10-15", "2025-04-15", "2024-11-15", "2024-08-15", "2023-11-15", "2023-04-15", "2022-11-15", "2022-05-15", "2021-10-15"},
		Created:  200, AsyncPut: true, AsyncDelete: true, Put: shape.Put(putCosmos), Get: ShowConnections, Reads: linkReads,
		Actions: map[string]provider.Action{
			"listkeys": {Do: cosmosKeys.Texts("primaryMasterKey", "primary", "secondaryMasterKey", "secondary",
				"primaryReadonlyMasterKey", "primaryReadonly", "secondaryReadonlyMasterKey", "secondaryReadonly")},
			"readonlykeys": {Do: cosmosKeys.Texts("primaryReadonlyMasterKey", "primaryReadonly", "secondaryReadonlyMasterKey", "secondaryReadonly")},
			"regeneratekey": {Writes: true, Async: true, Do: Shape{{Path: "keyKind", Is: Text, Need: true, OneOf: cosmosKeys.Names}}.Body(
				func(c *provider.Call) (any, error) { return nil, cosmosKeys.Renew(c, tree.Text(c.Body, "keyKind")) })},
		},
	}
}

var cosmosKeys = Keyring{Names: []string{"primary", "secondary", "primaryReadonly", "secondaryReadonly"}, Bytes: 64}

func putCosmos(c *provider.Call) error {
	cosmosKeys.Make(c)
	Forget(c, "properties.privateEndpointConnections")
	if err := Identity(c); err != nil {
		return err
	}
	Default(c, "kind", "GlobalDocumentDB")
	props := c.Props()
	props["documentEndpoint"] = "https://" + c.ID.Name() + ".documents.local.test:443/"
	Stable(c, "properties.instanceId", func() any { return provider.NewGUID() })
	Default(c, "properties.publicNetworkAccess", "Enabled")
	Default(c, "properties.consistencyPolicy", map[string]any{"defaultConsistencyLevel": "Session", "maxIntervalInSeconds": 5, "maxStalenessPrefix": 100})
	return nil
}

func search() provider.Type {
	shape := Shape{
		{Path: "sku", Is: Object, Need: true}, {Path: "sku.name", Is: Text, Need: true},
		{Path: "properties.replicaCount", Is: Number}, {Path: "properties.partitionCount", Is: Number},
		{Path: "properties.hostingMode", Is: Text, OneOf: []string{"default", "highDensity"}},
	}
	return provider.Type{
		Name: Search, Keys: searchKeys.Names, Tracked: true, Stateful: true, Pattern: regexp.MustCompile(`^[a-z0-9](-?[a-z0-9]){1,59}$`), Unique: provider.Global,
		Versions: []string{"2025-05-01", "2023-11-01", "2022-09-01", "2020-08-01", "2024-06-01-preview"},
		AsyncPut: true, Put: shape.Put(putSearch), Get: ShowConnections, Reads: linkReads,
		Actions: map[string]provider.Action{
			"listadminkeys": {Do: searchKeys.Texts("primaryKey", "primary", "secondaryKey", "secondary")},
			"listquerykeys": {Do: func(c *provider.Call) (any, error) {
				return map[string]any{"value": []any{map[string]any{"name": nil, "key": searchKeys.Value(c, "query")}}}, nil
			}},
		},
	}
}

var searchKeys = Keyring{Names: []string{"primary", "secondary", "query"}, Bytes: 39}

func putSearch(c *provider.Call) error {
	searchKeys.Make(c)
	Forget(c, "properties.privateEndpointConnections", "properties.sharedPrivateLinkResources")
	if err := Identity(c); err != nil {
		return err
	}
	Default(c, "properties.replicaCount", 1)
	Default(c, "properties.partitionCount", 1)
	Default(c, "properties.hostingMode", "default")
	Default(c, "properties.publicNetworkAccess", "enabled")
	c.Props()["status"], c.Props()["statusDetails"] = "running", ""
	c.Props()["sharedPrivateLinkResources"] = []any{}
	return nil
}

func cognitive() provider.Type {
	shape := Shape{
		{Path: "sku", Is: Object, Need: true}, {Path: "sku.name", Is: Text, Need: true}, {Path: "kind", Is: Text, Need: true, Fixed: true},
		{Path: "properties.customSubDomainName", Is: Text}, {Path: "properties.publicNetworkAccess", Is: Text},
	}
	return provider.Type{
		Name: Cognitive, Keys: cognitiveKeys.Names, Tracked: true, Stateful: true, Pattern: regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{1,63}$`),
		Versions: []string{"2026-03-01", "2025-12-01", "2025-09-01", "2025-06-01", "2024-10-01", "2023-05-01", "2022-12-01", "2021-10-01"},
		AsyncPut: true, AsyncPatch: true, AsyncDelete: true, Put: shape.Put(putCognitive), Get: ShowConnections, Reads: linkReads,
		Actions: map[string]provider.Action{
			"listkeys": {Do: cognitiveKeys.Texts("key1", "Key1", "key2", "Key2")},
			"regeneratekey": {Writes: true, Do: Shape{{Path: "keyName", Is: Text, Need: true, OneOf: cognitiveKeys.Names}}.Body(func(c *provider.Call) (any, error) {
				if err := cognitiveKeys.Renew(c, tree.Text(c.Body, "keyName")); err != nil {
					return nil, err
				}
				return cognitiveKeys.Texts("key1", "Key1", "key2", "Key2")(c)
			})},
		},
	}
}

var cognitiveKeys = Keyring{Names: []string{"Key1", "Key2"}, Bytes: 24}

func putCognitive(c *provider.Call) error {
	cognitiveKeys.Make(c)
	Forget(c, "properties.privateEndpointConnections")
	if err := Identity(c); err != nil {
		return err
	}
	host := tree.Text(c.Doc.Public, "properties.customSubDomainName")
	if host == "" {
		host = provider.Region(c.Location()) + ".api"
	}
	c.Props()["endpoint"] = "https://" + strings.ToLower(host) + ".cognitiveservices.local.test/"
	Stable(c, "properties.internalId", func() any { return strings.ReplaceAll(provider.NewGUID(), "-", "") })
	Stable(c, "properties.dateCreated", func() any { return c.Now.UTC().Format(time.RFC3339Nano) })
	Default(c, "properties.publicNetworkAccess", "Enabled")
	return nil
}
