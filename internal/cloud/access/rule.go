package access

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// rule is a compiled policyRule.
type rule struct {
	when   condition
	effect term
}

// Effects that Azure knows. deny, audit and disabled are carried out (audit: it is reported by Check when asked for). The others are
// accepted and change nothing: this cloud neither rewrites requests nor deploys.
var effects = []string{"deny", "audit", "disabled", "append", "modify", "deployIfNotExists", "auditIfNotExists", "denyAction",
	"manual", "mutate", "addToNetworkGroup", "enforceRegoPolicy", "enforceOPAConstraint", "enforceSetting", "auditSetting"}

func knownEffect(effect string) bool {
	return slices.ContainsFunc(effects, func(e string) bool { return strings.EqualFold(e, effect) })
}

// ruleCompiler turns JSON into conditions. It goes on after a problem, to find all of them.
type ruleCompiler struct {
	*problems
	parameters map[string]Parameter
	counts     int // counts around the place where we are
}

func (c *ruleCompiler) bad(path, format string, args ...any) {
	c.add("InvalidPolicyRule", path, format, args...)
}

func (c *ruleCompiler) rule(path string, raw json.RawMessage) rule {
	v, err := parseJSON(raw)
	object, ok := v.(map[string]any)
	if err != nil || !ok {
		c.bad(path, "the policy rule is missing or not an object")
		return rule{}
	}
	var r rule
	c.onlyKeys(path, object, "if", "then")
	if when, ok := lookup(object, "if"); ok {
		r.when = c.condition(path+".if", when, 0)
	} else {
		c.bad(path+".if", "the rule has no condition")
	}
	then, _ := lookup(object, "then")
	block, _ := then.(map[string]any)
	c.onlyKeys(path+".then", block, "effect", "details")
	effect, _ := lookup(block, "effect")
	text, ok := effect.(string)
	if !ok {
		c.bad(path+".then.effect", "the rule has no effect")
		return r
	}
	r.effect = c.term(path+".then.effect", text)
	if l, ok := r.effect.(literal); ok && !knownEffect(show(l.v)) {
		c.bad(path+".then.effect", "the effect '%s' is not supported", text)
	}
	return r
}

func (c *ruleCompiler) onlyKeys(path string, object map[string]any, allowed ...string) {
	for _, key := range sortedKeys(object) {
		if !slices.ContainsFunc(allowed, func(a string) bool { return strings.EqualFold(a, key) }) {
			c.bad(path+"."+key, "the property '%s' is not expected here", key)
		}
	}
}

func (c *ruleCompiler) condition(path string, v any, depth int) condition {
	object, ok := v.(map[string]any)
	switch {
	case depth > maxNesting:
		c.bad(path, "conditions nest deeper than %d", maxNesting)
		return allOf{}
	case !ok:
		c.bad(path, "a condition must be an object, not a value of type %s", kindOf(v))
		return allOf{}
	}
	for _, logic := range []string{"allOf", "anyOf", "not"} {
		inner, found := lookup(object, logic)
		if !found {
			continue
		}
		c.onlyKeys(path, object, logic)
		path += "." + logic
		switch logic {
		case "allOf":
			return allOf(c.conditions(path, inner, depth))
		case "anyOf":
			return anyOf(c.conditions(path, inner, depth))
		}
		return not{c.condition(path, inner, depth+1)}
	}
	return c.comparison(path, object, depth)
}

func (c *ruleCompiler) conditions(path string, v any, depth int) []condition {
	items, ok := v.([]any)
	if !ok || len(items) == 0 {
		c.bad(path, "at least one condition is expected in an array")
	}
	out := make([]condition, len(items))
	for i, item := range items {
		out[i] = c.condition(fmt.Sprintf("%s[%d]", path, i), item, depth+1)
	}
	return out
}

// comparison reads {field|value|count: ..., operator: operand}.
func (c *ruleCompiler) comparison(path string, object map[string]any, depth int) condition {
	var op operator
	var operand term
	var subjects []string
	for _, key := range sortedKeys(object) {
		lower := strings.ToLower(key)
		if lower == "field" || lower == "value" || lower == "count" || lower == "source" {
			subjects = append(subjects, lower)
			continue
		}
		o, known := operators[lower]
		switch {
		case !known:
			c.bad(path+"."+key, "the operator '%s' is not supported", key)
		case operand != nil:
			c.bad(path+"."+key, "a condition has one operator, not '%s' and '%s'", strings.ToLower(op.name), key)
		}
		op, operand = o, c.operand(path+"."+key, o, object[key])
	}
	switch {
	case operand == nil:
		c.bad(path, "the condition has no operator")
	case len(subjects) != 1:
		c.bad(path, "a condition has exactly one of field, value and count")
	case subjects[0] == "source":
		c.bad(path+".source", "conditions on the source of a request are not supported")
	default:
		inner, _ := lookup(object, subjects[0])
		return c.subject(path+"."+subjects[0], subjects[0], inner, op, operand, depth)
	}
	return allOf{}
}

func (c *ruleCompiler) operand(path string, op operator, v any) term {
	t := c.term(path, v)
	if l, ok := t.(literal); ok && op.name != "" && !op.checkOperand(l.v) {
		c.bad(path, "the operator '%s' does not take a value of type %s", op.name, kindOf(v))
	}
	if _, ok := t.(list); ok && op.operand != "" && op.operand != "array" {
		c.bad(path, "the operator '%s' does not take a value of type array", op.name)
	}
	return t
}

func (c *ruleCompiler) subject(path, kind string, v any, op operator, operand term, depth int) condition {
	switch kind {
	case "field":
		if _, ok := v.(string); !ok {
			c.bad(path, "a field is named by a string, not by a value of type %s", kindOf(v))
		}
		name := c.term(path, v)
		c.checkField(path, name)
		return onField{name, op, operand}
	case "value":
		return onValue{show(v), c.term(path, v), op, operand}
	}
	return c.count(path, v, op, operand, depth)
}

func (c *ruleCompiler) checkField(path string, name term) {
	if l, ok := name.(literal); ok {
		if s, isText := l.v.(string); isText {
			if _, err := parseField(s); err != nil {
				c.bad(path, "%s", err)
			}
		}
	}
}

func sortedKeys(object map[string]any) []string {
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
