package rules

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the page of rules and the golden findings anew")

// page is where people look up a rule.
const page = "../../docs/rules.md"

func TestThePageOfRulesIsUpToDate(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# What is checked before a move\n\nWritten by `go test ./internal/rules -run Page -update`. `amlmove rules ML045` shows one rule.\n\n" +
		"Sources: S.. are the clauses of Azure's page on the move of a workspace ([clauses.md](clauses.md)), \"pain\" what users suffered from, \"arm-move\" and \"aml-contract\" what is known of ARM and of the service, " +
		"D.. our own decisions. Where sources disagree, the stricter reading counts ([why](decisions/0003-the-stricter-reading.md)).\n\n" +
		"A blocker stops the plan. A warning does not: something behaves differently or is lost. A note is worth knowing, or work that the plan does by itself.\n\n" +
		"| rule | checks | source |\n|---|---|---|\n")
	for _, r := range Table() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", r.ID, strings.ToLower(r.ID), r.Title, strings.Join(r.Clauses, ", "))
	}
	for _, r := range Table() {
		fmt.Fprintf(&b, "\n## %s\n\n**%s.** %s\n\n*What to do:* %s.\n", r.ID, r.Title, r.Why, r.Remedy)
		if r.Confirmable {
			fmt.Fprintf(&b, "\nARM does not show this. Once somebody has looked, `--confirm %s` makes a note of a warning, and a warning of a blocker.\n", r.ID)
		}
	}
	golden(t, page, b.String())
}

// golden compares a text with a file, and writes the file when asked.
func golden(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil || string(have) != text {
		t.Errorf("%s is not what the rules say (%v): run go test ./internal/rules -update, and look at what changed", file, err)
	}
}
