package action

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/snapshot"
)

const (
	customRole = "5c4f1d6e-0000-4000-8000-00000000c0de"
	someone    = "5c4f1d6e-0000-4000-8000-000000000001"
	assigned   = "5c4f1d6e-0000-4000-8000-0000000000aa"
)

// withCustomRole starts a cloud whose workspace gives a custom role to somebody, with a condition; reach says for which subscriptions the role is made. It returns the world and the assignment.
func withCustomRole(t *testing.T, reach func(c *cloudtest.Cloud) []string) (*world, string) {
	t.Helper()
	cloud := cloudtest.Start(t, cloudtest.Fixture("contoso-quiet"))
	subscription := "/subscriptions/" + cloud.Subscriptions[0]
	role := subscription + "/providers/Microsoft.Authorization/roleDefinitions/" + customRole
	id := subscription + "/resourceGroups/ml-dev-rg/providers/Microsoft.MachineLearningServices/workspaces/contoso-ml/providers/Microsoft.Authorization/roleAssignments/" + assigned
	for path, body := range map[string]any{role: map[string]any{"properties": map[string]any{"roleName": "ML watcher", "type": "CustomRole", "description": "", "assignableScopes": reach(cloud),
		"permissions": []any{map[string]any{"actions": []string{"Microsoft.MachineLearningServices/workspaces/read"}}}}}} {
		given(t, cloud, path, body)
	}
	given(t, cloud, id, map[string]any{"properties": map[string]any{"roleDefinitionId": role, "principalId": someone, "principalType": "User", "description": "looks only",
		"condition": "@Resource[name] StringEquals 'x'", "conditionVersion": "2.0"}})
	return worldOn(t, cloud), id
}

func given(t *testing.T, cloud *cloudtest.Cloud, path string, body any) {
	t.Helper()
	if answer := cloud.Await(t, http.MethodPut, path+"?api-version=2022-04-01", body); answer.Status >= 300 {
		t.Fatalf("%s: %d %s", path, answer.Status, answer.Body)
	}
}

func TestACustomRoleIsGivenWhereItMayBe(t *testing.T) {
	t.Parallel()
	w, id := withCustomRole(t, func(c *cloudtest.Cloud) []string {
		return []string{"/subscriptions/" + c.Subscriptions[0], "/subscriptions/" + c.Subscriptions[1]}
	})
	before := w.get(t, id)
	w.move(t)
	task := w.task(plan.RestoreRole, id, nil)
	w.want(t, task)
	a, err := task.assignment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	after := w.get(t, a.id().String())
	for _, name := range []string{"principalId", "principalType", "description", "condition", "conditionVersion"} {
		if got, want := after.Text("properties."+name), before.Text("properties."+name); got != want || want == "" {
			t.Errorf("S16 %s is %q, was %q", name, got, want)
		}
	}
	if got := after.Text("properties.roleDefinitionId"); !strings.Contains(got, w.cloud.Subscriptions[1]) || !strings.HasSuffix(got, customRole) {
		t.Errorf("S16 the role is %s", got)
	}
	if len(w.journal.remarks) > 0 {
		t.Errorf("nothing is left to do, and it says %v", w.journal.remarks)
	}
}

func TestACustomRoleThatMayNotBeGivenThereIsLeftToAPerson(t *testing.T) {
	t.Parallel()
	w, id := withCustomRole(t, func(c *cloudtest.Cloud) []string { return []string{"/subscriptions/" + c.Subscriptions[0]} })
	w.move(t)
	task := w.task(plan.RestoreRole, id, nil)
	w.want(t, task)
	if said := fmt.Sprint(w.journal.remarks); len(w.journal.remarks) == 0 || !strings.Contains(said, "todo") || !strings.Contains(said, someone) || !strings.Contains(said, "cannot be made again") {
		t.Errorf("S16 a person is not told: %s", said)
	}
	if w.journal.writes() > 0 {
		t.Error("it was tried all the same")
	}
}

func TestAPrincipalThatIsGoneIsLeftToAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso-quiet")
	w.move(t)
	w.fault(t, `{"kind":"status","status":400,"code":"PrincipalNotFound","message":"Principal x does not exist in the directory.","match":{"method":"PUT","path":"**/roleAssignments/*"}}`)
	w.want(t, w.task(plan.RestoreRole, w.someAssignment(t), nil))
	if said := fmt.Sprint(w.journal.remarks); !strings.Contains(said, "todo") || !strings.Contains(said, "does not exist in the directory") {
		t.Errorf("pain 16: a person is not told: %s", said)
	}
}

func TestARightThatTheRunLacksIsAnError(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso-quiet")
	w.move(t)
	w.fault(t, `{"kind":"status","status":403,"code":"AuthorizationFailed","message":"no","match":{"method":"PUT","path":"**/roleAssignments/*"}}`)
	task := w.task(plan.RestoreRole, w.someAssignment(t), nil)
	if err := (restoreRole{}).Do(t.Context(), task); codeIn(err) != "AuthorizationFailed" {
		t.Errorf("arm-move 4: Contributor is not enough to give roles, and it says %v", err)
	}
	w.done(t, task, false)
}

// someAssignment is a role assignment on the workspace.
func (w *world) someAssignment(t *testing.T) string {
	t.Helper()
	for _, item := range w.facts.Of(snapshot.Source, aml.RoleAssignments) {
		if item.ID.Scope().Equal(w.facts.Workspace.ID) {
			return item.Key
		}
	}
	t.Fatal("the workspace has no role assignment")
	return ""
}

func TestARoleThatSomebodyGaveMeanwhileIsEnough(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso-quiet")
	w.move(t)
	task := w.task(plan.RestoreRole, w.someAssignment(t), nil)
	a, err := task.assignment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// An assignment of the same role at the group is inherited, and none of the workspace's.
	given(t, w.cloud, w.Plan.Target+"/providers/Microsoft.Authorization/roleAssignments/5c4f1d6e-0000-4000-8000-0000000000bb", a.body)
	w.done(t, task, false)
	upper := arm.Document{"properties": map[string]any{"principalId": strings.ToUpper(a.body.Text("properties.principalId")), "roleDefinitionId": strings.ToUpper(a.body.Text("properties.roleDefinitionId"))}}
	given(t, w.cloud, a.scope.String()+"/providers/Microsoft.Authorization/roleAssignments/5c4f1d6e-0000-4000-8000-0000000000cc", upper)
	w.done(t, task, true)
	if err := (restoreRole{}).Do(t.Context(), task); err != nil {
		t.Errorf("RoleAssignmentExists is fine, and it says %v", err)
	}
}
