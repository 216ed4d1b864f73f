package cloudtest

import (
	"net/http"
	"testing"
)

func TestAFixtureCanBeMadeLarger(t *testing.T) {
	t.Parallel()
	count := func(options ...Option) int {
		c := Start(t, append(options, Fixture("contoso-quiet"))...)
		workspace := "/subscriptions/" + c.Subscriptions[0] + "/resourceGroups/ml-dev-rg/providers/Microsoft.MachineLearningServices/workspaces/contoso-ml"
		n := 0
		for next := workspace + "/models/?listViewType=All"; next != ""; {
			page := c.Do(t, "", http.MethodGet, next, nil).JSON(t)
			items, _ := page["value"].([]any)
			n += len(items)
			next, _ = page["nextLink"].(string)
		}
		return n
	}
	if one, three := count(), count(Scale(3)); one == 0 || three != 3*one {
		t.Errorf("%d models, and %d in the world three times as large", one, three)
	}
}
