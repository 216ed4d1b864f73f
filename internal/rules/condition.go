package rules

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
)

// scope is in what the condition of a policy is evaluated.
type scope struct {
	parameters parameters
	doc        arm.Document // the resource as it would be created; nil while parameters of an initiative are resolved
	typ        arm.Type
	group      arm.Document // its resource group; nil if not known
	// current is the element at which a count is, by the alias of its list in lower case, or by "value" and the count's name.
	current map[string]any
}

// mystery is a value that the facts do not show.
type mystery struct{}

// absent is a member that a document does not have.
type absent struct{}

// holds says whether a condition is met.
func (s scope) holds(condition any) verdict {
	object, ok := condition.(map[string]any)
	if !ok {
		return unknown
	}
	if parts, is := folded(object, "allOf"); is {
		return all(s.each(parts))
	}
	if parts, is := folded(object, "anyOf"); is {
		return some(s.each(parts))
	}
	if part, is := folded(object, "not"); is {
		return s.holds(part).not()
	}
	if count, is := folded(object, "count"); is {
		return s.counted(count, object)
	}
	var value any = mystery{}
	if field, is := folded(object, "field"); is {
		value = s.field(s.resolve(field))
	} else if expression, is := folded(object, "value"); is {
		value = s.resolve(expression)
	}
	return s.operated(value, object)
}

// operated applies the operator of a condition to a value.
func (s scope) operated(value any, condition map[string]any) verdict {
	for name, operand := range condition {
		if compare, is := operators[strings.ToLower(name)]; is {
			return s.compare(compare, value, s.resolve(operand))
		}
	}
	return unknown
}

func (s scope) each(parts any) []verdict {
	list, ok := parts.([]any)
	if !ok {
		return []verdict{unknown}
	}
	var verdicts []verdict
	for _, part := range list {
		verdicts = append(verdicts, s.holds(part))
	}
	return verdicts
}

// operator is one comparison of the language of conditions.
type operator struct {
	negated  bool
	compare  func(value, operand any) verdict
	together bool // of a field with [*] it is asked once
}

// operators are those that facts can answer.
var operators = map[string]operator{
	"equals": {compare: equal}, "notequals": {negated: true, compare: equal}, "like": {compare: alike}, "notlike": {negated: true, compare: alike}, "in": {compare: among}, "notin": {negated: true, compare: among},
	"contains": {compare: holding}, "notcontains": {negated: true, compare: holding}, "containskey": {compare: keyed}, "notcontainskey": {negated: true, compare: keyed}, "exists": {compare: existing, together: true},
	"match": {compare: matching(false)}, "notmatch": {negated: true, compare: matching(false)}, "matchinsensitively": {compare: matching(true)}, "notmatchinsensitively": {negated: true, compare: matching(true)},
	"less": {compare: ordered(func(o int) bool { return o < 0 })}, "lessorequals": {compare: ordered(func(o int) bool { return o <= 0 })},
	"greater": {compare: ordered(func(o int) bool { return o > 0 })}, "greaterorequals": {compare: ordered(func(o int) bool { return o >= 0 })},
}

func (s scope) compare(o operator, value, operand any) verdict {
	if _, is := value.(mystery); is {
		return unknown
	}
	if _, is := operand.(mystery); is {
		return unknown
	}
	if values, is := value.(many); is {
		return s.compareEach(o, values, operand)
	}
	v := o.compare(value, operand)
	if o.negated {
		return v.not()
	}
	return v
}

// compareEach is the meaning of a field with [*]: each element must satisfy the condition, and none does so too. Only whether there are any is asked of all together.
func (s scope) compareEach(o operator, values many, operand any) verdict {
	if o.together {
		if len(values) == 0 {
			return s.compare(o, absent{}, operand)
		}
		return s.compare(o, []any(values), operand)
	}
	var verdicts []verdict
	for _, v := range values {
		verdicts = append(verdicts, s.compare(o, v, operand))
	}
	return all(verdicts)
}

// text is a value as conditions compare it: without regard to case, and empty when it is absent.
func text(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return strings.ToLower(v), true
	case bool, json.Number, float64, int:
		return strings.ToLower(fmt.Sprint(v)), true
	case absent, nil:
		return "", true
	}
	return "", false
}

func equal(value, operand any) verdict {
	a, okA := text(value)
	b, okB := text(operand)
	if !okA || !okB {
		return unknown
	}
	return is(a == b)
}

func alike(value, operand any) verdict {
	a, okA := text(value)
	b, okB := text(operand)
	if !okA || !okB {
		return unknown
	}
	return is(like(b, a))
}

func among(value, operand any) verdict {
	list, ok := operand.([]any)
	if !ok {
		return unknown
	}
	var parts []verdict
	for _, item := range list {
		parts = append(parts, equal(value, item))
	}
	return some(parts)
}

func holding(value, operand any) verdict {
	if list, ok := value.([]any); ok {
		return among(operand, list)
	}
	a, okA := text(value)
	b, okB := text(operand)
	if !okA || !okB {
		return unknown
	}
	return is(strings.Contains(a, b))
}

func keyed(value, operand any) verdict {
	object, ok := value.(map[string]any)
	name, okName := text(operand)
	switch {
	case !okName:
		return unknown
	case !ok:
		return is(false)
	}
	return is(slices.ContainsFunc(keysOf(object), func(k string) bool { return strings.EqualFold(k, name) }))
}

func existing(value, operand any) verdict {
	wanted, ok := text(operand)
	if !ok || wanted != "true" && wanted != "false" {
		return unknown
	}
	_, missing := value.(absent)
	return is((!missing && value != nil) == (wanted == "true"))
}

func keysOf(object map[string]any) []string {
	keys := make([]string, 0, len(object))
	for k := range object {
		keys = append(keys, k)
	}
	return keys
}
