// Package storage is Microsoft.Storage: storage accounts with their keys, containers and file shares, as far as a workspace and its move meet
// them. There is no data plane. It stands on provider and neighbour.
package storage

import (
	"regexp"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
)

// Account is the type of storage accounts.
const Account arm.Type = "Microsoft.Storage/storageAccounts"

var versions = []string{"2025-08-01", "2025-06-01", "2025-01-01", "2024-01-01", "2023-05-01", "2023-04-01", "2023-01-01", "2022-09-01", "2022-05-01",
	"2021-09-01", "2021-08-01", "2021-06-01", "2021-04-01", "2021-02-01", "2021-01-01", "2019-06-01", "2019-04-01", "2018-11-01", "2018-07-01"}

var (
	accountName   = regexp.MustCompile(`^[a-z0-9]{3,24}$`)
	containerName = regexp.MustCompile(`^(\$root|\$web|\$logs|[a-z0-9](-?[a-z0-9]){2,62})$`)
	shareName     = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9]){2,62}$`)
	tableName     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{2,62}$`)
	only          = regexp.MustCompile(`(?i)^default$`)
)

// Types returns the entries of the namespace. Status codes are those of the 2023-05-01 description: an account is created with 202, everything
// below it at once.
func Types() []provider.Type {
	types := []provider.Type{
		account(),
		{Name: Account + "/managementPolicies", Pattern: only, Created: 200, Put: neighbour.Shape{{Path: "properties.policy", Is: neighbour.Object, Need: true}}.Put(modified)},
		{Name: Account + "/encryptionScopes", NoDelete: true, Put: plain},
		service("blobServices"), service("fileServices"), service("queueServices"), service("tableServices"),
		{Name: Account + "/blobServices/containers", Pattern: containerName, Put: containerShape.Put(putContainer)},
		{Name: Account + "/fileServices/shares", Pattern: shareName, Put: shareShape.Put(putShare)},
		{Name: Account + "/queueServices/queues", Pattern: shareName, Created: 200, Deleted: 204, Put: plain},
		{Name: Account + "/tableServices/tables", Pattern: tableName, Created: 200, Deleted: 204, Put: neighbour.Shape{}.Put(putTable)},
		neighbour.Connections(Account),
		{Name: "Microsoft.Storage/checkNameAvailability", Virtual: true, Actions: map[string]provider.Action{
			"": {Do: checkName, Permission: "Microsoft.Storage/checknameavailability/read"}}},
	}
	return neighbour.Moves(types)
}

var plain = neighbour.Shape{}.Put(nil)

// service is the one document "default" below an account that holds what the account offers; it comes and goes with the account.
func service(kind string) provider.Type {
	return provider.Type{Name: Account + arm.Type("/"+kind), Pattern: only, Created: 200, NoDelete: true, NoPatch: true, Put: serviceShape.Put(putService)}
}

func account() provider.Type {
	return provider.Type{
		Name: Account, Keys: keyring.Names, Versions: versions, Tracked: true, Stateful: true, Pattern: accountName, Unique: provider.Global,
		Created: 202, AsyncPut: true,
		Put: accountShape.Put(putAccount),
		Get: neighbour.ShowConnections,
		Actions: map[string]provider.Action{
			"listkeys":      {Do: listKeys},
			"regeneratekey": {Do: neighbour.Shape{{Path: "keyName", Is: neighbour.Text, Need: true}}.Body(regenerateKey), Writes: true},
		},
		Reads: map[string]provider.Action{"privatelinkresources": {Do: neighbour.LinkResources}},
	}
}
