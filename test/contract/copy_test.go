package contract

import (
	"strings"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/snapshot"
	"github.com/amlmove/amlmove/test/capturing"
)

// copied writes the workspace with all its examples down, makes a cloud of it, and writes that down as well: the two snapshots hold the same, unknown members and all.
func copied(t *testing.T, w *world, tried int) {
	t.Helper()
	workspace, err := arm.Parse(w.workspace())
	if err != nil {
		t.Fatal(err)
	}
	group, err := arm.Parse(w.rewriteWord(target))
	if err != nil {
		t.Fatal(err)
	}
	first := capturing.Write(t, capturing.Client(t, w.cloud), workspace, group)
	copy := cloudtest.Start(t, cloudtest.FromSnapshot(first))
	before, after := capturing.Open(t, first), capturing.Open(t, capturing.Write(t, capturing.Client(t, copy), workspace, group))
	if before.Header.Digest != after.Header.Digest {
		for change, err := range snapshot.Diff(t.Context(), before, after) {
			t.Errorf("the copy: %s %s %s: %v (%v)", change.What, change.Section, change.ID, change.Paths, err)
		}
	}
	counts, err := before.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kinds, documents := 0, 0
	for _, c := range counts {
		if c.Section == snapshot.Content {
			kinds, documents = kinds+1, documents+c.Count
		}
	}
	t.Logf("the copy: %d documents of %d kinds", documents, kinds)
	if documents < tried/2 || kinds < 20 {
		t.Errorf("only %d documents of %d kinds are in the snapshot, of %d that were put", documents, kinds, tried)
	}
	planted := 0
	for d, err := range before.Documents(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		planted += strings.Count(string(d.Body), `"x-unknown"`)
	}
	if planted == 0 {
		t.Error("no unknown member is in the snapshot")
	}
}
