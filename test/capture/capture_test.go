package capture

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// Everything that one capture of contoso shows is judged on one cloud, in this order: the last ones change it.
func TestContosoIsWrittenDownWhole(t *testing.T) {
	t.Parallel()
	c := cloudtest.Start(t, cloudtest.Fixture("contoso"))
	dir := t.TempDir()
	client := connect(t, c, "")
	s := take(t, client, dir, "a.snap")
	t.Run("every document that the store has below the workspace is there, and nothing else", func(t *testing.T) { asTheStore(t, c, s) })
	t.Run("kinds have the numbers of the fixture", func(t *testing.T) { asTheFixture(t, s) })
	t.Run("surroundings at both ends are there", func(t *testing.T) { surroundings(t, s) })
	t.Run("no secret of the fixture is in it", func(t *testing.T) { withoutSecrets(t, c, s, filepath.Join(dir, "a.snap")) })
	t.Run("there are no gaps for an owner", func(t *testing.T) {
		if gaps := gapsOf(t, s); len(gaps) > 0 {
			t.Errorf("got %+v", gaps)
		}
	})
	t.Run("a document is what ARM returns", func(t *testing.T) {
		d, err := s.Get(t.Context(), snapshot.Content, workspace)
		if err != nil {
			t.Fatal(err)
		}
		if raw := c.Do(t, "", http.MethodGet, workspace+"?api-version="+d.Version, nil).Body; !bytes.Equal(raw, d.Body) {
			t.Errorf("got %s\nwant %s", d.Body, raw)
		}
	})
	t.Run("an unchanged workspace has the same digest", func(t *testing.T) {
		again := take(t, client, dir, "b.snap")
		if again.Header.Digest != s.Header.Digest {
			t.Errorf("what differs: %v", changes(t, s, again))
		}
	})
	t.Run("a changed tag is named, and nothing else", func(t *testing.T) {
		if answer := c.Await(t, http.MethodPatch, workspace, `{"tags":{"team":"changed"}}`); answer.Status >= 300 {
			t.Fatalf("the tag: %d %s", answer.Status, answer.Body)
		}
		got := changes(t, s, take(t, client, dir, "c.snap"))
		if !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, "changed "+workspace+" ") }) ||
			slices.ContainsFunc(got, func(line string) bool { return !strings.Contains(line, "tags") }) {
			t.Errorf("got %v", got)
		}
	})
}

// asTheStore compares the content with the rows of the cloud's store.
func asTheStore(t *testing.T, c *cloudtest.Cloud, s *snapshot.Snapshot) {
	t.Helper()
	all, want := rows(t, c), map[string]bool{}
	for id := range all {
		if path := pathOf(all, id); path == strings.ToLower(workspace) || strings.HasPrefix(path, strings.ToLower(workspace)+"/") {
			want[path] = true
		}
	}
	got := ids(t, s, snapshot.Content)
	for path := range want {
		if !got[path] {
			t.Errorf("%s is in the store and not in the snapshot", path)
		}
	}
	for path := range got {
		if !want[path] {
			t.Errorf("%s is in the snapshot and not in the store", path)
		}
	}
	if len(want) < 500 {
		t.Errorf("only %d documents were found in the store", len(want))
	}
}

// asTheFixture compares the content with what the fixture promises.
func asTheFixture(t *testing.T, s *snapshot.Snapshot) {
	t.Helper()
	for kind, want := range map[string]int{"jobs": 300, "data": 12, "data/versions": 60, "models/versions": 40, "environments/versions": 20, "codes/versions": 12,
		"components/versions": 15, "schedules": 5, "connections": 6, "computes": 3, "onlineEndpoints": 2, "onlineEndpoints/deployments": 4,
		"batchEndpoints/deployments": 1, "datastores": 8, "labelingJobs": 2, "privateEndpointConnections": 1} {
		if got := count(t, s, snapshot.Content, arm.Type("Microsoft.MachineLearningServices/workspaces/"+kind)); got != want {
			t.Errorf("%s: %d, want %d", kind, got, want)
		}
	}
}

