package action

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
)

// plans are the plans of contoso-quiet by what moves along. The fixture is the same in every cloud: it is written down once.
var plans = struct {
	sync.Mutex
	worlds map[string]*world
}{worlds: map[string]*world{}}

// quietWorld is a world of contoso-quiet without a snapshot of its own: enough for what looks only at the plan.
func quietWorld(t *testing.T, include ...string) *world {
	t.Helper()
	cloud := cloudtest.Start(t, cloudtest.Fixture("contoso-quiet"))
	plans.Lock()
	defer plans.Unlock()
	key := strings.Join(include, ",")
	if plans.worlds[key] == nil {
		plans.worlds[key] = worldOn(t, cloud, include...)
	}
	like, planned := *plans.worlds[key].Env, *plans.worlds[key].Env.Plan
	like.Plan, like.Before, like.Folder, like.Client = &planned, nil, t.TempDir(), connect(t, cloud)
	w := &world{cloud: cloud, facts: plans.worlds[key].facts, journal: &memory{cursors: map[string]string{}}, Env: &like}
	w.Journal = w.journal
	return w
}

// steered is a clock whose waits are the cloud's: while somebody sleeps, the time of the cloud goes on and what is due there is carried out.
type steered struct {
	t     *testing.T
	w     *world
	token string

	mutex  sync.Mutex
	ahead  time.Duration
	onWait func() // hears of every wait; may be nil
}

func (c *steered) Now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *steered) Sleep(ctx context.Context, wait time.Duration) error {
	if c.onWait != nil {
		c.onWait()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.mutex.Lock()
	c.ahead += wait
	c.mutex.Unlock()
	c.w.cloud.DoToken(c.t, c.token, http.MethodPost, "/_cloud/clock", fmt.Sprintf(`{"advance":%q}`, wait))
	if answer := c.w.cloud.DoToken(c.t, c.token, http.MethodPost, "/_cloud/clock/drain", nil); answer.Status >= 300 {
		c.t.Errorf("the cloud did not carry out what is due: %d %s", answer.Status, answer.Body)
	}
	return nil
}

// steer gives a world a clock that is the cloud's.
func (w *world) steer(t *testing.T) *steered {
	t.Helper()
	clock := &steered{t: t, w: w, token: w.cloud.Token(t, w.cloud.Credential())}
	w.Clock = clock
	return clock
}

// listen collects what a task says.
func (w *world) listen() func() string {
	var mutex sync.Mutex
	var said []string
	w.Tell = func(p Progress) {
		mutex.Lock()
		defer mutex.Unlock()
		said = append(said, p.Text)
	}
	return func() string {
		mutex.Lock()
		defer mutex.Unlock()
		return strings.Join(said, "\n")
	}
}

// posts counts how often ARM was asked to move.
func (m *memory) posts() (n int) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for _, e := range m.entries {
		if strings.HasSuffix(e.path, "/moveResources") {
			n++
		}
	}
	return n
}

// unlocked fails the test when a group of the move is still held.
func (w *world) unlocked(t *testing.T) {
	t.Helper()
	for _, group := range []string{strings.SplitN(w.Plan.Workspace, "/providers/", 2)[0], w.Plan.Target} {
		if state := w.get(t, group).Text("properties.provisioningState"); state != "Succeeded" {
			t.Errorf("the group %s is %s", group, state)
		}
	}
}

