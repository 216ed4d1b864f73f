package access

import (
	"math"
	"slices"
	"strings"
	"time"
)

// function is one function of the template language. most is -1 when any number of arguments will do.
type function struct {
	least, most int
	run         func(f *frame, args []term) (any, error)
}

// eager wraps a function that wants all its arguments evaluated and does not look at the resource.
func eager(least, most int, run func(args []any) (any, error)) function {
	return function{least, most, func(f *frame, terms []term) (any, error) {
		args := make([]any, len(terms))
		for i, t := range terms {
			v, err := t.value(f)
			if err != nil {
				return nil, err
			}
			args[i] = v
		}
		return run(args)
	}}
}

// about wraps a function without arguments that says something of the evaluation.
func about(run func(f *frame) (any, error)) function {
	return function{0, 0, func(f *frame, _ []term) (any, error) { return run(f) }}
}

func constant(v any) function { return about(func(*frame) (any, error) { return v, nil }) }

// onText wraps a function of one string.
func onText(run func(string) any) function {
	return eager(1, 1, func(args []any) (any, error) {
		s, ok := text(args[0])
		if !ok {
			return nil, evaluationError("a string is expected, not a value of type %s", kindOf(args[0]))
		}
		return run(s), nil
	})
}

// onTexts wraps a function of two strings.
func onTexts(run func(a, b string) any) function {
	return eager(2, 2, func(args []any) (any, error) {
		a, okA := text(args[0])
		b, okB := text(args[1])
		if !okA || !okB {
			return nil, evaluationError("two strings are expected, not %s and %s", kindOf(args[0]), kindOf(args[1]))
		}
		return run(a, b), nil
	})
}

// onNumbers wraps arithmetic on two numbers.
func onNumbers(run func(a, b float64) (any, error)) function {
	return eager(2, 2, func(args []any) (any, error) {
		a, okA := number(args[0])
		b, okB := number(args[1])
		if !okA || !okB {
			return nil, evaluationError("two numbers are expected, not %s and %s", kindOf(args[0]), kindOf(args[1]))
		}
		return run(a, b)
	})
}

func ordering(holds func(int) bool) function {
	return eager(2, 2, func(args []any) (any, error) {
		c, err := order(args[0], args[1])
		return err == nil && holds(c), err
	})
}

func division(run func(a, b float64) float64) function {
	return onNumbers(func(a, b float64) (any, error) {
		if b == 0 {
			return nil, evaluationError("division by zero")
		}
		return run(a, b), nil
	})
}

// functions are those of the template language that policies may use and this package carries out; names in lower case. Any other
// name is refused when the definition is written. A failure when evaluating denies, as in Azure.
var functions = map[string]function{
	"parameters":      {1, 1, parameterValue},
	"field":           {1, 1, fieldValue},
	"current":         {0, 1, currentValue},
	"resourcegroup":   about((*frame).resourceGroup),
	"subscription":    about((*frame).subscriptionFacts),
	"policy":          about((*frame).policyFacts),
	"requestcontext":  about((*frame).requestFacts),
	"utcnow":          about(func(f *frame) (any, error) { return f.now.UTC().Format("2006-01-02T15:04:05.0000000Z"), nil }),
	"true":            constant(true),
	"false":           constant(false),
	"null":            constant(nil),
	"if":              {3, 3, chooseValue},
	"and":             {1, -1, func(f *frame, args []term) (any, error) { return untilSame(f, args, false) }},
	"or":              {1, -1, func(f *frame, args []term) (any, error) { return untilSame(f, args, true) }},
	"coalesce":        {1, -1, firstPresent},
	"not":             eager(1, 1, negate),
	"equals":          eager(2, 2, func(args []any) (any, error) { return same(args[0], args[1]), nil }),
	"less":            ordering(func(c int) bool { return c < 0 }),
	"lessorequals":    ordering(func(c int) bool { return c <= 0 }),
	"greater":         ordering(func(c int) bool { return c > 0 }),
	"greaterorequals": ordering(func(c int) bool { return c >= 0 }),
	"concat":          eager(1, -1, concat),
	"tolower":         onText(func(s string) any { return strings.ToLower(s) }),
	"toupper":         onText(func(s string) any { return strings.ToUpper(s) }),
	"trim":            onText(func(s string) any { return strings.TrimSpace(s) }),
	"startswith":      onTexts(func(a, b string) any { return strings.HasPrefix(strings.ToLower(a), strings.ToLower(b)) }),
	"endswith":        onTexts(func(a, b string) any { return strings.HasSuffix(strings.ToLower(a), strings.ToLower(b)) }),
	"indexof":         onTexts(func(a, b string) any { return float64(strings.Index(strings.ToLower(a), strings.ToLower(b))) }),
	"replace":         eager(3, 3, replaceText),
	"substring":       eager(2, 3, substring),
	"split":           eager(2, 2, splitText),
	"join":            eager(2, 2, joinList),
	"string":          eager(1, 1, func(args []any) (any, error) { return show(args[0]), nil }),
	"int":             eager(1, 1, toInt),
	"bool":            eager(1, 1, toBool),
	"empty":           eager(1, 1, isEmpty),
	"length":          eager(1, 1, length),
	"contains":        eager(2, 2, containsFunction),
	"first":           eager(1, 1, func(args []any) (any, error) { return elementAt(args[0], func(int) int { return 0 }) }),
	"last":            eager(1, 1, func(args []any) (any, error) { return elementAt(args[0], func(n int) int { return n - 1 }) }),
	"createarray":     eager(0, -1, func(args []any) (any, error) { return slices.Clone(args), nil }),
	"add":             onNumbers(func(a, b float64) (any, error) { return a + b, nil }),
	"sub":             onNumbers(func(a, b float64) (any, error) { return a - b, nil }),
	"mul":             onNumbers(func(a, b float64) (any, error) { return a * b, nil }),
	"div":             division(func(a, b float64) float64 { return math.Trunc(a / b) }),
	"mod":             division(math.Mod),
	"adddays":         eager(2, 3, addDays),
}

func addDays(args []any) (any, error) {
	s, _ := args[0].(string)
	at, err := time.Parse(time.RFC3339Nano, s)
	days, ok := number(args[1])
	if err != nil || !ok {
		return nil, evaluationError("addDays wants a time in ISO 8601 and a number of days")
	}
	return at.AddDate(0, 0, int(days)).UTC().Format("2006-01-02T15:04:05.0000000Z"), nil
}
