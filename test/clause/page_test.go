package clause

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the page of clauses anew")

// page is where people look which test proves a clause.
const page = "../../docs/clauses.md"

func TestThePageOfClausesIsUpToDate(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# The clauses of Azure's page, and what proves that cloud and mover keep them\n\n")
	b.WriteString("Written by `go test ./test/clause -run Page -update`: the cloud's column from the table of those tests, the mover's from the tests that cite the clause.\n\n")
	b.WriteString("| clause | what it says | the cloud: proved by | the mover: proved by |\n|---|---|---|---|\n")
	mover := proofs(t, moverRooms, citation)
	for _, c := range clauses() {
		var ours []string
		for _, p := range c.cases {
			ours = append(ours, fmt.Sprintf("`test/clause` S%02d, %s", c.number, p.name))
		}
		if c.seed != "" {
			ours = append(ours, fmt.Sprintf("`test/seed` %s, with the real az", c.seed))
		}
		others := strings.Join(mover[c.number], "; ")
		if why := notTheMovers[c.number]; why != "" {
			others = why
		}
		if others == "" {
			t.Errorf("S%02d %s: no test of the mover cites it", c.number, c.says)
		}
		fmt.Fprintf(&b, "| S%02d | %s | %s | %s |\n", c.number, c.says, strings.Join(ours, "; "), others)
	}
	upToDate(t, page, b.String())
}

// upToDate compares a page with what it should say, or writes it.
func upToDate(t *testing.T, page, text string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil || string(have) != text {
		t.Errorf("%s is not what the table says (%v): run go test ./test/clause -run Page -update", page, err)
	}
}
