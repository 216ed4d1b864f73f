package access

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Values in policies and resources are what encoding/json makes of them: nil, bool, float64, string, []any, map[string]any.

// parseJSON reads raw JSON; nothing is nil.
func parseJSON(raw json.RawMessage) (any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	return v, nil
}

// lookup finds a property by name, exact spelling first, then without case.
func lookup(object map[string]any, name string) (any, bool) {
	if v, ok := object[name]; ok {
		return v, true
	}
	for key, v := range object {
		if strings.EqualFold(key, name) {
			return v, true
		}
	}
	return nil, false
}

// text renders a scalar as policies compare it: "true", "5", "eastus". Lists and objects have no such form.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

// number reads a number, or a string that holds one.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
	}
	return 0, false
}

// boolean reads a bool, or a string that says one.
func boolean(v any) (bool, bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		switch {
		case strings.EqualFold(v, "true"):
			return true, true
		case strings.EqualFold(v, "false"):
			return false, true
		}
	}
	return false, false
}

// same compares as policies do: scalars by their text and without case, so that false equals "False"; lists by element, objects by
// property. A missing value equals nothing but a missing value.
func same(a, b any) bool {
	switch a := a.(type) {
	case nil:
		return b == nil
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !same(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for key, v := range a {
			other, found := lookup(b, key)
			if !found || !same(v, other) {
				return false
			}
		}
		return true
	}
	x, _ := text(a)
	y, ok := text(b)
	return ok && strings.EqualFold(x, y)
}

// kindOf names the sort of a value for messages.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

// show renders a value for the details of an evaluation: strings as they are, everything else as JSON.
func show(v any) string {
	if s, ok := text(v); ok {
		return s
	}
	return string(encode(v))
}

// normalLocation turns "West Europe" into westeurope: policies compare locations in this form.
func normalLocation(v any) any {
	switch v := v.(type) {
	case string:
		return strings.ToLower(strings.ReplaceAll(v, " ", ""))
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = normalLocation(item)
		}
		return out
	}
	return v
}

// evaluationError is a rule that cannot be evaluated on a resource. ARM denies in that case; so does Evaluate.
func evaluationError(format string, args ...any) error { return fmt.Errorf(format, args...) }