// TestAMoveEndsByWhatBothSidesShow lets the move go wrong in every way that the cloud knows. It ends where the facts say, whatever ARM said.
func TestAMoveEndsByWhatBothSidesShow(t *testing.T) {
	t.Parallel()
	const moveOnce, operations = `"match":{"operation":"move.move","times":1}`, `"path":"**/operationresults/*"`
	for _, c := range []struct {
		name, fault string
		posts       int    // how often ARM is asked to move
		code        string // of the error; empty: it is done
		says        string // in the progress, the remarks, or the error
	}{
		{"S03 S43 nothing goes wrong", ``, 1, "", ""},
		{"pain 3: it times out after four hours although it happened", `{"kind":"moveTimedOut","happened":true,` + moveOnce + `}`, 1, "", "differs the move ended in an error, and everything is at the target"},
		{"pain 3: it times out and nothing happened", `{"kind":"moveTimedOut","happened":false,` + moveOnce + `}`, 2, "", "0 of 5 are at the target"},
		{"it times out again and again", `{"kind":"moveTimedOut","happened":false}`, 2, "ResourceMoveTimedOut", "everything is at the source"},
		{"pain 4: it times out and a part of it happened", `{"kind":"moveTimedOut","happened":"partial","n":2,` + moveOnce + `}`, 2, "", "2 of 5 are at the target"},
		{"pain 6: a provider times out although it happened", `{"kind":"providerTimedOut","happened":true,` + moveOnce + `}`, 1, "", "differs"},
		{"pain 6: a provider times out and nothing happened", `{"kind":"providerTimedOut",` + moveOnce + `}`, 2, "", "0 of 5"},
		{"pain 4: half is moved", `{"kind":"halfMoved","n":2,` + moveOnce + `}`, 2, "", "2 of 5 are at the target"},
		{"pain 4: one at a time is moved", `{"kind":"halfMoved","n":1}`, 5, "", "4 of 5 are at the target"},
		{"arm-move 2: it is reported as failed and happened", `{"kind":"movedButFailed",` + moveOnce + `}`, 1, "", "differs the move ended in an error, and everything is at the target"},
		{"arm-move 2: validation would pass and the move is refused", `{"kind":"validatePassesMoveFails"}`, 1, "ResourceMoveProviderValidationFailed", "everything is at the source"},
		{"pain 2: it has moved and notifications are pending for hours", `{"kind":"notificationsPending","for":"3h",` + moveOnce + `}`, 1, "", "moved, waiting for notifications"},
		{"an internal error once", `{"kind":"internalError"}`, 2, "", "InternalServerError"},
		{"arm-move 2: a provider is under upgrade for a quarter of an hour", `{"kind":"operationNotAllowed","match":{"operation":"move.move","times":6}}`, 7, "", "ResourceMoveProviderValidationFailed"},
		{"a provider is under upgrade for ever", `{"kind":"operationNotAllowed"}`, moveTries, "ResourceMoveProviderValidationFailed", "OperationNotAllowed"},
		{"the answer to the request is lost", `{"kind":"lostAnswer","match":{"method":"POST","path":"**/moveResources","times":1}}`, 1, "", ""},
		{"the request is lost", `{"kind":"drop","match":{"method":"POST","path":"**/moveResources","times":9}}`, 3, "", ""},
		{"the request is answered with 500", `{"kind":"status","status":500,"match":{"method":"POST","path":"**/moveResources","times":6}}`, 2, "", ""},
		{"the request is throttled", `{"kind":"status","status":429,"retryAfter":1,"match":{"method":"POST","path":"**/moveResources","times":1}}`, 2, "", ""},
		{"it is forbidden", `{"kind":"status","status":403,"code":"AuthorizationFailed","message":"no","match":{"method":"POST","path":"**/moveResources"}}`, 1, "AuthorizationFailed", "everything is at the source"},
		{"the end of the operation cannot be read", `{"kind":"status","status":500,"match":{` + operations + `}}`, 1, "", "differs"},
		{"connections are cut while it is followed", `{"kind":"drop","match":{` + operations + `,"times":2}}`, 1, "", ""},
		{"a group cannot be read for a while", `{"kind":"status","status":503,"match":{"method":"GET","path":"**/resourceGroups/ml-prod-rg","times":6}}`, 1, "", "cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := quietWorld(t, "all")
			w.steer(t)
			said := w.listen()
			if c.fault != "" {
				w.fault(t, c.fault)
			}
			task := w.task(plan.MoveResources, w.Plan.Workspace, nil)
			w.done(t, task, false)
			err := moveResources{}.Do(t.Context(), task)
			if got := codeIn(err); got != c.code {
				t.Fatalf("it ended with %q (%v), want %q", got, err, c.code)
			}
			if got := w.journal.posts(); got != c.posts {
				t.Errorf("ARM was asked %d times, want %d; said:\n%s", got, c.posts, said())
			}
			if all := fmt.Sprint(said(), w.journal.remarks, err); !strings.Contains(all, c.says) {
				t.Errorf("nobody is told %q; said: %s", c.says, all)
			}
			if c.code != "" && errs.Retryable(err) {
				t.Errorf("the error asks to be tried again at once: %v", err)
			}
			w.cloud.Do(t, "", http.MethodDelete, "/_cloud/faults", nil)
			w.endsAt(t, task, c.code == "")
		})
	}
}

