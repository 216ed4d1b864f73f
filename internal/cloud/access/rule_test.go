package access

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/errs"
)

const sample = `{"kind":"Hub","location":"westeurope","sku":{"name":"Premium","capacity":2},"identity":{"type":"SystemAssigned, UserAssigned"},
	"tags":{"env":"Prod","a b":"x","o'brien":"y"},
	"properties":{"publicNetworkAccess":"Disabled","hbi":true,"count":5,"created":"2026-01-02T00:00:00Z","ips":["10.0.0.1","10.0.0.2"],
		"none":[],"empty":null,"rules":[{"name":"r1","ports":[80,443]},{"name":"r2","ports":[22]}],"nested":{"Deep":"v"}}}`

func sampleSubject() Subject {
	return Subject{ID: wouldBe, Body: json.RawMessage(sample), APIVersion: "2024-10-01",
		Group:        GroupFacts{ID: target, Name: "rg2", Location: "westeurope", Tags: map[string]string{"env": "prod"}},
		Subscription: SubscriptionFacts{ID: "22222222-2222-2222-2222-222222222222", Name: "Target"}}
}

// ruleOf builds a definition that denies when the condition holds.
func ruleOf(condition string) []byte {
	return []byte(fmt.Sprintf(`{"properties":{"mode":"All","parameters":{"n":{"type":"Integer","defaultValue":3},"list":{"type":"Array","defaultValue":["a","b"]}},
		"policyRule":{"if":%s,"then":{"effect":"deny"}}}}`, condition))
}

const customID = target + "/providers/Microsoft.Authorization/policyDefinitions/custom"

// judge evaluates a condition on the sample.
func judge(t *testing.T, condition string) (bool, error) {
	t.Helper()
	d, err := ParseDefinition(customID, ruleOf(condition))
	if err != nil {
		t.Fatalf("%s: %v", condition, err)
	}
	p := NewPolicies([]Definition{d}, nil, []PolicyAssignment{assign(t, target, "a", given(d.ID, ""))}, nil)
	got := p.Evaluate(sampleSubject(), noon)
	if len(got) == 0 {
		return false, nil
	}
	return true, got[0].Failure
}

