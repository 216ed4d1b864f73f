// Package errs holds the one error type of the program and its kinds.
//
// Every error that a person or a client of the cloud may see is an *Error, or wraps one. The package does no I/O and
// knows nothing of HTTP, ARM or exit codes: those maps live where they are used (cloud/server, azure, cli). It is the
// lowest floor of the house; everybody may import it.
package errs

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of trouble an error is, whatever its words.
type Kind int

// The kinds of trouble. An error that was never classified is Internal.
const (
	Internal     Kind = iota // a defect of ours, or something nobody foresaw
	Invalid                  // the request or input itself is wrong; repeating it does not help
	Unauthorized             // nobody proved who they are, or the proof is expired or false
	Denied                   // known, but lacking a right
	NotFound                 // the thing named does not exist
	Conflict                 // the state of a thing forbids it now
	Precondition             // an If-Match or If-None-Match did not hold
	Throttled                // too many requests; come back later
	Unavailable              // the other side cannot answer now
	Unsupported              // known and not built: answered, never pretended
	Canceled                 // the caller gave up
)

var kindNames = [...]string{"Internal", "Invalid", "Unauthorized", "Denied", "NotFound", "Conflict", "Precondition",
	"Throttled", "Unavailable", "Unsupported", "Canceled"}

// String names the kind.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("Kind(%d)", int(k))
	}
	return kindNames[k]
}

// Error is trouble with enough said about it for a person to act.
type Error struct {
	Kind    Kind
	Code    string        // stable name, for example ResourceGroupNotFound
	Message string        // what happened, naming the thing
	Target  string        // the resource or property it is about; may be empty
	Hint    string        // what the person can do; may be empty
	Details []*Error      // further trouble below this one, nested as ARM nests it
	After   time.Duration // when a repeat may succeed; zero if unknown
	Err     error         // the cause; goes to the log, not to the client
}

// New makes an error of a kind with a code and a formatted message.
func New(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an error of a kind that hides a cause.
func Wrap(kind Kind, code string, err error, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...), Err: err}
}

// At names what the error is about and returns it.
func (e *Error) At(target string) *Error { e.Target = target; return e }

// Advise says what the person can do and returns the error.
func (e *Error) Advise(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// With hangs further errors below this one and returns it.
func (e *Error) With(details ...*Error) *Error { e.Details = append(e.Details, details...); return e }

// Error says the message, then the hint, then the cause.
func (e *Error) Error() string {
	text := e.Message
	if text == "" {
		text = e.Code
	}
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// As returns the first *Error in the chain of err, or nil.
func As(err error) *Error {
	if found, ok := errors.AsType[*Error](err); ok {
		return found
	}
	return nil
}

// KindOf returns the kind of the first *Error in the chain, or Internal. A nil error has no kind: asking is a defect.
func KindOf(err error) Kind {
	if e := As(err); e != nil {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is an *Error of the kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// Retryable reports whether the same request may succeed later.
func Retryable(err error) bool {
	kind := KindOf(err)
	return kind == Throttled || kind == Unavailable
}
