package control_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/authorization"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/errs"
)

// pages follows a list to its end and counts how often each id came; it fails when a page is longer than asked, or the list does not end.
func pages(t *testing.T, c *neighbourtest.Cloud, path string, size int) map[string]int {
	t.Helper()
	seen := map[string]int{}
	for next, n := path, 0; next != ""; n++ {
		page := c.Get(strings.TrimPrefix(next, "https://cloud.test"))
		items := page["value"].([]any)
		if len(items) > size {
			t.Fatalf("page %d of %s has %d items, %d were asked for", n, path, len(items), size)
		}
		for _, item := range items {
			seen[item.(map[string]any)["id"].(string)]++
		}
		if next, _ = page["nextLink"].(string); n > 200 {
			t.Fatalf("%s does not end: page %d goes on at %s", path, n, next)
		}
	}
	return seen
}

// once fails unless all of the wanted ids came exactly once, and nothing else came.
func once(t *testing.T, seen map[string]int, want []string) {
	t.Helper()
	for _, id := range want {
		if seen[id] != 1 {
			t.Errorf("%s came %d times", id, seen[id])
		}
	}
	if len(seen) != len(want) {
		t.Errorf("%d came, want %d", len(seen), len(want))
	}
}

// More than a page of what is inherited, of what is bound here, and of what is below: each shows exactly once.
func TestListsAtAScopePageThroughWhatIsInherited(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	c.Put(thing, plain)
	c.Put(thing+"/parts/p", `{}`)
	subscription, _, _ := strings.Cut(neighbourtest.Group, "/resourceGroups")
	at := map[string][]string{}
	for _, scope := range []string{subscription, neighbourtest.Group, thing, thing + "/parts/p"} {
		for range 5 {
			id := scope + "/providers/Microsoft.Authorization/roleAssignments/" + provider.NewGUID()
			c.Do(http.MethodPut, id, `{"properties":{"roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7","principalId":"`+provider.NewGUID()+`"}}`)
			at[scope] = append(at[scope], id)
		}
	}
	for id := range pages(t, c, subscription+"/providers/Microsoft.Authorization/roleAssignments?$filter=atExactScope()", 500) {
		if !slices.Contains(at[subscription], id) { // the owner's, made with the cloud
			at[subscription] = append(at[subscription], id)
		}
	}
	above := append(append([]string{}, at[subscription]...), at[neighbourtest.Group]...)
	here, below := append(above[:len(above):len(above)], at[thing]...), at[thing+"/parts/p"]
	for _, l := range []struct {
		filter string
		want   []string
	}{{"", append(here[:len(here):len(here)], below...)}, {"atScope()", here}, {"atExactScope()", at[thing]}} {
		for _, size := range []int{1, 3, 5, 11, 20} {
			t.Run(fmt.Sprintf("%s in pages of %d", l.filter, size), func(t *testing.T) {
				path := fmt.Sprintf("%s/providers/Microsoft.Authorization/roleAssignments?$top=%d&$filter=%s", thing, size, url.QueryEscape(l.filter))
				once(t, pages(t, c, path, size), l.want)
			})
		}
	}
}

// What the cloud brings along takes pages too, and comes before what stands at the scope.
func TestListsOfRolesPageThroughTheBuiltInOnes(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	var want []string
	const definitions = "/providers/Microsoft.Authorization/roleDefinitions/"
	for _, b := range authorization.Types()[0].BuiltIn() {
		want = append(want, "/subscriptions/"+neighbourtest.Source+definitions+b.Name)
	}
	for i := range 3 {
		name := provider.NewGUID()
		c.Do(http.MethodPut, neighbourtest.Group+definitions+name, fmt.Sprintf(`{"properties":{"roleName":"r%d","assignableScopes":["%s"],"permissions":[{"actions":["*/read"]}]}}`, i, neighbourtest.Group))
		want = append(want, "/subscriptions/"+neighbourtest.Source+definitions+name)
	}
	for _, size := range []int{2, len(want) - 3, len(want) - 2, len(want)} {
		once(t, pages(t, c, fmt.Sprintf("%s/providers/Microsoft.Authorization/roleDefinitions?$top=%d", neighbourtest.Group, size), size), want)
	}
}

// A filter on groups finds every group that matches, however many others stand before it, and refuses what it does not know.
func TestGroupsAreFilteredToTheEnd(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	subscription, _, _ := strings.Cut(neighbourtest.Group, "/resourceGroups")
	tagged := []string{}
	for i := range 9 {
		id := fmt.Sprintf("%s/resourceGroups/g%d", subscription, i)
		tags := ""
		if i%4 == 0 {
			tags, tagged = `,"tags":{"Team":"R and D"}`, append(tagged, id)
		}
		c.Do(http.MethodPut, id, `{"location":"westeurope"`+tags+`}`)
	}
	for _, l := range []struct {
		filter string
		want   []string
	}{
		{"tagName eq 'team'", tagged},
		{"tagName eq 'team' and tagValue eq 'R and D'", tagged},
		{"tagName eq 'team' and tagValue eq 'R'", nil},
		{"name eq 'G8'", []string{subscription + "/resourceGroups/g8"}},
		{"startswith(name, 'g') and tagName eq 'team'", tagged},
		{"location eq 'eastus'", nil},
	} {
		for _, size := range []int{1, 2, 500} {
			once(t, pages(t, c, fmt.Sprintf("%s/resourcegroups?$top=%d&$filter=%s", subscription, size, url.QueryEscape(l.filter)), size), l.want)
		}
	}
	for _, filter := range []string{"colour eq 'red'", "resourceType eq 'Microsoft.Test/things'", "resourceGroup eq 'g1'", "tagValue eq 'x'"} {
		c.Refused(http.MethodGet, subscription+"/resourcegroups?$filter="+url.QueryEscape(filter), "", errs.Invalid, "InvalidFilterInQueryString")
	}
}
