// Package keyvault is Microsoft.KeyVault: vaults, what remains of a deleted vault, and secrets and keys as the management plane sees them.
// There is no data plane. It stands on provider and neighbour.
package keyvault

import (
	"regexp"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
)

// Vault is the type of vaults.
const Vault arm.Type = "Microsoft.KeyVault/vaults"

var versions = []string{"2026-02-01", "2025-05-01", "2024-11-01", "2023-07-01", "2023-02-01", "2022-11-01", "2022-07-01", "2021-10-01", "2019-09-01",
	"2018-02-14", "2016-10-01", "2015-06-01"}

var (
	vaultName  = regexp.MustCompile(`^[A-Za-z](-?[A-Za-z0-9]){2,23}$`)
	objectName = regexp.MustCompile(`^[0-9A-Za-z-]{1,127}$`)
)

// Types returns the entries of the namespace.
func Types() []provider.Type {
	deleted := map[string]provider.Action{"": {Do: showDeleted, Permission: "Microsoft.KeyVault/locations/deletedVaults/read"}}
	types := []provider.Type{
		{
			Name: Vault, Versions: versions, Tracked: true, Stateful: true, Pattern: vaultName, Unique: provider.Global,
			Put: putVault, Get: neighbour.ShowConnections, Gone: keepDeleted,
			Reads: map[string]provider.Action{"privatelinkresources": {Do: neighbour.LinkResources}},
		},
		neighbour.Connections(Vault),
		{Name: Vault + "/secrets", Pattern: objectName, NoDelete: true, Secrets: []string{"properties.value"}, Put: secretShape.Put(putSecret)},
		{Name: Vault + "/keys", Pattern: objectName, NoDelete: true, NoPatch: true, Created: 200, Put: keyShape.Put(putKey)},
		{Name: "Microsoft.KeyVault/checkNameAvailability", Virtual: true, Actions: map[string]provider.Action{
			"": {Do: checkName, Permission: "Microsoft.KeyVault/checkNameAvailability/read"}}},
		{Name: "Microsoft.KeyVault/deletedVaults", Virtual: true, Versions: versions, Reads: map[string]provider.Action{
			"": {Do: listDeleted, Permission: "Microsoft.KeyVault/deletedVaults/read"}}},
		{Name: "Microsoft.KeyVault/deletedManagedHSMs", Virtual: true, Versions: versions, Reads: map[string]provider.Action{
			"": {Do: noDeletedHSMs, Permission: "Microsoft.KeyVault/deletedManagedHSMs/read"}}},
		{Name: "Microsoft.KeyVault/locations", Virtual: true, Versions: versions, Reads: map[string]provider.Action{
			"deletedvaults": {Do: listDeleted, Permission: "Microsoft.KeyVault/locations/deletedVaults/read"}}},
		{Name: "Microsoft.KeyVault/locations/deletedVaults", Virtual: true, Versions: versions, Reads: deleted, Actions: map[string]provider.Action{
			"purge": {Do: purge, Writes: true, Code: 200}}},
	}
	return neighbour.Moves(types)
}
