package access

import (
	"fmt"
	"strings"
)

// maxCounts is Azure's bound on counts inside counts.
const maxCounts = 3

func (c *ruleCompiler) count(path string, v any, op operator, operand term, depth int) condition {
	object, ok := v.(map[string]any)
	if !ok {
		c.bad(path, "count must be an object, not a value of type %s", kindOf(v))
		return allOf{}
	}
	c.onlyKeys(path, object, "field", "value", "name", "where")
	if c.counts++; c.counts > maxCounts {
		c.bad(path, "counts nest deeper than %d", maxCounts)
	}
	defer func() { c.counts-- }()
	counted := onCount{op: op, operand: operand}
	alias, hasField := lookup(object, "field")
	list, hasValue := lookup(object, "value")
	switch {
	case hasField == hasValue:
		c.bad(path, "count has exactly one of field and value")
	case hasField:
		counted.field, _ = alias.(string)
		if of, err := parseField(counted.field); err != nil || !of.manifold() {
			c.bad(path+".field", "'%s' is not an alias with [*]", counted.field)
		}
	default:
		counted.list = c.term(path+".value", list)
		if name, ok := lookup(object, "name"); ok {
			counted.name, _ = name.(string)
		}
	}
	if where, ok := lookup(object, "where"); ok {
		counted.where = c.condition(path+".where", where, depth+1)
	}
	return counted
}

// term compiles a value of the rule: expressions in strings, and in the elements of lists. Objects stay as they are.
func (c *ruleCompiler) term(path string, v any) term {
	switch v := v.(type) {
	case string:
		if strings.HasPrefix(v, "[[") {
			return literal{v[1:]}
		}
		if !isExpression(v) {
			return literal{v}
		}
		t, err := parseExpression(v[1 : len(v)-1])
		if err != nil {
			c.bad(path, "%s", err)
			return literal{v}
		}
		c.checkCalls(path, t)
		return t
	case []any:
		return c.list(path, v)
	}
	return literal{v}
}

// list stays a literal as long as it holds no expression, so that its type can be checked.
func (c *ruleCompiler) list(path string, items []any) term {
	terms, plain := make(list, len(items)), make([]any, len(items))
	constant := true
	for i, item := range items {
		terms[i] = c.term(fmt.Sprintf("%s[%d]", path, i), item)
		l, ok := terms[i].(literal)
		constant = constant && ok
		plain[i] = l.v
	}
	if constant {
		return literal{plain}
	}
	return terms
}

// checkCalls looks into an expression for parameters that the definition does not have and fields that do not exist.
func (c *ruleCompiler) checkCalls(path string, t term) {
	switch t := t.(type) {
	case member:
		c.checkCalls(path, t.of)
		c.checkCalls(path, t.key)
	case call:
		for _, arg := range t.args {
			c.checkCalls(path, arg)
		}
		if len(t.args) == 0 {
			return
		}
		name, ok := t.args[0].(literal)
		if !ok {
			return
		}
		switch t.name {
		case "parameters":
			if _, known := parameter(c.parameters, show(name.v)); !known {
				c.bad(path, "the parameter '%s' is not defined", show(name.v))
			}
		case "field":
			c.checkField(path, name)
		}
	}
}

// parameter finds a parameter by name, without case.
func parameter(parameters map[string]Parameter, name string) (Parameter, bool) {
	if p, ok := parameters[name]; ok {
		return p, true
	}
	for key, p := range parameters {
		if strings.EqualFold(key, name) {
			return p, true
		}
	}
	return Parameter{}, false
}
