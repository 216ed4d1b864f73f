// Package aml is what an Azure Machine Learning workspace is, whoever speaks of it: the kinds of its content, what a move does to each, the states
// things pass through, names that the service reserves, and the places where documents hold ids.
//
// Both wings build on it: the cloud behaves so and the mover reckons with it, each with rules of its own (D8). It holds facts only: no I/O, no
// documents, no judgement about a particular workspace. It stands on arm and errs.
package aml

import (
	"regexp"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
)

// Namespace is the resource provider of workspaces.
const Namespace = "Microsoft.MachineLearningServices"

// Workspaces is the type of a workspace.
const Workspaces arm.Type = Namespace + "/workspaces"

// Registries are separate top-level resources and no part of a workspace move.
const Registries arm.Type = Namespace + "/registries"

// Kinds of workspace (the property "kind").
const (
	KindDefault      = "Default"
	KindHub          = "Hub"
	KindProject      = "Project"
	KindFeatureStore = "FeatureStore"
)

// WorkspaceName is what the name of a workspace must look like: 3 to 33 letters, digits, hyphens and underscores, beginning with a letter or digit.
var WorkspaceName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}$`)

// SystemDatastores are made by the service with every workspace; the first is the default one. Every other datastore is "nondefault" (S32, S45).
var systemDatastores = []string{"workspaceblobstore", "workspacefilestore", "workspaceworkingdirectory", "workspaceartifactstore"}

// SystemDatastores returns the names of the datastores that come with every workspace, the default one first.
func SystemDatastores() []string { return slices.Clone(systemDatastores) }

// IsSystemDatastore reports whether the service owns a datastore of that name.
func IsSystemDatastore(name string) bool {
	return slices.ContainsFunc(systemDatastores, func(s string) bool { return strings.EqualFold(s, name) })
}

// Needs says what a workspace uses beyond the ordinary.
type Needs struct {
	AKS bool // an AKS compute or a model deployed to AKS (S18)
	CMK bool // a customer-managed key (S19)
}

// RequiredNamespaces are the resource providers for which the destination subscription must be registered (S17 to S19), sorted.
func RequiredNamespaces(n Needs) []string {
	names := []string{"Microsoft.ContainerRegistry", "Microsoft.Insights", "Microsoft.KeyVault", Namespace, "Microsoft.Notebooks", "Microsoft.Storage"}
	if n.AKS {
		names = append(names, "Microsoft.ContainerService")
	}
	if n.CMK {
		names = append(names, "Microsoft.DocumentDB", "Microsoft.Search")
	}
	slices.Sort(names)
	return names
}

// Dependency is a resource that a workspace names and that may travel with it (S42).
type Dependency struct {
	Property string // dotted path in the workspace's document
	Type     arm.Type
	Fixed    bool // the service refuses to change it after creation
}

// Dependencies are the associated resources of a workspace, in the order in which Azure's pages list them.
func Dependencies() []Dependency {
	return []Dependency{
		{"properties.storageAccount", "Microsoft.Storage/storageAccounts", true},
		{"properties.keyVault", "Microsoft.KeyVault/vaults", true},
		{"properties.applicationInsights", "Microsoft.Insights/components", false},
		{"properties.containerRegistry", "Microsoft.ContainerRegistry/registries", false},
	}
}
