package replica_test

import (
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/cloud"
	"github.com/amlmove/amlmove/internal/cloud/fixture"
	"github.com/amlmove/amlmove/internal/cloud/replica"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite"
	"github.com/amlmove/amlmove/internal/snapshot"
	"github.com/amlmove/amlmove/test/capturing"
)

// written captures the workspace of a cloud.
func written(t testing.TB, c *cloudtest.Cloud, workspace, target string) string {
	t.Helper()
	client := capturing.Client(t, c)
	id, err := capture.Find(t.Context(), client, workspace)
	if err != nil {
		t.Fatal(err)
	}
	group, err := arm.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	return capturing.Write(t, client, id, group)
}

func open(t testing.TB, path string) *snapshot.Snapshot {
	t.Helper()
	return capturing.Open(t, path)
}

// TestTheReplicaOfAReplicaIsTheSame is point 4 of issue 4: captured, loaded, captured again, the two snapshots have the same digest.
func TestTheReplicaOfAReplicaIsTheSame(t *testing.T) {
	t.Parallel()
	for _, world := range []string{"contoso", "contoso-quiet"} {
		t.Run(world, func(t *testing.T) {
			t.Parallel()
			c := cloudtest.Start(t, cloudtest.Fixture(world))
			target := "/subscriptions/" + c.Subscriptions[1] + "/resourceGroups/ml-prod-rg"
			first := written(t, c, "contoso-ml", target)
			second := written(t, cloudtest.Start(t, cloudtest.FromSnapshot(first)), "contoso-ml", target)
			for change, err := range snapshot.Diff(t.Context(), open(t, first), open(t, second)) {
				if err != nil {
					t.Fatal(err)
				}
				t.Errorf("%s %s %s: %v", change.Section, change.What, change.ID, change.Paths)
			}
		})
	}
}

// TestWhatOthersUseOfTheQuotaIsKept gives both subscriptions workspaces of somebody else, which no snapshot has: the copy has as much room as the original.
func TestWhatOthersUseOfTheQuotaIsKept(t *testing.T) {
	t.Parallel()
	c := cloudtest.Start(t, cloudtest.Fixture("contoso"))
	for i, subscription := range c.Subscriptions[:2] {
		group := "/subscriptions/" + subscription + "/resourceGroups/others-rg"
		make := func(id, body string) {
			t.Helper()
			if answer := c.Await(t, http.MethodPut, id, body); answer.Status >= 300 {
				t.Fatalf("%s: %d %s", id, answer.Status, answer.Body)
			}
		}
		make(group, `{"location":"eastus"}`)
		name := "others" + strconv.Itoa(i)
		store, vault := group+"/providers/Microsoft.Storage/storageAccounts/"+name+"store", group+"/providers/Microsoft.KeyVault/vaults/"+name+"-kv"
		make(store, `{"location":"eastus","kind":"StorageV2","sku":{"name":"Standard_LRS"},"properties":{}}`)
		make(vault, `{"location":"eastus","properties":{"tenantId":"`+c.TenantID+`","sku":{"family":"A","name":"standard"},"accessPolicies":[]}}`)
		workspace := group + "/providers/Microsoft.MachineLearningServices/workspaces/" + name
		make(workspace, `{"location":"eastus","identity":{"type":"SystemAssigned"},"properties":{"storageAccount":"`+store+`","keyVault":"`+vault+`"}}`)
		make(workspace+"/computes/theirs", `{"location":"eastus","properties":{"computeType":"AmlCompute","properties":{"vmSize":"Standard_DS3_v2","scaleSettings":{"minNodeCount":0,"maxNodeCount":7}}}}`)
	}
	target := "/subscriptions/" + c.Subscriptions[1] + "/resourceGroups/ml-prod-rg"
	first := written(t, c, "contoso-ml", target)
	second := written(t, cloudtest.Start(t, cloudtest.FromSnapshot(first)), "contoso-ml", target)
	seen := 0
	for d, err := range open(t, first).Of(t.Context(), snapshot.Target, aml.Usages) {
		if err != nil {
			t.Fatal(err)
		}
		if doc, err := arm.ParseDocument(d.Body); err == nil && strings.Contains(doc.Text("name.value"), "DSv2 Family") {
			if n, _ := doc.At("currentValue"); fmt.Sprint(n) == "28" {
				seen++
			}
		}
	}
	if seen != 1 {
		t.Fatalf("the original does not show the 28 cores that somebody else uses")
	}
	for change, err := range snapshot.Diff(t.Context(), open(t, first), open(t, second)) {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(change.ID, "/usages#Clusters") && !strings.HasSuffix(change.ID, "/usages#Total Cluster Dedicated Regional vCPUs") { // sums: clusters are counted, not their cores
			t.Errorf("%s %s %s: %v", change.Section, change.What, change.ID, change.Paths)
		}
	}
}

