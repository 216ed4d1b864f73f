package neighbour

import (
	"encoding/json"
	"sort"
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// JSON is the sort of value that a property holds.
type JSON int

// Sorts of values. A null counts as absent everywhere.
const (
	Any JSON = iota
	Text
	Bool
	Number
	Object
	List
	ID // a text that is a resource id
)

var words = [...]string{"a value", "a string", "a boolean", "a number", "an object", "a list", "a resource id"}

// Rule says what a property at a dotted path must be; "*" stands for every member of an object or list.
type Rule struct {
	Path  string
	Is    JSON
	Need  bool     // must be there (with "*": in every member)
	Fixed bool     // cannot change once the resource exists
	OneOf []string // the texts that are legal, compared without regard to case
}

// Shape is everything that a service declares about its documents. What it does not name is kept as it comes.
type Shape []Rule

// envelope is what ARM itself expects of every document.
var envelope = Shape{
	{Path: "location", Is: Text}, {Path: "kind", Is: Text}, {Path: "tags", Is: Object}, {Path: "tags.*", Is: Text},
	{Path: "properties", Is: Object}, {Path: "identity", Is: Object}, {Path: "identity.type", Is: Text},
	{Path: "identity.userAssignedIdentities", Is: Object}, {Path: "zones", Is: List},
}

// Put makes a Put behaviour of a shape: first the form is judged, every problem in one answer, then the service has its say (then may be nil).
func (s Shape) Put(then func(*provider.Call) error) func(*provider.Call) error {
	return func(c *provider.Call) error {
		if c.Doc.Public == nil {
			c.Doc.Public = map[string]any{}
		}
		if err := append(envelope[:len(envelope):len(envelope)], s...).check(c.Doc.Public); err != nil {
			return err
		}
		if err := s.unchanged(c); err != nil {
			return err
		}
		if then == nil {
			return nil
		}
		return then(c)
	}
}

// Body judges the body of an action.
func (s Shape) Body(do func(*provider.Call) (any, error)) func(*provider.Call) (any, error) {
	return func(c *provider.Call) (any, error) {
		if err := s.check(c.Body); err != nil {
			return nil, err
		}
		return do(c)
	}
}

// check returns one error for every rule that an object breaks.
func (s Shape) check(object map[string]any) error {
	var problems []*errs.Error
	for _, rule := range s {
		each(object, strings.Split(rule.Path, "."), "", rule.Need, func(at string, value any) {
			if problem := rule.judge(at, value); problem != nil {
				problems = append(problems, problem)
			}
		})
	}
	return together(problems)
}

// each visits the values at a path. A missing one is visited as nil when it is needed.
func each(value any, path []string, at string, need bool, visit func(at string, value any)) {
	if len(path) == 0 {
		if value != nil || need {
			visit(at, value)
		}
		return
	}
	if path[0] == "*" {
		eachMember(value, path[1:], at, need, visit)
		return
	}
	if at != "" {
		at += "."
	}
	switch v := value.(type) {
	case map[string]any:
		each(v[path[0]], path[1:], at+path[0], need, visit)
	case nil:
		each(nil, path[1:], at+path[0], need, visit)
	}
}

func eachMember(value any, path []string, at string, need bool, visit func(at string, value any)) {
	switch v := value.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		sort.Strings(keys)
		for _, key := range keys {
			each(v[key], path, at+"."+key, need, visit)
		}
	case []any:
		for i, item := range v {
			each(item, path, at+"["+strconv.Itoa(i)+"]", need, visit)
		}
	}
}

// judge says what is wrong with one value; nil if nothing is.
func (r Rule) judge(at string, value any) *errs.Error {
	if value == nil {
		return errs.New(errs.Invalid, "MissingRequiredProperty", "The required property '%s' is missing.", at).At(at)
	}
	if !r.Is.holds(value) {
		return errs.New(errs.Invalid, "InvalidRequestContent",
			"The request content was invalid and could not be deserialized: 'the property '%s' must be %s, not %s'.", at, words[r.Is], sortOf(value)).At(at)
	}
	text, _ := value.(string)
	if r.Is == ID && !isID(text) {
		return errs.New(errs.Invalid, "LinkedInvalidPropertyId", "Property id '%s' at path '%s' is invalid. Expect fully qualified resource Id that start with "+
			"'/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/'.", text, at).At(at)
	}
	if len(r.OneOf) > 0 && !oneOf(r.OneOf, text) {
		return errs.New(errs.Invalid, "InvalidRequestPropertyValue", "The value '%s' of the property '%s' is invalid. Allowed values: %s.",
			text, at, strings.Join(r.OneOf, ", ")).At(at)
	}
	return nil
}

// holds reports whether a value is of a sort.
func (j JSON) holds(value any) bool {
	switch value.(type) {
	case string:
		return j == Text || j == ID || j == Any
	case bool:
		return j == Bool || j == Any
	case json.Number, float64, int, int64:
		return j == Number || j == Any
	case map[string]any:
		return j == Object || j == Any
	case []any:
		return j == List || j == Any
	}
	return j == Any
}

// sortOf names the sort of a value for a person.
func sortOf(value any) string {
	for j := Text; j <= List; j++ {
		if j.holds(value) {
			return words[j]
		}
	}
	return words[Any]
}

func isID(text string) bool {
	id, err := arm.Parse(text)
	return err == nil && len(id) > 0 && (id.Subscription() != "" || id[0].Namespace != "")
}

func oneOf(legal []string, text string) bool {
	for _, word := range legal {
		if strings.EqualFold(word, text) {
			return true
		}
	}
	return false
}

// together makes one error of many.
func together(problems []*errs.Error) error {
	switch len(problems) {
	case 0:
		return nil
	case 1:
		return problems[0]
	}
	return errs.New(errs.Invalid, problems[0].Code, "The document has %d invalid properties. The first: %s", len(problems), problems[0].Message).
		At(problems[0].Target).With(problems...)
}

// unchanged refuses a change of what is fixed. A property that a replacing document leaves out keeps its value.
func (s Shape) unchanged(c *provider.Call) error {
	if c.Old == nil {
		return nil
	}
	for _, rule := range s {
		if !rule.Fixed {
			continue
		}
		before, now := tree.Get(c.Old.Public, rule.Path), tree.Get(c.Doc.Public, rule.Path)
		switch {
		case now == nil:
			tree.Set(c.Doc.Public, rule.Path, before)
		case before != nil && !same(before, now):
			return provider.Conflict("PropertyChangeNotAllowed", "Changing property '%s' is not allowed.", rule.Path).At(rule.Path)
		}
	}
	return nil
}

// same compares two values as ARM does: texts without regard to case.
func same(a, b any) bool {
	if x, ok := a.(string); ok {
		y, ok := b.(string)
		return ok && strings.EqualFold(x, y)
	}
	left, errLeft := json.Marshal(a)
	right, errRight := json.Marshal(b)
	return errLeft == nil && errRight == nil && string(left) == string(right)
}
