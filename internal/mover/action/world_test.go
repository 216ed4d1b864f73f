package action

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rewrite"
	"github.com/amlmove/amlmove/internal/seal"
	"github.com/amlmove/amlmove/internal/snapshot"
	"github.com/amlmove/amlmove/test/capturing"
)

// world is a cloud with a workspace that was written down, and the environment of a run on it.
type world struct {
	*Env
	cloud   *cloudtest.Cloud
	facts   *facts.Facts
	journal *memory
}

// newWorld starts a cloud with a fixture and captures its workspace contoso-ml. include says what moves along, as --include does.
func newWorld(t *testing.T, fixture string, include ...string) *world {
	t.Helper()
	cloud := cloudtest.Start(t, cloudtest.Fixture(fixture))
	return worldOn(t, cloud, include...)
}

// connect makes a client that does not wait long, neither between two looks nor before it tries again.
func connect(t *testing.T, cloud *cloudtest.Cloud) *azure.Client {
	t.Helper()
	options := cloud.ClientOptions()
	options.Retry = policy.RetryOptions{RetryDelay: time.Millisecond, MaxRetryDelay: 4 * time.Millisecond}
	client, err := azure.New(azure.Options{Endpoint: cloud.Endpoint, Credential: cloud.Credential(), Client: options, Sleep: quick{}.Sleep})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// worldOn captures the workspace contoso-ml of a running cloud as it is now.
func worldOn(t *testing.T, cloud *cloudtest.Cloud, include ...string) *world {
	t.Helper()
	client := connect(t, cloud)
	workspace, target := capturing.Contoso(t, client, cloud)
	path := capturing.Write(t, client, workspace, target)
	before := capturing.Open(t, path)
	f, err := facts.Read(t.Context(), before)
	if err != nil {
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
	moving := f.Moving(include)
	p := &plan.Plan{Workspace: workspace.String(), Target: target.String(), Landing: f.Landing(workspace).String(), Location: f.Workspace.Doc.Text("location")}
	for _, id := range moving {
		p.Moving = append(p.Moving, id.String())
	}
	journal := &memory{cursors: map[string]string{}}
	return &world{cloud: cloud, facts: f, journal: journal, Env: &Env{Client: client, Plan: p, Before: before, Map: rewrite.New(moving, target), Secrets: box,
		Journal: journal, Clock: quick{}, Tell: func(Progress) {}, Folder: t.TempDir()}}
}

// task makes the task of a step of a kind on a subject.
func (w *world) task(kind, subject string, detail any) *Task {
	return &Task{Env: w.Env, Step: plan.Step{ID: kind + "/" + subject, Action: kind, Subject: subject, Detail: detail}}
}

// below is the id of something below the workspace before the move.
func (w *world) below(path string) string { return w.Plan.Workspace + "/" + path }

// move moves the workspace and what goes with it, without regard to anything else: the world must be quiet.
func (w *world) move(t *testing.T) {
	t.Helper()
	group, _, _ := strings.Cut(w.Plan.Workspace, "/providers/")
	answer := w.cloud.Await(t, http.MethodPost, group+"/moveResources?api-version=2021-04-01", map[string]any{"resources": w.Plan.Moving, "targetResourceGroup": w.Plan.Target})
	if answer.Status >= 300 {
		t.Fatalf("the move of the test world was refused: %d %s", answer.Status, answer.Body)
	}
}

// want runs one step as a run does: it may start, its effect is not there, it is done, the effect is there, and doing it once more harms nobody.
func (w *world) want(t *testing.T, task *Task) {
	t.Helper()
	a := w.find(t, task)
	if err := a.Check(t.Context(), task); err != nil {
		t.Fatalf("%s: check: %v", task.Step.ID, err)
	}
	w.done(t, task, false)
	if err := a.Do(t.Context(), task); err != nil {
		t.Fatalf("%s: do: %v", task.Step.ID, err)
	}
	w.done(t, task, true)
	if err := a.Do(t.Context(), task); err != nil {
		t.Fatalf("%s: do again: %v", task.Step.ID, err)
	}
	w.done(t, task, true)
}

// undone takes a step back, twice.
func (w *world) undone(t *testing.T, task *Task) {
	t.Helper()
	a := w.find(t, task)
	back := *task
	back.Back = true
	for range 2 {
		if err := a.Undo(t.Context(), &back); err != nil {
			t.Fatalf("%s: undo: %v", task.Step.ID, err)
		}
	}
}

func (w *world) done(t *testing.T, task *Task, want bool) {
	t.Helper()
	done, err := w.find(t, task).Done(t.Context(), task)
	if err != nil || done != want {
		t.Fatalf("%s: done is %v (%v), want %v", task.Step.ID, done, err, want)
	}
}

func (w *world) find(t *testing.T, task *Task) Action {
	t.Helper()
	a, err := Find(task.Step.Action)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// get reads a document as it is now; the test fails when it is not there.
func (w *world) get(t *testing.T, id string) arm.Document {
	t.Helper()
	parsed, err := arm.Parse(id)
	if err != nil {
		t.Fatal(err)
	}
	doc, found, err := w.task("test", id, nil).Read(t.Context(), parsed)
	if err != nil || !found {
		t.Fatalf("%s: found %v, %v", id, found, err)
	}
	return doc
}

// landed is where an id is after the move.
func (w *world) landed(t *testing.T, id string) string {
	t.Helper()
	parsed, err := arm.Parse(id)
	if err != nil {
		t.Fatal(err)
	}
	return w.Map.ID(parsed).String()
}

// same fails the test when two documents differ in more than the paths that may.
func same(t *testing.T, what string, before, after arm.Document, may ...string) {
	t.Helper()
	a, errA := json.Marshal(before)
	b, errB := json.Marshal(after)
	paths, err := snapshot.Paths(a, b)
	if errA != nil || errB != nil || err != nil {
		t.Fatal(errA, errB, err)
	}
	for _, path := range paths {
		if !slices.ContainsFunc(may, func(m string) bool {
			return path == m || strings.HasPrefix(path, m+".") || strings.HasPrefix(path, m+"[")
		}) {
			was, _ := before.At(path)
			is, _ := after.At(path)
			t.Errorf("%s: %s is not as it was: %v, now %v", what, path, was, is)
		}
	}
}

// quick is a clock that does not wait long: the cloud ends what is due at once.
type quick struct{}

func (quick) Now() time.Time { return time.Now() }

func (quick) Sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(min(wait, 20*time.Millisecond))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// memory is a journal in memory.
type memory struct {
	mutex   sync.Mutex
	entries []entry
	remarks []string
	carried map[string]bool // as the engine would say; by id of the step, whether it ended well
	cursors map[string]string
}

type entry struct {
	step, method, path string
	back, ended        bool
	trace              azure.Trace
	err                error
}

func (m *memory) Begin(_ context.Context, step string, back bool, method, path string) (int64, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.entries = append(m.entries, entry{step: step, back: back, method: method, path: path})
	return int64(len(m.entries)), nil
}

func (m *memory) Answered(_ context.Context, n int64, trace azure.Trace) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.entries[n-1].trace = trace
	return nil
}

func (m *memory) Ended(_ context.Context, n int64, err error) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.entries[n-1].ended, m.entries[n-1].err = true, err
	return nil
}

func (m *memory) Unended(_ context.Context, step string, back bool) ([]Operation, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	var open []Operation
	for i, e := range m.entries {
		if e.step == step && e.back == back && !e.ended && e.trace.Location != "" {
			open = append(open, Operation{int64(i + 1), e.trace.Location})
		}
	}
	return open, nil
}

func (m *memory) Carried(context.Context) (map[string]bool, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return maps.Clone(m.carried), nil
}

func (m *memory) Remark(_ context.Context, step, kind, text string) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.remarks = append(m.remarks, step+" "+kind+" "+text)
	return nil
}

func (m *memory) Cursor(_ context.Context, step string) (string, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.cursors[step], nil
}

func (m *memory) Advance(_ context.Context, step, cursor string) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.cursors[step] = cursor
	return nil
}

// writes counts the requests that changed something since the test began.
func (m *memory) writes() int {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return len(m.entries)
}
