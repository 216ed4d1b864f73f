package cli

import (
	"encoding/json"
	"strings"
	"testing"
)

// Who is told that a rule cannot be confirmed is sent to `amlmove rules`: it must say which can.
func TestRulesSayWhichOfThemCanBeConfirmed(t *testing.T) {
	t.Parallel()
	code, out, stderr := run("rules", "-o", "json")
	var views []struct {
		ID          string
		Confirmable bool
	}
	if err := json.Unmarshal([]byte(out), &views); code != exitDone || err != nil {
		t.Fatalf("code %d, %v: %s", code, err, stderr)
	}
	can := map[string]bool{}
	for _, v := range views {
		can[v.ID] = v.Confirmable
	}
	if !can["ML027"] || !can["ML077"] || !can["ML082"] || !can["ML098"] || can["ML002"] {
		t.Errorf("got %v", can)
	}
	if _, out, _ := run("rules", "ml082"); !strings.Contains(out, "--confirm ML082") || !strings.Contains(out, "confirm") {
		t.Errorf("one rule: %s", out)
	}
	if _, out, _ := run("rules"); strings.Count(out, "--confirm") != 4 {
		t.Errorf("the table: %s", out)
	}
}
