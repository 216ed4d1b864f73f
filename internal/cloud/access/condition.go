package access

import (
	"strings"
)

// condition is the compiled "if" of a rule.
type condition interface {
	holds(*frame) (bool, error)
}

type allOf []condition

func (c allOf) holds(f *frame) (bool, error) {
	for _, part := range c {
		if ok, err := part.holds(f); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

type anyOf []condition

func (c anyOf) holds(f *frame) (bool, error) {
	for _, part := range c {
		if ok, err := part.holds(f); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

type not struct{ of condition }

func (c not) holds(f *frame) (bool, error) {
	ok, err := c.of.holds(f)
	return err == nil && !ok, err
}

// Expression is one condition that was evaluated, in the form in which ARM reports it. Values of properties are hidden, as in Azure.
type Expression struct {
	Result          string `json:"result"`         // True or False
	ExpressionKind  string `json:"expressionKind"` // Field, Value or Count
	Expression      string `json:"expression"`
	Path            string `json:"path,omitempty"`
	ExpressionValue any    `json:"expressionValue,omitempty"`
	TargetValue     any    `json:"targetValue,omitempty"`
	Operator        string `json:"operator"`
}

func (e Expression) held() bool { return e.Result == "True" }

func result(ok bool) string {
	if ok {
		return "True"
	}
	return "False"
}

// onField compares a field with an operand.
type onField struct {
	name    term // the name of the field, which may be computed
	op      operator
	operand term
}

func (c onField) holds(f *frame) (bool, error) {
	name, shownName, err := f.read(c.name)
	if err != nil {
		return false, err
	}
	of, err := f.field(name)
	if err != nil {
		return false, err
	}
	operand, shownOperand, err := f.read(c.operand)
	if err != nil {
		return false, err
	}
	f.private = false
	values := f.values(of)
	shown := f.hide(reported(of, values))
	target := operand
	if of.kind == plainField && of.name == "location" {
		values, target = normalLocation(values).([]any), normalLocation(operand)
	}
	ok, err := c.every(of, values, target)
	if err != nil {
		return false, err
	}
	path := of.path(f.resourceType)
	if shownName != name {
		path = hidden
	}
	f.record(Expression{result(ok), "Field", show(shownName), path, shown, shownOperand, c.op.name})
	return ok, nil
}

// every is the meaning of a field with [*]: each element must satisfy the condition, and an empty list satisfies any but exists.
func (c onField) every(of field, values []any, operand any) (bool, error) {
	if of.manifold() && c.op.name == "Exists" {
		var together any
		if len(values) > 0 {
			together = values
		}
		return c.op.holds(together, operand)
	}
	for _, v := range values {
		if ok, err := c.op.holds(v, operand); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func reported(of field, values []any) any {
	if of.manifold() {
		return values
	}
	return values[0]
}

// onValue compares the value of an expression with an operand.
type onValue struct {
	source  string // as written
	of      term
	op      operator
	operand term
}

func (c onValue) holds(f *frame) (bool, error) {
	v, shown, err := f.read(c.of)
	if err != nil {
		return false, err
	}
	operand, shownOperand, err := f.read(c.operand)
	if err != nil {
		return false, err
	}
	ok, err := c.op.holds(v, operand)
	if err != nil {
		return false, err
	}
	f.record(Expression{result(ok), "Value", c.source, "", shown, shownOperand, c.op.name})
	return ok, nil
}

// onCount compares the number of elements that satisfy a condition with an operand. The elements are those of a field with [*], or
// of a list.
type onCount struct {
	field   string // alias with [*]; empty for a value count
	list    term   // of a value count
	name    string // of a value count, for current('name')
	where   condition
	op      operator
	operand term
}

// maxCounted is Azure's bound on the elements of a value count.
const maxCounted = 100

func (c onCount) holds(f *frame) (bool, error) {
	items, err := c.items(f)
	if err != nil {
		return false, err
	}
	count := 0
	for _, item := range items {
		ok, err := c.counts(f, item)
		if err != nil {
			return false, err
		}
		if ok {
			count++
		}
	}
	operand, shown, err := f.read(c.operand)
	if err != nil {
		return false, err
	}
	ok, err := c.op.holds(float64(count), operand)
	if err != nil {
		return false, err
	}
	expression := c.field
	if expression == "" {
		expression = c.name
	}
	f.record(Expression{result(ok), "Count", expression, expression, count, shown, c.op.name})
	return ok, nil
}

func (c onCount) items(f *frame) ([]any, error) {
	if c.field != "" {
		of, err := parseField(c.field)
		if err != nil {
			return nil, err
		}
		return f.values(of), nil
	}
	v, err := c.list.value(f)
	if err != nil {
		return nil, err
	}
	items, ok := v.([]any)
	if !ok {
		return nil, evaluationError("count wants an array, not a value of type %s", kindOf(v))
	}
	if len(items) > maxCounted {
		return nil, evaluationError("count takes no more than %d elements", maxCounted)
	}
	return items, nil
}

func (c onCount) counts(f *frame, item any) (bool, error) {
	if c.where == nil {
		return true, nil
	}
	f.elements = append(f.elements, element{alias: strings.ToLower(c.field), name: c.name, value: item})
	defer func() { f.elements = f.elements[:len(f.elements)-1] }()
	return c.where.holds(f)
}
