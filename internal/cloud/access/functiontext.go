package access

import (
	"strings"
)

func wrongType(name string, v any) error {
	return evaluationError("the function '%s' does not take a value of type %s", name, kindOf(v))
}

func negate(args []any) (any, error) {
	b, ok := boolean(args[0])
	if !ok {
		return nil, wrongType("not", args[0])
	}
	return !b, nil
}

// chooseValue evaluates only the branch that is taken: rules guard calls that would fail with it.
func chooseValue(f *frame, args []term) (any, error) {
	v, err := args[0].value(f)
	if err != nil {
		return nil, err
	}
	condition, ok := boolean(v)
	if !ok {
		return nil, wrongType("if", v)
	}
	if condition {
		return args[1].value(f)
	}
	return args[2].value(f)
}

// untilSame is and (stop at false) or or (stop at true).
func untilSame(f *frame, args []term, stop bool) (any, error) {
	for _, arg := range args {
		v, err := arg.value(f)
		if err != nil {
			return nil, err
		}
		b, ok := boolean(v)
		if !ok {
			return nil, wrongType("and/or", v)
		}
		if b == stop {
			return stop, nil
		}
	}
	return !stop, nil
}

func firstPresent(f *frame, args []term) (any, error) {
	for _, arg := range args {
		if v, err := arg.value(f); v != nil || err != nil {
			return v, err
		}
	}
	return nil, nil
}

// maxText bounds what concat and replace may build, so that no rule can fill the memory.
const maxText = 1 << 20

// concat joins strings, or lists.
func concat(args []any) (any, error) {
	if _, ok := args[0].([]any); ok {
		var out []any
		for _, arg := range args {
			l, ok := arg.([]any)
			if !ok {
				return nil, wrongType("concat", arg)
			}
			out = append(out, l...)
		}
		return out, nil
	}
	var b strings.Builder
	for _, arg := range args {
		s, ok := text(arg)
		if !ok && arg != nil {
			return nil, wrongType("concat", arg)
		}
		if b.WriteString(s); b.Len() > maxText {
			return nil, evaluationError("the text is longer than %d", maxText)
		}
	}
	return b.String(), nil
}

func replaceText(args []any) (any, error) {
	s, ok1 := text(args[0])
	old, ok2 := text(args[1])
	with, ok3 := text(args[2])
	if !ok1 || !ok2 || !ok3 || old == "" {
		return nil, wrongType("replace", args[0])
	}
	if len(s)+strings.Count(s, old)*len(with) > maxText {
		return nil, evaluationError("the text is longer than %d", maxText)
	}
	return strings.ReplaceAll(s, old, with), nil
}

func substring(args []any) (any, error) {
	s, ok := text(args[0])
	start, okStart := number(args[1])
	if !ok || !okStart {
		return nil, wrongType("substring", args[0])
	}
	size := float64(len(s)) - start
	if len(args) == 3 {
		if size, ok = number(args[2]); !ok {
			return nil, wrongType("substring", args[2])
		}
	}
	if !(start >= 0 && size >= 0 && start+size <= float64(len(s))) { // false for NaN too
		return nil, evaluationError("the start %v and length %v of substring are outside the string, which has length %d", start, size, len(s))
	}
	return s[int(start):int(start+size)], nil
}

// splitText cuts at a delimiter, or at each of a list of delimiters.
func splitText(args []any) (any, error) {
	s, ok := text(args[0])
	if !ok {
		return nil, wrongType("split", args[0])
	}
	delimiters, isList := args[1].([]any)
	if !isList {
		delimiters = []any{args[1]}
	}
	parts := []string{s}
	for _, d := range delimiters {
		cut, ok := text(d)
		if !ok || cut == "" {
			return nil, wrongType("split", d)
		}
		var next []string
		for _, part := range parts {
			next = append(next, strings.Split(part, cut)...)
		}
		parts = next
	}
	return anyList(parts), nil
}

func anyList(parts []string) []any {
	out := make([]any, len(parts))
	for i, part := range parts {
		out[i] = part
	}
	return out
}

func joinList(args []any) (any, error) {
	items, isList := args[0].([]any)
	with, ok := text(args[1])
	if !isList || !ok {
		return nil, wrongType("join", args[0])
	}
	var b strings.Builder
	for i, item := range items {
		if i > 0 {
			b.WriteString(with)
		}
		if b.WriteString(show(item)); b.Len() > maxText {
			return nil, evaluationError("the text is longer than %d", maxText)
		}
	}
	return b.String(), nil
}

func toInt(args []any) (any, error) {
	n, ok := number(args[0])
	if !ok {
		return nil, wrongType("int", args[0])
	}
	return float64(int64(n)), nil
}

func toBool(args []any) (any, error) {
	b, ok := boolean(args[0])
	if !ok {
		if n, isNumber := args[0].(float64); isNumber {
			return n != 0, nil
		}
		return nil, wrongType("bool", args[0])
	}
	return b, nil
}

func isEmpty(args []any) (any, error) {
	if args[0] == nil {
		return true, nil
	}
	n, err := length(args)
	return n == float64(0), err
}

func length(args []any) (any, error) {
	switch v := args[0].(type) {
	case string:
		return float64(len([]rune(v))), nil
	case []any:
		return float64(len(v)), nil
	case map[string]any:
		return float64(len(v)), nil
	}
	return nil, wrongType("length", args[0])
}

func containsFunction(args []any) (any, error) {
	if object, ok := args[0].(map[string]any); ok {
		key, isText := text(args[1])
		if !isText {
			return nil, wrongType("contains", args[1])
		}
		_, found := lookup(object, key)
		return found, nil
	}
	if !holdsParts(args[0]) {
		return nil, wrongType("contains", args[0])
	}
	return contains(args[0], args[1]), nil
}

func holdsParts(v any) bool {
	switch v.(type) {
	case string, []any:
		return true
	}
	return false
}

// elementAt is first or last, of a list or a string.
func elementAt(v any, at func(int) int) (any, error) {
	switch v := v.(type) {
	case []any:
		if len(v) == 0 {
			return nil, nil
		}
		return v[at(len(v))], nil
	case string:
		runes := []rune(v)
		if len(runes) == 0 {
			return "", nil
		}
		return string(runes[at(len(runes))]), nil
	}
	return nil, wrongType("first/last", v)
}
