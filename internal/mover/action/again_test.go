package action

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/plan"
)

func TestWhatIsRemovedIsAsBeforeWhenItIsTakenBack(t *testing.T) {
	t.Parallel()
	w := contoso(t)
	keys := w.sealAll(t)
	behind := w.get(t, w.below("computes/inference-aks")).Text("properties.resourceId")
	cluster := w.get(t, behind)
	tasks := w.removals()
	if len(tasks) < 6 {
		t.Fatalf("only %d removals: the world lacks what must be removed", len(tasks))
	}
	for _, task := range tasks {
		w.want(t, task)
	}
	same(t, "S31 the attached cluster", cluster, w.get(t, behind))
	for _, e := range w.journal.entries {
		if e.method != http.MethodDelete {
			t.Errorf("S09 clearing sent %s %s", e.method, e.path)
		}
	}
	slices.Reverse(tasks)
	for _, task := range tasks {
		w.undone(t, task)
		w.done(t, task, false)
	}
	for _, item := range w.computing() {
		w.asBefore(t, item, false)
	}
	for id, before := range keys {
		if w.secrets(t, id, "listKeys") != before {
			t.Errorf("S10 the keys of %s are others", id)
		}
	}
	writes := w.journal.writes()
	for _, task := range tasks {
		w.undo(t, task)
	}
	if w.journal.writes() != writes {
		t.Error("what is as it was is written once more")
	}
}

func TestEverythingIsMadeAgainBehindTheMove(t *testing.T) {
	t.Parallel()
	w := contoso(t)
	keys := w.clear(t)
	w.move(t)
	for _, task := range w.restores() {
		if task.Step.Action == plan.RestoreImageBuild { // the move kept the name; somebody takes it away
			w.ask(t, http.MethodPatch, w.Plan.Landing, map[string]any{"properties": map[string]any{"imageBuildCompute": ""}})
		}
		w.want(t, task)
		w.undone(t, task) // behind the point of no return nothing is taken back
		w.done(t, task, true)
	}
	items := w.computing()
	if len(items) < 11 {
		t.Fatalf("only %d things are compared", len(items))
	}
	for _, item := range items {
		w.asBefore(t, item, true)
	}
	if was, is := w.facts.Workspace.Doc.Text(imageBuild), w.get(t, w.Plan.Landing).Text(imageBuild); was != is || was == "" {
		t.Errorf("S09 images are built on %q, before on %q", is, was)
	}
	for id, before := range keys {
		if w.secrets(t, w.landed(t, id), "listKeys") != before {
			t.Errorf("S10 the keys of %s are others", id)
		}
	}
	if !w.journal.remarked(Differs, "contoso-fraud has a new system-assigned identity") {
		t.Errorf("S16 nobody is told of the new identity: %v", w.journal.remarks)
	}
	if !strings.EqualFold(w.get(t, w.landed(t, w.below("batchEndpoints/contoso-batch-scoring"))).Text("properties.defaults.deploymentName"), "lightgbm-v5") {
		t.Error("S10 the batch endpoint has lost its default deployment")
	}
}

func TestLostAnswersHarmNobody(t *testing.T) {
	t.Parallel()
	w := contoso(t)
	w.sealAll(t)
	for _, method := range []string{"PUT", "DELETE"} {
		w.fault(t, `{"kind":"lostAnswer","match":{"method":"`+method+`","path":"**/workspaces/contoso-ml/**","times":3}}`)
	}
	tasks := []*Task{w.task(plan.RemoveEndpoint, w.below("onlineEndpoints/contoso-demand"), nil), w.task(plan.RemoveCompute, w.below("computes/alice-ci"), nil)}
	for _, task := range tasks {
		w.patient(t, task, func(task *Task) error { return w.find(t, task).Do(t.Context(), task) })
		w.done(t, task, true)
	}
	for _, task := range tasks {
		w.patient(t, back(task), func(task *Task) error { return w.find(t, task).Undo(t.Context(), task) })
	}
	struck := 0
	for _, f := range arm.Document(w.ask(t, http.MethodGet, "/_cloud/faults", nil)).Objects("faults") {
		n, _ := f.Number("struck")
		struck += int(n)
	}
	if struck != 6 {
		t.Errorf("%d answers were lost, want 6", struck)
	}
	for _, item := range w.computing() {
		w.asBefore(t, item, false)
	}
}

// patient tries as often as a run does when the other side does not answer.
func (w *world) patient(t *testing.T, task *Task, try func(*Task) error) {
	t.Helper()
	var err error
	for range 4 {
		if err = try(task); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v", task.Step.ID, err)
}