func codeIn(err error) string {
	if e := errs.As(err); e != nil {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// endsAt fails the test unless everything is at one place, nothing is held, and doing it again, when it is done, sends nothing.
func (w *world) endsAt(t *testing.T, task *Task, target bool) {
	t.Helper()
	places, err := Locate(t.Context(), task)
	if err != nil || !places.All(map[bool]Place{true: AtTarget, false: AtSource}[target]) {
		t.Errorf("the resources are %v (%v)", places, err)
	}
	w.unlocked(t)
	w.done(t, task, target)
	if !target {
		return
	}
	writes := w.journal.writes()
	if err := (moveResources{}).Do(t.Context(), task); err != nil || w.journal.writes() != writes {
		t.Errorf("doing it again sent %d requests and ended with %v", w.journal.writes()-writes, err)
	}
}

// foreign begins a move of somebody else, which goes on for so long, in a group of our move.
func (w *world) foreign(t *testing.T, from string, resource string, lasts time.Duration) {
	t.Helper()
	elsewhere := strings.SplitN(from, "/resourceGroups/", 2)[0] + "/resourceGroups/foreign-rg"
	if answer := w.cloud.Await(t, http.MethodPut, elsewhere, `{"location":"eastus"}`); answer.Status >= 300 {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	w.fault(t, fmt.Sprintf(`{"kind":"notificationsPending","for":%q,"match":{"times":1}}`, lasts))
	if answer := w.cloud.Do(t, "", http.MethodPost, from+"/moveResources", map[string]any{"resources": []string{resource}, "targetResourceGroup": elsewhere}); answer.Status != http.StatusAccepted {
		t.Fatalf("the foreign move was refused: %d %s", answer.Status, answer.Body)
	}
}

func TestAForeignMoveIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		group func(*world) string
		lasts time.Duration
		code  string
	}{
		{"pain 1: in the source group", func(w *world) string { return strings.SplitN(w.Plan.Workspace, "/providers/", 2)[0] }, 2 * time.Hour, ""},
		{"pain 1: in the target group", func(w *world) string { return w.Plan.Target }, 2 * time.Hour, ""},
		{"it does not end within Azure's four hours", func(w *world) string { return w.Plan.Target }, 6 * time.Hour, "GroupBusy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := quietWorld(t)
			w.steer(t)
			said := w.listen()
			group := c.group(w)
			insights := group + "/providers/Microsoft.Insights/components/foreign"
			if answer := w.cloud.Await(t, http.MethodPut, insights+"?api-version=2020-02-02", `{"location":"eastus","kind":"web","properties":{"Application_Type":"web"}}`); answer.Status >= 300 {
				t.Fatalf("%d %s", answer.Status, answer.Body)
			}
			w.foreign(t, group, insights, c.lasts)
			task := w.task(plan.MoveResources, w.Plan.Workspace, nil)
			validate := w.task(plan.ValidateMove, w.Plan.Workspace, nil)
			for _, step := range []*Task{validate, task} {
				err := w.find(t, step).Do(t.Context(), step)
				if got := codeIn(err); got != c.code {
					t.Fatalf("%s ended with %q (%v), want %q", step.Step.Action, got, err, c.code)
				}
				if c.code != "" {
					return
				}
			}
			if got := w.journal.posts(); got != 1 {
				t.Errorf("ARM was asked %d times to move while another move was under way", got-1)
			}
			if !strings.Contains(said(), "is MovingResources") {
				t.Errorf("nobody is told what is waited for: %s", said())
			}
			w.endsAt(t, task, true)
		})
	}
}

