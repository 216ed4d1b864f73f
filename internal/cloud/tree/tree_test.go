package tree

import (
	"context"
	"encoding/json"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite"
	"github.com/amlmove/amlmove/internal/errs"
)

// grove is a tree over a real store: two groups, a workspace and an account in the first.
type grove struct {
	*Tree
	t     *testing.T
	store store.Store
}

const (
	source    = "/subscriptions/s/resourceGroups/source"
	target    = "/subscriptions/s/resourceGroups/target"
	workspace = source + "/providers/Microsoft.ML/workspaces/ws"
	account   = source + "/providers/Microsoft.Storage/storageAccounts/st"
)

func newGrove(t *testing.T) *grove {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	tree, err := Open(t.Context(), s, "data")
	if err != nil {
		t.Fatal(err)
	}
	g := &grove{tree, t, s}
	for _, id := range []string{"/subscriptions/s", source, target, account, workspace} {
		g.put(id, `{}`)
	}
	return g
}

func (g *grove) update(fn func(store.Tx) error) {
	g.t.Helper()
	if err := g.store.Update(g.t.Context(), fn); err != nil {
		g.t.Fatal(err)
	}
}

// put inserts a document below its parent, with the ids at refs kept as references.
func (g *grove) put(path, body string, refs ...string) {
	g.t.Helper()
	id, err := arm.Parse(path)
	if err != nil {
		g.t.Fatal(err)
	}
	public, err := ParseObject([]byte(body))
	if err != nil {
		g.t.Fatal(err)
	}
	hop := id[len(id)-1]
	g.update(func(tx store.Tx) error {
		parent := store.Root
		if len(id) > 1 {
			found, err := g.Resolve(g.t.Context(), tx, id.Parent())
			if err != nil {
				return err
			}
			if parent, err = g.MakeContainer(g.t.Context(), tx, found, hop.NodeType()); err != nil {
				return err
			}
		}
		node := store.Node{Parent: parent, Type: hop.NodeType(), Name: hop.Name}
		if err := g.Encode(g.t.Context(), tx, &node, id, Document{Public: public, Private: map[string]any{"secret": "canary"}}, arm.NewPaths(refs...)); err != nil {
			return err
		}
		return tx.Insert(g.t.Context(), &node)
	})
}

// read renders a document, or says why it cannot.
func (g *grove) read(path string) (string, error) {
	g.t.Helper()
	id, err := arm.Parse(path)
	if err != nil {
		g.t.Fatal(err)
	}
	var body []byte
	err = g.store.View(g.t.Context(), func(r store.Reader) error {
		found, err := g.Resolve(g.t.Context(), r, id)
		if err != nil {
			return err
		}
		body, err = g.Render(g.t.Context(), r, found)
		return err
	})
	return string(body), err
}

// move hangs a resource under another group.
func (g *grove) move(path, group string) {
	g.t.Helper()
	g.update(func(tx store.Tx) error {
		from, _ := arm.Parse(path)
		to, _ := arm.Parse(group)
		found, err := g.Resolve(g.t.Context(), tx, from)
		if err != nil {
			return err
		}
		place, err := g.Resolve(g.t.Context(), tx, to)
		if err != nil {
			return err
		}
		if err := tx.Reparent(g.t.Context(), found.Node.ID, place.Node.ID); err != nil {
			return err
		}
		return tx.Bump(g.t.Context())
	})
}

func TestReferencesAreRenderedWhereTheyAre(t *testing.T) {
	t.Parallel()
	g := newGrove(t)
	job := workspace + "/jobs/j"
	g.put(job, `{"properties":{"computeId":"`+strings.ToUpper(workspace)+`/computes/cpu","uri":"azureml://host/v1.0`+workspace+`","account":"`+account+`","free":"`+workspace+`/models/m","gone":"`+source+`/providers/X/y/z"}}`,
		"properties.computeId", "properties.uri", "properties.account", "properties.gone")
	want := func(path string, texts ...string) {
		t.Helper()
		body, err := g.read(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			if !strings.Contains(body, `"`+text+`"`) {
				t.Errorf("%s is missing in %s", text, body)
			}
		}
		if strings.Contains(body, "@{") || strings.Contains(body, "canary") {
			t.Errorf("a token or a secret shows in %s", body)
		}
	}
	want(job, job, workspace+"/computes/cpu", "azureml://host/v1.0"+workspace, account, workspace+"/models/m", source+"/providers/X/y/z")
	g.move(workspace, target)
	moved := strings.Replace(job, source, target, 1)
	root := strings.Replace(workspace, source, target, 1)
	want(moved, moved, root+"/computes/cpu", "azureml://host/v1.0"+root, account, workspace+"/models/m")
	g.move(account, target)
	want(moved, strings.Replace(account, source, target, 1))
	if _, err := g.read(job); !errs.Is(err, errs.NotFound) {
		t.Errorf("the old id answers: %v", err)
	}
}

