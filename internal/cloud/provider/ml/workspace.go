package ml

import (
	"fmt"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// workspaces is the entry of the workspace itself.
func (b builder) workspaces() []provider.Type {
	return []provider.Type{{
		Name: aml.Workspaces, Versions: versions, Tracked: true, MoveGroup: true, MoveSubscription: true, Pattern: aml.WorkspaceName,
		Refs: arm.NewPaths(aml.OwnedWorkspacePaths()...), Stateful: true,
		Created: 202, Updated: 200, AsyncPut: true, AsyncPatch: true, AsyncDelete: true, // never 201 (client-wire 10)
		Put: guard(b.shapes.get("Workspace"), nil, putWorkspace), Get: getWorkspace, Delete: deleteWorkspace, Missing: purgeWorkspace, Gone: goneWorkspace,
		Listed:  listedBy("workspaces"),
		Settle:  settleWorkspace,
		Actions: b.workspaceActions(),
		Reads:   workspaceReads(),
	}}
}

// putWorkspace judges and completes a workspace.
func putWorkspace(c *provider.Call) error {
	props := c.Props()
	setDefault(c.Doc.Public, "kind", aml.KindDefault)
	if c.Old == nil {
		if err := refuseSoftDeleted(c); err != nil {
			return err
		}
	} else if err := keepWorkspace(c, props); err != nil {
		return err
	}
	if err := checkDependencies(c, props); err != nil {
		return err
	}
	if err := settleIdentity(c, "SystemAssigned"); err != nil {
		return err
	}
	if tree.Text(c.Doc.Public, "identity.type") == "UserAssigned" && tree.Text(props, "primaryUserAssignedIdentity") == "" {
		return provider.Invalid("ValidationError",
			"the property 'properties.primaryUserAssignedIdentity' is required when the workspace has a user-assigned identity only.").
			At("properties.primaryUserAssignedIdentity")
	}
	workspaceDefaults(c, props)
	if err := settleEncryption(c, props); err != nil {
		return err
	}
	if c.Old == nil {
		if err := newWorkspace(c, props); err != nil {
			return err
		}
	}
	return settleManagedNetwork(c, props)
}

// keepWorkspace keeps what cannot be changed after creation.
func keepWorkspace(c *provider.Call, props map[string]any) error {
	old := c.OldProps()
	for _, name := range []string{"storageAccount", "keyVault", "hbiWorkspace", "hubResourceId"} {
		before, now := old[name], props[name]
		if now == nil && before != nil {
			props[name] = before
			continue
		}
		a, aText := before.(string)
		b, bText := now.(string)
		if aText && bText && strings.EqualFold(a, b) || same(before, now) || before == nil && name == "hbiWorkspace" {
			continue
		}
		return provider.Invalid("ValidationError", "the property 'properties.%s' cannot be changed once the workspace has been created.", name).
			At("properties." + name)
	}
	if before := tree.Text(c.Old.Public, "kind"); before != "" && !strings.EqualFold(before, tree.Text(c.Doc.Public, "kind")) {
		return provider.Invalid("ValidationError", "the kind of the workspace is '%s' and cannot be changed to '%s'.", before, c.Doc.Public["kind"]).At("kind")
	}
	for _, name := range []string{"applicationInsights", "containerRegistry", "encryption"} {
		if _, said := props[name]; !said && !c.Patch && old[name] != nil {
			props[name] = copyOf(old[name])
		}
	}
	return nil
}

// checkDependencies refuses a workspace whose associated resources are missing or not there.
func checkDependencies(c *provider.Call, props map[string]any) error {
	kind := tree.Text(c.Doc.Public, "kind")
	if kind == aml.KindProject {
		return joinHub(c, props)
	}
	for _, d := range aml.Dependencies() {
		name := strings.TrimPrefix(d.Property, "properties.")
		id, _ := props[name].(string)
		if id == "" {
			if d.Fixed {
				return provider.Invalid("ValidationError", "Missing dependent resources in workspace json: the property '%s' is required.", d.Property).At(d.Property)
			}
			continue
		}
		if c.Old != nil && strings.EqualFold(id, tree.Text(c.Old.Public, d.Property)) {
			continue // it was there once; a workspace can be updated while its dependency is gone
		}
		if err := mustExist(c, d.Property, id, d.Type); err != nil {
			return err
		}
	}
	return nil
}

// workspaceDefaults fills what the service fills.
func workspaceDefaults(c *provider.Call, props map[string]any) {
	setDefault(c.Doc.Public, "sku", map[string]any{"name": "Basic", "tier": "Basic"})
	setDefault(c.Doc.Public, "tags", map[string]any{})
	setDefault(props, "friendlyName", c.ID.Name())
	setDefault(props, "description", "")
	for _, name := range []string{"hbiWorkspace", "v1LegacyMode", "allowPublicAccessWhenBehindVnet", "enableDataIsolation",
		"enableServiceSideCMKEncryption"} {
		setDefault(props, name, false)
	}
	setDefault(props, "publicNetworkAccess", "Enabled")
	setDefault(props, "systemDatastoresAuthMode", "AccessKey")
}

// settleEncryption accepts a customer-managed key (S33 is the move's business) and makes its managed group.
func settleEncryption(c *provider.Call, props map[string]any) error {
	encryption := tree.Object(props, "encryption")
	serviceSide := tree.Flag(props, "enableServiceSideCMKEncryption")
	if c.Old != nil && tree.Text(c.Old.Public, "properties.encryption.status") == "Enabled" && tree.Text(encryption, "status") != "Enabled" {
		return provider.Invalid("ValidationError", "encryption with a customer-managed key cannot be turned off once the workspace has been created.").
			At("properties.encryption.status")
	}
	if tree.Text(encryption, "status") != "Enabled" {
		return nil
	}
	if c.Old != nil && tree.Text(c.Old.Public, "properties.encryption.status") != "Enabled" {
		return provider.Invalid("ValidationError", "encryption with a customer-managed key must be chosen when the workspace is created.").
			At("properties.encryption.status")
	}
	if vault := tree.Text(encryption, "keyVaultProperties.keyVaultArmId"); c.Old == nil {
		if err := mustExist(c, "properties.encryption.keyVaultProperties.keyVaultArmId", vault, "Microsoft.KeyVault/vaults"); err != nil {
			return err
		}
	}
	if !serviceSide {
		setDefault(props, "serviceProvisionedResourceGroup", fmt.Sprintf("azureml-rg-%s_%s", c.ID.Name(), provider.NewGUID()))
	}
	return nil
}

// newWorkspace makes what comes into being with a workspace and stays with it wherever it moves.
func newWorkspace(c *provider.Call, props map[string]any) error {
	guid, region := provider.NewGUID(), provider.Region(c.Location())
	props["workspaceId"], props["tenantId"] = guid, c.Tenant
	props["creationTime"] = c.Now.Format(time.RFC3339Nano)
	props["discoveryUrl"] = fmt.Sprintf("https://%s.api.azureml.ms/discovery", region)
	props["mlFlowTrackingUri"] = fmt.Sprintf("azureml://%s.api.azureml.ms/mlflow/v1.0%s", region, c.ID)
	props["notebookInfo"] = object("resourceId", strings.ReplaceAll(provider.NewGUID(), "-", ""), "notebookPreparationError", nil,
		"fqdn", fmt.Sprintf("ml-%s-%s-%s.%s.notebooks.azure.net", strings.ToLower(c.ID.Name()), region, guid, region), "isPrivateLinkEnabled", false)
	props["storageHnsEnabled"] = false
	if _, account, err := lookup(c, tree.Text(props, "storageAccount"), "Microsoft.Storage/storageAccounts"); err == nil {
		props["storageHnsEnabled"] = tree.Flag(account.Public, "properties.isHnsEnabled")
	}
	c.Doc.Private["notebookKeys"] = object("primaryAccessKey", provider.NewKey(32), "secondaryAccessKey", provider.NewKey(32))
	return spawnDatastores(c, guid)
}

// settleWorkspace ends what takes time on a workspace.
func settleWorkspace(c *provider.Call, cause string) error {
	switch cause {
	case "put", "patch":
		succeed(c)
	case "provisionmanagednetwork":
		return activateNetwork(c)
	}
	return nil
}

// getWorkspace adds what the service computes when it is asked.
func getWorkspace(c *provider.Call) error {
	props := c.Props()
	connections, err := inlineConnections(c)
	if err != nil {
		return err
	}
	props["privateEndpointConnections"], props["privateLinkCount"] = connections, len(connections)
	setDefault(props, "sharedPrivateLinkResources", []any{})
	network := tree.Object(props, "managedNetwork")
	if network == nil || network["isolationMode"] == "Disabled" {
		return nil
	}
	network["outboundRules"], err = inlineRules(c)
	return err
}

// joinHub gives a project what its hub has, and writes the project into the hub's document: as words, which a move of either breaks.
func joinHub(c *provider.Call, props map[string]any) error {
	text, _ := props["hubResourceId"].(string)
	if text == "" {
		return provider.Invalid("ValidationError", "the property 'properties.hubResourceId' is required for a workspace of kind Project.").At("properties.hubResourceId")
	}
	if c.Old != nil {
		return nil
	}
	if err := mustExist(c, "properties.hubResourceId", text, aml.Workspaces); err != nil {
		return err
	}
	hub, doc, err := lookup(c, text, aml.Workspaces)
	if err != nil {
		return err
	}
	if err := provider.NotDeleting(hub.Chain); err != nil {
		return err
	}
	if kind := tree.Text(doc.Public, "kind"); !strings.EqualFold(kind, aml.KindHub) {
		return provider.Invalid("ValidationError", "the workspace '%s' is of kind '%s': a project needs a hub.", text, kind).At("properties.hubResourceId")
	}
	if provider.Region(tree.Text(doc.Public, "location")) != provider.Region(c.Location()) {
		return provider.Invalid("ValidationError", "the project must be in the region '%s' of its hub.", doc.Public["location"]).At("location")
	}
	for _, d := range aml.Dependencies() {
		if value := tree.Get(doc.Public, d.Property); value != nil {
			tree.Set(c.Doc.Public, d.Property, value)
		}
	}
	tree.Set(doc.Public, "properties.associatedWorkspaces", append(projectsBut(doc, c.ID), c.ID.String()))
	return c.SaveOther(hub, doc)
}

// leaveHub takes a project out of its hub's document.
func leaveHub(c *provider.Call) error {
	text := tree.Text(c.Doc.Public, "properties.hubResourceId")
	if text == "" {
		return nil
	}
	hub, doc, err := lookup(c, text, aml.Workspaces)
	if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Invalid) {
		return nil // the hub is gone
	}
	if err != nil {
		return err
	}
	tree.Set(doc.Public, "properties.associatedWorkspaces", projectsBut(doc, c.ID))
	return c.SaveOther(hub, doc)
}