func TestConditions(t *testing.T) {
	t.Parallel()
	const alias = "Microsoft.MachineLearningServices/workspaces/"
	for _, c := range []struct {
		name, condition string
		want            bool
	}{
		{"a type is compared without case", `{"field":"type","equals":"microsoft.machinelearningservices/WORKSPACES"}`, true},
		{"keys and operators are read without case", `{"AllOf":[{"Field":"NAME","Equals":"WS1"}]}`, true},
		{"the full name of a top-level resource is its name", `{"field":"fullName","equals":"ws1"}`, true},
		{"an id can be matched with like", `{"field":"id","like":"*/resourceGroups/RG2/*"}`, true},
		{"a kind is compared", `{"field":"kind","notEquals":"Default"}`, true},
		{"a location is compared in any spelling", `{"field":"location","equals":"West Europe"}`, true},
		{"an identity type is compared", `{"field":"identity.type","contains":"userassigned"}`, true},
		{"a tag by dot", `{"field":"tags.env","equals":"prod"}`, true},
		{"a tag by bracket", `{"field":"tags[ENV]","equals":"prod"}`, true},
		{"a tag by quoted bracket", `{"field":"tags['a b']","equals":"x"}`, true},
		{"a tag with an apostrophe", `{"field":"tags['o''brien']","equals":"y"}`, true},
		{"tags as an object", `{"field":"tags","containsKey":"env"}`, true},
		{"tags without a key", `{"field":"tags","notContainsKey":"owner"}`, true},
		{"an alias finds a property", `{"field":"` + alias + `publicNetworkAccess","equals":"disabled"}`, true},
		{"an alias finds a nested property without case", `{"field":"` + strings.ToLower(alias) + `nested.deep","equals":"v"}`, true},
		{"an alias finds the sku beside the properties", `{"field":"` + alias + `sku.name","equals":"premium"}`, true},
		{"an alias of another type does not exist here", `{"field":"Microsoft.Storage/storageAccounts/sku.name","exists":false}`, true},
		{"an alias of a child type does not exist here", `{"field":"` + alias + `computes/vmSize","exists":"false"}`, true},
		{"a null property does not exist", `{"field":"` + alias + `empty","exists":"true"}`, false},
		{"a bool equals its text", `{"field":"` + alias + `hbi","equals":"True"}`, true},
		{"a number equals its text", `{"field":"` + alias + `count","equals":"5"}`, true},
		{"in", `{"field":"kind","in":["a","HUB"]}`, true},
		{"not in", `{"field":"kind","notIn":["a","b"]}`, true},
		{"a missing field is not equal", `{"field":"tags.owner","equals":""}`, false},
		{"a missing field satisfies every negation", `{"allOf":[{"field":"tags.x","notEquals":"a"},{"field":"tags.x","notIn":["a"]},{"field":"tags.x","notLike":"*"},{"field":"tags.x","notContains":"a"},{"field":"tags.x","notMatch":"#"}]}`, true},
		{"a missing field is not less", `{"field":"tags.x","less":5}`, false},
		{"like with one star", `{"field":"name","like":"W*1"}`, true},
		{"like does not overlap", `{"field":"name","like":"ws1*ws1"}`, false},
		{"not like", `{"field":"name","notLike":"x*"}`, true},
		{"match: letters and digits", `{"field":"name","match":"??#"}`, true},
		{"match minds case", `{"field":"name","match":"WS#"}`, false},
		{"matchInsensitively does not", `{"field":"name","matchInsensitively":"WS."}`, true},
		{"notMatchInsensitively", `{"field":"name","notMatchInsensitively":"WS."}`, false},
		{"contains in a string", `{"field":"name","contains":"S"}`, true},
		{"contains in a list", `{"field":"` + alias + `ips","contains":"10.0.0.2"}`, true},
		{"less and greater on numbers", `{"allOf":[{"field":"` + alias + `count","less":6},{"field":"` + alias + `count","lessOrEquals":5},{"field":"` + alias + `count","greater":4},{"field":"` + alias + `count","greaterOrEquals":5}]}`, true},
		{"less on times", `{"field":"` + alias + `created","less":"[utcNow()]"}`, true},
		{"not turns round", `{"not":{"field":"kind","equals":"Hub"}}`, false},
		{"anyOf takes one", `{"anyOf":[{"field":"kind","equals":"x"},{"field":"kind","equals":"hub"}]}`, true},
		{"a list with stars: every element must satisfy", `{"field":"` + alias + `ips[*]","like":"10.*"}`, true},
		{"a list with stars: one that does not is enough", `{"field":"` + alias + `ips[*]","equals":"10.0.0.1"}`, false},
		{"an empty list with stars satisfies", `{"field":"` + alias + `none[*]","equals":"x"}`, true},
		{"an empty list with stars does not exist", `{"field":"` + alias + `none[*]","exists":true}`, false},
		{"a property of the elements", `{"field":"` + alias + `rules[*].name","like":"r*"}`, true},
		{"stars in stars", `{"field":"` + alias + `rules[*].ports[*]","greater":0}`, true},
		{"count all", `{"count":{"field":"` + alias + `rules[*]"},"equals":2}`, true},
		{"count with where", `{"count":{"field":"` + alias + `rules[*]","where":{"field":"` + alias + `rules[*].name","equals":"r2"}},"equals":1}`, true},
		{"count in count", `{"count":{"field":"` + alias + `rules[*]","where":{"count":{"field":"` + alias + `rules[*].ports[*]","where":{"value":"[current()]","greater":100}},"greater":0}},"equals":1}`, true},
		{"current by alias", `{"count":{"field":"` + alias + `rules[*]","where":{"value":"[current('` + alias + `rules[*].name')]","equals":"r1"}},"equals":1}`, true},
		{"count over a list parameter", `{"count":{"value":"[parameters('list')]","name":"x","where":{"field":"[concat('tags.', current('x'))]","exists":false}},"equals":2}`, true},
		{"a missing list counts nothing", `{"count":{"field":"` + alias + `nowhere[*]"},"equals":0}`, true},
		{"resourceGroup()", `{"field":"location","equals":"[resourceGroup().location]"}`, true},
		{"tags of the group", `{"field":"tags.env","equals":"[resourceGroup().tags['env']]"}`, true},
		{"subscription()", `{"value":"[subscription().subscriptionId]","like":"2222*"}`, true},
		{"policy()", `{"value":"[last(split(policy().assignmentId,'/'))]","equals":"a"}`, true},
		{"requestContext()", `{"value":"[requestContext().apiVersion]","less":"2025"}`, true},
		{"a value of an expression", `{"value":"[toUpper(concat(field('kind'), '-', parameters('n')))]","equals":"hub-3"}`, true},
		{"if takes one branch only", `{"value":"[if(empty(field('tags.owner')), 'none', substring(field('tags.owner'), 0, 3))]","equals":"none"}`, true},
		{"and, or and not", `{"value":"[and(or(false(), equals(field('kind'),'hub')), not(contains(field('name'), 'zz')))]","equals":true}`, true},
		{"length, first and last", `{"value":"[concat(first(split('a,b;c', createArray(',',';'))), last(parameters('list')), string(length(parameters('list'))))]","equals":"ab2"}`, true},
		{"an element by index", `{"value":"[parameters('list')[1]]","equals":"b"}`, true},
		{"arithmetic", `{"value":"[add(mul(2,3), sub(mod(7,4), div(7,2)))]","equals":6}`, true},
		{"an escaped bracket is text", `{"value":"[[x]","equals":"[[x]"}`, true},
		{"an expression in a list", `{"field":"kind","in":["[toLower('HUB')]"]}`, true},
		{"a doubled quote", `{"value":"['it''s']","equals":"it's"}`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got, err := judge(t, c.condition); got != c.want || err != nil {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestFailedEvaluationDenies(t *testing.T) {
	t.Parallel()
	for _, condition := range []string{
		`{"value":"[substring(field('name'), 0, 10)]","equals":"x"}`,
		`{"value":"[toLower(field('tags'))]","equals":"x"}`,
		`{"value":"[resourceGroup().nothing]","equals":"x"}`,
		`{"field":"name","in":"[field('kind')]"}`,
		`{"field":"name","less":5}`,
		`{"value":"[parameters('list')[7]]","equals":"x"}`,
		`{"value":"[div(1, 0)]","equals":1}`,
		`{"value":"[current()]","equals":1}`,
		`{"field":"[concat('not a field')]","exists":true}`,
	} {
		if denied, failure := judge(t, condition); !denied || failure == nil {
			t.Errorf("%s: got %v, %v", condition, denied, failure)
		}
	}
}

func TestRulesThatCannotBeCarriedOutAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, condition, path string }{
		{"an unknown operator", `{"allOf":[{"field":"name","resembles":"x"}]}`, "properties.policyRule.if.allOf[0].resembles"},
		{"an unknown function", `{"field":"name","equals":"[guid('x')]"}`, "properties.policyRule.if.equals"},
		{"an unknown function deep inside", `{"not":{"anyOf":[{"value":"[if(true(), concat('a', uniqueString('b')), 'c')]","equals":"x"}]}}`, "properties.policyRule.if.not.anyOf[0].value"},
		{"an unknown field", `{"field":"colour","equals":"x"}`, "properties.policyRule.if.field"},
		{"an unknown field in a call", `{"value":"[field('colour')]","equals":"x"}`, "properties.policyRule.if.value"},
		{"a parameter that is not declared", `{"field":"name","equals":"[parameters('m')]"}`, "properties.policyRule.if.equals"},
		{"too many arguments", `{"value":"[toLower('a','b')]","equals":"x"}`, "properties.policyRule.if.value"},
		{"an expression that does not end", `{"value":"[concat('a]","equals":"x"}`, "properties.policyRule.if.value"},
		{"an expression with a tail", `{"value":"[true() x]","equals":"x"}`, "properties.policyRule.if.value"},
		{"an expression that is a bare word", `{"value":"[true]","equals":"x"}`, "properties.policyRule.if.value"},
		{"no operator", `{"field":"name"}`, "properties.policyRule.if"},
		{"two operators", `{"field":"name","equals":"a","like":"b"}`, "properties.policyRule.if.like"},
		{"two subjects", `{"field":"name","value":"x","equals":"a"}`, "properties.policyRule.if"},
		{"a field that is no string", `{"field":5,"equals":"a"}`, "properties.policyRule.if.field"},
		{"in without a list", `{"field":"name","in":"a"}`, "properties.policyRule.if.in"},
		{"exists with something else", `{"field":"name","exists":"maybe"}`, "properties.policyRule.if.exists"},
		{"like with a list", `{"field":"name","like":["a"]}`, "properties.policyRule.if.like"},
		{"an empty allOf", `{"allOf":[]}`, "properties.policyRule.if.allOf"},
		{"a condition that is no object", `["x"]`, "properties.policyRule.if"},
		{"logic with company", `{"not":{"field":"name","equals":"a"},"equals":"b"}`, "properties.policyRule.if.equals"},
		{"count of no list", `{"count":{"field":"name"},"equals":1}`, "properties.policyRule.if.count.field"},
		{"count of nothing", `{"count":{},"equals":1}`, "properties.policyRule.if.count"},
		{"an unknown operator in a count", `{"count":{"value":[1],"where":{"value":1,"near":2}},"equals":1}`, "properties.policyRule.if.count.where.near"},
		{"the source of a request", `{"source":"action","equals":"x"}`, "properties.policyRule.if.source"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseDefinition(customID, ruleOf(c.condition))
			e := errs.As(err)
			if e == nil || e.Kind != errs.Invalid || e.Code != "InvalidPolicyRule" || e.Target != c.path || !strings.Contains(e.Message, c.path) {
				t.Errorf("got %+v, want a problem at %s", e, c.path)
			}
		})
	}
}

func TestDefinitionsNameEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := ParseDefinition(customID, []byte(`{"properties":{"policyType":"BuiltIn","mode":"Some","parameters":{"a":{"type":"Colour"},
		"b":{"type":"String","defaultValue":5},"c":{"type":"String","defaultValue":"x","allowedValues":["y"]},"d":1},
		"policyRule":{"if":{"field":"x","equals":"[y()]"},"then":{"effect":"explode"},"else":1}}}`))
	if e := errs.As(err); e == nil || len(e.Details) != 10 {
		t.Errorf("got %v", err)
	}
	_, err = ParseDefinition(customID, []byte(`{"properties":{}}`))
	wantCode(t, err, "InvalidPolicyRule")
	_, err = ParseDefinition(customID, []byte(`nonsense`))
	wantCode(t, err, "InvalidRequestContent")
	deep := strings.Repeat(`{"not":`, 200) + `{"field":"name","equals":"x"}` + strings.Repeat(`}`, 200)
	_, err = ParseDefinition(customID, ruleOf(deep))
	wantCode(t, err, "InvalidPolicyRule")
	_, err = parseExpression(strings.Repeat("not(", 10000) + strings.Repeat(")", 10000))
	if err == nil {
		t.Error("an expression without bottom")
	}
}

