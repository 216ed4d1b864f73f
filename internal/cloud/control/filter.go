package control

import (
	"regexp"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// filter is the part of OData that ARM's generic lists know: comparisons joined by "and".
type filter struct {
	groups    []condition
	types     []condition
	names     []condition
	locations []condition
	tagName   *string
	tagValue  *string
}

// condition is one comparison with a text.
type condition struct {
	operator string // eq, ne, startswith, substringof
	value    string
}

func (c condition) holds(text string) bool {
	text, value := strings.ToLower(text), strings.ToLower(c.value)
	switch c.operator {
	case "ne":
		return text != value
	case "startswith":
		return strings.HasPrefix(text, value)
	case "substringof":
		return strings.Contains(text, value)
	}
	return text == value
}

var (
	comparison  = regexp.MustCompile(`(?i)^\(?\s*([a-z]+)\s+(eq|ne)\s+'((?:[^']|'')*)'\s*\)?$`)
	startsWith  = regexp.MustCompile(`(?i)^(startswith)\(\s*([a-z]+)\s*,\s*'((?:[^']|'')*)'\s*\)$`)
	substringOf = regexp.MustCompile(`(?i)^(substringof)\(\s*'((?:[^']|'')*)'\s*,\s*([a-z]+)\s*\)$`)
	conjunction = regexp.MustCompile(`(?i)\s+and\s+`)
	literal     = regexp.MustCompile(`'(?:[^']|'')*'`)
)

// terms are the comparisons of a $filter. An "and" inside a text joins nothing.
func terms(text string) []string {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	blind := literal.ReplaceAllStringFunc(text, func(quoted string) string { return strings.Repeat("'", len(quoted)) })
	var list []string
	start := 0
	for _, at := range conjunction.FindAllStringIndex(blind, -1) {
		list, start = append(list, text[start:at[0]]), at[1]
	}
	return append(list, text[start:])
}

// badFilter is ARM's error for a $filter with a term that is not understood.
func badFilter(text, term string) error {
	return errs.New(errs.Invalid, "InvalidFilterInQueryString", "Invalid $filter '%s' specified in the query string: '%s' is not understood.", text, term)
}

// parseFilter reads $filter of a list that knows the given fields. What it does not know is refused by name, never ignored.
func parseFilter(text string, fields ...string) (filter, error) {
	var f filter
	for _, term := range terms(text) {
		field, c, ok := parseTerm(term)
		if !ok || !slices.Contains(fields, field) || !f.add(field, c) {
			return f, badFilter(text, term)
		}
	}
	if f.tagValue != nil && f.tagName == nil {
		return f, errs.New(errs.Invalid, "InvalidFilterInQueryString", "Invalid $filter '%s' specified in the query string: 'tagValue' needs a 'tagName'.", text)
	}
	return f, nil
}

// Fields by which groups and resources are filtered (resources and groups of the REST reference).
var (
	groupFields    = []string{"name", "location", "tagname", "tagvalue"}
	resourceFields = append([]string{"resourcetype", "resourcegroup"}, groupFields...)
)

func parseTerm(term string) (field string, c condition, ok bool) {
	unquote := func(s string) string { return strings.ReplaceAll(s, "''", "'") }
	if m := comparison.FindStringSubmatch(term); m != nil {
		return strings.ToLower(m[1]), condition{strings.ToLower(m[2]), unquote(m[3])}, true
	}
	if m := startsWith.FindStringSubmatch(term); m != nil {
		return strings.ToLower(m[2]), condition{"startswith", unquote(m[3])}, true
	}
	if m := substringOf.FindStringSubmatch(term); m != nil {
		return strings.ToLower(m[3]), condition{"substringof", unquote(m[2])}, true
	}
	return "", c, false
}

// add puts a comparison in its place and reports whether the filter knows it.
func (f *filter) add(field string, c condition) bool {
	switch field {
	case "resourcetype":
		f.types = append(f.types, c)
	case "name":
		f.names = append(f.names, c)
	case "location":
		f.locations = append(f.locations, c)
	case "resourcegroup":
		f.groups = append(f.groups, c)
		return c.operator == "eq"
	case "tagname":
		return c.operator == "eq" && once(&f.tagName, c.value)
	case "tagvalue":
		return c.operator == "eq" && once(&f.tagValue, c.value)
	default:
		return false
	}
	return true
}

// once sets what may be said once.
func once(to **string, value string) bool {
	if *to != nil {
		return false
	}
	*to = &value
	return true
}

// quick judges what is known without the document.
func (f filter) quick(typ arm.Type, name string) bool {
	return all(f.types, string(typ)) && all(f.names, name)
}

// document judges the rest.
func (f filter) document(doc map[string]any) bool {
	if !all(f.locations, tree.Text(doc, "location")) {
		return false
	}
	if f.tagName == nil {
		return true
	}
	for name, value := range tree.Object(doc, "tags") {
		if strings.EqualFold(name, *f.tagName) {
			return f.tagValue == nil || value == *f.tagValue
		}
	}
	return false
}

func all(conditions []condition, text string) bool {
	for _, c := range conditions {
		if !c.holds(text) {
			return false
		}
	}
	return true
}

// expansion is what $expand adds to generic lists.
type expansion struct{ created, changed, state bool }

// parseExpand reads $expand.
func parseExpand(text string) (expansion, error) {
	var e expansion
	for word := range strings.SplitSeq(text, ",") {
		switch strings.ToLower(strings.TrimSpace(word)) {
		case "":
		case "createdtime":
			e.created = true
		case "changedtime":
			e.changed = true
		case "provisioningstate":
			e.state = true
		default:
			return e, errs.New(errs.Invalid, "InvalidExpandInQueryString", "Invalid $expand '%s': createdTime, changedTime and provisioningState are understood.", text)
		}
	}
	return e, nil
}
