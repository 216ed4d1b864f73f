package access

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestPropertiesStayHidden(t *testing.T) {
	t.Parallel()
	const canary = "canary-7f3a"
	const alias = "Microsoft.MachineLearningServices/workspaces/"
	for _, condition := range []string{
		`{"field":"` + alias + `key","exists":true}`,
		`{"value":"[concat('x', field('` + alias + `key'))]","contains":"x"}`,
		`{"field":"name","notEquals":"[field('` + alias + `key')]"}`,
		`{"field":"` + alias + `keys[*]","like":"*"}`,
		`{"value":"[substring(field('` + alias + `key'), 0, 99)]","equals":"x"}`,
		`{"value":"[resourceGroup()[field('` + alias + `key')]]","equals":"x"}`,
		`{"field":"[concat('tags[', field('` + alias + `key'), ']')]","exists":false}`,
		`{"field":"[field('` + alias + `key')]","exists":false}`,
		`{"value":"[parameters(field('` + alias + `key'))]","exists":false}`,
	} {
		d, err := ParseDefinition(customID, ruleOf(condition))
		if err != nil {
			t.Fatal(err)
		}
		s := sampleSubject()
		s.Body = json.RawMessage(`{"properties":{"key":"` + canary + `","keys":["` + canary + `"]}}`)
		e := Disallowed(NewPolicies([]Definition{d}, nil, []PolicyAssignment{assign(t, target, "a", given(d.ID, ""))}, nil).Evaluate(s, noon))
		if e == nil {
			t.Errorf("%s: nothing denied", condition)
			continue
		}
		said := e.Message + e.Details[0].Message + string(e.Err.(PolicyViolations).AdditionalInfo())
		if strings.Contains(said, canary) {
			t.Errorf("%s: the property is told: %s", condition, said)
		}
	}
}
