package move

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rewrite"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
	"github.com/amlmove/amlmove/internal/verify"
)

// factsOf reads the facts of a snapshot file.
func factsOf(t *testing.T, file string) *facts.Facts {
	t.Helper()
	snap, err := snapshot.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = snap.Close() }()
	f, err := facts.Read(t.Context(), snap)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestThePlanOfASnapshotIsAlwaysTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := w.snap(t, w.workspace, "w")
	var texts []string
	for range 3 {
		p, err := plan.Of(t.Context(), file, decided("all"))
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(data))
		if changes := plan.Drift(p, p, nil); len(changes) != 0 {
			t.Errorf("a plan drifts from itself: %v", changes)
		}
	}
	if texts[0] != texts[1] || texts[1] != texts[2] {
		t.Error("three plans of one snapshot differ")
	}
}

// TestNothingIsRemovedThatIsNotMadeAgain plans from random parts of contoso.
func TestNothingIsRemovedThatIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := w.snap(t, w.workspace, "w")
	snap, err := snapshot.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = snap.Close() }()
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // repeatable
		var items []facts.Item
		for d, err := range snap.Documents(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			doc, err := arm.ParseDocument(d.Body)
			if err != nil {
				t.Fatal(err)
			}
			if d.ID == snap.Header.WorkspaceID || random.IntN(3) > 0 {
				items = append(items, facts.NewItem(d, doc))
			}
		}
		random.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		f, err := facts.New(snap.Header, nil, nil, items...)
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.Make(f, rules.Judge(f, decided("all")), decided("all")) // Make checks what it made: D2 above all
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		removed, made := map[string]bool{}, map[string]bool{}
		for _, s := range p.Steps {
			if s.Destroys {
				removed[s.Subject] = true
			}
			made[s.Subject] = made[s.Subject] || s.Action == plan.RestoreCompute || s.Action == plan.RestoreEndpoint
		}
		for subject := range removed {
			if !made[subject] {
				t.Errorf("D2 seed %d: %s is removed and not made again", seed, subject)
			}
		}
	}
}

func TestPlansAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.plan(t, decided("all"))
	file := filepath.Join(w.dir, "p.json")
	if err := plan.Write(file, p, false); err != nil {
		t.Fatal(err)
	}
	if err := plan.Write(file, p, false); err == nil {
		t.Error("a plan was written over without being asked")
	}
	if again, err := plan.Read(file); err != nil || again.Digest != p.Digest || len(plan.Drift(p, again, nil)) != 0 {
		t.Fatalf("the plan does not come back: %v", err)
	}
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		data []byte
		code string
	}{
		{"cut off", good[:len(good)/2], "PlanTruncated"},
		{"empty", nil, "PlanForeign"},
		{"another file", []byte(`{"hello":1}`), "PlanForeign"},
		{"edited by hand", bytes.Replace(good, []byte(`"drain": "cancel"`), []byte(`"drain": "wait"`), 1), "PlanEdited"},
		{"a step taken out", bytes.Replace(good, []byte(`"destroys": true`), []byte(`"destroys": false`), 1), "PlanEdited"},
		{"an unknown member", bytes.Replace(good, []byte(`"format": 1,`), []byte(`"format": 1, "extra": 1,`), 1), "PlanDamaged"},
		{"a newer format", bytes.Replace(good, []byte(`"format": 1,`), []byte(`"format": 99,`), 1), "PlanNewer"},
	} {
		bad := filepath.Join(w.dir, "bad.json")
		if err := os.WriteFile(bad, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := plan.Read(bad); codeOf(err) != c.code {
			t.Errorf("%s: got %v, want %s", c.name, err, c.code)
		}
	}
	if _, err := plan.Read(filepath.Join(w.dir, "none.json")); codeOf(err) != "PlanNotFound" {
		t.Errorf("a plan that is not there: %v", err)
	}
}

func TestThePlanSaysWhatAPersonMustKnow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var b strings.Builder
	if err := plan.Text(&b, w.plan(t, decided("all")), plan.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"point of no return", "- delete the compute cpu-cluster", "detach the compute inference-aks", "away       contoso-ml", "the disk of the instance", "Cannot be made again", "cancel the job"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the plan does not say %q", want)
		}
	}
}

// TestComparingFindsExactlyWhatTheMoveBroke moves a quiet workspace without the mover: the seed's damage is found, and nothing else.
func TestComparingFindsExactlyWhatTheMoveBroke(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, "contoso-quiet")
	before := w.snap(t, w.workspace, "before")
	if result := w.compare(t, before, w.snap(t, w.workspace, "again"), rewrite.Map{}); result.Verdict != verify.Clean {
		t.Fatalf("without a move there are %d differences: %+v", result.Total, result.Differences[0])
	}
	f := factsOf(t, before)
	order := map[string]any{"resources": []string{w.workspace.String()}, "targetResourceGroup": w.target.String()}
	if answer := w.cloud.Await(t, "POST", w.workspace.GroupID().String()+"/moveResources?api-version=2021-04-01", order); answer.Status >= 300 {
		t.Fatalf("the move was refused: %d %s", answer.Status, answer.Body)
	}
	landing := f.Landing(w.workspace)
	w.target = w.workspace.GroupID()
	result := w.compare(t, before, w.snap(t, landing, "after"), rewrite.New([]arm.ID{w.workspace}, landing.GroupID()))
	missing := map[string]int{}
	for _, d := range result.Differences {
		missing[d.Kind+" "+d.What]++
	}
	want := map[string]int{"data missing": 12, "data/versions missing": 60, "role assignments missing": 5, "diagnostic settings missing": 1, "private endpoints changed": 1, "metric alerts missing": 1}
	for what, n := range want {
		if missing[what] != n {
			t.Errorf("%s: found %d, want %d", what, missing[what], n)
		}
	}
	for what, n := range missing {
		if _, known := want[what]; !known && what != "schedules changed" {
			t.Errorf("%s: found %d, which the seed does not speak of", what, n)
		}
	}
	if result.WorkspaceID == "" || result.WorkspaceID != f.Workspace.Doc.Text("properties.workspaceId") {
		t.Errorf("the GUID is %q", result.WorkspaceID)
	}
}

// compare compares two snapshot files.
func (w *world) compare(t *testing.T, before, after string, m rewrite.Map) *verify.Result {
	t.Helper()
	a, err := snapshot.Open(t.Context(), before)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	b, err := snapshot.Open(t.Context(), after)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	result, err := verify.Compare(t.Context(), a, b, m, verify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// codeOf is the code of an error.
func codeOf(err error) string {
	if e := errs.As(err); e != nil {
		return e.Code
	}
	return ""
}
