package access

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/amlmove/amlmove/internal/errs"
)

// Level says what a lock stops.
type Level string

// Levels of locks.
const (
	NotSpecified Level = "NotSpecified" // in Azure's schema, stops nothing
	CanNotDelete Level = "CanNotDelete" // stops DELETE
	ReadOnly     Level = "ReadOnly"     // stops DELETE, PUT, PATCH and POST
)

// Lock is a management lock: it holds for its scope and everything below, for every principal.
type Lock struct {
	ID    string
	Scope string
	Level Level
}

// Operation is what a lock can stop.
type Operation string

// Operations, in the words of ARM's message. An action (POST) is a write to a lock.
const (
	Write  Operation = "write"
	Delete Operation = "delete"
)

// OperationOf tells what a request does to a lock. Reads are not stopped: ok is false. A POST counts as a write, even listKeys, as
// in Azure; the caller passes by the POSTs that change nothing by contract, such as validateMoveResources.
func OperationOf(method string) (op Operation, ok bool) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return "", false
	case http.MethodDelete:
		return Delete, true
	}
	return Write, true
}

// ParseLock reads a lock as a client PUTs it. Notes and owners stay in the document.
func ParseLock(id string, body []byte) (Lock, error) {
	var d struct {
		Properties struct {
			Level string `json:"level"`
			Notes string `json:"notes"`
		} `json:"properties"`
	}
	if err := decode(body, &d); err != nil {
		return Lock{}, err
	}
	var found problems
	lock := Lock{ID: id, Scope: scopeOf(id)}
	for _, level := range []Level{NotSpecified, CanNotDelete, ReadOnly} {
		if strings.EqualFold(string(level), d.Properties.Level) {
			lock.Level = level
		}
	}
	if lock.Level == "" {
		found.add("InvalidLockLevel", "properties.level", "the level '%s' is not CanNotDelete or ReadOnly", d.Properties.Level)
	}
	if len(d.Properties.Notes) > 512 {
		found.add("InvalidLockNotes", "properties.notes", "the notes are longer than 512 characters")
	}
	return lock, found.err(fmt.Sprintf("The management lock '%s'", id))
}

// locksType is exempt from locks: who may manage locks may always remove one.
const locksType = "/providers/microsoft.authorization/locks"

// Blocking returns the locks that stop an operation at a scope, in the order given. A lock holds for what is below it. A delete is also
// stopped by a lock below: deleting a group would delete the locked resource in it.
func Blocking(locks []Lock, scope string, op Operation) []Lock {
	scope = cleanScope(scope)
	if managesLocks(scope) {
		return nil
	}
	var blocking []Lock
	for _, l := range locks {
		locked := cleanScope(l.Scope)
		switch {
		case l.Level != ReadOnly && (l.Level != CanNotDelete || op != Delete):
		case within(scope, locked), op == Delete && within(locked, scope):
			blocking = append(blocking, l)
		}
	}
	return blocking
}

func managesLocks(scope string) bool {
	at := lastIndexFold(scope, locksType)
	if at < 0 {
		return false
	}
	rest := scope[at+len(locksType):]
	return rest == "" || rest[0] == '/' && !strings.Contains(rest[1:], "/")
}

// ScopeLocked is ARM's answer to a request that locks stop. It names each locked scope once.
func ScopeLocked(scope string, op Operation, blocking []Lock) *errs.Error {
	var scopes []string
	seen := map[string]bool{}
	for _, l := range blocking {
		if key := strings.ToLower(cleanScope(l.Scope)); !seen[key] {
			seen[key] = true
			scopes = append(scopes, cleanScope(l.Scope))
		}
	}
	return errs.New(errs.Conflict, "ScopeLocked",
		"The scope '%s' cannot perform %s operation because following scope(s) are locked: '%s'. Please remove the lock and try again.",
		scope, op, strings.Join(scopes, "','")).At(scope)
}