// counted counts how often the tree is walked.
type counted struct {
	store.Tx
	walks *int
}

func (c counted) Walk(ctx context.Context, from store.ID, steps []store.Step) ([]store.Node, error) {
	*c.walks++
	return c.Tx.Walk(ctx, from, steps)
}

// TestABatchEncodesAsTheTreeDoes encodes documents that name the same things, and one that is not there: bodies and references are those of the tree, and each id is looked up once.
func TestABatchEncodesAsTheTreeDoes(t *testing.T) {
	t.Parallel()
	g := newGrove(t)
	id, err := arm.Parse(workspace + "/jobs/j")
	if err != nil {
		t.Fatal(err)
	}
	places := arm.NewPaths("properties.account", "properties.gone", "properties.own")
	document := func(n int) Document {
		return Document{Public: map[string]any{"properties": map[string]any{"n": n, "account": account, "gone": source + "/providers/X/y/z", "own": workspace + "/computes/c"}}, Private: map[string]any{"secret": "canary"}}
	}
	g.update(func(tx store.Tx) error {
		walks := 0
		batch, seen := g.Batch(), counted{tx, &walks}
		for n := range 5 {
			var one, other store.Node
			doc := document(n)
			if err := g.Encode(t.Context(), tx, &one, id, document(n), places); err != nil {
				return err
			}
			if err := batch.Encode(t.Context(), seen, &other, id, doc, places); err != nil {
				return err
			}
			if string(one.Body) != string(other.Body) || !slices.Equal(one.Refs, other.Refs) || len(one.Refs) != 1 {
				t.Errorf("the batch gives %s %v, the tree %s %v", other.Body, other.Refs, one.Body, one.Refs)
			}
			if !reflect.DeepEqual(doc, document(n)) {
				t.Errorf("the document was changed: %v", doc)
			}
			if n == 0 && walks == 0 || n > 0 && walks > 0 {
				t.Errorf("document %d took %d walks", n, walks)
			}
			walks = 0
		}
		return nil
	})
}

func TestADocumentCannotForgeAReference(t *testing.T) {
	t.Parallel()
	g := newGrove(t)
	forged := `@{nonce:own} @{` + strings.Repeat("0", 24) + `:0:x:` + strings.Repeat("0", 24) + `}`
	path := workspace + "/jobs/j"
	g.put(path, `{"properties":{"a":"`+forged+`","computeId":"`+workspace+`/computes/c"}}`, "properties.computeId")
	body, err := g.read(path)
	if err != nil || !strings.Contains(body, forged) {
		t.Errorf("got %s, %v", body, err)
	}
}

func TestDroppingASlotLosesAllAtOnceAndFreesTheNames(t *testing.T) {
	t.Parallel()
	g := newGrove(t)
	g.put(workspace+"/data/d", `{"properties":{"n":1}}`)
	g.put(workspace+"/data/d/versions/1", `{}`)
	g.put(workspace+"/models/m", `{}`)
	g.update(func(tx store.Tx) error {
		id, _ := arm.Parse(workspace)
		found, err := g.Resolve(t.Context(), tx, id)
		if err != nil {
			return err
		}
		return g.Drop(t.Context(), tx, found.Node.ID, "data")
	})
	for _, gone := range []string{"/data/d", "/data/d/versions/1"} {
		if _, err := g.read(workspace + gone); !errs.Is(err, errs.NotFound) {
			t.Errorf("S05 %s answers: %v", gone, err)
		}
	}
	if _, err := g.read(workspace + "/models/m"); err != nil {
		t.Errorf("S08 the model is gone: %v", err)
	}
	g.put(workspace+"/data/D", `{"properties":{"n":2}}`)
	body, err := g.read(workspace + "/data/d")
	if err != nil || !strings.Contains(body, `"n":2`) || !strings.Contains(body, `"name":"D"`) {
		t.Errorf("got %s, %v", body, err)
	}
}

