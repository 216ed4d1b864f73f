package arm

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"
)

// standard reads and writes a value as encoding/json does.
func standard(data []byte) (value any, written []byte, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&value); err != nil {
		return nil, nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, nil, ErrMore
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err = enc.Encode(value)
	return value, bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// FuzzValue compares with encoding/json: the same texts are values, they are the same values, and they are written alike, byte for byte: digests of documents depend on it.
func FuzzValue(f *testing.F) {
	for _, seed := range []string{`{"b":[1,-0,1.50,1e400,"<&>\u2028é\ud800\u0007\n",true,false,null,{}],"a":{"x":{},"y":[]},"b":2}`, `null`, ` "text" `, `[1`, `{"a":1}{}`, `{"a":1,}`, `01`, `"\x"`, "\"\xff\"", `{"":"","` + strings.Repeat("n", 40) + `":0}`, ``, `[1]x`, `nul`,
		`{"01":1,"02":1,"03":1,"04":1,"05":1,"06":1,"07":1,"08":1,"09":1,"10":1,"11":1,"12":1,"13":1,"14":1,"15":1,"16":1,"17":1,"18":1,"19":1,"20":1,"21":1,"22":1,"23":1,"24":1,"26":1,"25":1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		want, written, standardErr := standard(data)
		before := bytes.Clone(data)
		got, err := ParseValue(data)
		if (err == nil) != (standardErr == nil) {
			t.Fatalf("%q: %v, and encoding/json says %v", data, err, standardErr)
		}
		if !bytes.Equal(before, data) {
			t.Fatalf("%q became %q", before, data)
		}
		if err != nil {
			return
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q is %#v, and to encoding/json %#v", data, got, want)
		}
		text, err := AppendValue([]byte("x\n"), got)
		if err != nil || string(text) != "x\n"+string(written) {
			t.Fatalf("%q is written %q (%v), and by encoding/json %q", data, text, err, written)
		}
	})
}

// TestValuesThatAreNotParsed are what programs put into documents.
func TestValuesThatAreNotParsed(t *testing.T) {
	t.Parallel()
	for _, value := range []any{1, -2.5, Document{"b": 1, "a": []string{"<x>"}}, map[string]any(nil), []any(nil), struct{ A string }{"x"}, json.Number(""), json.Number("7"), json.Number("0"), json.Number("00"), json.Number("1-2"), json.RawMessage(`{ "a" : 1 }`), func() {}} {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		wantErr := enc.Encode(value)
		got, err := AppendValue(nil, []any{value})
		if (err == nil) != (wantErr == nil) || err == nil && string(got) != "["+strings.TrimSuffix(b.String(), "\n")+"]" {
			t.Errorf("%#v is written %s (%v), and by encoding/json %s (%v)", value, got, err, &b, wantErr)
		}
	}
	for text, want := range map[string]error{``: io.ErrUnexpectedEOF, ` `: io.ErrUnexpectedEOF, `{"a":`: io.ErrUnexpectedEOF, `{} 1`: ErrMore} {
		if _, err := ParseValue([]byte(text)); err == nil || !strings.Contains(err.Error(), want.Error()) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestLongNamesAreNotRemembered: a client may send names of megabytes, and readers are kept.
func TestLongNamesAreNotRemembered(t *testing.T) {
	t.Parallel()
	long, r := strings.Repeat("n", 1<<20), &reading{names: map[string]string{}}
	for range 2 {
		r.Reset(bytes.NewBufferString(`{"` + long + `":{"short":1}}`))
		if value, err := r.value(nil); err != nil || !reflect.DeepEqual(value, map[string]any{long: map[string]any{"short": json.Number("1")}}) {
			t.Fatalf("a document with a long name: %v", err)
		}
	}
	if len(r.names) != 1 || r.names[`"short"`] != "short" {
		t.Errorf("%d names are remembered", len(r.names))
	}
}
