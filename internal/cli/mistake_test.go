package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/report"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// hesitant is a person who presses Ctrl-C instead of an answer.
type hesitant struct {
	stop context.CancelFunc
	over chan struct{}
}

func (h hesitant) Read([]byte) (int, error) {
	h.stop()
	<-h.over
	return 0, os.ErrClosed
}

func TestCtrlCEndsTheQuestion(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	h := hesitant{stop, make(chan struct{})}
	late := time.AfterFunc(20*time.Second, func() { close(h.over) }) // only a question that is not ended waits for it
	defer late.Stop()
	var out bytes.Buffer
	const workspace = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
	err := applyOptions{}.confirm(ctx, streams{h, &out, &out}, &plan.Plan{Digest: "0123456789", Workspace: workspace, Target: "/subscriptions/t/resourceGroups/g"})
	if e := errs.As(err); e == nil || e.Kind != errs.Canceled || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("got %v", err)
	}
}

func TestSnapshotsOfTwinsHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	var ids []arm.ID
	for _, text := range []string{"/subscriptions/one/resourceGroups/g/x/W", "/subscriptions/two/resourceGroups/G/x/w", "/subscriptions/two/resourceGroups/h/x/w"} {
		id, err := arm.Parse(strings.Replace(text, "/x/", "/providers/Microsoft.MachineLearningServices/workspaces/", 1))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if got, want := snapshotNames(ids), []string{"one.g.W.snap", "two.G.w.snap", "h.w.snap"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAFileOfAReportIsNoForm(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"json", "html", "table"} {
		if code, _, stderr := run("report", "a-run", "-o", name, "--runs", t.TempDir()); code != exitError || !strings.Contains(stderr, "--format") {
			t.Errorf("-o %s ends with %d: %s", name, code, stderr)
		}
	}
}

// runsOf makes a folder with a run that was never opened, and one whose run.json is cut off.
func runsOf(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	const workspace = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
	p := &plan.Plan{Format: plan.Format, Workspace: workspace, Target: "/subscriptions/t/resourceGroups/g", Moving: []string{workspace}, NoReturn: "move", Steps: []plan.Step{{ID: "move", Phase: plan.Move}}}
	p.Seal()
	for _, id := range []string{"good", "half"} {
		f := mover.Folder{Path: filepath.Join(root, id)}
		if err := os.MkdirAll(f.Path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := plan.Write(f.File(mover.PlanFile), p, true); err != nil {
			t.Fatal(err)
		}
		if err := f.WriteJSON(mover.RunFile, mover.Meta{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "half", mover.RunFile), []byte(`{"id": "ha`), 0o600); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestARunThatCannotBeReadIsToldAndHidesNoOther(t *testing.T) {
	t.Parallel()
	root := runsOf(t)
	for _, format := range []string{"table", "json"} {
		code, out, stderr := run("status", "--runs", root, "-o", format)
		if code != exitError || !strings.Contains(out, "good") || strings.Contains(out, "half") || !strings.Contains(stderr, "half") {
			t.Errorf("status ends with %d: %s%s", code, out, stderr)
		}
	}
	if code, out, stderr := run("status", "good", "--runs", root, "-o", "json"); code != exitDone || strings.Contains(out, "null") {
		t.Errorf("a run that was never opened is told as %s, %d %s", out, code, stderr)
	}
	if err := os.RemoveAll(filepath.Join(root, "good")); err != nil {
		t.Fatal(err)
	}
	if _, out, _ := run("status", "--runs", root); out != "" {
		t.Errorf("of a folder with one run, which cannot be read, status says %s", out)
	}
}

func TestDurationsAreMeasuredInRunsThatCanBeRead(t *testing.T) {
	t.Parallel()
	root := runsOf(t)
	code, _, stderr := run("durations", "--runs", root)
	if code != exitError || !strings.Contains(stderr, "half") || !strings.Contains(stderr, "1 runs in "+root+" tell no duration") {
		t.Errorf("durations ends with %d: %s", code, stderr)
	}
}

// A line that is longer than the terminal is broad would be two, and the block would be drawn below itself instead of over itself.
func TestProgressIsCutAtTheEdgeOfTheTerminal(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	v := newProgress(&b)
	v.terminal, v.plan = true, &plan.Plan{}
	step := plan.Step{ID: "s", Phase: plan.Clear, What: "remove \x1b[2Jthe compute " + strings.Repeat("x", 90)}
	v.hear(mover.Event{Step: step, State: mover.StepRunning})
	v.draw()
	if text := b.String(); !strings.HasPrefix(text, "\x1b[?7l") || !strings.HasSuffix(text, "\x1b[?7h") || strings.Contains(text, "\x1b[2J") {
		t.Errorf("got %q", text)
	}
}

// What was taken away and cannot be given back is lost also when the run went back; what was never touched is not.
func TestOnlyWhatWasTakenAwayIsLost(t *testing.T) {
	t.Parallel()
	p := &plan.Plan{NoReturn: "move", Losses: []plan.Loss{{Subject: "/job/a"}, {Subject: "/job/b"}, {Subject: "/e/deployments/d"}},
		Steps: []plan.Step{{ID: "a", Subject: "/JOB/a", Action: plan.EndJob}, {ID: "b", Subject: "/job/b", Action: plan.EndJob}, {ID: "keys", Subject: "/e", Action: plan.SaveSecrets},
			{ID: "e", Subject: "/e", Action: plan.RemoveEndpoint, Destroys: true}, {ID: "move", Subject: "/w"}}}
	record := func(step string, state mover.StepState, back bool) mover.StepRecord {
		return mover.StepRecord{Step: step, State: state, Back: back}
	}
	for _, c := range []struct {
		name  string
		state mover.State
		steps []mover.StepRecord
		lost  int
		b     string
	}{
		{"nothing was begun", mover.Ready, nil, 0, ""},
		{"went back", mover.RolledBack, []mover.StepRecord{record("a", mover.StepBlocked, false), record("a", mover.StepDone, true), record("b", mover.StepRunning, false)}, 1, "interrupted"},
		{"had only read", mover.RolledBack, []mover.StepRecord{record("keys", mover.StepDone, false)}, 0, ""},
		{"an endpoint was removed, with what is below it", mover.Failed, []mover.StepRecord{record("e", mover.StepDone, false)}, 1, ""},
		{"is at work", mover.Running, []mover.StepRecord{record("a", mover.StepDone, false), record("b", mover.StepRunning, false)}, 1, "running"},
		{"moved", mover.Partial, []mover.StepRecord{record("move", mover.StepDone, false)}, 3, ""},
	} {
		story := mover.Story{Plan: p, Steps: c.steps, Record: mover.Record{State: c.state}}
		d := &report.Data{}
		steps(d, story)
		if lost := losses(story); len(lost) != c.lost || d.Steps[1].State != c.b {
			t.Errorf("%s: lost is %v, and the second step is %q", c.name, lost, d.Steps[1].State)
		}
	}
}

func TestWhatToDoNextCanBeTyped(t *testing.T) {
	t.Parallel()
	for root, want := range map[string]string{defaultRuns: "amlmove report a-run", ".amlmove/demo/1/runs": "amlmove report a-run --runs .amlmove/demo/1/runs"} {
		if got := next(mover.Done, "a-run", root); got != want {
			t.Errorf("of a run in %s: %q, want %q", root, got, want)
		}
	}
}

// What could not be read into a snapshot looks as if it were gone: whoever compares is told.
func TestADifferenceThatIsOnlyAGapIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const group = "/subscriptions/s/resourceGroups/g"
	written := func(name string, add func(*snapshot.Writer) error) string {
		path := filepath.Join(dir, name)
		w, err := snapshot.Create(t.Context(), path, false)
		if err == nil {
			err = add(w)
		}
		if err == nil {
			_, err = w.Finish(t.Context(), snapshot.Header{})
		}
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	old := written("old.snap", func(w *snapshot.Writer) error {
		return w.Add(t.Context(), snapshot.Document{Section: snapshot.Source, ID: group, Type: "Microsoft.Resources/resourceGroups", Body: []byte(`{"id":"` + group + `"}`)})
	})
	unread := written("new.snap", func(w *snapshot.Writer) error {
		return w.AddGap(t.Context(), snapshot.Gap{Section: snapshot.Source, Path: group, Status: 403, Code: "AuthorizationFailed"})
	})
	code, out, stderr := run("snapshot", "diff", old, unread)
	if code != exitWarnings || !strings.Contains(out, "removed") || !strings.Contains(stderr, "not in "+unread+", whether it is there or not: source "+group) {
		t.Errorf("diff ends with %d: %s%s", code, out, stderr)
	}
	if code, _, stderr := run("snapshot", "diff", old, old); code != exitDone || stderr != "" {
		t.Errorf("without a gap diff ends with %d: %s", code, stderr)
	}
}

// A run of Azure is not carried on in a practice cloud that a shell happens to name: what is done there would be taken for done.
func TestARunOfAzureIsNotCarriedOnInThePracticeCloudOfAShell(t *testing.T) {
	root := runsOf(t)
	t.Setenv("AMLMOVE_ENDPOINT", "https://127.0.0.1:1")
	t.Setenv("AMLMOVE_SEAL_KEY", "")
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	for _, command := range []string{"resume", "rollback", "cancel", "verify"} {
		if code, _, stderr := run(command, "good", "--runs", root); code != exitError || !strings.Contains(stderr, "was begun against Azure, and AMLMOVE_ENDPOINT names https://127.0.0.1:1") {
			t.Errorf("%s ends with %d: %s", command, code, stderr)
		}
	}
}

func TestACommandThatIsNoneIsAMistakeWhereverItStands(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"bogus"}, {"cloud", "dwon"}, {"snapshot", "vefiry", "w.snap"}} {
		if code, out, stderr := run(args...); code != exitError || out != "" || !strings.Contains(stderr, args[min(1, len(args)-1)]) {
			t.Errorf("%v ends with %d: %s%s", args, code, out, stderr)
		}
	}
	for _, args := range [][]string{{"cloud"}, {"snapshot"}} {
		if code, out, _ := run(args...); code != exitDone || !strings.Contains(out, "Available Commands") {
			t.Errorf("%v ends with %d: %s", args, code, out)
		}
	}
}
