package aml

import (
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
)

// Fate is what a move does with a kind of content.
type Fate int

const (
	// Moves: comes along with all its versions and history (S04, S06 to S08).
	Moves Fate = iota
	// Dropped: is not there afterwards; it must be registered again (S05).
	Dropped
	// Blocks: the move is refused while one exists (S09, S10, S34 to S36).
	Blocks
	// Disconnected: comes along as Disconnected and must be approved or made again (S23, S24).
	Disconnected
)

var fateNames = [...]string{"Moves", "Dropped", "Blocks", "Disconnected"}

// String names the fate.
func (f Fate) String() string { return fateNames[f] }

// Reference is a place in a document that holds an id, or a URI that contains one.
type Reference struct {
	Path string // dotted; "*" stands for every member of an object or list
	// Owned ids are rendered by the service and follow the workspace and what they point to. Others are text: a move leaves them as they were.
	Owned bool
}

// Kind is one kind of workspace content.
type Kind struct {
	Path       string // below the workspace, as Azure spells it: onlineEndpoints/deployments
	Fate       Fate
	Archivable bool // hidden from lists once properties.isArchived is set, unless listViewType asks for it
	References []Reference
	// ReadOnly are the members that the service writes and refuses, or ignores, in a PUT; dotted, "*" as in Reference. Those of every document (id, name, type,
	// systemData) are not named.
	ReadOnly []string
}

// Type is the full resource type.
func (k Kind) Type() arm.Type { return Workspaces + arm.Type("/"+k.Path) }

// Depth is how many names lie between the workspace and the document: 1 for jobs, 2 for data/versions.
func (k Kind) Depth() int { return strings.Count(k.Path, "/") + 1 }

// Owned returns the paths of ids that follow.
func (k Kind) Owned() []string {
	var paths []string
	for _, r := range k.References {
		if r.Owned {
			paths = append(paths, r.Path)
		}
	}
	return paths
}

// Paths returns the paths of all places that hold ids.
func (k Kind) Paths() []string {
	paths := make([]string, 0, len(k.References))
	for _, r := range k.References {
		paths = append(paths, r.Path)
	}
	return paths
}

func owned(paths ...string) []Reference { return references(true, paths) }
func text(paths ...string) []Reference  { return references(false, paths) }

func references(owned bool, paths []string) []Reference {
	var refs []Reference
	for _, p := range paths {
		refs = append(refs, Reference{p, owned})
	}
	return refs
}

