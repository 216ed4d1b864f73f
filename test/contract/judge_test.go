package contract

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"
)

// side says who wrote a document: a request leaves out what is read-only, an answer what is secret.
type side int

const (
	request side = iota
	answer       // of GET, PUT, PATCH and lists: no secrets
	secrets      // of verbs that are there to tell secrets
)

// judgement collects what is wrong with a document.
type judgement struct {
	side     side
	trouble  map[string]bool
	open     map[string]bool // values beyond an enum that may grow
	stranger map[string]bool // members that the description does not know
}

func newJudgement(s side) *judgement {
	return &judgement{side: s, trouble: map[string]bool{}, open: map[string]bool{}, stranger: map[string]bool{}}
}

func (j *judgement) wrong(path, format string, args ...any) {
	j.trouble[strings.TrimPrefix(path, ".")+": "+fmt.Sprintf(format, args...)] = true
}

// sorted lists a set.
func sorted(set map[string]bool) []string {
	var lines []string
	for line := range set {
		lines = append(lines, line)
	}
	sort.Strings(lines)
	return lines
}

// value judges a JSON value.
func (j *judgement) value(path string, s *schema, value any) {
	switch {
	case s.object():
		object, ok := value.(map[string]any)
		if !ok {
			j.wrong(path, "is %s, not an object", kindOf(value))
			return
		}
		j.object(path, s, object)
	case s.typ == "array":
		items, ok := value.([]any)
		if !ok {
			j.wrong(path, "is %s, not a list", kindOf(value))
			return
		}
		for _, item := range items {
			if s.items != nil && item != nil {
				j.value(path+"[]", s.items, item)
			}
		}
	case s.typ != "":
		j.scalar(path, s, value)
	}
}

func (j *judgement) object(path string, s *schema, object map[string]any) {
	s = j.variant(path, s, object)
	members, required, closed := s.all()
	for _, name := range required {
		m := members[name]
		if m != nil && (j.side == request && m.readOnly || j.side == answer && (m.secret || m.writeOnly)) {
			continue
		}
		if value, there := object[name]; !there || value == nil && (m == nil || !m.nullable) {
			j.wrong(path+"."+name, "is required and missing")
		}
	}
	for name, value := range object {
		m := members[name]
		switch {
		case m == nil && s.additional != nil:
			if value != nil {
				j.value(path+".*", s.additional, value)
			}
		case m == nil && (closed || len(members) > 0):
			j.stranger[strings.TrimPrefix(path+"."+name, ".")] = true
		case m == nil, value == nil: // null is as good as absent
		case j.side == answer && (m.secret || m.writeOnly) && !m.silent(value):
			j.wrong(path+"."+name, "is secret and was returned")
		case j.side == request && m.readOnly:
		default:
			j.value(path+"."+name, m.schema, value)
		}
	}
}

// silent reports whether a secret tells nothing: an object that says no more than which kind of secret there is, as the examples do.
func (m *member) silent(value any) bool {
	object, ok := value.(map[string]any)
	if !ok {
		return false
	}
	for name, inner := range object {
		if inner != nil && name != m.switchMember() {
			return false
		}
	}
	return true
}

// variant is the schema that holds for an object.
func (j *judgement) variant(path string, s *schema, object map[string]any) *schema {
	name := s.switchMember()
	if name == "" || len(s.variants) == 0 {
		return s
	}
	value, ok := object[name].(string)
	if !ok {
		return s // that it is missing is said elsewhere
	}
	if v := s.variants[value]; v != nil {
		if v != s && len(v.variants) > 0 {
			return j.variant(path, v, object)
		}
		return v
	}
	if s.value != value {
		members, _, _ := s.all()
		if m := members[name]; m != nil && len(m.enum) > 0 && !m.open {
			j.wrong(path+"."+name, "is %q, which is none of %s", value, strings.Join(keys(s.variants), ", "))
		} else {
			j.open[strings.TrimPrefix(path+"."+name, ".")+"="+value] = true
		}
	}
	return s
}

func (j *judgement) scalar(path string, s *schema, value any) {
	switch s.typ {
	case "string":
		if word, ok := value.(string); ok {
			j.word(path, s, word)
			return
		}
	case "boolean":
		if _, ok := value.(bool); ok {
			return
		}
	case "integer", "number":
		if number, ok := value.(json.Number); ok {
			j.number(path, s, number)
			return
		}
	default:
		return // file
	}
	j.wrong(path, "is %s, not %s", kindOf(value), s.typ)
}

func (j *judgement) number(path string, s *schema, number json.Number) {
	if _, err := number.Int64(); err != nil && s.typ == "integer" {
		j.wrong(path, "is %s, not an integer", number)
	}
	value, _ := number.Float64()
	if low, err := s.minimum.Float64(); err == nil && value < low {
		j.wrong(path, "is %s, below %s", number, s.minimum)
	}
	if high, err := s.maximum.Float64(); err == nil && value > high {
		j.wrong(path, "is %s, above %s", number, s.maximum)
	}
}

var (
	uuidForm     = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	durationForm = regexp.MustCompile(`^-?P(\d+[YMWD])*(T(\d+(\.\d+)?[HMS])+)?$`)
)

func (j *judgement) word(path string, s *schema, word string) {
	if len(s.enum) > 0 && !slices.Contains(s.enum, word) {
		if s.open {
			j.open[strings.TrimPrefix(path, ".")+"="+word] = true
		} else {
			j.wrong(path, "is %q, which is none of %s", word, strings.Join(s.enum, ", "))
		}
	}
	if len(word) < s.minLength || s.maxLength > 0 && len(word) > s.maxLength {
		j.wrong(path, "has %d characters, not %d to %d", len(word), s.minLength, s.maxLength)
	}
	if s.pattern != nil && !s.pattern.MatchString(word) {
		j.wrong(path, "is %q and does not match %s", word, s.pattern)
	}
	switch s.format {
	case "date-time":
		if _, err := time.Parse(time.RFC3339Nano, word); err != nil {
			j.wrong(path, "is %q, not a date-time", word)
		}
	case "uuid":
		if !uuidForm.MatchString(word) {
			j.wrong(path, "is %q, not a uuid", word)
		}
	case "duration":
		if !durationForm.MatchString(word) || strings.HasSuffix(word, "P") {
			j.wrong(path, "is %q, not a duration", word)
		}
	}
}

// absent lists the read-only members that an example's answer fills in and ours does not.
func absent(path string, s *schema, ours, example map[string]any, tell func(string)) {
	s = newJudgement(answer).variant(path, s, ours)
	members, _, _ := s.all()
	for name, m := range members {
		want := example[name]
		if want == nil || m.secret || m.writeOnly {
			continue
		}
		if m.readOnly && ours[name] == nil && !empty(want) {
			tell(strings.TrimPrefix(path+"."+name, "."))
			continue
		}
		inner, isObject := ours[name].(map[string]any)
		if theirs, ok := want.(map[string]any); ok && isObject {
			absent(path+"."+name, m.schema, inner, theirs, tell)
		}
	}
}

func empty(value any) bool {
	switch v := value.(type) {
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	}
	return "a number"
}

func keys[V any](object map[string]V) []string {
	var names []string
	for name := range object {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
