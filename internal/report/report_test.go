package report

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/verify"
)

const (
	oldGroup = "/subscriptions/11111111-aaaa-4aaa-8aaa-000000000001/resourceGroups/dev"
	newGroup = "/subscriptions/11111111-aaaa-4aaa-8aaa-000000000002/resourceGroups/prod"
	ml       = "/providers/Microsoft.MachineLearningServices/workspaces/ws"
	hostile  = `<script>alert("x")</script>`
)

// full is a report with something in every part, and names that try to break out.
func full() *Data {
	begin := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	step := func(phase plan.Phase, action, name, state string, from, to int) Step {
		return Step{ID: string(phase) + "/" + action + "/" + name, Phase: phase, Action: action, What: action + " " + name + hostile, State: state, Began: begin.Add(time.Duration(from) * time.Second), Ended: begin.Add(time.Duration(to) * time.Second), Reason: hostile}
	}
	return &Data{Run: "ws-12345678", State: "partial", Reason: hostile, Began: begin, Ended: begin.Add(time.Minute), From: oldGroup + ml, To: newGroup + ml, Moved: true, Grade: rules.GradeB, Planned: plan.Duration(time.Hour),
		Accounts: []string{oldGroup + "/providers/Microsoft.Storage/storageAccounts/stays"},
		Windows:  []Window{{oldGroup + ml, plan.Duration(time.Minute), plan.Duration(3 * time.Second)}},
		Steps: []Step{step(plan.Clear, plan.RemoveCompute, "c1", "done", 0, 5), step(plan.Move, plan.MoveResources, "ws", "done", 5, 9), step(plan.Restore, plan.RestoreCompute, hostile, "failed", 9, 30),
			{ID: "verify/compare/ws", Phase: plan.Verify, Action: plan.Compare, What: "compare"}},
		ToDo: []Remark{{"s", hostile + " todo"}}, Differs: []Remark{{"s", hostile + " differs"}}, Losses: []plan.Loss{{Subject: hostile, What: hostile, Do: hostile}},
		Findings: []rules.Finding{{ID: "ML001", Severity: rules.Warning, Message: hostile}},
		IDs: []Renamed{{Was: oldGroup + ml, Is: newGroup + ml}, {Was: oldGroup + ml + "/computes/c1", Is: newGroup + ml + "/computes/c1", Kind: "AmlCompute"},
			{Was: oldGroup + "/providers/Microsoft.KeyVault/vaults/kv.1", Is: newGroup + "/providers/Microsoft.KeyVault/vaults/kv.1"}},
		Verify: &verify.Result{Verdict: verify.Differs, WorkspaceID: "guid", Compared: 3, Total: 1, Rows: []verify.Row{{Kind: "computes", Before: 2, After: 1, Missing: 1}, {Kind: "locks", Before: 1, After: 2, Extra: 1}},
			Extra:       []verify.Difference{{Kind: "locks", What: verify.Added, After: newGroup + ml + "/providers/Microsoft.Authorization/locks/policy-" + hostile}},
			Differences: []verify.Difference{{Kind: "computes", What: verify.Missing, Before: oldGroup + ml + "/computes/" + hostile, Was: hostile}}, Derived: verify.Table(),
			Addresses: []verify.Renamed{{Of: newGroup + ml, What: "scoringUri", Was: "https://old.example/score?a=1&b=2", Is: "https://new.example/score"}}},
		Requests: 12, Support: []string{"correlation-1"}}
}

func TestEveryViewShowsEveryPart(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(*bytes.Buffer, *Data) error{
		"terminal": func(b *bytes.Buffer, d *Data) error { return Terminal(b, d) }, "markdown": func(b *bytes.Buffer, d *Data) error { return Markdown(b, d) },
		"HTML": func(b *bytes.Buffer, d *Data) error { return HTML(b, d) }, "JSON": func(b *bytes.Buffer, d *Data) error { return JSON(b, d) }} {
		var b bytes.Buffer
		if err := write(&b, full()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, want := range []string{"ws-12345678", "todo", "differs", "computes", oldGroup + ml, newGroup + ml, "locks/policy"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s does not show %q", name, want)
			}
		}
	}
}

