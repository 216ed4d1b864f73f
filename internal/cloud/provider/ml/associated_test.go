package ml_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// Whatever stands in a subscription of another tenant is out of reach: a workspace cannot be built on it.
func TestAWorkspaceStandsOnResourcesOfItsOwnTenant(t *testing.T) {
	t.Parallel()
	c := start(t)
	const foreign = "/subscriptions/bbbbbbbb-0000-0000-0000-000000000002"
	must(t, c.store.Update(t.Context(), func(tx store.Tx) error {
		now := c.clock.Now()
		subscription := control.NewSubscription(strings.TrimPrefix(foreign, "/subscriptions/"), control.SubscriptionBody{DisplayName: "theirs",
			TenantID: "99999999-9999-9999-9999-999999999999", State: control.SubscriptionEnabled}, now)
		if err := tx.Insert(t.Context(), subscription); err != nil {
			return err
		}
		rg := &store.Node{Parent: subscription.ID, Type: "resourceGroups", Name: "source-rg", Body: []byte(`{"location":"eastus"}`), Created: now, Changed: now}
		if err := tx.Insert(t.Context(), rg); err != nil {
			return err
		}
		for _, there := range []string{account, vault, insights, registry} {
			segments := strings.Split(there, "/")
			node := &store.Node{Parent: rg.ID, Type: strings.Join(segments[6:8], "/"), Name: segments[8], Body: []byte(`{"location":"eastus","properties":{}}`), Created: now, Changed: now}
			if err := tx.Insert(t.Context(), node); err != nil {
				return err
			}
		}
		return tx.Bump(t.Context())
	}))
	theirs := func(id string) string { return strings.Replace(id, sub, foreign, 1) }
	for _, id := range []string{account, vault, insights, registry} {
		e := c.refused(errs.Denied, "PUT", ws, strings.Replace(workspaceBody(), id, theirs(id), 1))
		equal(t, id, e.Code, "LinkedAuthorizationFailed")
	}
	c.ok("PUT", ws, workspaceBody())
	c.settle()
	e := c.refused(errs.Denied, "PATCH", ws, `{"properties":{"containerRegistry":"`+theirs(registry)+`"}}`)
	equal(t, "another registry", e.Code, "LinkedAuthorizationFailed")
	e = c.refused(errs.Denied, "PUT", strings.Replace(ws, "ws1", "project", 1), `{"kind":"Project","location":"eastus","properties":{"hubResourceId":"`+theirs(ws)+`"}}`)
	equal(t, "their hub", e.Code, "LinkedAuthorizationFailed")
}

// A hub is held by its own projects and by nothing that only has, or had, such a name.
func TestAHubIsHeldByItsOwnProjects(t *testing.T) {
	t.Parallel()
	c := start(t)
	named := func(name string) string { return strings.Replace(ws, "ws1", name, 1) }
	hub, other, project := named("hub"), named("hub2"), named("project")
	for _, id := range []string{hub, other} {
		c.ok("PUT", id, strings.Replace(workspaceBody(), "{", `{"kind":"Hub",`, 1))
	}
	c.settle()
	of := func(hub string) string {
		return `{"kind":"Project","location":"eastus","properties":{"hubResourceId":"` + hub + `"}}`
	}
	known := func(id string) string {
		return fmt.Sprint(c.ok("GET", id, "")["properties"].(map[string]any)["associatedWorkspaces"])
	}
	gone := func(id string) {
		c.ok("DELETE", id+"?forceToPurge=true", "")
		c.settle()
	}
	c.ok("PUT", project, of(hub))
	c.ok("PUT", named("project2"), of(hub))
	c.settle()
	equal(t, "both", known(hub), "["+project+" "+named("project2")+"]")
	gone(project)
	equal(t, "the one that is left", known(hub), "["+named("project2")+"]")
	c.ok("PUT", project, of(hub)) // again
	c.settle()
	equal(t, "both again, each once", known(hub), "["+named("project2")+" "+project+"]")
	gone(named("project2"))
	gone(project)
	c.ok("PUT", project, of(other)) // of the name, and of another hub
	c.ok("PUT", named("project2"), workspaceBody())
	c.settle()
	gone(hub)
	e := c.refused(errs.Conflict, "DELETE", strings.ToUpper(other[:len(other)-4])+"HUB2", "")
	if !strings.Contains(e.Message, project) {
		t.Errorf("the refusal does not name the project: %s", e.Message)
	}
}

// A hub whose list still names a project that went in another way is not held by whoever has the name now.
func TestAStaleProjectHoldsNoHub(t *testing.T) {
	t.Parallel()
	c := start(t)
	hub, project := strings.Replace(ws, "ws1", "hub", 1), strings.Replace(ws, "ws1", "project", 1)
	c.ok("PUT", hub, strings.Replace(workspaceBody(), "{", `{"kind":"Hub",`, 1))
	c.settle()
	c.ok("PUT", project, `{"kind":"Project","location":"eastus","properties":{"hubResourceId":"`+hub+`"}}`)
	c.settle()
	c.refused(errs.Conflict, "DELETE", hub, "")
	c.move(project, strings.Replace(group, "source-rg", "target-rg", 1))
	c.ok("PUT", project, workspaceBody())
	c.settle()
	c.ok("DELETE", hub, "")
}
