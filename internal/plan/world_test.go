package plan

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
	"github.com/amlmove/amlmove/test/capturing"
)

var update = flag.Bool("update", false, "write the golden plans anew")

// everything are choices with which contoso in full use can be moved, but for its labeling project.
func everything(include ...string) rules.Choices {
	return rules.Choices{Include: include, Drain: rules.Cancel, AcceptInstanceLoss: true, LiftLocks: true, ApproveEndpoints: true, RemoveServices: true, Force: true}
}

// captured starts a cloud with a fixture and writes contoso-ml down on its way to the group ml-prod-rg of the other subscription.
func captured(t testing.TB, fixture string) *snapshot.Snapshot {
	t.Helper()
	cloud := cloudtest.Start(t, cloudtest.Fixture(fixture))
	client := capturing.Client(t, cloud)
	workspace, target := capturing.Contoso(t, client, cloud)
	path := capturing.Write(t, client, workspace, target)
	return capturing.Open(t, path)
}

// read takes the facts out of a snapshot.
func read(t testing.TB, snap *snapshot.Snapshot) *facts.Facts {
	t.Helper()
	f, err := facts.Read(t.Context(), snap)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// golden compares a text with what it was, or writes it anew.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(string(data), "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(want) || line != want[i] {
			t.Fatalf("%s differs from line %d on (write it anew with -update):\n got %s\nwant %s", path, i+1, line, append(want, "the end")[min(i, len(want))])
		}
	}
	if got != string(data) {
		t.Fatalf("%s is longer than what was made (write it anew with -update)", path)
	}
}