// withoutSecrets looks for the private texts of the store in everything that was written.
func withoutSecrets(t *testing.T, c *cloudtest.Cloud, s *snapshot.Snapshot, path string) {
	t.Helper()
	data := export(t, s, path)
	canaries := append(secrets(t, rows(t, c)), c.State().ClientSecret)
	for _, secret := range canaries {
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("D10: %.8s... is in the snapshot", secret)
		}
	}
	if len(canaries) < 15 {
		t.Errorf("only %d canaries were found", len(canaries))
	}
}

// surroundings checks one document of each sort that is around contoso.
func surroundings(t *testing.T, s *snapshot.Snapshot) {
	t.Helper()
	for _, c := range []struct {
		section snapshot.Section
		typ     string
		least   int
	}{
		{"source", "Microsoft.Network/privateEndpoints", 2}, {"source", "Microsoft.Network/privateEndpoints/privateDnsZoneGroups", 2},
		{"source", "Microsoft.Network/networkInterfaces", 2}, {"source", "Microsoft.Storage/storageAccounts", 1}, {"source", "Microsoft.KeyVault/vaults", 1},
		{"source", "Microsoft.ContainerRegistry/registries", 1}, {"source", "Microsoft.Insights/components", 1}, {"source", "Microsoft.Authorization/locks", 1},
		{"source", "Microsoft.Authorization/roleAssignments", 10}, {"source", "Microsoft.Authorization/roleDefinitions", 1},
		{"source", "Microsoft.Insights/diagnosticSettings", 1}, {"source", "Microsoft.Insights/metricAlerts", 1}, {"source", "Microsoft.Authorization/permissions", 2},
		{"source", "Microsoft.Resources/subscriptions", 1}, {"source", "Microsoft.Resources/resourceGroups", 1}, {"source", "Microsoft.Resources/tenants", 1},
		{"source", "Microsoft.Resources/providers", 6}, {"source", "Microsoft.Resources/resources", 5},
		{"source", "Microsoft.MachineLearningServices/locations/usages", 5}, {"source", "Microsoft.MachineLearningServices/locations/vmSizes", 5},
		{"target", "Microsoft.MachineLearningServices/locations/quotas", 5}, {"target", "Microsoft.MachineLearningServices/locations/usages", 5},
		{"target", "Microsoft.MachineLearningServices/locations/vmSizes", 5}, {"target", "Microsoft.Authorization/policyAssignments", 1},
		{"target", "Microsoft.Authorization/policyDefinitions", 1}, {"target", "Microsoft.Authorization/permissions", 1}, {"target", "Microsoft.Resources/subscriptions", 1},
		{"target", "Microsoft.Resources/resourceGroups", 1}, {"target", "Microsoft.Resources/providers", 6}, {"target", "Microsoft.Authorization/roleAssignments", 1},
	} {
		if got := count(t, s, c.section, arm.Type(c.typ)); got < c.least {
			t.Errorf("%s %s: %d, want at least %d", c.section, c.typ, got, c.least)
		}
	}
}

