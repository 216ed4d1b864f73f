package control_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/authorization"
	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// things is a namespace of plain types, to see what the engine does for every type.
func things() []provider.Type {
	return []provider.Type{
		{Name: "Microsoft.Test/things", Versions: []string{"2024-01-01"}, Tracked: true, MoveGroup: true, Stateful: true, Secrets: []string{"properties.password"}, Refs: arm.NewPaths("properties.friend")},
		{Name: "Microsoft.Test/things/parts"},
		{Name: "Microsoft.Test/things/shelves", Slotted: true},
		{Name: "Microsoft.Test/things/shelves/books", AutoParent: true, Archivable: true},
		{Name: "Microsoft.Test/wide", Tracked: true, Global: true, Unique: provider.Global},
	}
}

const (
	at    = neighbourtest.Group + "/providers/Microsoft.Test/"
	thing = at + "things/t1"
	plain = `{"location":"westeurope","properties":{"a":1}}`
)

func cloud(t *testing.T) *neighbourtest.Cloud {
	t.Helper()
	return neighbourtest.New(t, things(), authorization.Types())
}

// send sends a request with headers.
func send(c *neighbourtest.Cloud, method, path, body, ifMatch, ifNoneMatch string) (control.Response, error) {
	target, err := arm.ParseTarget(path)
	if err != nil {
		c.T.Fatal(err)
	}
	return c.Engine.Do(c.T.Context(), &control.Request{Method: method, Target: target, Query: url.Values{}, Body: []byte(body), IfMatch: ifMatch, IfNoneMatch: ifNoneMatch,
		Caller: identity.Caller{ObjectID: neighbourtest.Caller, TenantID: neighbourtest.Tenant, ClientID: neighbourtest.Caller, Kind: identity.ServicePrincipal}})
}

func TestPreconditionsHold(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	first, err := send(c, http.MethodPut, thing, plain, "", "*")
	if err != nil || first.Status != http.StatusCreated || first.ETag == "" {
		t.Fatalf("a creation under If-None-Match: * gave %d %v", first.Status, err)
	}
	second, err := send(c, http.MethodPut, thing, plain, first.ETag, "")
	if err != nil || second.Status != http.StatusOK || second.ETag == first.ETag {
		t.Fatalf("a replacement under the right If-Match gave %d %v, etag %s", second.Status, err, second.ETag)
	}
	for _, refused := range []struct{ name, method, path, ifMatch, ifNoneMatch string }{
		{"a creation of what is there", http.MethodPut, thing, "", "*"},
		{"a replacement of an old state", http.MethodPut, thing, first.ETag, ""},
		{"a patch of an old state", http.MethodPatch, thing, first.ETag, ""},
		{"a deletion of an old state", http.MethodDelete, thing, first.ETag, ""},
		{"a replacement of what is not there", http.MethodPut, at + "things/t2", "*", ""},
	} {
		if _, err := send(c, refused.method, refused.path, plain, refused.ifMatch, refused.ifNoneMatch); !errs.Is(err, errs.Precondition) {
			t.Errorf("%s gave %v", refused.name, err)
		}
	}
	lock := thing + "/providers/Microsoft.Authorization/locks/l"
	bound, err := send(c, http.MethodPut, lock, `{"properties":{"level":"NotSpecified"}}`, "", "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		if _, err := send(c, method, lock, `{"properties":{"level":"NotSpecified"}}`, first.ETag, ""); !errs.Is(err, errs.Precondition) {
			t.Errorf("a %s of an old state of a lock gave %v", method, err)
		}
	}
	if _, err := send(c, http.MethodDelete, lock, "", bound.ETag, ""); err != nil {
		t.Errorf("a deletion of a lock as it is gave %v", err)
	}
	if same, err := send(c, http.MethodGet, thing, "", "", second.ETag); err != nil || same.Status != http.StatusNotModified || len(same.Body) > 0 {
		t.Errorf("a read of an unchanged thing gave %d %v", same.Status, err)
	}
}

