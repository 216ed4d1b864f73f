// Package insights is Microsoft.Insights, Microsoft.OperationalInsights and what alerts need of Microsoft.AlertsManagement: Application Insights
// components, log workspaces, diagnostic settings, alert rules, workbooks and the metrics of a resource. Nothing is ingested or
// queried. It stands on provider and neighbour.
package insights

import (
	"regexp"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
)

// The types with a behaviour.
const (
	Component arm.Type = "Microsoft.Insights/components"
	Logs      arm.Type = "Microsoft.OperationalInsights/workspaces"
)

var (
	componentVersions = []string{"2020-02-02", "2015-05-01", "2020-02-02-preview", "2018-05-01-preview"}
	logsVersions      = []string{"2025-07-01", "2025-02-01", "2023-09-01", "2022-10-01", "2021-06-01", "2020-10-01", "2020-08-01", "2020-03-01-preview", "2015-11-01-preview"}
	logsName          = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]$`)
)

// Types returns the entries of the three namespaces.
func Types() []provider.Type {
	types := []provider.Type{
		component(),
		{Name: "Microsoft.Insights/diagnosticSettings", Extension: true, NoPatch: true, Created: 200, Put: diagnosticShape.Put(putDiagnostic),
			Versions: []string{"2021-05-01-preview", "2017-05-01-preview", "2016-09-01", "2015-07-01"}},
		{Name: "Microsoft.Insights/metrics", Extension: true, Virtual: true, Reads: map[string]provider.Action{"": {Do: readMetrics, Permission: "Microsoft.Insights/metrics/read"}},
			Versions: []string{"2024-02-01", "2023-10-01", "2021-05-01", "2019-07-01", "2018-01-01", "2017-05-01-preview"}},
		{Name: Categories, Extension: true, Virtual: true, Reads: map[string]provider.Action{"": {Do: readCategories, Permission: "Microsoft.Insights/diagnosticSettingsCategories/read"}},
			Versions: []string{"2021-05-01-preview", "2017-05-01-preview"}},
		logs(),
	}
	types = append(types, alerts()...)
	return neighbour.Moves(append(types, logsChildren()...))
}

// alerts are the rules that watch a workspace. Their scopes are words: no rule follows what it watches when that moves.
func alerts() []provider.Type {
	scopes := neighbour.Rule{Path: "properties.scopes", Is: neighbour.List, Need: true}
	enabled := neighbour.Rule{Path: "properties.enabled", Is: neighbour.Bool}
	needs := neighbour.Rule{Path: "properties", Is: neighbour.Object, Need: true}
	return []provider.Type{
		{Name: "Microsoft.Insights/metricAlerts", Tracked: true, Global: true, Created: 200, Versions: []string{"2018-03-01", "2024-03-01-preview"},
			Put: neighbour.Shape{needs, scopes, enabled, {Path: "properties.criteria", Is: neighbour.Object, Need: true},
				{Path: "properties.severity", Is: neighbour.Number}, {Path: "properties.actions", Is: neighbour.List}}.Put(nil)},
		{Name: "Microsoft.Insights/scheduledQueryRules", Tracked: true, Versions: []string{"2023-12-01", "2022-06-15", "2021-08-01", "2018-04-16", "2023-03-15-preview"},
			Put: neighbour.Shape{needs, enabled, {Path: "properties.scopes", Is: neighbour.List}, {Path: "properties.criteria", Is: neighbour.Object}}.Put(nil)},
		{Name: "Microsoft.Insights/actionGroups", Tracked: true, Global: true, Versions: []string{"2023-01-01", "2022-06-01", "2021-09-01", "2019-06-01", "2018-03-01"},
			Put: neighbour.Shape{needs, enabled, {Path: "properties.groupShortName", Is: neighbour.Text, Need: true},
				{Path: "properties.emailReceivers", Is: neighbour.List}, {Path: "properties.webhookReceivers", Is: neighbour.List}}.Put(nil)},
		{Name: "Microsoft.Insights/activityLogAlerts", Tracked: true, Global: true, Versions: []string{"2020-10-01", "2017-04-01", "2023-01-01-preview"},
			Put: neighbour.Shape{needs, scopes, enabled, {Path: "properties.condition", Is: neighbour.Object, Need: true}, {Path: "properties.actions", Is: neighbour.Object}}.Put(nil)},
		{Name: "Microsoft.Insights/webtests", Tracked: true, Created: 200, Stateful: true, Versions: []string{"2022-06-15", "2015-05-01", "2018-05-01-preview"},
			Put: neighbour.Shape{needs, {Path: "properties.SyntheticMonitorId", Is: neighbour.Text}, {Path: "properties.Locations", Is: neighbour.List}}.Put(nil)},
		{Name: "Microsoft.Insights/workbooks", Tracked: true, Versions: []string{"2023-06-01", "2022-04-01", "2021-08-01", "2021-03-08", "2020-10-20", "2018-06-17-preview"},
			Put: neighbour.Shape{needs, {Path: "properties.displayName", Is: neighbour.Text, Need: true}, {Path: "properties.serializedData", Is: neighbour.Text},
				{Path: "properties.sourceId", Is: neighbour.Text}}.Put(nil)},
		{Name: "Microsoft.AlertsManagement/smartDetectorAlertRules", Tracked: true, Global: true, Versions: []string{"2021-04-01", "2019-06-01", "2019-03-01"},
			Put: neighbour.Shape{needs, {Path: "properties.detector", Is: neighbour.Object, Need: true}, {Path: "properties.scope", Is: neighbour.List, Need: true},
				{Path: "properties.state", Is: neighbour.Text, OneOf: []string{"Enabled", "Disabled"}}}.Put(nil)},
	}
}

var diagnosticShape = neighbour.Shape{
	{Path: "properties", Is: neighbour.Object, Need: true},
	{Path: "properties.workspaceId", Is: neighbour.ID}, {Path: "properties.storageAccountId", Is: neighbour.ID},
	{Path: "properties.eventHubAuthorizationRuleId", Is: neighbour.ID}, {Path: "properties.marketplacePartnerId", Is: neighbour.ID},
	{Path: "properties.logs", Is: neighbour.List}, {Path: "properties.logs.*.enabled", Is: neighbour.Bool, Need: true},
	{Path: "properties.metrics", Is: neighbour.List}, {Path: "properties.metrics.*.enabled", Is: neighbour.Bool, Need: true},
}

// putDiagnostic refuses a setting that sends nothing anywhere.
func putDiagnostic(c *provider.Call) error {
	props := c.Props()
	for _, sink := range []string{"workspaceId", "storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId"} {
		if props[sink] != nil {
			return nil
		}
	}
	return provider.Invalid("BadRequest", "At least one data sink needs to be specified.").At("properties")
}
