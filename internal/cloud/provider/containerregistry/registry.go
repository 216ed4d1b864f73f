// Package containerregistry is Microsoft.ContainerRegistry: registries with their admin user, and the resources below them as documents. There
// are no images. It stands on provider and neighbour.
package containerregistry

import (
	"regexp"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// Registry is the type of registries.
const Registry arm.Type = "Microsoft.ContainerRegistry/registries"

var versions = []string{"2025-11-01", "2025-04-01", "2023-07-01", "2022-12-01", "2021-09-01", "2019-05-01", "2017-10-01",
	"2023-11-01-preview", "2023-01-01-preview", "2022-02-01-preview", "2021-08-01-preview", "2019-06-01-preview"}

var (
	registryName = regexp.MustCompile(`^[A-Za-z0-9]{5,50}$`)
	webhookName  = regexp.MustCompile(`^[A-Za-z0-9]{5,50}$`)
	childName    = regexp.MustCompile(`^[A-Za-z0-9-]{1,50}$`)
)

// Types returns the entries of the namespace. Every PUT of the 2023-07-01 description is 201 or 200 and long-running.
func Types() []provider.Type {
	types := []provider.Type{registry(), connections(), child("replications", childName, replicationShape.Put(putReplication)),
		child("webhooks", webhookName, webhookShape.Put(putWebhook)), child("scopeMaps", childName, dated), child("tokens", childName, dated),
		child("cacheRules", childName, dated), child("credentialSets", childName, dated), child("tasks", childName, regional),
		child("agentPools", childName, regional), child("connectedRegistries", childName, plain),
		{Name: "Microsoft.ContainerRegistry/checkNameAvailability", Virtual: true, Actions: map[string]provider.Action{
			"": {Do: checkName, Permission: "Microsoft.ContainerRegistry/checkNameAvailability/read"}}},
	}
	for i := range types {
		if types[i].Name == Registry+"/webhooks" {
			types[i].Actions = map[string]provider.Action{"getcallbackconfig": {Do: callbackConfig}}
		}
	}
	return neighbour.Moves(types)
}

var (
	plain    = neighbour.Shape{{Path: "properties", Is: neighbour.Object, Need: true}}.Put(nil)
	dated    = neighbour.Shape{{Path: "properties", Is: neighbour.Object, Need: true}}.Put(putDated)
	regional = neighbour.Shape{{Path: "location", Is: neighbour.Text, Need: true, Fixed: true}}.Put(nil)
)

// putDated stamps a child with its birthday; what a client makes is user-defined.
func putDated(c *provider.Call) error {
	neighbour.Stable(c, "properties.creationDate", func() any { return c.Now.UTC().Format(time.RFC3339Nano) })
	if c.Type.Kind() == "scopeMaps" {
		c.Props()["type"] = "UserDefined"
	}
	return nil
}

var replicationShape = neighbour.Shape{
	{Path: "location", Is: neighbour.Text, Need: true, Fixed: true},
	{Path: "properties.regionEndpointEnabled", Is: neighbour.Bool},
	{Path: "properties.zoneRedundancy", Is: neighbour.Text, OneOf: []string{"Enabled", "Disabled"}, Fixed: true},
}

func putReplication(c *provider.Call) error {
	neighbour.Default(c, "properties.regionEndpointEnabled", true)
	neighbour.Default(c, "properties.zoneRedundancy", "Disabled")
	c.Props()["status"] = map[string]any{"displayStatus": "Ready", "timestamp": c.Now.UTC().Format(time.RFC3339Nano)}
	return nil
}

func child(kind string, name *regexp.Regexp, put func(*provider.Call) error) provider.Type {
	return provider.Type{Name: Registry + arm.Type("/"+kind), Pattern: name, Stateful: true, AsyncPut: true, AsyncDelete: true, Put: put}
}

func connections() provider.Type {
	t := neighbour.Connections(Registry)
	t.Created, t.AsyncPut, t.AsyncDelete = 201, true, true
	return t
}

func registry() provider.Type {
	return provider.Type{
		Name: Registry, Keys: keyring.Names, Versions: versions, Tracked: true, Stateful: true, Pattern: registryName, Unique: provider.Global,
		AsyncPut: true, AsyncDelete: true,
		Put: registryShape.Put(putRegistry), Get: neighbour.ShowConnections,
		Actions: map[string]provider.Action{
			"listcredentials": {Do: listCredentials},
			"regeneratecredential": {Writes: true, Do: neighbour.Shape{
				{Path: "name", Is: neighbour.Text, Need: true, OneOf: keyring.Names}}.Body(regenerateCredential)},
		},
		Reads: map[string]provider.Action{"privatelinkresources": {Do: neighbour.LinkResources}, "listusages": {Do: listUsages}},
	}
}

var registryShape = neighbour.Shape{
	{Path: "sku", Is: neighbour.Object, Need: true},
	{Path: "sku.name", Is: neighbour.Text, Need: true, OneOf: []string{"Classic", "Basic", "Standard", "Premium"}},
	{Path: "properties.adminUserEnabled", Is: neighbour.Bool},
	{Path: "properties.anonymousPullEnabled", Is: neighbour.Bool},
	{Path: "properties.dataEndpointEnabled", Is: neighbour.Bool},
	{Path: "properties.encryption", Is: neighbour.Object},
	{Path: "properties.networkRuleSet", Is: neighbour.Object},
	{Path: "properties.policies", Is: neighbour.Object},
	{Path: "properties.publicNetworkAccess", Is: neighbour.Text, OneOf: []string{"Enabled", "Disabled"}},
	{Path: "properties.networkRuleBypassOptions", Is: neighbour.Text, OneOf: []string{"AzureServices", "None"}},
	{Path: "properties.zoneRedundancy", Is: neighbour.Text, OneOf: []string{"Enabled", "Disabled"}, Fixed: true},
}

// keyring are the passwords of the admin user.
var keyring = neighbour.Keyring{Names: []string{"password", "password2"}, Bytes: 39}

// putRegistry completes a registry with what the service computes.
func putRegistry(c *provider.Call) error {
	keyring.Make(c)
	if err := neighbour.Identity(c); err != nil {
		return err
	}
	neighbour.Forget(c, "properties.privateEndpointConnections")
	c.Doc.Public["sku"].(map[string]any)["tier"] = tree.Text(c.Doc.Public, "sku.name")
	props := c.Props()
	props["loginServer"] = strings.ToLower(c.ID.Name()) + "." + neighbour.RegistrySuffix
	neighbour.Stable(c, "properties.creationDate", func() any { return c.Now.UTC().Format(time.RFC3339Nano) })
	for path, value := range map[string]any{
		"adminUserEnabled": false, "anonymousPullEnabled": false, "dataEndpointEnabled": false, "publicNetworkAccess": "Enabled",
		"networkRuleBypassOptions": "AzureServices", "zoneRedundancy": "Disabled", "encryption": map[string]any{"status": "disabled"},
		"policies": map[string]any{
			"quarantinePolicy": map[string]any{"status": "disabled"}, "trustPolicy": map[string]any{"type": "Notary", "status": "disabled"},
			"retentionPolicy": map[string]any{"days": 7, "status": "disabled"}, "exportPolicy": map[string]any{"status": "enabled"}},
	} {
		neighbour.Default(c, "properties."+path, value)
	}
	if strings.EqualFold(tree.Text(c.Doc.Public, "sku.name"), "Premium") {
		neighbour.Default(c, "properties.networkRuleSet", map[string]any{"defaultAction": "Allow", "ipRules": []any{}})
	}
	props["dataEndpointHostNames"] = []any{}
	if props["dataEndpointEnabled"] == true {
		props["dataEndpointHostNames"] = []any{strings.ToLower(c.ID.Name()) + "." + provider.Region(c.Location()) + ".data." + neighbour.RegistrySuffix}
	}
	return nil
}

// adminEnabled refuses credential operations while the admin user is off.
func adminEnabled(c *provider.Call) error {
	if tree.Flag(c.Doc.Public, "properties.adminUserEnabled") {
		return nil
	}
	return provider.Invalid("UnauthorizedForCredentialOperations", "Cannot perform credential operations for %s as admin user is disabled. Kindly enable admin user as per docs: "+
		"https://docs.microsoft.com/en-us/azure/container-registry/container-registry-authentication#admin-account", c.ID).At(c.ID.String())
}

func listCredentials(c *provider.Call) (any, error) {
	if err := adminEnabled(c); err != nil {
		return nil, err
	}
	passwords := []any{}
	for _, name := range keyring.Names {
		passwords = append(passwords, map[string]any{"name": name, "value": keyring.Value(c, name)})
	}
	return map[string]any{"username": c.ID.Name(), "passwords": passwords}, nil
}

func regenerateCredential(c *provider.Call) (any, error) {
	if err := adminEnabled(c); err != nil {
		return nil, err
	}
	if err := keyring.Renew(c, strings.ToLower(tree.Text(c.Body, "name"))); err != nil {
		return nil, err
	}
	return listCredentials(c)
}

// listUsages answers with limits; nothing is stored, so nothing is used.
func listUsages(c *provider.Call) (any, error) {
	webhooks, err := c.Read.Count(c.Ctx, c.Found.Node.ID, "webhooks")
	if err != nil {
		return nil, err
	}
	return map[string]any{"value": []any{
		map[string]any{"name": "Size", "limit": 107374182400, "currentValue": 0, "unit": "Bytes"},
		map[string]any{"name": "Webhooks", "limit": 100, "currentValue": webhooks, "unit": "Count"},
	}}, nil
}

var webhookShape = neighbour.Shape{
	{Path: "location", Is: neighbour.Text, Need: true, Fixed: true},
	{Path: "properties.actions", Is: neighbour.List},
	{Path: "properties.serviceUri", Is: neighbour.Text},
	{Path: "properties.customHeaders", Is: neighbour.Object},
}

// putWebhook keeps where a webhook calls out of sight: only getCallbackConfig tells.
func putWebhook(c *provider.Call) error {
	private, props := neighbour.Private(c), c.Props()
	for _, name := range []string{"serviceUri", "customHeaders"} {
		if value := props[name]; value != nil {
			private[name] = value
		}
		delete(props, name)
	}
	if private["serviceUri"] == nil {
		return provider.Invalid("MissingRequiredProperty", "The required property 'properties.serviceUri' is missing.").At("properties.serviceUri")
	}
	neighbour.Default(c, "properties.status", "enabled")
	return nil
}

func callbackConfig(c *provider.Call) (any, error) {
	answer := map[string]any{"serviceUri": c.Doc.Private["serviceUri"]}
	if headers := c.Doc.Private["customHeaders"]; headers != nil {
		answer["customHeaders"] = headers
	}
	return answer, nil
}

// checkName answers whether a registry name is free everywhere.
func checkName(c *provider.Call) (any, error) {
	name, err := neighbour.NamedInBody(c, Registry)
	if err != nil {
		return nil, err
	}
	if !registryName.MatchString(name) {
		return map[string]any{"nameAvailable": false, "reason": "Invalid", "message": "The specified resource name '" + name + "' is invalid."}, nil
	}
	taken, err := neighbour.Taken(c, Registry, name)
	if err != nil {
		return nil, err
	}
	if taken {
		return map[string]any{"nameAvailable": false, "reason": "AlreadyExists", "message": "The registry " + name + " is already in use."}, nil
	}
	return map[string]any{"nameAvailable": true}, nil
}
