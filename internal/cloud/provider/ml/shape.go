package ml

import (
	_ "embed"
	"slices"
	"strings"
)

//go:embed shapes.txt
var published string

//go:embed shapes_more.txt
var added string

// A shape file says what bodies look like. A definition begins with its name; its members follow, indented:
//
//	name[!][~][=][$] type    ! required  ~ read-only  = fixed at creation  $ secret
//	by name value=Definition ...   which definition holds, by the value of a member
//
// A type is string, text (not empty), int, number, bool, any, object, a list A|B| of values (a leading + adds to the values
// known so far), a definition, []type or {}type. A later definition of the same name adds members, to its variants too.

// shape is what an object must look like.
type shape struct {
	name     string
	members  map[string]*member
	switchOn string
	variants map[string]*shape
}

type member struct {
	required, readOnly, fixed, secret bool
	typ                               valueType
}

type form int

const (
	formAny form = iota
	formString
	formText
	formInt
	formNumber
	formBool
	formObject
	formChoice
	formShape
	formList
	formMap
)

var forms = map[string]form{"any": formAny, "string": formString, "text": formText, "int": formInt, "number": formNumber, "bool": formBool,
	"object": formObject}

type valueType struct {
	form    form
	choices []string
	shape   *shape
	item    *valueType
}

// shapes are the definitions by name.
type shapes map[string]*shape

// readShapes reads the embedded files. A mistake in them is ours: it panics.
func readShapes() shapes {
	all := shapes{}
	all.read(published, false)
	all.read(added, true)
	for name, s := range all {
		if len(s.members) == 0 {
			panic("ml: shape " + name + " is named and not defined")
		}
	}
	return all
}

// read adds the definitions of a text. adds says that it may add to definitions that are there, and to their variants.
func (all shapes) read(text string, adds bool) {
	var current *shape
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || strings.HasPrefix(fields[0], "#"):
		case line[0] != '\t':
			current = all.named(fields[0])
		case fields[0] == "by":
			current.switchOn = fields[1]
			for _, variant := range fields[2:] {
				value, name, _ := strings.Cut(variant, "=")
				current.variants[value] = all.named(name)
			}
		default:
			name := strings.TrimRight(fields[0], "!~=$")
			flags := fields[0][len(name):]
			for _, s := range current.family(adds) {
				s.members[name] = &member{required: strings.Contains(flags, "!"), readOnly: strings.Contains(flags, "~"),
					fixed: strings.Contains(flags, "="), secret: strings.Contains(flags, "$"), typ: all.typeOf(fields[1], s.members[name])}
			}
		}
	}
}

// family is a shape, with its variants if asked: they were published with their base's members written out.
func (s *shape) family(variants bool) []*shape {
	family := []*shape{s}
	if variants {
		for _, v := range s.variants {
			family = append(family, v)
		}
	}
	return family
}

// named returns the shape of a name, made empty if it is new.
func (all shapes) named(name string) *shape {
	if all[name] == nil {
		all[name] = &shape{name: name, members: map[string]*member{}, variants: map[string]*shape{}}
	}
	return all[name]
}

// get returns a shape that must exist.
func (all shapes) get(name string) *shape {
	if all[name] == nil {
		panic("ml: no shape " + name)
	}
	return all[name]
}

func (all shapes) typeOf(word string, before *member) valueType {
	if rest, ok := strings.CutPrefix(word, "[]"); ok {
		item := all.typeOf(rest, nil)
		return valueType{form: formList, item: &item}
	}
	if rest, ok := strings.CutPrefix(word, "{}"); ok {
		item := all.typeOf(rest, nil)
		return valueType{form: formMap, item: &item}
	}
	if strings.Contains(word, "|") {
		var choices []string
		if rest, ok := strings.CutPrefix(word, "+"); ok {
			choices, word = slices.Clone(before.typ.choices), rest
		}
		choices = append(choices, strings.Split(strings.Trim(word, "|"), "|")...)
		return valueType{form: formChoice, choices: choices}
	}
	if f, ok := forms[word]; ok {
		return valueType{form: f}
	}
	return valueType{form: formShape, shape: all.named(word)}
}

// variant is the shape that holds for an object: the one its switch names, or the shape itself.
func (s *shape) variant(object map[string]any) *shape {
	for range 4 { // a variant may switch once more
		value, _ := object[s.switchOn].(string)
		next := s.variants[value]
		if s.switchOn == "" || next == nil || next == s {
			break
		}
		s = next
	}
	return s
}
