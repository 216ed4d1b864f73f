package action

import (
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/snapshot"
	"github.com/amlmove/amlmove/test/capturing"
)

func TestASchedulesOwnersFindItAsItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso")
	n := 0
	for _, item := range w.facts.Content("schedules") {
		task := w.task(plan.DisableSchedule, item.Key, nil)
		if !item.Doc.Bool(enabled) {
			writes := w.journal.writes()
			w.done(t, task, true)
			if w.journal.writes() != writes {
				t.Errorf("pain 32 %s was disabled before, and was written", item.Name())
			}
			continue
		}
		n++
		before := w.get(t, item.Key)
		w.want(t, task)
		off := w.get(t, item.Key)
		if off.Bool(enabled) {
			t.Errorf("pain 32 %s is still enabled", item.Name())
		}
		same(t, item.Name()+" disabled", before, off, "systemData", "etag", enabled)
		w.undone(t, task)
		same(t, item.Name()+" enabled again", before, w.get(t, item.Key), "systemData", "etag")
	}
	if n < 3 {
		t.Fatalf("only %d schedules were enabled: the test shows little", n)
	}
}

// TestAScheduleThatWasChangedMeanwhileKeepsThat: jobs may be waited for for hours, and what somebody changes meanwhile is not the run's to take back.
func TestAScheduleThatWasChangedMeanwhileKeepsThat(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso")
	id := w.below("schedules/hourly-fraud-scoring")
	task := w.task(plan.DisableSchedule, id, nil)
	w.want(t, task)
	w.written(t, id, func(d arm.Document) { d.Set("properties.description", "every second hour") })
	changed := w.get(t, id)
	w.undone(t, task)
	now := w.get(t, id)
	if !now.Bool(enabled) {
		t.Error("pain 32 it is still disabled")
	}
	same(t, "the schedule", changed, now, "systemData", "etag", enabled)
	w.want(t, task)
	w.ask(t, http.MethodDelete, id, nil)
	w.undone(t, task)
	if !w.get(t, id).Bool(enabled) {
		t.Error("it was taken away, and is not made again")
	}
}

// TestAScheduleThatDoesNotSayIsEnabled: true is the default of isEnabled, and the service need not say it.
func TestAScheduleThatDoesNotSayIsEnabled(t *testing.T) {
	t.Parallel()
	cloud := cloudtest.Start(t, cloudtest.Fixture("contoso-quiet"))
	first := worldOn(t, cloud)
	id := first.below("schedules/monthly-quality-report")
	first.written(t, id, func(d arm.Document) { d.Set(enabled, true) })
	w := worldOn(t, cloud)
	w.edit(t, id, func(d arm.Document) { d.Delete(enabled) })
	task := w.task(plan.DisableSchedule, id, nil)
	w.want(t, task)
	w.undone(t, task)
	if !w.get(t, id).Bool(enabled) {
		t.Error("pain 32 it stays disabled when the run goes back")
	}
	w.want(t, task)
	w.move(t)
	w.want(t, w.task(plan.RestoreSchedule, id, nil))
	if !w.get(t, w.landed(t, id)).Bool(enabled) {
		t.Error("pain 32 it stays disabled behind the move")
	}
}

// edit changes what the snapshot of the run says of something.
func (w *world) edit(t *testing.T, id string, change func(arm.Document)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "edited.snap")
	to, err := snapshot.Create(t.Context(), path, false)
	for d, broken := range w.Before.Documents(t.Context()) {
		doc, cut := arm.ParseDocument(d.Body)
		if strings.EqualFold(d.ID, id) {
			change(doc)
			d.Body, err = json.Marshal(doc)
		}
		if err = errors.Join(err, broken, cut, to.Add(t.Context(), d)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := to.Finish(t.Context(), w.Before.Header); err != nil {
		t.Fatal(err)
	}
	w.Before = capturing.Open(t, path)
}

func TestAScheduleThatIsGoneNeedsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso")
	id := w.below("schedules/hourly-fraud-scoring")
	task := w.task(plan.DisableSchedule, id, nil)
	w.want(t, task)
	w.ask(t, http.MethodDelete, id, nil)
	w.done(t, task, true)
	if err := w.find(t, task).Do(t.Context(), task); err != nil {
		t.Errorf("somebody removed the schedule meanwhile: %v", err)
	}
}

func TestSchedulesComeBackToTheirEarlierStateWithNewIDs(t *testing.T) {
	t.Parallel()
	cloud := cloudtest.Start(t, cloudtest.Fixture("contoso-quiet"))
	first := worldOn(t, cloud)
	id := first.below("schedules/monthly-quality-report")
	doc := first.get(t, id)
	doc.Set(enabled, true)
	doc.Set("properties.tags", map[string]any{"team": "quality"})
	doc.Set("properties.description", "for the works council")
	first.ask(t, http.MethodPut, id, map[string]any{"properties": doc["properties"]})

	w := worldOn(t, cloud)
	before := w.get(t, id)
	w.want(t, w.task(plan.DisableSchedule, id, nil))
	same(t, "the disabled schedule", before, w.get(t, id), "systemData", "etag", enabled)
	w.move(t)
	restored := 0
	for _, item := range w.facts.Content("schedules") {
		task := w.task(plan.RestoreSchedule, item.Key, nil)
		w.want(t, task)
		now := w.get(t, w.landed(t, item.Key))
		if now.Bool(enabled) != item.Doc.Bool(enabled) {
			t.Errorf("pain 32 %s is enabled: %v, and was %v", item.Name(), now.Bool(enabled), item.Doc.Bool(enabled))
		}
		if stale := w.Map.Mentions(now); len(stale) > 0 {
			t.Errorf("S08 %s still names its old workspace in %v", item.Name(), stale)
		}
		may := append(w.Map.Mentions(item.Doc), "systemData", "etag", "id") // only what named the old workspace
		same(t, item.Name(), item.Doc, now, may...)
		writes := w.journal.writes()
		w.undone(t, task)
		if w.journal.writes() != writes {
			t.Errorf("%s: behind the point of no return something was taken back", item.Name())
		}
		restored++
	}
	if restored < 5 {
		t.Fatalf("only %d schedules", restored)
	}
	if !strings.Contains(w.get(t, w.landed(t, id)).Text("properties.action.jobDefinition.jobs.evaluate.computeId"), "ml-prod-rg") {
		t.Error("S08 the compute of a nested job is not where it is now")
	}
}
