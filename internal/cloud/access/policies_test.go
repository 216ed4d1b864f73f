package access

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/errs"
)

const (
	target      = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg2"
	wouldBe     = target + "/providers/Microsoft.MachineLearningServices/workspaces/ws1"
	policyRoot  = "/providers/Microsoft.Authorization/policyDefinitions/"
	allowedLocs = policyRoot + "e56962a6-4747-49cd-b67b-bf8b01975c4c"
	requireTag  = policyRoot + "871b6d14-10aa-478d-b590-94f262ecfa99"
)

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

func workspaceAt(id, location string, tags map[string]string) Subject {
	return Subject{ID: id, Location: location, Tags: tags, Body: json.RawMessage(`{"kind":"Default","sku":{"name":"Basic"},
		"identity":{"type":"SystemAssigned"},"properties":{"publicNetworkAccess":"Enabled","hbiWorkspace":false}}`)}
}

func assign(t *testing.T, scope, name, properties string) PolicyAssignment {
	t.Helper()
	a, err := ParsePolicyAssignment(scope+"/providers/"+PolicyAssignmentType+"/"+name, []byte(`{"properties":{`+properties+`}}`))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func given(definition, parameters string) string {
	return fmt.Sprintf(`"policyDefinitionId":%q,"parameters":{%s}`, definition, parameters)
}

func TestBuiltInPolicies(t *testing.T) {
	t.Parallel()
	group := Subject{ID: target, Location: "westeurope"}
	for _, c := range []struct {
		name, guid, parameters string
		subject                Subject
		denied                 bool
	}{
		{"S15 a location that is not allowed is denied", "e56962a6-4747-49cd-b67b-bf8b01975c4c", `"listOfAllowedLocations":{"value":["northeurope"]}`, workspaceAt(wouldBe, "westeurope", nil), true},
		{"S15 an allowed location passes, whatever its spelling", "e56962a6-4747-49cd-b67b-bf8b01975c4c", `"LISTOFALLOWEDLOCATIONS":{"value":["West Europe"]}`, workspaceAt(wouldBe, "westeurope", nil), false},
		{"a global resource passes allowed locations", "e56962a6-4747-49cd-b67b-bf8b01975c4c", `"listOfAllowedLocations":{"value":["northeurope"]}`, workspaceAt(wouldBe, "global", nil), false},
		{"allowed locations does not look at groups: its mode is Indexed", "e56962a6-4747-49cd-b67b-bf8b01975c4c", `"listOfAllowedLocations":{"value":["northeurope"]}`, group, false},
		{"allowed locations for groups does", "e765b5de-1225-4ba3-bd56-1ac6695af988", `"listOfAllowedLocations":{"value":["northeurope"]}`, group, true},
		{"allowed locations for groups does not look at workspaces", "e765b5de-1225-4ba3-bd56-1ac6695af988", `"listOfAllowedLocations":{"value":["northeurope"]}`, workspaceAt(wouldBe, "westeurope", nil), false},
		{"S15 a type that is not in the allowed list is denied", "a08ec900-254a-4555-9bf5-e42af04b5c5c", `"listOfResourceTypesAllowed":{"value":["Microsoft.Storage/storageAccounts"]}`, workspaceAt(wouldBe, "westeurope", nil), true},
		{"S15 a type in the allowed list passes, whatever its case", "a08ec900-254a-4555-9bf5-e42af04b5c5c", `"listOfResourceTypesAllowed":{"value":["MICROSOFT.MACHINELEARNINGSERVICES/workspaces"]}`, workspaceAt(wouldBe, "westeurope", nil), false},
		{"S15 a type in the list of those not allowed is denied", "6c112d4e-5bc7-47ae-a041-ea2d9dccd749", `"listOfResourceTypesNotAllowed":{"value":["Microsoft.MachineLearningServices/workspaces"]}`, workspaceAt(wouldBe, "westeurope", nil), true},
		{"a type not allowed is only audited when the effect says so", "6c112d4e-5bc7-47ae-a041-ea2d9dccd749", `"listOfResourceTypesNotAllowed":{"value":["Microsoft.MachineLearningServices/workspaces"]},"effect":{"value":"Audit"}`, workspaceAt(wouldBe, "westeurope", nil), false},
		{"a type not allowed passes when the effect is Disabled", "6c112d4e-5bc7-47ae-a041-ea2d9dccd749", `"listOfResourceTypesNotAllowed":{"value":["Microsoft.MachineLearningServices/workspaces"]},"effect":{"value":"Disabled"}`, workspaceAt(wouldBe, "westeurope", nil), false},
		{"S15 a missing required tag is denied", "871b6d14-10aa-478d-b590-94f262ecfa99", `"tagName":{"value":"costCenter"}`, workspaceAt(wouldBe, "westeurope", nil), true},
		{"S15 a required tag passes, whatever its case", "871b6d14-10aa-478d-b590-94f262ecfa99", `"tagName":{"value":"costCenter"}`, workspaceAt(wouldBe, "westeurope", map[string]string{"COSTCENTER": "1"}), false},
		{"S15 a required tag with another value is denied", "1e30110a-5ceb-460c-a204-c1c3969c6d62", `"tagName":{"value":"env"},"tagValue":{"value":"prod"}`, workspaceAt(wouldBe, "westeurope", map[string]string{"env": "test"}), true},
		{"S15 a required tag with its value passes", "1e30110a-5ceb-460c-a204-c1c3969c6d62", `"tagName":{"value":"env"},"tagValue":{"value":"prod"}`, workspaceAt(wouldBe, "westeurope", map[string]string{"env": "Prod"}), false},
		{"a group without its required tag is denied", "96670d01-0a4d-4649-9c89-2d3abc0a5025", `"tagName":{"value":"env"}`, group, true},
		{"a workspace needs no tag that groups need", "96670d01-0a4d-4649-9c89-2d3abc0a5025", `"tagName":{"value":"env"}`, workspaceAt(wouldBe, "westeurope", nil), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := assign(t, target, "a", given(policyRoot+c.guid, c.parameters))
			p := NewPolicies(BuiltInDefinitions(), nil, []PolicyAssignment{a}, nil)
			if err := p.CheckAssignment(a); err != nil {
				t.Fatal(err)
			}
			got := p.Evaluate(c.subject, noon)
			if (len(got) == 1) != c.denied || len(got) == 1 && got[0].Failure != nil {
				t.Errorf("denied: got %+v, want %v", got, c.denied)
			}
		})
	}
}

