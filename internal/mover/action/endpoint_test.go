package action

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
)

const provisioning = "properties.provisioningState"

// fraud is contoso with the keys of contoso-fraud sealed, and the task that removes it.
func fraud(t *testing.T) (w *world, endpoint string, removing *Task) {
	t.Helper()
	w = contoso(t)
	w.seal(t, "onlineEndpoints/contoso-fraud")
	endpoint = w.below("onlineEndpoints/contoso-fraud")
	return w, endpoint, w.task(plan.RemoveEndpoint, endpoint, nil)
}

func TestANameThatIsStillHeldIsWaitedFor(t *testing.T) {
	t.Parallel()
	w, endpoint, removing := fraud(t)
	keys := w.secrets(t, endpoint, "listKeys")
	clock := w.steer(t)
	for _, status := range []string{"404", "409"} { // the service does not find the name, or says that it is not unique
		w.ask(t, http.MethodDelete, "/_cloud/faults", nil)
		w.fault(t, `{"kind":"nameHeld","for":"10m","status":`+status+`}`)
		w.do(t, removing)
		begun := clock.Now()
		w.undo(t, removing)
		if waited := clock.Now().Sub(begun); waited.Minutes() < 9 {
			t.Errorf("pain 26 with %s it was there after %s: the name was not held", status, waited)
		}
		if w.secrets(t, endpoint, "listKeys") != keys {
			t.Errorf("S10 with %s the keys are others", status)
		}
	}
}

func TestANameThatStaysHeldIsAnError(t *testing.T) {
	t.Parallel()
	w, _, removing := fraud(t)
	w.fault(t, `{"kind":"nameHeld","for":"3h"}`)
	w.do(t, removing)
	w.steer(t)
	err := w.find(t, removing).Undo(t.Context(), back(removing))
	if e := errs.As(err); e == nil || e.Code != "NameHeld" || !strings.Contains(e.Error(), "contoso-fraud") {
		t.Fatalf("pain 26 got %v", err)
	}
}

func TestAWorkspaceThatIsNotThereIsNotTakenForAHeldName(t *testing.T) {
	t.Parallel()
	w, endpoint, _ := fraud(t)
	task := w.task(plan.RestoreEndpoint, endpoint, nil) // nothing has moved
	if err := w.find(t, task).Do(t.Context(), task); !errs.Is(err, errs.NotFound) {
		t.Fatalf("got %v", err)
	}
	if w.journal.writes() != 1 {
		t.Errorf("it was tried %d times", w.journal.writes())
	}
}

func TestWhichErrorsAreOfAName(t *testing.T) {
	t.Parallel()
	w, endpoint, _ := fraud(t)
	task := w.task(plan.RestoreEndpoint, endpoint, nil)
	for _, c := range []struct {
		name string
		err  *errs.Error
		held bool
	}{
		{"the name needs to be unique", errs.New(errs.Invalid, "UserError", "The name 'x' needs to be unique within a region."), true},
		{"an instance's name is in use", errs.New(errs.Conflict, "ComputeNameAlreadyInUse", "The specified one is in use."), true},
		{"quota", errs.New(errs.Conflict, "OperationNotAllowed", "the quota of the family named Standard DSv2 is used up"), false},
		{"the model is not there", errs.New(errs.Invalid, "UserError", "the property 'model' names 'm', which does not exist."), false},
		{"a failure behind the acceptance", errs.New(errs.Conflict, "ProvisioningFailed", "the name is in use"), false},
		{"no right", errs.New(errs.Denied, "AuthorizationFailed", "the name is in use"), false},
	} {
		held, err := task.held(t.Context(), must(t, endpoint), c.err)
		if err != nil || held != c.held {
			t.Errorf("pain 26 %s: %v (%v), want %v", c.name, held, err, c.held)
		}
	}
	if held, _ := task.held(t.Context(), must(t, endpoint+"/deployments/blue"), errs.New(errs.NotFound, "NotFound", "x")); held {
		t.Error("pain 26 a deployment's name is not unique in a region")
	}
}

