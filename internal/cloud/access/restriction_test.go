package access

import (
	"encoding/json"
	"strings"
	"testing"
)

func check(t *testing.T, p *Policies, body string) string {
	t.Helper()
	r, err := ParseCheck([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return string(encode(p.Check(r, Subject{Scope: target}, noon)))
}

func TestCheckPolicyRestrictions(t *testing.T) {
	t.Parallel()
	locations := assign(t, target, "locs", given(allowedLocs, `"listOfAllowedLocations":{"value":["northeurope"]}`))
	tag := assign(t, target, "tag", given(requireTag, `"tagName":{"value":"env"}`)+`,"nonComplianceMessages":[{"message":"say which"}]`)
	value := assign(t, target, "value", given(policyRoot+"1e30110a-5ceb-460c-a204-c1c3969c6d62", `"tagName":{"value":"env"},"tagValue":{"value":"prod"}`))
	audit := assign(t, target, "audit", given(policyRoot+"6c112d4e-5bc7-47ae-a041-ea2d9dccd749",
		`"listOfResourceTypesNotAllowed":{"value":["Microsoft.MachineLearningServices/workspaces"]},"effect":{"value":"Audit"}`))
	content := func(rest string) string {
		return `{"resourceDetails":{"resourceContent":{"type":"Microsoft.MachineLearningServices/workspaces","name":"ws1"` + rest + `}}`
	}
	for _, c := range []struct {
		name       string
		assignment PolicyAssignment
		body       string
		want       []string // parts of the answer, in order
	}{
		{"S15 content that breaks a rule is in the content evaluation", locations, content(`,"location":"westeurope"`) + `}`,
			[]string{`"fieldRestrictions":[]`, `"policyAssignmentId":"` + locations.ID, `"evaluationResult":"NonCompliant"`, `"expression":"location"`, `"policyEffect":"deny"`}},
		{"S15 content that breaks nothing has an empty answer", locations, content(`,"location":"northeurope"`) + `}`,
			[]string{`{"fieldRestrictions":[],"contentEvaluationResult":{"policyEvaluations":[]}}`}},
		{"S15 of the values considered, the forbidden ones are named", locations, content("") + `,"pendingFields":[{"field":"location","values":["westeurope","northeurope","eastus"]}]}`,
			[]string{`"field":"location"`, `"result":"Deny"`, `"values":["westeurope","eastus"]`, `"policyEvaluations":[]`}},
		{"S15 a required tag is required while tags are pending", tag, content(`,"location":"northeurope"`) + `,"pendingFields":[{"field":"tags"}]}`,
			[]string{`"field":"tags.env"`, `"result":"Required"`, `"reason":"say which"`, `"policyEvaluations":[]`}},
		{"S15 a required value is named", value, content("") + `,"pendingFields":[{"field":"tags"}]}`,
			[]string{`"field":"tags.env"`, `"result":"Required","values":["prod"]`}},
		{"a missing tag that is not pending breaks the rule", tag, content("") + `,"pendingFields":[{"field":"location"}]}`,
			[]string{`"fieldRestrictions":[]`, `"evaluationResult":"NonCompliant"`}},
		{"a location without candidates is required to be one of the allowed", locations, content("") + `,"pendingFields":[{"field":"location"}]}`,
			[]string{`"field":"location"`, `"result":"Required","values":["northeurope"]`}},
		{"what is only audited is not told unless asked for", audit, content("") + `}`, []string{`"policyEvaluations":[]`}},
		{"what is only audited is told when asked for", audit, content("") + `,"includeAuditEffect":true}`, []string{`"policyEffect":"Audit"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := check(t, NewPolicies(BuiltInDefinitions(), nil, []PolicyAssignment{c.assignment}, nil), c.body)
			rest := got
			for _, part := range c.want {
				_, after, found := strings.Cut(rest, part)
				if !found {
					t.Fatalf("%s is missing in %s", part, got)
				}
				rest = after
			}
		})
	}
}

func TestCheckRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	_, err := ParseCheck([]byte(`{"pendingFields":[{"field":"colour"}]}`))
	wantCode(t, err, "InvalidCheckRestrictionsRequest")
}

func TestSubjectTriesValues(t *testing.T) {
	t.Parallel()
	s := Subject{ID: wouldBe, Body: json.RawMessage(sample)}
	for name, path := range map[string]string{
		"kind": "kind", "tags.new": "tags.new", "identity.type": "identity.type", "location": "location", "name": "name",
		"Microsoft.MachineLearningServices/workspaces/nested.new": "properties.nested.new",
		"Microsoft.MachineLearningServices/workspaces/sku.name":   "sku.name",
	} {
		with, err := s.with(name, "v")
		if err != nil {
			t.Fatal(err)
		}
		f, err := with.frame()
		if err != nil {
			t.Fatal(err)
		}
		if got := pick(f.doc, path)[0]; got != "v" {
			t.Errorf("%s: got %v", name, got)
		}
	}
	if _, err := s.with("Microsoft.Other/type/x.y", "v"); err == nil {
		t.Error("an alias of another type cannot be tried")
	}
}
