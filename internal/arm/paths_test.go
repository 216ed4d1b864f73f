package arm

import (
	"reflect"
	"testing"
)

func TestPathsAreRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dotted []string
		want   Paths
	}{
		{nil, Paths{}},
		{[]string{"a", "b.c", "b.d"}, Paths{"a": nil, "b": {"c": nil, "d": nil}}},
		{[]string{"a.b", "a"}, Paths{"a": nil}},
		{[]string{"a", "a.b.c"}, Paths{"a": nil}},
		{[]string{"a.*.x", "a.b.y", "a.c", "a.d.x.z"}, Paths{"a": {"*": {"x": nil}, "b": {"x": nil, "y": nil}, "c": nil, "d": {"x": nil}}}},
		{[]string{"a.*", "a.b.y"}, Paths{"a": {"*": nil, "b": nil}}},
		{[]string{"*.x.*.y", "k.x.l.z"}, Paths{"*": {"x": {"*": {"y": nil}}}, "k": {"x": {"*": {"y": nil}, "l": {"y": nil, "z": nil}}}}},
	} {
		if got := NewPaths(c.dotted...); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v are %v", c.dotted, got)
		}
		if half := len(c.dotted) / 2; half > 0 { // in two parts, the other way round
			p, other := NewPaths(c.dotted[half:]...), NewPaths(c.dotted[:half]...)
			before := NewPaths(c.dotted[:half]...)
			p.Merge(other)
			if !reflect.DeepEqual(p, c.want) || !reflect.DeepEqual(other, before) {
				t.Errorf("%v, merged, are %v; what was merged became %v", c.dotted, p, other)
			}
		}
	}
}

// TestPartsAreReadAsTheWholeIs reads some places of a text: these are what they are in the whole, and all of it is written alike.
func TestPartsAreReadAsTheWholeIs(t *testing.T) {
	t.Parallel()
	const text = ` {"a":{"x":{"id":"1"},"y":{"id":[2, {"deep":"d"}],"z":null}},"l":[{"id":"3","n":1.0},"4"],"q":{"w":1},"n":7,"id":"6","gone":"a\u00e9"} `
	whole := document(t, text)
	for _, c := range []struct {
		places Paths
		want   any
	}{
		{nil, map[string]any(whole)},
		{Paths{}, map[string]any{"a": Raw(`{"x":{"id":"1"},"y":{"id":[2, {"deep":"d"}],"z":null}}`), "l": Raw(`[{"id":"3","n":1.0},"4"]`), "q": Raw(`{"w":1}`), "n": Raw(`7`), "id": Raw(`"6"`), "gone": Raw(`"a\u00e9"`)}},
		{NewPaths("a.*.id", "l.*.id", "n.below", "id"), map[string]any{"a": map[string]any{"x": map[string]any{"id": "1"}, "y": map[string]any{"id": whole.Object("a.y")["id"], "z": Raw(`null`)}},
			"l": []any{map[string]any{"id": "3", "n": Raw(`1.0`)}, "4"}, "q": Raw(`{"w":1}`), "n": whole["n"], "id": "6", "gone": Raw(`"a\u00e9"`)}},
	} {
		got, err := ParsePart([]byte(text), c.places)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v is %#v, %v", c.places, got, err)
			continue
		}
		written, err := AppendValue(nil, got)
		if again := document(t, string(written)); err != nil || !reflect.DeepEqual(again, whole) {
			t.Errorf("%v is written %s, %v", c.places, written, err)
		}
	}
	for _, damaged := range []string{`{"a":{"x":}}`, `{"a":{"x":1}`, `{"a":[1,}`, `{"a":tru}`, `{"a":"\x"}`} {
		if value, err := ParsePart([]byte(damaged), NewPaths("b")); err == nil {
			t.Errorf("%s is %v", damaged, value)
		}
	}
}
