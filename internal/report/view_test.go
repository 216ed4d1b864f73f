package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/verify"
)

var update = flag.Bool("update", false, "write the golden files anew")

// contoso is the report of a move that ended in part: something of everything, and nothing hostile.
func contoso() *Data {
	d := full()
	d.Reason, d.Losses = "restore/restoreCompute/gpu: the quota is used up", []plan.Loss{{Subject: oldGroup + ml + "/computes/ci", What: "the disk of the instance", Do: "let its user copy what is needed before"}}
	for i := range d.Steps {
		d.Steps[i].What, d.Steps[i].Reason = strings.TrimSuffix(d.Steps[i].What, hostile), ""
	}
	d.Steps[2].ID, d.Steps[2].What, d.Steps[2].Reason = "restore/restoreCompute/gpu", "make the compute gpu again", "the quota is used up"
	d.ToDo, d.Differs = []Remark{{"restore/restoreEndpoint/e", "e has a new identity: give it its roles"}}, []Remark{{"restore/restoreRole/r", "the role cannot be given"}}
	d.Verify.Differences = []verify.Difference{{Kind: "computes", What: verify.Missing, Before: oldGroup + ml + "/computes/gpu", After: newGroup + ml + "/computes/gpu"},
		{Kind: "datastores", What: verify.Changed, After: newGroup + ml + "/datastores/d", Path: "properties.resourceGroup", Was: "prod", Is: ""}}
	d.Verify.Total = 2
	d.Verify.Rights = []verify.Right{{What: verify.Lost, Principal: "p-1", Sort: "User", Role: "Reader", Scope: oldGroup + ml}, {What: verify.Inherited, Principal: "p-2", Sort: "Group", Role: "Contributor", Scope: oldGroup},
		{What: verify.Gained, Principal: "p-3", Sort: "User", Role: "Owner", Scope: "/"}}
	roles := "/providers/Microsoft.Authorization/roleAssignments/"
	d.Verify.Roles = []verify.Pair{{Was: oldGroup + ml + roles + "r-1", Is: newGroup + ml + roles + "r-9"}}
	for _, below := range []struct{ id, kind string }{{ml + roles + "r-1", ""}, {ml + "/computes/ci", "ComputeInstance"}, {ml + "/computes/gpu", "AmlCompute"}, {ml + "/computes/k8s", "Kubernetes"}, {ml + "/datastores/lake", "AzureDataLakeGen2"},
		{ml + "/datastores/one", "OneLake"}, {ml + "/providers/Microsoft.Insights/diagnosticSettings/logs", ""}, {ml + "/providers/Microsoft.Authorization/locks/keep", ""}, {ml + "/onlineEndpoints/e", ""}} {
		d.IDs = append(d.IDs, Renamed{Was: oldGroup + below.id, Is: newGroup + below.id, Kind: below.kind})
	}
	d.Arrange()
	return d
}

func TestViewsLookAsTheyDid(t *testing.T) {
	t.Parallel()
	files := Kit(contoso())
	for name, write := range map[string]func(io.Writer, *Data) error{"report.txt": Terminal, "report.md": Markdown, "report.json": JSON} {
		var b bytes.Buffer
		if err := write(&b, contoso()); err != nil {
			t.Fatal(err)
		}
		files[name] = b.Bytes()
	}
	if len(files) != 7 {
		t.Errorf("got %d files", len(files))
	}
	for name, got := range files {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not as it was (go test ./internal/report -update writes it anew): got\n%s", name, got)
		}
	}
}

