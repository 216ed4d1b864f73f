package access

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Initiative is a set of policy definitions that are assigned together.
type Initiative struct {
	ID          string
	Name        string
	DisplayName string
	Version     string
	Parameters  map[string]Parameter
	Members     []Member
	Document    json.RawMessage // as written
}

// Member is one definition of an initiative.
type Member struct {
	DefinitionID string
	ReferenceID  string
	Parameters   map[string]any // as written; strings may be expressions over the parameters of the initiative

	terms map[string]term
}

func (i Initiative) title() string {
	if i.DisplayName != "" {
		return i.DisplayName
	}
	return i.Name
}

type initiativeDocument struct {
	Properties struct {
		DisplayName       string          `json:"displayName"`
		PolicyType        string          `json:"policyType"`
		Version           string          `json:"version"`
		Metadata          json.RawMessage `json:"metadata"`
		Parameters        json.RawMessage `json:"parameters"`
		PolicyDefinitions []struct {
			PolicyDefinitionID          string                     `json:"policyDefinitionId"`
			PolicyDefinitionReferenceID string                     `json:"policyDefinitionReferenceId"`
			Parameters                  map[string]json.RawMessage `json:"parameters"`
		} `json:"policyDefinitions"`
	} `json:"properties"`
}

// ParseInitiative reads a policy set definition as a client PUTs it. The error lists every problem. Whether its definitions exist and
// get what they need is for Policies.CheckInitiative.
func ParseInitiative(id string, body []byte) (Initiative, error) {
	var doc initiativeDocument
	if err := decode(body, &doc); err != nil {
		return Initiative{}, err
	}
	p := doc.Properties
	var found problems
	set := Initiative{ID: cleanScope(id), Name: lastSegment(id), DisplayName: p.DisplayName, Version: versionOf(p.Version, p.Metadata),
		Document: slices.Clone(body)}
	set.Parameters = readParameters("properties.parameters", p.Parameters, &found)
	if len(p.PolicyDefinitions) == 0 {
		found.add("InvalidPolicySetDefinition", "properties.policyDefinitions", "an initiative needs at least one policy definition")
	}
	if strings.EqualFold(p.PolicyType, "BuiltIn") || strings.EqualFold(p.PolicyType, "Static") {
		found.add("InvalidPolicyType", "properties.policyType", "a policy set of type '%s' cannot be written", p.PolicyType)
	}
	c := ruleCompiler{problems: &found, parameters: set.Parameters}
	seen := map[string]bool{}
	for i, entry := range p.PolicyDefinitions {
		path := fmt.Sprintf("properties.policyDefinitions[%d]", i)
		m := Member{DefinitionID: entry.PolicyDefinitionID, ReferenceID: entry.PolicyDefinitionReferenceID,
			Parameters: map[string]any{}, terms: map[string]term{}}
		if m.DefinitionID == "" {
			found.add("InvalidPolicySetDefinition", path+".policyDefinitionId", "the policy definition is not named")
		}
		if m.ReferenceID == "" { // Azure makes one up; ours is stable, so that a repeated PUT changes nothing
			m.ReferenceID = fmt.Sprintf("%s_%d", lastSegment(m.DefinitionID), i+1)
		}
		if key := strings.ToLower(m.ReferenceID); seen[key] {
			found.add("InvalidPolicySetDefinition", path+".policyDefinitionReferenceId", "the reference '%s' is used twice", m.ReferenceID)
		} else {
			seen[key] = true
		}
		given := readValues(path+".parameters", entry.Parameters, &found)
		for _, name := range sortedKeys(given) {
			m.Parameters[name] = given[name]
			m.terms[name] = c.term(path+".parameters."+name, given[name])
		}
		set.Members = append(set.Members, m)
	}
	return set, found.err(fmt.Sprintf("The policy set definition '%s'", set.Name))
}

// readValues reads {"name": {"value": ...}}, the form in which parameters are given.
func readValues(path string, raw map[string]json.RawMessage, found *problems) map[string]any {
	values := make(map[string]any, len(raw))
	for name, body := range raw {
		v, _ := parseJSON(body)
		object, ok := v.(map[string]any)
		value, given := lookup(object, "value")
		if !ok || !given {
			found.add("InvalidPolicyParameters", path+"."+name, "the parameter '%s' has no value", name)
			continue
		}
		values[name] = value
	}
	slices.SortStableFunc(found.found, byTarget)
	return values
}
