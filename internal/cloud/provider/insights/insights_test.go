package insights_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/insights"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

const (
	component = neighbourtest.Group + "/providers/microsoft.insights/components/ai1"
	logs      = neighbourtest.Group + "/providers/Microsoft.OperationalInsights/workspaces/logs1"
)

func TestComponentIsAnsweredWith200AndKeepsItsKeyAcrossAMove(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, insights.Types())
	const body = `{"location":"westeurope","kind":"web","properties":{"Application_Type":"web","WorkspaceResourceId":"` + logs + `","InstrumentationKey":"forged"}}`
	resp, err := c.Try(http.MethodPut, component, body)
	if err != nil || resp.Status != http.StatusOK {
		t.Fatalf("create: %d %v, want 200", resp.Status, err)
	}
	got := c.Get(component)
	key := tree.Text(got, "properties.InstrumentationKey")
	if len(key) != 36 || !strings.Contains(tree.Text(got, "properties.ConnectionString"), "InstrumentationKey="+key+";") {
		t.Errorf("key %q, connection string %q", key, tree.Text(got, "properties.ConnectionString"))
	}
	neighbourtest.Want(t, got, "properties.IngestionMode", "LogAnalytics")
	neighbourtest.Want(t, got, "properties.TenantId", neighbourtest.Source)
	neighbourtest.Want(t, c.Get(component+"/currentbillingfeatures"), "CurrentBillingFeatures", []any{"Basic"})
	c.Move(component, neighbourtest.Other)
	moved := c.Get(neighbourtest.Other + "/providers/Microsoft.Insights/components/ai1")
	neighbourtest.Want(t, moved, "properties.InstrumentationKey", key)
	neighbourtest.Want(t, moved, "properties.TenantId", neighbourtest.Target)
	neighbourtest.Want(t, moved, "properties.WorkspaceResourceId", logs)
}

func TestLogWorkspaceGivesItsKeysOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, insights.Types())
	got := c.Put(logs, `{"location":"westeurope","properties":{"retentionInDays":60,"surprise":[1]}}`)
	neighbourtest.Want(t, got, "properties.retentionInDays", 60)
	neighbourtest.Want(t, got, "properties.surprise", []any{1})
	neighbourtest.Want(t, got, "properties.sku.name", "PerGB2018")
	if len(tree.Text(got, "properties.customerId")) != 36 {
		t.Error("customerId is missing")
	}
	before := c.Post(logs+"/sharedKeys", "")
	after := c.Post(logs+"/regenerateSharedKey", "")
	if key := tree.Text(after, "primarySharedKey"); key == "" || key == tree.Text(before, "primarySharedKey") {
		t.Error("the shared key did not change")
	}
}

func TestDiagnosticSettingBelongsToAScopeAndNeedsASink(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, insights.Types())
	c.Put(logs, `{"location":"westeurope","properties":{}}`)
	setting := logs + "/providers/Microsoft.Insights/diagnosticSettings/d1"
	c.Refused(http.MethodPut, setting, `{"properties":{"logs":[]}}`, errs.Invalid, "BadRequest")
	c.Refused(http.MethodPut, setting, `{"properties":{"workspaceId":"nonsense"}}`, errs.Invalid, "LinkedInvalidPropertyId")
	resp, err := c.Try(http.MethodPut, setting, `{"properties":{"workspaceId":"`+logs+`","logs":[{"category":"Audit","enabled":true}]}}`)
	if err != nil || resp.Status != http.StatusOK {
		t.Fatalf("create: %d %v, want 200", resp.Status, err)
	}
	if list := c.Get(logs + "/providers/Microsoft.Insights/diagnosticSettings")["value"].([]any); len(list) != 1 {
		t.Errorf("got %d settings, want 1", len(list))
	}
	c.Delete(setting)
	c.Refused(http.MethodGet, setting, "", errs.NotFound, "DiagnosticSettingNotFound")
}

func TestAlertsAreKeptAsTheyWerePut(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, insights.Types())
	for kind, body := range map[string]string{
		"Microsoft.Insights/metricAlerts":                    `{"location":"global","properties":{"scopes":["` + logs + `"],"criteria":{"allOf":[]},"enabled":true,"x":{"y":1}}}`,
		"Microsoft.Insights/scheduledQueryRules":             `{"location":"westeurope","properties":{"scopes":["` + logs + `"],"x":{"y":1}}}`,
		"Microsoft.Insights/actionGroups":                    `{"location":"Global","properties":{"groupShortName":"ag","x":{"y":1}}}`,
		"Microsoft.Insights/activityLogAlerts":               `{"location":"Global","properties":{"scopes":["/subscriptions/x"],"condition":{"allOf":[]},"x":{"y":1}}}`,
		"Microsoft.Insights/webtests":                        `{"location":"westeurope","properties":{"x":{"y":1}}}`,
		"Microsoft.Insights/workbooks":                       `{"location":"westeurope","properties":{"displayName":"w","x":{"y":1}}}`,
		"Microsoft.AlertsManagement/smartDetectorAlertRules": `{"location":"global","properties":{"detector":{"id":"d"},"scope":["/x"],"x":{"y":1}}}`,
	} {
		t.Run(kind, func(t *testing.T) {
			path := neighbourtest.Group + "/providers/" + kind + "/one"
			neighbourtest.Want(t, c.Put(path, body), "properties.x.y", 1)
			c.Refused(http.MethodPut, path, strings.Replace(body, `"location"`, `"kind":7,"location"`, 1), errs.Invalid, "InvalidRequestContent")
		})
	}
}

