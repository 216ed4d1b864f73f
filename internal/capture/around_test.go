package capture

import (
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// TestEveryKindOfAlertThatWatchesIsRead: whatever watches the old id goes on watching it (arm-move 3.1).
func TestEveryKindOfAlertThatWatchesIsRead(t *testing.T) {
	t.Parallel()
	answers, want := map[string]string{}, []string{}
	for _, alert := range aml.Alerts() {
		list := "/subscriptions/s1/providers/" + string(alert.Type)
		id := "/subscriptions/s1/resourceGroups/g/providers/" + string(alert.Type) + "/"
		member := strings.TrimPrefix(alert.Scopes, "properties.")
		answers[list] = `200 {"value":[{"id":"` + id + `ours","properties":{"` + member + `":["` + strings.ToUpper(ws) + `/onlineEndpoints/e"]}},{"id":"` + id + `others","properties":{"` + member + `":["/subscriptions/s1"]}}]}`
		want = append(want, id+"ours")
	}
	answers["/subscriptions/s2/providers/Microsoft.AlertsManagement/smartDetectorAlertRules"] = `409 {"error":{"code":"MissingSubscriptionRegistration","message":"not registered"}}`
	snap, _, err := shoot(t, answers)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range want {
		if _, err := snap.Get(t.Context(), snapshot.Source, id); err != nil {
			t.Error(err)
		}
		if _, err := snap.Get(t.Context(), snapshot.Source, strings.Replace(id, "ours", "others", 1)); !errs.Is(err, errs.NotFound) {
			t.Errorf("%s watches something else: %v", id, err)
		}
	}
	if gaps, err := snap.Gaps(t.Context()); err != nil || len(gaps) > 0 {
		t.Errorf("a provider that is not registered has no alerts: %+v %v", gaps, err)
	}
}

// TestWhatScalesDeploymentsIsRead: a setting of Azure Monitor goes on naming the old id of the deployment that it scales.
func TestWhatScalesDeploymentsIsRead(t *testing.T) {
	t.Parallel()
	const list, at = "/subscriptions/s1/providers/Microsoft.Insights/autoscaleSettings", "/subscriptions/s1/resourceGroups/g/providers/Microsoft.Insights/autoscaleSettings/"
	answers := map[string]string{
		"/subscriptions/s1/providers/Microsoft.Insights": `200 {"namespace":"Microsoft.Insights","resourceTypes":[{"resourceType":"autoscalesettings","apiVersions":["2022-10-01"]}]}`,
		list: `200 {"value":[{"id":"` + at + `ours","properties":{"targetResourceUri":"` + strings.ToUpper(ws) + `/onlineEndpoints/e/deployments/d"}},{"id":"` + at + `others","properties":{"targetResourceUri":"/subscriptions/s1/resourceGroups/g/providers/Microsoft.Web/serverfarms/f"}}]}`,
	}
	snap, _, err := shoot(t, answers)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := snap.Get(t.Context(), snapshot.Source, at+"ours"); err != nil {
		t.Error(err)
	}
	if _, err := snap.Get(t.Context(), snapshot.Source, at+"others"); !errs.Is(err, errs.NotFound) {
		t.Errorf("it scales something else: %v", err)
	}
	if _, a, err := shoot(t, nil); err != nil || slices.ContainsFunc(a.asked, func(r string) bool { return strings.Contains(r, list) }) {
		t.Errorf("a provider that does not offer them was asked for settings: %v", err)
	}
}

// TestWhatTheCallerMayDoIsAskedWhereItIsNeeded: a provider is registered for a subscription, whatever somebody may do in its groups (S17).
func TestWhatTheCallerMayDoIsAskedWhereItIsNeeded(t *testing.T) {
	t.Parallel()
	_, a, err := shoot(t, map[string]string{"/subscriptions/s2/resourceGroups/t": `200 {"id":"/subscriptions/s2/resourceGroups/t","location":"eastus"}`})
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range []string{ws, "/subscriptions/s1/resourceGroups/g", "/subscriptions/s2/resourceGroups/t", "/subscriptions/s2"} {
		if !slices.ContainsFunc(a.asked, func(r string) bool {
			return strings.HasPrefix(r, "GET "+scope+"/providers/Microsoft.Authorization/permissions?")
		}) {
			t.Errorf("nobody asked what the caller may do at %s", scope)
		}
	}
}

// TestOtherWorkspacesOnTheSameAccountsAreRead: what moves along is taken from under them (S42).
func TestOtherWorkspacesOnTheSameAccountsAreRead(t *testing.T) {
	t.Parallel()
	const store = "/subscriptions/s1/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/acc"
	other := func(subscription, name, storage string) string {
		return `{"id":"/subscriptions/` + subscription + `/resourceGroups/o/providers/Microsoft.MachineLearningServices/workspaces/` + name + `","properties":{"storageAccount":` + storage + `}}`
	}
	itself := `200 {"id":"` + ws + `","location":"East US","properties":{"storageAccount":"` + store + `"}}`
	snap, _, err := shoot(t, map[string]string{
		ws: itself,
		"/subscriptions/s1/providers/Microsoft.MachineLearningServices/workspaces": `200 {"value":[` + strings.TrimPrefix(itself, "200 ") + `,` + other("s1", "twin", `"`+strings.ToUpper(store)+`"`) + `,` + other("s1", "alone", `null`) + `]}`,
		"/subscriptions/s2/providers/Microsoft.MachineLearningServices/workspaces": `200 {"value":[` + other("s2", "far", `"`+store+`"`) + `,` + other("s2", "alone", `"`+store+`2"`) + `]}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for d, err := range snap.Of(t.Context(), snapshot.Source, aml.Workspaces) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, d.ID[strings.LastIndexByte(d.ID, '/')+1:])
	}
	if !slices.Equal(names, []string{"twin", "far"}) {
		t.Errorf("got %q", names)
	}
}
