package access

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// PolicyAssignment puts a definition or an initiative into force at a scope and below.
type PolicyAssignment struct {
	ID           string
	Name         string
	DisplayName  string
	Scope        string
	DefinitionID string // of a definition or an initiative
	NotScopes    []string
	Parameters   map[string]any
	Enforced     bool // enforcementMode is not DoNotEnforce
	Messages     []NonCompliance
	Selectors    []Selector // the assignment holds for a resource that one of them selects; all, when there is none
	Overrides    []Override
}

// NonCompliance is what a person is told who is stopped: for one member of an initiative, or for all when ReferenceID is empty.
type NonCompliance struct {
	Message     string `json:"message"`
	ReferenceID string `json:"policyDefinitionReferenceId"`
}

// Selector narrows an assignment or an exemption: every one of its terms must hold.
type Selector struct {
	Name  string         `json:"name"`
	Terms []SelectorTerm `json:"selectors"`
}

// SelectorTerm compares one thing with a list: resourceLocation, resourceType, resourceWithoutLocation, or in an override
// policyDefinitionReferenceId.
type SelectorTerm struct {
	Kind  string   `json:"kind"`
	In    []string `json:"in"`
	NotIn []string `json:"notIn"`
}

// Override changes the effect of the definitions that its terms select.
type Override struct {
	Kind  string         `json:"kind"`
	Value string         `json:"value"`
	Terms []SelectorTerm `json:"selectors"`
}

func (a PolicyAssignment) title() string {
	if a.DisplayName != "" {
		return a.DisplayName
	}
	return a.Name
}

// message is the non-compliance message for a member; the one for that member goes before the general one.
func (a PolicyAssignment) message(reference string) string {
	general := ""
	for _, m := range a.Messages {
		switch {
		case m.ReferenceID == "":
			general = m.Message
		case strings.EqualFold(m.ReferenceID, reference):
			return m.Message
		}
	}
	return general
}

// ParsePolicyAssignment reads a policy assignment as a client PUTs it. Its scope is the one in its id. The error lists every problem.
// Whether the definition exists and its parameters fit is for Policies.CheckAssignment.
func ParsePolicyAssignment(id string, body []byte) (PolicyAssignment, error) {
	var doc struct {
		Properties struct {
			DisplayName           string                     `json:"displayName"`
			PolicyDefinitionID    string                     `json:"policyDefinitionId"`
			NotScopes             []string                   `json:"notScopes"`
			Parameters            map[string]json.RawMessage `json:"parameters"`
			EnforcementMode       string                     `json:"enforcementMode"`
			NonComplianceMessages []NonCompliance            `json:"nonComplianceMessages"`
			ResourceSelectors     []Selector                 `json:"resourceSelectors"`
			Overrides             []Override                 `json:"overrides"`
		} `json:"properties"`
	}
	if err := decode(body, &doc); err != nil {
		return PolicyAssignment{}, err
	}
	p := doc.Properties
	var found problems
	a := PolicyAssignment{ID: cleanScope(id), Name: lastSegment(id), DisplayName: p.DisplayName, Scope: scopeOf(id),
		DefinitionID: p.PolicyDefinitionID, NotScopes: p.NotScopes, Messages: p.NonComplianceMessages, Selectors: p.ResourceSelectors,
		Overrides: p.Overrides, Enforced: !strings.EqualFold(p.EnforcementMode, "DoNotEnforce")}
	a.Parameters = readValues("properties.parameters", p.Parameters, &found)
	if a.DefinitionID == "" {
		found.add("InvalidPolicyAssignment", "properties.policyDefinitionId", "the policy definition is not named")
	}
	if mode := p.EnforcementMode; mode != "" && a.Enforced && !strings.EqualFold(mode, "Default") {
		found.add("InvalidPolicyAssignment", "properties.enforcementMode", "the enforcement mode '%s' is not supported", mode)
	}
	for i, scope := range a.NotScopes {
		if !Within(scope, a.Scope) {
			found.add("InvalidPolicyAssignment", fmt.Sprintf("properties.notScopes[%d]", i), "the excluded scope '%s' is not below '%s'", scope, a.Scope)
		}
	}
	checkSelectors(p.ResourceSelectors, &found)
	for i, o := range p.Overrides {
		path := fmt.Sprintf("properties.overrides[%d]", i)
		if !strings.EqualFold(o.Kind, "policyEffect") || !knownEffect(o.Value) {
			found.add("InvalidPolicyAssignment", path, "the override '%s' with value '%s' is not supported", o.Kind, o.Value)
		}
		checkTerms(path+".selectors", o.Terms, &found, "policydefinitionreferenceid", "resourcelocation", "resourcetype")
	}
	return a, found.err(fmt.Sprintf("The policy assignment '%s'", a.Name))
}

// Exemption frees a scope from a policy assignment, or from some of its members, until it expires.
type Exemption struct {
	ID           string
	Scope        string
	AssignmentID string
	References   []string // empty: all members
	Category     string   // Waiver or Mitigated
	Expires      time.Time
	Selectors    []Selector
}

// ParseExemption reads a policy exemption as a client PUTs it. The error lists every problem.
func ParseExemption(id string, body []byte) (Exemption, error) {
	var doc struct {
		Properties struct {
			PolicyAssignmentID           string     `json:"policyAssignmentId"`
			PolicyDefinitionReferenceIDs []string   `json:"policyDefinitionReferenceIds"`
			ExemptionCategory            string     `json:"exemptionCategory"`
			ExpiresOn                    string     `json:"expiresOn"`
			ResourceSelectors            []Selector `json:"resourceSelectors"`
		} `json:"properties"`
	}
	if err := decode(body, &doc); err != nil {
		return Exemption{}, err
	}
	p := doc.Properties
	var found problems
	e := Exemption{ID: cleanScope(id), Scope: scopeOf(id), AssignmentID: p.PolicyAssignmentID, References: p.PolicyDefinitionReferenceIDs,
		Category: p.ExemptionCategory, Selectors: p.ResourceSelectors}
	if e.AssignmentID == "" {
		found.add("InvalidPolicyExemption", "properties.policyAssignmentId", "the policy assignment is not named")
	}
	if !strings.EqualFold(e.Category, "Waiver") && !strings.EqualFold(e.Category, "Mitigated") {
		found.add("InvalidPolicyExemption", "properties.exemptionCategory", "the category '%s' is not Waiver or Mitigated", e.Category)
	}
	if p.ExpiresOn != "" {
		var err error
		if e.Expires, err = time.Parse(time.RFC3339, p.ExpiresOn); err != nil {
			found.add("InvalidPolicyExemption", "properties.expiresOn", "'%s' is not a time in ISO 8601", p.ExpiresOn)
		}
	}
	checkSelectors(e.Selectors, &found)
	return e, found.err(fmt.Sprintf("The policy exemption '%s'", lastSegment(id)))
}
