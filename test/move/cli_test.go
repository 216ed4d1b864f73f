package move

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/cli"
	"github.com/amlmove/amlmove/internal/plan"
)

// typed types a command line.
func typed(t *testing.T, stdin string, args ...string) (code int, out, stderr string) {
	t.Helper()
	var o, e bytes.Buffer
	code = cli.Main(args, strings.NewReader(stdin), &o, &e)
	return code, o.String(), e.String()
}

// want fails the test when a command does not end with a code, or does not say what it should.
func want(t *testing.T, code int, says string, args ...string) string {
	t.Helper()
	got, out, stderr := typed(t, "", args...)
	if got != code || !strings.Contains(out+stderr, says) {
		t.Fatalf("amlmove %s ended with %d, want %d, saying %q:\n%s\n%s", strings.Join(args, " "), got, code, says, out, stderr)
	}
	return out
}

// TestTheCommandsFromAssessmentToProof types what a person types: names and no JSON (pain 10), an assessment before anything else (pain 11), and exit codes that say what there is to do (pain 49). Its key of sealed secrets is its own: the test is not parallel.
func TestTheCommandsFromAssessmentToProof(t *testing.T) {
	w := newWorld(t)
	t.Setenv("AMLMOVE_SEAL_KEY", w.key.String())
	t.Setenv("AMLMOVE_ENDPOINT", w.cloud.Dir)
	t.Chdir(w.dir)
	to := []string{"--to-subscription", w.target.Subscription(), "--to-group", "ml-prod-rg"}
	yes := []string{"--jobs", "cancel", "--accept-instance-loss", "--lift-locks", "--approve-endpoints", "--force", "--include", "all"}

	out := want(t, 3, "", append([]string{"assess", "--all", "-o", "json", "--html", "assessed.html"}, to...)...)
	if page, err := os.ReadFile("assessed.html"); err != nil || !bytes.Contains(page, []byte("Can contoso-ml move?")) {
		t.Errorf("the assessment left no page: %v", err)
	}
	var assessed []struct{ Workspace, Grade string }
	if err := json.Unmarshal([]byte(out), &assessed); err != nil || len(assessed) != 1 || assessed[0].Grade != "C" {
		t.Fatalf("assessed: %s %v", out, err)
	}
	want(t, 1, "which workspaces", "assess")
	want(t, 3, "Stops the move", append([]string{"plan", "contoso-ml", "-o", "blocked.json"}, to...)...)
	want(t, 3, "Stops the move", "apply", "blocked.json", "--yes")
	if out := want(t, 3, "", "apply", "blocked.json", "--yes", "-o", "json"); !json.Valid([]byte(out)) {
		t.Errorf("of a blocked plan apply says to machines: %s", out)
	}
	want(t, 1, "--overwrite", append([]string{"plan", "contoso-ml", "-o", "blocked.json"}, to...)...)
	if err := os.WriteFile("kept.snap", []byte("written down before"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, 1, "kept.snap", append([]string{"plan", "contoso-ml", "-o", "kept.json"}, to...)...)
	if kept, err := os.ReadFile("kept.snap"); err != nil || string(kept) != "written down before" {
		t.Errorf("a snapshot was written over by a plan: %v", err)
	}
	want(t, 1, "wait or cancel", append([]string{"plan", "contoso-ml", "--jobs", "kill"}, to...)...)
	want(t, 1, "--to-group", "plan", "contoso-ml", "-o", "x.json")
	want(t, 2, "point of no return", append(append([]string{"plan", "contoso-ml", "-o", "p.json"}, to...), yes...)...)
	p, err := plan.Read("p.json")
	if err != nil {
		t.Fatal(err)
	}
	run := "contoso-ml-" + p.Digest[:8]

	if code, _, stderr := typed(t, "something else\n", "apply", "p.json"); code != 1 || !strings.Contains(stderr, "nothing was changed") || !strings.Contains(stderr, "it was not rehearsed") {
		t.Fatalf("not confirmed, apply ended with %d: %s", code, stderr)
	}
	rehearsals(t, p)
	want(t, 1, "nobody is there to confirm", "apply", "p.json")
	want(t, 0, "no runs", "status")
	want(t, 2, "ml-dev-rg.contoso-ml.snap", "cloud", "record", "estate", "--data", w.cloud.Dir, "--to-group", "ml-new-rg")
	want(t, 1, "is there already", "cloud", "record", "estate", "--data", w.cloud.Dir)
	want(t, 2, "Microsoft.MachineLearningServices/workspaces/jobs", "snapshot", "show", filepath.Join("estate", "ml-dev-rg.contoso-ml.snap"))
	want(t, 1, "there is no run", "resume", "contoso-ml-00000000")
	if code, out, stderr := typed(t, "contoso-ml\n", "apply", "p.json"); code != 2 || !strings.Contains(out, "Moved and proven") {
		t.Fatalf("apply ended with %d:\n%s\n%s", code, out, stderr)
	}
	want(t, 0, "done", "status")
	want(t, 0, "ended well", "status", run)
	want(t, 0, "0 differences", "verify", run)
	want(t, 1, "point of no return", "rollback", run)
	want(t, 2, "Moved and proven", "apply", "p.json", "--yes")
	want(t, 0, "contoso-ml moved", "report", run)
	want(t, 0, "# contoso-ml moved", "report", run, "--format", "markdown")
	want(t, 0, "r.html", "report", run, "-o", "r.html", "--mask", "--kit", "kit")
	page, err := os.ReadFile("r.html")
	if err != nil || !bytes.Contains(page, []byte("<svg")) || bytes.Contains(page, []byte(w.target.Subscription())) {
		t.Errorf("the page is not one, or shows a subscription: %v", err)
	}
	for _, file := range []string{"1-removed.tf", "2-import.tf", "replace.sed", "ids.json"} {
		if info, err := os.Stat(filepath.Join("kit", file)); err != nil || info.Size() < 100 {
			t.Errorf("the repair kit lacks %s: %v", file, err)
		}
	}
	if _, err := os.Stat(filepath.Join(".amlmove", "runs", run, "report.html")); err != nil {
		t.Errorf("apply left no report: %v", err)
	}
	t.Setenv("AMLMOVE_SEAL_KEY", "")
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(w.dir, "somebody-else"))
	want(t, 0, "0 differences", "verify", run) // who only compares needs no key of secrets, and makes none
	if _, err := os.Stat("somebody-else"); err == nil {
		t.Error("verify made a key")
	}
	comparedAgain(t, w, run)
	want(t, 1, "tell no duration", "durations", "--runs", "elsewhere")
	want(t, 0, "deployments.put", "durations", run, "--file", "ours.json")
	want(t, 1, "say --force to replace it", "durations", run, "--file", "ours.json")
	want(t, 0, "deployments.put", "durations", run, "--file", "ours.json", "--force")
	want(t, 2, "moved and proven", "rehearse", "p.json", "--durations", "ours.json")
	want(t, 0, "RULE", "rules")
	want(t, 1, "there is no rule", "rules", "ML999")
}

