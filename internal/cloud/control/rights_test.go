package control_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// Roles that these tests give.
const (
	ownerRole  = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	readerRole = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
)

// roleBody is a custom role with some actions, assignable at some scopes.
func roleBody(name, actions string, scopes ...string) string {
	return fmt.Sprintf(`{"properties":{"roleName":%q,"assignableScopes":["%s"],"permissions":[{"actions":[%q]}]}}`, name, strings.Join(scopes, `","`), actions)
}

// The owner of one group cannot change what a role means for everybody: neither a role of Azure nor one that others made.
func TestARoleIsChangedOnlyWhereItIsDefined(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	subscription, _, _ := strings.Cut(neighbourtest.Group, "/resourceGroups")
	const definitions = "/providers/Microsoft.Authorization/roleDefinitions/"
	c.Do(http.MethodPut, subscription+"/resourceGroups/mine", `{"location":"westeurope"}`)
	c.Put(thing, plain)
	custom := provider.NewGUID()
	c.Do(http.MethodPut, subscription+definitions+custom, roleBody("Looker", "*/read", subscription))
	mine := c.As(ownerRole, subscription+"/resourceGroups/mine")
	victims := []*neighbourtest.Cloud{c.As(readerRole, neighbourtest.Group), c.As(custom, neighbourtest.Group)}

	at := subscription + "/resourceGroups/mine"
	mine.Refused(http.MethodPut, at+definitions+readerRole, roleBody("Reader, but more", "*", at), errs.Denied, "RoleDefinitionCannotBeUpdated")
	mine.Refused(http.MethodPut, at+definitions+strings.ToUpper(custom), roleBody("Looker, but more", "*", at), errs.Conflict, "RoleDefinitionExists")
	c.Refused(http.MethodPut, subscription+definitions+readerRole, roleBody("Reader, but more", "*", subscription), errs.Denied, "RoleDefinitionCannotBeUpdated")
	for _, v := range victims {
		if _, err := v.Try(http.MethodDelete, thing, ""); !errs.Is(err, errs.Denied) {
			t.Errorf("a reader deletes: %v", err)
		}
	}
	changed, err := c.Try(http.MethodPut, subscription+definitions+custom, roleBody("Looker", "Microsoft.Test/*", subscription)) // where it is defined
	if err != nil || changed.Status != http.StatusCreated {                                                                      // the description knows no other answer: "az role definition update" fails on 200
		t.Errorf("the change of a role was answered %d %v, want 201", changed.Status, err)
	}
	if _, err := victims[1].Try(http.MethodDelete, thing, ""); err != nil {
		t.Errorf("the changed role does not hold: %v", err)
	}
}

// A custom role may be made assignable only where its maker may write roles.
func TestARoleIsAssignableWhereItsMakerMayWriteRoles(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	const definitions = "/providers/Microsoft.Authorization/roleDefinitions/"
	mine := c.As(ownerRole, neighbourtest.Group)
	mine.Do(http.MethodPut, neighbourtest.Group+definitions+provider.NewGUID(), roleBody("Here", "*/read", neighbourtest.Group))
	mine.Refused(http.MethodPut, neighbourtest.Group+definitions+provider.NewGUID(), roleBody("There", "*/read", neighbourtest.Group, neighbourtest.Other), errs.Denied, "LinkedAuthorizationFailed")
	c.Do(http.MethodPut, neighbourtest.Group+definitions+provider.NewGUID(), roleBody("There", "*/read", neighbourtest.Group, neighbourtest.Other))
}

// Preconditions hold on groups and on documents at a scope as they do on resources.
func TestPreconditionsHoldOnGroupsAndDocuments(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	subscription, _, _ := strings.Cut(neighbourtest.Group, "/resourceGroups")
	for _, d := range []struct{ name, path, body, other string }{
		{"a group", subscription + "/resourceGroups/g", `{"location":"westeurope"}`, `{"location":"westeurope","tags":{"a":"b"}}`},
		{"a lock", neighbourtest.Group + "/providers/Microsoft.Authorization/locks/l", `{"properties":{"level":"NotSpecified"}}`, `{"properties":{"level":"CanNotDelete"}}`},
	} {
		t.Run(d.name, func(t *testing.T) {
			c := *c
			c.T = t
			first, err := send(&c, http.MethodPut, d.path, d.body, "", "*")
			if err != nil || first.Status != http.StatusCreated || first.ETag == "" {
				t.Fatalf("a creation under If-None-Match: * gave %d %v", first.Status, err)
			}
			second, err := send(&c, http.MethodPut, d.path, d.other, first.ETag, "")
			if err != nil || second.ETag == first.ETag {
				t.Fatalf("a replacement under the right If-Match gave %v, etag %s", err, second.ETag)
			}
			for _, refused := range []struct{ name, method, ifMatch, ifNoneMatch string }{
				{"a creation of what is there", http.MethodPut, "", "*"},
				{"a replacement of an old state", http.MethodPut, first.ETag, ""},
				{"a deletion of an old state", http.MethodDelete, first.ETag, ""},
			} {
				if _, err := send(&c, refused.method, d.path, d.body, refused.ifMatch, refused.ifNoneMatch); !errs.Is(err, errs.Precondition) {
					t.Errorf("%s gave %v", refused.name, err)
				}
			}
			if _, err := send(&c, http.MethodPut, d.path+"-new", d.body, "*", ""); !errs.Is(err, errs.Precondition) {
				t.Errorf("a replacement of what is not there gave %v", err)
			}
			if same, err := send(&c, http.MethodGet, d.path, "", "", second.ETag); err != nil || same.Status != http.StatusNotModified || len(same.Body) > 0 {
				t.Errorf("a read of what did not change gave %d %v", same.Status, err)
			}
			if _, err := send(&c, http.MethodDelete, d.path, "", second.ETag, ""); err != nil {
				t.Errorf("a deletion under the right If-Match gave %v", err)
			}
		})
	}
}