func TestDocumentsComeBackAsTheyWerePut(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	c.Put(at+"things/friend", plain)
	got := c.Put(thing, `{"id":"/forged","name":"forged","type":"forged","location":"westeurope","tags":{"Team":"x"},"unknown":{"deep":[1,2.50,"<&>"]},"properties":{"password":"canary","friend":"`+at+`things/FRIEND","n":10000000000000000000001,"nothing":null}}`)
	raw, _ := json.Marshal(got)
	for _, want := range []string{`"id":"` + thing + `"`, `"name":"t1"`, `"type":"Microsoft.Test/things"`, `[1,2.50,"\u003c\u0026\u003e"]`, `10000000000000000000001`, `"provisioningState":"Succeeded"`, `"createdByType":"Application"`, `things/friend"`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("%s is missing in %s", want, raw)
		}
	}
	if strings.Contains(string(raw), "canary") {
		t.Errorf("the secret came back: %s", raw)
	}
	patched := c.Do(http.MethodPatch, thing, `{"properties":{"n":null,"m":true},"tags":{"Team":"y"}}`)
	raw, _ = json.Marshal(patched)
	if strings.Contains(string(raw), `"n":1`) || !strings.Contains(string(raw), `"m":true`) || !strings.Contains(string(raw), `"Team":"y"`) || !strings.Contains(string(raw), "2.50") {
		t.Errorf("the patch gave %s", raw)
	}
}

func TestReferencesFollowAndDanglingOnesKeepTheirWords(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	c.Put(at+"things/friend", plain)
	c.Put(thing, `{"location":"westeurope","properties":{"friend":"`+at+`things/friend"}}`)
	c.Move(at+"things/friend", neighbourtest.Other)
	neighbourtest.Want(t, c.Get(thing), "properties.friend", neighbourtest.Other+"/providers/Microsoft.Test/things/friend")
	c.Delete(neighbourtest.Other + "/providers/Microsoft.Test/things/friend")
	neighbourtest.Want(t, c.Get(thing), "properties.friend", at+"things/friend")
}

func TestBadRequestsAreRefusedInARMsWords(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	c.Put(thing, plain)
	c.Put(at+"wide/w1", plain)
	for _, r := range []struct {
		name, method, path, body string
		kind                     errs.Kind
		code                     string
	}{
		{"a body that is no JSON", http.MethodPut, thing, `{"location":`, errs.Invalid, "InvalidRequestContent"},
		{"a body that is a list", http.MethodPut, thing, `[]`, errs.Invalid, "InvalidRequestContent"},
		{"a body with more behind it", http.MethodPut, thing, plain + plain, errs.Invalid, "InvalidRequestContent"},
		{"properties that are a text", http.MethodPut, thing, `{"location":"westeurope","properties":"x"}`, errs.Invalid, "InvalidRequestContent"},
		{"no location", http.MethodPut, at + "things/t2", `{"properties":{}}`, errs.Invalid, "LocationRequired"},
		{"a location that is none", http.MethodPut, at + "things/t2", `{"location":"nowhere"}`, errs.Invalid, "LocationNotAvailableForResourceType"},
		{"a location that is none for it", http.MethodPut, at + "things/t2", `{"location":"global"}`, errs.Invalid, "LocationNotAvailableForResourceType"},
		{"a group in a location that is none", http.MethodPut, neighbourtest.Group + "2", `{"location":"nowhere"}`, errs.Invalid, "LocationNotAvailableForResourceGroup"},
		{"a group that is global", http.MethodPut, neighbourtest.Group + "2", `{"location":"global"}`, errs.Invalid, "LocationNotAvailableForResourceGroup"},
		{"another location", http.MethodPut, thing, `{"location":"eastus"}`, errs.Conflict, "InvalidResourceLocation"},
		{"tags that are a list", http.MethodPut, thing, `{"location":"westeurope","tags":[]}`, errs.Invalid, "InvalidRequestContent"},
		{"a tag that is a number", http.MethodPut, thing, `{"location":"westeurope","tags":{"a":1}}`, errs.Invalid, "InvalidTagValue"},
		{"a tag with a bad name", http.MethodPut, thing, `{"location":"westeurope","tags":{"a<b":"1"}}`, errs.Invalid, "InvalidTagName"},
		{"a name with a forbidden character", http.MethodPut, at + "things/t<1", plain, errs.Invalid, "InvalidResourceName"},
		{"a patch of nothing", http.MethodPatch, at + "things/t2", `{}`, errs.NotFound, "ResourceNotFound"},
		{"a child of nothing", http.MethodPut, at + "things/t2/parts/p", `{}`, errs.NotFound, "ParentResourceNotFound"},
		{"a group that is not there", http.MethodGet, strings.Replace(thing, "/rg/", "/nowhere/", 1), "", errs.NotFound, "ResourceGroupNotFound"},
		{"a subscription that is not there", http.MethodGet, "/subscriptions/00000000-0000-0000-0000-000000000000", "", errs.NotFound, "SubscriptionNotFound"},
		{"a namespace that nobody knows", http.MethodGet, neighbourtest.Group + "/providers/Microsoft.Nope/x/y", "", errs.NotFound, "InvalidResourceNamespace"},
		{"a type that nobody knows", http.MethodGet, at + "nope/y", "", errs.NotFound, "InvalidResourceType"},
		{"a type that Azure has and this cloud has not", http.MethodGet, neighbourtest.Group + "/providers/Microsoft.Compute/virtualMachines/vm", "", errs.Unsupported, "NotImplemented"},
		{"an action that nobody knows", http.MethodPost, thing + "/dance", "", errs.Unsupported, "NotImplemented"},
		{"a method that the type lacks", http.MethodPost, thing, "", errs.Invalid, "HttpMethodNotAllowed"},
		{"a name taken everywhere", http.MethodPut, neighbourtest.Other + "/providers/Microsoft.Test/wide/W1", plain, errs.Conflict, "NameAlreadyExists"},
		{"a filter that nobody knows", http.MethodGet, neighbourtest.Group + "/resources?%24filter=colour%20eq%20%27red%27", "", errs.Invalid, "InvalidFilterInQueryString"},
	} {
		t.Run(r.name, func(t *testing.T) {
			c := *c
			c.T = t
			c.Refused(r.method, r.path, r.body, r.kind, r.code)
		})
	}
}