func TestADeploymentThatFailsIsMadeAtTheNextTry(t *testing.T) {
	t.Parallel()
	w, endpoint, removing := fraud(t)
	w.do(t, removing)
	w.atSource()
	w.do(t, w.task(plan.RestoreEndpoint, endpoint, nil))
	w.fault(t, `{"kind":"deploymentFails","message":"no machines of this size are left","match":{"times":2}}`)
	task := w.task(plan.RestoreDeployment, endpoint+"/deployments/blue", nil)
	for range 2 {
		err := w.find(t, task).Do(t.Context(), task)
		if err == nil || !strings.Contains(err.Error(), "no machines of this size are left") {
			t.Fatalf("pain 36 got %v", err)
		}
		w.done(t, task, false)
		if state := w.get(t, task.Step.Subject).Text(provisioning); state != string(aml.Failed) {
			t.Fatalf("the leftover is %s", state)
		}
	}
	w.want(t, task)
}

func TestALeftoverThatCannotBeWrittenOverIsMadeAnew(t *testing.T) {
	t.Parallel()
	w, endpoint, removing := fraud(t)
	keys := w.secrets(t, endpoint, "listKeys")
	w.do(t, removing)
	w.atSource()
	w.fault(t, `{"kind":"deploymentFails","match":{"action":"Microsoft.MachineLearningServices/workspaces/onlineEndpoints/write","times":1}}`)
	task := w.task(plan.RestoreEndpoint, endpoint, nil)
	if err := w.find(t, task).Do(t.Context(), task); err == nil {
		t.Fatal("the first try succeeded")
	}
	w.fault(t, `{"kind":"status","status":409,"code":"Conflict","message":"an endpoint that has failed cannot be changed","match":{"method":"PUT","path":"**/onlineEndpoints/contoso-fraud","times":1}}`)
	w.want(t, task)
	if n := w.journal.sent(http.MethodDelete, "/contoso-fraud"); n != 2 {
		t.Errorf("it was deleted %d times, want 2: once before, and the leftover", n)
	}
	if w.secrets(t, endpoint, "listKeys") != keys {
		t.Error("S10 the keys are others")
	}
}

func TestAKeyThatWasChangedSinceItWasSealedIsKept(t *testing.T) {
	t.Parallel()
	w, endpoint, removing := fraud(t)
	sealed := w.secrets(t, endpoint, "listKeys")
	w.ask(t, http.MethodPost, endpoint+"/regenerateKeys", map[string]any{"keyType": "Primary"})
	changed := w.secrets(t, endpoint, "listKeys")
	if changed == sealed {
		t.Fatal("the key was not changed")
	}
	w.want(t, removing)
	w.undone(t, removing)
	if w.secrets(t, endpoint, "listKeys") != changed {
		t.Error("S10 a key that somebody took out of use is back")
	}
}

// TestAnEndpointThatStandsAlreadyGetsTheKeysOfItsCallers: somebody made it in the meantime, and the service takes keys in a PUT only of what is new.
func TestAnEndpointThatStandsAlreadyGetsTheKeysOfItsCallers(t *testing.T) {
	t.Parallel()
	w, endpoint, removing := fraud(t)
	keys := w.secrets(t, endpoint, "listKeys")
	before := w.get(t, endpoint)
	w.do(t, removing)
	w.ask(t, http.MethodPut, endpoint, arm.Document{"location": before["location"], "tags": before["tags"], "identity": map[string]any{"type": "SystemAssigned"},
		"properties": map[string]any{"authMode": "Key", "description": before.Text("properties.description"), "publicNetworkAccess": "Enabled"}})
	theirs := w.secrets(t, endpoint, "listKeys")
	w.atSource()
	task := w.task(plan.RestoreEndpoint, endpoint, nil)
	w.fault(t, `{"kind":"status","status":400,"code":"UserError","message":"no","match":{"path":"**/regenerateKeys","times":1}}`)
	if err := w.refused(t, task, "KeysDiffer"); strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "primary key of the endpoint contoso-fraud") {
		t.Errorf("S10 got %v", err)
	}
	w.done(t, task, false)
	w.want(t, task)
	if now := w.secrets(t, endpoint, "listKeys"); now != keys || now == theirs {
		t.Error("S10 its callers have other keys than it")
	}
	if n := w.journal.sent(http.MethodPost, "/regenerateKeys"); n != 3 {
		t.Errorf("%d keys were set, want one refused and two set", n)
	}
}

