package cli

import (
	"strings"
	"testing"
)

// A flag that means nothing to a command would be taken for one that was heeded.
func TestFlagsAreOnlyWhereTheyMeanSomething(t *testing.T) {
	t.Parallel()
	for flag, commands := range map[string][]string{"--yes": {"resume", "rollback", "cancel"}, "--no-rollback": {"rollback", "cancel"}, "--endpoint": {"status", "report", "durations"}} {
		for _, command := range commands {
			if code, _, stderr := run(command, "a-run", flag, "--runs", t.TempDir()); code != exitError || !strings.Contains(stderr, "unknown flag: "+flag) {
				t.Errorf("%s %s ends with %d: %s", command, flag, code, stderr)
			}
		}
	}
}
