package ml

import (
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// initialKeys keeps the keys that a new endpoint was given, or makes some: a client can so bring the old keys along (aml-contract 8).
func initialKeys(c *provider.Call, props map[string]any) {
	given := tree.Object(props, "keys")
	delete(props, "keys")
	if c.Old != nil {
		return // keys change by regenerateKeys only
	}
	keys := object("primaryKey", provider.NewKey(24), "secondaryKey", provider.NewKey(24))
	for name := range keys {
		if text := tree.Text(given, name); text != "" {
			keys[name] = text
		}
	}
	c.Doc.Private["keys"] = keys
}

// hideKeys shows what Azure always shows in place of the keys.
func hideKeys(c *provider.Call) error {
	c.Props()["keys"] = nil
	return nil
}

// listEndpointKeys answers with the keys of an endpoint that uses keys.
func listEndpointKeys(c *provider.Call) (any, error) {
	if mode := tree.Text(c.Props(), "authMode"); mode != "Key" {
		return nil, provider.Invalid("BadArgument", "the endpoint '%s' has the authentication mode '%s' and no keys.", c.ID.Name(), mode).At("properties.authMode")
	}
	return keptKeys(c, "keys", "primaryKey", "secondaryKey"), nil
}

// keptKeys are two keys of the private part; a document that was imported without its secrets has none.
func keptKeys(c *provider.Call, member, first, second string) map[string]any {
	keys := tree.Object(c.Doc.Private, member)
	return object(first, keys[first], second, keys[second])
}

// regenerateKeys replaces one key, by a given value or a fresh one.
func (b builder) regenerateKeys(c *provider.Call) (any, error) {
	body, err := judged(b.shapes.get("RegenerateEndpointKeysRequest"), c)
	if err != nil {
		return nil, err
	}
	if _, err := listEndpointKeys(c); err != nil {
		return nil, err
	}
	value := tree.Text(body, "keyValue")
	if value == "" {
		value = provider.NewKey(24)
	}
	tree.Set(c.Doc.Private, "keys."+strings.ToLower(body["keyType"].(string))+"Key", value)
	c.Changed = true
	if c.Type.Kind() == "serverlessEndpoints" {
		return listEndpointKeys(c)
	}
	return nil, nil // of the others the answer has no body
}

// endpointToken answers with a token for an endpoint that uses tokens.
func endpointToken(c *provider.Call) (any, error) {
	if mode := tree.Text(c.Props(), "authMode"); mode == "Key" {
		return nil, provider.Invalid("BadArgument", "the endpoint '%s' has the authentication mode 'Key' and no tokens.", c.ID.Name()).At("properties.authMode")
	}
	return object("accessToken", provider.NewKey(48), "tokenType", "Bearer", "expiryTimeUtc", c.Now.Add(8*time.Hour).Unix(),
		"refreshAfterTimeUtc", c.Now.Add(4*time.Hour).Unix()), nil
}