func TestAnEndpointThatFailedOverItsTrafficKeepsItsDeployments(t *testing.T) {
	t.Parallel()
	w, endpoint, removing := fraud(t)
	w.do(t, removing)
	w.atSource()
	w.do(t, w.task(plan.RestoreEndpoint, endpoint, nil))
	for _, name := range []string{"blue", "green"} {
		w.do(t, w.task(plan.RestoreDeployment, endpoint+"/deployments/"+name, nil))
	}
	task := w.task(plan.RestoreTraffic, endpoint, nil)
	w.fault(t, `{"kind":"deploymentFails","match":{"action":"Microsoft.MachineLearningServices/workspaces/onlineEndpoints/write","path":"**/contoso-fraud","times":1}}`)
	if err := w.find(t, task).Do(t.Context(), task); err == nil {
		t.Fatal("the first try succeeded")
	}
	w.fault(t, `{"kind":"status","status":409,"code":"Conflict","message":"an endpoint that has failed cannot be changed","match":{"method":"PUT","path":"**/onlineEndpoints/contoso-fraud","times":1}}`)
	if err := w.find(t, task).Do(t.Context(), task); !errs.Is(err, errs.Conflict) {
		t.Errorf("got %v", err)
	}
	w.get(t, endpoint+"/deployments/blue")
	if n := w.journal.sent(http.MethodDelete, "/contoso-fraud"); n != 1 {
		t.Errorf("S10 it was deleted %d times, want once: with it go its deployments", n)
	}
	w.want(t, task)
}

func TestAnEndpointThatIsNotAsWrittenDownIsNotRemoved(t *testing.T) {
	t.Parallel()
	w, endpoint, removing := fraud(t)
	check := func() error { return w.find(t, removing).Check(t.Context(), removing) }
	for _, c := range []struct {
		name   string
		at     string
		change func(arm.Document)
		wants  string // path named by the error; empty when it does not matter
	}{
		{"another model", "/deployments/blue", func(d arm.Document) {
			d.Set("properties.model", strings.Replace(d.Text("properties.model"), "/versions/4", "/versions/3", 1))
		}, "properties.model"},
		{"a new variable", "/deployments/blue", func(d arm.Document) { d.Set("properties.environmentVariables.LEVEL", "debug") }, "properties.environmentVariables.LEVEL"},
		{"a script whose name differs by its case alone", "/deployments/blue", func(d arm.Document) { d.Set("properties.codeConfiguration.scoringScript", "Score.py") }, "properties.codeConfiguration.scoringScript"},
		{"another share of traffic", "", func(d arm.Document) { d.Set("properties.traffic", map[string]any{"blue": 50, "green": 50}) }, "properties.traffic"},
		{"more instances, as autoscale gives", "/deployments/blue", func(d arm.Document) { d.Set("sku.capacity", 3) }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := w.get(t, endpoint+c.at)
			w.written(t, endpoint+c.at, c.change)
			switch e := errs.As(check()); {
			case c.wants == "" && e != nil:
				t.Errorf("got %v", e)
			case c.wants != "" && (e == nil || e.Code != "SubjectChanged" || !strings.Contains(e.Error(), c.wants)):
				t.Errorf("D2 got %v, want SubjectChanged with %s", e, c.wants)
			}
			w.written(t, endpoint+c.at, func(d arm.Document) { d["properties"], d["sku"] = before["properties"], before["sku"] })
			if err := check(); err != nil {
				t.Errorf("as before, and refused: %v", err)
			}
		})
	}
	blue := w.get(t, endpoint+"/deployments/blue")
	w.ask(t, http.MethodPut, endpoint+"/deployments/purple", arm.Document{"location": blue["location"], "kind": blue["kind"], "sku": blue["sku"], "properties": blue["properties"]})
	if e := errs.As(check()); e == nil || e.Code != "SubjectChanged" || !strings.Contains(e.Error(), "deployments/purple was made after") {
		t.Errorf("D2 a deployment more: %v", e)
	}
	if err := w.refused(t, removing, "SubjectChanged"); w.journal.sent(http.MethodDelete, "/contoso-fraud") > 0 { // it may have been made while another change was waited for
		t.Errorf("D2 a deployment more, and it is removed: %v", err)
	}
}

