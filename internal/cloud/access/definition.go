package access

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Resource types of policy documents.
const (
	DefinitionType       = "Microsoft.Authorization/policyDefinitions"
	InitiativeType       = "Microsoft.Authorization/policySetDefinitions"
	PolicyAssignmentType = "Microsoft.Authorization/policyAssignments"
	ExemptionType        = "Microsoft.Authorization/policyExemptions"
)

// Parameter is a parameter of a definition or an initiative.
type Parameter struct {
	Type    string // String, Array, Object, Boolean, Integer, Float or DateTime, in lower case
	Default any    // nil when the assignment must give a value
	Allowed []any  // empty when any value will do
}

// Definition is a policy definition, ready to be evaluated.
type Definition struct {
	ID          string
	Name        string
	DisplayName string
	Version     string
	PolicyType  string // BuiltIn or Custom
	Mode        string // All, Indexed, or the mode of a resource provider
	Parameters  map[string]Parameter
	Document    json.RawMessage // as written

	rule rule
}

// title is the name by which messages call the definition.
func (d Definition) title() string {
	if d.DisplayName != "" {
		return d.DisplayName
	}
	return d.Name
}

// indexed reports whether the definition looks only at types with tags and a location. Azure takes a missing mode for Indexed.
func (d Definition) indexed() bool { return d.Mode == "" || strings.EqualFold(d.Mode, "Indexed") }

// evaluatedHere reports whether the mode is one that ARM itself evaluates. Data plane modes, such as Microsoft.KeyVault.Data, are not.
func (d Definition) evaluatedHere() bool { return d.indexed() || strings.EqualFold(d.Mode, "All") }

type definitionDocument struct {
	Properties struct {
		DisplayName string          `json:"displayName"`
		PolicyType  string          `json:"policyType"`
		Mode        string          `json:"mode"`
		Version     string          `json:"version"`
		Metadata    json.RawMessage `json:"metadata"`
		Parameters  json.RawMessage `json:"parameters"`
		PolicyRule  json.RawMessage `json:"policyRule"`
	} `json:"properties"`
}

// ParseDefinition reads a custom policy definition as a client PUTs it. A function, operator, field or effect that this package cannot
// carry out is an error here, with the JSON path, and never silently false later. The error lists every problem.
func ParseDefinition(id string, body []byte) (Definition, error) {
	d, found, err := readDefinition(id, body)
	if err != nil {
		return Definition{}, err
	}
	if strings.EqualFold(d.PolicyType, "BuiltIn") || strings.EqualFold(d.PolicyType, "Static") {
		found.add("InvalidPolicyType", "properties.policyType", "a policy of type '%s' cannot be written", d.PolicyType)
	}
	d.PolicyType = "Custom"
	return d, found.err(fmt.Sprintf("The policy definition '%s'", d.Name))
}

func readDefinition(id string, body []byte) (Definition, *problems, error) {
	var doc definitionDocument
	if err := decode(body, &doc); err != nil {
		return Definition{}, nil, err
	}
	p := doc.Properties
	d := Definition{ID: cleanScope(id), Name: lastSegment(id), DisplayName: p.DisplayName, PolicyType: p.PolicyType, Mode: p.Mode,
		Version: versionOf(p.Version, p.Metadata), Document: slices.Clone(body)}
	found := &problems{}
	d.Parameters = readParameters("properties.parameters", p.Parameters, found)
	if !d.evaluatedHere() && !strings.HasPrefix(strings.ToLower(d.Mode), "microsoft.") {
		found.add("InvalidPolicyMode", "properties.mode", "the mode '%s' is not supported", d.Mode)
	}
	c := ruleCompiler{problems: found, parameters: d.Parameters}
	d.rule = c.rule("properties.policyRule", p.PolicyRule)
	return d, found, nil
}

