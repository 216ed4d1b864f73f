package rules

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"
)

// ordered makes an operator of a comparison: of numbers, or of dates. Anything else is for somebody to look at.
func ordered(holds func(order int) bool) func(value, operand any) verdict {
	return func(value, operand any) verdict {
		if a, ok := number(value); ok {
			if b, ok := number(operand); ok {
				return is(holds(compareTo(a, b)))
			}
			return unknown
		}
		a, okA := moment(value)
		b, okB := moment(operand)
		if !okA || !okB {
			return unknown
		}
		return is(holds(a.Compare(b)))
	}
}

func compareTo(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func number(value any) (float64, bool) {
	switch v := value.(type) {
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	case float64:
		return v, true
	case int:
		return float64(v), true
	}
	return 0, false
}

func moment(value any) (time.Time, bool) {
	text, ok := value.(string)
	if !ok {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, text)
	return at, err == nil
}

// matching makes an operator of the patterns of match: # is a digit, ? a letter, . any character, everything else itself.
func matching(insensitive bool) func(value, operand any) verdict {
	return func(value, operand any) verdict {
		text, okA := value.(string)
		pattern, okB := operand.(string)
		if _, missing := value.(absent); missing {
			return no
		}
		if !okA || !okB {
			return unknown
		}
		if insensitive {
			text, pattern = strings.ToLower(text), strings.ToLower(pattern)
		}
		return is(matches([]rune(text), []rune(pattern)))
	}
}

func matches(text, pattern []rune) bool {
	if len(text) != len(pattern) {
		return false
	}
	for i, p := range pattern {
		switch c := text[i]; p {
		case '#':
			if c < '0' || c > '9' {
				return false
			}
		case '?':
			if !unicode.IsLetter(c) {
				return false
			}
		case '.':
		default:
			if c != p {
				return false
			}
		}
	}
	return true
}
