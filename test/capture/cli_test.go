package capture

import (
	"bytes"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/cli"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// run runs a command of the program.
func run(args ...string) (code int, out, stderr string) {
	var o, e bytes.Buffer
	code = cli.Main(args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

func TestTheCommandsTellTheStoryOfASnapshot(t *testing.T) {
	t.Parallel()
	c := cloudtest.Start(t, cloudtest.Fixture("contoso-quiet"))
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.snap"), filepath.Join(dir, "b.snap")
	to := []string{"--endpoint", filepath.Join(c.Dir, "cloud.json"), "--to-subscription", targetSub, "--to-group", "ml-prod-rg"}

	code, out, stderr := run(append([]string{"capture", "contoso-ml", "-o", a}, to...)...)
	if code != 0 || !strings.Contains(out, workspace) || !strings.Contains(out, target) || !strings.Contains(stderr, "documents/s") {
		t.Fatalf("capture: %d\n%s\n%s", code, out, stderr)
	}
	if strings.ContainsAny(stderr, "\r\x1b") {
		t.Error("progress is drawn where nobody sees it")
	}
	code, _, stderr = run(append([]string{"capture", "contoso-ml", "-o", a}, to...)...)
	if code != 1 || !strings.Contains(stderr, "--force") {
		t.Errorf("over a file that is there: %d %s", code, stderr)
	}
	if answer := c.Await(t, http.MethodPatch, workspace, `{"tags":{"owner":"new"}}`); answer.Status >= 300 {
		t.Fatalf("%d %s", answer.Status, answer.Body)
	}
	code, out, _ = run(append([]string{"capture", workspace, "-o", b, "--format", "json"}, to...)...)
	var result struct {
		Header snapshot.Header
		Counts []snapshot.Count
		Gaps   []snapshot.Gap
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil || code != 0 || result.Header.WorkspaceID != workspace || len(result.Counts) < 20 || result.Gaps == nil {
		t.Errorf("as JSON: %d %v %.300s", code, err, out)
	}
	if code, out, _ := run("snapshot", "diff", a, b); code != 2 || !strings.Contains(out, "tags.owner") {
		t.Errorf("diff: %d %s", code, out)
	}
	if code, out, _ := run("snapshot", "diff", a, b, "-o", "json"); code != 2 || !json.Valid([]byte(strings.SplitN(out, "\n", 2)[0])) {
		t.Errorf("diff as JSON: %d %s", code, out)
	}
	if code, out, _ := run("snapshot", "diff", a, a); code != 0 || !strings.Contains(out, "no difference") {
		t.Errorf("diff with itself: %d %s", code, out)
	}
	if code, out, _ := run("snapshot", "verify", b); code != 0 || !strings.Contains(out, result.Header.Digest) {
		t.Errorf("verify: %d %s", code, out)
	}
	if code, out, _ := run("snapshot", "show", b); code != 0 || !strings.Contains(out, result.Header.Digest) {
		t.Errorf("show: %d %s", code, out)
	}
	code, out, _ = run("snapshot", "export", b)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(lines) < result.Header.Documents+1 {
		t.Fatalf("export: %d, %d lines", code, len(lines))
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Fatalf("no JSON: %s", line)
		}
	}
}

func TestTheCommandsRefuseWithAdvice(t *testing.T) {
	t.Parallel()
	c := cloudtest.Start(t, cloudtest.Fixture("contoso-quiet"))
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"capture", "contoso-ml", "--endpoint", "/no/such/cloud.json"}, "cloud.json"},
		{[]string{"capture", "nobody-ml", "--endpoint", c.Dir, "-o", filepath.Join(t.TempDir(), "x")}, "nobody-ml"},
		{[]string{"capture", "contoso-ml", "--endpoint", c.Dir, "--to-group", "a/b"}, "--to-group"},
		{[]string{"capture", "contoso-ml", "--endpoint", c.Dir, "--format", "yaml"}, "table or json"},
		{[]string{"snapshot", "show", filepath.Join(c.Dir, "cloud.json")}, "is no snapshot"},
		{[]string{"snapshot", "verify", filepath.Join(c.Dir, "cloud.db")}, "another program"},
		{[]string{"snapshot", "diff", "nothing.snap", "nothing.snap"}, "amlmove capture"},
	} {
		if code, out, stderr := run(test.args...); code != 1 || !strings.Contains(stderr, test.want) || out != "" {
			t.Errorf("%v: %d %q %q", test.args, code, out, stderr)
		}
	}
}