// Tags are judged as the document they are: rights for each verb, characters counted as such, and nothing malformed wipes them.
func TestTagsAreJudged(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	c.Put(thing, `{"location":"westeurope","tags":{"keep":"me"}}`)
	const tags = thing + "/providers/Microsoft.Resources/tags/default"
	for _, body := range []string{`{"properties":{"tags":["a"]}}`, `{"properties":{"tags":"a"}}`, `{"properties":["a"]}`} {
		c.Refused(http.MethodPut, tags, body, errs.Invalid, "InvalidRequestContent")
	}
	neighbourtest.Want(t, c.Get(thing), "tags", map[string]any{"keep": "me"})

	subscription, _, _ := strings.Cut(neighbourtest.Group, "/resourceGroups")
	role := provider.NewGUID()
	c.Do(http.MethodPut, subscription+"/providers/Microsoft.Authorization/roleDefinitions/"+role, roleBody("Tagger", "Microsoft.Resources/tags/write", subscription))
	tagger := c.As(role, neighbourtest.Group)
	tagger.Do(http.MethodPatch, tags, `{"operation":"Merge","properties":{"tags":{"more":"1"}}}`)
	tagger.Refused(http.MethodDelete, tags, "", errs.Denied, "AuthorizationFailed")

	wide := strings.Repeat("é", 256)
	c.Do(http.MethodPut, tags, `{"properties":{"tags":{"`+wide+wide+`":"`+wide+`"}}}`)
	c.Refused(http.MethodPut, tags, `{"properties":{"tags":{"a":"`+wide+`é"}}}`, errs.Invalid, "InvalidTagName")
}

// A role of Azure cannot be deleted, and an answer does not pretend that it was.
func TestBuiltInRolesCannotBeDeleted(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	c.Refused(http.MethodDelete, neighbourtest.Group+"/providers/Microsoft.Authorization/roleDefinitions/"+readerRole, "", errs.Denied, "RoleDefinitionCannotBeDeleted")
	c.Delete(neighbourtest.Group + "/providers/Microsoft.Authorization/roleDefinitions/" + provider.NewGUID()) // of nothing: done already
}

// What is bound to a scope in a group that is not there is not an empty list: the group is missing.
func TestListsAtAScopeWantItsGroup(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	nowhere := strings.Replace(neighbourtest.Group, "/rg", "/nowhere", 1)
	for _, scope := range []string{nowhere, nowhere + "/providers/Microsoft.Test/things/t1"} {
		for _, kind := range []string{"locks", "roleAssignments", "policyAssignments"} {
			c.Refused(http.MethodGet, scope+"/providers/Microsoft.Authorization/"+kind, "", errs.NotFound, "ResourceGroupNotFound")
		}
	}
	if list := c.Get(thing + "/providers/Microsoft.Authorization/roleAssignments?$filter=atExactScope()")["value"].([]any); len(list) != 0 { // of a thing that went: its orphans show (S16)
		t.Errorf("got %v", list)
	}
}

