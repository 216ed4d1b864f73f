package contract

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// schema is a Swagger 2.0 schema with its references followed. A schema may contain itself.
type schema struct {
	name, typ, format string
	pattern           *regexp.Regexp
	enum              []string
	open              bool // x-ms-enum.modelAsString: other values may come
	minLength         int
	maxLength         int // 0: none
	minimum, maximum  json.Number
	required          []string
	members           map[string]*member
	items, additional *schema
	closed            bool // additionalProperties: false
	bases             []*schema
	discriminator     string
	value             string             // of the discriminator, for which this schema holds
	variants          map[string]*schema // by value of the discriminator
}

// member is a property of an object, with what stands beside its type.
type member struct {
	*schema
	readOnly, secret, writeOnly, nullable bool
}

// book is a set of descriptions that refer to each other.
type book struct {
	documents map[string]map[string]any // by absolute path
	compiled  map[string]*schema        // by path#pointer
	scanned   map[string]bool
}

func newBook() *book {
	return &book{documents: map[string]map[string]any{}, compiled: map[string]*schema{}, scanned: map[string]bool{}}
}

// document reads a description once.
func (b *book) document(path string) (map[string]any, error) {
	if doc := b.documents[path]; doc != nil {
		return doc, nil
	}
	doc, err := readObject(path)
	if err != nil {
		return nil, err
	}
	b.documents[path] = doc
	return doc, nil
}

// readObject reads a JSON file that holds one object; numbers keep their text.
func readObject(path string) (map[string]any, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var object map[string]any
	if err := decode(data, &object); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return object, nil
}

// decode reads JSON and leaves numbers as they are written.
func decode(data []byte, into any) error {
	decoder := json.NewDecoder(strings.NewReader(strings.TrimPrefix(string(data), "\ufeff")))
	decoder.UseNumber()
	return decoder.Decode(into)
}

// place is where a piece of a description stands.
type place struct {
	path    string // of the document
	pointer string // "" for a piece that has no name
	raw     map[string]any
}

// follow goes from a piece to what it refers to; the piece itself if it refers to nothing.
func (b *book) follow(p place) (place, error) {
	for range 10 {
		ref, ok := p.raw["$ref"].(string)
		if !ok {
			return p, nil
		}
		file, pointer, _ := strings.Cut(ref, "#")
		path := p.path
		if file != "" {
			path = filepath.Join(filepath.Dir(p.path), filepath.FromSlash(file))
		}
		doc, err := b.document(path)
		if err != nil {
			return p, fmt.Errorf("follow %s: %w", ref, err)
		}
		at := doc
		for _, word := range strings.Split(strings.Trim(pointer, "/"), "/") {
			if word == "" {
				continue
			}
			next, ok := at[strings.NewReplacer("~1", "/", "~0", "~").Replace(word)].(map[string]any)
			if !ok {
				return p, fmt.Errorf("%s: %s names nothing", p.path, ref)
			}
			at = next
		}
		p = place{path, pointer, at}
	}
	return p, fmt.Errorf("%s: references in a circle", p.path)
}

// schemaAt compiles the schema at a place.
func (b *book) schemaAt(p place) (*schema, error) {
	p, err := b.follow(p)
	if err != nil {
		return nil, err
	}
	key := p.path + "#" + p.pointer
	if s := b.compiled[key]; s != nil && p.pointer != "" {
		return s, nil
	}
	s := &schema{variants: map[string]*schema{}, members: map[string]*member{}, name: p.pointer[strings.LastIndexByte(p.pointer, '/')+1:]}
	if p.pointer != "" {
		b.compiled[key] = s
	}
	if err := b.fill(s, p); err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return s, nil
}

