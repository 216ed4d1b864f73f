package access

import (
	"strings"
	"time"
)

// frame is one evaluation: a resource, the parameters of one assignment, and what was seen on the way.
type frame struct {
	doc          map[string]any // the resource; top-level names in lower case, with id, name, fullname, type and location filled in
	resourceType string
	subject      *Subject
	parameters   map[string]any
	rule         *bound
	now          time.Time
	elements     []element    // of the counts around the condition, outermost first
	seen         []Expression // conditions evaluated, in order; not those inside a count
	private      bool         // a property of the resource was read since this was last cleared
}

// hidden is what ARM writes in place of the properties of a resource: they may hold keys and connection strings.
const hidden = "******"

// hide conceals a value that came from the properties of the resource.
func (f *frame) hide(v any) any {
	if f.private && v != nil {
		return hidden
	}
	return v
}

// read evaluates a term and returns with its value the form in which it may be shown.
func (f *frame) read(t term) (v, shown any, err error) {
	f.private = false
	v, err = t.value(f)
	return v, f.hide(v), err
}

// element is what a count looks at now.
type element struct {
	alias string // of a field count: the alias with [*]
	name  string // of a value count: its name
	value any
}

func (f *frame) record(e Expression) {
	if len(f.elements) == 0 {
		f.seen = append(f.seen, e)
	}
}

func parameterValue(f *frame, args []term) (any, error) {
	v, err := args[0].value(f)
	if err != nil {
		return nil, err
	}
	name, _ := v.(string)
	value, ok := lookup(f.parameters, name)
	if !ok {
		return nil, evaluationError("the parameter '%s' has no value", f.hide(v))
	}
	return value, nil
}

// field reads a name that may have been computed.
func (f *frame) field(name any) (field, error) {
	s, _ := name.(string)
	of, err := parseField(s)
	if err != nil && f.private {
		err = evaluationError("the field is not supported")
	}
	return of, err
}

func fieldValue(f *frame, args []term) (any, error) {
	v, err := args[0].value(f)
	if err != nil {
		return nil, err
	}
	of, err := f.field(v)
	if err != nil {
		return nil, err
	}
	values := f.values(of)
	if of.manifold() {
		return append([]any{}, values...), nil
	}
	return values[0], nil
}

// currentValue is the element that a count looks at: the innermost, or that of the count named.
func currentValue(f *frame, args []term) (any, error) {
	if len(f.elements) == 0 {
		return nil, evaluationError("current() stands outside of count")
	}
	f.private = true
	if len(args) == 0 {
		return f.elements[len(f.elements)-1].value, nil
	}
	v, err := args[0].value(f)
	if err != nil {
		return nil, err
	}
	name, _ := v.(string)
	for i := len(f.elements) - 1; i >= 0; i-- {
		e := f.elements[i]
		if e.name != "" && strings.EqualFold(e.name, name) || e.alias != "" && strings.EqualFold(e.alias, name) {
			return e.value, nil
		}
		if rest, ok := cutPrefixFold(name, e.alias); ok && e.alias != "" && strings.HasPrefix(rest, ".") {
			if found := pick(e.value, rest[1:]); len(found) > 0 {
				return found[0], nil
			}
			return nil, nil
		}
	}
	return nil, evaluationError("no count is named '%s'", name)
}

func (f *frame) resourceGroup() (any, error) {
	g := f.subject.Group
	if g.Name == "" {
		return nil, evaluationError("resourceGroup() does not apply: the resource is in no resource group")
	}
	return map[string]any{"id": g.ID, "name": g.Name, "location": g.Location, "tags": tagValues(g.Tags),
		"type": "Microsoft.Resources/resourceGroups"}, nil
}

func (f *frame) subscriptionFacts() (any, error) {
	s := f.subject.Subscription
	if s.ID == "" {
		return nil, evaluationError("subscription() does not apply: the resource is in no subscription")
	}
	return map[string]any{"id": "/subscriptions/" + s.ID, "subscriptionId": s.ID, "displayName": s.Name, "tenantId": s.Tenant,
		"tags": tagValues(s.Tags)}, nil
}

func (f *frame) policyFacts() (any, error) {
	if f.rule == nil {
		return nil, evaluationError("policy() does not apply here")
	}
	return map[string]any{"assignmentId": f.rule.assignment.ID, "definitionId": f.rule.definitionID,
		"setDefinitionId": f.rule.setID, "definitionReferenceId": f.rule.reference}, nil
}

func (f *frame) requestFacts() (any, error) {
	identity, _ := lookup(f.doc, "identity")
	return map[string]any{"apiVersion": f.subject.APIVersion, "identity": identity}, nil
}

func tagValues(tags map[string]string) map[string]any {
	out := make(map[string]any, len(tags))
	for k, v := range tags {
		out[k] = v
	}
	return out
}
