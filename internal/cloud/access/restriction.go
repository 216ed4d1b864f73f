package access

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// CheckRequest is the body of Microsoft.PolicyInsights/checkPolicyRestrictions: a would-be resource, and the fields about which the
// client has not decided yet.
type CheckRequest struct {
	ResourceDetails struct {
		ResourceContent json.RawMessage `json:"resourceContent"`
		APIVersion      string          `json:"apiVersion"`
		Scope           string          `json:"scope"`
	} `json:"resourceDetails"`
	PendingFields      []PendingField `json:"pendingFields"`
	IncludeAuditEffect bool           `json:"includeAuditEffect"`
}

// PendingField is a field without a value yet, with the values that the client considers; none means any.
type PendingField struct {
	Field  string   `json:"field"`
	Values []string `json:"values"`
}

// CheckResult is ARM's answer.
type CheckResult struct {
	FieldRestrictions       []FieldRestriction `json:"fieldRestrictions"`
	ContentEvaluationResult struct {
		PolicyEvaluations []PolicyEvaluation `json:"policyEvaluations"`
	} `json:"contentEvaluationResult"`
}

// FieldRestriction is what policy asks of one pending field.
type FieldRestriction struct {
	Field        string        `json:"field"`
	Restrictions []Restriction `json:"restrictions"`
}

// Restriction is what one rule asks: Required (one of the values, or any), Deny (none of the values), Audit.
type Restriction struct {
	Result       string          `json:"result"`
	Values       []string        `json:"values,omitempty"`
	Policy       PolicyReference `json:"policy"`
	PolicyEffect string          `json:"policyEffect"`
	Reason       string          `json:"reason,omitempty"`
}

// PolicyReference names a rule in force.
type PolicyReference struct {
	DefinitionID string `json:"policyDefinitionId"`
	InitiativeID string `json:"policySetDefinitionId,omitempty"`
	ReferenceID  string `json:"policyDefinitionReferenceId,omitempty"`
	AssignmentID string `json:"policyAssignmentId"`
}

// PolicyEvaluation is a rule that the content as given breaks.
type PolicyEvaluation struct {
	PolicyInfo        PolicyReference   `json:"policyInfo"`
	EvaluationResult  string            `json:"evaluationResult"` // NonCompliant
	EvaluationDetails EvaluationDetails `json:"evaluationDetails"`
	EffectDetails     EffectDetails     `json:"effectDetails"`
}

// EvaluationDetails says what was compared.
type EvaluationDetails struct {
	EvaluatedExpressions []Expression `json:"evaluatedExpressions"`
	Reason               string       `json:"reason,omitempty"`
}

// EffectDetails says what the rule would do.
type EffectDetails struct {
	PolicyEffect string `json:"policyEffect"`
}

// ParseCheck reads the body of checkPolicyRestrictions.
func ParseCheck(body []byte) (CheckRequest, error) {
	var r CheckRequest
	if err := decode(body, &r); err != nil {
		return r, err
	}
	var found problems
	if v, err := parseJSON(r.ResourceDetails.ResourceContent); err != nil || kindOf(v) != "object" {
		found.add("InvalidCheckRestrictionsRequest", "resourceDetails.resourceContent", "the content of the resource is missing or not an object")
	}
	for i, p := range r.PendingFields {
		if of, err := parseField(p.Field); err != nil || of.manifold() {
			found.add("InvalidCheckRestrictionsRequest", fmt.Sprintf("pendingFields[%d].field", i), "the field '%s' cannot be pending", p.Field)
		}
	}
	return r, found.err("The request to check policy restrictions")
}

// Check tells, without side effects, what policy would say of a resource. subject says where it would be and what is around it; the
// content comes from the request. A rule that breaks without looking at a pending field is in the content evaluation; one that looks at
// exactly one pending field restricts that field; one that looks at more says nothing yet.
func (p *Policies) Check(r CheckRequest, subject Subject, now time.Time) CheckResult {
	subject.Body, subject.APIVersion = r.ResourceDetails.ResourceContent, r.ResourceDetails.APIVersion
	c := checker{p, r, now, map[string]*FieldRestriction{}}
	result := CheckResult{FieldRestrictions: []FieldRestriction{}}
	result.ContentEvaluationResult.PolicyEvaluations = []PolicyEvaluation{}
	for _, o := range p.outcomes(&subject, now) {
		if !c.counts(o) {
			continue
		}
		touched := c.touched(o)
		switch len(touched) {
		case 0:
			result.ContentEvaluationResult.PolicyEvaluations = append(result.ContentEvaluationResult.PolicyEvaluations, o.evaluation())
		case 1:
			if len(touched[0].Values) == 0 {
				c.derive(o, touched[0])
			}
		}
	}
	for _, pending := range r.PendingFields {
		c.tryValues(subject, pending)
	}
	for _, key := range slices.Sorted(maps.Keys(c.restrictions)) {
		result.FieldRestrictions = append(result.FieldRestrictions, *c.restrictions[key])
	}
	return result
}

