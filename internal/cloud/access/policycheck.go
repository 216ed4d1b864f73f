package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/errs"
)

// CheckAssignment decides whether a policy assignment may be written: its definition exists, and its parameters are those that the
// definition declares, of their types and among their allowed values. The error lists every problem.
func (p *Policies) CheckAssignment(a PolicyAssignment) error {
	var found problems
	if set, ok := p.initiatives[idKey(a.DefinitionID)]; ok {
		checkGiven("policy assignment", a.Name, "policy set definition", set.Name, set.Parameters, a.Parameters, false, &found)
		return found.err(fmt.Sprintf("The policy assignment '%s'", a.Name))
	}
	d, ok := p.definitions[idKey(a.DefinitionID)]
	if !ok {
		return noDefinition(a.DefinitionID)
	}
	checkGiven("policy assignment", a.Name, "policy definition", d.Name, d.Parameters, a.Parameters, false, &found)
	return found.err(fmt.Sprintf("The policy assignment '%s'", a.Name))
}

func noDefinition(id string) error {
	if strings.Contains(strings.ToLower(id), "/policysetdefinitions/") {
		return errs.New(errs.NotFound, "PolicySetDefinitionNotFound", "The policy set definition '%s' could not be found.", lastSegment(id)).At(id)
	}
	return errs.New(errs.NotFound, "PolicyDefinitionNotFound", "The policy definition '%s' could not be found.", lastSegment(id)).At(id)
}

// CheckInitiative decides whether an initiative may be written: its definitions exist and get the parameters that they need.
func (p *Policies) CheckInitiative(i Initiative) error {
	var found problems
	for _, m := range i.Members {
		d, ok := p.definitions[idKey(m.DefinitionID)]
		if !ok {
			return noDefinition(m.DefinitionID)
		}
		checkGiven("policy set definition", i.Name, "policy definition", d.Name, d.Parameters, m.Parameters, true, &found)
	}
	return found.err(fmt.Sprintf("The policy set definition '%s'", i.Name))
}

// InUse names an assignment or an initiative that refers to a definition or an initiative, so that it may not be removed.
func (p *Policies) InUse(id string) (by string, used bool) {
	key := idKey(id)
	for _, b := range p.bound {
		if idKey(b.assignment.DefinitionID) == key {
			return b.assignment.ID, true
		}
	}
	for _, setKey := range sortedIDs(p.initiatives) {
		for _, m := range p.initiatives[setKey].Members {
			if idKey(m.DefinitionID) == key {
				return p.initiatives[setKey].ID, true
			}
		}
	}
	return "", false
}

func sortedIDs[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// checkGiven compares the parameters given by one document with those declared by another, in ARM's words. In an initiative a
// value may be an expression, of which the type is not known yet.
func checkGiven(givenBy, giver, declaredBy, declarer string, declared map[string]Parameter, given map[string]any, expressions bool, found *problems) {
	var missing, undefined []string
	for _, name := range sortedIDs(declared) {
		if _, ok := lookup(given, name); !ok && declared[name].Default == nil {
			missing = append(missing, name)
		}
	}
	for _, name := range sortedIDs(given) {
		p, ok := parameter(declared, name)
		v := given[name]
		text, isText := v.(string)
		switch {
		case !ok:
			undefined = append(undefined, name)
		case expressions && (isText && isExpression(text) || hasExpression(v)):
		case !p.hasType(v):
			found.add("InvalidPolicyParameterType", "properties.parameters."+name,
				"The value of the parameter '%s' in the %s '%s' is not of type '%s' as defined in the %s '%s'", name, givenBy, giver, p.Type, declaredBy, declarer)
		case !p.allows(v):
			found.add("PolicyParameterValueNotAllowed", "properties.parameters."+name,
				"The value '%s' is not allowed for policy parameter '%s' in %s '%s'. The allowed values are '%s'", show(v), name, declaredBy, declarer, showAll(p.Allowed))
		}
	}
	if len(missing) > 0 {
		found.add("MissingPolicyParameter", "properties.parameters", "The %s '%s' is missing the parameter(s) '%s' as defined in the %s '%s'",
			givenBy, giver, strings.Join(missing, ", "), declaredBy, declarer)
	}
	if len(undefined) > 0 {
		found.add("UndefinedPolicyParameter", "properties.parameters", "The %s '%s' has defined parameters '%s' which are not defined in the %s '%s'",
			givenBy, giver, strings.Join(undefined, ", "), declaredBy, declarer)
	}
}

func hasExpression(v any) bool {
	items, _ := v.([]any)
	return slices.ContainsFunc(items, func(item any) bool {
		s, ok := item.(string)
		return ok && isExpression(s)
	})
}

func showAll(values []any) string {
	said := make([]string, len(values))
	for i, v := range values {
		said[i] = show(v)
	}
	return strings.Join(said, ", ")
}