func TestAReaderCapturesAndWhatItMayNotReadIsAGap(t *testing.T) {
	t.Parallel()
	c := cloudtest.Start(t, cloudtest.Fixture("contoso"))
	dir := t.TempDir()
	s := take(t, connect(t, c, "reader"), dir, "reader.snap")
	whole := len(ids(t, s, snapshot.Content))
	for _, gap := range gapsOf(t, s) {
		t.Errorf("a reader of both subscriptions has the gap %+v", gap)
	}
	// The reader loses the target.
	var roles struct {
		Value []struct {
			ID         string
			Properties struct{ PrincipalID, Scope string }
		}
	}
	list := c.Do(t, "", http.MethodGet, "/subscriptions/"+targetSub+"/providers/Microsoft.Authorization/roleAssignments?$filter=principalId%20eq%20'"+c.Principals["reader"].ObjectID+"'&api-version=2022-04-01", nil)
	if err := json.Unmarshal(list.Body, &roles); err != nil || len(roles.Value) == 0 {
		t.Fatalf("no role assignment of the reader: %s %v", list.Body, err)
	}
	for _, role := range roles.Value {
		if answer := c.Do(t, "", http.MethodDelete, role.ID+"?api-version=2022-04-01", nil); answer.Status >= 300 {
			t.Fatalf("take the role away: %d %s", answer.Status, answer.Body)
		}
	}
	s = take(t, connect(t, c, "reader"), dir, "blind.snap")
	if got := len(ids(t, s, snapshot.Content)); got != whole {
		t.Errorf("%d documents of the workspace, want %d", got, whole)
	}
	gaps := gapsOf(t, s)
	if len(gaps) < 5 {
		t.Errorf("only %d gaps at a target that may not be read", len(gaps))
	}
	for _, gap := range gaps {
		if gap.Section != snapshot.Target && !strings.Contains(gap.Path, targetSub) || !slices.Contains([]int{403, 404, 501}, gap.Status) || gap.Code == "" || gap.Why == "" {
			t.Errorf("the gap %+v does not say enough", gap)
		}
	}
}

func gapsOf(t *testing.T, s *snapshot.Snapshot) []snapshot.Gap {
	t.Helper()
	gaps, err := s.Gaps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return gaps
}

func TestArchivedContentIsThere(t *testing.T) {
	t.Parallel()
	c := cloudtest.Start(t, cloudtest.Fixture("contoso-quiet"))
	for path, body := range map[string]string{
		"/models/old-model":            `{"properties":{"isArchived":true}}`,
		"/models/old-model/versions/1": `{"properties":{"modelUri":"azureml://datastores/workspaceblobstore/paths/m","isArchived":true}}`,
	} {
		if path != "/models/old-model" {
			continue
		}
		if answer := c.Await(t, http.MethodPut, workspace+path, body); answer.Status >= 300 {
			t.Fatalf("%s: %d %s", path, answer.Status, answer.Body)
		}
	}
	s := take(t, connect(t, c, ""), t.TempDir(), "a.snap")
	if _, err := s.Get(t.Context(), snapshot.Content, workspace+"/models/old-model"); err != nil {
		t.Error(err)
	}
}

func TestACaptureThatFailsLeavesNoFile(t *testing.T) {
	t.Parallel()
	c := cloudtest.Start(t, cloudtest.Fixture("contoso"))
	client := connect(t, c, "")
	for _, test := range []struct {
		name, workspace string
		ctx             func() context.Context
		kind            errs.Kind
	}{
		{"there is no such workspace", workspace + "x", t.Context, errs.NotFound},
		{"it is something else", target, t.Context, errs.Invalid},
		{"somebody gave up", workspace, func() context.Context {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx
		}, errs.Canceled},
	} {
		dir := t.TempDir()
		w, err := snapshot.Create(t.Context(), filepath.Join(dir, "w.snap"), false)
		if err != nil {
			t.Fatal(err)
		}
		_, err = capture.Run(test.ctx(), capture.Options{Client: client, Workspace: parse(t, test.workspace)}, w)
		if !errs.Is(err, test.kind) {
			t.Errorf("%s: got %v", test.name, err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			t.Errorf("%s: left behind %v, %v", test.name, entries, err)
		}
	}
}

func TestWorkspacesAreFoundByName(t *testing.T) {
	t.Parallel()
	c := cloudtest.Start(t, cloudtest.Fixture("contoso-quiet"))
	client := connect(t, c, "reader")
	for _, name := range []string{"contoso-ml", "CONTOSO-ML", workspace} {
		if id, err := capture.Find(t.Context(), client, name); err != nil || !id.Equal(parse(t, workspace)) {
			t.Errorf("%s: got %s, %v", name, id, err)
		}
	}
	for name, kind := range map[string]errs.Kind{"nobody-ml": errs.NotFound, "a b": errs.Invalid, target: errs.Invalid} {
		if _, err := capture.Find(t.Context(), client, name); !errs.Is(err, kind) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
