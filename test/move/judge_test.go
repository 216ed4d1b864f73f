package move

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/folder"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// census counts, with SQL on the store of the cloud, what hangs below the workspace in a resource group: the mover has no part in it.
func (w *world) census(t testing.TB, group string) map[string]int {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.cloud.Dir, folder.DatabaseFile)+"?mode=ro&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(t.Context(), `
		WITH RECURSIVE
		roots(id) AS (SELECT w.id FROM node w JOIN node g ON g.id = w.parent WHERE lower(w.type) = 'microsoft.machinelearningservices/workspaces' AND lower(g.name) = lower($1)),
		below(id, type, depth) AS (SELECT n.id, n.type, 1 FROM node n JOIN roots r ON n.parent = r.id UNION ALL SELECT n.id, n.type, below.depth + 1 FROM node n JOIN below ON n.parent = below.id)
		SELECT lower(type), count(*) FROM below GROUP BY lower(type)`, group)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	counts := map[string]int{}
	for rows.Next() {
		var typ string
		var n int
		if err := rows.Scan(&typ, &n); err != nil {
			t.Fatal(err)
		}
		counts[typ] = n
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return counts
}

// sameCensus fails the test when two counts differ.
func sameCensus(t testing.TB, before, after map[string]int) {
	t.Helper()
	if len(before) < 15 {
		t.Fatalf("the census sees only %v", before)
	}
	for typ, n := range before {
		if after[typ] != n {
			t.Errorf("%s: %d before, %d after", typ, n, after[typ])
		}
	}
	for typ, n := range after {
		if before[typ] == 0 {
			t.Errorf("%s: none before, %d after", typ, n)
		}
	}
}

// freshly are the members that the service writes when something is made again.
var freshly = []string{"systemData", "identity.principalId", "properties.createdOn", "properties.modifiedOn", "properties.properties.state", "properties.properties.lastOperation",
	"properties.properties.createdBy", "properties.properties.connectivityEndpoints", "properties.properties.applications", "properties.properties.schedules", "properties.properties.allocationState",
	"properties.properties.allocationStateTransitionTime", "properties.properties.currentNodeCount", "properties.properties.targetNodeCount", "properties.properties.nodeStateCounts",
	"properties.scoringUri", "properties.swaggerUri", "properties.properties.errors", "properties.properties.dataDisks", "properties.properties.dataMounts"}

// sameSource fails the test when the source is not as it was: every document of the workspace and what is bound to it, but for what the service writes anew, and jobs that the drain ended.
func (w *world) sameSource(t testing.TB, before string) {
	t.Helper()
	a, err := snapshot.Open(t.Context(), before)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	b, err := snapshot.Open(t.Context(), w.snap(t, w.workspace, "again"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	for change, err := range snapshot.Diff(t.Context(), a, b) {
		if err != nil {
			t.Fatal(err)
		}
		if expected(t, a, change) {
			continue
		}
		t.Errorf("the source is not as it was: %s %s %s %v", change.Section, change.What, change.ID, change.Paths)
	}
}

// expected reports whether a change is one that a drain and a making-again may leave.
func expected(t testing.TB, before *snapshot.Snapshot, c snapshot.Change) bool {
	t.Helper()
	kind, content := aml.KindOf(c.Type)
	switch {
	case c.Type.Is(aml.Metrics) || c.Type.Is(aml.Usages): // counted anew at each look
		return true
	case c.What != snapshot.Changed:
		return false
	case content && kind.Path == "jobs":
		d, err := before.Get(t.Context(), c.Section, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := arm.ParseDocument(d.Body)
		if err != nil {
			t.Fatal(err)
		}
		return !aml.JobStatus(doc.Text("properties.status")).Terminal()
	}
	return !slices.ContainsFunc(c.Paths, func(path string) bool {
		return !slices.ContainsFunc(freshly, func(f string) bool {
			return path == f || strings.HasPrefix(path, f+".") || strings.HasPrefix(path, f+"[")
		})
	})
}

// keysOf are the keys of an online endpoint.
func (w *world) keysOf(t testing.TB, endpoint string) string {
	t.Helper()
	answer := w.cloud.Do(t, "", "POST", endpoint+"/listKeys", "{}")
	var keys struct{ PrimaryKey, SecondaryKey string }
	if err := json.Unmarshal(answer.Body, &keys); err != nil || keys.PrimaryKey == "" {
		t.Fatalf("the keys of %s: %v %s", endpoint, err, answer.Body)
	}
	return fmt.Sprint(keys)
}
