package arm

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrMore says that there is more text behind a JSON value.
var ErrMore = errors.New("there is more text behind the JSON value")

// readers are kept with what they have: the decoder has a buffer of its own.
var readers = sync.Pool{New: func() any { return &reading{names: map[string]string{}} }}

// Raw is a JSON value as it was written; nobody has looked into it.
type Raw []byte

// MarshalJSON is the value.
func (r Raw) MarshalJSON() ([]byte, error) { return r, nil }

// ParseValue reads one JSON value: objects are map[string]any, lists []any, numbers json.Number as they are written. As in encoding/json the last of several
// members of one name counts, and what is not UTF-8 becomes U+FFFD. ErrMore when there is more than white space behind it; io.ErrUnexpectedEOF when it is not whole.
func ParseValue(data []byte) (any, error) { return parse(data, nil) }

// ParsePart is ParseValue for whoever looks only at some places: what no path leads to is Raw, and shares the memory of data.
func ParsePart(data []byte, places Paths) (any, error) { return parse(data, places) }

func parse(data []byte, places Paths) (any, error) {
	r, _ := readers.Get().(*reading)
	defer readers.Put(r)
	r.Reset(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	r.data = data
	defer func() { r.data = nil }()
	value, err := r.value(places)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	if _, err := r.ReadToken(); err != io.EOF {
		return nil, ErrMore
	}
	return value, nil
}

// reading is one text on its way into values.
type reading struct {
	jsontext.Decoder
	data  []byte
	names map[string]string // names that were met: documents are alike
}

// How many names are remembered, and up to which length: what somebody makes up as he likes is not.
const (
	maxNames = 1000
	maxName  = 64
)

// name reads the next name of an object; false at its end.
func (r *reading) name() (string, bool, error) {
	if r.PeekKind() != '"' {
		_, err := r.ReadToken()
		return "", false, err
	}
	quoted, err := r.ReadValue()
	if err != nil {
		return "", false, err
	}
	if name, known := r.names[string(quoted)]; known {
		return name, true, nil
	}
	name, _ := jsontext.AppendUnquote(nil, quoted) // the decoder took it: all that may be wrong is UTF-8, and that is replaced
	if len(quoted) > maxName {
		return string(name), true, nil
	}
	if len(r.names) >= maxNames {
		clear(r.names)
	}
	r.names[string(quoted)] = string(name)
	return string(name), true, nil
}

// value reads the next value; all of it without places.
func (r *reading) value(places Paths) (any, error) {
	token, err := r.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '{':
		return r.object(places)
	case '[':
		return r.list(places)
	case '"':
		return token.String(), nil
	case '0':
		return json.Number(token.String()), nil
	case 't', 'f':
		return token.Bool(), nil
	}
	return nil, nil
}

func (r *reading) object(places Paths) (any, error) {
	object := map[string]any{}
	for {
		name, more, err := r.name()
		if err != nil || !more {
			return object, err
		}
		if object[name], err = r.member(places, name); err != nil {
			return nil, err
		}
	}
}

func (r *reading) list(places Paths) (any, error) {
	list := []any{}
	for r.PeekKind() != ']' {
		item, err := r.member(places, "*")
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	_, err := r.ReadToken()
	return list, err
}

// member reads the value of a member or item.
func (r *reading) member(places Paths, name string) (any, error) {
	if places == nil {
		return r.value(nil)
	}
	if below, named := places.At(name); named {
		return r.value(below)
	}
	raw, err := r.ReadValue()
	if err != nil {
		return nil, err
	}
	end := r.InputOffset()
	return Raw(r.data[end-int64(len(raw)) : end : end]), nil
}

// AppendValue writes a JSON value behind a text, byte for byte as encoding/json without escapes for HTML: members sorted by name, no white space. It is meant for what ParseValue
// returns, and takes whatever encoding/json takes; what is Raw is written as it is.
func AppendValue(to []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(to, "null"...), nil
	case bool:
		return strconv.AppendBool(to, v), nil
	case string:
		return appendText(to, v)
	case json.Number:
		if n := len(v); n > 0 && n < 19 && v[0] != '0' && strings.Trim(string(v), "0123456789") == "" {
			return append(to, v...), nil
		}
	case map[string]any:
		return appendObject(to, v)
	case Document:
		return appendObject(to, v)
	case []any:
		return appendList(to, v)
	case Raw:
		return append(to, v...), nil
	}
	return appendOther(to, value)
}

func appendObject(to []byte, object map[string]any) (_ []byte, err error) {
	if object == nil {
		return append(to, "null"...), nil
	}
	var few [24]string // most objects have no more members: no allocation
	names := slices.AppendSeq(few[:0], maps.Keys(object))
	slices.Sort(names)
	to = append(to, '{')
	for i, name := range names {
		if i > 0 {
			to = append(to, ',')
		}
		if to, err = appendText(to, name); err != nil {
			return nil, err
		}
		if to, err = AppendValue(append(to, ':'), object[name]); err != nil {
			return nil, err
		}
	}
	return append(to, '}'), nil
}

func appendList(to []byte, list []any) (_ []byte, err error) {
	if list == nil {
		return append(to, "null"...), nil
	}
	to = append(to, '[')
	for i, item := range list {
		if i > 0 {
			to = append(to, ',')
		}
		if to, err = AppendValue(to, item); err != nil {
			return nil, err
		}
	}
	return append(to, ']'), nil
}

// appendText writes a text that needs no escapes as it is, and lets encoding/json write the others.
func appendText(to []byte, text string) ([]byte, error) {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return appendOther(to, text)
		}
	}
	to = append(to, '"')
	to = append(to, text...)
	return append(to, '"'), nil
}

// appendOther is what encoding/json writes.
func appendOther(to []byte, value any) ([]byte, error) {
	b := bytes.NewBuffer(to)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}
