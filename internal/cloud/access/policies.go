package access

import (
	"slices"
	"strings"
	"time"
)

// Policies is all policy in force, ready to be asked. It is built once from documents, never changes, and is safe to be asked from many
// goroutines.
//
// Management groups are not resolved: an assignment on one holds for nothing below it, as the hierarchy is not in a path.
type Policies struct {
	definitions map[string]*Definition // by lower-case id
	initiatives map[string]*Initiative
	bound       []*bound
	exemptions  []Exemption
}

// bound is one definition in force through one assignment.
type bound struct {
	assignment   *PolicyAssignment
	definition   *Definition // nil when it does not exist
	definitionID string
	set          *Initiative // nil without initiative
	setID        string
	reference    string
	parameters   map[string]any
	failure      error // why the rule cannot be evaluated at all
}

// NewPolicies resolves assignments to definitions and parameters to values, sorted by the id of the assignment. It takes whatever is
// there: an assignment that cannot be resolved, which CheckAssignment would have refused, denies everything in its scope and says why.
func NewPolicies(definitions []Definition, initiatives []Initiative, assignments []PolicyAssignment, exemptions []Exemption) *Policies {
	p := &Policies{definitions: map[string]*Definition{}, initiatives: map[string]*Initiative{}, exemptions: slices.Clone(exemptions)}
	for _, d := range definitions {
		p.definitions[idKey(d.ID)] = &d
	}
	for _, i := range initiatives {
		p.initiatives[idKey(i.ID)] = &i
	}
	assignments = slices.Clone(assignments)
	slices.SortStableFunc(assignments, func(a, b PolicyAssignment) int { return strings.Compare(idKey(a.ID), idKey(b.ID)) })
	for _, a := range assignments {
		p.bind(&a)
	}
	return p
}

// Reach reports whether any assignment is in force at a place: where none is, nothing need be described to Evaluate.
func (p *Policies) Reach(place string) bool {
	place = cleanScope(place)
	return slices.ContainsFunc(p.bound, func(b *bound) bool { return b.reaches(place) })
}

func idKey(id string) string { return strings.ToLower(cleanScope(id)) }

func (p *Policies) bind(a *PolicyAssignment) {
	set, ok := p.initiatives[idKey(a.DefinitionID)]
	if !ok {
		b := &bound{assignment: a, definitionID: a.DefinitionID, definition: p.definitions[idKey(a.DefinitionID)]}
		b.resolve(a.Parameters)
		p.bound = append(p.bound, b)
		return
	}
	outer, failure := effective(set.Parameters, a.Parameters)
	for _, m := range set.Members {
		b := &bound{assignment: a, set: set, setID: set.ID, reference: m.ReferenceID, definitionID: m.DefinitionID,
			definition: p.definitions[idKey(m.DefinitionID)], failure: failure}
		given := make(map[string]any, len(m.terms))
		for name, t := range m.terms {
			v, err := t.value(&frame{parameters: outer, rule: b, subject: &Subject{}})
			if err != nil && b.failure == nil {
				b.failure = err
			}
			given[name] = v
		}
		b.resolve(given)
		p.bound = append(p.bound, b)
	}
}

func (b *bound) resolve(given map[string]any) {
	switch {
	case b.failure != nil:
	case b.definition == nil:
		b.failure = evaluationError("the policy definition '%s' does not exist", b.definitionID)
	default:
		b.definitionID = b.definition.ID
		b.parameters, b.failure = effective(b.definition.Parameters, given)
	}
}

// effective is the value of every parameter: the one given, or the default.
func effective(declared map[string]Parameter, given map[string]any) (map[string]any, error) {
	values := make(map[string]any, len(declared))
	var missing []string
	for name, p := range declared {
		v, ok := lookup(given, name)
		if !ok {
			if v = p.Default; v == nil {
				missing = append(missing, name)
			}
		}
		values[name] = v
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return values, evaluationError("the parameter(s) '%s' have no value", strings.Join(missing, ", "))
	}
	return values, nil
}

// outcome is what one rule says of a resource.
type outcome struct {
	*bound
	effect  string
	applies bool // the condition holds
	failure error
	seen    []Expression
}

// outcomes asks every enforced rule that reaches the subject.
func (p *Policies) outcomes(s *Subject, now time.Time) []outcome {
	var out []outcome
	place := s.place()
	base, err := s.frame()
	for _, b := range p.bound {
		if !b.reaches(place) {
			continue
		}
		if err != nil {
			out = append(out, outcome{bound: b, effect: "deny", failure: err})
			continue
		}
		f := *base
		f.parameters, f.rule, f.now = b.parameters, b, now
		if p.passesBy(b, &f, place) {
			continue
		}
		out = append(out, b.evaluate(&f))
	}
	return out
}

func (b *bound) reaches(place string) bool {
	return b.assignment.Enforced && within(place, b.assignment.Scope) &&
		!slices.ContainsFunc(b.assignment.NotScopes, func(scope string) bool { return within(place, cleanScope(scope)) })
}

// untrackedTypes are never looked at by definitions of mode Indexed.
var untrackedTypes = []string{"microsoft.resources/subscriptions/resourcegroups", "microsoft.resources/subscriptions",
	"microsoft.resources/deployments"}

func (p *Policies) passesBy(b *bound, f *frame, place string) bool {
	if d := b.definition; d != nil {
		untracked := f.subject.Untracked || slices.Contains(untrackedTypes, strings.ToLower(f.resourceType))
		if !d.evaluatedHere() || d.indexed() && untracked {
			return true
		}
	}
	if !selected(b.assignment.Selectors, f) {
		return true
	}
	return slices.ContainsFunc(p.exemptions, func(e Exemption) bool { return e.frees(place, b, f, f.now) })
}

func (b *bound) evaluate(f *frame) outcome {
	o := outcome{bound: b, failure: b.failure}
	if o.failure != nil {
		return o
	}
	if o.effect, o.failure = b.effect(f); o.failure != nil || strings.EqualFold(o.effect, "disabled") {
		return o
	}
	o.applies, o.failure = b.definition.rule.when.holds(f)
	o.seen = f.seen
	return o
}

func (b *bound) effect(f *frame) (string, error) {
	for _, o := range b.assignment.Overrides {
		if takes(o.Terms, f, b.reference) {
			return o.Value, nil
		}
	}
	v, shown, err := f.read(b.definition.rule.effect)
	if err != nil {
		return "", err
	}
	effect, _ := v.(string)
	if !knownEffect(effect) {
		return "", evaluationError("the effect '%s' is not supported", show(shown))
	}
	return effect, nil
}