// rendered is the HTML of a report.
func rendered(t *testing.T, d *Data) string {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestThePageSaysWhatMattersFirst(t *testing.T) {
	t.Parallel()
	page, at := rendered(t, contoso()), -1
	for _, want := range []string{"not everything is as it was", "What a person still has to do", "Where everything is", "Before and after", "Differences", "Who may do what", "Windows", "Timeline",
		"What could not be made again", "Repair kit", "What was not compared, and why"} {
		next := strings.Index(page, want)
		if next < at || next < 0 {
			t.Errorf("%q stands at %d, behind what should follow it, or not at all", want, next)
		}
		at = max(at, next)
	}
}

// Drawings are XML: what a name could break would not parse.
func TestDrawingsAreWellFormedWhateverTheNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{hostile, `"><svg onload=x>`, "a&b", "%d %s %!", "]]>", "名前", "\x01\u2028", strings.Repeat("x", 300)} {
		d := full()
		d.Accounts = []string{oldGroup + "/providers/Microsoft.Storage/storageAccounts/" + strings.ReplaceAll(name, "/", "")}
		for i := range d.Steps {
			d.Steps[i].ID, d.Steps[i].What, d.Steps[i].State = strings.Replace(d.Steps[i].ID, "c1", name, 1), name, name
		}
		d.From = oldGroup + ml + name
		for _, moves := range []bool{true, false} {
			d.Moved = moves
			for what, drawing := range map[string]string{"map": drawMap(d), "timeline": drawTimeline(d)} {
				dec := xml.NewDecoder(strings.NewReader(drawing))
				for {
					_, err := dec.Token()
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						t.Fatalf("the %s with the name %q: %v\n%s", what, name, err, drawing)
					}
				}
			}
		}
	}
}

func TestTheDrawingTellsWhatBecameOfEachThing(t *testing.T) {
	t.Parallel()
	step := func(phase plan.Phase, action, name, state string, back bool) Step {
		return Step{ID: string(phase) + "/" + action + "/" + name, Phase: phase, Action: action, State: state, Back: back}
	}
	storage := oldGroup + "/providers/Microsoft.Storage/storageAccounts/acc"
	d := &Data{From: oldGroup + ml, To: newGroup + ml, Moved: true, Accounts: []string{storage, oldGroup + "/providers/Microsoft.KeyVault/vaults/kv"}, IDs: []Renamed{{Was: storage, Is: newGroup + "/x"}},
		Steps: []Step{step(plan.Clear, plan.RemoveCompute, "good", "done", false), step(plan.Restore, plan.RestoreCompute, "good", "done", false), step(plan.Restore, plan.RestoreCompute, "bad", "failed", false),
			step(plan.Restore, plan.RestoreEndpoint, "late", "", false), step(plan.Restore, plan.RestorePrivateEndpoint, "pe", "waiting", false)}}
	target, source := d.things()
	if want := []thing{{"acc", "storage account", moved}, {"good", "compute", again}, {"bad", "compute", absent}, {"late", "endpoint", absent}}; !slices.Equal(target, want) {
		t.Errorf("at the target: got %v, want %v", target, want)
	}
	if want := []thing{{"kv", "key vault", stays}, {"pe", "private endpoint", waits}}; !slices.Equal(source, want) {
		t.Errorf("at the source: got %v, want %v", source, want)
	}
	d = &Data{From: oldGroup + ml, To: newGroup + ml, Steps: []Step{step(plan.Clear, plan.RemoveCompute, "gone", "done", false), step(plan.Clear, plan.RemoveCompute, "back", "done", true), step(plan.Clear, plan.RemoveEndpoint, "never", "", false)}}
	target, source = d.things()
	if want := []thing{{"gone", "compute", removed}, {"back", "compute", stays}, {"never", "endpoint", stays}}; len(target) != 0 || !slices.Equal(source, want) {
		t.Errorf("of a run that did not move: got %v and %v, want %v", target, source, want)
	}
}

func TestATimelineOfThousandsOfStepsStaysReadable(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 40, 2000} {
		d := full()
		d.Steps = nil
		for i := range n {
			at := d.Began.Add(time.Duration(i) * time.Second)
			d.Steps = append(d.Steps, Step{ID: fmt.Sprintf("restore/restoreRole/%d", i), Phase: plan.Restore, Action: plan.RestoreRole, What: "x", State: "done", Began: at, Ended: at.Add(3 * time.Second)})
		}
		drawing := drawTimeline(d)
		if got := strings.Count(drawing, "<title>"); got != n {
			t.Errorf("%d of %d steps are drawn", got, n)
		}
		for _, y := range regexp.MustCompile(` y="(\d+)"`).FindAllStringSubmatch(drawing, -1) {
			if len(y[1]) > 3 {
				t.Errorf("a drawing of %d steps is %s pixels high", n, y[1])
			}
		}
	}
}

