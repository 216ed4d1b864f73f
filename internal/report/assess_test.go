package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rules"
)

// assessed are four workspaces: one that moves, one that needs a person, one that cannot, and one that could not be read.
func assessed() []Assessment {
	const group = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/"
	takes := plan.Duration(90 * time.Minute)
	return []Assessment{
		{Workspace: group + "easy", Target: "/subscriptions/t/resourceGroups/h", Location: "eastus", Grade: rules.GradeA, Takes: &takes, Counts: map[string]int{"jobs": 41}},
		{Workspace: group + "busy", Location: "eastus", Grade: rules.GradeC, Counts: map[string]int{"computes": 3}, Findings: []rules.Finding{
			{ID: "ML076", Severity: rules.Blocker, Clauses: []string{"S29", "pain 32"}, Subject: group + "busy/onlineEndpoints/e", Message: "the endpoint <e> is being invoked", Evidence: "7 requests", Remedy: "lead the clients elsewhere"},
			{ID: "ML084", Severity: rules.Warning, Subject: group + "busy", Message: "a warning"},
			{ID: "ML007", Severity: rules.Note, Subject: group + "busy", Message: "a note"}}},
		{Workspace: group + "locked", Location: "westus", Grade: rules.GradeD, Findings: []rules.Finding{{ID: "ML033", Severity: rules.Blocker, Subject: group + "locked", Message: "it has a key of its own"}}},
		{Workspace: group + "hidden", Error: "AuthorizationFailed & more"},
	}
}

func TestAssessmentsAsATable(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := AssessTable(&b, assessed()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	for i, want := range []string{"GRADE WORKSPACE BLOCKERS WARNINGS TIME COMPUTES ENDPOINTS JOBS DATA", "A */easy 0 0 1h30m0s 0 0 41 0", "C */busy 1 1 - 3 0 0 0", "D */locked 1 0 - 0 0 0 0", "? */hidden AuthorizationFailed & more"} {
		got := strings.Fields(lines[i])
		if i > 0 {
			got[1] = "*" + got[1][strings.LastIndexByte(got[1], '/'):]
		}
		if strings.Join(got, " ") != want {
			t.Errorf("line %d is %q, want %q", i, strings.Join(got, " "), want)
		}
	}
	if n := strings.Count(b.String(), "\n  -> "); n != 2 {
		t.Errorf("%d blockers are told, want 2:\n%s", n, b.String())
	}
}

func TestAssessmentsAsAPage(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := AssessHTML(&b, assessed(), time.Date(2026, 11, 28, 0, 21, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{"Which of 4 workspaces can move?", "2026-11-28 00:21 UTC", "1 of grade A", "1 of grade C", "1 of grade D", "could not be read", "AuthorizationFailed &amp; more", "the endpoint &lt;e&gt; is being invoked",
		"Stops the move (1)", "Needs a look (1)", "Worth knowing (1)", "7 requests", "S29, pain 32", "&rarr; lead the clients elsewhere", "about 1h30m0s", `href="#w3"`, "to /subscriptions/t/resourceGroups/h",
		"a { color: var(--accent); }"} { // the blue that browsers give to links cannot be read on dark paper
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing in the page", want)
		}
	}
	for _, not := range []string{"of grade B", "<script", "http://", "https://", "ZgotmplZ", "no value"} {
		if strings.Contains(page, not) {
			t.Errorf("%q is in the page", not)
		}
	}
	b.Reset()
	if err := AssessHTML(&b, assessed()[:1], time.Now()); err != nil || !strings.Contains(b.String(), "Can easy move?") {
		t.Errorf("one workspace has no title of its own (%v)", err)
	}
}
