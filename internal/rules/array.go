package rules

import (
	"encoding/json"
	"strconv"
	"strings"
)

// many are the values of a field with [*]: one for each element of a list.
type many []any

// manifold reads an alias with [*]. Within a count the list that is counted stands for its current element.
func (s scope) manifold(alias string) any {
	lower := strings.ToLower(alias)
	for list, element := range s.current {
		if rest, ok := strings.CutPrefix(lower, list); ok && (rest == "" || rest[0] == '.') {
			return collected(follow([]any{element}, strings.Split(strings.TrimPrefix(alias[len(list):], "."), "[*]")), strings.Contains(rest, "[*]"))
		}
	}
	path, mine := strings.CutPrefix(lower, s.typ.Key()+"/")
	if !mine || strings.Contains(path, "/") {
		return many{} // of another type: it has no such list
	}
	parts := strings.Split(alias[len(alias)-len(path):], "[*]")
	if s.doc == nil {
		return mystery{}
	}
	var lists []any
	for _, root := range []string{"properties." + parts[0], parts[0]} {
		if value := walk(s.doc, root); value != any(absent{}) {
			lists = []any{value}
			break
		}
	}
	return collected(spread(lists, parts[1:]), true)
}

// collected are values as a condition takes them: all, or the one that there is.
func collected(values []any, several bool) any {
	for _, v := range values {
		if _, is := v.(mystery); is {
			return mystery{}
		}
	}
	if several || len(values) != 1 {
		return many(values)
	}
	return values[0]
}

// follow goes from elements along the first path, and spreads what it finds over the others.
func follow(elements []any, paths []string) []any {
	var found []any
	for _, e := range elements {
		found = append(found, inside(e, strings.TrimPrefix(paths[0], ".")))
	}
	if len(paths) == 1 {
		return found
	}
	return spread(found, paths[1:])
}

// spread takes the elements of lists, and follows the paths in each.
func spread(lists []any, paths []string) []any {
	var elements []any
	for _, l := range lists {
		switch v := l.(type) {
		case []any:
			elements = append(elements, v...)
		case absent, nil:
		default:
			return []any{mystery{}}
		}
	}
	if len(elements) == 0 {
		return nil
	}
	return follow(elements, paths)
}

// inside is a member of an element, at the top or in its properties, as aliases flatten them.
func inside(element any, path string) any {
	if path == "" {
		return element
	}
	object, ok := element.(map[string]any)
	if !ok {
		return absent{}
	}
	if value := walk(object, path); value != any(absent{}) {
		return value
	}
	return walk(object, "properties."+path)
}

// counted evaluates {"count": {"field" or "value", "name", "where"}} and compares the number.
func (s scope) counted(spec any, condition map[string]any) verdict {
	object, ok := spec.(map[string]any)
	if !ok {
		return unknown
	}
	elements, name, known := s.elements(object)
	if !known {
		return unknown
	}
	sure, perhaps := 0, 0
	for _, e := range elements {
		switch s.with(name, e).where(object) {
		case yes:
			sure++
		case unknown:
			perhaps++
		}
	}
	low, high := s.operated(json.Number(strconv.Itoa(sure)), condition), s.operated(json.Number(strconv.Itoa(sure+perhaps)), condition)
	if low == high && (perhaps <= 1 || s.monotonic(condition)) {
		return low
	}
	return unknown
}

// elements are what a count goes through, and under what name its condition finds each.
func (s scope) elements(spec map[string]any) (elements []any, name string, known bool) {
	if field, is := folded(spec, "field"); is {
		text, ok := s.resolve(field).(string)
		if !ok || !strings.HasSuffix(text, "[*]") {
			return nil, "", false
		}
		values, ok := s.alias(text).(many)
		return values, strings.ToLower(text), ok
	}
	value, is := folded(spec, "value")
	if !is {
		return nil, "", false
	}
	list, ok := s.resolve(value).([]any)
	named, _ := folded(spec, "name")
	text, _ := named.(string)
	return list, "value " + strings.ToLower(text), ok
}

// with is the scope in which one element is the current one of its list.
func (s scope) with(name string, element any) scope {
	current := map[string]any{name: element}
	for n, e := range s.current {
		if n != name {
			current[n] = e
		}
	}
	s.current = current
	return s
}

// where is the condition of a count for the current element; without one every element counts.
func (s scope) where(spec map[string]any) verdict {
	if condition, is := folded(spec, "where"); is {
		return s.holds(condition)
	}
	return yes
}

// monotonic reports whether a comparison with a number can change its answer only once as the number grows.
func (s scope) monotonic(condition map[string]any) bool {
	for name := range condition {
		switch strings.ToLower(name) {
		case "less", "lessorequals", "greater", "greaterorequals":
			return true
		}
	}
	return false
}

// folded is a member by its name, whatever its case.
func folded(object map[string]any, name string) (any, bool) {
	for key, value := range object {
		if strings.EqualFold(key, name) {
			return value, true
		}
	}
	return nil, false
}
