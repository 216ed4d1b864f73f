package access

import (
	"fmt"
	"strconv"
	"strings"
)

// term is a part of a rule that has a value: a literal, a list, or a template expression.
type term interface {
	value(*frame) (any, error)
}

type literal struct{ v any }

func (l literal) value(*frame) (any, error) { return l.v, nil }

type list []term

func (l list) value(f *frame) (any, error) {
	out := make([]any, len(l))
	for i, t := range l {
		v, err := t.value(f)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// call is a function of the template language with its arguments, which the function evaluates itself: if, and, or are lazy.
type call struct {
	name     string // lower case
	function function
	args     []term
}

func (c call) value(f *frame) (any, error) { return c.function.run(f, c.args) }

// member is a property, or an element, of a value: resourceGroup().location, parameters('list')[0].
type member struct{ of, key term }

func (m member) value(f *frame) (any, error) {
	of, err := m.of.value(f)
	if err != nil {
		return nil, err
	}
	key, err := m.key.value(f)
	if err != nil {
		return nil, err
	}
	switch of := of.(type) {
	case map[string]any:
		if name, ok := key.(string); ok {
			if v, found := lookup(of, name); found {
				return v, nil
			}
			return nil, evaluationError("the property '%s' does not exist", f.hide(name))
		}
	case []any:
		if at, ok := number(key); ok {
			if !(at >= 0 && at < float64(len(of))) { // false for NaN too
				return nil, evaluationError("the index %v is out of bounds", at)
			}
			return of[int(at)], nil
		}
	}
	return nil, evaluationError("a value of type %s has no member of type %s", kindOf(of), kindOf(key))
}

// isExpression tells a template expression from a literal: "[...]" is one, "[[..." is an escaped bracket.
func isExpression(s string) bool {
	return strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") && !strings.HasPrefix(s, "[[")
}

// maxNesting bounds how deep an expression and a condition may nest.
const maxNesting = 64

// parseExpression reads the text between the outer brackets.
func parseExpression(s string) (term, error) {
	p := &expressionParser{text: s}
	t, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if p.skip(); p.at < len(p.text) {
		return nil, p.unexpected()
	}
	return t, nil
}

type expressionParser struct {
	text string
	at   int
}

func (p *expressionParser) skip() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// accept takes one character if it is next.
func (p *expressionParser) accept(c byte) bool {
	p.skip()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *expressionParser) unexpected() error {
	if p.at >= len(p.text) {
		return fmt.Errorf("the expression '[%s]' ends too early", p.text)
	}
	return fmt.Errorf("unexpected '%c' at position %d of the expression '[%s]'", p.text[p.at], p.at, p.text)
}

func (p *expressionParser) expression(depth int) (term, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("the expression nests deeper than %d", maxNesting)
	}
	t, err := p.primary(depth)
	for err == nil {
		switch {
		case p.accept('.'):
			name := p.word()
			if name == "" {
				return nil, p.unexpected()
			}
			t = member{t, literal{name}}
		case p.accept('['):
			var key term
			if key, err = p.expression(depth + 1); err != nil {
				return nil, err
			}
			if !p.accept(']') {
				return nil, p.unexpected()
			}
			t = member{t, key}
		default:
			return t, nil
		}
	}
	return nil, err
}

func (p *expressionParser) primary(depth int) (term, error) {
	p.skip()
	if p.at >= len(p.text) {
		return nil, p.unexpected()
	}
	switch c := p.text[p.at]; {
	case c == '\'':
		return p.quoted()
	case c == '-' || '0' <= c && c <= '9':
		start := p.at
		for p.at++; p.at < len(p.text) && strings.IndexByte("0123456789.", p.text[p.at]) >= 0; p.at++ {
		}
		n, err := strconv.ParseFloat(p.text[start:p.at], 64)
		if err != nil {
			return nil, fmt.Errorf("'%s' is not a number", p.text[start:p.at])
		}
		return literal{n}, nil
	}
	name := p.word()
	if name == "" || !p.accept('(') {
		return nil, p.unexpected()
	}
	args, err := p.arguments(depth)
	if err != nil {
		return nil, err
	}
	return newCall(name, args)
}

func (p *expressionParser) arguments(depth int) ([]term, error) {
	var args []term
	if p.accept(')') {
		return nil, nil
	}
	for {
		arg, err := p.expression(depth + 1)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
		if p.accept(')') {
			return args, nil
		}
		if !p.accept(',') {
			return nil, p.unexpected()
		}
	}
}

// quoted reads a string; a doubled quote stands for one.
func (p *expressionParser) quoted() (term, error) {
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		if p.text[p.at] != '\'' {
			b.WriteByte(p.text[p.at])
			continue
		}
		if p.at+1 < len(p.text) && p.text[p.at+1] == '\'' {
			b.WriteByte('\'')
			p.at++
			continue
		}
		p.at++
		return literal{b.String()}, nil
	}
	return nil, p.unexpected()
}

func (p *expressionParser) word() string {
	p.skip()
	start := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			break
		}
		p.at++
	}
	return p.text[start:p.at]
}

// newCall resolves a function by name, without case, and checks the number of its arguments.
func newCall(name string, args []term) (term, error) {
	key := strings.ToLower(name)
	fn, known := functions[key]
	switch {
	case !known:
		return nil, fmt.Errorf("the function '%s' is not supported", name)
	case len(args) < fn.least || fn.most >= 0 && len(args) > fn.most:
		return nil, fmt.Errorf("the function '%s' does not take %d argument(s)", name, len(args))
	}
	return call{key, fn, args}, nil
}