func TestMaskedSubscriptionsAreHiddenWhereverTheyStand(t *testing.T) {
	t.Parallel()
	d := contoso()
	d.Verify.Differences[1].Was = "11111111-aaaa-4aaa-8aaa-000000000002" // alone, as in a datastore
	views := Kit(d)
	for name, write := range map[string]func(io.Writer, *Data) error{"text": Terminal, "markdown": Markdown, "json": JSON, "html": HTML} {
		var b bytes.Buffer
		if err := write(&b, d); err != nil {
			t.Fatal(err)
		}
		views[name] = b.Bytes()
	}
	for name, view := range views {
		masked := d.Mask(string(view))
		if strings.Contains(masked, "11111111-aaaa") || !strings.Contains(masked, "********000") {
			t.Errorf("%s shows a subscription, or nothing of it", name)
		}
	}
}

// The blocks are tried by Terraform itself. It has no provider here: resources of its own stand in for those of azurerm in the import blocks.
func TestTerraformAcceptsTheBlocks(t *testing.T) {
	t.Parallel()
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("terraform is not there: whether it accepts the blocks was not tried. It cannot be installed by CI, so AMLMOVE_TEST_ALL=1 does not make this a failure")
	}
	for _, d := range []*Data{contoso(), full(), hostileIDs()} {
		removed, imported := Terraform(d)
		address := regexp.MustCompile(`(?m)^  to = azurerm_\w+\.(\S+)$`)
		for _, found := range address.FindAllStringSubmatch(imported, -1) {
			imported += fmt.Sprintf("\nresource \"terraform_data\" %q {}\n", found[1])
		}
		imported = address.ReplaceAllString(imported, "  to = terraform_data.$1")
		for name, text := range map[string]string{"removed": removed, "imported": imported} {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			commands := [][]string{{"init", "-backend=false", "-input=false"}, {"validate"}}
			if name == "removed" {
				commands = append(commands, []string{"fmt", "-check", "-diff"})
			}
			for _, args := range commands {
				cmd := exec.CommandContext(t.Context(), terraform, append([]string{"-chdir=" + dir}, args...)...) //nolint:gosec // a test
				cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_CLI_CONFIG_FILE=")
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("terraform %v of the %s blocks: %s\n%s", args, name, out, text)
				}
			}
		}
	}
}

// hostileIDs have names that mean something to HCL and sed.
func hostileIDs() *Data {
	d := full()
	for _, name := range []string{"${x}", "%{if}", `a"b`, `a\b`, "a#b", "a&b", "a|b", "(a)", "9nine", "-dash", "a\nb"} {
		id := "/providers/Microsoft.Storage/storageAccounts/" + name
		d.IDs = append(d.IDs, Renamed{Was: oldGroup + id, Is: newGroup + id})
	}
	return d
}

func TestSedReplacesIDsWithAnyName(t *testing.T) {
	t.Parallel()
	sed, err := exec.LookPath("sed")
	if err != nil {
		t.Skip("sed is not there")
	}
	d := hostileIDs()
	script := filepath.Join(t.TempDir(), "replace.sed")
	if err := os.WriteFile(script, []byte(Sed(d)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, id := range d.IDs {
		if strings.Contains(id.Was, "\n") {
			continue // a line of a script cannot hold it, and ARM does not have it
		}
		cmd := exec.CommandContext(t.Context(), sed, "-E", "-f", script) //nolint:gosec // a test
		cmd.Stdin = strings.NewReader("x " + id.Was + " y\n")
		out, err := cmd.CombinedOutput()
		if want := "x " + id.Is + " y\n"; err != nil || string(out) != want {
			t.Errorf("pain 22: got %q, want %q, %v", out, want, err)
		}
	}
}
