package cli

import (
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
)

// Where a workspace shall go is said once: of two answers none is passed over.
func TestWhereAWorkspaceShallGo(t *testing.T) {
	t.Parallel()
	workspace, err := arm.Parse("/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/abc")
	if err != nil {
		t.Fatal(err)
	}
	const group = "/subscriptions/two/resourceGroups/h"
	for _, c := range []struct{ name, subscription, group, want, says string }{
		{"nothing was said", "", "", "/", ""},
		{"a group of the same subscription", "", "h", "/subscriptions/s/resourceGroups/h", ""},
		{"a group of another one", "two", "h", group, ""},
		{"a subscription alone", "two", "", "/subscriptions/two", ""},
		{"an id", "", group, group, ""},
		{"an id, and its subscription again", "TWO", group, group, ""},
		{"an id, and another subscription", "one", group, "", "one"},
		{"an id that is none of a group", "", group + "/providers/a.b/c/d", "", "not the id of a resource group"},
		{"a name that no group may have", "two", "bad group!", "", "no name of a resource group"},
		{"an id with such a name", "", "/subscriptions/two/resourceGroups/ends.", "", "no name of a resource group"},
		{"a name with all that it may have", "two", "Größe_1.(x)-y", "/subscriptions/two/resourceGroups/Größe_1.(x)-y", ""},
		{"a subscription by its path", "/subscriptions/two", "h", "", "without slashes"},
	} {
		id, err := targetOf(captureOptions{targetSubscription: c.subscription, toGroup: c.group}, workspace)
		if c.says == "" && (err != nil || id.String() != c.want) || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: got %s and %v, want %s %s", c.name, id, err, c.want, c.says)
		}
	}
}
