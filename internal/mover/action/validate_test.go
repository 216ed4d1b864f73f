package action

import (
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
)

func TestAVerdictNamesEveryCause(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "contoso")
	w.cloud.Await(t, "DELETE", strings.SplitN(w.Plan.Workspace, "/providers/", 2)[0]+"/providers/Microsoft.Storage/storageAccounts/contosomldevst/providers/Microsoft.Authorization/locks/keep-training-data?api-version=2020-05-01", nil)
	task := w.task(plan.ValidateMove, w.Plan.Workspace, nil)
	err := validateMove{}.Do(t.Context(), task)
	if codeIn(err) != "ResourceMoveProviderValidationFailed" {
		t.Fatalf("pain 8: a workspace in use is no good to move: %v", err)
	}
	for _, cause := range []string{"CannotMoveResource", "computes/cpu-cluster", "computes/alice-ci", "onlineEndpoints/contoso-fraud", "batchEndpoints/contoso-batch-scoring", "labelingJobs/", "tracking id"} {
		if !strings.Contains(err.Error(), cause) {
			t.Errorf("pain 8: the error does not name %s: %v", cause, err)
		}
	}
	w.done(t, task, false)
	if w.journal.writes() != 1 {
		t.Errorf("ARM's verdict was asked for %d times", w.journal.writes())
	}
}

func TestMissingDependentsAreNamed(t *testing.T) {
	t.Parallel()
	w := quietWorld(t)
	networks := strings.Replace(strings.SplitN(w.Plan.Workspace, "/providers/", 2)[0], "ml-dev-rg", "ml-dev-net-rg", 1)
	endpoint := w.facts.Of("source", "Microsoft.Network/privateEndpoints")[0].Key
	w.Plan.Workspace, w.Plan.Moving = networks+"/providers/Microsoft.MachineLearningServices/workspaces/none", []string{networks + "/providers/Microsoft.Network/virtualNetworks/contoso-dev-vnet"}
	err := validateMove{}.Do(t.Context(), w.task(plan.ValidateMove, w.Plan.Workspace, nil))
	if err == nil || !strings.Contains(err.Error(), "MissingMoveDependentResources") || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(endpoint)) || strings.Contains(err.Error(), "0: ") {
		t.Fatalf("pain 12: the missing resources are not named: %v", err)
	}
}

func TestAVerdictIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, fault string
		asked       int
		code        string
	}{
		{"S41 ARM agrees", ``, 1, ""},
		{"pain 6: a provider times out once", `{"kind":"providerTimedOut","match":{"operation":"move.validate","times":1}}`, 2, ""},
		{"an internal error once", `{"kind":"internalError"}`, 2, ""},
		{"arm-move 2: a provider is under upgrade for a while", `{"kind":"operationNotAllowed","match":{"operation":"move.validate","times":5}}`, 6, ""},
		{"a provider is under upgrade for ever", `{"kind":"operationNotAllowed"}`, moveTries, "ResourceMoveProviderValidationFailed"},
		{"a policy forbids it", `{"kind":"status","status":403,"code":"AuthorizationFailed","message":"no","match":{"path":"**/validateMoveResources"}}`, 1, "AuthorizationFailed"},
		{"the other side is away", `{"kind":"status","status":503,"match":{"path":"**/validateMoveResources"}}`, moveTries, "ServiceUnavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := quietWorld(t, "all")
			w.steer(t)
			if c.fault != "" {
				w.fault(t, c.fault)
			}
			task := w.task(plan.ValidateMove, w.Plan.Workspace, nil)
			err := validateMove{}.Do(t.Context(), task)
			if got := codeIn(err); got != c.code {
				t.Fatalf("it ended with %q (%v), want %q", got, err, c.code)
			}
			if got := w.journal.writes(); got != c.asked {
				t.Errorf("ARM was asked %d times, want %d", got, c.asked)
			}
			if err != nil && errs.Retryable(err) {
				t.Errorf("the error asks to be tried again at once: %v", err)
			}
			w.done(t, task, c.code == "")
			if w.journal.posts() != 0 {
				t.Error("pain 9: a validation has moved something")
			}
		})
	}
}

func TestNestedErrorsAreWordedOnce(t *testing.T) {
	t.Parallel()
	conflict := func(code, message, target string, below ...*errs.Error) *errs.Error {
		return errs.New(errs.Conflict, code, "%s", message).At(target).With(below...)
	}
	err := nested("no", conflict("Top", "See details.", "",
		conflict("CannotMoveResource", "a cannot move: b stops it.", "Some/type", conflict("MoveNotSupported", "b stops it.", "/b")),
		conflict("MissingMoveDependentResources", "Not all are there.", "Some/type", conflict("0", "/c", ""), conflict("0", "/d", ""))))
	const want = "no: CannotMoveResource: a cannot move: b stops it. [Some/type]; MissingMoveDependentResources: Not all are there. [Some/type] (/c; /d) (Top: See details.)"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

// reticent takes away where the answer to ARM's verdict will be.
type reticent struct{}

func (reticent) Do(req *policy.Request) (*http.Response, error) {
	answer, err := req.Next()
	if err == nil && strings.HasSuffix(req.Raw().URL.Path, "/validateMoveResources") {
		answer.Header.Del("Location")
		answer.Header.Del("Azure-AsyncOperation")
	}
	return answer, err
}

// An accepted question is no verdict: who cannot hear the answer does not go on.
func TestAnAcceptedQuestionIsNoVerdict(t *testing.T) {
	t.Parallel()
	w := quietWorld(t, "all")
	options := w.cloud.ClientOptions()
	options.PerCallPolicies = []policy.Policy{reticent{}}
	client, err := azure.New(azure.Options{Endpoint: w.cloud.Endpoint, Credential: w.cloud.Credential(), Client: options, Sleep: quick{}.Sleep})
	if err != nil {
		t.Fatal(err)
	}
	w.Client = client
	task := w.task(plan.ValidateMove, w.Plan.Workspace, nil)
	err = validateMove{}.Do(t.Context(), task)
	if code := codeIn(err); code != "NoVerdict" || errs.Retryable(err) {
		t.Errorf("got %v", err)
	}
	if asked := w.journal.writes(); asked != moveTries {
		t.Errorf("ARM was asked %d times, want %d", asked, moveTries)
	}
	w.done(t, task, false)
}