// comparedAgain changes the workspace after its move was proven: what is said of the run from then on is what was compared last.
func comparedAgain(t *testing.T, w *world, run string) {
	t.Helper()
	landing := append(slices.Clone(w.target), w.workspace[2:]...).String()
	if answer := w.cloud.Do(t, "", http.MethodPatch, landing, `{"tags":{"team":"\u001b[31mred"}}`); answer.Status >= 300 {
		t.Fatalf("the tags were refused: %s", answer.Body)
	}
	if out := want(t, 4, "tags.team", "verify", run); strings.Contains(out, "\x1b") {
		t.Errorf("a tag speaks to the terminal: %q", out)
	}
	if out := want(t, 0, "compared again", "report", run); strings.Contains(out, "\x1b") {
		t.Errorf("a tag speaks to the terminal: %q", out)
	}
	if page, err := os.ReadFile(filepath.Join(".amlmove", "runs", run, "report.html")); err != nil || !bytes.Contains(page, []byte("compared again")) {
		t.Errorf("the page of the run tells what was compared before: %v", err)
	}
}

// rehearsals rehearses the plan p.json, which is that of contoso in full use.
func rehearsals(t *testing.T, p *plan.Plan) {
	t.Helper()
	want(t, 3, "is blocked", "rehearse", "blocked.json")
	if code, _, stderr := typed(t, "", "rehearse", "blocked.json", "--fault", "all"); code != 3 || strings.Count(stderr, "is blocked") != 1 {
		t.Errorf("of a blocked plan and all faults it says, with %d: %s", code, stderr)
	}
	want(t, 3, "an owner could not carry the plan out either: ML065", "rehearse", "blocked.json", "--as-owner")
	want(t, 1, "which plan", "rehearse")
	want(t, 1, "half-moved", "rehearse", "p.json", "--fault", "moon-falls")
	want(t, 1, "cannot be read", "rehearse", "p.json", "--durations", "nowhere.json")
	want(t, 2, "moved and proven", "rehearse", "p.json", "--html", "forecast.html")
	again, err := plan.Read("p.json")
	if err != nil || again.Digest != p.Digest || again.Rehearsed() == nil || again.Rehearsed().Outcome != "recovered" {
		t.Fatalf("the plan does not carry its rehearsal: %v %v", again.Rehearsal, err)
	}
	if page, err := os.ReadFile("forecast.html"); err != nil || !bytes.Contains(page, []byte("Timeline")) {
		t.Errorf("there is no forecast: %v", err)
	}
	if _, _, stderr := typed(t, "something else\n", "apply", "p.json"); !strings.Contains(stderr, "it was rehearsed on ") {
		t.Errorf("apply does not say that the plan was rehearsed: %s", stderr)
	}
	want(t, 4, "stopped safely", "rehearse", "p.json", "--fault", "half-moved,validate-passes-move-fails")
	if err := os.Rename("p.snap", "q.snap"); err != nil {
		t.Fatal(err)
	}
	want(t, 1, "needed for a copy", "rehearse", "p.json")
	if err := os.Rename("q.snap", "p.snap"); err != nil {
		t.Fatal(err)
	}
}