func TestComparisonIsCaseBlind(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"equals", "notEquals", "like", "contains", "matchInsensitively", "notLike"} {
		for _, operand := range []string{"ws1", "Ws1", "other"} {
			lower, _ := judge(t, fmt.Sprintf(`{"field":"name","%s":%q}`, op, strings.ToLower(operand)))
			upper, _ := judge(t, fmt.Sprintf(`{"field":"name","%s":%q}`, op, strings.ToUpper(operand)))
			if lower != upper {
				t.Errorf("%s %s: %v in lower case, %v in upper case", op, operand, lower, upper)
			}
		}
	}
}

func FuzzPolicyRule(f *testing.F) {
	for _, seed := range []string{
		`{"field":"type","equals":"[parameters('n')]"}`, `{"allOf":[{"not":{"field":"tags[x]","exists":"false"}}]}`,
		`{"count":{"field":"Microsoft.X/y/z[*]","where":{"value":"[current()]","less":1}},"greater":0}`, `{"value":"[substring('a',1,0)]","in":[1,"[field('id')]"]}`,
		`null`, `[]`, `{"value":"[a[b].c()","like":"*"}`,
	} {
		f.Add(seed, sample)
	}
	f.Fuzz(func(t *testing.T, condition, body string) {
		d, err := ParseDefinition(customID, ruleOf(condition))
		if err != nil {
			return
		}
		a := PolicyAssignment{ID: target + "/providers/x/a", Scope: target, DefinitionID: d.ID, Enforced: true}
		s := sampleSubject()
		s.Body = json.RawMessage(body)
		e := Disallowed(NewPolicies([]Definition{d}, nil, []PolicyAssignment{a}, nil).Evaluate(s, noon))
		if e != nil && !json.Valid(e.Err.(PolicyViolations).AdditionalInfo()) {
			t.Error("invalid additional info")
		}
	})
}

func FuzzExpression(f *testing.F) {
	for _, seed := range []string{`concat('a', 1, parameters('n'))`, `if(true(), field('id'), null())`, `mod(1, 0)`, `mul(1e, 2)`, `-1`,
		`first(createArray())[0]`, `substring('abc', -1, 9)`, `addDays(utcNow(), 99999999999)`, `resourceGroup().tags['x']`, `''''`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if e, err := parseExpression(text); err == nil {
			s := sampleSubject()
			base, err := s.frame()
			if err != nil {
				t.Fatal(err)
			}
			base.parameters = map[string]any{"n": 3.0, "list": []any{"a"}}
			if v, err := e.value(base); err == nil {
				show(v)
			}
		}
	})
}
