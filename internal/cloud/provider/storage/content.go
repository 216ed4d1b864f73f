package storage

import (
	"time"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
)

var serviceShape = neighbour.Shape{
	{Path: "properties.cors", Is: neighbour.Object},
	{Path: "properties.cors.corsRules", Is: neighbour.List},
	{Path: "properties.deleteRetentionPolicy", Is: neighbour.Object},
	{Path: "properties.containerDeleteRetentionPolicy", Is: neighbour.Object},
	{Path: "properties.shareDeleteRetentionPolicy", Is: neighbour.Object},
	{Path: "properties.isVersioningEnabled", Is: neighbour.Bool},
}

var containerShape = neighbour.Shape{
	{Path: "properties.publicAccess", Is: neighbour.Text, OneOf: []string{"None", "Blob", "Container"}},
	{Path: "properties.metadata", Is: neighbour.Object},
	{Path: "properties.metadata.*", Is: neighbour.Text},
	{Path: "properties.defaultEncryptionScope", Is: neighbour.Text},
}

var shareShape = neighbour.Shape{
	{Path: "properties.shareQuota", Is: neighbour.Number},
	{Path: "properties.metadata", Is: neighbour.Object},
	{Path: "properties.metadata.*", Is: neighbour.Text},
	{Path: "properties.enabledProtocols", Is: neighbour.Text, OneOf: []string{"SMB", "NFS"}, Fixed: true},
	{Path: "properties.accessTier", Is: neighbour.Text, OneOf: []string{"TransactionOptimized", "Hot", "Cool", "Premium"}},
}

func putService(c *provider.Call) error {
	neighbour.Default(c, "properties.cors", map[string]any{"corsRules": []any{}})
	return nil
}

// modified stamps what was written last.
func modified(c *provider.Call) error {
	c.Props()["lastModifiedTime"] = c.Now.UTC().Format(time.RFC3339Nano)
	return nil
}

func putContainer(c *provider.Call) error {
	neighbour.Default(c, "properties.publicAccess", "None")
	neighbour.Default(c, "properties.defaultEncryptionScope", "$account-encryption-key")
	neighbour.Default(c, "properties.denyEncryptionScopeOverride", false)
	props := c.Props()
	props["leaseStatus"], props["leaseState"] = "Unlocked", "Available"
	props["hasImmutabilityPolicy"], props["hasLegalHold"], props["deleted"] = false, false, false
	return modified(c)
}

func putShare(c *provider.Call) error {
	neighbour.Default(c, "properties.shareQuota", 5120)
	neighbour.Default(c, "properties.enabledProtocols", "SMB")
	neighbour.Default(c, "properties.accessTier", "TransactionOptimized")
	props := c.Props()
	props["leaseStatus"], props["leaseState"] = "Unlocked", "Available"
	return modified(c)
}

func putTable(c *provider.Call) error {
	c.Props()["tableName"] = c.ID.Name()
	return nil
}
