package arm

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/internal/errs"
)

// Document is a resource's JSON object as ARM wrote it: every member, known or not (D1). Numbers are json.Number. Members are named by dotted paths;
// their names are compared as they are written.
type Document map[string]any

// ParseDocument reads a JSON object. Invalid when it is none.
func ParseDocument(body []byte) (Document, error) {
	value, err := ParseValue(body)
	doc, ok := value.(map[string]any)
	if !ok {
		return nil, errs.Wrap(errs.Invalid, "DocumentDamaged", err, "a document is no JSON object")
	}
	return doc, nil
}

// At returns the member at a path, and whether it is there.
func (d Document) At(path string) (any, bool) {
	var value any = map[string]any(d)
	for name := range strings.SplitSeq(path, ".") {
		object, ok := value.(map[string]any)
		if !ok {
			return nil, false
		}
		if value, ok = object[name]; !ok {
			return nil, false
		}
	}
	return value, true
}

// Text is a member that is a text; empty if it is none.
func (d Document) Text(path string) string {
	value, _ := d.At(path)
	text, _ := value.(string)
	return text
}

// Bool is a member that is true; false if it is anything else.
func (d Document) Bool(path string) bool {
	value, _ := d.At(path)
	is, _ := value.(bool)
	return is
}

// Number is a member that is a number, or a text that reads as one; zero and false if it is none.
func (d Document) Number(path string) (float64, bool) {
	value, _ := d.At(path)
	text := ""
	switch v := value.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	case float64:
		return v, true
	}
	number, err := strconv.ParseFloat(text, 64)
	return number, err == nil
}

// Object is a member that is an object; nil if it is none.
func (d Document) Object(path string) Document {
	value, _ := d.At(path)
	object, _ := value.(map[string]any)
	return object
}

// Objects are the objects in a member that is a list.
func (d Document) Objects(path string) []Document {
	value, _ := d.At(path)
	list, _ := value.([]any)
	var objects []Document
	for _, item := range list {
		if object, ok := item.(map[string]any); ok {
			objects = append(objects, object)
		}
	}
	return objects
}

// Texts are the texts in a member that is a list.
func (d Document) Texts(path string) []string {
	value, _ := d.At(path)
	list, _ := value.([]any)
	var texts []string
	for _, item := range list {
		if text, ok := item.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// Set writes a member, making the objects on the way to it.
func (d Document) Set(path string, value any) {
	names := strings.Split(path, ".")
	object := map[string]any(d)
	for _, name := range names[:len(names)-1] {
		next, ok := object[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			object[name] = next
		}
		object = next
	}
	object[names[len(names)-1]] = value
}

// Change visits every member that a path names, where "*" stands for every member of an object or item of a list, and puts what the visit returns in its
// place; keep=false takes the member away (an item of a list becomes null).
func (d Document) Change(path string, visit func(value any) (changed any, keep bool)) {
	change(map[string]any(d), strings.Split(path, "."), visit)
}

func change(value any, path []string, visit func(any) (any, bool)) {
	last := len(path) == 1
	switch v := value.(type) {
	case map[string]any:
		names := []string{path[0]}
		if path[0] == "*" {
			names = slices.Sorted(maps.Keys(v))
		}
		for _, name := range names {
			member, ok := v[name]
			if !ok {
				continue
			}
			if !last {
				change(member, path[1:], visit)
				continue
			}
			if next, keep := visit(member); keep {
				v[name] = next
			} else {
				delete(v, name)
			}
		}
	case []any:
		if path[0] != "*" {
			return
		}
		for i := range v {
			if !last {
				change(v[i], path[1:], visit)
				continue
			}
			next, keep := visit(v[i])
			if !keep {
				next = nil
			}
			v[i] = next
		}
	}
}

// Delete takes away every member that a path names; "*" as in Change.
func (d Document) Delete(path string) {
	d.Change(path, func(any) (any, bool) { return nil, false })
}

// Clone copies the document with everything in it.
func (d Document) Clone() Document {
	copied, _ := clone(map[string]any(d)).(map[string]any)
	return copied
}

func clone(value any) any {
	switch v := value.(type) {
	case map[string]any:
		copied := make(map[string]any, len(v))
		for name, member := range v {
			copied[name] = clone(member)
		}
		return copied
	case []any:
		copied := make([]any, len(v))
		for i, item := range v {
			copied[i] = clone(item)
		}
		return copied
	}
	return value
}

// Strings visits every text in the document with its path (members sorted; list items as name[2]).
func (d Document) Strings(visit func(path, text string)) { visitStrings("", map[string]any(d), visit) }

func visitStrings(path string, value any, visit func(path, text string)) {
	switch v := value.(type) {
	case string:
		visit(path, v)
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			at := name
			if path != "" {
				at = path + "." + name
			}
			visitStrings(at, v[name], visit)
		}
	case []any:
		for i, item := range v {
			visitStrings(path+"["+strconv.Itoa(i)+"]", item, visit)
		}
	}
}
