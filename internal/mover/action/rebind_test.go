package action

import (
	"net/http"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// TestWhatIsBoundToWhatIsTakenAwayComesBackWithIt: roles and diagnostic settings go with an endpoint or a compute that is removed, so a run that is taken back must make them again.
func TestWhatIsBoundToWhatIsTakenAwayComesBackWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso")
	logs := ""
	for _, item := range w.facts.Of(snapshot.Source, aml.DiagnosticSettings) {
		logs = item.Doc.Text("properties.workspaceId")
	}
	endpoint, cluster := w.below("onlineEndpoints/contoso-fraud"), w.below("computes/cpu-cluster")
	reader := "/subscriptions/" + w.cloud.Subscriptions[0] + "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
	bound := []string{}
	for i, scope := range []string{endpoint, endpoint + "/deployments/blue", cluster} {
		role := scope + "/providers/Microsoft.Authorization/roleAssignments/" + strings.Replace(assigned, "aa", "a"+string(rune('1'+i)), 1)
		given(t, w.cloud, role, map[string]any{"properties": map[string]any{"principalId": someone, "principalType": "User", "roleDefinitionId": reader}})
		bound = append(bound, role)
		if scope == cluster { // the service offers none on computes
			continue
		}
		setting := scope + "/providers/Microsoft.Insights/diagnosticSettings/calls"
		w.ask(t, http.MethodPut, setting+"?api-version=2021-05-01-preview", map[string]any{"properties": map[string]any{"workspaceId": logs, "logs": []any{map[string]any{"category": "AmlOnlineEndpointTrafficLog", "enabled": true}}}})
		bound = append(bound, setting)
	}
	w = worldOn(t, w.cloud)
	w.seal(t, "onlineEndpoints/contoso-fraud")
	before := map[string]arm.Document{}
	for _, id := range bound {
		before[id] = w.get(t, id)
	}
	for _, task := range []*Task{w.task(plan.RemoveEndpoint, endpoint, nil), w.task(plan.RemoveCompute, cluster, nil)} {
		w.do(t, task)
		w.undone(t, task)
	}
	for _, id := range bound {
		if _, found, err := w.task("test", id, nil).Read(t.Context(), must(t, id)); err != nil || !found {
			t.Errorf("S16, pain 16 %s did not come back (%v)", id, err)
		} else {
			same(t, id, before[id], w.get(t, id), "systemData", "etag", "properties.createdOn", "properties.updatedOn", "properties.createdBy", "properties.updatedBy")
		}
	}
}