func TestWhereAssignmentsHold(t *testing.T) {
	t.Parallel()
	location := given(allowedLocs, `"listOfAllowedLocations":{"value":["northeurope"]}`)
	untracked := workspaceAt(wouldBe+"/jobs/j1", "", nil)
	untracked.Untracked = true
	moved := workspaceAt(workspace, "westeurope", nil) // the caller names the target as scope and keeps the old id
	moved.Scope = target
	for _, c := range []struct {
		name, scope, properties string
		subject                 Subject
		denied                  bool
	}{
		{"S15 an assignment on the target group judges the move", target, location, workspaceAt(wouldBe, "westeurope", nil), true},
		{"S15 the scope given counts, not the id it comes from", target, location, moved, true},
		{"S15 an assignment on the source group does not judge the move", source, location, moved, false},
		{"S15 an assignment on the target subscription judges the move", strings.TrimSuffix(target, "/resourceGroups/rg2"), location, workspaceAt(wouldBe, "westeurope", nil), true},
		{"S15 an assignment on another group does not", target + "0", location, workspaceAt(wouldBe, "westeurope", nil), false},
		{"an excluded scope is left alone", target, location + `,"notScopes":["` + strings.ToUpper(wouldBe) + `"]`, workspaceAt(wouldBe, "westeurope", nil), false},
		{"an assignment that is not enforced denies nothing", target, location + `,"enforcementMode":"DoNotEnforce"`, workspaceAt(wouldBe, "westeurope", nil), false},
		{"mode Indexed passes by types without tags and location", target, location, untracked, false},
		{"a selector takes the resources of its type only", target, location + `,"resourceSelectors":[{"selectors":[{"kind":"resourceType","in":["Microsoft.Storage/storageAccounts"]}]}]`, workspaceAt(wouldBe, "westeurope", nil), false},
		{"a selector on the location holds", target, location + `,"resourceSelectors":[{"selectors":[{"kind":"resourceLocation","in":["West Europe"]}]}]`, workspaceAt(wouldBe, "westeurope", nil), true},
		{"an override changes the effect", target, location + `,"overrides":[{"kind":"policyEffect","value":"Audit"}]`, workspaceAt(wouldBe, "westeurope", nil), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := NewPolicies(BuiltInDefinitions(), nil, []PolicyAssignment{assign(t, c.scope, "a", c.properties)}, nil)
			if got := p.Evaluate(c.subject, noon); (len(got) > 0) != c.denied {
				t.Errorf("denied: got %+v, want %v", got, c.denied)
			}
		})
	}
}

const setID = "/subscriptions/22222222-2222-2222-2222-222222222222/providers/Microsoft.Authorization/policySetDefinitions/baseline"

