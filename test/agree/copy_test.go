package agree

import (
	"slices"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
	"github.com/amlmove/amlmove/test/estate"
)

// copied holds a copy of a world, made of its snapshot, against the world (issue 4): the same documents, the same findings, and the same verdict of the cloud.
func (w world) copied(t *testing.T, file string, refused bool, findings []rules.Finding, choices rules.Choices, ids []string) {
	t.Helper()
	e := &estate.Estate{Cloud: cloudtest.Start(t, cloudtest.FromSnapshot(file))}
	if w.unlike == "" {
		answer := verdict(t, e, "", estate.OriginGroup, w.target, ids...)
		if (answer.Status >= 400) != refused {
			t.Errorf("the original is refused: %v; the copy is answered %d: %s", refused, answer.Status, answer.Body)
		}
	}
	again, f, err := readInto(t, e.Cloud, "", w.id, w.target)
	if err != nil {
		t.Errorf("the copy cannot be captured: %v", err)
		return
	}
	if found := rules.Judge(f, choices); w.unlike == "" && !slices.Equal(ids3(findings), ids3(found)) {
		t.Errorf("of the original the rules say %s\nof the copy %s", say(findings), say(found))
	}
	before, after := open(t, file), open(t, again)
	for change, err := range snapshot.Diff(t.Context(), before, after) {
		if err != nil {
			t.Fatal(err)
		}
		if w.unlike == "" {
			t.Errorf("the copy: %s %s %s: %v", change.Section, change.What, change.ID, change.Paths)
		}
	}
}

// ids3 are findings by rule, severity and subject.
func ids3(findings []rules.Finding) []string {
	var list []string
	for _, f := range findings {
		list = append(list, f.ID+" "+string(f.Severity)+" "+f.Subject)
	}
	slices.Sort(list)
	return list
}
