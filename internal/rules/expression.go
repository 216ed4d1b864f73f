package rules

import (
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
)

// parameters are values by their name in lower case.
type parameters map[string]any

// given reads the parameters of an assignment: {name: {value}}.
func given(object arm.Document) parameters {
	p := parameters{}
	for name, entry := range object {
		if holder, ok := entry.(map[string]any); ok {
			if value, is := holder["value"]; is {
				p[strings.ToLower(name)] = value
			}
		}
	}
	return p
}

// over returns the parameters with defaults of the definition for those that are not given.
func (p parameters) over(declared arm.Document) parameters {
	merged := parameters{}
	for name, entry := range declared {
		if holder, ok := entry.(map[string]any); ok {
			if value, is := holder["defaultValue"]; is {
				merged[strings.ToLower(name)] = value
			}
		}
	}
	for name, value := range p {
		merged[name] = value
	}
	return merged
}

// resolve evaluates a value that may be an expression in brackets; what it cannot follow is a mystery. Lists are resolved item by item.
func (s scope) resolve(value any) any {
	switch v := value.(type) {
	case string:
		switch {
		case strings.HasPrefix(v, "[["):
			return v[1:]
		case strings.HasPrefix(v, "[") && strings.HasSuffix(v, "]"):
			r := &reader{text: strings.TrimSpace(v[1 : len(v)-1])}
			result := r.expression(s)
			if r.failed || strings.TrimSpace(r.text) != "" {
				return mystery{}
			}
			return result
		}
	case []any:
		list := slices.Clone(v)
		for i := range list {
			list[i] = s.resolve(list[i])
			if _, is := list[i].(mystery); is {
				return mystery{}
			}
		}
		return list
	}
	return value
}

// reader reads one expression of the template language from left to right.
type reader struct {
	text   string
	failed bool
}

// expression reads a text in quotes, or a call with what is picked out of its result: resourceGroup().tags['costCenter'].
func (r *reader) expression(s scope) any {
	r.text = strings.TrimSpace(r.text)
	if strings.HasPrefix(r.text, "'") {
		return r.quoted()
	}
	end := strings.IndexByte(r.text, '(')
	if end <= 0 {
		return r.fail()
	}
	name := strings.ToLower(strings.TrimSpace(r.text[:end]))
	r.text = r.text[end+1:]
	var arguments []any
	for r.text = strings.TrimSpace(r.text); !r.failed && !r.take(")"); r.text = strings.TrimSpace(r.text) {
		if len(arguments) > 0 && !r.take(",") {
			return r.fail()
		}
		arguments = append(arguments, r.expression(s))
	}
	return r.picked(s, s.call(name, arguments))
}

// picked reads the members that follow a call.
func (r *reader) picked(s scope, value any) any {
	for !r.failed {
		switch {
		case r.take("."):
			end := strings.IndexAny(r.text+" ", ".[(,) ")
			value, r.text = pick(value, r.text[:end]), r.text[end:]
		case r.take("["):
			value = pick(value, r.expression(s))
			if !r.take("]") {
				return r.fail()
			}
		default:
			return value
		}
	}
	return mystery{}
}

// pick is a member of what a call gave; absent when it has none of that name.
func pick(value, name any) any {
	object, isObject := value.(map[string]any)
	text, isText := name.(string)
	if !isObject || !isText {
		return mystery{}
	}
	return member(object, text)
}

func (r *reader) quoted() any {
	rest := r.text[1:]
	var b strings.Builder
	for {
		part, after, closed := strings.Cut(rest, "'")
		b.WriteString(part)
		if !closed {
			return r.fail()
		}
		if !strings.HasPrefix(after, "'") { // two quotes stand for one
			r.text = after
			return b.String()
		}
		b.WriteByte('\'')
		rest = after[1:]
	}
}

func (r *reader) take(token string) bool {
	rest, ok := strings.CutPrefix(r.text, token)
	if ok {
		r.text = rest
	}
	return ok
}

func (r *reader) fail() any {
	r.failed = true
	return mystery{}
}

// call evaluates the few functions that facts can answer.
func (s scope) call(name string, arguments []any) any {
	var texts []string
	for _, a := range arguments {
		if _, is := a.(absent); is {
			a = ""
		}
		text, ok := a.(string)
		if !ok {
			return mystery{}
		}
		texts = append(texts, text)
	}
	one := len(texts) == 1
	switch {
	case name == "parameters" && one:
		if value, is := s.parameters[strings.ToLower(texts[0])]; is {
			return s.resolveOuter(value)
		}
	case name == "current" && one:
		if strings.Contains(texts[0], "[*]") {
			return s.alias(texts[0])
		}
		if element, is := s.current["value "+strings.ToLower(texts[0])]; is {
			return element
		}
	case name == "field" && one && s.doc != nil:
		return s.field(texts[0])
	case name == "concat":
		return strings.Join(texts, "")
	case name == "tolower" && one:
		return strings.ToLower(texts[0])
	case name == "toupper" && one:
		return strings.ToUpper(texts[0])
	case name == "resourcegroup" && len(texts) == 0 && s.group != nil:
		return map[string]any(s.group)
	}
	return mystery{}
}

// resolveOuter resolves a default value that is an expression itself, without the parameters that could lead in a circle.
func (s scope) resolveOuter(value any) any {
	return scope{doc: s.doc, typ: s.typ, group: s.group}.resolve(value)
}