// versionOf is the version of a definition: of its own since 2024, in the metadata before.
func versionOf(version string, metadata json.RawMessage) string {
	if version != "" {
		return version
	}
	v, _ := parseJSON(metadata)
	object, _ := v.(map[string]any)
	inner, _ := lookup(object, "version")
	s, _ := inner.(string)
	return s
}

var parameterTypes = []string{"string", "array", "object", "boolean", "integer", "float", "datetime"}

func readParameters(path string, raw json.RawMessage, found *problems) map[string]Parameter {
	v, _ := parseJSON(raw)
	declared, ok := v.(map[string]any)
	if !ok && v != nil {
		found.add("InvalidPolicyParameters", path, "parameters must be an object, not a value of type %s", kindOf(v))
	}
	parameters := make(map[string]Parameter, len(declared))
	for _, name := range sortedKeys(declared) {
		at := path + "." + name
		object, ok := declared[name].(map[string]any)
		if !ok {
			found.add("InvalidPolicyParameters", at, "a parameter must be an object, not a value of type %s", kindOf(declared[name]))
			continue
		}
		kind, _ := lookup(object, "type")
		text, _ := kind.(string)
		p := Parameter{Type: strings.ToLower(text)}
		p.Default, _ = lookup(object, "defaultValue")
		allowed, _ := lookup(object, "allowedValues")
		p.Allowed, _ = allowed.([]any)
		parameters[name] = p
		switch {
		case !slices.Contains(parameterTypes, p.Type):
			found.add("InvalidPolicyParameters", at+".type", "the parameter type '%s' is not supported", text)
		case p.Default == nil:
		case !p.hasType(p.Default):
			found.add("InvalidPolicyParameters", at+".defaultValue", "the value is not of type %s", p.Type)
		case !p.allows(p.Default):
			found.add("InvalidPolicyParameters", at+".defaultValue", "the value is not one of the allowed values")
		}
	}
	return parameters
}

func (p Parameter) hasType(v any) bool {
	switch p.Type {
	case "string", "datetime":
		_, ok := v.(string)
		return ok
	case "array":
		_, ok := v.([]any)
		return ok
	case "object":
		_, ok := v.(map[string]any)
		return ok
	case "boolean":
		_, ok := boolean(v)
		return ok
	}
	_, ok := v.(float64)
	return ok
}

// allows reports whether the value, or each element of a list, is among the allowed values. Unlike everywhere else in policies, case
// matters: Azure refuses deny where Deny is allowed.
func (p Parameter) allows(v any) bool {
	allowed := func(v any) bool {
		return slices.ContainsFunc(p.Allowed, func(a any) bool { return bytes.Equal(encode(a), encode(v)) })
	}
	if len(p.Allowed) == 0 || allowed(v) {
		return true
	}
	items, ok := v.([]any)
	return ok && p.Type == "array" && !slices.ContainsFunc(items, func(item any) bool { return !allowed(item) })
}

//go:embed builtin/policies/*.json
var builtInPolicies embed.FS

// BuiltInDefinitions returns the built-in policies that people put on groups into which workspaces move, with Azure's ids and rules
// (github.com/Azure/azure-policy). Each call returns fresh values, sorted by id.
func BuiltInDefinitions() []Definition {
	entries, err := builtInPolicies.ReadDir("builtin/policies")
	if err != nil {
		panic("builtin/policies: " + err.Error())
	}
	var out []Definition
	for _, entry := range entries {
		body, _ := builtInPolicies.ReadFile("builtin/policies/" + entry.Name())
		var head struct {
			ID string `json:"id"`
		}
		err := json.Unmarshal(body, &head)
		if err == nil {
			var d Definition
			var found *problems
			if d, found, err = readDefinition(head.ID, body); err == nil {
				err = found.err(d.Name)
				out = append(out, d)
			}
		}
		if err != nil {
			panic("builtin/policies/" + entry.Name() + ": " + err.Error())
		}
	}
	slices.SortFunc(out, func(a, b Definition) int { return strings.Compare(a.ID, b.ID) })
	return out
}