// TestAMoveIsTakenUpAgain stops the process while ARM moves. The next one follows the operation and asks for no second move.
func TestAMoveIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, fault string
		posts       int
	}{
		{"and ends well", `{"kind":"notificationsPending","for":"1h","match":{"times":1}}`, 1},
		{"and has failed without effect", `{"kind":"moveTimedOut","match":{"times":1}}`, 2},
		{"and has failed in part", `{"kind":"moveTimedOut","happened":"partial","n":3,"match":{"times":1}}`, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := quietWorld(t, "all")
			clock := w.steer(t)
			w.fault(t, c.fault)
			task := w.stoppedMove(t, clock)
			if open, err := w.journal.Unended(t.Context(), task.Step.ID, false); err != nil || len(open) != 1 {
				t.Fatalf("the journal knows of %d operations whose end is open (%v)", len(open), err)
			}
			w.done(t, task, false)
			if err := (moveResources{}).Do(t.Context(), task); err != nil {
				t.Fatal(err)
			}
			if got := w.journal.posts(); got != c.posts {
				t.Errorf("ARM was asked %d times, want %d", got, c.posts)
			}
			w.endsAt(t, task, true)
		})
	}
}

func TestResourcesWhereTheyCannotBeAreACaseForSupport(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, word string
		prepare    func(*testing.T, *world, string)
	}{
		{"pain 5: in neither group", "neither at the source nor at the target", func(t *testing.T, w *world, insights string) {
			w.cloud.Await(t, http.MethodDelete, insights+"?api-version=2020-02-02", nil)
		}},
		{"in both groups", "at both ends", func(t *testing.T, w *world, insights string) {
			w.move(t)
			w.cloud.Await(t, http.MethodPut, insights+"?api-version=2020-02-02", `{"location":"eastus","kind":"web","properties":{"Application_Type":"web"}}`)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := quietWorld(t, "insights")
			task := w.task(plan.MoveResources, w.Plan.Workspace, nil)
			if err := task.noteAttempt(t.Context(), "first-correlation"); err != nil {
				t.Fatal(err)
			}
			if err := task.noteAttempt(t.Context(), "second-correlation"); err != nil {
				t.Fatal(err)
			}
			insights := w.Plan.Moving[1]
			c.prepare(t, w, insights)
			err := moveResources{}.Do(t.Context(), task)
			if codeIn(err) != "MoveUnclear" || !strings.Contains(err.Error(), insights+" is "+c.word) || !strings.Contains(err.Error(), "first-correlation, second-correlation") {
				t.Fatalf("got %v", err)
			}
			if w.journal.posts() != 0 {
				t.Error("ARM was asked to move all the same")
			}
			w.done(t, task, false)
		})
	}
}

func TestCorrelationIDsOfFailedAttemptsAreTold(t *testing.T) {
	t.Parallel()
	w := quietWorld(t)
	w.fault(t, `{"kind":"operationNotAllowed"}`)
	w.steer(t)
	task := w.task(plan.MoveResources, w.Plan.Workspace, nil)
	err := moveResources{}.Do(t.Context(), task)
	told := 0
	for _, e := range w.journal.entries {
		if e.trace.Correlation != "" && err != nil && strings.Contains(err.Error(), e.trace.Correlation) {
			told++
		}
	}
	if told != moveTries {
		t.Errorf("pain 5: of %d attempts, %d correlation ids are in the error: %v", moveTries, told, err)
	}
	if err := (moveResources{}).Undo(t.Context(), task); codeIn(err) != "BehindNoReturn" {
		t.Errorf("a move was taken back: %v", err)
	}
}

func TestWhichErrorsPass(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"no error", nil, false},
		{"a BadRequest without a word (arm-move 2)", errs.New(errs.Invalid, "BadRequest", ""), true},
		{"a bad request without a body", errs.New(errs.Invalid, "", ""), true},
		{"a BadRequest with a reason", errs.New(errs.Invalid, "BadRequest", "the name is taken"), false},
		{"a provider under upgrade, three levels down", errs.New(errs.Conflict, "A", "a").With(errs.New(errs.Conflict, "B", "b").With(errs.New(errs.Conflict, "OperationNotAllowed", "c"))), true},
		{"a deployment under way", errs.New(errs.Conflict, "DeploymentActive", "x"), true},
		{"a policy", errs.New(errs.Conflict, "ResourceMovePolicyValidationFailed", "x"), false},
		{"throttling", errs.New(errs.Throttled, "TooManyRequests", "x"), true},
		{"a lost answer", errs.New(errs.Unavailable, "NoAnswer", "x"), true},
	} {
		if got := transient(c.err); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