func TestMetricsShowTheNumbersThatAResourceKeeps(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)
	scope, _ := arm.Parse(logs)
	query, err := insights.ParseMetricsQuery(url.Values{"metricNames": {"RequestsPerMinute"}, "timespan": {"2026-03-01T11:57:00Z/2026-03-01T12:01:00Z"}, "aggregation": {"Total"}}, now)
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]any{"requestsperminute": []any{7.0, 5, "nonsense"}}
	got := insights.Metrics(scope, "West Europe", query, stored, now)
	metric := got["value"].([]any)[0].(map[string]any)
	points := metric["timeseries"].([]any)[0].(map[string]any)["data"].([]any)
	var totals []float64
	for _, point := range points {
		totals = append(totals, point.(map[string]any)["total"].(float64))
	}
	if want := []float64{7, 5, 0, 0}; len(totals) != 4 || totals[0] != want[0] || totals[1] != want[1] || totals[2] != want[2] || totals[3] != want[3] {
		t.Errorf("got %v, want %v", totals, want)
	}
	neighbourtest.Want(t, got, "resourceregion", "westeurope")
	neighbourtest.Want(t, got, "namespace", "Microsoft.OperationalInsights/workspaces")
	for _, span := range []string{"yesterday", "2026-03-01T12:00:00Z/2026-03-01T11:00:00Z", "/"} {
		if _, err := insights.ParseMetricsQuery(url.Values{"timespan": {span}}, now); !errs.Is(err, errs.Invalid) {
			t.Errorf("timespan %q: got %v, want Invalid", span, err)
		}
	}
	for _, span := range []string{"2026-03-01T11:57:00.5/2026-03-01T12:01:00.5", "2026-03-01T11%3A57%3A00.538545%2F2026-03-01T12%3A01%3A00.538545", "2026-03-01T13:57:00+02:00/2026-03-01T14:01:00+02:00"} {
		said, err := insights.ParseMetricsQuery(url.Values{"timespan": {span}}, now) // "az monitor metrics list" escapes twice and names no zone
		if err != nil || !said.From.Equal(query.From) || !said.To.Equal(query.To) {
			t.Errorf("timespan %q: got %v to %v, %v", span, said.From, said.To, err)
		}
	}
	c := neighbourtest.New(t, insights.Types())
	c.Put(logs, `{"location":"westeurope","properties":{}}`)
	answer, err := c.Read("Microsoft.Insights/metrics", logs+"?metricnames=RequestsPerMinute")
	if err != nil {
		t.Fatal(err)
	}
	neighbourtest.Want(t, answer, "timespan", "2026-03-01T11:00:00Z/2026-03-01T12:00:00Z")
}

// A resource says what a diagnostic setting on it can send; of what nobody wrote down the cloud says that it does not know.
func TestCategoriesOfDiagnosticSettings(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, insights.Types(), []provider.Type{{Name: "Microsoft.KeyVault/vaults", Tracked: true}})
	const vault, at = neighbourtest.Group + "/providers/Microsoft.KeyVault/vaults/v", "/providers/Microsoft.Insights/diagnosticSettingsCategories"
	c.Refused(http.MethodGet, vault+at, "", errs.NotFound, "ResourceNotFound")
	c.Refused(http.MethodGet, vault+at+"/AuditEvent", "", errs.NotFound, "ResourceNotFound")
	c.Put(vault, `{"location":"westeurope"}`)
	c.Put(logs, `{"location":"westeurope","properties":{}}`)
	category := func(name, kind string) map[string]any {
		return map[string]any{"id": vault + at + "/" + name, "name": name, "type": "Microsoft.Insights/diagnosticSettingsCategories", "properties": map[string]any{"categoryType": kind}}
	}
	neighbourtest.Want(t, c.Get(vault+at), "value", []any{category("AuditEvent", "Logs"), category("AzurePolicyEvaluationDetails", "Logs"), category("AllMetrics", "Metrics")})
	neighbourtest.Want(t, map[string]any{"got": c.Get(vault + at + "/allmetrics")}, "got", category("AllMetrics", "Metrics"))
	c.Refused(http.MethodGet, vault+at+"/Rumours", "", errs.NotFound, "ResourceNotFound")
	c.Refused(http.MethodGet, logs+at, "", errs.Unsupported, "NotImplemented")
}