// TestWhatCannotBeBroughtOverIsLeftOutAndListed adds to a snapshot what Azure has and the cloud has not, or what refers to nothing: the rest is loaded all the same.
func TestWhatCannotBeBroughtOverIsLeftOutAndListed(t *testing.T) {
	t.Parallel()
	c := cloudtest.Start(t, cloudtest.Fixture("contoso-quiet"))
	source := open(t, written(t, c, "contoso-ml", "/subscriptions/"+c.Subscriptions[1]+"/resourceGroups/ml-prod-rg"))
	workspace := source.Header.WorkspaceID
	group, _, _ := strings.Cut(workspace, "/providers/")
	subscription, _, _ := strings.Cut(group, "/resourceGroups/")
	const role = `{"properties":{"principalId":"a11ce000-0000-4000-8000-00000000000a","principalType":"User","roleDefinitionId":"/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/12345678-0000-4000-8000-000000000000"}}`
	odd := map[string]snapshot.Document{
		"a role on a kind of resource that the cloud does not have": {Section: snapshot.Source, Type: aml.RoleAssignments, ID: group + "/providers/Microsoft.Web/sites/s/providers/Microsoft.Authorization/roleAssignments/a1", Body: []byte(role)},
		"a role on a compute that is gone":                          {Section: snapshot.Source, Type: aml.RoleAssignments, ID: workspace + "/computes/gone/providers/Microsoft.Authorization/roleAssignments/a2", Body: []byte(role)},
		"a role at a management group":                              {Section: snapshot.Source, Type: aml.RoleAssignments, ID: "/providers/Microsoft.Management/managementGroups/mg/providers/Microsoft.Authorization/roleAssignments/a3", Body: []byte(role)},
		"a model whose name the cloud does not take":                {Section: snapshot.Content, Type: aml.Workspaces + "/models", ID: workspace + "/models/what a name!", Body: []byte(`{"properties":{}}`)},
		"a version of that":                                         {Section: snapshot.Content, Type: aml.Workspaces + "/models/versions", ID: workspace + "/models/what a name!/versions/1", Body: []byte(`{"properties":{}}`)},
		"a role on an account that is not in the group any more":    {Section: snapshot.Source, Type: aml.RoleAssignments, ID: group + "/providers/Microsoft.Storage/storageAccounts/nolonger/providers/Microsoft.Authorization/roleAssignments/a5", Body: []byte(role)},
		"a resource in the group that the cloud does not have":      {Section: snapshot.Source, Type: aml.Resources, ID: group + "/providers/Microsoft.Web/sites/s#listed", Body: []byte(`{"id":"` + group + `/providers/Microsoft.Web/sites/s","location":"eastus"}`)},
	}
	known := snapshot.Document{Section: snapshot.Source, Type: aml.RoleAssignments, ID: subscription + "/resourceGroups/elsewhere-rg/providers/Microsoft.Storage/storageAccounts/neverseen/providers/Microsoft.Authorization/roleAssignments/a4", Body: []byte(role)}
	path := withMore(t, source, append(slices.Collect(maps.Values(odd)), known)...)
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	inner, err := cloud.Start(t.Context(), cloud.Options{Store: st})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = inner.Close() })
	r, err := replica.Load(t.Context(), open(t, path), fixture.Target{Store: st, Tree: inner.Tree, Types: cloud.Types(), Now: time.Now}, replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range odd {
		id := strings.TrimSuffix(d.ID, "#listed")
		if !slices.ContainsFunc(r.LeftOut, func(l replica.LeftOut) bool { return strings.EqualFold(l.ID, id) && l.Why != "" }) {
			t.Errorf("%s is not listed as left out: %v", name, r.LeftOut)
		}
	}
	if len(r.LeftOut) != len(odd) {
		t.Errorf("left out are %v", r.LeftOut)
	}
	if !slices.ContainsFunc(r.StandIns, func(id string) bool { return strings.HasSuffix(id, "/storageAccounts/neverseen") }) {
		t.Errorf("an account that only a role names has no stand-in: %v", r.StandIns)
	}
}