func TestJSONIsReadStrictlyAndKeptExactly(t *testing.T) {
	t.Parallel()
	for _, text := range []string{``, `null`, `[]`, `"x"`, `{`, `{"a":1}{`, `{"a":}`, "{\"a\":\"\x01\"}"} {
		if _, err := ParseObject([]byte(text)); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q gave %v", text, err)
		}
	}
	object, err := ParseObject([]byte(`{"n":1.50,"big":12345678901234567890,"e":1E+2}`))
	if err != nil {
		t.Fatal(err)
	}
	out, _ := json.Marshal(object)
	if string(out) != `{"big":12345678901234567890,"e":1E+2,"n":1.50}` {
		t.Errorf("got %s", out)
	}
}

func TestEditReachesListsAndObjects(t *testing.T) {
	t.Parallel()
	object, _ := ParseObject([]byte(`{"a":{"x":{"id":"1"},"y":{"id":"2"},"z":3},"l":[{"id":"3"},"4",{"id":5}],"id":"6"}`))
	before, edited := Clone(object), object
	for _, path := range []string{"a.*.id", "l.*.id", "l.*", "id", "nowhere.id", "a.z.id"} {
		edited = Edit(edited, arm.NewPaths(path), func(text string) string { return "<" + text + ">" })
	}
	if !reflect.DeepEqual(object, before) {
		t.Errorf("the object became %v", object)
	}
	out, _ := json.Marshal(edited)
	if want := `{"a":{"x":{"id":"\u003c1\u003e"},"y":{"id":"\u003c2\u003e"},"z":3},"id":"\u003c6\u003e","l":[{"id":"\u003c3\u003e"},"\u003c4\u003e",{"id":5}]}`; string(out) != want {
		t.Errorf("got %s", out)
	}
}

// TestWhatIsRolledBackIsNotRemembered: an update inserts a workspace, looks below it and is given up; another one makes that workspace.
func TestWhatIsRolledBackIsNotRemembered(t *testing.T) {
	g := newGrove(t)
	ctx := t.Context()
	id, err := arm.Parse(source + "/providers/Microsoft.ML/workspaces/new")
	if err != nil {
		t.Fatal(err)
	}
	child := id.Child(arm.Hop{Type: "jobs", Name: "j"})
	create := func(tx store.Tx) (store.ID, error) {
		group, err := g.Resolve(ctx, tx, id.Parent())
		if err != nil {
			return 0, err
		}
		n := &store.Node{Parent: group.Node.ID, Type: "Microsoft.ML/workspaces", Name: "new", Body: []byte("{}")}
		if err := tx.Insert(ctx, n); err != nil {
			return 0, err
		}
		if _, err := g.Resolve(ctx, tx, child); !errs.Is(err, errs.NotFound) {
			t.Errorf("child: %v", err)
		}
		return n.ID, nil
	}
	gaveUp := errs.New(errs.Canceled, "GaveUp", "the client went away")
	err = g.store.Update(ctx, func(tx store.Tx) error {
		if _, err := create(tx); err != nil {
			return err
		}
		return gaveUp
	})
	if !errs.Is(err, errs.Canceled) {
		t.Fatal(err)
	}
	g.update(func(tx store.Tx) error { return tx.Insert(ctx, &store.Node{Type: "t", Name: "other"}) }) // takes the number that was free again
	g.update(func(tx store.Tx) error {
		parent, err := create(tx)
		if err != nil {
			return err
		}
		return tx.Insert(ctx, &store.Node{Parent: parent, Type: "jobs", Name: "j", Body: []byte("{}")})
	})
	err = g.store.View(ctx, func(r store.Reader) error { _, err := g.Resolve(ctx, r, child); return err })
	if err != nil {
		t.Errorf("the child that is there: %v", err)
	}
}
