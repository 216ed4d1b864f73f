package rules

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/test/capturing"
)

// TestTheFixturesAreJudgedAsTheyWere captures whole workspaces and compares what is found, in short, with what was found before.
func TestTheFixturesAreJudgedAsTheyWere(t *testing.T) {
	t.Parallel()
	every := Choices{Include: []string{"all"}, Drain: Cancel, AcceptInstanceLoss: true, LiftLocks: true, ApproveEndpoints: true, RemoveServices: true, Force: true, Confirmed: []string{"ML027", "ML082", "ML098"}}
	for _, c := range []struct {
		name, fixture string
		choices       Choices
	}{
		{"contoso", "contoso", Choices{Drain: Wait}},
		{"contoso-everything-allowed", "contoso", every},
		{"contoso-no-quiesce", "contoso", Choices{Drain: Wait, NoQuiesce: true}},
		{"contoso-quiet", "contoso-quiet", Choices{Drain: Wait}},
		{"contoso-quiet-everything-allowed", "contoso-quiet", every},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			findings := Judge(captured(t, c.fixture), c.choices)
			var b strings.Builder
			fmt.Fprintf(&b, "grade %s\n", GradeOf(findings))
			for _, f := range findings {
				fmt.Fprintf(&b, "%s %-7s %-6s %s: %s\n", f.ID, f.Severity, f.Answer, f.Subject[strings.LastIndexByte(f.Subject, '/')+1:], f.Message)
			}
			golden(t, filepath.Join("testdata", c.name+".txt"), b.String())
		})
	}
}

// captured starts a cloud with a fixture and captures contoso-ml on its way to the group ml-prod-rg.
func captured(t *testing.T, fixture string) *facts.Facts {
	t.Helper()
	cloud := cloudtest.Start(t, cloudtest.Fixture(fixture))
	client := capturing.Client(t, cloud)
	workspace, target := capturing.Contoso(t, client, cloud)
	path := capturing.Write(t, client, workspace, target)
	f, err := facts.Read(t.Context(), capturing.Open(t, path))
	if err != nil {
		t.Fatal(err)
	}
	return f
}
