package ml

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/internal/errs"
)

// judge reports everything that is wrong with a body and spells choices as the service does.
func (s *shape) judge(object map[string]any) error {
	var trouble []*errs.Error
	s.check("", object, func(path, format string, args ...any) {
		trouble = append(trouble, errs.New(errs.Invalid, "ValidationError", format, args...).At(path))
	})
	return refused(trouble)
}

// refused makes one error of many, the way the service nests them.
func refused(trouble []*errs.Error) error {
	if len(trouble) == 0 {
		return nil
	}
	sort.Slice(trouble, func(i, j int) bool { return trouble[i].Target < trouble[j].Target })
	first := trouble[0]
	return errs.New(errs.Invalid, "ValidationError", "The request is invalid: %s", first.Message).At(first.Target).With(trouble...)
}

type report func(path, format string, args ...any)

func (s *shape) check(path string, object map[string]any, tell report) {
	if s.switchOn != "" {
		if m := s.members[s.switchOn]; m != nil {
			s.checkMember(join(path, s.switchOn), s.switchOn, m, object, tell)
		}
		s = s.variant(object)
	}
	for name, m := range s.members {
		if name != s.switchOn {
			s.checkMember(join(path, name), name, m, object, tell)
		}
	}
}

func (s *shape) checkMember(path, name string, m *member, object map[string]any, tell report) {
	if m.readOnly {
		return // whatever the client says, the service knows better
	}
	value, there := object[name]
	if !there || value == nil {
		if m.required {
			tell(path, "the property '%s' is required.", path)
		}
		return
	}
	m.typ.check(path, value, func(spelled any) { object[name] = spelled }, tell)
}

func (t *valueType) check(path string, value any, put func(any), tell report) {
	wrong := func(want string) { tell(path, "the property '%s' must be %s, not %s.", path, want, kindOf(value)) }
	switch t.form {
	case formString, formText, formChoice:
		text, ok := value.(string)
		switch {
		case !ok:
			wrong("a string")
		case t.form == formText && strings.TrimSpace(text) == "":
			tell(path, "the property '%s' must not be empty.", path)
		case t.form == formChoice:
			at := slices.IndexFunc(t.choices, func(c string) bool { return strings.EqualFold(c, text) })
			if at < 0 {
				tell(path, "the value '%s' of the property '%s' is not one of %s.", text, path, strings.Join(t.choices, ", "))
				return
			}
			put(t.choices[at])
		}
	case formInt, formNumber:
		if !isNumber(value, t.form == formInt) {
			wrong(map[bool]string{true: "an integer", false: "a number"}[t.form == formInt])
		}
	case formBool:
		if _, ok := value.(bool); !ok {
			wrong("true or false")
		}
	case formObject, formShape, formMap:
		object, ok := value.(map[string]any)
		switch {
		case !ok:
			wrong("an object")
		case t.form == formShape:
			t.shape.check(path, object, tell)
		case t.form == formMap:
			for key, item := range object {
				if item != nil {
					t.item.check(join(path, key), item, func(spelled any) { object[key] = spelled }, tell)
				}
			}
		}
	case formList:
		list, ok := value.([]any)
		if !ok {
			wrong("a list")
			return
		}
		for i, item := range list {
			if item == nil {
				tell(path, "the property '%s[%d]' must not be null.", path, i)
				continue
			}
			t.item.check(fmt.Sprintf("%s[%d]", path, i), item, func(spelled any) { list[i] = spelled }, tell)
		}
	}
}

// keepReadOnly makes read-only members what they were before; the client's words for them are dropped.
func (s *shape) keepReadOnly(object, old map[string]any) {
	s = s.variant(object)
	for name, m := range s.members {
		if m.readOnly && name != "provisioningState" { // that one is the control plane's
			delete(object, name)
			if value, was := old[name]; was {
				object[name] = copyOf(value)
			}
			continue
		}
		if inner, ok := object[name].(map[string]any); ok && m.typ.form == formShape {
			before, _ := old[name].(map[string]any)
			m.typ.shape.keepReadOnly(inner, before)
		}
	}
}

// keepFixed restores fixed members that the client left out and tells of those it wants to change.
func (s *shape) keepFixed(path string, object, old map[string]any, tell report) {
	s = s.variant(object)
	for name, m := range s.members {
		before, was := old[name]
		switch now, is := object[name]; {
		case !was || before == nil:
		case m.fixed && (!is || now == nil):
			object[name] = copyOf(before)
		case m.fixed:
			if !same(now, before) {
				tell(join(path, name), "the property '%s' cannot be changed once the resource exists.", join(path, name))
			}
		case m.typ.form == formShape:
			inner, _ := now.(map[string]any)
			if beforeInner, ok := before.(map[string]any); ok && inner != nil {
				m.typ.shape.keepFixed(join(path, name), inner, beforeInner, tell)
			}
		}
	}
}

// same compares two JSON values; members that are null count as absent.
func same(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			return false
		}
		for key, item := range x {
			if !same(item, y[key]) {
				return false
			}
		}
		for key, item := range y {
			if _, there := x[key]; !there && item != nil {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, same)
	case json.Number, float64, int:
		return fmt.Sprint(a) == fmt.Sprint(b)
	}
	return a == b
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func kindOf(value any) string {
	switch value.(type) {
	case string:
		return "a string"
	case bool:
		return "true or false"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	}
	return "a number"
}

func isNumber(value any, whole bool) bool {
	switch v := value.(type) {
	case json.Number:
		if _, err := v.Int64(); err == nil {
			return true
		}
		f, err := v.Float64()
		return err == nil && (!whole || f == float64(int64(f)))
	case int:
		return true
	case float64:
		return !whole || v == float64(int64(v))
	}
	return false
}

// number reads a JSON number, or returns what stands in for it.
func number(value any, otherwise int) int {
	switch v := value.(type) {
	case json.Number:
		if f, err := strconv.ParseFloat(v.String(), 64); err == nil {
			return int(f)
		}
	case float64:
		return int(v)
	case int:
		return v
	}
	return otherwise
}
