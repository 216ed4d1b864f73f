package storage

import (
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

var kinds = []string{"StorageV2", "Storage", "BlobStorage", "FileStorage", "BlockBlobStorage"}

var skus = []string{"Standard_LRS", "Standard_GRS", "Standard_RAGRS", "Standard_ZRS", "Premium_LRS", "Premium_ZRS", "Standard_GZRS", "Standard_RAGZRS",
	"StandardV2_LRS", "StandardV2_GRS", "StandardV2_ZRS", "StandardV2_GZRS", "PremiumV2_LRS", "PremiumV2_ZRS"}

var accountShape = neighbour.Shape{
	{Path: "sku", Is: neighbour.Object, Need: true},
	{Path: "sku.name", Is: neighbour.Text, Need: true, OneOf: skus},
	{Path: "kind", Is: neighbour.Text, Need: true, OneOf: kinds},
	{Path: "properties.isHnsEnabled", Is: neighbour.Bool, Fixed: true},
	{Path: "properties.accessTier", Is: neighbour.Text, OneOf: []string{"Hot", "Cool", "Premium", "Cold"}},
	{Path: "properties.publicNetworkAccess", Is: neighbour.Text, OneOf: []string{"Enabled", "Disabled", "SecuredByPerimeter"}},
	{Path: "properties.minimumTlsVersion", Is: neighbour.Text},
	{Path: "properties.supportsHttpsTrafficOnly", Is: neighbour.Bool},
	{Path: "properties.allowBlobPublicAccess", Is: neighbour.Bool},
	{Path: "properties.allowSharedKeyAccess", Is: neighbour.Bool},
	{Path: "properties.encryption", Is: neighbour.Object},
	{Path: "properties.networkAcls", Is: neighbour.Object},
	{Path: "properties.networkAcls.defaultAction", Is: neighbour.Text, OneOf: []string{"Allow", "Deny"}},
	{Path: "properties.networkAcls.bypass", Is: neighbour.Text},
	{Path: "properties.networkAcls.virtualNetworkRules", Is: neighbour.List},
	{Path: "properties.networkAcls.virtualNetworkRules.*.id", Is: neighbour.ID},
	{Path: "properties.networkAcls.ipRules", Is: neighbour.List},
	{Path: "properties.networkAcls.ipRules.*.value", Is: neighbour.Text},
}

// keyring are the two keys of every account.
var keyring = neighbour.Keyring{Names: []string{"key1", "key2"}, Bytes: 64}

// putAccount completes an account with what the service computes.
func putAccount(c *provider.Call) error {
	keyring.Make(c)
	neighbour.Forget(c, "properties.privateEndpointConnections", "properties.secondaryLocation", "properties.secondaryEndpoints")
	if err := neighbour.Identity(c); err != nil {
		return err
	}
	sku := tree.Text(c.Doc.Public, "sku.name")
	tier, _, _ := strings.Cut(sku, "_")
	tree.Set(c.Doc.Public, "sku.tier", strings.TrimSuffix(tier, "V2"))
	kind := tree.Text(c.Doc.Public, "kind")
	props := c.Props()
	props["primaryEndpoints"] = endpoints(kind, c.ID.Name(), "")
	props["primaryLocation"], props["statusOfPrimary"] = provider.Region(c.Location()), "available"
	if strings.Contains(sku, "GRS") || strings.Contains(sku, "GZRS") {
		props["secondaryLocation"], props["statusOfSecondary"] = provider.Region(c.Location())+"-pair", "available"
		if strings.Contains(sku, "_RA") {
			props["secondaryEndpoints"] = endpoints(kind, c.ID.Name(), "-secondary")
		}
	}
	neighbour.Stable(c, "properties.creationTime", func() any { return c.Now.UTC().Format(time.RFC3339Nano) })
	props["keyCreationTime"] = map[string]any{"key1": keyring.Created(c, "key1"), "key2": keyring.Created(c, "key2")}
	fillAccount(c, kind)
	return spawnServices(c, kind)
}

// fillAccount gives an account the service's defaults.
func fillAccount(c *provider.Call, kind string) {
	neighbour.Default(c, "properties.supportsHttpsTrafficOnly", true)
	neighbour.Default(c, "properties.minimumTlsVersion", "TLS1_0")
	neighbour.Default(c, "properties.allowBlobPublicAccess", false)
	neighbour.Default(c, "properties.networkAcls", map[string]any{
		"bypass": "AzureServices", "defaultAction": "Allow", "ipRules": []any{}, "virtualNetworkRules": []any{}})
	neighbour.Default(c, "properties.encryption", map[string]any{"keySource": "Microsoft.Storage"})
	neighbour.Default(c, "properties.encryption.services", map[string]any{
		"blob": map[string]any{"enabled": true, "keyType": "Account"}, "file": map[string]any{"enabled": true, "keyType": "Account"}})
	if kind == "StorageV2" || kind == "BlobStorage" {
		neighbour.Default(c, "properties.accessTier", "Hot")
	}
}

// services are what each kind of account offers, in the words of its endpoints.
var services = map[string][]string{
	"StorageV2": {"dfs", "web", "blob", "queue", "table", "file"}, "Storage": {"blob", "queue", "table", "file"},
	"BlobStorage": {"dfs", "blob", "table"}, "BlockBlobStorage": {"dfs", "web", "blob"}, "FileStorage": {"file"},
}

func endpoints(kind, name, suffix string) map[string]any {
	urls := map[string]any{}
	for _, service := range services[canonical(kind)] {
		urls[service] = "https://" + name + suffix + "." + service + "." + neighbour.StorageSuffix + "/"
	}
	return urls
}

// canonical spells a kind as the service does.
func canonical(kind string) string {
	for _, known := range kinds {
		if strings.EqualFold(known, kind) {
			return known
		}
	}
	return kind
}

// spawnServices makes the documents named default below a new account.
func spawnServices(c *provider.Call, kind string) error {
	if c.Old != nil {
		return nil
	}
	for _, service := range services[canonical(kind)] {
		if service == "dfs" || service == "web" {
			continue
		}
		doc := tree.Document{Public: map[string]any{"properties": map[string]any{"cors": map[string]any{"corsRules": []any{}}}}, Private: map[string]any{}}
		if sku := tree.Object(c.Doc.Public, "sku"); sku != nil {
			doc.Public["sku"] = tree.Clone(sku)
		}
		if service == "blob" {
			tree.Set(doc.Public, "properties.deleteRetentionPolicy", map[string]any{"enabled": false, "allowPermanentDelete": false})
		}
		if service == "file" {
			tree.Set(doc.Public, "properties.shareDeleteRetentionPolicy", map[string]any{"enabled": true, "days": 7})
		}
		if err := c.Spawn(service+"Services", "default", doc); err != nil {
			return err
		}
	}
	return nil
}

func listKeys(c *provider.Call) (any, error) {
	keys := []any{}
	for _, name := range keyring.Names {
		keys = append(keys, map[string]any{"keyName": name, "value": keyring.Value(c, name), "permissions": "FULL", "creationTime": keyring.Created(c, name)})
	}
	return map[string]any{"keys": keys}, nil
}

func regenerateKey(c *provider.Call) (any, error) {
	name := tree.Text(c.Body, "keyName")
	if err := keyring.Renew(c, strings.ToLower(name)); err != nil {
		return nil, err
	}
	tree.Set(c.Doc.Public, "properties.keyCreationTime."+strings.ToLower(name), keyring.Created(c, strings.ToLower(name)))
	return listKeys(c)
}

// checkName answers whether an account name is free everywhere.
func checkName(c *provider.Call) (any, error) {
	name, err := neighbour.NamedInBody(c, Account)
	if err != nil {
		return nil, err
	}
	if !accountName.MatchString(name) {
		return map[string]any{"nameAvailable": false, "reason": "AccountNameInvalid", "message": name +
			" is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and use numbers and lower-case letters only."}, nil
	}
	taken, err := neighbour.Taken(c, Account, name)
	if err != nil {
		return nil, err
	}
	if taken {
		return map[string]any{"nameAvailable": false, "reason": "AlreadyExists", "message": "The storage account named " + name + " is already taken."}, nil
	}
	return map[string]any{"nameAvailable": true}, nil
}
