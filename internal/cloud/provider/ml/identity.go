package ml

import (
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

const userIdentities arm.Type = "Microsoft.ManagedIdentity/userAssignedIdentities"

// settleIdentity gives a document's managed identity its principal ids. A system-assigned principal stays the same for as long as the identity is on.
// fallback is the type that the service chooses when the client says nothing; "" leaves the document without an identity.
func settleIdentity(c *provider.Call, fallback string) error {
	identity := tree.Object(c.Doc.Public, "identity")
	if identity == nil {
		switch {
		case c.Old != nil && tree.Object(c.Old.Public, "identity") != nil && !c.Patch:
			c.Doc.Public["identity"] = copyOf(c.Old.Public["identity"])
			return nil
		case fallback == "":
			delete(c.Doc.Public, "identity")
			return nil
		}
		identity = map[string]any{"type": fallback}
		c.Doc.Public["identity"] = identity
	}
	system, user, err := identityType(identity)
	if err != nil {
		return err
	}
	switch {
	case !system:
		delete(identity, "principalId")
		delete(identity, "tenantId")
	case tree.Text(identity, "principalId") == "":
		identity["principalId"], identity["tenantId"] = provider.NewGUID(), c.Tenant
	}
	if !user {
		return nil
	}
	return settleUserIdentities(c, tree.Object(identity, "userAssignedIdentities"))
}

// identityType reads and spells the type of an identity.
func identityType(identity map[string]any) (system, user bool, err error) {
	text, _ := identity["type"].(string)
	switch strings.ToLower(strings.ReplaceAll(text, " ", "")) {
	case "none":
		identity["type"] = "None"
	case "systemassigned":
		identity["type"], system = "SystemAssigned", true
	case "userassigned":
		identity["type"], user = "UserAssigned", true
	case "systemassigned,userassigned":
		identity["type"], system, user = "SystemAssigned,UserAssigned", true, true
	default:
		return false, false, provider.Invalid("InvalidIdentityValues",
			"the value '%s' of the property 'identity.type' is not one of None, SystemAssigned, UserAssigned, SystemAssigned,UserAssigned.", text).At("identity.type")
	}
	return system, user, nil
}

func settleUserIdentities(c *provider.Call, users map[string]any) error {
	if len(users) == 0 {
		return provider.Invalid("LinkedInvalidPropertyId",
			"the property 'identity.userAssignedIdentities' must name at least one identity when the type is UserAssigned.").At("identity.userAssignedIdentities")
	}
	for id, value := range users {
		if err := mustExist(c, "identity.userAssignedIdentities", id, userIdentities); err != nil {
			return err
		}
		entry, _ := value.(map[string]any)
		if entry == nil {
			entry = map[string]any{}
			users[id] = entry
		}
		_, doc, err := lookup(c, id, userIdentities)
		if err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
		for _, name := range []string{"principalId", "clientId"} {
			if known := tree.Text(doc.Public, "properties."+name); known != "" {
				entry[name] = known
			} else if tree.Text(entry, name) == "" {
				entry[name] = provider.NewGUID()
			}
		}
	}
	return nil
}
