package verify

import (
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
)

// Derived is a member of documents that is not compared, because the service and nobody else decides about it (pain 42).
type Derived struct {
	Kind string `json:"kind"` // as aml spells it; "*" is every kind, "" the workspace itself
	Path string `json:"path"`
	Why  string `json:"why"`
}

// everywhere are members that no comparison of any kind looks at.
var everywhere = []Derived{
	{"*", "systemData", "who wrote the document last, and when"}, {"*", "etag", "changes with every write"},
	{"*", "properties.provisioningState", "must have succeeded, which is looked at by itself"},
}

// newIdentity are members that no comparison of kinds looks at which are made again. Of what moves the identity stays, and with it all that it may do.
var newIdentity = []Derived{
	{"", "identity.principalId", "a thing that was made again has a new identity; the report names it"}, {"", "identity.tenantId", "comes with the identity"},
}

// further are members of single kinds that are not compared, besides those that aml calls read-only.
var further = []Derived{
	{"", "properties.privateEndpointConnections", "compared by themselves: the move makes new ones"},
	{"", "properties.mlFlowTrackingUri", "holds the id; listed as an address"},
	{"", "properties.notebookInfo", "the service's own"}, {"", "properties.serviceProvisionedResourceGroup", "the service's own"},
	{"", "properties.privateLinkCount", "follows the connections"}, {"", "properties.discoveryUrl", "the service's own"},
	{associated, "properties.privateEndpointConnections", "compared by themselves: the move makes new ones"},
	{associated, "properties.TenantId", "Application Insights calls its subscription so"},
}

// reasons say why the service writes a read-only member, by its last name. Others are just the service's own.
var reasons = map[string]string{
	"provisioningErrors": "what went wrong the last time", "createdOn": "when it was made: made again, it is younger", "modifiedOn": "when it was last written",
	"isAttachedCompute": "follows from how the compute came", "allocationState": "how many nodes there are right now", "allocationStateTransitionTime": "when the number of nodes last changed",
	"errors": "what went wrong the last time", "currentNodeCount": "how many nodes there are right now", "targetNodeCount": "how many nodes there are right now",
	"nodeStateCounts": "what the nodes do right now", "connectivityEndpoints": "new machines have new addresses", "applications": "addresses of what runs on the instance",
	"createdBy": "who made it: made again, that is who ran the move", "state": "what the instance does right now", "lastOperation": "what was last done to the instance",
	"containers": "what runs on the instance right now", "dataDisks": "disks are not brought along; the plan says so", "dataMounts": "made when the instance starts",
	"versions": "what the instance was made with", "osImageMetadata": "what the instance was made with", "adminUserName": "the service gives it", "sshPort": "the service gives it",
	"id": "the service gives it", "provisioningStatus": "how far the service has come with it", "systemServices": "what the service put on the cluster",
	"scoringUri": "the service gives it; a changed one is listed as an address", "swaggerUri": "the service gives it; a changed one is listed as an address",
	"inferenceEndpoint": "the service gives it; a changed one is listed as an address", "keys": "never told; they are made again from the sealed ones",
	"endpointState": "whether it answers right now", "marketplaceSubscriptionId": "the service gives it", "isDefault": "follows from the name",
	"latestVersion": "follows from the versions, which are compared", "nextVersion": "follows from the versions, which are compared",
	"createdByWorkspaceArmId": "the service keeps it up", "group": "follows from the category", "error": "what went wrong the last time",
	"status": "how far the service has come with it", "errorInformation": "what went wrong the last time", "parentRuleNames": "the service's own",
}

// ofEnded are members of jobs that its end changes; not compared in jobs that the run ended.
var ofEnded = []string{"properties.status", "properties.properties", "properties.services"}

// Table lists everything that is not compared, with the reasons.
func Table() []Derived {
	all := slices.Clone(everywhere)
	for _, kind := range slices.Concat([]aml.Kind{{}}, aml.Kinds(), []aml.Kind{{Path: associated}}) {
		all = append(all, derivedOf(kind)[len(everywhere):]...)
	}
	return all
}

// derivedOf are the members of a kind that are not compared.
func derivedOf(kind aml.Kind) []Derived {
	all := slices.Clone(everywhere)
	for _, path := range kind.ReadOnly {
		if slices.ContainsFunc(everywhere, func(d Derived) bool { return d.Path == path }) {
			continue
		}
		why := reasons[path[strings.LastIndexByte(path, '.')+1:]]
		if why == "" {
			why = "the service writes it"
		}
		all = append(all, Derived{kind.Path, path, why})
	}
	if kind.Fate == aml.Blocks {
		for _, d := range newIdentity {
			all = append(all, Derived{kind.Path, d.Path, d.Why})
		}
	}
	for _, d := range further {
		if d.Kind == kind.Path {
			all = append(all, d)
		}
	}
	return all
}
