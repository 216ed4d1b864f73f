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
	c.lists(map[string]string{
		collection + "?kind=hub":                                   "hub",
		collection + "?Kind=Default":                               "ws1",
		collection + "?kind=FeatureStore":                          "",
		strings.Replace(collection, group, sub, 1) + "?kind=hub":   "hub",
		ws + "/jobs?jobType=command":                               "j1",
		ws + "/jobs?jobType=Sweep":                                 "",
		ws + "/schedules?listViewType=DisabledOnly":                "s1",
		ws + "/schedules?listViewType=EnabledOnly":                 "s0 s2",
		ws + "/schedules?listViewType=All":                         "s0 s1 s2",
		ws + "/schedules?":                                         "s0 s2",
		ws + "/datastores?isDefault=true":                          "workspaceblobstore",
		ws + "/connections?category=git":                           "a b",
		ws + "/connections?category=Git&target=https%3A%2F%2Ftwo":  "b",
		ws + "/connections?target=https%3A%2F%2Fone&category=Nope": "",
	})
	c.refused(errs.Invalid, "GET", ws+"/schedules?listViewType=Sometimes", "")
}

// Names, tags, texts and orders that a list is asked for.
func TestListsAreChosenAndOrderedByWhatTheDescriptionKnows(t *testing.T) {
	t.Parallel()
	c := withWorkspace(t)
	for i, name := range []string{"beta", "alpha", "gamma"} {
		c.ok("PUT", ws+"/datastores/"+name, `{"properties":{"datastoreType":"AzureBlob","accountName":"acct","containerName":"c","credentials":{"credentialsType":"None"}}}`)
		c.ok("PUT", ws+"/models/m/versions/"+fmt.Sprint(3-i), fmt.Sprintf(`{"properties":{"modelUri":"azureml://x","description":"Churn %s","tags":{"stage":%q},"properties":{"n":"%d"}}}`, name, name, i))
		c.ok("PUT", ws+"/data/d/versions/"+fmt.Sprint(i), fmt.Sprintf(`{"properties":{"dataType":"uri_file","dataUri":"azureml://x","tags":{"stage":%q}}}`, name))
		c.ok("PUT", ws+"/codes/k/versions/"+name, fmt.Sprintf(`{"properties":{"codeUri":"azureml://x","properties":{"hash_sha256":"%d","hash_version":"202208"}}}`, i))
		c.ok("PUT", ws+"/jobs/"+name, strings.Replace(job, `"jobType"`, fmt.Sprintf(`"tags":{"%s":"1"},"properties":{"n":"%d"},"jobType"`, name, i), 1))
		c.ok("PUT", ws+"/onlineEndpoints/"+name, fmt.Sprintf(`{"location":"eastus","tags":{"Team":%q},"properties":{"authMode":"Key"}}`, name))
	}
	c.settle()
	c.ok("PUT", ws+"/jobs/beta", strings.Replace(job, `"jobType"`, `"tags":{"beta":"2"},"properties":{"n":"0"},"jobType"`, 1)) // the last to be changed
	c.lists(map[string]string{
		ws + "/datastores?names=alpha,gamma":                                 "alpha gamma",
		ws + "/datastores?names=alpha&names=nobody":                          "alpha",
		ws + "/datastores?searchText=AMM":                                    "gamma",
		ws + "/datastores?names=alpha,beta,gamma&orderBy=createdtime":        "beta alpha gamma",
		ws + "/datastores?names=alpha,beta,gamma&orderBy=name&orderByAsc=no": "gamma beta alpha",
		ws + "/models/m/versions?$orderBy=createdtime%20desc":                "1 2 3",
		ws + "/models/m/versions?$orderBy=createdtime":                       "3 2 1",
		ws + "/models/m/versions?version=2":                                  "2",
		ws + "/models/m/versions?tags=stage%3Dalpha":                         "2",
		ws + "/models/m/versions?tags=stage,other":                           "",
		ws + "/models/m/versions?properties=n%3D2":                           "1",
		ws + "/models/m/versions?description=churn%20b":                      "3",
		ws + "/models/m/versions?offset=":                                    "1 2 3",
		ws + "/models/m/versions?offset=1":                                   "2 3",
		ws + "/models/m/versions?offset=2&$orderBy=createdtime":              "1",
		ws + "/models/m/versions?offset=7":                                   "",
		ws + "/data/d/versions?$tags=stage%3Dgamma":                          "2",
		ws + "/codes/k/versions?hash=1&hashVersion=202208":                   "alpha",
		ws + "/codes/k/versions?hash=9&hashVersion=202208":                   "",
		ws + "/jobs?tag=alpha":                                               "alpha",
		ws + "/jobs?properties=n%3D2":                                        "gamma",
		ws + "/onlineEndpoints?name=beta":                                    "beta",
		ws + "/onlineEndpoints?tags=team":                                    "alpha beta gamma",
		ws + "/onlineEndpoints?tags=team%3Dbeta":                             "beta",
		ws + "/onlineEndpoints?computeType=Kubernetes":                       "",
		ws + "/onlineEndpoints?computeType=Managed&orderBy=CreatedAtDesc":    "gamma alpha beta",
	})
	for _, path := range []string{"/models?listViewType=Sometimes", "/onlineEndpoints?computeType=Abacus", "/onlineEndpoints?orderBy=Beauty", "/data/d/versions?$orderBy=name%20up", "/featuresets?pageSize=none", "/models/m/versions?offset=-1"} {
		c.refused(errs.Invalid, "GET", ws+path, "")
	}
	for _, path := range []string{"/models/m/versions?feed=azureml"} {
		c.refused(errs.Unsupported, "GET", ws+path, "")
	}
}

// lists compares the names on all pages of lists, whatever their size, with what is wanted.
func (c *cloud) lists(want map[string]string) {
	c.t.Helper()
	for path, want := range want {
		for _, size := range []string{"", "&$top=1", "&pageSize=2"} {
			var names []string
			for next := path + size; next != ""; {
				page := c.ok("GET", strings.TrimPrefix(next, "https://cloud"), "")
				for _, item := range values(page) {
					names = append(names, text(item, "name"))
				}
				next, _ = page["nextLink"].(string)
			}
			equal(c.t, path+size, strings.Join(names, " "), want)
		}
	}
}
