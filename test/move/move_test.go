package move

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/test/whole"
)

// TestContosoMovesWhole moves everything (S04, S06, S07, S08), and makes again what stays behind: data assets, computes and endpoints (S05, S44, pain 24). What is not included stays where it is (pain 43).
func TestContosoMovesWhole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		include []string
		group   func(w *world) // where it goes, when not to the other subscription
	}{
		{"S01 S42 to another subscription with everything", []string{"all"}, nil},
		{"S01 to another subscription alone", nil, nil},
		{"S02 to another group with everything", []string{"all"}, otherGroup},
		{"S02 to another group alone", nil, otherGroup},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			whole.Or(t, c.name, "S01 S42 to another subscription with everything", "S02 to another group alone")
			w := newWorld(t)
			if c.group != nil {
				c.group(w)
			}
			endpoint := "/onlineEndpoints/contoso-fraud"
			before, keys := w.census(t, w.workspace.Group()), w.keysOf(t, w.workspace.String()+endpoint)
			f := w.begin(t, w.plan(t, decided(c.include...)))
			record := w.drive(t, f, mover.Options{}, (*mover.Run).Forward)
			if record.State != mover.Done {
				t.Fatalf("the run is %s: %s", record.State, record.Reason)
			}
			sameCensus(t, before, w.census(t, w.target.Name()))
			landed := append(w.target, w.workspace[2:]...).String()
			if now := w.keysOf(t, landed+endpoint); now != keys {
				t.Error("S10 the endpoint has other keys than before")
			}
			w.noSecrets(t, f, keys)
		})
	}
}

// otherGroup sends the workspace to a group of its own subscription that is not there yet.
func otherGroup(w *world) {
	w.target = w.workspace.SubscriptionID().Child(arm.Hop{Type: arm.ResourceGroups, Name: "ml-other-rg"})
}

// noSecrets searches everything that the program wrote for secrets that it had in its hands (D10).
func (w *world) noSecrets(t *testing.T, f mover.Folder, keys string) {
	t.Helper()
	canaries := strings.Fields(strings.Trim(keys, "{}"))
	if len(canaries) != 2 || len(canaries[0]) < 10 {
		t.Fatalf("these are no canaries: %d", len(canaries))
	}
	sealed := false
	err := filepath.WalkDir(w.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sealed = sealed || entry.Name() == mover.SecretsFile
		for _, canary := range canaries {
			if strings.Contains(string(data), canary) {
				t.Errorf("D10 a key of an endpoint is in %s", path)
			}
		}
		return nil
	})
	if err != nil || !sealed {
		t.Fatalf("the folder of the run was not searched, or nothing was sealed: %v", err)
	}
	_ = f
}

func TestAStalePlanIsNotApplied(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*testing.T, *world)
		want   string // in the words of the drift; empty when it is none
	}{
		{"a compute is new", func(t *testing.T, w *world) {
			w.cloud.Await(t, "PUT", w.workspace.String()+"/computes/late-cluster", `{"location":"eastus","properties":{"computeType":"AmlCompute","properties":{"vmSize":"STANDARD_DS2_V2","scaleSettings":{"minNodeCount":0,"maxNodeCount":1}}}}`)
		}, "late-cluster"},
		{"the traffic of an endpoint was changed", func(t *testing.T, w *world) {
			doc := w.cloud.Do(t, "", "GET", w.workspace.String()+"/onlineEndpoints/contoso-fraud", nil).JSON(t)
			doc["properties"].(map[string]any)["traffic"] = map[string]any{"blue": 50, "green": 50}
			w.cloud.Await(t, "PUT", w.workspace.String()+"/onlineEndpoints/contoso-fraud", doc)
		}, "contoso-fraud"},
		{"a data asset was registered", func(t *testing.T, w *world) {
			w.cloud.Await(t, "PUT", w.workspace.String()+"/data/late/versions/1", `{"properties":{"dataType":"uri_file","dataUri":"azureml://datastores/workspaceblobstore/paths/late"}}`)
		}, "another number"},
		{"a job ended by itself", func(t *testing.T, w *world) {
			for _, job := range w.running(t) {
				w.cloud.Await(t, "POST", job+"/cancel", "{}")
			}
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.plan(t, decided())
			c.change(t, w)
			f, err := mover.Begin(t.Context(), mover.Beginning{Root: filepath.Join(w.dir, "runs"), Plan: p, Client: w.client, Now: quick{}.Now})
			if c.want == "" {
				if err != nil {
					t.Fatalf("what the drain need not do any more is no drift: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("D11 the drift does not name %q: %v", c.want, err)
			}
			if f.Has(mover.RunFile) {
				t.Error("a stale plan left a run behind")
			}
			if _, err := mover.FolderOf(filepath.Join(w.dir, "runs"), filepath.Base(f.Path)); !errs.Is(err, errs.NotFound) {
				t.Errorf("a stale plan left a folder behind: %v", err)
			}
		})
	}
}

// running lists the ids of jobs that can be cancelled.
func (w *world) running(t *testing.T) []string {
	t.Helper()
	var ids []string
	p := w.plan(t, decided())
	for _, s := range p.Steps {
		if s.Action == "endJob" {
			ids = append(ids, s.Subject)
		}
	}
	return ids
}
