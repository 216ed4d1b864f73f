// Package identityresource is Microsoft.ManagedIdentity: user-assigned identities and their federated credentials. An identity cannot be
// moved (arm-move 4.2); who moves a workspace makes new ones. It stands on provider and neighbour and knows no tokens (cloud/identity).
package identityresource

import (
	"regexp"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
)

// Identity is the type of user-assigned identities.
const Identity arm.Type = "Microsoft.ManagedIdentity/userAssignedIdentities"

var versions = []string{"2024-11-30", "2023-01-31", "2018-11-30", "2025-01-31-preview", "2022-01-31-preview", "2021-09-30-preview", "2015-08-31-preview"}

// Types returns the entries of the namespace.
func Types() []provider.Type {
	return neighbour.Moves([]provider.Type{
		{Name: Identity, Versions: versions, Tracked: true, Pattern: regexp.MustCompile(`^[A-Za-z0-9_-]{3,128}$`), Put: neighbour.Shape{}.Put(putIdentity)},
		{Name: Identity + "/federatedIdentityCredentials", Pattern: regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{2,119}$`), NoPatch: true, Put: credentialShape.Put(nil)},
	})
}

var credentialShape = neighbour.Shape{
	{Path: "properties.issuer", Is: neighbour.Text, Need: true},
	{Path: "properties.subject", Is: neighbour.Text, Need: true},
	{Path: "properties.audiences", Is: neighbour.List, Need: true},
	{Path: "properties.audiences.*", Is: neighbour.Text},
}

// putIdentity gives an identity its principal; it keeps it as long as it exists.
func putIdentity(c *provider.Call) error {
	neighbour.Stable(c, "properties.principalId", func() any { return provider.NewGUID() })
	neighbour.Stable(c, "properties.clientId", func() any { return provider.NewGUID() })
	neighbour.Stable(c, "properties.tenantId", func() any { return c.Tenant })
	return nil
}
