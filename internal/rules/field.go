package rules

import (
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
)

// field returns what a condition names by "field": a member of the envelope, a tag, or an alias.
func (s scope) field(name any) any {
	text, ok := name.(string)
	if !ok {
		return mystery{}
	}
	lower := strings.ToLower(text)
	switch {
	case lower == "type":
		return string(s.typ)
	case lower == "fullname":
		return s.doc.Text("name")
	case lower == "location":
		return region(s.doc.Text("location"))
	case lower == "id", lower == "name", lower == "kind", lower == "tags", strings.HasPrefix(lower, "identity."), strings.HasPrefix(lower, "sku."):
		return member(s.doc, text)
	case strings.HasPrefix(lower, "tags[") && strings.HasSuffix(lower, "]"):
		return member(s.doc.Object("tags"), strings.Trim(text[len("tags["):len(text)-1], "'"))
	case strings.HasPrefix(lower, "tags."):
		return member(s.doc.Object("tags"), text[len("tags."):])
	}
	return s.alias(text)
}

// alias reads a property by the alias that policies use: the type, then the path of the property. An alias of another type is absent.
func (s scope) alias(alias string) any {
	if !strings.Contains(alias, "/") {
		return mystery{}
	}
	if strings.Contains(alias, "[*]") {
		return s.manifold(alias)
	}
	path, mine := strings.CutPrefix(strings.ToLower(alias), s.typ.Key()+"/")
	if !mine {
		return absent{}
	}
	if strings.Contains(path, "/") {
		return absent{} // of a child type
	}
	path = alias[len(alias)-len(path):]
	if value := walk(s.doc, "properties."+path); value != (absent{}) {
		return value
	}
	return walk(s.doc, path) // sku.name, kind and others stand at the top
}

// walk follows a dotted path without regard to the case of names.
func walk(doc arm.Document, path string) any {
	var value any = map[string]any(doc)
	for name := range strings.SplitSeq(path, ".") {
		object, ok := value.(map[string]any)
		if !ok {
			return absent{}
		}
		if value = member(object, name); value == (absent{}) {
			return absent{}
		}
	}
	return value
}

// member is a member of an object by its name, whatever its case. A name with dots is a path unless there is a member of that very name.
func member(object map[string]any, name string) any {
	if value, is := folded(object, name); is {
		if object, is := value.(arm.Document); is {
			return map[string]any(object)
		}
		return value
	}
	if first, rest, dotted := strings.Cut(name, "."); dotted {
		if inner, ok := member(object, first).(map[string]any); ok {
			return member(inner, rest)
		}
	}
	return absent{}
}
