// Package agree holds the mover's rules against the cloud's refusals, which are written apart (D8): in each of many worlds, the cloud refuses to move the workspace
// if and only if a rule says so before, by a blocker or by something that the plan takes care of, and both mean the same clause.
package agree

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
	"github.com/amlmove/amlmove/test/capturing"
	"github.com/amlmove/amlmove/test/estate"
)

// read captures a workspace as a principal ("" is the owner) and takes the facts out of the snapshot. An error is what the capture says.
func read(t *testing.T, c *cloudtest.Cloud, principal, workspace, target string) (*facts.Facts, error) {
	t.Helper()
	_, f, err := readInto(t, c, principal, workspace, target)
	return f, err
}

// readInto is read with the file of the snapshot.
func readInto(t *testing.T, c *cloudtest.Cloud, principal, workspace, target string) (string, *facts.Facts, error) {
	t.Helper()
	credential := c.Credential()
	if principal != "" {
		credential = c.CredentialOf(principal)
	}
	client, err := azure.New(azure.Options{Endpoint: c.Endpoint, Credential: credential, Client: c.ClientOptions()})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "w.snap")
	writer, err := snapshot.Create(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := capture.Run(t.Context(), capture.Options{Client: client, Workspace: parse(t, workspace), Target: parse(t, target)}, writer); err != nil {
		return "", nil, err
	}
	f, err := facts.Read(t.Context(), open(t, path))
	if err != nil {
		t.Fatal(err)
	}
	return path, f, nil
}

func open(t *testing.T, path string) *snapshot.Snapshot {
	t.Helper()
	return capturing.Open(t, path)
}

func parse(t *testing.T, text string) arm.ID {
	t.Helper()
	id, err := arm.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// verdict asks the cloud whether it would move resources. It follows the operation to its end.
func verdict(t *testing.T, e *estate.Estate, principal, from, target string, ids ...string) cloudtest.Answer {
	t.Helper()
	answer := e.Ask(t, principal, http.MethodPost, from+"/validateMoveResources?api-version=2021-04-01", estate.Order(target, ids...))
	if answer.Status != http.StatusAccepted {
		return answer
	}
	e.Settle(t)
	return e.Ask(t, principal, http.MethodGet, answer.Header.Get("Location"), nil)
}

// refusable are the clauses and facts for which the cloud refuses a move: what a rule says of one of them, as a blocker or as work of the plan, is a prediction.
var refusable = []string{"S11", "S12", "S13", "S14", "S15", "S17", "S18", "S19", "S21", "S22", "S25", "S26", "S27", "S28", "S34", "S33", "S35", "S36", "S37", "S38", "S40",
	"S09", "S10", "pain 1", "pain 14", "pain 20", "pain 34", "pain 38", "aml-contract 2", "arm-move 1.2", "arm-move 2"}

// predicts reports whether a finding says that the move would be refused as things are.
func predicts(f rules.Finding) bool {
	return (f.Severity == rules.Blocker || f.Answer == rules.Plan) && shares(f.Clauses, refusable)
}

func shares(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if x == y {
				return true
			}
		}
	}
	return false
}

// say writes findings for the log of a failed test.
func say(findings []rules.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		b.WriteString("\n  " + f.ID + " " + string(f.Severity) + " " + string(f.Answer) + " " + strings.Join(f.Clauses, ",") + " " + f.Subject + ": " + f.Message + " (" + f.Evidence + ")")
	}
	return b.String()
}
