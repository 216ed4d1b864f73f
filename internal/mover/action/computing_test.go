package action

import (
	"encoding/json"
	"filippo.io/age"
	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/seal"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rewrite"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// anew are the members that the service writes anew when something is made again, and nothing else may differ: who made it and when, what its machines do at this moment, its identity, and
// the ids of an instance's schedules (not the schedules).
var anew = map[string][]string{
	"computes": {"systemData", "properties.createdOn", "properties.modifiedOn", "properties.properties.allocationStateTransitionTime", "properties.properties.currentNodeCount",
		"properties.properties.targetNodeCount", "properties.properties.nodeStateCounts", "properties.properties.createdBy", "properties.properties.lastOperation",
		"properties.properties.schedules.computeStartStop[0].id", "properties.properties.schedules.computeStartStop[1].id",
		"properties.properties.schedules.computeStartStop[0].provisioningStatus", "properties.properties.schedules.computeStartStop[1].provisioningStatus"},
	"onlineEndpoints":             {"systemData", "identity.principalId"},
	"onlineEndpoints/deployments": {"systemData"},
	"batchEndpoints":              {"systemData", "identity.principalId", "properties.swaggerUri"},
	"batchEndpoints/deployments":  {"systemData"},
	"serverlessEndpoints":         {"systemData", "properties.provisioningState"},
}

// computingKinds are the kinds of content that a move does not bring along and that the actions of this part make again.
func computingKinds() []string { return slices.Sorted(maps.Keys(anew)) }

// computing are the computes, endpoints and deployments of a world as they were written down.
func (w *world) computing() []facts.Item {
	var items []facts.Item
	for _, path := range computingKinds() {
		items = append(items, w.facts.Content(path)...)
	}
	return items
}

// asBefore fails the test when something is not there as it was written down; moved says whether it is looked for at its landing, with the new ids.
func (w *world) asBefore(t *testing.T, item facts.Item, moved bool) {
	t.Helper()
	kind, _ := aml.KindOf(item.ID.Type())
	was, at := item.Doc, item.Key
	if moved {
		text, err := json.Marshal(was)
		if err != nil {
			t.Fatal(err)
		}
		if was, err = arm.ParseDocument([]byte(w.Map.Text(string(text)))); err != nil {
			t.Fatal(err)
		}
		at = w.landed(t, item.Key)
	}
	same(t, kind.Path+" "+item.Name(), was, w.get(t, at), anew[kind.Path]...)
}

// removals are the tasks that clear the workspace, in order: endpoints before the computes that they use.
func (w *world) removals() []*Task {
	var tasks []*Task
	for _, path := range []string{"onlineEndpoints", "batchEndpoints", "serverlessEndpoints"} {
		for _, item := range w.facts.Content(path) {
			tasks = append(tasks, w.task(plan.RemoveEndpoint, item.Key, nil))
		}
	}
	for _, item := range w.facts.Content("computes") {
		tasks = append(tasks, w.task(plan.RemoveCompute, item.Key, nil))
	}
	return tasks
}

// restores are the tasks that make everything again, in order.
func (w *world) restores() []*Task {
	var tasks []*Task
	add := func(kind string, paths ...string) {
		for _, path := range paths {
			for _, item := range w.facts.Content(path) {
				tasks = append(tasks, w.task(kind, item.Key, nil))
			}
		}
	}
	add(plan.RestoreCompute, "computes")
	tasks = append(tasks, w.task(plan.RestoreImageBuild, w.Plan.Workspace, nil))
	add(plan.RestoreEndpoint, "onlineEndpoints", "batchEndpoints", "serverlessEndpoints")
	add(plan.RestoreDeployment, "onlineEndpoints/deployments", "batchEndpoints/deployments")
	add(plan.RestoreTraffic, "onlineEndpoints", "batchEndpoints")
	return tasks
}

// sealAll seals the keys of all online endpoints and returns what the service told of them.
func (w *world) sealAll(t *testing.T) map[string]string {
	t.Helper()
	keys := map[string]string{}
	for _, item := range w.facts.Content("onlineEndpoints") {
		w.seal(t, "onlineEndpoints/"+item.Name())
		keys[item.Key] = w.secrets(t, item.Key, "listKeys")
	}
	return keys
}

// do does a step that must succeed.
func (w *world) do(t *testing.T, task *Task) {
	t.Helper()
	if err := w.find(t, task).Do(t.Context(), task); err != nil {
		t.Fatalf("%s: %v", task.Step.ID, err)
	}
}

// undo takes a step back that must be able to.
func (w *world) undo(t *testing.T, task *Task) {
	t.Helper()
	if err := w.find(t, task).Undo(t.Context(), back(task)); err != nil {
		t.Fatalf("undo %s: %v", task.Step.ID, err)
	}
}

// back is a task on its way back.
func back(task *Task) *Task {
	taken := *task
	taken.Back = true
	return &taken
}

// clear brings contoso to rest through the actions of this part, and ends its jobs and labeling.
func (w *world) clear(t *testing.T) (keys map[string]string) {
	t.Helper()
	keys = w.sealAll(t)
	for _, task := range w.removals() {
		w.do(t, task)
	}
	for _, job := range w.facts.Content("jobs") {
		if status(job.Doc).Cancelable() {
			w.cloud.Do(t, "", http.MethodPost, job.Key+"/cancel", map[string]any{}) // one that has ended meanwhile refuses
		}
	}
	w.ask(t, http.MethodPost, "/_cloud/clock", `{"advance":"1h"}`) // what was asked to end has ended
	w.ask(t, http.MethodPost, "/_cloud/clock/drain", nil)
	for _, item := range w.facts.Content("labelingJobs") {
		w.ask(t, http.MethodDelete, item.Key+"?api-version=2024-01-01-preview", nil)
	}
	return keys
}

// edited is the snapshot of a world in which one document is another.
func (w *world) edited(t *testing.T, id string, edit func(arm.Document)) {
	t.Helper()
	w.open(t, w.copied(t, func(d *snapshot.Document) {
		if !strings.EqualFold(d.ID, id) {
			return
		}
		doc, err := arm.ParseDocument(d.Body)
		if err == nil {
			edit(doc)
			d.Body, err = json.Marshal(doc)
		}
		if err != nil {
			t.Fatal(err)
		}
	}))
}

// copied copies the snapshot of a world, and lets a test change its documents on the way.
func (w *world) copied(t *testing.T, edit func(*snapshot.Document)) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "copied.snap")
	writer, err := snapshot.Create(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	for d, err := range w.Before.Documents(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		edit(&d)
		if err := writer.Add(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := writer.Finish(t.Context(), snapshot.Header{WorkspaceID: w.Plan.Workspace}); err != nil {
		t.Fatal(err)
	}
	return path
}

// open gives a world another snapshot.
func (w *world) open(t *testing.T, path string) {
	t.Helper()
	before, err := snapshot.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = before.Close() })
	w.Before = before
}