func TestLocksAreInheritedAndEnforced(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	c.Put(thing, plain)
	lock := func(scope, level string) string {
		id := scope + "/providers/Microsoft.Authorization/locks/l1"
		c.Do(http.MethodPut, id, `{"properties":{"level":"`+level+`"}}`)
		return id
	}
	id := lock(thing, "CanNotDelete")
	c.Refused(http.MethodDelete, thing, "", errs.Conflict, "ScopeLocked")
	c.Refused(http.MethodDelete, neighbourtest.Group, "", errs.Conflict, "ScopeLocked")
	c.Put(thing, plain)
	c.Delete(id)
	id = lock(neighbourtest.Group, "ReadOnly")
	c.Refused(http.MethodPut, thing, plain, errs.Conflict, "ScopeLocked")
	c.Refused(http.MethodPut, at+"things/t2", plain, errs.Conflict, "ScopeLocked")
	c.Get(thing)
	if list := c.Get(thing + "/providers/Microsoft.Authorization/locks")["value"].([]any); len(list) != 1 {
		t.Errorf("the inherited lock does not show: %v", list)
	}
	c.Delete(id)
	c.Delete(thing)
}

func TestUnregisteredNamespacesAreRefusedOnWrites(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	provider := "/subscriptions/" + neighbourtest.Source + "/providers/microsoft.test"
	c.Post(provider+"/unregister", "")
	neighbourtest.Want(t, c.Get(provider), "registrationState", "Unregistered") // "az provider unregister --wait" waits for this word for ever
	neighbourtest.Want(t, c.Post(provider+"/unregister", ""), "registrationState", "Unregistered")
	c.Refused(http.MethodPut, thing, plain, errs.Conflict, "MissingSubscriptionRegistration")
	c.Post(provider+"/register", "")
	neighbourtest.Want(t, c.Get(provider), "registrationState", "Registered")
	c.Put(thing, plain)
	c.Refused(http.MethodPost, provider+"/unregister", "", errs.Conflict, "SubscriptionContainsResources")
}