func baseline(t *testing.T) Initiative {
	t.Helper()
	set, err := ParseInitiative(setID, []byte(`{"properties":{"displayName":"Baseline","metadata":{"version":"2.1.0"},
		"parameters":{"where":{"type":"Array"},"prefix":{"type":"String","defaultValue":"cost"}},
		"policyDefinitions":[
			{"policyDefinitionId":"`+allowedLocs+`","policyDefinitionReferenceId":"loc","parameters":{"listOfAllowedLocations":{"value":"[parameters('where')]"}}},
			{"policyDefinitionId":"`+requireTag+`","policyDefinitionReferenceId":"tag","parameters":{"tagName":{"value":"[concat(parameters('prefix'), 'Center')]"}}}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestInitiativesAndExemptions(t *testing.T) {
	t.Parallel()
	a := assign(t, target, "base", given(setID, `"where":{"value":["northeurope"]}`)+
		`,"nonComplianceMessages":[{"message":"ask finance","policyDefinitionReferenceId":"TAG"}]`)
	exempt := func(scope, rest string) Exemption {
		e, err := ParseExemption(scope+"/providers/"+ExemptionType+"/e",
			[]byte(`{"properties":{"exemptionCategory":"Waiver","policyAssignmentId":"`+strings.ToUpper(a.ID)+`"`+rest+`}}`))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for _, c := range []struct {
		name       string
		exemptions []Exemption
		want       []string
	}{
		{"S15 every member of an initiative counts", nil, []string{"loc", "tag"}},
		{"an exemption frees from all members", []Exemption{exempt(target, "")}, nil},
		{"an exemption on the resource frees it", []Exemption{exempt(wouldBe, "")}, nil},
		{"an exemption on another group does not", []Exemption{exempt(source, "")}, []string{"loc", "tag"}},
		{"an exemption of one member frees from that member", []Exemption{exempt(target, `,"policyDefinitionReferenceIds":["LOC"]`)}, []string{"tag"}},
		{"an exemption that has expired frees from nothing", []Exemption{exempt(target, `,"expiresOn":"2026-08-01T12:00:00Z"`)}, []string{"loc", "tag"}},
		{"an exemption frees until it expires", []Exemption{exempt(target, `,"expiresOn":"2026-08-01T12:00:01Z"`)}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := NewPolicies(BuiltInDefinitions(), []Initiative{baseline(t)}, []PolicyAssignment{a}, c.exemptions)
			var got []string
			for _, v := range p.Evaluate(workspaceAt(wouldBe, "westeurope", nil), noon) {
				got = append(got, v.ReferenceID)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestDisallowedSaysWhatARMSays(t *testing.T) {
	t.Parallel()
	a := assign(t, target, "locs", `"displayName":"Only <north>",`+given(allowedLocs, `"listOfAllowedLocations":{"value":["northeurope"]}`))
	p := NewPolicies(BuiltInDefinitions(), nil, []PolicyAssignment{a}, nil)
	e := Disallowed(p.Evaluate(workspaceAt(wouldBe, "westeurope", nil), noon))
	want := `Resource 'ws1' was disallowed by policy. Policy identifiers: '[{"policyAssignment":{"name":"Only <north>","id":"` + a.ID +
		`"},"policyDefinition":{"name":"Allowed locations","id":"` + allowedLocs + `","version":"1.0.0"}}]'.`
	if e.Kind != errs.Denied || e.Code != "RequestDisallowedByPolicy" || e.Target != "ws1" || e.Message != want {
		t.Errorf("got %s: %s", e.Code, e.Message)
	}
	if len(e.Details) != 1 || !strings.Contains(e.Details[0].Message, "location (westeurope) NotIn [\"northeurope\"] is True") {
		t.Errorf("details %+v", e.Details)
	}
	var info []struct {
		Type string
		Info struct {
			EvaluationDetails      EvaluationDetails
			PolicyDefinitionEffect string
			PolicyAssignmentScope  string
		}
	}
	violations, ok := e.Err.(PolicyViolations)
	if !ok || json.Unmarshal(violations.AdditionalInfo(), &info) != nil || info[0].Type != "PolicyViolation" ||
		info[0].Info.PolicyAssignmentScope != target || len(info[0].Info.EvaluationDetails.EvaluatedExpressions) != 3 {
		t.Errorf("additional info %+v", info)
	}
	set := assign(t, target, "base", given(setID, `"where":{"value":["westeurope"]}`)+`,"nonComplianceMessages":[{"message":"ask finance"}]`)
	p = NewPolicies(BuiltInDefinitions(), []Initiative{baseline(t)}, []PolicyAssignment{set}, nil)
	e = Disallowed(p.Evaluate(workspaceAt(wouldBe, "westeurope", nil), noon))
	if e.Message != "Resource 'ws1' was disallowed by policy. Reasons: 'ask finance'. See error details for policy resource IDs." {
		t.Errorf("got %s", e.Message)
	}
	if Disallowed(nil) != nil {
		t.Error("no violation is no error")
	}
}

func TestReferencesAreChecked(t *testing.T) {
	t.Parallel()
	types := policyRoot + "6c112d4e-5bc7-47ae-a041-ea2d9dccd749"
	p := NewPolicies(BuiltInDefinitions(), []Initiative{baseline(t)}, []PolicyAssignment{assign(t, target, "a", given(setID, `"where":{"value":[]}`))}, nil)
	for _, c := range []struct{ name, properties, code string }{
		{"a definition that does not exist cannot be assigned", given(policyRoot+"x", ""), "PolicyDefinitionNotFound"},
		{"an initiative that does not exist cannot be assigned", given("/providers/Microsoft.Authorization/policySetDefinitions/x", ""), "PolicySetDefinitionNotFound"},
		{"a parameter without value or default is missing", given(allowedLocs, ""), "MissingPolicyParameter"},
		{"a parameter of an initiative without value is missing", given(setID, ""), "MissingPolicyParameter"},
		{"a parameter that nobody declared is refused", given(requireTag, `"tagName":{"value":"x"},"y":{"value":1}`), "UndefinedPolicyParameter"},
		{"a value of the wrong type is refused", given(requireTag, `"tagName":{"value":["x"]}`), "InvalidPolicyParameterType"},
		{"a value outside of the allowed ones is refused, and case matters", given(types, `"listOfResourceTypesNotAllowed":{"value":[]},"effect":{"value":"deny"}`), "PolicyParameterValueNotAllowed"},
		{"what fits is taken", given(types, `"listOfResourceTypesNotAllowed":{"value":[]},"effect":{"value":"Deny"}`), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wantCode(t, p.CheckAssignment(assign(t, target, "b", c.properties)), c.code)
		})
	}
	if err := p.CheckInitiative(baseline(t)); err != nil {
		t.Error(err)
	}
	bad := baseline(t)
	bad.Members[0].Parameters = map[string]any{}
	wantCode(t, p.CheckInitiative(bad), "MissingPolicyParameter")
	if by, used := p.InUse(strings.ToUpper(setID)); !used || !strings.HasSuffix(by, "/a") {
		t.Errorf("the initiative is in use, got %q", by)
	}
	if by, used := p.InUse(requireTag); !used || by != setID {
		t.Errorf("the definition is in use, got %q", by)
	}
	if _, used := p.InUse(types); used {
		t.Error("nobody uses the definition")
	}
}

func TestWhatCannotBeResolvedDenies(t *testing.T) {
	t.Parallel()
	p := NewPolicies(nil, nil, []PolicyAssignment{assign(t, target, "a", given(allowedLocs, ""))}, nil)
	got := p.Evaluate(workspaceAt(wouldBe, "westeurope", nil), noon)
	if len(got) != 1 || got[0].Failure == nil || !strings.Contains(Disallowed(got).Details[0].Message, "does not exist") {
		t.Errorf("got %+v", got)
	}
	p = NewPolicies(BuiltInDefinitions(), nil, []PolicyAssignment{assign(t, target, "a", given(requireTag, `"tagName":{"value":"x"}`))}, nil)
	if got := p.Evaluate(Subject{ID: wouldBe, Body: json.RawMessage(`[1`)}, noon); len(got) != 1 || got[0].Failure == nil {
		t.Errorf("a body that is no object: got %+v", got)
	}
}

func TestBadPolicyDocumentsNameEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := ParsePolicyAssignment(target+"/providers/"+PolicyAssignmentType+"/a", []byte(`{"properties":{"enforcementMode":"Maybe",
		"notScopes":["/subscriptions/other"],"parameters":{"x":1},"resourceSelectors":[{"selectors":[{"kind":"moon","in":["x"]}]}],"overrides":[{"kind":"x"}]}}`))
	if e := errs.As(err); e == nil || len(e.Details) != 6 {
		t.Errorf("assignment: %v", err)
	}
	_, err = ParseExemption(target+"/providers/"+ExemptionType+"/e", []byte(`{"properties":{"expiresOn":"soon"}}`))
	if e := errs.As(err); e == nil || len(e.Details) != 3 {
		t.Errorf("exemption: %v", err)
	}
	_, err = ParseInitiative(setID, []byte(`{"properties":{"policyType":"BuiltIn","policyDefinitions":[
		{"policyDefinitionReferenceId":"a","parameters":{"p":{"value":"[parameters('nowhere')]"}}},{"policyDefinitionId":"x","policyDefinitionReferenceId":"A"}]}}`))
	if e := errs.As(err); e == nil || len(e.Details) != 4 {
		t.Errorf("initiative: %v", err)
	}
}
