package verify

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/rewrite"
	"github.com/amlmove/amlmove/internal/snapshot"
	"github.com/amlmove/amlmove/test/capturing"
)

// world is a running cloud with the workspace contoso-ml in it.
type world struct {
	cloud     *cloudtest.Cloud
	client    *azure.Client
	workspace arm.ID
	target    arm.ID
}

func newWorld(t *testing.T, fixture string) *world {
	t.Helper()
	cloud := cloudtest.Start(t, cloudtest.Fixture(fixture))
	client := capturing.Client(t, cloud)
	workspace, err := capture.Find(t.Context(), client, "contoso-ml")
	if err != nil {
		t.Fatal(err)
	}
	return &world{cloud, client, workspace, parsed(t, "/subscriptions/"+cloud.Subscriptions[1]+"/resourceGroups/ml-prod-rg")}
}

// captured writes the workspace down where it is.
func (w *world) captured(t *testing.T, workspace, other arm.ID) *snapshot.Snapshot {
	t.Helper()
	path := capturing.Write(t, w.client, workspace, other)
	return opened(t, path)
}

// move moves things as they are: nothing is saved and nothing is made again.
func (w *world) move(t *testing.T, moving []arm.ID) rewrite.Map {
	t.Helper()
	var ids []string
	for _, id := range moving {
		ids = append(ids, id.String())
	}
	answer := w.cloud.Await(t, http.MethodPost, w.workspace.GroupID().String()+"/moveResources?api-version=2021-04-01", map[string]any{"resources": ids, "targetResourceGroup": w.target.String()})
	if answer.Status >= 300 {
		t.Fatalf("the move of the test world was refused: %d %s", answer.Status, answer.Body)
	}
	return rewrite.New(moving, w.target)
}

// moving is what moves, as --include says.
func moving(t *testing.T, s *snapshot.Snapshot, include ...string) []arm.ID {
	t.Helper()
	f, err := facts.Read(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return f.Moving(include)
}

func opened(t testing.TB, path string) *snapshot.Snapshot {
	t.Helper()
	s, err := snapshot.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func parsed(t testing.TB, text string) arm.ID {
	t.Helper()
	id, err := arm.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// names of the two ends of snapshots that are made up.
const (
	oldGroup = "/subscriptions/11111111-aaaa-4aaa-8aaa-000000000001/resourceGroups/dev"
	newGroup = "/subscriptions/11111111-aaaa-4aaa-8aaa-000000000002/resourceGroups/prod"
	provider = "/providers/Microsoft.MachineLearningServices/workspaces/w"
	oldSpace = oldGroup + provider
	newSpace = newGroup + provider
	account  = "/providers/Microsoft.Storage/storageAccounts/acc"
)

// page is a snapshot that is made up: documents by id, and gaps.
type page struct {
	workspace string
	docs      map[string]string // bodies by id; an id that begins with "<" is of the source's surroundings, one with ">" of the target's
	gaps      []snapshot.Gap
	notes     []snapshot.Note
}

// space is a page of a workspace with documents below it and around it.
func space(workspace string, docs ...string) page {
	p := page{workspace: workspace, docs: map[string]string{workspace: `{"properties":{"workspaceId":"guid-1"}}`}}
	for i := 0; i < len(docs); i += 2 {
		id := docs[i]
		if id == "." {
			id = workspace
		}
		p.docs[id] = docs[i+1]
	}
	return p
}

// write makes the file of the page.
func (p page) write(t testing.TB) *snapshot.Snapshot {
	t.Helper()
	path := filepath.Join(t.TempDir(), "made.snap")
	w, err := snapshot.Create(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	for id, body := range p.docs {
		section := snapshot.Content
		switch {
		case strings.HasPrefix(id, "<"):
			section, id = snapshot.Source, id[1:]
		case strings.HasPrefix(id, ">"):
			section, id = snapshot.Target, id[1:]
		case strings.HasPrefix(id, "."):
			id = p.workspace + id[1:]
		}
		var doc map[string]any
		if err := json.Unmarshal([]byte(body), &doc); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		doc["id"] = id
		data, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Add(t.Context(), snapshot.Document{Section: section, ID: id, Type: parsed(t, id).Type(), Body: data}); err != nil {
			t.Fatal(err)
		}
	}
	for _, gap := range p.gaps {
		if err := w.AddGap(t.Context(), gap); err != nil {
			t.Fatal(err)
		}
	}
	for _, note := range p.notes {
		if err := w.AddNote(t.Context(), note); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(t.Context(), snapshot.Header{WorkspaceID: p.workspace}); err != nil {
		t.Fatal(err)
	}
	return opened(t, path)
}

// told are the differences of a result in short: "jobs changed /jobs/a properties.status: Running, should be Completed".
func told(r *Result) []string {
	all := []string{}
	for _, d := range r.Differences {
		id := d.After
		if d.Before != "" && (d.What == Missing || id == "") {
			id = d.Before
		}
		for _, prefix := range []string{oldSpace, newSpace, oldGroup, newGroup} {
			if rest, below := strings.CutPrefix(id, prefix); below {
				id = rest
				break
			}
		}
		text := fmt.Sprintf("%s %s %s", d.Kind, d.What, id)
		if d.Path != "" {
			text += fmt.Sprintf(" %s: %s, should be %s", d.Path, d.Is, d.Was)
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}

// sameTexts fails the test when two lists differ.
func sameTexts(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\ngot  %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

// row returns the row of a kind.
func row(r *Result, kind string) Row {
	for _, row := range r.Rows {
		if row.Kind == kind {
			return row
		}
	}
	return Row{}
}
