package arm

import "strings"

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