// projectsBut are the projects that a hub's document names, without one.
func projectsBut(hub tree.Document, project arm.ID) []any {
	known, _ := tree.Get(hub.Public, "properties.associatedWorkspaces").([]any)
	others := []any{}
	for _, item := range known {
		text, _ := item.(string)
		if id, err := arm.Parse(text); err != nil || !id.Equal(project) {
			others = append(others, item)
		}
	}
	return others
}

// liveProjects returns the projects that a hub knows of and that are still there. A workspace that only has the name of one is none.
func liveProjects(c *provider.Call) ([]string, error) {
	known, _ := tree.Get(c.Doc.Public, "properties.associatedWorkspaces").([]any)
	var live []string
	for _, item := range known {
		text, _ := item.(string)
		_, project, err := lookup(c, text, aml.Workspaces)
		if errs.Is(err, errs.NotFound) || errs.Is(err, errs.Invalid) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if hub, err := arm.Parse(tree.Text(project.Public, "properties.hubResourceId")); err == nil && hub.Equal(c.ID) {
			live = append(live, text)
		}
	}
	return live, nil
}

// workspaceOf returns the workspace that a call's resource is in.
func workspaceOf(c *provider.Call) (tree.Found, tree.Document, error) { return c.Ancestor(rootDepth) }

// rootDepth is where the top-level resource stands in a chain: behind subscription and group.
const rootDepth = 2

// workspaceID is the id of the workspace that an id is at or below.
func workspaceID(c *provider.Call) arm.ID { return c.ID.Root() }