func TestTrafficOfADeploymentThatHadFailedIsLeftToAPerson(t *testing.T) {
	t.Parallel()
	w, endpoint, removing := fraud(t)
	batch := w.below("batchEndpoints/contoso-batch-scoring")
	w.edited(t, endpoint+"/deployments/green", func(d arm.Document) { d.Set(provisioning, "Failed") })
	w.edited(t, batch+"/deployments/lightgbm-v5", func(d arm.Document) { d.Set(provisioning, "Failed") })
	w.do(t, removing)
	w.do(t, w.task(plan.RemoveEndpoint, batch, nil))
	w.atSource()
	w.do(t, w.task(plan.RestoreEndpoint, endpoint, nil))
	w.do(t, w.task(plan.RestoreDeployment, endpoint+"/deployments/blue", nil))
	w.do(t, w.task(plan.RestoreEndpoint, batch, nil))
	for _, id := range []string{endpoint, batch} {
		task := w.task(plan.RestoreTraffic, id, nil)
		w.done(t, task, false) // nothing is left to set, and it is not said yet
		w.do(t, task)
		w.done(t, task, true)
	}
	for _, text := range []string{"traffic of contoso-fraud had 10 percent for the deployment green", "the default deployment of contoso-batch-scoring was lightgbm-v5"} {
		if !w.journal.remarked(ToDo, text) {
			t.Errorf("pain 45 not said: %s; said: %v", text, w.journal.remarks)
		}
	}
}

func TestAServerlessEndpointIsMadeAgainFromItsDocument(t *testing.T) {
	t.Parallel()
	w := contoso(t)
	endpoint := w.below("serverlessEndpoints/contoso-chat")
	w.ask(t, http.MethodPut, endpoint, map[string]any{"location": "eastus", "tags": map[string]any{"team": "support"}, "sku": map[string]any{"name": "Consumption"}, "properties": map[string]any{"authMode": "Key",
		"contentSafety": map[string]any{"contentSafetyStatus": "Enabled"}, "modelSettings": map[string]any{"modelId": "azureml://registries/azureml-meta/models/Llama-2-7b"}}})
	w = worldOn(t, w.cloud)
	removing := w.task(plan.RemoveEndpoint, endpoint, nil)
	w.want(t, removing)
	w.undone(t, removing)
	for _, item := range w.facts.Content("serverlessEndpoints") {
		w.asBefore(t, item, false)
	}
	w.do(t, removing)
	w.atSource()
	w.want(t, w.task(plan.RestoreEndpoint, endpoint, nil))
	if !w.journal.remarked(ToDo, "the keys of the serverless endpoint contoso-chat are new") {
		t.Errorf("pain 37 said was %v", w.journal.remarks)
	}
}

func TestAWebServiceIsRemovedForGood(t *testing.T) {
	t.Parallel()
	w := contoso(t)
	service := w.below("services/churn-v1")
	w.ask(t, http.MethodPut, service+"?api-version=2021-04-01", map[string]any{"location": "eastus", "computeType": "ACI", "authEnabled": true})
	w = worldOn(t, w.cloud)
	task := w.task(plan.RemoveService, service, nil)
	w.undone(t, task)
	if len(w.journal.remarks) > 0 {
		t.Errorf("S35 it is there, and said was %v", w.journal.remarks)
	}
	w.want(t, task)
	w.undone(t, task)
	w.done(t, task, true)
	if !w.journal.remarked(ToDo, "cannot be made again") {
		t.Errorf("S35 said was %v", w.journal.remarks)
	}
}

// TestEverythingThatCanBeWrittenIsPutBack: what a document says is in the body that makes it again, unless the published description calls it read-only (D1, pain 37).
func TestEverythingThatCanBeWrittenIsPutBack(t *testing.T) {
	t.Parallel()
	w := contoso(t)
	for _, item := range w.computing() {
		kind, _ := aml.KindOf(item.ID.Type())
		task := w.task("test", item.Key, nil)
		_, body, err := task.wanted(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range lacks(body, w.Map.ForPut(aml.Kind{References: kind.References}, item.Doc)) {
			pattern := index.ReplaceAllString(path, ".*")
			if !within(pattern, kind.ReadOnly) {
				t.Errorf("%s %s: %s would be lost", kind.Path, item.Name(), path)
			}
		}
	}
}

// index is a place in a list.
var index = regexp.MustCompile(`\[\d+\]`)

// within reports whether a path is one of some, or below one.
func within(path string, paths []string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { return path == p || strings.HasPrefix(path, p+".") })
}
