package move

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/store/postgres/pgtest"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/plan"
)

var pg = pgtest.Server{NoSync: true}

func TestMain(m *testing.M) { os.Exit(pg.Main(m)) }

func TestARunWaitsForTheApprovalOfPrivateEndpoints(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := decided("all")
	c.ApproveEndpoints = false
	f := w.begin(t, w.plan(t, c))
	record := w.drive(t, f, mover.Options{}, (*mover.Run).Forward)
	if record.State != mover.Waiting || !strings.Contains(record.Reason, "approve") {
		t.Fatalf("S24 the run is %s: %s", record.State, record.Reason)
	}
	approved := 0
	for _, resource := range []string{"Microsoft.MachineLearningServices/workspaces/contoso-ml", "Microsoft.Storage/storageAccounts/contosomldevst"} {
		path := w.target.String() + "/providers/" + resource + "/privateEndpointConnections"
		var page struct{ Value []json.RawMessage }
		if err := json.Unmarshal(w.cloud.Do(t, "", http.MethodGet, path, nil).Body, &page); err != nil {
			t.Fatal(err)
		}
		for _, raw := range page.Value {
			doc, err := arm.ParseDocument(raw)
			if err != nil {
				t.Fatal(err)
			}
			if doc.Text("properties.privateLinkServiceConnectionState.status") == "Pending" {
				approved++
				w.cloud.Await(t, http.MethodPut, doc.Text("id"), `{"properties":{"privateLinkServiceConnectionState":{"status":"Approved","description":"by a person"}}}`)
			}
		}
	}
	if approved != 2 {
		t.Fatalf("S24 %d connections waited for a person, want 2", approved)
	}
	if record = w.drive(t, f, mover.Options{}, (*mover.Run).Forward); record.State != mover.Done {
		t.Fatalf("resumed, the run is %s: %s", record.State, record.Reason)
	}
}

func TestEmptyDatastoresAreFilledAgain(t *testing.T) {
	t.Parallel()
	for _, include := range [][]string{nil, {"all"}} {
		t.Run(strings.Join(include, "")+" along", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if answer := w.cloud.Do(t, "", http.MethodPatch, "/_cloud/settings", `{"datastoreFields":"empty"}`); answer.Status >= 300 {
				t.Fatalf("the setting was refused: %s", answer.Body)
			}
			f := w.begin(t, w.plan(t, decided(include...)))
			if record := w.drive(t, f, mover.Options{}, (*mover.Run).Forward); record.State != mover.Done {
				t.Fatalf("S45 the run is %s: %s", record.State, record.Reason)
			}
			doc := arm.Document(w.cloud.Do(t, "", http.MethodGet, append(w.target, w.workspace[2:]...).String()+"/datastores/raw_images", nil).JSON(t))
			want := w.workspace.Group()
			if len(include) > 0 {
				want = w.target.Name()
			}
			if got := doc.Text("properties.resourceGroup"); got != want {
				t.Errorf("S45 the group of the datastore is %q, want %q", got, want)
			}
			secret := w.cloud.Do(t, "", http.MethodPost, doc.Text("id")+"/listSecrets", "{}").JSON(t)
			if key, _ := secret["key"].(string); key == "" {
				t.Error("S45 the datastore has lost its key")
			}
		})
	}
}

// TestTwoRunsShareOnePostgreSQL moves two workspaces of two clouds at once, their journals in one database; each run keeps to its own.
func TestTwoRunsShareOnePostgreSQL(t *testing.T) {
	t.Parallel()
	dsn := pg.Database(t)
	for _, name := range []string{"one", "two"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			before := w.census(t, w.workspace.Group())
			database, err := mover.OpenPostgres(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = database.Close() })
			f := w.beginIn(t, w.plan(t, decided("all")), dsn)
			w.fault(t, fault("deploymentFails", "match", times(1)))
			if record := w.drive(t, f, mover.Options{Database: database}, (*mover.Run).Forward); record.State != mover.Partial {
				t.Fatalf("D4 the run is %s: %s", record.State, record.Reason)
			}
			if record := w.drive(t, f, mover.Options{Database: database}, (*mover.Run).Forward); record.State != mover.Done {
				t.Fatalf("D4 resumed, the run is %s: %s", record.State, record.Reason)
			}
			sameCensus(t, before, w.census(t, w.target.Name()))
		})
	}
}

func TestADeploymentThatHadFailedIsLeftAndSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fault(t, fault("deploymentFails", "match", times(1)))
	id := w.workspace.String() + "/onlineEndpoints/contoso-fraud/deployments/"
	blue := w.cloud.Do(t, "", http.MethodGet, id+"blue", nil).JSON(t)
	w.cloud.Await(t, http.MethodPut, id+"broken", map[string]any{"location": "eastus", "sku": blue["sku"], "properties": blue["properties"]})
	w.cloud.Do(t, "", http.MethodDelete, "/_cloud/faults", nil)
	p := w.plan(t, decided("all"))
	said := false
	for _, loss := range p.Losses {
		said = said || strings.HasSuffix(loss.Subject, "/broken")
	}
	for _, s := range p.Steps {
		if s.Action == plan.RestoreDeployment && strings.HasSuffix(s.Subject, "/broken") {
			t.Error("a deployment that had failed is made again")
		}
	}
	if !said {
		t.Fatal("the plan does not say that a failed deployment is not made again")
	}
	if record := w.drive(t, w.begin(t, p), mover.Options{}, (*mover.Run).Forward); record.State != mover.Done {
		t.Fatalf("the run is %s: %s", record.State, record.Reason)
	}
}