// kinds is the table. Parents stand before their children.
var kinds = []Kind{
	{Path: "computes", Fate: Blocks, References: owned("properties.resourceId", "properties.properties.subnet.id"), ReadOnly: []string{"properties.provisioningState", "properties.provisioningErrors", "properties.createdOn", "properties.modifiedOn", "properties.isAttachedCompute", "properties.properties.allocationState", "properties.properties.allocationStateTransitionTime", "properties.properties.errors", "properties.properties.currentNodeCount", "properties.properties.targetNodeCount", "properties.properties.nodeStateCounts", "properties.properties.connectivityEndpoints", "properties.properties.applications", "properties.properties.createdBy", "properties.properties.state", "properties.properties.lastOperation", "properties.properties.containers", "properties.properties.dataDisks", "properties.properties.dataMounts", "properties.properties.versions", "properties.properties.osImageMetadata", "properties.properties.sshSettings.adminUserName", "properties.properties.sshSettings.sshPort", "properties.properties.schedules.computeStartStop.*.id", "properties.properties.schedules.computeStartStop.*.provisioningStatus", "properties.properties.systemServices"}},
	{Path: "onlineEndpoints", Fate: Blocks, References: owned("properties.compute"), ReadOnly: []string{"properties.provisioningState", "properties.scoringUri", "properties.swaggerUri", "properties.keys"}},
	{Path: "onlineEndpoints/deployments", Fate: Blocks, References: slices.Concat(
		owned("properties.model", "properties.environmentId", "properties.codeConfiguration.codeId"), text("properties.modelMountPath")), ReadOnly: []string{"properties.provisioningState"}},
	{Path: "batchEndpoints", Fate: Blocks, ReadOnly: []string{"properties.provisioningState", "properties.scoringUri", "properties.swaggerUri", "properties.keys"}},
	{Path: "batchEndpoints/deployments", Fate: Blocks, References: owned("properties.compute", "properties.model.assetId",
		"properties.environmentId", "properties.codeConfiguration.codeId", "properties.deploymentConfiguration.componentId.assetId"), ReadOnly: []string{"properties.provisioningState"}},
	{Path: "serverlessEndpoints", Fate: Blocks, References: owned("properties.marketplaceSubscriptionId"), ReadOnly: []string{"properties.provisioningState", "properties.inferenceEndpoint", "properties.endpointState", "properties.marketplaceSubscriptionId"}},
	{Path: "services", Fate: Blocks},
	{Path: "marketplaceSubscriptions", Fate: Moves},
	{Path: "jobs", Fate: Moves, Archivable: true, References: owned("properties.computeId", "properties.environmentId", "properties.codeId",
		"properties.componentId", "properties.trial.environmentId", "properties.trial.codeId", "properties.services.*.endpoint")},
	{Path: "schedules", Fate: Moves, Archivable: false, References: text("properties.action.jobDefinition.computeId",
		"properties.action.jobDefinition.environmentId", "properties.action.jobDefinition.codeId", "properties.action.jobDefinition.componentId",
		"properties.action.jobDefinition.jobs.*.componentId", "properties.action.jobDefinition.jobs.*.computeId",
		"properties.action.jobDefinition.inputs.*.uri", "properties.action.jobDefinition.outputs.*.uri", "properties.action.jobDefinition.jobs.*.inputs.*.uri",
		"properties.action.endpointInvocationDefinition.inputs.*.uri", "properties.action.endpointInvocationDefinition.endpoint", "properties.action.monitorDefinition.monitoringTarget.deploymentId",
		"properties.action.monitorDefinition.monitoringTarget.modelId"), ReadOnly: []string{"properties.provisioningState"}},
	{Path: "datastores", Fate: Moves, References: text("properties.subscriptionId", "properties.resourceGroup"), ReadOnly: []string{"properties.isDefault"}},
	{Path: "data", Fate: Dropped, Archivable: true, ReadOnly: []string{"properties.latestVersion", "properties.nextVersion", "properties.provisioningState"}},
	{Path: "data/versions", Fate: Dropped, Archivable: true, References: text("properties.dataUri", "properties.referencedUris.*"), ReadOnly: []string{"properties.provisioningState"}},
	{Path: "models", Fate: Moves, Archivable: true},
	{Path: "models/versions", Fate: Moves, Archivable: true, References: text("properties.modelUri")},
	{Path: "environments", Fate: Moves, Archivable: true},
	{Path: "environments/versions", Fate: Moves, Archivable: true, References: text("properties.image", "properties.build.contextUri")},
	{Path: "codes", Fate: Moves, Archivable: true},
	{Path: "codes/versions", Fate: Moves, Archivable: true, References: text("properties.codeUri")},
	{Path: "components", Fate: Moves, Archivable: true},
	{Path: "components/versions", Fate: Moves, Archivable: true, References: text("properties.componentSpec.code", "properties.componentSpec.environment")},
	{Path: "featuresets", Fate: Moves, Archivable: true},
	{Path: "featuresets/versions", Fate: Moves, Archivable: true, References: text("properties.specification.path", "properties.entities.*")},
	{Path: "featurestoreEntities", Fate: Moves, Archivable: true},
	{Path: "featurestoreEntities/versions", Fate: Moves, Archivable: true},
	{Path: "connections", Fate: Moves, References: slices.Concat(owned("properties.createdByWorkspaceArmId"),
		text("properties.target", "properties.metadata.ResourceId", "properties.sharedUserList.*")), ReadOnly: []string{"properties.createdByWorkspaceArmId", "properties.group", "properties.error"}},
	{Path: "capabilityHosts", Fate: Moves, References: text("properties.customerSubnet")},
	{Path: "outboundRules", Fate: Moves, References: text("properties.destination.serviceResourceId"), ReadOnly: []string{"properties.status", "properties.errorInformation", "properties.parentRuleNames"}},
	{Path: "privateEndpointConnections", Fate: Disconnected, References: owned("properties.privateEndpoint.id")},
	{Path: "labelingJobs", Fate: Moves, References: text("properties.datasetConfiguration.assetName", "properties.mlAssistConfiguration.inferencingComputeBinding.computeId")},
	{Path: "linkedServices", Fate: Moves, References: text("properties.linkedServiceResourceId")},
	{Path: "linkedWorkspaces", Fate: Moves, References: text("properties.linkedWorkspaceResourceId", "properties.userAssignedIdentityResourceId")},
}

// Kinds returns every kind of content that is known, parents before their children.
func Kinds() []Kind { return slices.Clone(kinds) }

// FindKind returns the kind of content at a path below the workspace, whatever its case. What is not known must be reported, never ignored (D1).
func FindKind(path string) (Kind, bool) {
	for _, k := range kinds {
		if strings.EqualFold(k.Path, path) {
			return k, true
		}
	}
	return Kind{}, false
}

// KindOf returns the kind of content of a full resource type.
func KindOf(t arm.Type) (Kind, bool) {
	path, below := strings.CutPrefix(t.Key(), Workspaces.Key()+"/")
	if !below {
		return Kind{}, false
	}
	return FindKind(path)
}

// workspaceReferences are the places in the document of the workspace itself.
var workspaceReferences = slices.Concat(
	owned("properties.storageAccount", "properties.keyVault", "properties.applicationInsights", "properties.containerRegistry",
		"properties.primaryUserAssignedIdentity", "properties.hubResourceId", "properties.mlFlowTrackingUri",
		"properties.serverlessComputeSettings.serverlessComputeCustomSubnet", "properties.encryption.keyVaultProperties.keyVaultArmId",
		"properties.encryption.identity.userAssignedIdentity"),
	text("properties.sharedPrivateLinkResources.*.properties.privateLinkResourceId", "properties.associatedWorkspaces.*",
		"properties.workspaceHubConfig.defaultWorkspaceResourceGroup", "properties.workspaceHubConfig.additionalWorkspaceStorageAccounts.*",
		"properties.managedNetwork.outboundRules.*.destination.serviceResourceId"),
)

// OwnedWorkspacePaths returns those places in the document of a workspace whose ids follow.
func OwnedWorkspacePaths() []string { return Kind{References: workspaceReferences}.Owned() }
