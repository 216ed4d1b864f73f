package aml

import (
	"slices"

	"github.com/amlmove/amlmove/internal/arm"
)

// Types of what surrounds a workspace.
const (
	PrivateEndpoints  arm.Type = "Microsoft.Network/privateEndpoints"
	DNSZoneGroups     arm.Type = "Microsoft.Network/privateEndpoints/privateDnsZoneGroups"
	NetworkInterfaces arm.Type = "Microsoft.Network/networkInterfaces"

	Locks                arm.Type = "Microsoft.Authorization/locks"
	RoleAssignments      arm.Type = "Microsoft.Authorization/roleAssignments"
	RoleDefinitions      arm.Type = "Microsoft.Authorization/roleDefinitions"
	Permissions          arm.Type = "Microsoft.Authorization/permissions"
	PolicyAssignments    arm.Type = "Microsoft.Authorization/policyAssignments"
	PolicyDefinitions    arm.Type = "Microsoft.Authorization/policyDefinitions"
	PolicySetDefinitions arm.Type = "Microsoft.Authorization/policySetDefinitions"
	PolicyExemptions     arm.Type = "Microsoft.Authorization/policyExemptions"

	DiagnosticSettings arm.Type = "Microsoft.Insights/diagnosticSettings"
	MetricAlerts       arm.Type = "Microsoft.Insights/metricAlerts"
	Metrics            arm.Type = "Microsoft.Insights/metrics"
	Databricks         arm.Type = "Microsoft.Databricks/workspaces"

	Deployments     arm.Type = "Microsoft.Resources/deployments"
	Subscriptions   arm.Type = "Microsoft.Resources/subscriptions"
	Tenants         arm.Type = "Microsoft.Resources/tenants"
	ResourceGroups  arm.Type = "Microsoft.Resources/resourceGroups"
	Resources       arm.Type = "Microsoft.Resources/resources" // the short form of a resource in the list of its group
	Providers       arm.Type = "Microsoft.Resources/providers"
	DeletedVaults   arm.Type = "Microsoft.KeyVault/deletedVaults"
	DeletedAccounts arm.Type = "Microsoft.Storage/deletedAccounts"

	Usages  arm.Type = Namespace + "/locations/usages"
	Quotas  arm.Type = Namespace + "/locations/quotas"
	VMSizes arm.Type = Namespace + "/locations/vmSizes"
)

// ConnectionLists are the members of a private endpoint that say where it leads to: connections that its maker may approve, and those for which the owner of the resource is asked (S24).
func ConnectionLists() []string {
	return []string{"properties.privateLinkServiceConnections", "properties.manualPrivateLinkServiceConnections"}
}

// Alert is a type of rules that watch resources by their ids.
type Alert struct {
	Type       arm.Type
	Name       string   // of several, in words
	Scopes     string   // member with the list of what is watched
	References []string // members that hold ids of what is watched; dotted, as in Reference
	ReadOnly   []string // members that the service writes
}

// Alerts are the types of rules that go on watching the old id of what moved (arm-move 3.1).
func Alerts() []Alert {
	const scopes = "properties.scopes"
	return []Alert{
		{MetricAlerts, "metric alerts", scopes, []string{scopes + ".*"}, nil},
		{"Microsoft.Insights/scheduledQueryRules", "log alerts", scopes, []string{scopes + ".*"},
			[]string{"properties.createdWithApiVersion", "properties.isLegacyLogAnalyticsRule", "properties.isWorkspaceAlertsStorageConfigured"}},
		{"Microsoft.Insights/activityLogAlerts", "activity log alerts", scopes, []string{scopes + ".*", "properties.condition.allOf.*.equals", "properties.condition.allOf.*.anyOf.*.equals"}, nil},
		{"Microsoft.AlertsManagement/smartDetectorAlertRules", "smart detectors", "properties.scope", []string{"properties.scope.*"}, nil},
	}
}

// LeadsTo are the resources to which a private endpoint leads, each once.
func LeadsTo(endpoint arm.Document) []arm.ID {
	var ids []arm.ID
	for _, list := range ConnectionLists() {
		for _, connection := range endpoint.Objects(list) {
			id, err := arm.Parse(connection.Text("properties.privateLinkServiceId"))
			if err == nil && len(id) > 0 && !slices.ContainsFunc(ids, id.Equal) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// PrivateEndpointReadOnly are the members of a private endpoint that the service writes; dotted, as in Kind.
func PrivateEndpointReadOnly() []string {
	paths := []string{"properties.provisioningState", "properties.resourceGuid", "properties.networkInterfaces", "properties.customDnsConfigs",
		"properties.ipConfigurations.*.id", "properties.ipConfigurations.*.etag", "properties.ipConfigurations.*.type"}
	for _, list := range ConnectionLists() {
		for _, member := range []string{"id", "etag", "type", "properties.provisioningState", "properties.privateLinkServiceConnectionState"} {
			paths = append(paths, list+".*."+member)
		}
	}
	return paths
}

// DNSZoneGroupReadOnly are the members of a DNS zone group that the service writes; dotted, as in Kind.
func DNSZoneGroupReadOnly() []string {
	return []string{"properties.provisioningState", "properties.privateDnsZoneConfigs.*.id", "properties.privateDnsZoneConfigs.*.etag", "properties.privateDnsZoneConfigs.*.type",
		"properties.privateDnsZoneConfigs.*.properties.recordSets", "properties.privateDnsZoneConfigs.*.properties.provisioningState"}
}