// A role is one for the whole directory and shows wherever it may be assigned, under the subscription of the question: az joins the assignments of a scope with the
// roles of that scope by these ids, and gives the id that it finds to a new assignment.
func TestARoleShowsWhereverItMayBeAssigned(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	c.Put(thing, plain)
	source, target := "/subscriptions/"+neighbourtest.Source, "/subscriptions/"+neighbourtest.Target
	const definitions = "/providers/Microsoft.Authorization/roleDefinitions"
	both, here, narrow := provider.NewGUID(), provider.NewGUID(), provider.NewGUID()
	c.Do(http.MethodPut, source+definitions+"/"+both, roleBody("Both", "*/read", source, target))
	c.Do(http.MethodPut, source+definitions+"/"+here, roleBody("Here", "*/read", source))
	c.Do(http.MethodPut, neighbourtest.Group+definitions+"/"+narrow, roleBody("Narrow", "*/read", neighbourtest.Group))
	for _, l := range []struct {
		name, scope, filter, at string
		want                    []string
	}{
		{"where it was made", source, "type eq 'CustomRole'", source, []string{both, here}},
		{"in the other subscription that it names", target, "type eq 'CustomRole'", target, []string{both}},
		{"in a group below", neighbourtest.Group, "type eq 'CustomRole'", source, []string{both, here, narrow}},
		{"on a resource below", thing, "type eq 'CustomRole'", source, []string{both, here, narrow}},
		{"with what may be assigned below", source, "atScopeAndBelow() and type eq 'CustomRole'", source, []string{both, here, narrow}},
		{"one of Azure", neighbourtest.Group, "roleName eq 'Reader'", source, []string{readerRole}},
		{"one of Azure at the tenant", "", "roleName eq 'Reader'", "", []string{readerRole}},
	} {
		t.Run(l.name, func(t *testing.T) {
			var want []string
			for _, name := range l.want {
				want = append(want, l.at+definitions+"/"+name)
			}
			once(t, pages(t, c, l.scope+definitions+"?$top=1&$filter="+url.QueryEscape(l.filter), 1), want)
			for _, id := range want {
				neighbourtest.Want(t, c.Get(id), "id", id)
			}
		})
	}
	c.Refused(http.MethodGet, target+definitions+"/"+here, "", errs.NotFound, "RoleDefinitionDoesNotExist")
	c.Refused(http.MethodDelete, target+definitions+"/"+both, "", errs.Conflict, "RoleDefinitionExists") // never done in words only
	neighbourtest.Want(t, c.Get(source+definitions+"/"+both), "properties.roleName", "Both")
}

// An assignment names its role under its own subscription, however the role was named.
func TestAnAssignmentNamesItsRoleUnderItsSubscription(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	const definitions = "/providers/Microsoft.Authorization/roleDefinitions/"
	for _, given := range []string{definitions + readerRole, "/subscriptions/" + neighbourtest.Target + definitions + strings.ToUpper(readerRole)} {
		id := neighbourtest.Group + "/providers/Microsoft.Authorization/roleAssignments/" + provider.NewGUID()
		c.Do(http.MethodPut, id, fmt.Sprintf(`{"properties":{"roleDefinitionId":%q,"principalId":%q}}`, given, provider.NewGUID()))
		neighbourtest.Want(t, c.Get(id), "properties.roleDefinitionId", "/subscriptions/"+neighbourtest.Source+definitions+readerRole)
	}
}

// A refusal calls a user by name, as ARM does: the application id of az, with which everybody signs in, names nobody.
func TestARefusalNamesTheUser(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	target, err := arm.ParseTarget(neighbourtest.Group)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []struct{ kind, want string }{{identity.User, "The client 'ann@test' with object id 'ann' "}, {identity.ServicePrincipal, "The client 'az' with object id 'ann' "}} {
		_, err := c.Engine.Do(t.Context(), &control.Request{Method: http.MethodGet, Target: target,
			Caller: identity.Caller{ObjectID: "ann", TenantID: neighbourtest.Tenant, ClientID: "az", UserName: "ann@test", Kind: l.kind}})
		if !errs.Is(err, errs.Denied) || !strings.HasPrefix(errs.As(err).Message, l.want) {
			t.Errorf("got %v, want %q", err, l.want)
		}
	}
}

// Names of roles are those of a tenant: what another tenant calls its roles is nobody's business.
func TestARoleMayBeNamedAsOneOfAnotherTenant(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	const source, foreign = "/subscriptions/" + neighbourtest.Source, "55555555-5555-5555-5555-555555555555"
	const definitions = "/providers/Microsoft.Authorization/roleDefinitions/"
	err := c.Store.Update(t.Context(), func(tx store.Tx) error {
		return tx.Insert(t.Context(), control.NewSubscription(foreign, control.SubscriptionBody{DisplayName: "foreign", TenantID: foreign, State: control.SubscriptionEnabled}, neighbourtest.Start))
	})
	if err != nil {
		t.Fatal(err)
	}
	theirs := provider.NewGUID()
	c.Bind("/subscriptions/"+foreign, "Microsoft.Authorization/roleDefinitions", theirs, map[string]any{"roleName": "Looker", "assignableScopes": []any{"/subscriptions/" + foreign},
		"permissions": []any{map[string]any{"actions": []any{"*/read"}}}})
	c.Refused(http.MethodPut, source+definitions+theirs, roleBody("Other", "*/read", source), errs.Conflict, "RoleDefinitionExists")
	c.Do(http.MethodPut, source+definitions+provider.NewGUID(), roleBody("Looker", "*/read", source))
	c.Refused(http.MethodPut, source+definitions+provider.NewGUID(), roleBody("looker", "*/read", source), errs.Conflict, "RoleDefinitionWithSameNameExists")
}
