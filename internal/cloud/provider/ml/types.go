// Package ml is the provider Microsoft.MachineLearningServices of the cloud: workspaces and everything in them, as entries of provider.Type.
//
// What a body must look like stands in two tables, shapes.txt (derived from the published OpenAPI) and shapes_more.txt; what the service does beyond
// checking and keeping is behaviour in one file per theme. The package judges single requests; what a move refuses or breaks is cloud/move. It
// stands on provider, tree, store, aml and arm, and knows other providers only through the table of types.
package ml

import (
	"regexp"
	"slices"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// versions are the api-versions offered, newest first. Documents are the same in all of them.
var versions = []string{"2025-12-01", "2025-10-01-preview", "2025-09-01", "2025-07-01-preview", "2025-06-01", "2025-04-01", "2025-04-01-preview",
	"2025-01-01-preview", "2024-10-01", "2024-10-01-preview", "2024-07-01-preview", "2024-04-01", "2024-04-01-preview", "2024-01-01-preview",
	"2023-10-01", "2023-08-01-preview", "2023-06-01-preview", "2023-04-01", "2023-04-01-preview", "2023-02-01-preview", "2022-12-01-preview",
	"2022-10-01", "2022-10-01-preview", "2022-06-01-preview", "2022-05-01", "2022-02-01-preview", "2021-07-01", "2021-04-01", "2021-03-01-preview",
	"2021-01-01", "2020-09-01-preview", "2020-08-01", "2020-06-01", "2020-05-15-preview", "2020-05-01-preview", "2020-04-01", "2020-03-01"}

// Names that the service accepts.
var (
	assetName    = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,254}$`)
	computeName  = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]{1,31}$`)
	endpointName = regexp.MustCompile(`^[a-zA-Z]([a-zA-Z0-9-]{0,50}[a-zA-Z0-9])?$`)
	childName    = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}$`)
)

// Types returns the table of the provider.
func Types() []provider.Type {
	b := builder{readShapes()}
	return slices.Concat(b.workspaces(), b.computes(), b.endpoints(), b.jobs(), b.assets(), b.datastores(), b.connections(), b.network(),
		b.legacy(), b.locations())
}

// Known are types that exist in Azure and are not built here: they answer 501 and their name (D9). Registries are no part of a workspace move.
func Known() []arm.Type {
	types := []arm.Type{aml.Registries, aml.Namespace + "/virtualclusters", aml.Namespace + "/capacityReservationGroups", aml.Namespace + "/operations"}
	for _, path := range []string{"inferencePools", "inferencePools/endpoints", "inferencePools/groups", "inferenceGroups", "endpoints", "raiPolicies",
		"managedNetworks", "managedNetworks/outboundRules", "eventGridFilters", "experiments", "marketplaceModelSubscriptions", "datasets",
		"connections/deployments", "connections/raiPolicies", "connections/raiBlocklists", "featuresets/versions/features"} {
		types = append(types, aml.Workspaces+arm.Type("/"+path))
	}
	for _, path := range []string{"codes", "components", "data", "environments", "models"} {
		types = append(types, aml.Registries+arm.Type("/"+path), aml.Registries+arm.Type("/"+path+"/versions"))
	}
	return types
}

// builder makes entries.
type builder struct{ shapes shapes }

// content is an entry for a kind of workspace content: what aml knows of it, and a Put that first checks the body.
func (b builder) content(path, shapeName string, t provider.Type) provider.Type {
	kind, known := aml.FindKind(path)
	if !known {
		panic("ml: aml does not know " + path)
	}
	t.Name, t.Archivable, t.Refs, t.Listed = kind.Type(), kind.Archivable, arm.NewPaths(kind.Owned()...), listedBy(path)
	t.Put = guard(b.shapes.get(shapeName), t.Secrets, t.Put)
	return t
}

// guard checks a body against its shape before a behaviour sees it, and keeps what the service owns as it was.
func guard(s *shape, secrets []string, next func(*provider.Call) error) func(*provider.Call) error {
	return func(c *provider.Call) error {
		if c.Patch {
			for _, path := range secrets { // a patched document must be judged with the secrets it keeps
				reveal(c.Doc.Public, c.Doc.Private, path)
			}
		}
		if err := s.judge(c.Doc.Public); err != nil {
			return err
		}
		var old map[string]any
		if c.Old != nil {
			old = c.Old.Public
		}
		s.keepReadOnly(c.Doc.Public, old)
		if next == nil {
			return nil
		}
		return next(c)
	}
}

// fixed refuses changes of members that are fixed at creation.
func fixed(s *shape, next func(*provider.Call) error) func(*provider.Call) error {
	return func(c *provider.Call) error {
		if c.Old != nil {
			var trouble []*errs.Error
			s.keepFixed("", c.Doc.Public, c.Old.Public, func(path, format string, args ...any) {
				trouble = append(trouble, errs.New(errs.Invalid, "UserError", format, args...).At(path))
			})
			if err := refused(trouble); err != nil {
				return err
			}
		}
		if next == nil {
			return nil
		}
		return next(c)
	}
}

// judged reads the body of an action; a missing body counts as an empty one.
func judged(s *shape, c *provider.Call) (map[string]any, error) {
	body := c.Body
	if body == nil {
		body = map[string]any{}
	}
	return body, s.judge(body)
}

// succeed ends a PUT or PATCH that needs nothing but time.
func succeed(c *provider.Call) {
	c.Props()["provisioningState"] = string(aml.Succeeded)
	c.Changed = true
}

// object makes a JSON object of pairs, for answers.
func object(pairs ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i].(string)] = pairs[i+1]
	}
	return out
}

// spawned is a document of a child that the service makes itself.
func spawned(properties map[string]any) tree.Document {
	return tree.Document{Public: map[string]any{"properties": properties}, Private: map[string]any{}}
}

// setDefault writes a value where there is none.
func setDefault(object map[string]any, name string, value any) {
	if object[name] == nil {
		object[name] = value
	}
}

// copyOf copies a JSON value deeply; null stays null.
func copyOf(value any) any {
	if value == nil {
		return nil
	}
	return tree.Clone(value)
}