type checker struct {
	policies     *Policies
	request      CheckRequest
	now          time.Time
	restrictions map[string]*FieldRestriction // by lower-case field
}

// counts reports whether the client wants to hear of the outcome.
func (c checker) counts(o outcome) bool {
	return o.denies() || o.applies && c.request.IncludeAuditEffect && strings.EqualFold(o.effect, "audit")
}

// touched lists the pending fields that the evaluation looked at.
func (c checker) touched(o outcome) []PendingField {
	var out []PendingField
	for _, pending := range c.request.PendingFields {
		if slices.ContainsFunc(o.seen, func(e Expression) bool { return e.on(pending.Field) }) {
			out = append(out, pending)
		}
	}
	return out
}

// on reports whether the expression looked at a pending field. Pending tags mean every tag.
func (e Expression) on(pending string) bool {
	looked, errLooked := parseField(e.Expression)
	of, errOf := parseField(pending)
	if e.ExpressionKind != "Field" || errLooked != nil || errOf != nil {
		return false
	}
	if of.kind == tagsField {
		return looked.kind == tagsField || looked.kind == tagField
	}
	if of.kind == aliasField {
		return strings.EqualFold(of.text, looked.text)
	}
	return of.kind == looked.kind && strings.EqualFold(of.name, looked.name)
}

// derive reads from the comparisons on a field without candidates what the rule asks of it.
func (c checker) derive(o outcome, pending PendingField) {
	for _, e := range o.seen {
		if !e.on(pending.Field) {
			continue
		}
		restriction := Restriction{Result: "Required"}
		name := strings.ToLower(e.Operator)
		switch held := e.held(); {
		case name == "exists":
			if wanted, _ := boolean(e.TargetValue); wanted == held { // breaks while the field is there
				restriction.Result = "Removed"
			}
		case (name == "equals" || name == "in") && held, (name == "notequals" || name == "notin") && !held:
			restriction.Result, restriction.Values = "Deny", candidates(e.TargetValue)
		case name == "equals", name == "in", name == "notequals", name == "notin":
			restriction.Values = candidates(e.TargetValue)
		}
		c.add(canonicalField(e.Expression), restriction, o)
	}
}

func candidates(v any) []string {
	items, ok := v.([]any)
	if !ok {
		return []string{show(v)}
	}
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = show(item)
	}
	return out
}

// canonicalField spells tags as ARM's answer does: tags.environment.
func canonicalField(name string) string {
	if of, err := parseField(name); err == nil && of.kind == tagField {
		return "tags." + of.name
	}
	return name
}

// tryValues evaluates the resource once with each value that the client considers, and lists the values that each rule forbids.
func (c checker) tryValues(subject Subject, pending PendingField) {
	forbidden := map[*bound][]string{}
	var order []outcome
	for _, v := range pending.Values {
		with, err := subject.with(pending.Field, v)
		if err != nil {
			continue
		}
		for _, o := range c.policies.outcomes(&with, c.now) {
			if touched := c.touched(o); !c.counts(o) || len(touched) != 1 || touched[0].Field != pending.Field {
				continue
			}
			if len(forbidden[o.bound]) == 0 {
				order = append(order, o)
			}
			forbidden[o.bound] = append(forbidden[o.bound], v)
		}
	}
	for _, o := range order {
		c.add(canonicalField(pending.Field), Restriction{Result: "Deny", Values: forbidden[o.bound]}, o)
	}
}

func (c checker) add(name string, r Restriction, o outcome) {
	if !o.denies() && r.Result == "Deny" {
		r.Result = "Audit"
	}
	r.Policy, r.PolicyEffect, r.Reason = o.policy(), o.effect, o.assignment.message(o.reference)
	key := strings.ToLower(name)
	if c.restrictions[key] == nil {
		c.restrictions[key] = &FieldRestriction{Field: name}
	}
	c.restrictions[key].Restrictions = append(c.restrictions[key].Restrictions, r)
}

func (o outcome) policy() PolicyReference {
	return PolicyReference{DefinitionID: o.definitionID, InitiativeID: o.setID, ReferenceID: o.reference, AssignmentID: o.assignment.ID}
}

func (o outcome) evaluation() PolicyEvaluation {
	e := PolicyEvaluation{PolicyInfo: o.policy(), EvaluationResult: "NonCompliant",
		EvaluationDetails: EvaluationDetails{EvaluatedExpressions: orNone(o.seen)}, EffectDetails: EffectDetails{o.effect}}
	if o.failure != nil {
		e.EvaluationDetails.Reason = o.failure.Error()
	}
	return e
}
