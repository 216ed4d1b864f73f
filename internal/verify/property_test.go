package verify

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/rewrite"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// changes is how many documents are changed.
const changes = 200

// A document changed by one member is exactly one difference, which names the document and the member. Many are changed at random and all found in one comparison: none hides another.
// AMLMOVE_VERIFY_SEED repeats a run.
func TestOneChangedMemberIsExactlyOneDifference(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("AMLMOVE_VERIFY_SEED"); text != "" {
		given, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = given
	}
	t.Logf("AMLMOVE_VERIFY_SEED=%d", seed)
	dice := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test that can be repeated
	w := newWorld(t, "contoso-quiet")
	before := w.captured(t, w.workspace, w.target)
	docs := all(t, before)
	dice.Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
	spoiled, want := map[string][]byte{}, []string{}
	for _, d := range docs[:min(changes, len(docs))] {
		doc, err := arm.ParseDocument(d.Body)
		if err != nil {
			t.Fatal(err)
		}
		kind, _ := aml.KindOf(d.Type)
		path := spoil(dice, kind, doc)
		if path == "" {
			continue
		}
		body, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		spoiled[d.ID] = body
		want = append(want, strings.ToLower(d.ID)+" "+path)
	}
	r, err := Compare(t.Context(), before, copied(t, before, spoiled), rewrite.Map{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, d := range r.Differences {
		got = append(got, strings.ToLower(d.After)+" "+d.Path)
	}
	slices.Sort(got)
	slices.Sort(want)
	sameTexts(t, "differences", got, want)
	if len(want) < changes/2 || r.Verdict != Differs {
		t.Errorf("only %d documents were changed, verdict %s", len(want), r.Verdict)
	}
}

// all are the documents of the content that are compared.
func all(t *testing.T, s *snapshot.Snapshot) []snapshot.Document {
	t.Helper()
	var docs []snapshot.Document
	for d, err := range s.Documents(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if kind, content := aml.KindOf(d.Type); d.Section == snapshot.Content && content && kind.Fate != aml.Disconnected {
			docs = append(docs, d)
		}
	}
	return docs
}

// copied is a snapshot with other bodies for some documents.
func copied(t *testing.T, s *snapshot.Snapshot, bodies map[string][]byte) *snapshot.Snapshot {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.snap")
	w, err := snapshot.Create(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	for d, err := range s.Documents(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if body := bodies[d.ID]; body != nil && d.Section == snapshot.Content {
			d.Body = body
		}
		if err := w.Add(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(t.Context(), s.Header); err != nil {
		t.Fatal(err)
	}
	return opened(t, path)
}

// spoil changes, takes away or adds one member of a document that is compared, and says which.
func spoil(dice *rand.Rand, kind aml.Kind, doc arm.Document) string {
	var leaves []string
	var walk func(path string, value any)
	walk = func(path string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for name, member := range v {
				if !strings.Contains(name, ".") {
					walk(strings.TrimPrefix(path+"."+name, "."), member)
				}
			}
		case []any, nil:
		default:
			if !ignored(kind, path) {
				leaves = append(leaves, path)
			}
		}
	}
	walk("", map[string]any(doc))
	if len(leaves) == 0 {
		return ""
	}
	slices.Sort(leaves)
	path := leaves[dice.IntN(len(leaves))]
	switch dice.IntN(3) {
	case 0:
		doc.Set(path, fmt.Sprintf("changed-%d", dice.Int()))
		return path
	case 1:
		doc.Delete(path)
		return path
	}
	parent := path[:strings.LastIndexByte(path, '.')+1]
	doc.Set(parent+"surplus", true)
	return parent + "surplus"
}

// ignored reports whether a path is at or below one that is not compared.
func ignored(kind aml.Kind, path string) bool {
	if path == "id" {
		return true
	}
	return slices.ContainsFunc(derivedOf(kind), func(d Derived) bool {
		pattern, names := strings.Split(d.Path, "."), strings.Split(path, ".")
		return len(names) >= len(pattern) && matches(pattern, names[:len(pattern)])
	})
}