// drawn is contoso written down once: the fixture is the same in every cloud, but for times.
var drawn struct {
	sync.Mutex
	like *world
	snap []byte
}

// contoso is a world of its own like newWorld(t, "contoso"), at a fraction of its cost.
func contoso(t *testing.T) *world {
	t.Helper()
	cloud := cloudtest.Start(t, cloudtest.Fixture("contoso"))
	drawn.Lock()
	defer drawn.Unlock()
	if drawn.snap == nil {
		w := worldOn(t, cloud)
		snap, err := os.ReadFile(w.copied(t, func(*snapshot.Document) {}))
		if err != nil {
			t.Fatal(err)
		}
		drawn.like, drawn.snap = w, snap
	}
	path := filepath.Join(t.TempDir(), "before.snap")
	if err := os.WriteFile(path, drawn.snap, 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	box, err := seal.Open(filepath.Join(t.TempDir(), "secrets.age"), key)
	if err != nil {
		t.Fatal(err)
	}
	env, planned := *drawn.like.Env, *drawn.like.Plan
	w := &world{cloud: cloud, facts: drawn.like.facts, journal: &memory{cursors: map[string]string{}}, Env: &env}
	w.Plan, w.Client, w.Secrets, w.Journal, w.Folder = &planned, connect(t, cloud), box, w.journal, t.TempDir()
	w.open(t, path)
	return w
}

// written writes a document as somebody else would: as it is now, with a change.
func (w *world) written(t *testing.T, id string, change func(arm.Document)) {
	t.Helper()
	kind, _ := aml.KindOf(must(t, id).Type())
	body := rewrite.Map{}.ForPut(kind, w.get(t, id))
	change(body)
	w.ask(t, http.MethodPut, id, body)
}

// refused does a step that must not succeed, and returns its error.
func (w *world) refused(t *testing.T, task *Task, code string) error {
	t.Helper()
	err := w.find(t, task).Do(t.Context(), task)
	if e := errs.As(err); e == nil || e.Code != code {
		t.Fatalf("%s: got %v, want %s", task.Step.ID, err, code)
	}
	return err
}

// atSource lets a world restore where things were, as if the move had led there: for what has nothing to do with the move.
func (w *world) atSource() { w.Map = rewrite.Map{} }
