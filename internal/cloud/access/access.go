// Package access decides who may do what to which resource: roles and their assignments, management locks, and Azure Policy.
//
// It is pure. It takes documents as ARM clients PUT them, reports every problem in them in one pass, and answers questions about
// them: Grants.Allowed, Blocking, Policies.Evaluate, Policies.Check. Two indexes are built once from documents and then asked
// many times from many goroutines: Grants and Policies. It must not know the store, HTTP, the clock (the time is an argument) or
// any resource provider. Its floor is errs and arm.
//
// Kept but not carried out, as documented at each type: conditions of role assignments, deny assignments, management group
// inheritance, every policy effect but deny, audit and disabled.
package access

import (
	"strings"
)

// cleanScope brings a scope into the one form in which scopes are compared: a leading slash, single slashes, none at the end; "/"
// is the tenant. A clean scope is returned as it is, without allocation, because every request asks.
func cleanScope(scope string) string {
	if scope == "/" || strings.HasPrefix(scope, "/") && !strings.HasSuffix(scope, "/") && !strings.Contains(scope, "//") {
		return scope
	}
	return "/" + strings.Join(strings.FieldsFunc(scope, func(r rune) bool { return r == '/' }), "/")
}

// within reports whether a clean path is at or below a clean scope. Paths are compared without case and only on segment borders,
// so that rg1 does not cover rg10. Case is what arm.ID.Key says it is, also beyond ASCII: a name that the store finds must not
// slip past a lock.
func within(path, scope string) bool {
	if scope == "/" {
		return true
	}
	if !ascii(path) || !ascii(scope) {
		path, scope = strings.ToLower(path), strings.ToLower(scope)
	}
	if len(path) < len(scope) || !sameFold(path[:len(scope)], scope) {
		return false
	}
	return len(path) == len(scope) || path[len(scope)] == '/'
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// lowerASCII is one byte in lower case. It never changes the length of a text, as strings.ToLower may.
func lowerASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// sameFold compares without ASCII case.
func sameFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && lowerASCII(a[i]) != lowerASCII(b[i]) {
			return false
		}
	}
	return true
}

// lastIndexFold is strings.LastIndex without ASCII case.
func lastIndexFold(s, part string) int {
	for i := len(s) - len(part); i >= 0; i-- {
		if sameFold(s[i:i+len(part)], part) {
			return i
		}
	}
	return -1
}

// Within reports whether a path is at or below a scope: case-blind, on segment borders, repeated slashes counting as one.
func Within(path, scope string) bool { return within(cleanScope(path), cleanScope(scope)) }

// scopeOf is what an extension such as a lock or a role assignment hangs on: the part of its id before the last /providers/.
func scopeOf(id string) string {
	id = cleanScope(id)
	at := lastIndexFold(id, "/providers/")
	if at <= 0 {
		return "/"
	}
	return id[:at]
}

// lastSegment is the name at the end of an id.
func lastSegment(id string) string {
	id = strings.TrimRight(id, "/")
	return id[strings.LastIndexByte(id, '/')+1:]
}

// guidKey brings a role id, a guid or the full id of a role at any scope, into the form in which roles are looked up.
func guidKey(id string) string { return strings.ToLower(lastSegment(id)) }

// isGUID reports whether text has the form 8-4-4-4-12 in hexadecimal digits.
func isGUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		c := text[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
			continue
		}
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return false
		}
	}
	return true
}
