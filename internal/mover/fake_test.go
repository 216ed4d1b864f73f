package mover

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover/action"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/seal"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// stage is a world in which steps have effects: every doing and undoing adds a line to a ledger, in one write that no kill cuts in two, and an effect is there when the last line about it
// says so. It outlives the process that plays on it, as Azure does.
type stage struct{ dir string }

// effects are the actions on a stage. Those whose subject is named in fail fail; those named in wait wait for a person.
type effects struct {
	stage
	fail, wait map[string]bool
}

func (e effects) Find(kind string) (action.Action, error) {
	if kind == "unknown" {
		return action.Find(kind)
	}
	return effect{e}, nil
}

func (e effects) AtSource(context.Context, *action.Task) (bool, error) {
	return !e.there("move"), nil
}

// ReadAgain finds everything as it was.
func (e effects) ReadAgain(_ context.Context, env *action.Env, file string) (*plan.Plan, error) {
	data, err := os.ReadFile(filepath.Join(env.Folder, BeforeFile))
	if err == nil {
		err = os.WriteFile(file, data, 0o600)
	}
	return env.Plan, err
}

func (s stage) there(subject string) bool {
	is := false
	for _, line := range s.ledger() {
		what, about, _ := strings.Cut(line, ":")
		if about == subject {
			is = what == "do"
		}
	}
	return is
}

func (s stage) note(line string) {
	f, err := os.OpenFile(filepath.Join(s.dir, "ledger"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteString(line + "\n"); err != nil {
		panic(err)
	}
}

// ledger are the lines written so far.
func (s stage) ledger() []string {
	data, err := os.ReadFile(filepath.Join(s.dir, "ledger"))
	if err != nil {
		return nil
	}
	return strings.Fields(string(data))
}

// effect is one step on the stage.
type effect struct{ effects }

func (e effect) Check(_ context.Context, t *action.Task) error {
	if t.Step.Action == "refused" {
		return errs.New(errs.Denied, "Refused", "%s may not start", t.Step.Subject)
	}
	return nil
}

func (e effect) Done(_ context.Context, t *action.Task) (bool, error) {
	return e.there(t.Step.Subject), nil
}

// request journals one change as Task.Send does.
func (e effect) request(ctx context.Context, t *action.Task, method string, change func()) error {
	n, err := t.Journal.Begin(ctx, t.Step.ID, t.Back, method, "/"+t.Step.Subject)
	if err != nil {
		return err
	}
	change()
	if err := t.Journal.Answered(ctx, n, azure.Trace{Status: 200}); err != nil {
		return err
	}
	return t.Journal.Ended(ctx, n, nil)
}

func (e effect) Do(ctx context.Context, t *action.Task) error {
	subject := t.Step.Subject
	if e.wait[subject] {
		return &action.Waiting{For: "somebody for " + subject}
	}
	if e.fail[subject] {
		return errs.New(errs.Conflict, "Failing", "%s fails", subject)
	}
	return e.request(ctx, t, "PUT", func() { e.note("do:" + subject) })
}

func (e effect) Undo(ctx context.Context, t *action.Task) error {
	subject := t.Step.Subject
	if !e.there(subject) {
		return nil
	}
	return e.request(ctx, t, "DELETE", func() { e.note("undo:" + subject) })
}

// act are the steps of the plays: a diamond before the move, two things after it.
func act() []plan.Step {
	step := func(phase plan.Phase, subject string, after ...string) plan.Step {
		return plan.Step{ID: subject, Phase: phase, Action: "effect", Subject: subject, What: subject, After: after, Inverse: "taken back"}
	}
	return []plan.Step{
		step(plan.Prepare, "register"),
		step(plan.Drain, "schedule"), step(plan.Drain, "job", "schedule"),
		step(plan.Clear, "endpoint", "job", "register"), step(plan.Clear, "compute", "job", "endpoint"),
		step(plan.Validate, "validate", "compute", "endpoint"),
		step(plan.Move, "move", "validate"),
		step(plan.Restore, "compute-again", "move"), step(plan.Restore, "role", "move"), step(plan.Restore, "endpoint-again", "compute-again"),
		step(plan.Verify, "compare", "endpoint-again", "role"),
	}
}

// play makes the folder of a run of steps, as Begin does from a real workspace.
func play(t testing.TB, steps []plan.Step) (Folder, stage) {
	t.Helper()
	const workspace = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/contoso"
	f := Folder{filepath.Join(t.TempDir(), "contoso-12345678")}
	if err := f.make(); err != nil {
		t.Fatal(err)
	}
	p := &plan.Plan{Format: plan.Format, Workspace: workspace, WorkspaceID: "guid", Location: "eastus", Target: "/subscriptions/t/resourceGroups/h",
		Landing: strings.Replace(workspace, "/subscriptions/s/resourceGroups/g", "/subscriptions/t/resourceGroups/h", 1), Moving: []string{workspace},
		Choices: rules.Choices{Drain: rules.Wait}, Grade: rules.GradeB, Applyable: true, Steps: steps, NoReturn: "move"}
	p.Seal()
	if err := plan.Write(f.File(PlanFile), p, true); err != nil {
		t.Fatal(err)
	}
	w, err := snapshot.Create(t.Context(), f.File(BeforeFile), true)
	if err == nil {
		err = w.Add(t.Context(), snapshot.Document{Section: snapshot.Content, ID: workspace, Type: "Microsoft.MachineLearningServices/workspaces", Body: json.RawMessage(`{}`)})
	}
	if err == nil {
		_, err = w.Finish(t.Context(), snapshot.Header{WorkspaceID: workspace})
	}
	if err == nil {
		err = f.WriteJSON(RunFile, Meta{ID: "contoso-12345678", Created: time.Now()})
	}
	if err != nil {
		t.Fatal(err)
	}
	return f, stage{t.TempDir()}
}

// perform opens a run on a stage, drives it and closes it.
func perform(t testing.TB, f Folder, o Options, direction func(*Run, context.Context) (Record, error)) (Record, error) {
	t.Helper()
	o.Folder = f
	if o.Secrets == nil {
		key, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		if o.Secrets, err = seal.Open(f.File(SecretsFile), key); err != nil {
			t.Fatal(err)
		}
	}
	run, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	record, err := direction(run, context.Background())
	if closing := run.Close(); closing != nil {
		t.Fatal(closing)
	}
	return record, err
}

// wantEffects fails the test unless exactly the named effects are there, and each was done once more than it was undone.
func wantEffects(t testing.TB, s stage, want ...string) {
	t.Helper()
	var got []string
	for _, line := range s.ledger() {
		if _, subject, _ := strings.Cut(line, ":"); s.there(subject) && !slices.Contains(got, subject) {
			got = append(got, subject)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the effects are %v, want %v (ledger %v)", got, want, s.ledger())
	}
	balance := map[string]int{}
	for _, line := range s.ledger() {
		kind, subject, _ := strings.Cut(line, ":")
		if kind == "do" {
			balance[subject]++
		} else {
			balance[subject]--
		}
	}
	for subject, n := range balance {
		if n != 0 && n != 1 || n == 1 != slices.Contains(want, subject) {
			t.Errorf("%s was done %d times more than undone: %v", subject, n, s.ledger())
		}
	}
}

func names(steps []plan.Step) (all []string) {
	for _, s := range steps {
		all = append(all, s.Subject)
	}
	return all
}
