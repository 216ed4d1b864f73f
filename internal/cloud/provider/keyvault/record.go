package keyvault

import (
	"strings"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// show writes a record as a client sees it.
func (r record) show() map[string]any {
	id := tree.Found{Chain: r.found.Chain[:1]}.ID().String() + "/providers/Microsoft.KeyVault/locations/" +
		provider.Region(r.text("properties.location")) + "/deletedVaults/" + r.found.Node.Name
	return map[string]any{"id": id, "name": r.found.Node.Name, "type": recordType, "properties": tree.Object(r.doc.Public, "properties")}
}

// in reports whether the record lies in the location that a path names; a path without one names all.
func (r record) in(c *provider.Call) bool {
	if len(c.ID) < 2 || !strings.EqualFold(c.ID[1].Type, "locations") {
		return true
	}
	return provider.Region(c.ID[1].Name) == provider.Region(r.text("properties.location"))
}

// listDeleted answers with the deleted vaults of a subscription, or of one of its locations.
func listDeleted(c *provider.Call) (any, error) {
	value := []any{}
	subscription := c.Found.Chain[0]
	for r := (store.Range{Type: recordType, Limit: 500}); ; {
		page, err := c.Read.Children(c.Ctx, subscription.ID, r)
		if err != nil {
			return nil, err
		}
		for _, node := range page {
			rec, err := readRecord(c, subscription, node)
			if err != nil {
				return nil, err
			}
			if !rec.over(c.Now) && rec.in(c) {
				value = append(value, rec.show())
			}
		}
		if len(page) < r.Limit {
			return map[string]any{"value": value}, nil
		}
		r.AfterType, r.AfterName = page[len(page)-1].Type, page[len(page)-1].Name
	}
}

// noDeletedHSMs lists the deleted managed HSMs: nobody can make one here. az asks for both kinds at once.
func noDeletedHSMs(*provider.Call) (any, error) { return map[string]any{"value": []any{}}, nil }

// ofPath finds the record that a path below a location names, in the subscription of the path.
func ofPath(c *provider.Call) (record, error) {
	name := c.ID.Name()
	r, err := findDeleted(c, name)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return r, err
	}
	if err != nil || r.found.Chain[0].ID != c.Found.Chain[0].ID || !r.in(c) {
		return r, deletedMissing(name)
	}
	return r, nil
}

// showDeleted answers with one deleted vault.
func showDeleted(c *provider.Call) (any, error) {
	r, err := ofPath(c)
	if err != nil {
		return nil, err
	}
	return r.show(), nil
}

// purge ends a deleted vault for good: its name is free at once.
func purge(c *provider.Call) (any, error) {
	r, err := ofPath(c)
	if err != nil {
		return nil, err
	}
	if r.protected() {
		return nil, provider.Conflict("MethodNotAllowed", "Operation 'DeletedVaultPurge' is not allowed: purge protection is enabled for the vault '%s' until %s.",
			c.ID.Name(), r.text("properties.scheduledPurgeDate")).At(c.ID.String())
	}
	return nil, release(c, r)
}

// checkName answers whether a vault name is free everywhere.
func checkName(c *provider.Call) (any, error) {
	name, err := neighbour.NamedInBody(c, Vault)
	if err != nil {
		return nil, err
	}
	if !vaultName.MatchString(name) {
		return map[string]any{"nameAvailable": false, "reason": "AccountNameInvalid", "message": "The vault name '" + name + "' is invalid. A vault's name must be between 3-24 " +
			"alphanumeric characters. The name must begin with a letter, end with a letter or digit, and not contain consecutive hyphens."}, nil
	}
	if _, err := findDeleted(c, name); err == nil {
		return map[string]any{"nameAvailable": false, "reason": "AlreadyExists",
			"message": "The vault name '" + name + "' is in use by a vault in deleted state. Vault names are globally unique."}, nil
	} else if !errs.Is(err, errs.NotFound) {
		return nil, err
	}
	taken, err := neighbour.Taken(c, Vault, name)
	if err != nil {
		return nil, err
	}
	if taken {
		return map[string]any{"nameAvailable": false, "reason": "AlreadyExists", "message": "The vault name '" + name + "' is already in use. Vault names are globally unique."}, nil
	}
	return map[string]any{"nameAvailable": true}, nil
}
