package keyvault

import (
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

var vaultShape = neighbour.Shape{
	{Path: "properties", Is: neighbour.Object, Need: true},
	{Path: "properties.createMode", Is: neighbour.Text, OneOf: []string{"default", "recover"}},
	{Path: "properties.tenantId", Is: neighbour.Text, Need: true},
	{Path: "properties.sku", Is: neighbour.Object, Need: true},
	{Path: "properties.sku.family", Is: neighbour.Text, Need: true, OneOf: []string{"A"}},
	{Path: "properties.sku.name", Is: neighbour.Text, Need: true, OneOf: []string{"standard", "premium"}},
	{Path: "properties.accessPolicies", Is: neighbour.List},
	{Path: "properties.accessPolicies.*.tenantId", Is: neighbour.Text, Need: true},
	{Path: "properties.accessPolicies.*.objectId", Is: neighbour.Text, Need: true},
	{Path: "properties.accessPolicies.*.permissions", Is: neighbour.Object, Need: true},
	{Path: "properties.enableSoftDelete", Is: neighbour.Bool},
	{Path: "properties.enablePurgeProtection", Is: neighbour.Bool},
	{Path: "properties.enableRbacAuthorization", Is: neighbour.Bool},
	{Path: "properties.softDeleteRetentionInDays", Is: neighbour.Number, Fixed: true},
	{Path: "properties.networkAcls", Is: neighbour.Object},
	{Path: "properties.networkAcls.defaultAction", Is: neighbour.Text, OneOf: []string{"Allow", "Deny"}},
	{Path: "properties.networkAcls.virtualNetworkRules", Is: neighbour.List},
	{Path: "properties.networkAcls.virtualNetworkRules.*.id", Is: neighbour.ID},
	{Path: "properties.publicNetworkAccess", Is: neighbour.Text},
}

// recoverShape is all that a recovery must say: the rest comes back from the record.
var recoverShape = neighbour.Shape{{Path: "properties.createMode", Is: neighbour.Text}}

// putVault judges and completes a vault; createMode=recover brings a deleted one back as it was.
func putVault(c *provider.Call) error {
	if c.Old == nil && strings.EqualFold(tree.Text(c.Doc.Public, "properties.createMode"), "recover") {
		return recoverShape.Put(recoverVault)(c)
	}
	return vaultShape.Put(fillVault)(c)
}

func fillVault(c *provider.Call) error {
	if c.Old == nil {
		if err := nameFree(c); err != nil {
			return err
		}
	}
	props := c.Props()
	delete(props, "createMode")
	if props["accessPolicies"] == nil && props["enableRbacAuthorization"] != true {
		return provider.Invalid("BadRequest", "The parameter accessPolicies is not specified.").At("properties.accessPolicies")
	}
	if props["enablePurgeProtection"] == false {
		return provider.Invalid("BadRequest", `The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for a vault is an irreversible action.`).
			At("properties.enablePurgeProtection")
	}
	if days, ok := number(props["softDeleteRetentionInDays"]); ok && (days < 7 || days > 90) {
		return provider.Invalid("BadRequest", "The property 'softDeleteRetentionInDays' must be between 7 and 90.").At("properties.softDeleteRetentionInDays")
	}
	if c.Old != nil && tree.Flag(c.Old.Public, "properties.enablePurgeProtection") {
		props["enablePurgeProtection"] = true
	}
	neighbour.Forget(c, "properties.privateEndpointConnections")
	props["vaultUri"] = "https://" + strings.ToLower(c.ID.Name()) + "." + neighbour.VaultSuffix + "/"
	neighbour.Default(c, "properties.accessPolicies", []any{})
	neighbour.Default(c, "properties.enabledForDeployment", false)
	neighbour.Default(c, "properties.enableSoftDelete", true)
	neighbour.Default(c, "properties.softDeleteRetentionInDays", 90)
	neighbour.Default(c, "properties.enableRbacAuthorization", false)
	neighbour.Default(c, "properties.publicNetworkAccess", "Enabled")
	return nil
}

// nameFree refuses the name of a vault that was deleted and not purged: the name is held everywhere, and only its own subscription is told why.
func nameFree(c *provider.Call) error {
	record, err := findDeleted(c, c.ID.Name())
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if record.found.Chain[0].ID == c.Found.Chain[0].ID {
		return provider.Conflict("ConflictError", "A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault. "+
			"Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete.").At(c.ID.String())
	}
	return provider.Conflict("VaultAlreadyExists", "The vault name '%s' is already in use. Vault names are globally unique so it is possible that the name is already taken. "+
		"If you are sure that the vault name was not taken then it is possible that a vault with the same name was recently deleted but not purged after being placed in a "+
		"recoverable state. If the vault is in a recoverable state then the vault will need to be purged before reusing the name. For more information on soft delete and purging "+
		"a vault follow this link https://go.microsoft.com/fwlink/?linkid=2147740.", c.ID.Name()).At(c.ID.String())
}

var secretShape = neighbour.Shape{
	{Path: "properties", Is: neighbour.Object, Need: true},
	{Path: "properties.value", Is: neighbour.Text},
	{Path: "properties.contentType", Is: neighbour.Text},
	{Path: "properties.attributes", Is: neighbour.Object},
}

var keyShape = neighbour.Shape{
	{Path: "properties", Is: neighbour.Object, Need: true},
	{Path: "properties.kty", Is: neighbour.Text, OneOf: []string{"EC", "EC-HSM", "RSA", "RSA-HSM"}},
	{Path: "properties.keySize", Is: neighbour.Number},
	{Path: "properties.attributes", Is: neighbour.Object},
}

// putSecret makes a new version of a secret; its value is kept and never shown.
func putSecret(c *provider.Call) error {
	version := putVersion(c, "secrets")
	props := c.Props()
	props["secretUri"], props["secretUriWithVersion"] = version, version+"/"+digits(provider.NewGUID())
	return nil
}

// putKey makes a key; there is no material behind it.
func putKey(c *provider.Call) error {
	uri := putVersion(c, "keys")
	neighbour.Default(c, "properties.kty", "RSA")
	if strings.HasPrefix(strings.ToUpper(tree.Text(c.Doc.Public, "properties.kty")), "RSA") {
		neighbour.Default(c, "properties.keySize", 2048)
	}
	neighbour.Default(c, "properties.keyOps", []any{"encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"})
	c.Props()["keyUri"] = uri
	neighbour.Stable(c, "properties.keyUriWithVersion", func() any { return uri + "/" + digits(provider.NewGUID()) })
	return nil
}

// putVersion stamps the attributes and returns the URI of a secret or key.
func putVersion(c *provider.Call, kind string) string {
	now := c.Now.Unix()
	neighbour.Default(c, "properties.attributes.enabled", true)
	neighbour.Stable(c, "properties.attributes.created", func() any { return now })
	tree.Set(c.Doc.Public, "properties.attributes.updated", now)
	vault := ""
	if len(c.ID) > 2 {
		vault = strings.ToLower(c.ID[2].Name)
	}
	return "https://" + vault + "." + neighbour.VaultSuffix + "/" + kind + "/" + c.ID.Name()
}

func digits(guid string) string { return strings.ReplaceAll(guid, "-", "") }

// stamp writes a time as the service does.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
