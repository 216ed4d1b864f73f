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
	b.WriteString("# The clauses of Azure's page, and what proves that the cloud keeps them\n\n")
	b.WriteString("Written by `go test ./test/clause -update`. The mover's column follows with the mover.\n\n| clause | what it says | proved by |\n|---|---|---|\n")
	for _, c := range clauses() {
		var proofs []string
		for _, p := range c.cases {
			proofs = append(proofs, fmt.Sprintf("`test/clause` S%02d, %s", c.number, p.name))
		}
		if c.seed != "" {
			proofs = append(proofs, fmt.Sprintf("`test/seed` %s, with the real az", c.seed))
		}
		fmt.Fprintf(&b, "| S%02d | %s | %s |\n", c.number, c.says, strings.Join(proofs, "; "))
	}
	if *update {
		if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil || string(have) != b.String() {
		t.Errorf("%s is not what the table says (%v): run go test ./test/clause -run Page -update", page, err)
	}
}
