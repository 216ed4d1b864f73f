package contract

import (
	"slices"
	"testing"
)

// description is a small one with everything that the judge knows.
const description = `{"definitions": {
	"Pet": {"type": "object", "discriminator": "kind", "required": ["kind", "name"], "properties": {
		"kind": {"type": "string", "enum": ["Cat", "Dog"], "x-ms-enum": {"name": "Kind", "modelAsString": false}},
		"name": {"type": "string", "maxLength": 5, "pattern": "^[a-z]+$"}, "id": {"type": "string", "readOnly": true},
		"born": {"type": "string", "format": "date-time"}, "legs": {"type": "integer", "minimum": 0, "maximum": 4},
		"mood": {"type": "string", "enum": ["Good"], "x-ms-enum": {"name": "Mood", "modelAsString": true}},
		"chip": {"type": "string", "x-ms-secret": true}, "friends": {"type": "array", "items": {"$ref": "#/definitions/Pet"}},
		"tags": {"type": "object", "additionalProperties": {"type": "string"}}}},
	"Cat": {"allOf": [{"$ref": "#/definitions/Pet"}], "x-ms-discriminator-value": "Cat", "required": ["lives"], "properties": {"lives": {"type": "integer"}}},
	"Dog": {"allOf": [{"$ref": "#/definitions/Pet"}], "x-ms-discriminator-value": "Dog"}}}`

func TestTheJudgeSeesWhatIsWrong(t *testing.T) {
	t.Parallel()
	b := newBook()
	var doc map[string]any
	if err := decode([]byte(description), &doc); err != nil {
		t.Fatal(err)
	}
	b.documents["/pets.json"] = doc
	if err := b.link(); err != nil {
		t.Fatal(err)
	}
	pet, err := b.schemaAt(place{path: "/pets.json", raw: map[string]any{"$ref": "#/definitions/Pet"}})
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, body string
		side       side
		want       []string
	}{
		{"a good dog", `{"kind":"Dog","name":"rex","legs":4,"tags":{"a":"b"},"born":"2020-01-01T00:00:00.5Z"}`, answer, nil},
		{"a request may leave out what is read-only", `{"kind":"Dog","name":"rex","id":7}`, request, nil},
		{"a missing member", `{"kind":"Dog"}`, answer, []string{"name: is required and missing"}},
		{"a null is no value", `{"kind":"Dog","name":null}`, answer, []string{"name: is required and missing"}},
		{"a member that only the variant has", `{"kind":"Cat","name":"tom"}`, answer, []string{"lives: is required and missing"}},
		{"an unknown variant", `{"kind":"cat","name":"tom"}`, answer, []string{`kind: is "cat", which is none of Cat, Dog`}},
		{"a wrong type", `{"kind":"Dog","name":"rex","legs":"four"}`, answer, []string{"legs: is a string, not integer"}},
		{"a number out of bounds", `{"kind":"Dog","name":"rex","legs":5}`, answer, []string{"legs: is 5, above 4"}},
		{"half a leg", `{"kind":"Dog","name":"rex","legs":1.5}`, answer, []string{"legs: is 1.5, not an integer"}},
		{"a moment that is none", `{"kind":"Dog","name":"rex","born":"today"}`, answer, []string{`born: is "today", not a date-time`}},
		{"a secret told", `{"kind":"Dog","name":"rex","chip":"123"}`, answer, []string{"chip: is secret and was returned"}},
		{"a secret asked for", `{"kind":"Dog","name":"rex","chip":"123"}`, secrets, nil},
		{"a friend without a name", `{"kind":"Dog","name":"rex","friends":[{"kind":"Dog"}]}`, answer, []string{"friends[].name: is required and missing"}},
		{"a tag that is no string", `{"kind":"Dog","name":"rex","tags":{"a":1}}`, answer, []string{"tags.*: is a number, not string"}},
		{"a mood that a later version may bring", `{"kind":"Dog","name":"rex","mood":"Odd"}`, answer, nil},
		{"a name against its pattern", `{"kind":"Dog","name":"Rexor7"}`, answer,
			[]string{`name: has 6 characters, not 0 to 5`, `name: is "Rexor7" and does not match ^[a-z]+$`}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var body any
			if err := decode([]byte(c.body), &body); err != nil {
				t.Fatal(err)
			}
			j := newJudgement(c.side)
			j.value("", pet, body)
			if got := sorted(j.trouble); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
