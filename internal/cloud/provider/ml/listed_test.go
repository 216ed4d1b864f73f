package ml_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/errs"
)

// A list that is asked for some of what is there gives those and no others, on every page.
func TestListsGiveWhatTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	collection := ws[:strings.LastIndexByte(ws, '/')]
	c.ok("PUT", collection+"/hub", strings.Replace(workspaceBody(), "{", `{"kind":"Hub",`, 1))
	c.settle()
	c.ok("PUT", collection+"/project", `{"kind":"Project","location":"eastus","properties":{"hubResourceId":"`+collection+`/hub"}}`)
	c.settle()
	const schedule = `{"properties":{"isEnabled":true,"trigger":{"triggerType":"Cron","expression":"0 3 * * *"},"action":{"actionType":"CreateJob","jobDefinition":{"jobType":"Command","command":"c","environmentId":"e"}}}}`
	for i, enabled := range []bool{true, false, true} {
		c.ok("PUT", fmt.Sprint(ws, "/schedules/s", i), strings.Replace(schedule, `"isEnabled":true`, fmt.Sprintf(`"isEnabled":%v`, enabled), 1))
	}
	c.ok("PUT", ws+"/jobs/j1", job)
	for name, body := range map[string]string{"a": `"category":"Git","target":"https://one"`, "b": `"category":"Git","target":"https://two"`, "c": `"category":"PythonFeed","target":"https://one"`} {
		c.ok("PUT", ws+"/connections/"+name, `{"properties":{"authType":"None",`+body+`}}`)
	}
	c.settle()
	for path, want := range map[string]string{
		collection + "?kind=hub":                                   "hub",
		collection + "?Kind=Default":                               "ws1",
		collection + "?kind=FeatureStore":                          "",
		strings.Replace(collection, group, sub, 1) + "?kind=hub":   "hub",
		ws + "/jobs?jobType=command":                               "j1",
		ws + "/jobs?jobType=Sweep":                                 "",
		ws + "/schedules?listViewType=DisabledOnly":                "s1",
		ws + "/schedules?listViewType=EnabledOnly":                 "s0 s2",
		ws + "/schedules?listViewType=All":                         "s0 s1 s2",
		ws + "/datastores?isDefault=true":                          "workspaceblobstore",
		ws + "/connections?category=git":                           "a b",
		ws + "/connections?category=Git&target=https%3A%2F%2Ftwo":  "b",
		ws + "/connections?target=https%3A%2F%2Fone&category=Nope": "",
	} {
		for _, size := range []string{"", "&$top=1"} {
			var names []string
			for next := path + size; next != ""; {
				page := c.ok("GET", strings.TrimPrefix(next, "https://cloud"), "")
				for _, item := range values(page) {
					names = append(names, text(item, "name"))
				}
				next, _ = page["nextLink"].(string)
			}
			equal(t, path+size, strings.Join(names, " "), want)
		}
	}
	c.refused(errs.Invalid, "GET", ws+"/schedules?listViewType=Sometimes", "")
}