func TestListsPageToTheEnd(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	for i := range 7 {
		c.Put(fmt.Sprintf("%sthings/t%d", at, i), plain)
		c.Put(fmt.Sprintf("%sthings/t0/shelves/s/books/b%d", at, i), fmt.Sprintf(`{"properties":{"isArchived":%v}}`, i%3 == 0))
	}
	c.Put(neighbourtest.Other+"/providers/Microsoft.Test/things/other", plain)
	for _, l := range []struct {
		name, path string
		want       int
	}{
		{"a collection of a group", at + "things?$top=3", 7},
		{"a collection of a subscription", "/subscriptions/" + neighbourtest.Source + "/providers/Microsoft.Test/things?$top=2", 7},
		{"all resources of a group", neighbourtest.Group + "/resources?$top=4", 7},
		{"all resources of a subscription by type", "/subscriptions/" + neighbourtest.Target + "/resources?$top=1&$filter=resourceType%20eq%20'Microsoft.Test/things'", 1},
		{"children without the archived ones", at + "things/t0/shelves/s/books?$top=2", 4},
		{"children with the archived ones", at + "things/t0/shelves/s/books?$top=2&listViewType=All", 7},
		{"only the archived ones", at + "things/t0/shelves/s/books?$top=2&listViewType=ArchivedOnly", 3},
		{"a slotted collection that nobody filled", at + "things/t1/shelves", 0},
	} {
		t.Run(l.name, func(t *testing.T) {
			seen := map[string]bool{}
			for next := l.path; next != ""; {
				page := c.Get(strings.TrimPrefix(next, "https://cloud.test"))
				for _, item := range page["value"].([]any) {
					seen[item.(map[string]any)["id"].(string)] = true
				}
				next, _ = page["nextLink"].(string)
			}
			if len(seen) != l.want {
				t.Errorf("%d seen, want %d", len(seen), l.want)
			}
		})
	}
}

func TestTagsAreADocumentOfTheirOwn(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	c.Put(thing, plain)
	for _, scope := range []string{thing, neighbourtest.Group, "/subscriptions/" + neighbourtest.Source} {
		tags := scope + "/providers/Microsoft.Resources/tags/default"
		c.Do(http.MethodPut, tags, `{"properties":{"tags":{"Team":"x","old":"1"}}}`)
		c.Do(http.MethodPatch, tags, `{"operation":"Merge","properties":{"tags":{"team":"y"}}}`)
		c.Do(http.MethodPatch, tags, `{"operation":"Delete","properties":{"tags":{"OLD":""}}}`)
		neighbourtest.Want(t, c.Get(scope), "tags", map[string]any{"team": "y"})
		neighbourtest.Want(t, c.Get(tags), "properties.tags", map[string]any{"team": "y"})
		c.Refused(http.MethodPatch, tags, `{"operation":"Paint","properties":{"tags":{}}}`, errs.Invalid, "InvalidTagsPatchOperation")
		c.Delete(tags)
		if got := c.Get(scope)["tags"]; got != nil {
			t.Errorf("the tags of %s are %v", scope, got)
		}
	}
}

func TestCasingNeverMatters(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	c.Put(thing, plain)
	shouted := "/SUBSCRIPTIONS/" + strings.ToUpper(strings.TrimPrefix(thing, "/subscriptions/"))
	neighbourtest.Want(t, c.Get(shouted), "id", thing)
	c.Put(strings.ToUpper(at+"things/t1/PARTS/P1"), `{}`)
	neighbourtest.Want(t, c.Get(thing+"/parts/p1"), "id", thing+"/parts/P1")
	neighbourtest.Want(t, c.Get(thing+"/parts/p1"), "type", "Microsoft.Test/things/parts")
}

func TestDeletingAGroupTakesEverythingAlong(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	c.Put(thing, plain)
	c.Put(thing+"/parts/p1", `{}`)
	c.Do(http.MethodPut, thing+"/providers/Microsoft.Authorization/locks/l1", `{"properties":{"level":"NotSpecified"}}`)
	c.Delete(neighbourtest.Group)
	c.Refused(http.MethodGet, thing, "", errs.NotFound, "ResourceGroupNotFound")
	c.Do(http.MethodPut, neighbourtest.Group, `{"location":"westeurope"}`)
	c.Refused(http.MethodGet, thing, "", errs.NotFound, "ResourceNotFound")
	c.Put(thing, plain)
	if list := c.Get(thing + "/providers/Microsoft.Authorization/locks")["value"].([]any); len(list) != 0 {
		t.Errorf("the lock of the deleted thing came back: %v", list)
	}
	c.Refused(http.MethodGet, thing+"/parts/p1", "", errs.NotFound, "ResourceNotFound")
}

