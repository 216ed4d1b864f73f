package ml

import (
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// datastoreSecrets names the secret member that goes with each type of credentials.
var datastoreSecrets = map[string]string{"AccountKey": "key", "Sas": "sasToken", "ServicePrincipal": "clientSecret", "Certificate": "certificate"}

// SecretOf is the secret member of a datastore's credentials, by their type; empty when they have none.
func SecretOf(credentialsType string) string { return datastoreSecrets[credentialsType] }

func (b builder) datastores() []provider.Type {
	return []provider.Type{b.content("datastores", "DatastoreResource", provider.Type{
		Pattern: assetName, NoPatch: true, Put: putDatastore, Get: getDatastore, Delete: deleteDatastore,
		Secrets: []string{"properties.credentials.secrets.key", "properties.credentials.secrets.sasToken",
			"properties.credentials.secrets.clientSecret", "properties.credentials.secrets.certificate"},
		Actions: map[string]provider.Action{"listsecrets": {Do: listDatastoreSecrets}},
	})}
}

// putDatastore registers a datastore or changes it in place: Studio's "update authentication" is a PUT over the same name (S46).
func putDatastore(c *provider.Call) error {
	props := c.Props()
	system := aml.IsSystemDatastore(c.ID.Name())
	switch before := tree.Text(c.OldProps(), "datastoreType"); {
	case c.Old == nil && system:
		return provider.Conflict("UserError", "The datastore name '%s' is reserved for the service.", c.ID.Name()).At(c.ID.String())
	case before != "" && before != props["datastoreType"]:
		return provider.Invalid("UserError", "the type of the datastore '%s' is '%s' and cannot be changed to '%s': unregister it first.",
			c.ID.Name(), before, props["datastoreType"]).At("properties.datastoreType")
	}
	if err := checkDatastoreSecret(c, props); err != nil {
		return err
	}
	if c.Old == nil {
		props["isDefault"] = false
	}
	setDefault(props, "tags", map[string]any{})
	setDefault(props, "properties", map[string]any{})
	if t := props["datastoreType"]; t != "OneLake" && t != "AzureDataLakeGen1" {
		setDefault(props, "endpoint", "core.windows.net")
		setDefault(props, "protocol", "https")
	}
	setDefault(props, "serviceDataAccessAuthIdentity", "None")
	return nil
}

// checkDatastoreSecret demands the secret of the credentials, given now or kept from before.
func checkDatastoreSecret(c *provider.Call, props map[string]any) error {
	kind := tree.Text(props, "credentials.credentialsType")
	member := datastoreSecrets[kind]
	if member == "" {
		return nil
	}
	path := "properties.credentials.secrets." + member
	if secretType := tree.Text(props, "credentials.secrets.secretsType"); secretType != kind {
		return provider.Invalid("ValidationError", "secrets of type '%s' do not go with credentials of type '%s'.", secretType, kind).
			At("properties.credentials.secrets.secretsType")
	}
	given, _ := tree.Get(c.Doc.Public, path).(string)
	if given == "" && kept(c.Doc, path) == nil {
		return provider.Invalid("ValidationError", "the property '%s' is required.", path).At(path)
	}
	return nil
}

// getDatastore gives the system datastores the account of the workspace as it is now. All others show what was registered, however old (S32, S45).
func getDatastore(c *provider.Call) error {
	if !aml.IsSystemDatastore(c.ID.Name()) {
		return nil
	}
	account, err := workspaceAccount(c)
	if err != nil {
		return notFoundAsNone(err)
	}
	props := c.Props()
	props["accountName"], props["resourceGroup"], props["subscriptionId"] = account.Name(), account.Group(), account.Subscription()
	return nil
}

// workspaceAccount is the id of the storage account of the workspace as it is now. NotFound if it has none.
func workspaceAccount(c *provider.Call) (arm.ID, error) {
	_, workspace, err := workspaceOf(c)
	if err != nil {
		return nil, err
	}
	text := tree.Text(workspace.Public, "properties.storageAccount")
	account, err := arm.Parse(text)
	if err != nil {
		return nil, errs.New(errs.NotFound, "ResourceNotFound", "the workspace '%s' has no storage account", workspaceID(c))
	}
	return account, nil
}

func deleteDatastore(c *provider.Call) error {
	if aml.IsSystemDatastore(c.ID.Name()) {
		return provider.Conflict("UserError", "The datastore '%s' belongs to the service and cannot be deleted.", c.ID.Name()).At(c.ID.String())
	}
	return nil
}

// listDatastoreSecrets answers with what a GET never shows (D10).
func listDatastoreSecrets(c *provider.Call) (any, error) {
	kind := tree.Text(c.Doc.Public, "properties.credentials.credentialsType")
	member := datastoreSecrets[kind]
	if member == "" {
		return nil, provider.Invalid("UserError", "The datastore '%s' has credentials of type '%s', which hold no secrets.", c.ID.Name(), kind)
	}
	if aml.IsSystemDatastore(c.ID.Name()) {
		account, err := workspaceAccount(c)
		if err != nil {
			return nil, err
		}
		return object("secretsType", kind, "key", storageKey(c, account.String())), nil
	}
	return object("secretsType", kind, member, kept(c.Doc, "properties.credentials.secrets."+member)), nil
}

// spawnDatastores makes the datastores that come with every workspace.
func spawnDatastores(c *provider.Call, workspaceGUID string) error {
	for i, name := range aml.SystemDatastores() {
		props := object("isDefault", i == 0, "description", nil, "tags", map[string]any{}, "properties", map[string]any{},
			"credentials", object("credentialsType", "AccountKey", "secrets", object("secretsType", "AccountKey")), "endpoint", "core.windows.net",
			"protocol", "https", "serviceDataAccessAuthIdentity", "None")
		switch strings.TrimPrefix(name, "workspace") {
		case "blobstore":
			props["datastoreType"], props["containerName"] = "AzureBlob", "azureml-blobstore-"+workspaceGUID
		case "filestore":
			props["datastoreType"], props["fileShareName"] = "AzureFile", "azureml-filestore-"+workspaceGUID
		case "workingdirectory":
			props["datastoreType"], props["fileShareName"] = "AzureFile", "code-"+workspaceGUID
		case "artifactstore":
			props["datastoreType"], props["containerName"] = "AzureBlob", "azureml"
		}
		if err := c.Spawn("datastores", name, spawned(props)); err != nil {
			return err
		}
	}
	return nil
}
