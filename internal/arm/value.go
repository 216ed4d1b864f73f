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

// decoders are kept: each has a buffer of its own.
var decoders = sync.Pool{New: func() any { return new(jsontext.Decoder) }}

// ParseValue reads one JSON value: objects are map[string]any, lists []any, numbers json.Number as they are written. As in encoding/json the last of several
// members of one name counts, and what is not UTF-8 becomes U+FFFD. ErrMore when there is more than white space behind it; io.ErrUnexpectedEOF when it is not whole.
func ParseValue(data []byte) (any, error) {
	dec, _ := decoders.Get().(*jsontext.Decoder)
	defer decoders.Put(dec)
	dec.Reset(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	value, err := parseValue(dec)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	if _, err := dec.ReadToken(); err != io.EOF {
		return nil, ErrMore
	}
	return value, nil
}

func parseValue(dec *jsontext.Decoder) (any, error) {
	token, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '{':
		return parseObject(dec)
	case '[':
		return parseList(dec)
	case '"':
		return token.String(), nil
	case '0':
		return json.Number(token.String()), nil
	case 't', 'f':
		return token.Bool(), nil
	}
	return nil, nil
}

func parseObject(dec *jsontext.Decoder) (any, error) {
	object := map[string]any{}
	for {
		name, err := dec.ReadToken()
		if err != nil || name.Kind() == '}' {
			return object, err
		}
		key := name.String() // the token is gone with the next one
		if object[key], err = parseValue(dec); err != nil {
			return nil, err
		}
	}
}

func parseList(dec *jsontext.Decoder) (any, error) {
	list := []any{}
	for dec.PeekKind() != ']' {
		item, err := parseValue(dec)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	_, err := dec.ReadToken()
	return list, err
}

// AppendValue writes a JSON value behind a text, byte for byte as encoding/json without escapes for HTML: members sorted by name, no white space. It is meant for what ParseValue
// returns, and takes whatever encoding/json takes.
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