// fill reads the words of a schema.
func (b *book) fill(s *schema, p place) error {
	raw := p.raw
	s.typ, s.format, s.discriminator, s.value = text(raw, "type"), text(raw, "format"), text(raw, "discriminator"), text(raw, "x-ms-discriminator-value")
	if s.value == "" {
		s.value = s.name
	}
	if expression := text(raw, "pattern"); expression != "" {
		s.pattern, _ = regexp.Compile(expression) // expressions that Go does not know are not judged
	}
	for _, value := range list(raw["enum"]) {
		s.enum = append(s.enum, fmt.Sprint(value))
	}
	extension, _ := raw["x-ms-enum"].(map[string]any)
	s.open, _ = extension["modelAsString"].(bool)
	s.minLength, s.maxLength = whole(raw["minLength"]), whole(raw["maxLength"])
	s.minimum, _ = raw["minimum"].(json.Number)
	s.maximum, _ = raw["maximum"].(json.Number)
	for _, name := range list(raw["required"]) {
		s.required = append(s.required, fmt.Sprint(name))
	}
	var err error
	if items, ok := raw["items"].(map[string]any); ok {
		if s.items, err = b.schemaAt(place{path: p.path, raw: items}); err != nil {
			return err
		}
	}
	switch additional := raw["additionalProperties"].(type) {
	case bool:
		s.closed = !additional
	case map[string]any:
		if s.additional, err = b.schemaAt(place{path: p.path, raw: additional}); err != nil {
			return err
		}
	}
	for _, base := range list(raw["allOf"]) {
		inner, err := b.schemaAt(place{path: p.path, raw: base.(map[string]any)})
		if err != nil {
			return err
		}
		s.bases = append(s.bases, inner)
	}
	properties, _ := raw["properties"].(map[string]any)
	for name, property := range properties {
		if s.members[name], err = b.memberAt(place{path: p.path, raw: property.(map[string]any)}); err != nil {
			return err
		}
	}
	return nil
}

// memberAt compiles a property: its marks may stand beside a reference or behind it.
func (b *book) memberAt(p place) (*member, error) {
	inner, err := b.schemaAt(p)
	if err != nil {
		return nil, err
	}
	behind, err := b.follow(p)
	if err != nil {
		return nil, err
	}
	m := &member{schema: inner}
	for _, raw := range []map[string]any{p.raw, behind.raw} {
		m.readOnly = m.readOnly || raw["readOnly"] == true
		m.secret = m.secret || raw["x-ms-secret"] == true
		m.nullable = m.nullable || raw["x-nullable"] == true
		if mutability := list(raw["x-ms-mutability"]); len(mutability) > 0 {
			m.writeOnly = m.writeOnly || !slices.Contains(mutability, any("read"))
			m.readOnly = m.readOnly || len(mutability) == 1 && mutability[0] == "read"
		}
	}
	return m, nil
}

// link finds the variants of all schemas with a discriminator, in all documents read so far.
func (b *book) link() error {
	for {
		var fresh []string
		for path := range b.documents {
			if !b.scanned[path] {
				fresh = append(fresh, path)
			}
		}
		if len(fresh) == 0 {
			return nil
		}
		slices.Sort(fresh)
		for _, path := range fresh {
			b.scanned[path] = true
			definitions, _ := b.documents[path]["definitions"].(map[string]any)
			for name := range definitions {
				s, err := b.schemaAt(place{path: path, raw: map[string]any{"$ref": "#/definitions/" + name}})
				if err != nil {
					return err
				}
				s.linkTo(s.bases)
			}
		}
	}
}

// linkTo makes a schema a variant of its nearest bases with a discriminator, and of theirs that switch on the same member.
func (s *schema) linkTo(bases []*schema) {
	for _, base := range bases {
		if base.discriminator != "" {
			base.variants[s.value] = s
		}
		s.linkTo(base.bases)
	}
}

// all returns the members of a schema with those of its bases.
func (s *schema) all() (members map[string]*member, required []string, closed bool) {
	members, closed = map[string]*member{}, s.closed
	for _, base := range s.bases {
		inner, more, _ := base.all()
		for name, m := range inner {
			members[name] = m
		}
		required = append(required, more...)
	}
	for name, m := range s.members {
		members[name] = m
	}
	return members, append(required, s.required...), closed
}

// switchMember is the member that says which variant holds, or "".
func (s *schema) switchMember() string {
	if s.discriminator != "" {
		return s.discriminator
	}
	for _, base := range s.bases {
		if name := base.switchMember(); name != "" {
			return name
		}
	}
	return ""
}

// object reports whether the schema describes JSON objects.
func (s *schema) object() bool {
	return s.typ == "object" || s.typ == "" && (len(s.members) > 0 || len(s.bases) > 0 || s.additional != nil)
}

func text(object map[string]any, name string) string {
	value, _ := object[name].(string)
	return value
}

func list(value any) []any {
	values, _ := value.([]any)
	return values
}

func whole(value any) int {
	number, _ := value.(json.Number)
	n, _ := number.Int64()
	return int(n)
}
