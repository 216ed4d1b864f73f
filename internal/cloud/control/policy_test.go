package control_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/authorization"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// governed is a cloud with a policy at the source group that denies what the condition says.
func governed(t *testing.T, mode, condition string) *neighbourtest.Cloud {
	t.Helper()
	c := neighbourtest.New(t, things(), []provider.Type{{Name: "Microsoft.Test/notes", Extension: true}}, authorization.Types())
	subscription, _, _ := strings.Cut(neighbourtest.Group, "/resourceGroups")
	definition := subscription + "/providers/Microsoft.Authorization/policyDefinitions/deny"
	c.Do(http.MethodPut, definition, fmt.Sprintf(`{"properties":{"mode":"%s","policyRule":{"if":%s,"then":{"effect":"deny"}}}}`, mode, condition))
	c.Do(http.MethodPut, neighbourtest.Group+"/providers/Microsoft.Authorization/policyAssignments/deny", `{"properties":{"policyDefinitionId":"`+definition+`"}}`)
	return c
}

// around is what a rule may ask of what stands around a resource.
const around = `{"value":"[resourceGroup().location]","equals":"westeurope"},{"value":"[resourceGroup().tags.owner]","equals":"red"},{"value":"[subscription().displayName]","equals":"` + neighbourtest.Source + `"},{"value":"[subscription().tenantId]","equals":"` + neighbourtest.Tenant + `"}`

// A policy that looks at the group and the subscription of a resource judges every way in which the resource is written.
func TestPoliciesJudgeTagsAndExtensionsWithTheirGroup(t *testing.T) {
	t.Parallel()
	c := governed(t, "All", `{"allOf":[{"field":"tags.team","equals":"red"},`+around+`]}`)
	notes := governed(t, "All", `{"allOf":[{"field":"type","equals":"Microsoft.Test/notes"},`+around+`]}`)
	for _, c := range []*neighbourtest.Cloud{c, notes} {
		c.Put(thing, plain)
		c.Put(thing+"/parts/p", `{}`)
		c.Do(http.MethodPatch, neighbourtest.Group, `{"tags":{"owner":"red"}}`)
	}
	const tags = "/providers/Microsoft.Resources/tags/default"
	for _, r := range []struct {
		name         string
		c            *neighbourtest.Cloud
		method, path string
		body         string
	}{
		{"a resource with the tag", c, http.MethodPut, at + "things/t2", `{"location":"westeurope","tags":{"team":"red"}}`},
		{"a patch of a resource", c, http.MethodPatch, thing, `{"tags":{"team":"red"}}`},
		{"tags that are replaced", c, http.MethodPut, thing + tags, `{"properties":{"tags":{"team":"red"}}}`},
		{"tags that are merged", c, http.MethodPatch, thing + tags, `{"operation":"Merge","properties":{"tags":{"team":"red"}}}`},
		{"tags of a child", c, http.MethodPut, thing + "/parts/p" + tags, `{"properties":{"tags":{"team":"red"}}}`},
		{"tags of the group", c, http.MethodPatch, neighbourtest.Group + tags, `{"operation":"Merge","properties":{"tags":{"team":"red"}}}`},
		{"the group", c, http.MethodPatch, neighbourtest.Group, `{"tags":{"team":"red","owner":"red"}}`},
		{"a document at a resource", notes, http.MethodPut, thing + "/providers/Microsoft.Test/notes/n", `{"properties":{}}`},
		{"a document at the group", notes, http.MethodPut, neighbourtest.Group + "/providers/Microsoft.Test/notes/n", `{"properties":{}}`},
	} {
		t.Run(r.name, func(t *testing.T) {
			c := *r.c
			c.T = t
			c.Refused(r.method, r.path, r.body, errs.Denied, "RequestDisallowedByPolicy")
		})
	}
	if got := c.Get(thing)["tags"]; got != nil {
		t.Errorf("a refused write left the tags %v", got)
	}
	c.Do(http.MethodPut, thing+tags, `{"properties":{"tags":{"team":"blue"}}}`)
	c.Do(http.MethodPut, neighbourtest.Other+"/providers/Microsoft.Test/things/t", `{"location":"westeurope","tags":{"team":"red"}}`)
}

// A policy of mode Indexed passes by what has neither tags nor a location of its own, whichever way it is written.
func TestIndexedPoliciesPassByTheTagsOfUntrackedTypes(t *testing.T) {
	t.Parallel()
	c := governed(t, "Indexed", `{"field":"tags.team","equals":"red"}`)
	c.Put(thing, plain)
	part := thing + "/parts/p"
	c.Put(part, `{"tags":{"team":"red"}}`)
	c.Do(http.MethodPut, part+"/providers/Microsoft.Resources/tags/default", `{"properties":{"tags":{"team":"red","more":"1"}}}`)
	c.Refused(http.MethodPut, thing+"/providers/Microsoft.Resources/tags/default", `{"properties":{"tags":{"team":"red"}}}`, errs.Denied, "RequestDisallowedByPolicy")
}

// The identity of an assignment is made by the service and stays: what it may do is given to its principal.
func TestAnAssignmentOfAPolicyHasAPrincipal(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	const id = neighbourtest.Group + "/providers/Microsoft.Authorization/policyAssignments/west"
	const body = `{"location":"westeurope","identity":{"type":"SystemAssigned","principalId":"forged"},"properties":{
		"policyDefinitionId":"/providers/Microsoft.Authorization/policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c","parameters":{"listOfAllowedLocations":{"value":["westeurope"]}}}}`
	first := c.Put(id, body)
	neighbourtest.Want(t, first, "identity.tenantId", neighbourtest.Tenant)
	principal := tree.Text(first, "identity.principalId")
	if len(principal) != 36 {
		t.Errorf("the principal of the assignment is %q", principal)
	}
	neighbourtest.Want(t, c.Put(id, body), "identity.principalId", principal)
	neighbourtest.Want(t, c.Put(id, strings.Replace(body, "SystemAssigned", "None", 1)), "identity", map[string]any{"type": "None"})
}

// A reference that the cloud makes up for a member of an initiative is shown: an exemption of that member has to name it.
func TestAnInitiativeShowsTheReferencesOfItsMembers(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	const at = "/subscriptions/" + neighbourtest.Source + "/providers/Microsoft.Authorization/"
	const policy = at + "policyDefinitions/p"
	c.Do(http.MethodPut, policy, `{"properties":{"policyRule":{"if":{"field":"name","equals":"x"},"then":{"effect":"deny"}}}}`)
	member := `{"policyDefinitionId":"` + policy + `"`
	body := `{"properties":{"policyDefinitions":[` + member + `},` + member + `,"policyDefinitionReferenceId":"mine"}]}}`
	for range 2 {
		c.Do(http.MethodPut, at+"policySetDefinitions/s", body)
		members := tree.Get(c.Get(at+"policySetDefinitions/s"), "properties.policyDefinitions").([]any)
		neighbourtest.Want(t, members[0].(map[string]any), "policyDefinitionReferenceId", "p_1")
		neighbourtest.Want(t, members[1].(map[string]any), "policyDefinitionReferenceId", "mine")
	}
}