// A copy of a cloud with a region that is younger than this program goes on in that region, and what has no place is global.
func TestLocationsAreThoseOfTheCloud(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	c.Put(at+"wide/w1", `{"location":"Global"}`)
	const young = `{"location":"Younger Region"}`
	c.Refused(http.MethodPut, thing, young, errs.Invalid, "LocationNotAvailableForResourceType")
	other, err := arm.Parse(neighbourtest.Other)
	if err != nil {
		t.Fatal(err)
	}
	err = c.Store.Update(t.Context(), func(tx store.Tx) error {
		target, err := c.Tree.Resolve(t.Context(), tx, other[:1])
		if err != nil {
			return err
		}
		return tx.Insert(t.Context(), &store.Node{Parent: target.Node.ID, Type: arm.ResourceGroups, Name: "copied", ETag: "1", Body: []byte(`{"location":"youngerregion"}`)})
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Put(thing, young)
	c.Do(http.MethodPut, neighbourtest.Group+"2", young)
}

// What Azure has and this cloud has not says so, and is not called missing; what is missing is called as Azure calls it.
func TestWhatIsNotBuiltAndWhatIsMissingAreTold(t *testing.T) {
	t.Parallel()
	c := neighbourtest.New(t, things(), authorization.Types(), []provider.Type{{Name: "Microsoft.Resources/deployments"}, {Name: "Microsoft.Network/virtualNetworks"}})
	const subscription = "/subscriptions/" + neighbourtest.Source
	c.Put(neighbourtest.Group+"/providers/Microsoft.Network/virtualNetworks/v", `{}`)
	for _, r := range [][2]string{
		{http.MethodGet, subscription + "/providers/Microsoft.Features/features"},
		{http.MethodGet, subscription + "/providers/Microsoft.Features/providers/Microsoft.Network/features"},
		{http.MethodGet, subscription + "/providers/Microsoft.Features/providers/Microsoft.Network/features/f"},
		{http.MethodPost, subscription + "/providers/Microsoft.Features/providers/Microsoft.Network/features/f/register"},
		{http.MethodGet, subscription + "/providers/Microsoft.Test/providerPermissions"},
		{http.MethodGet, neighbourtest.Group + "/providers/Microsoft.Network/virtualNetworks/v/CheckIPAddressAvailability?ipAddress=10.0.0.4"},
	} {
		c.Refused(r[0], r[1], "", errs.Unsupported, "NotImplemented")
	}
	for _, scope := range []string{subscription, neighbourtest.Group} {
		c.Refused(http.MethodGet, scope+"/providers/Microsoft.Resources/deployments/d", "", errs.NotFound, "DeploymentNotFound")
	}
}

// What is tagged in a subscription is summed up by name and value.
func TestTagNamesSumUpASubscription(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	const subscription = "/subscriptions/" + neighbourtest.Source
	c.Do(http.MethodPut, subscription+"/providers/Microsoft.Resources/tags/default", `{"properties":{"tags":{"Team":"x"}}}`)
	c.Do(http.MethodPatch, neighbourtest.Group, `{"tags":{"team":"X"}}`)
	c.Put(thing, `{"location":"westeurope","tags":{"TEAM":"x","cost":"1"}}`)
	c.Put(thing+"/parts/p", `{"tags":{"hidden":"1"}}`)
	got := c.Get(subscription + "/tagNames")
	use := func(id, word, text string, n int, more ...any) map[string]any {
		m := map[string]any{"id": subscription + "/tagNames/" + id, word: text, "count": map[string]any{"type": "Total", "value": n}}
		if word == "tagName" {
			m["values"] = more
		}
		return m
	}
	neighbourtest.Want(t, got, "value", []any{
		use("Team", "tagName", "Team", 3, use("Team/tagValues/X", "tagValue", "X", 1), use("Team/tagValues/x", "tagValue", "x", 2)),
		use("cost", "tagName", "cost", 1, use("cost/tagValues/1", "tagValue", "1", 1)),
	})
	c.Refused(http.MethodPut, subscription+"/tagNames/predefined", `{}`, errs.Unsupported, "NotImplemented")
}
