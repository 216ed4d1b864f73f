// Package row holds what both engines of the store do alike with a row: comparison keys, packed references, times, the
// checks of what comes in, and the words of the errors. It knows no SQL and does no I/O. Only the engines import it.
package row

import (
	"encoding/binary"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// Trash is the reserved parent of nodes that wait for Collect.
const Trash store.ID = -1

// Key folds a type, a name or a scope into the form that is compared and sorted by its bytes.
func Key(text string) string { return strings.ToLower(text) }

// Micros turns a time into the integer that is stored; the zero time survives the round trip.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// Time turns a stored integer back into a time, in UTC.
func Time(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// PackRefs writes ids as varints; no ids are nil.
func PackRefs(ids []store.ID) []byte {
	if len(ids) == 0 {
		return nil
	}
	packed := make([]byte, 0, 4*len(ids))
	for _, id := range ids {
		packed = binary.AppendVarint(packed, int64(id))
	}
	return packed
}

// UnpackRefs reads what PackRefs wrote.
func UnpackRefs(packed []byte) ([]store.ID, error) {
	var ids []store.ID
	for rest := packed; len(rest) > 0; {
		id, n := binary.Varint(rest)
		if n <= 0 {
			return nil, errs.New(errs.Internal, "StoreCorrupt", "the stored references %x cannot be read", packed)
		}
		ids = append(ids, store.ID(id))
		rest = rest[n:]
	}
	return ids, nil
}

// CheckText refuses text that one of the engines could not keep as it is.
func CheckText(what, text string) error {
	if strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
		return errs.New(errs.Invalid, "TextInvalid", "the %s %q holds a NUL or is not UTF-8", what, text)
	}
	return nil
}

// CheckWord refuses a word that is empty or that cannot be kept.
func CheckWord(what, text string) error {
	if text == "" {
		return errs.New(errs.Invalid, "TextInvalid", "a %s must not be empty", what)
	}
	return CheckText(what, text)
}

// firstOf returns the first error of several checks.
func firstOf(checks ...error) error {
	for _, err := range checks {
		if err != nil {
			return err
		}
	}
	return nil
}

// CheckNode refuses a node that cannot be inserted.
func CheckNode(n *store.Node) error {
	if n.Parent < store.Root {
		return ParentMissing(n.Parent)
	}
	return firstOf(CheckWord("type", n.Type), CheckWord("name", n.Name), CheckSave(n))
}

// CheckSave refuses what cannot be saved of a node.
func CheckSave(n *store.Node) error {
	return firstOf(CheckText("flag", n.Flag), CheckText("etag", n.ETag))
}

// CheckExtension refuses an extension that cannot be kept.
func CheckExtension(e store.Extension) error {
	return firstOf(CheckScope(e.Scope), CheckWord("type", e.Type), CheckWord("name", e.Name), CheckText("etag", e.ETag))
}

// CheckOperation refuses an operation that cannot be kept.
func CheckOperation(o store.Operation) error {
	return firstOf(CheckWord("operation id", o.ID), CheckText("kind", o.Kind), CheckText("tenant", o.Tenant),
		CheckText("subscription", o.Subscription), CheckText("principal", o.Principal), CheckText("correlation", o.Correlation))
}

// CheckScope refuses a scope that is no path without a trailing slash.
func CheckScope(scope string) error {
	if err := CheckWord("scope", scope); err != nil {
		return err
	}
	if scope[0] != '/' || len(scope) > 1 && scope[len(scope)-1] == '/' {
		return errs.New(errs.Invalid, "ScopeInvalid", "the scope %q must begin with a slash and not end with one", scope)
	}
	return nil
}

// CheckLimit refuses a page without a bound.
func CheckLimit(limit int) error {
	if limit <= 0 {
		return errs.New(errs.Invalid, "LimitInvalid", "a limit must be positive, not %d", limit)
	}
	return nil
}

// Position is the keyset position of a page of children.
type Position struct{ Type, Name string }

// After returns the folded keyset position of a range. A range of one type may leave AfterType empty; Nothing tells
// that the position lies behind every child of that type.
func After(r store.Range) (at Position, nothing bool) {
	typ, at := Key(r.Type), Position{Key(r.AfterType), Key(r.AfterName)}
	if typ == "" || at.Type == "" || at.Type == typ {
		return at, false
	}
	return Position{Type: typ}, at.Type > typ
}

// Span says how a page of extensions is read without touching a row that does not belong to it: first what is At one scope
// behind a type and a name, then what lies strictly between two keys. Either part may be missing (empty).
//
// Nobody reads from a scope to its end in one go: between the keys of a scope and of what lies below it stand its
// longer-named siblings ("/a-b" sorts between "/a" and "/a/b").
type Span struct {
	At, AfterType, AfterName string
	Low, High                string
}

// SpanOf plans the reading of a range. Within a range of one type AfterType does not matter; at a single scope AfterScope
// does not.
func SpanOf(r store.ExtensionRange) (Span, error) {
	if err := CheckScope(r.Scope); err != nil {
		return Span{}, err
	}
	scope, after := Key(r.Scope), Key(r.AfterScope)
	if after == "" && !r.Below && r.AfterName != "" {
		after = scope
	}
	var span Span
	if r.Below {
		span.Low, span.High = Borders(scope)
	}
	switch {
	case after < scope:
		span.At = scope
		return span, nil
	case after == scope:
		span.At = scope
	case after > span.Low && after < span.High:
		span.At, span.Low = after, after
	case after >= span.High: // also when nothing below is asked for
		return Span{}, nil
	}
	if span.At != "" {
		span.AfterType, span.AfterName = Key(r.AfterType), Key(r.AfterName)
	}
	return span, nil
}

// Borders returns the keys strictly between which everything below a folded scope lies.
func Borders(scope string) (low, high string) {
	if scope == "/" {
		return "/", "0" // '0' is the byte behind '/'
	}
	return scope + "/", scope + "0"
}
