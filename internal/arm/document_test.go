package arm

import (
	"encoding/json"
	"testing"
)

func document(t *testing.T, text string) Document {
	t.Helper()
	d, err := ParseDocument([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDocumentsKeepWhatTheyWere(t *testing.T) {
	t.Parallel()
	const text = `{"a":{"list":[{"x":"1"},{"x":"2"},"t"],"n":1.50,"yes":true},"b":null}`
	d := document(t, text)
	if d.Text("a.list") != "" || len(d.Objects("a.list")) != 2 || len(d.Texts("a.list")) != 1 || !d.Bool("a.yes") || d.Bool("b") {
		t.Error("members are not read as what they are")
	}
	if n, ok := d.Number("a.n"); !ok || n != 1.5 {
		t.Errorf("the number is %v, %v", n, ok)
	}
	copied := d.Clone()
	copied.Change("a.list.*.x", func(any) (any, bool) { return "new", true })
	copied.Delete("a.n")
	copied.Set("c.d.e", "made")
	if data, err := json.Marshal(d); err != nil || string(data) != text {
		t.Errorf("changing a copy changed the document: %s, %v", data, err)
	}
	if copied.Objects("a.list")[1].Text("x") != "new" || copied.Text("c.d.e") != "made" {
		t.Errorf("the copy was not changed: %v", copied)
	}
	if _, there := copied.At("a.n"); there {
		t.Error("a deleted member is still there")
	}
	var paths []string
	d.Strings(func(path, _ string) { paths = append(paths, path) })
	if len(paths) != 3 || paths[1] != "a.list[1].x" {
		t.Errorf("the texts are at %v", paths)
	}
	for _, bad := range []string{"", "null", "[]", "{", `"x"`} {
		if _, err := ParseDocument([]byte(bad)); err == nil {
			t.Errorf("%q was taken for a document", bad)
		}
	}
}
