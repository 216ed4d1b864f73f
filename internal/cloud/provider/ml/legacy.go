package ml

import (
	"fmt"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// legacy are resources of older and preview api-versions that a move must know of (S35, S38).
func (b builder) legacy() []provider.Type {
	services := b.content("services", "ServiceResource", provider.Type{Pattern: childName, Secrets: []string{"properties.keys"}, NoPatch: true, Put: putService})
	checked := services.Put
	services.Put = func(c *provider.Call) error {
		wrapService(c)
		return checked(c)
	}
	return []provider.Type{
		services,
		b.content("linkedServices", "LinkedServiceResource", provider.Type{Pattern: childName, NoPatch: true, Put: putLink}),
		b.content("linkedWorkspaces", "LinkedWorkspaceResource", provider.Type{Pattern: childName, NoPatch: true}),
	}
}

// wrapService puts the flat request of the v1 API into the form in which a service is read.
func wrapService(c *provider.Call) {
	if _, flat := c.Doc.Public["computeType"]; !flat {
		return
	}
	props := map[string]any{}
	for name, value := range c.Doc.Public {
		switch name {
		case "location", "sku", "tags", "systemData":
			continue
		}
		props[name] = value
		delete(c.Doc.Public, name)
	}
	c.Doc.Public["properties"] = props
}

// putService completes a web service of the v1 API.
func putService(c *provider.Call) error {
	props, now := c.Props(), c.Now.Format(time.RFC3339Nano)
	if c.Old == nil {
		props["deploymentType"], props["state"], props["createdTime"] = "HttpRealtimeEndpoint", "Healthy", now
		host := fmt.Sprintf("http://%s.%s.azurecontainer.io", strings.ToLower(c.ID.Name()), provider.Region(c.Location()))
		props["scoringUri"], props["swaggerUri"] = host+"/score", host+"/swagger.json"
	}
	props["updatedTime"] = now
	return nil
}

// putLink completes the link to a workspace of another service.
func putLink(c *provider.Call) error {
	props, now := c.Props(), c.Now.Format(time.RFC3339Nano)
	if c.Old == nil {
		props["createdTime"] = now
	}
	props["modifiedTime"] = now
	if tree.Object(c.Doc.Public, "identity") == nil {
		return nil
	}
	return settleIdentity(c, "")
}
