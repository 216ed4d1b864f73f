package access

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/errs"
)

// Violation is one rule that forbids a resource.
type Violation struct {
	Resource          string // its name
	AssignmentID      string
	AssignmentName    string
	AssignmentTitle   string // display name, or name
	AssignmentScope   string
	Parameters        map[string]any // given by the assignment
	DefinitionID      string
	DefinitionTitle   string
	DefinitionVersion string
	InitiativeID      string // empty without initiative
	InitiativeTitle   string
	InitiativeVersion string
	ReferenceID       string // of the definition in the initiative
	Effect            string
	Expressions       []Expression // what was compared, and how it came out
	Message           string       // the non-compliance message of the assignment, for people
	Failure           error        // the rule could not be evaluated, which denies; nil when its condition held
}

// Evaluate asks all policy whether a resource may be written as it is. Assignments count at the place where it would be, so the
// same call judges a PUT and a move. Effect deny gives a violation when its condition holds; and so does any effect but disabled when
// the rule cannot be evaluated, for a failed evaluation is an implicit deny in Azure
// (learn.microsoft.com, policy definition structure, "Avoiding template failures"). No violation: nothing forbids it.
func (p *Policies) Evaluate(s Subject, now time.Time) []Violation {
	var violations []Violation
	for _, o := range p.outcomes(&s, now) {
		if o.denies() {
			violations = append(violations, o.violation(&s))
		}
	}
	return violations
}

func (o outcome) denies() bool {
	return o.failure != nil || o.applies && strings.EqualFold(o.effect, "deny")
}

func (o outcome) violation(s *Subject) Violation {
	v := Violation{Resource: lastSegment(cmp.Or(s.Name, s.ID)), AssignmentID: o.assignment.ID, AssignmentName: o.assignment.Name,
		AssignmentTitle: o.assignment.title(), AssignmentScope: o.assignment.Scope, Parameters: o.assignment.Parameters,
		DefinitionID: o.definitionID, DefinitionTitle: lastSegment(o.definitionID), ReferenceID: o.reference,
		Effect: cmp.Or(o.effect, "deny"), Expressions: o.seen, Message: o.assignment.message(o.reference), Failure: o.failure}
	if v.Resource == "" {
		if f, err := s.frame(); err == nil {
			v.Resource, _ = f.doc["name"].(string)
		}
	}
	if o.definition != nil {
		v.DefinitionTitle, v.DefinitionVersion = o.definition.title(), o.definition.Version
	}
	if o.set != nil {
		v.InitiativeID, v.InitiativeTitle, v.InitiativeVersion = o.set.ID, o.set.title(), o.set.Version
	}
	return v
}

// named is how ARM refers to a policy document in messages.
type named struct {
	Name    string `json:"name"`
	ID      string `json:"id"`
	Version string `json:"version,omitempty"`
}

type identifiers struct {
	Assignment named  `json:"policyAssignment"`
	Definition named  `json:"policyDefinition"`
	Initiative *named `json:"policySetDefinition,omitempty"`
}

func (v Violation) identifiers() identifiers {
	id := identifiers{Assignment: named{v.AssignmentTitle, v.AssignmentID, ""},
		Definition: named{v.DefinitionTitle, v.DefinitionID, v.DefinitionVersion}}
	if v.InitiativeID != "" {
		id.Initiative = &named{v.InitiativeTitle, v.InitiativeID, v.InitiativeVersion}
	}
	return id
}

// Disallowed is ARM's answer to a request that policy forbids; nil without violations. errs.Error has no room for additionalInfo: each
// violation is a detail, and the cause is a PolicyViolations, from which the writer of errors takes AdditionalInfo.
func Disallowed(violations []Violation) *errs.Error {
	if len(violations) == 0 {
		return nil
	}
	resource := violations[0].Resource
	ids := make([]identifiers, len(violations))
	var reasons []string
	for i, v := range violations {
		ids[i] = v.identifiers()
		if v.Message != "" && !slices.Contains(reasons, v.Message) {
			reasons = append(reasons, v.Message)
		}
	}
	message := fmt.Sprintf("Resource '%s' was disallowed by policy. Policy identifiers: '%s'.", resource, encode(ids))
	if len(reasons) > 0 {
		message = fmt.Sprintf("Resource '%s' was disallowed by policy. Reasons: '%s'. See error details for policy resource IDs.",
			resource, strings.Join(reasons, "', '"))
	}
	e := errs.Wrap(errs.Denied, "RequestDisallowedByPolicy", PolicyViolations(violations), "%s", message).At(resource)
	for _, v := range violations {
		e.With(errs.New(errs.Denied, "PolicyViolation", "%s", v.explain()).At(v.AssignmentID))
	}
	return e
}

// explain says in one sentence what forbids what, and which comparison decided it.
func (v Violation) explain() string {
	said := fmt.Sprintf("Policy '%s' of assignment '%s' has effect '%s'", v.DefinitionTitle, v.AssignmentTitle, v.Effect)
	if v.Failure != nil {
		return fmt.Sprintf("%s and cannot be evaluated, which denies: %s.", said, v.Failure)
	}
	for i, e := range v.Expressions {
		said += map[bool]string{true: ": ", false: "; "}[i == 0] +
			fmt.Sprintf("%s (%s) %s %s is %s", e.Expression, show(e.ExpressionValue), e.Operator, show(e.TargetValue), e.Result)
	}
	return said + "."
}

// PolicyViolations is the cause of a RequestDisallowedByPolicy.
type PolicyViolations []Violation

// Error is for the log.
func (p PolicyViolations) Error() string { return fmt.Sprintf("%d policy violation(s)", len(p)) }

// AdditionalInfo is the additionalInfo of ARM's error body: one PolicyViolation for each rule.
func (p PolicyViolations) AdditionalInfo() json.RawMessage {
	out := make([]map[string]any, len(p))
	for i, v := range p {
		out[i] = map[string]any{"type": "PolicyViolation", "info": v.info()}
	}
	return encode(out)
}

func (v Violation) info() map[string]any {
	details := map[string]any{"evaluatedExpressions": orNone(v.Expressions)}
	if v.Failure != nil {
		details["reason"] = v.Failure.Error()
	}
	parameters := map[string]any{}
	for name, value := range v.Parameters {
		parameters[name] = value
	}
	info := map[string]any{
		"evaluationDetails": details, "policyDefinitionId": v.DefinitionID, "policyDefinitionName": lastSegment(v.DefinitionID),
		"policyDefinitionDisplayName": v.DefinitionTitle, "policyDefinitionVersion": v.DefinitionVersion,
		"policyDefinitionEffect": v.Effect, "policyAssignmentId": v.AssignmentID, "policyAssignmentName": v.AssignmentName,
		"policyAssignmentDisplayName": v.AssignmentTitle, "policyAssignmentScope": v.AssignmentScope,
		"policyAssignmentParameters": parameters, "policyExemptionIds": []string{}, "policyEnrollmentIds": []string{},
	}
	if v.InitiativeID != "" {
		info["policySetDefinitionId"], info["policySetDefinitionName"] = v.InitiativeID, lastSegment(v.InitiativeID)
		info["policySetDefinitionDisplayName"], info["policySetDefinitionVersion"] = v.InitiativeTitle, v.InitiativeVersion
		info["policyDefinitionReferenceId"] = v.ReferenceID
	}
	return info
}

func orNone(list []Expression) []Expression {
	if list == nil {
		return []Expression{}
	}
	return list
}
