package ml

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// lookup reads the resource that a property names: NotFound if nothing of the wanted type stands there.
func lookup(c *provider.Call, text string, want arm.Type) (tree.Found, tree.Document, error) {
	id, err := arm.Parse(text)
	if err != nil {
		return tree.Found{}, tree.Document{}, err
	}
	if !id.Type().Is(want) {
		return tree.Found{}, tree.Document{}, errs.New(errs.Invalid, "ValidationError", "'%s' is a resource of type '%s', not '%s'.", text, id.Type(), want)
	}
	return c.Lookup(id)
}

// mustExist refuses a property that names a resource which is not there. Types that this cloud does not have cannot be checked.
func mustExist(c *provider.Call, property, text string, want arm.Type) error {
	id, err := arm.Parse(text)
	if err == nil && c.Linked != nil {
		if err := c.Linked(id); err != nil {
			return err
		}
	}
	if _, known := c.Types.Find(want); known != nil {
		if err != nil {
			return provider.Invalid("ValidationError", "the property '%s' must be a resource id, not '%s'.", property, text).At(property)
		}
		return nil
	}
	_, _, err = lookup(c, text, want)
	switch {
	case err == nil:
		return nil
	case errs.Is(err, errs.NotFound):
		return provider.Invalid("ValidationError", "Missing dependent resources in workspace json: the resource '%s' of the property '%s' was not found.",
			text, property).At(property)
	case errs.Is(err, errs.Invalid):
		return provider.Invalid("ValidationError", "the property '%s' must be the id of a resource of type '%s', not '%s'.", property, want, text).At(property)
	}
	return err
}

// invoke runs a reading action of another resource, as the service does with the rights it has there, and returns its answer as JSON.
func invoke(c *provider.Call, found tree.Found, doc tree.Document, action string) (map[string]any, error) {
	id := found.ID()
	entry, err := c.Types.Find(id.Type())
	if err != nil {
		return nil, err
	}
	verb, ok := entry.Actions[strings.ToLower(action)]
	if !ok || verb.Writes || verb.Async {
		return nil, errs.New(errs.Unsupported, "NotImplemented", "%s has no action '%s' to read with", id.Type(), action)
	}
	other := *c
	other.ID, other.Type, other.Found, other.Doc, other.Old, other.Tx, other.Body = id, entry, found, doc, &doc, nil, nil
	answer, err := verb.Do(&other)
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", action, id, err)
	}
	data, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", action, id, err)
	}
	return tree.ParseObject(data)
}

// storageKey is the first key of a storage account, or nil when it cannot be had: the workspace then answers null.
func storageKey(c *provider.Call, account string) any {
	found, doc, err := lookup(c, account, "Microsoft.Storage/storageAccounts")
	if err != nil {
		return nil
	}
	answer, err := invoke(c, found, doc, "listKeys")
	if err != nil {
		return nil
	}
	keys, _ := answer["keys"].([]any)
	for _, key := range keys {
		if object, ok := key.(map[string]any); ok {
			return object["value"]
		}
	}
	return nil
}

// registryCredentials are the admin user's of a container registry, or nil when it has none.
func registryCredentials(c *provider.Call, registry string) any {
	found, doc, err := lookup(c, registry, "Microsoft.ContainerRegistry/registries")
	if err != nil {
		return nil
	}
	answer, err := invoke(c, found, doc, "listCredentials")
	if err != nil {
		return nil
	}
	return object("location", doc.Public["location"], "username", answer["username"], "passwords", answer["passwords"])
}

// instrumentationKey is the key of an Application Insights component, or nil.
func instrumentationKey(c *provider.Call, component string) any {
	_, doc, err := lookup(c, component, "Microsoft.Insights/components")
	if err != nil {
		return nil
	}
	if key := tree.Text(doc.Public, "properties.InstrumentationKey"); key != "" {
		return key
	}
	return nil
}
