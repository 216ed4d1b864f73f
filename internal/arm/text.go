package arm

import (
	"strings"
	"unicode"
)

// Printable is a text as one line that a terminal only shows: what it would take for an order, or for the end of the line, becomes a space. Texts of documents may hold anything.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text)
}

// SameText compares two texts of documents: ids in them, bare or behind a scheme, whatever their case, and all else as it is written; so also the path of a file behind the id of its datastore.
func SameText(a, b string) bool {
	if a == b {
		return true
	}
	if !strings.EqualFold(a, b) || len(a) != len(b) {
		return false
	}
	lower := strings.ToLower(a)
	if len(lower) != len(a) { // of letters that ids do not have
		return false
	}
	begin := strings.Index(lower, "/"+Subscriptions+"/")
	if begin < 0 && strings.HasPrefix(lower, "/"+Providers+"/") {
		begin = 0
	}
	if begin < 0 {
		return false
	}
	end := len(a)
	if files := strings.Index(lower[begin:], "/paths/"); files >= 0 {
		end = begin + files
	}
	return a[:begin] == b[:begin] && a[end:] == b[end:]
}
