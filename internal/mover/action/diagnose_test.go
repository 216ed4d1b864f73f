package action

import (
	"net/http"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/plan"
)

func TestWhatADiagnosisFindsIsRemarked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso-quiet")
	w.move(t)
	task := w.task(plan.Diagnose, w.Plan.Workspace, nil)
	w.want(t, task)
	if len(w.journal.remarks) != 0 {
		t.Errorf("a sound workspace is remarked upon: %v", w.journal.remarks)
	}
	w.ask(t, http.MethodPut, w.Plan.Landing+"/providers/Microsoft.Authorization/locks/keep", map[string]any{"properties": map[string]any{"level": "CanNotDelete"}})
	if err := w.find(t, task).Do(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	if !w.journal.remarked(Differs, "resourceLock: Warning ResourceLockFound") {
		t.Errorf("the lock is not in the remarks: %v", w.journal.remarks)
	}

	for k := int64(1); k <= 3; k++ { // stopped and taken up again
		task.Step.ID += "x"
		if err := w.doCut(t, task, k); err == nil {
			continue
		}
		w.done(t, task, false)
		if err := w.find(t, task).Do(t.Context(), task); err != nil {
			t.Errorf("taken up after request %d: %v", k, err)
		}
		w.done(t, task, true)
	}

	w.fault(t, `{"kind":"status","status":403,"code":"AuthorizationFailed","message":"you may not","match":{"path":"**/diagnose"}}`)
	task.Step.ID, w.journal.remarks = "another", nil
	w.hear(t, func(*http.Request) {})
	if err := w.find(t, task).Do(t.Context(), task); err != nil {
		t.Errorf("a diagnosis that cannot be had fails the run: %v", err)
	}
	w.done(t, task, true)
	if !w.journal.remarked(Differs, "could not be asked to diagnose itself") || !w.journal.remarked(Differs, "you may not") {
		t.Errorf("it is not said: %v", w.journal.remarks)
	}
}

func TestAnAnswerThatIsNoDiagnosisIsRemarked(t *testing.T) {
	t.Parallel()
	w := &world{journal: &memory{cursors: map[string]string{}}}
	w.Env = &Env{Journal: w.journal}
	task := w.task(plan.Diagnose, "/x", nil)
	for _, body := range []string{``, `[]`, `null`} {
		w.journal.remarks = nil
		if err := task.tell(t.Context(), []byte(body)); err != nil || !w.journal.remarked(Differs, "cannot be read") {
			t.Errorf("%q: %v, %v", body, err, w.journal.remarks)
		}
	}
	w.journal.remarks = nil
	body := `{"value":{"storageAccountResults":[{"code":"A","level":"Error","message":"gone"},{"code":"B","level":"Information","message":"fine"},{"code":"C"}],"otherResults":null}}`
	if err := task.tell(t.Context(), []byte(body)); err != nil || len(w.journal.remarks) != 1 || !w.journal.remarked(Differs, "storageAccount: Error A: gone") {
		t.Errorf("%v, %v", err, w.journal.remarks)
	}
}

func TestKeysAreReadAgainAndOnceIsEnough(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso-quiet", "all")
	w.move(t)
	task := w.task(plan.ResyncKeys, w.Plan.Workspace, nil)
	w.want(t, task)
	if w.journal.sent(http.MethodPost, "/resyncKeys") == 0 {
		t.Error("S42 nothing was asked")
	}
	keys := w.secrets(t, w.Plan.Landing, "listKeys")
	if !strings.Contains(keys, w.landed(t, w.storage())) {
		t.Error("S42 the workspace does not name its storage account where it is now")
	}
}
