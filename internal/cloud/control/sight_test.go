package control_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/errs"
)

// Lists at a subscription and at a group are answered to whoever has a role below, and hold what that role lets be read, on every page.
func TestAListHoldsWhatItsCallerMayRead(t *testing.T) {
	t.Parallel()
	c := cloud(t)
	subscription, _, _ := strings.Cut(neighbourtest.Group, "/resourceGroups")
	for _, group := range []string{"a", "b", "c"} {
		c.Do(http.MethodPut, subscription+"/resourceGroups/"+group, `{"location":"westeurope"}`)
		for _, name := range []string{"1", "2", "3"} {
			c.Put(fmt.Sprintf("%s/resourceGroups/%s/providers/Microsoft.Test/things/%s%s", subscription, group, group, name), plain)
		}
		c.Put(fmt.Sprintf("%s/resourceGroups/%s/providers/Microsoft.Test/wide/w%s", subscription, group, group), plain)
	}
	b := subscription + "/resourceGroups/b"
	one := b + "/providers/Microsoft.Test/things/b2"
	wide := provider.NewGUID()
	c.Do(http.MethodPut, subscription+"/providers/Microsoft.Authorization/roleDefinitions/"+wide, roleBody("Wide", "Microsoft.Test/wide/read", subscription))
	for _, caller := range []struct {
		name, role, scope                string
		groups, resources, things, group string
	}{
		{"the owner of the subscription", ownerRole, subscription, "a b c rg", "a1 a2 a3 wa b1 b2 b3 wb c1 c2 c3 wc", "a1 a2 a3 b1 b2 b3 c1 c2 c3", "b1 b2 b3 wb"},
		{"the reader of a group", readerRole, b, "b", "b1 b2 b3 wb", "b1 b2 b3", "b1 b2 b3 wb"},
		{"the reader of a resource", readerRole, one, "", "b2", "b2", "b2"},
		{"who may read one type in a group", wide, b, "", "wb", "", "refused"},
		{"who may read one type in the subscription", wide, subscription, "refused", "refused", "refused", "refused"},
		{"the reader of another subscription", readerRole, neighbourtest.Other, "refused", "refused", "refused", "refused"},
	} {
		mine := c.As(caller.role, caller.scope)
		for path, want := range map[string]string{
			subscription + "/resourceGroups":                  caller.groups,
			subscription + "/resources":                       caller.resources,
			subscription + "/providers/Microsoft.Test/things": caller.things,
			b + "/resources":                                  caller.group,
		} {
			if want == "refused" {
				mine.Refused(http.MethodGet, path, "", errs.Denied, "AuthorizationFailed")
				continue
			}
			for _, size := range []string{"", "1", "2"} {
				if got := strings.Join(names(mine, path, size), " "); got != want {
					t.Errorf("%s: %s by %q: got %q, want %q", caller.name, path, size, got, want)
				}
			}
		}
	}
	limited := c.As(readerRole, one)
	limited.Refused(http.MethodGet, neighbourtest.Group+"/resources", "", errs.Denied, "AuthorizationFailed")
	limited.Refused(http.MethodGet, b+"/providers/Microsoft.Test/things/b1/parts", "", errs.Denied, "AuthorizationFailed")
	limited.Refused(http.MethodGet, b, "", errs.Denied, "AuthorizationFailed")
}

// names lists the names on all pages of a list.
func names(c *neighbourtest.Cloud, path, size string) (names []string) {
	c.T.Helper()
	if size != "" {
		path += "?$top=" + size
	}
	for path != "" {
		page := c.Get(strings.TrimPrefix(path, "https://cloud.test"))
		items, _ := page["value"].([]any)
		for _, item := range items {
			names = append(names, item.(map[string]any)["name"].(string))
		}
		path, _ = page["nextLink"].(string)
	}
	return names
}
