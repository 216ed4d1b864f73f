// Package capture tests the capture of whole workspaces against the cloud, and judges what it wrote by SQL on the cloud's own store.
package capture

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/amlmove/amlmove/cloudtest"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/snapshot"
)

const (
	sourceSub = "11111111-aaaa-4aaa-8aaa-000000000001"
	targetSub = "11111111-aaaa-4aaa-8aaa-000000000002"
	workspace = "/subscriptions/" + sourceSub + "/resourceGroups/ml-dev-rg/providers/Microsoft.MachineLearningServices/workspaces/contoso-ml"
	target    = "/subscriptions/" + targetSub + "/resourceGroups/ml-prod-rg"
)

func parse(t testing.TB, text string) arm.ID {
	t.Helper()
	id, err := arm.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// connect signs in as a principal of the fixture by its cloud.json alone; "" is the client.
func connect(t *testing.T, c *cloudtest.Cloud, principal string) *azure.Client {
	t.Helper()
	place, err := azure.FindPlace(c.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if principal != "" {
		p := c.Principals[principal]
		place.TenantID, place.ClientID, place.ClientSecret = p.TenantID, p.ClientID, p.ClientSecret
	}
	client, err := azure.Connect(place)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// take captures contoso and opens what was written.
func take(t *testing.T, client *azure.Client, dir, name string) *snapshot.Snapshot {
	t.Helper()
	path := filepath.Join(dir, name)
	w, err := snapshot.Create(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	o := capture.Options{Client: client, Workspace: parse(t, workspace), Target: parse(t, target), Tool: "test"}
	if _, err := capture.Run(t.Context(), o, w); err != nil {
		t.Fatal(err)
	}
	snap, err := snapshot.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = snap.Close() })
	return snap
}

// ids are the ids of a section, in lower case.
func ids(t *testing.T, s *snapshot.Snapshot, section snapshot.Section) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for d, err := range s.Documents(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if d.Section == section {
			all[strings.ToLower(d.ID)] = true
		}
	}
	return all
}

// count is how many documents of a type a section has.
func count(t *testing.T, s *snapshot.Snapshot, section snapshot.Section, typ arm.Type) int {
	t.Helper()
	n := 0
	for _, err := range s.Of(t.Context(), section, typ) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// changes renders a diff.
func changes(t *testing.T, a, b *snapshot.Snapshot) []string {
	t.Helper()
	var all []string
	for change, err := range snapshot.Diff(t.Context(), a, b) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, change.What+" "+change.ID+" "+strings.Join(change.Paths, ","))
	}
	return all
}

// row is one node of the cloud's store.
type row struct {
	parent          int64
	typ, name, body string
}

// rows reads the tree of a cloud by SQL, without any code of ours.
func rows(t *testing.T, c *cloudtest.Cloud) map[int64]row {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(c.Dir, "cloud.db")+"?mode=ro&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	lines, err := db.QueryContext(t.Context(), "SELECT id, parent, type, name, body FROM node")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lines.Close() }()
	all := map[int64]row{}
	for lines.Next() {
		var id int64
		var r row
		if err := lines.Scan(&id, &r.parent, &r.typ, &r.name, &r.body); err != nil {
			t.Fatal(err)
		}
		all[id] = r
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// pathOf renders the id of a row in lower case; "" for what is hidden or in the trash.
func pathOf(all map[int64]row, id int64) string {
	var hops []string
	for at := id; at != 0; {
		r, found := all[at]
		if !found || at == id && strings.HasPrefix(r.typ, "!") {
			return ""
		}
		switch {
		case strings.HasPrefix(r.typ, "!"): // a slot between a parent and its children
		case strings.Contains(r.typ, "/"):
			hops = append(hops, "providers/"+r.typ+"/"+r.name)
		default:
			hops = append(hops, r.typ+"/"+r.name)
		}
		at = r.parent
	}
	slices.Reverse(hops)
	return strings.ToLower("/" + strings.Join(hops, "/"))
}

// keyLike is what keys look like: long, and nothing that occurs in names, addresses or times.
var keyLike = regexp.MustCompile(`^[A-Za-z0-9+/=_-]*[A-Z0-9+/=][A-Za-z0-9+/=_-]*$`)

// secrets are the texts in the private parts of the store that look like keys.
func secrets(t *testing.T, all map[int64]row) []string {
	t.Helper()
	var found []string
	var walk func(any)
	walk = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			for _, member := range v {
				walk(member)
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		case string:
			if len(v) >= 20 && keyLike.MatchString(v) && !strings.HasPrefix(v, "/") && strings.Count(v, "-") < 4 { // a GUID is no key
				found = append(found, v)
			}
		}
	}
	for _, r := range all {
		_, private, _ := bytes.Cut([]byte(r.body), []byte{0})
		var doc any
		if len(private) > 0 && json.Unmarshal(private, &doc) == nil {
			walk(doc)
		}
	}
	return found
}

// export is the JSON Lines of a snapshot together with the bytes of its file.
func export(t *testing.T, s *snapshot.Snapshot, path string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Export(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), data...)
}
