package ml

import (
	"encoding/json"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// connectionSecrets are the secret members of the credentials of connections, whatever their type.
var connectionSecrets = []string{"key", "secretAccessKey", "accessKeyId", "sas", "pat", "password", "securityToken", "clientSecret", "refreshToken",
	"developerToken"}

func (b builder) connections() []provider.Type {
	secrets := []string{"properties.value", "properties.credentials.keys.*"}
	for _, name := range connectionSecrets {
		secrets = append(secrets, "properties.credentials."+name)
	}
	return []provider.Type{
		b.content("connections", "WorkspaceConnectionPropertiesV2BasicResource", provider.Type{
			Pattern: childName, Created: 200, Updated: 200, Secrets: secrets, Put: putConnection,
			Actions: map[string]provider.Action{
				"listsecrets":    {Do: connectionWithSecrets(secrets)},
				"testconnection": {Do: testConnection, Async: true, Writes: true},
			},
		}),
		b.content("capabilityHosts", "CapabilityHostResource", provider.Type{Pattern: childName, Stateful: true, AsyncPut: true, AsyncDelete: true, NoPatch: true}),
	}
}

// groups of connections by category; what is not named is of the service's general group.
var connectionGroups = map[string]string{"AzureOpenAI": "AzureAI", "CognitiveSearch": "AzureAI", "CognitiveService": "AzureAI", "AIServices": "AzureAI",
	"AzureBlob": "Azure", "AzureOneLake": "Azure", "ADLSGen2": "Azure", "ContainerRegistry": "Azure", "AzureSqlDb": "Azure", "CosmosDb": "Azure",
	"S3": "File", "Git": "GenericProtocol", "MongoDbAtlas": "NoSQL", "Snowflake": "Database"}

func putConnection(c *provider.Call) error {
	props := c.Props()
	if tree.Text(props, "category") == "" {
		return provider.Invalid("ValidationError", "the property 'properties.category' is required.").At("properties.category")
	}
	if before := tree.Text(c.OldProps(), "authType"); before != "" && before != props["authType"] {
		tree.Set(c.Doc.Private, "properties.credentials", nil) // the old secrets belong to the old way of signing in
	}
	setDefault(props, "isSharedToAll", false)
	setDefault(props, "sharedUserList", []any{})
	setDefault(props, "metadata", map[string]any{})
	group := connectionGroups[tree.Text(props, "category")]
	if group == "" {
		group = "ServicesAndApps"
	}
	props["group"] = group
	if c.Old == nil {
		props["createdByWorkspaceArmId"] = workspaceID(c).String()
	}
	return nil
}

// connectionWithSecrets answers with the whole connection, secrets included.
func connectionWithSecrets(secrets []string) func(*provider.Call) (any, error) {
	return func(c *provider.Call) (any, error) {
		public := tree.Clone(c.Doc.Public)
		for _, path := range []string{"properties.credentials", "properties.credentials.keys"} {
			if tree.Object(public, path) == nil && tree.Object(c.Doc.Private, path) != nil {
				tree.Set(public, path, map[string]any{})
			}
		}
		for _, path := range secrets {
			reveal(public, c.Doc.Private, path)
		}
		public["id"], public["name"], public["type"] = c.ID.String(), c.ID.Name(), string(c.Type.Name)
		return public, nil
	}
}

// testConnection answers that the connection's document is sound; this cloud has no outside to connect to.
func testConnection(c *provider.Call) (any, error) {
	return json.RawMessage(`{"status":"Succeeded"}`), nil
}
