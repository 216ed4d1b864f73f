// Package tree puts ARM documents on the nodes of a store: it resolves ids to nodes, renders nodes to documents, and keeps the
// references that a resource provider owns as references (D5).
//
// A stored body is the public JSON of a resource without id, name and type, and behind a NUL byte its private JSON (secrets and whatever a
// behaviour remembers). References inside the public part are marked by tokens that carry a nonce of the store, so that no
// document of a client can forge one: one token stands for the id of the top-level resource that the document belongs to, a numbered one for
// another node of the tree, with the words that were put there as the answer for the time when that node is gone.
//
// The package stands on store and arm. It knows no resource types, no rights and no HTTP.
package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// Document is a resource as JSON: what a client sees without id, name and type, and what it does not see.
type Document struct {
	Public  map[string]any
	Private map[string]any

	// bound are the ids that Decode rendered from references, by key. Encode keeps them as these references: on a store with many writers, what they
	// name may have moved between the two.
	bound map[string]store.ID
}

// Copy copies a document deeply.
func (d Document) Copy() Document {
	return Document{Public: Clone(d.Public), Private: Clone(d.Private), bound: d.bound}
}

// Over is d as what replaces a document that was read in the same transaction: ids that it took over stay the references that they were.
func (d Document) Over(read *Document) Document {
	if d.bound == nil && read != nil {
		d.bound = read.bound
	}
	return d
}

// separator stands between the public and the private part of a stored body; it cannot occur in JSON.
const separator = 0

// ParseObject reads one JSON object and keeps numbers as they are written. Anything behind the object is refused.
func ParseObject(data []byte) (map[string]any, error) {
	value, err := arm.ParseValue(data)
	object, ok := value.(map[string]any)
	if ok {
		return object, nil
	}
	trouble := "a JSON object is expected"
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		trouble = "the JSON text ends too early"
	case err != nil:
		trouble = err.Error()
	}
	return nil, errs.New(errs.Invalid, "InvalidRequestContent", "The request content was invalid and could not be deserialized: '%s'.", trouble)
}

// decode reads a stored body.
func decode(body []byte) (Document, error) {
	public, private, _ := bytes.Cut(body, []byte{separator})
	doc := Document{Private: map[string]any{}}
	var err error
	if doc.Public, err = ParseObject(public); err != nil {
		return doc, damaged(err, "a stored document cannot be read")
	}
	if len(private) > 0 {
		if doc.Private, err = ParseObject(private); err != nil {
			return doc, damaged(err, "the private part of a stored document cannot be read")
		}
	}
	return doc, nil
}

// damaged is the error for what stands in the store and cannot be read: nothing that a client sent is the reason.
func damaged(err error, what string) error {
	return errs.Wrap(errs.Internal, "StoredDocumentDamaged", err, "%s", what)
}

// buffers are where bodies grow before they are copied in their size.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// encode writes a body to be stored.
func encode(doc Document) ([]byte, error) {
	public := doc.Public
	if public == nil {
		public = map[string]any{}
	}
	buffer, _ := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	body, err := arm.AppendValue((*buffer)[:0], public)
	if err == nil && len(doc.Private) > 0 {
		body, err = arm.AppendValue(append(body, separator), doc.Private)
	}
	if err != nil {
		return nil, fmt.Errorf("encode a document: %w", err)
	}
	*buffer = body
	return bytes.Clone(body), nil
}

// Clone copies a JSON value deeply.
func Clone[T any](value T) T {
	copied, _ := clone(value).(T) // a nil stays nil
	return copied
}

func clone(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, item := range v {
			out[k] = clone(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = clone(item)
		}
		return out
	}
	return value
}

// Get returns the value at a dotted path of objects, or nil.
func Get(object map[string]any, path string) any {
	var value any = object
	for part := range strings.SplitSeq(path, ".") {
		m, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = m[part]
	}
	return value
}

// Text returns the string at a dotted path, or "".
func Text(object map[string]any, path string) string {
	text, _ := Get(object, path).(string)
	return text
}

// Flag returns the boolean at a dotted path, or false.
func Flag(object map[string]any, path string) bool {
	flag, _ := Get(object, path).(bool)
	return flag
}

// Object returns the object at a dotted path, or nil.
func Object(object map[string]any, path string) map[string]any {
	m, _ := Get(object, path).(map[string]any)
	return m
}

// Set writes a value at a dotted path and makes the objects on the way. A nil value removes the member.
func Set(object map[string]any, path string, value any) {
	parts := strings.Split(path, ".")
	for _, part := range parts[:len(parts)-1] {
		next, ok := object[part].(map[string]any)
		if !ok {
			if value == nil {
				return
			}
			next = map[string]any{}
			object[part] = next
		}
		object = next
	}
	if value == nil {
		delete(object, parts[len(parts)-1])
		return
	}
	object[parts[len(parts)-1]] = value
}

// Edit is an object in which every string at one of the places is what edit returns for it. The object itself stays as it is: what changes is copied on the way.
func Edit(object map[string]any, places arm.Paths, edit func(string) string) map[string]any {
	if changed, ok := edited(object, places, edit).(map[string]any); ok {
		return changed
	}
	return object
}

// edited is the changed copy of a value; nil when nothing in it changes. Members are visited by name.
func edited(value any, places arm.Paths, edit func(string) string) any {
	switch v := value.(type) {
	case string:
		if places == nil {
			if changed := edit(v); changed != v {
				return changed
			}
		}
	case map[string]any:
		if copied := editedMembers(v, places, edit); copied != nil {
			return copied
		}
	case []any:
		if copied := editedItems(v, places, edit); copied != nil {
			return copied
		}
	}
	return nil
}

func editedMembers(object map[string]any, places arm.Paths, edit func(string) string) map[string]any {
	var few [8]string
	names := few[:0]
	for name := range object {
		if _, named := places.At(name); named {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var copied map[string]any
	for _, name := range names {
		below, _ := places.At(name)
		changed := edited(object[name], below, edit)
		if changed == nil {
			continue
		}
		if copied == nil {
			copied = maps.Clone(object)
		}
		copied[name] = changed
	}
	return copied
}

func editedItems(list []any, places arm.Paths, edit func(string) string) []any {
	below, named := places.At("*")
	if !named {
		return nil
	}
	var copied []any
	for i, item := range list {
		changed := edited(item, below, edit)
		if changed == nil {
			continue
		}
		if copied == nil {
			copied = slices.Clone(list)
		}
		copied[i] = changed
	}
	return copied
}

// Merge applies a JSON merge patch (RFC 7396) to an object in place.
func Merge(object, patch map[string]any) {
	for key, value := range patch {
		if value == nil {
			delete(object, key)
			continue
		}
		sub, isObject := value.(map[string]any)
		if !isObject {
			object[key] = value
			continue
		}
		into, ok := object[key].(map[string]any)
		if !ok {
			into = map[string]any{}
			object[key] = into
		}
		Merge(into, sub)
	}
}
