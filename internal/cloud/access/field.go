package access

import (
	"fmt"
	"strings"
)

// fieldKind tells the fields of the condition language apart.
type fieldKind int

const (
	plainField    fieldKind = iota // id, name, fullName, kind, type, location
	identityField                  // identity.type
	tagsField                      // tags
	tagField                       // tags['x'], tags[x], tags.x
	aliasField                     // Microsoft.X/type/path.to[*].property
)

// field is what a condition looks at.
type field struct {
	kind fieldKind
	text string // as written in the rule
	name string // plain: lower-case name; tag: its name
}

var plainFields = []string{"id", "name", "fullname", "kind", "type", "location"}

// parseField reads the name of a field. Names of aliases are not checked against Azure's list: whatever begins with a resource type
// is looked for in the properties of that type.
func parseField(name string) (field, error) {
	lower := strings.ToLower(name)
	for _, plain := range plainFields {
		if lower == plain {
			return field{plainField, name, plain}, nil
		}
	}
	switch {
	case lower == "identity.type":
		return field{identityField, name, ""}, nil
	case lower == "tags":
		return field{tagsField, name, ""}, nil
	case strings.HasPrefix(lower, "tags.") && len(name) > len("tags."):
		return field{tagField, name, name[len("tags."):]}, nil
	case strings.HasPrefix(lower, "tags[") && strings.HasSuffix(lower, "]"):
		tag := name[len("tags[") : len(name)-1]
		if len(tag) >= 2 && tag[0] == '\'' && tag[len(tag)-1] == '\'' {
			tag = strings.ReplaceAll(tag[1:len(tag)-1], "''", "'")
		}
		if tag == "" {
			return field{}, fmt.Errorf("the field '%s' names no tag", name)
		}
		return field{tagField, name, tag}, nil
	case strings.Contains(name, "/") && strings.Contains(name, ".") && !strings.HasPrefix(name, "/") && !strings.HasSuffix(name, "/"):
		return field{aliasField, name, ""}, nil
	}
	return field{}, fmt.Errorf("the field '%s' is not supported", name)
}

// manifold reports whether the field stands for the elements of a list.
func (f field) manifold() bool { return f.kind == aliasField && strings.Contains(f.text, "[*]") }

// path is where the details of an evaluation say that the field was found.
func (f field) path(resourceType string) string {
	if f.kind == aliasField {
		if rest, ok := aliasRest(f.text, resourceType); ok {
			if topLevel[firstStep(rest)] {
				return rest
			}
			return "properties." + rest
		}
	}
	return f.text
}

// aliasRest is the part of an alias behind the resource type; not ok when the alias belongs to another type.
func aliasRest(alias, resourceType string) (string, bool) {
	at := len(resourceType)
	if len(alias) <= at+1 || alias[at] != '/' || !strings.EqualFold(alias[:at], resourceType) || strings.Contains(alias[at+1:], "/") {
		return "", false
	}
	return alias[at+1:], true
}

// values reads the field from the resource under evaluation: one value, nil when missing, or one per element for a manifold field.
func (f *frame) values(of field) []any {
	switch of.kind {
	case plainField:
		return []any{f.doc[of.name]}
	case identityField:
		return pick(f.doc, "identity.type")
	case tagsField:
		return pick(f.doc, "tags")
	case tagField:
		tags, _ := lookup(f.doc, "tags")
		object, _ := tags.(map[string]any)
		v, _ := lookup(object, of.name)
		return []any{v}
	}
	f.private = true
	for i := len(f.elements) - 1; i >= 0; i-- {
		e := f.elements[i]
		if rest, ok := cutPrefixFold(of.text, e.alias); ok && e.alias != "" {
			if rest == "" {
				return []any{e.value}
			}
			if rest[0] == '.' {
				return pick(e.value, rest[1:])
			}
		}
	}
	return f.aliasValues(of.text)
}

// topLevel are the parts of a document beside its properties that aliases name.
var topLevel = map[string]bool{"sku": true, "identity": true, "plan": true, "zones": true, "extendedlocation": true, "managedby": true, "kind": true}

// firstStep is the first name in a path, in lower case.
func firstStep(path string) string {
	return strings.ToLower(path[:len(path)-len(strings.TrimLeftFunc(path, func(r rune) bool { return r != '.' && r != '[' }))])
}

// aliasValues looks in the properties, in the document itself, and in properties.properties, where Azure Machine Learning keeps
// the inner settings of a compute. The first place that has the property counts.
func (f *frame) aliasValues(alias string) []any {
	rest, ok := aliasRest(alias, f.resourceType)
	if !ok {
		if strings.Contains(alias, "[*]") {
			return nil
		}
		return []any{nil}
	}
	places := []string{"properties." + rest, rest, "properties.properties." + rest}
	if topLevel[firstStep(rest)] {
		places[0], places[1] = places[1], places[0]
	}
	for _, place := range places {
		if found := pick(f.doc, place); len(found) > 1 || len(found) == 1 && found[0] != nil {
			return found
		}
	}
	return pick(f.doc, places[0])
}

// pick follows a path with dots and [*]. Without [*] there is exactly one result, nil when missing.
func pick(from any, path string) []any {
	at := []any{from}
	for step := range strings.SplitSeq(path, ".") {
		name, stars := step, 0
		for strings.HasSuffix(name, "[*]") {
			name = name[:len(name)-len("[*]")]
			stars++
		}
		for i, v := range at {
			object, _ := v.(map[string]any)
			at[i], _ = lookup(object, name)
		}
		for range stars {
			var spread []any
			for _, v := range at {
				items, _ := v.([]any)
				spread = append(spread, items...)
			}
			at = spread
		}
	}
	return at
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}
