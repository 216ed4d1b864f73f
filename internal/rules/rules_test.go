package rules

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/snapshot"
)

// example is a change of the quiet world and what one rule then says.
type example struct {
	id      string
	name    string
	changes []change
	want    []string
}

// examples are all tables.
func examples() []example {
	return slices.Concat(workspaceExamples(), placeExamples(), accountExamples(), nameExamples(), rightExamples(), policyExamples(), quotaExamples(), lockExamples(), roleExamples(),
		computeExamples(), endpointExamples(), jobExamples(), networkExamples(), datastoreExamples(), gapExamples())
}

func TestRules(t *testing.T) {
	t.Parallel()
	for _, e := range examples() {
		t.Run(e.id+" "+e.name, func(t *testing.T) {
			t.Parallel()
			findings := judgeWorld(t, e.changes...)
			if got := told(findings, e.id); !slices.Equal(got, e.want) {
				t.Errorf("found %q, want %q", got, e.want)
				for _, f := range findings {
					if f.ID == e.id {
						t.Logf("%+v", f)
					}
				}
			}
		})
	}
}

// always are the rules that speak of every move.
var always = []string{"ML007", "ML008", "ML009", "ML082"}

func TestAQuietWorkspaceHasNothingToDo(t *testing.T) {
	t.Parallel()
	for _, f := range judgeWorld(t) {
		if !slices.Contains(always, f.ID) {
			t.Errorf("the quiet world has the finding %s %s: %s", f.ID, f.Severity, f.Message)
		}
	}
}

func TestEveryRuleHasAnExampleThatFindsAndOneThatDoesNot(t *testing.T) {
	t.Parallel()
	finds, finds0 := map[string]bool{}, map[string]bool{}
	for _, e := range examples() {
		if _, known := Find(e.id); !known {
			t.Errorf("the example %q is of no rule", e.id)
		}
		finds[e.id] = finds[e.id] || len(e.want) > 0
		finds0[e.id] = finds0[e.id] || len(e.want) == 0
	}
	for _, r := range Table() {
		if !finds[r.ID] {
			t.Errorf("no example in which %s finds something", r.ID)
		}
		// The quiet world is the example in which all others find nothing.
		if slices.Contains(always, r.ID) && !finds0[r.ID] && !r.Confirmable {
			t.Errorf("no example in which %s finds nothing", r.ID)
		}
	}
}

// TestIDsAreUniqueAndSortedAndEveryRuleSaysWhyAndWhatToDo: one table with sources, where documents disagree (pain 23).
func TestIDsAreUniqueAndSortedAndEveryRuleSaysWhyAndWhatToDo(t *testing.T) {
	t.Parallel()
	before := ""
	for _, r := range Table() {
		if r.ID <= before || !regexp.MustCompile(`^ML0\d\d$`).MatchString(r.ID) {
			t.Errorf("%s stands behind %s", r.ID, before)
		}
		before = r.ID
		if r.Title == "" || r.Why == "" || r.Remedy == "" || len(r.Clauses) == 0 || r.Judge == nil {
			t.Errorf("%s is not complete: %+v", r.ID, r)
		}
		for _, c := range r.Clauses {
			if !regexp.MustCompile(`^(S\d\d|pain \d+|D\d+|aml-contract \d+|arm-move [\d.]+)$`).MatchString(c) {
				t.Errorf("%s cites %q, which is no clause", r.ID, c)
			}
		}
	}
	if _, known := Find("ML000"); known {
		t.Error("there is a rule ML000")
	}
}

// notJudged are clauses that no finding can be about: what the Azure CLI must do, and what plan and run do without a reason against it.
var notJudged = []string{"S20"}

func TestEveryClauseOfTheMoverIsCited(t *testing.T) {
	t.Parallel()
	cited := map[string]bool{}
	for _, r := range Table() {
		for _, c := range r.Clauses {
			cited[c] = true
		}
	}
	var wanted []string
	for n := 11; n <= 38; n++ {
		wanted = append(wanted, clauseName(n))
	}
	for _, n := range []int{2, 5, 8, 9, 10, 40, 42, 44, 45, 46, 47, 48} {
		wanted = append(wanted, clauseName(n))
	}
	for _, clause := range wanted {
		if !cited[clause] && !slices.Contains(notJudged, clause) {
			t.Errorf("no rule cites %s", clause)
		}
	}
	// The pains that can be seen in facts; the others are about how a tool runs.
	for _, pain := range []string{"1", "13", "14", "15", "16", "17", "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "30", "31", "32", "33", "34", "35", "36", "37", "38", "41", "42"} {
		if !cited["pain "+pain] {
			t.Errorf("no rule cites pain %s", pain)
		}
	}
}

func clauseName(n int) string { return "S" + string(rune('0'+n/10)) + string(rune('0'+n%10)) }

func TestFindingsAreTheSameEveryTimeAndSorted(t *testing.T) {
	t.Parallel()
	var changes []change
	for _, e := range examples() {
		changes = append(changes, e.changes...)
	}
	first, err := json.Marshal(judgeWorld(t, changes...))
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, err := json.Marshal(judgeWorld(t, changes...))
		if err != nil || string(again) != string(first) {
			t.Fatalf("the same world is judged otherwise: %v", err)
		}
	}
	var findings []Finding
	if err := json.Unmarshal(first, &findings); err != nil || len(findings) < 20 {
		t.Fatalf("%d findings, %v", len(findings), err)
	}
	sorted := slices.Clone(findings)
	Sort(sorted)
	if !slices.EqualFunc(sorted, findings, func(a, b Finding) bool { return a.ID == b.ID && a.Subject == b.Subject && a.Message == b.Message }) {
		t.Error("the findings are not sorted")
	}
}

// TestEveryFindingSaysWhatToDo, also where nothing but a copy is left (pain 35).
func TestEveryFindingSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for _, e := range examples() {
		for _, f := range judgeWorld(t, e.changes...) {
			if f.Answer != None && f.Remedy == "" || f.Message == "" || f.Subject == "" || len(f.Clauses) == 0 {
				t.Errorf("%s %s: not complete: %+v", e.id, e.name, f)
			}
			if strings.Contains(f.Message+f.Evidence+f.Remedy, "%!") {
				t.Errorf("%s %s: badly formatted: %+v", e.id, e.name, f)
			}
		}
	}
}

func TestAConfirmedWarningIsANote(t *testing.T) {
	t.Parallel()
	changes := []change{remark(snapshot.NotListed, "Microsoft.MachineLearningServices/workspaces (soft-deleted)"), remark(snapshot.UnknownKind, "Microsoft.MachineLearningServices/workspaces/novelties")}
	confirmed := append(changes, choose(func(c *Choices) { c.Confirmed = []string{"ML027", "ML082", "ML098"} }))
	if grade := GradeOf(judgeWorld(t, changes...)); grade != GradeC {
		t.Errorf("with things that ARM does not show the grade is %s", grade)
	}
	if grade := GradeOf(judgeWorld(t, confirmed...)); grade != GradeA {
		t.Errorf("after somebody has looked the grade is %s", grade)
	}
	// A blocker cannot be confirmed away.
	findings := judgeWorld(t, workspace(`,"encryption":{"status":"Enabled"}`), choose(func(c *Choices) { c.Confirmed = []string{"ML002"} }))
	if !Blocked(findings) || GradeOf(findings) != GradeD {
		t.Errorf("S33 a blocker was confirmed away: %v", told(findings, "ML002"))
	}
}
