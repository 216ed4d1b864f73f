package insights

import (
	"regexp"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

var componentShape = neighbour.Shape{
	{Path: "kind", Is: neighbour.Text, Need: true},
	{Path: "properties.Application_Type", Is: neighbour.Text},
	{Path: "properties.WorkspaceResourceId", Is: neighbour.ID},
	{Path: "properties.RetentionInDays", Is: neighbour.Number},
	{Path: "properties.SamplingPercentage", Is: neighbour.Number},
	{Path: "properties.DisableIpMasking", Is: neighbour.Bool},
	{Path: "properties.DisableLocalAuth", Is: neighbour.Bool},
	{Path: "properties.publicNetworkAccessForIngestion", Is: neighbour.Text},
	{Path: "properties.publicNetworkAccessForQuery", Is: neighbour.Text},
}

// component is an Application Insights component. Its PUT answers 200 also when it creates: one client refuses 201 (client-wire 10). Its log
// workspace is no reference: what is linked stays in the words in which it was put.
func component() provider.Type {
	return provider.Type{
		Name: Component, Versions: componentVersions, Tracked: true, Stateful: true, Created: 200, Updated: 200,
		Pattern: regexp.MustCompile(`^[^<>*%&:?+/\\]{1,260}$`), Put: componentShape.Put(putComponent), Get: showComponent,
		Reads: map[string]provider.Action{
			"currentbillingfeatures": {Do: billing}, "getavailablebillingfeatures": {Do: availableBilling}, "featurecapabilities": {Do: capabilities},
			"quotastatus": {Do: quota}, "proactivedetectionconfigs": {Do: func(*provider.Call) (any, error) { return []any{}, nil }},
		},
	}
}

func putComponent(c *provider.Call) error {
	neighbour.Stable(c, "properties.InstrumentationKey", guid)
	neighbour.Stable(c, "properties.AppId", guid)
	neighbour.Stable(c, "properties.CreationDate", func() any { return c.Now.UTC().Format(time.RFC3339Nano) })
	neighbour.Default(c, "properties.Application_Type", "web")
	neighbour.Default(c, "properties.Flow_Type", "Bluefield")
	neighbour.Default(c, "properties.Request_Source", "rest")
	neighbour.Default(c, "properties.RetentionInDays", 90)
	neighbour.Default(c, "properties.publicNetworkAccessForIngestion", "Enabled")
	neighbour.Default(c, "properties.publicNetworkAccessForQuery", "Enabled")
	props := c.Props()
	region := provider.Region(c.Location())
	props["ApplicationId"], props["Name"] = c.ID.Name(), c.ID.Name()
	delete(props, "TenantId")
	props["ConnectionString"] = "InstrumentationKey=" + tree.Text(props, "InstrumentationKey") + ";IngestionEndpoint=https://" + region +
		".in.applicationinsights.local.test/;LiveEndpoint=https://" + region + ".livediagnostics.monitor.local.test/;ApplicationId=" + tree.Text(props, "AppId")
	props["Ver"] = "v2"
	mode := "ApplicationInsights"
	if props["WorkspaceResourceId"] != nil {
		mode = "LogAnalytics"
	}
	neighbour.Default(c, "properties.IngestionMode", mode)
	return nil
}

// showComponent adds the subscription, which this service calls the tenant: after a move it is another one.
func showComponent(c *provider.Call) error {
	c.Props()["TenantId"] = c.ID.Subscription()
	return nil
}

func guid() any { return provider.NewGUID() }

// billing is answered before anybody wrote it: clients read it right after the component was made.
func billing(*provider.Call) (any, error) {
	return map[string]any{"CurrentBillingFeatures": []any{"Basic"}, "DataVolumeCap": map[string]any{
		"Cap": 100, "ResetTime": 24, "WarningThreshold": 90, "StopSendNotificationWhenHitThreshold": false, "StopSendNotificationWhenHitCap": false, "MaxHistoryCap": 1000}}, nil
}

func availableBilling(*provider.Call) (any, error) { return map[string]any{"Result": []any{}}, nil }

func quota(c *provider.Call) (any, error) {
	return map[string]any{"AppId": tree.Text(c.Doc.Public, "properties.AppId"), "ShouldBeThrottled": false, "ExpirationTime": nil}, nil
}

func capabilities(*provider.Call) (any, error) {
	return map[string]any{"SupportExportData": true, "BurstThrottlePolicy": "B2", "LiveStreamMetrics": true, "ApplicationMap": true, "WorkItemIntegration": true,
		"PowerBIIntegration": true, "OpenSchema": true, "ProactiveDetection": true, "AnalyticsIntegration": true, "MultipleStepWebTest": true,
		"ApiAccessLevel": "Premium", "TrackingType": "Basic", "DailyCap": 100, "DailyCapResetTime": 24, "ThrottleRate": 0}, nil
}
