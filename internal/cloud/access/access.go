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
// so that rg1 does not cover rg10.
func within(path, scope string) bool {
	if scope == "/" {
		return true
	}
	if len(path) < len(scope) || !strings.EqualFold(path[:len(scope)], scope) {
		return false
	}
	return len(path) == len(scope) || path[len(scope)] == '/'
}

// Within reports whether a path is at or below a scope: case-blind, on segment borders, repeated slashes counting as one.
func Within(path, scope string) bool { return within(cleanScope(path), cleanScope(scope)) }

// scopeOf is what an extension such as a lock or a role assignment hangs on: the part of its id before the last /providers/.
func scopeOf(id string) string {
	id = cleanScope(id)
	at := strings.LastIndex(strings.ToLower(id), "/providers/")
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