// TestTheKeysOfEveryServiceHavePlaceholders puts one resource of every kind that has keys into a snapshot, by naming it: what lists its keys in the copy tells placeholders, and nothing empty.
func TestTheKeysOfEveryServiceHavePlaceholders(t *testing.T) {
	t.Parallel()
	c := cloudtest.Start(t, cloudtest.Fixture("contoso-quiet"))
	source := open(t, written(t, c, "contoso-ml", "/subscriptions/"+c.Subscriptions[1]+"/resourceGroups/ml-prod-rg"))
	group, _, _ := strings.Cut(source.Header.WorkspaceID, "/providers/")
	listings := map[string]string{"Microsoft.Storage/storageAccounts/keyed": "listKeys", "Microsoft.ContainerRegistry/registries/keyed": "listCredentials", "Microsoft.ContainerService/managedClusters/keyed": "listClusterAdminCredential",
		"Microsoft.DocumentDB/databaseAccounts/keyed": "listKeys", "Microsoft.Search/searchServices/keyed": "listAdminKeys", "Microsoft.CognitiveServices/accounts/keyed": "listKeys", "Microsoft.OperationalInsights/workspaces/keyed": "sharedKeys"}
	var keyed []snapshot.Document
	for name := range listings {
		id := group + "/providers/" + name
		body := `{"id":"` + id + `","location":"eastus","properties":{"provisioningState":"Succeeded","adminUserEnabled":true}}`
		keyed = append(keyed, snapshot.Document{Section: snapshot.Source, Type: aml.Resources, ID: id + "#listed", Body: []byte(body)})
	}
	path := withMore(t, source, keyed...)
	known := 0
	for _, namespace := range cloud.Types().Namespaces() {
		_, entries, _ := cloud.Types().Namespace(namespace)
		for _, entry := range entries {
			if len(entry.Keys) > 0 {
				known++
			}
		}
	}
	if known != len(listings) {
		t.Errorf("%d kinds have keys, and %d are tried", known, len(listings))
	}
	replica := cloudtest.Start(t, cloudtest.FromSnapshot(path))
	for name, verb := range listings {
		answer := replica.Do(t, "", http.MethodPost, group+"/providers/"+name+"/"+verb, "{}")
		if answer.Status != http.StatusOK || strings.Contains(string(answer.Body), `":""`) || strings.Contains(string(answer.Body), "null") || len(answer.Body) < 60 {
			t.Errorf("%s of %s is answered %d: %s", verb, name, answer.Status, answer.Body)
		}
	}
}

// withMore writes a snapshot once more, with further documents.
func withMore(t *testing.T, source *snapshot.Snapshot, more ...snapshot.Document) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "more.snap")
	w, err := snapshot.Create(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	for d, err := range source.Documents(t.Context()) {
		if err == nil {
			err = w.Add(t.Context(), d)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range more {
		if err := w.Add(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(t.Context(), source.Header); err != nil {
		t.Fatal(err)
	}
	return path
}