func TestNothingBreaksOutOfThePage(t *testing.T) {
	t.Parallel()
	var page, text bytes.Buffer
	if err := HTML(&page, full()); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page.String(), "<script") {
		t.Error("a name became a script")
	}
	for _, outside := range []string{"src=\"http", "href=\"http", "@import", "url(http"} {
		if strings.Contains(page.String(), outside) {
			t.Errorf("the page asks the network: %s", outside)
		}
	}
	if err := Markdown(&text, full()); err != nil || strings.Contains(text.String(), "<script") {
		t.Errorf("a name became a script in Markdown, %v", err)
	}
}

func TestMaskedViewsHideSubscriptions(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := HTML(&b, full()); err != nil {
		t.Fatal(err)
	}
	if masked := full().Mask(b.String()); strings.Contains(masked, "11111111-aaaa") || !strings.Contains(masked, "********0002") {
		t.Error("subscription ids are shown, or nothing of them is left to tell them apart")
	}
}

func TestAnEmptyReportIsOne(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := HTML(&b, &Data{Run: "r", State: "ready", From: oldGroup + ml, To: newGroup + ml}); err != nil || !strings.Contains(b.String(), "nothing was begun") {
		t.Errorf("a run that was never begun: %v", err)
	}
}

func TestTheSedScriptReplacesWhatMovedAndNothingElse(t *testing.T) {
	t.Parallel()
	sed, err := exec.LookPath("sed")
	if err != nil {
		t.Skip("sed is not there")
	}
	script := filepath.Join(t.TempDir(), "replace.sed")
	if err := os.WriteFile(script, Kit(full())["replace.sed"], 0o600); err != nil {
		t.Fatal(err)
	}
	lower := strings.ToLower(oldGroup + ml)
	in := "a " + oldGroup + ml + "/models/m\nb " + lower + "\nc " + oldGroup + ml + "-2\nd https://old.example/score?a=1&b=2 e\nf azureml://subscriptions/11111111-aaaa-4aaa-8aaa-000000000001/resourcegroups/dev/workspaces/ws/x\n"
	want := "a " + newGroup + ml + "/models/m\nb " + newGroup + ml + "\nc " + oldGroup + ml + "-2\nd https://new.example/score e\nf azureml://subscriptions/11111111-aaaa-4aaa-8aaa-000000000002/resourcegroups/prod/workspaces/ws/x\n"
	cmd := exec.CommandContext(t.Context(), sed, "-E", "-f", script)
	cmd.Stdin = strings.NewReader(in)
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != want {
		t.Errorf("pain 22: sed made\n%s\nof\n%s\n%v", out, in, err)
	}
}

func TestTerraformBlocks(t *testing.T) {
	t.Parallel()
	removed, imported := Terraform(full())
	for _, want := range []string{"from = azurerm_machine_learning_workspace.ws\n", "destroy = false", "azurerm_key_vault.kv_1"} {
		if !strings.Contains(removed, want) {
			t.Errorf("the removed blocks lack %q", want)
		}
	}
	if !strings.Contains(imported, `id = "`+newGroup+ml+`"`) || strings.Count(imported, "import {") != strings.Count(removed, "removed {") {
		t.Error("the import blocks do not fit the removed ones")
	}
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("terraform is not there: whether it accepts the blocks was not tried (it cannot be installed in CI)")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "removed.tf"), []byte(removed), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), terraform, "-chdir="+dir, "fmt", "-check", "-diff")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("terraform does not accept the blocks: %s", out)
	}
}

func TestTheReportForMachinesComesBack(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := JSON(&b, full()); err != nil {
		t.Fatal(err)
	}
	var again Data
	if err := json.Unmarshal(b.Bytes(), &again); err != nil || again.Run != "ws-12345678" || len(again.Steps) != 4 || again.Planned != plan.Duration(time.Hour) {
		t.Errorf("the JSON does not come back: %v %+v", err, again)
	}
}
