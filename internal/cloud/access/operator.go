package access

import (
	"cmp"
	"strings"
	"time"
	"unicode"
)

// operator compares a value of the resource with the operand of the rule.
type operator struct {
	name    string // in ARM's spelling
	operand string // what the operand must be when it is a literal: "", "array", "text", "boolean"
	negates string // the operator, in lower case, whose opposite this is
	holds   func(v, operand any) (bool, error)
}

// operators by lower-case name. A negation holds exactly when its opposite does not, so a missing field is notEquals, notIn, notLike.
var operators = func() map[string]operator {
	table := map[string]operator{}
	for _, o := range []operator{
		{"Equals", "", "", func(v, operand any) (bool, error) { return v != nil && same(v, operand), nil }},
		{"Like", "text", "", func(v, operand any) (bool, error) { return onBothTexts(v, operand, like) }},
		{"Match", "text", "", func(v, operand any) (bool, error) { return onBothTexts(v, operand, match) }},
		{"MatchInsensitively", "text", "", matchInsensitively},
		{"Contains", "", "", func(v, operand any) (bool, error) { return contains(v, operand), nil }},
		{"In", "array", "", in},
		{"ContainsKey", "text", "", containsKey},
		{"Exists", "boolean", "", exists},
		{"Less", "", "", inOrder(func(c int) bool { return c < 0 })},
		{"LessOrEquals", "", "", inOrder(func(c int) bool { return c <= 0 })},
		{"Greater", "", "", inOrder(func(c int) bool { return c > 0 })},
		{"GreaterOrEquals", "", "", inOrder(func(c int) bool { return c >= 0 })},
	} {
		table[strings.ToLower(o.name)] = o
	}
	for _, name := range []string{"Equals", "Like", "Match", "MatchInsensitively", "Contains", "In", "ContainsKey"} {
		o := table[strings.ToLower(name)]
		table["not"+strings.ToLower(name)] = operator{"Not" + name, o.operand, strings.ToLower(name),
			func(v, operand any) (bool, error) {
				holds, err := o.holds(v, operand)
				return err == nil && !holds, err
			}}
	}
	return table
}()

// checkOperand refuses a literal operand of the wrong type when the definition is written.
func (o operator) checkOperand(v any) bool {
	switch o.operand {
	case "array":
		_, ok := v.([]any)
		return ok
	case "boolean":
		_, ok := boolean(v)
		return ok
	case "text":
		_, ok := text(v)
		return ok
	}
	return true
}

func onBothTexts(v, operand any, holds func(value, pattern string) bool) (bool, error) {
	pattern, ok := text(operand)
	if !ok {
		return false, evaluationError("a string is expected, not a value of type %s", kindOf(operand))
	}
	s, ok := text(v)
	return ok && holds(s, pattern), nil
}

// like compares without case; a star stands for any characters.
func like(value, pattern string) bool {
	pieces := strings.Split(strings.ToLower(pattern), "*")
	value = strings.ToLower(value)
	if len(pieces) == 1 {
		return value == pieces[0]
	}
	value, ok := strings.CutPrefix(value, pieces[0])
	if !ok {
		return false
	}
	for _, piece := range pieces[1 : len(pieces)-1] {
		_, after, found := strings.Cut(value, piece)
		if !found {
			return false
		}
		value = after
	}
	return strings.HasSuffix(value, pieces[len(pieces)-1])
}

// match compares with case, character by character: # is a digit, ? a letter, . any character.
func match(value, pattern string) bool {
	v, p := []rune(value), []rune(pattern)
	if len(v) != len(p) {
		return false
	}
	for i, c := range p {
		switch c {
		case '#':
			if !unicode.IsDigit(v[i]) {
				return false
			}
		case '?':
			if !unicode.IsLetter(v[i]) {
				return false
			}
		case '.':
		default:
			if v[i] != c {
				return false
			}
		}
	}
	return true
}

func matchInsensitively(v, operand any) (bool, error) {
	return onBothTexts(v, operand, func(value, pattern string) bool {
		return match(strings.ToLower(value), strings.ToLower(pattern))
	})
}

// contains looks for a part of a string, or an element of a list, without case.
func contains(v, part any) bool {
	if items, ok := v.([]any); ok {
		for _, item := range items {
			if same(item, part) {
				return true
			}
		}
		return false
	}
	s, okValue := text(v)
	p, okPart := text(part)
	return okValue && okPart && strings.Contains(strings.ToLower(s), strings.ToLower(p))
}

func in(v, operand any) (bool, error) {
	items, ok := operand.([]any)
	if !ok {
		return false, evaluationError("an array is expected, not a value of type %s", kindOf(operand))
	}
	return v != nil && contains(items, v), nil
}

func containsKey(v, operand any) (bool, error) {
	key, ok := text(operand)
	if !ok {
		return false, evaluationError("a string is expected, not a value of type %s", kindOf(operand))
	}
	object, ok := v.(map[string]any)
	if !ok {
		return false, nil
	}
	_, found := lookup(object, key)
	return found, nil
}

func exists(v, operand any) (bool, error) {
	wanted, ok := boolean(operand)
	if !ok {
		return false, evaluationError("true or false is expected, not a value of type %s", kindOf(operand))
	}
	return (v != nil) == wanted, nil
}

func inOrder(holds func(int) bool) func(v, operand any) (bool, error) {
	return func(v, operand any) (bool, error) {
		if v == nil {
			return false, nil
		}
		c, err := order(v, operand)
		return err == nil && holds(c), err
	}
}

// order compares numbers, times in RFC 3339, or strings without case. Values of different types cannot be ordered: that is an
// error and denies, as in Azure.
func order(a, b any) (int, error) {
	switch a := a.(type) {
	case float64:
		if b, ok := b.(float64); ok {
			return cmp.Compare(a, b), nil
		}
	case string:
		if b, ok := b.(string); ok {
			x, errA := time.Parse(time.RFC3339Nano, a)
			y, errB := time.Parse(time.RFC3339Nano, b)
			if errA == nil && errB == nil {
				return x.Compare(y), nil
			}
			return strings.Compare(strings.ToLower(a), strings.ToLower(b)), nil
		}
	}
	return 0, evaluationError("values of type %s and %s cannot be ordered", kindOf(a), kindOf(b))
}
