package access

import (
	"encoding/json"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
)

// Subject is a resource as it would be after the request: what policies are asked about.
type Subject struct {
	ID         string // where it would be; for a move, the id in the target group. May be empty when only Scope is known
	Type       string // from the ID when empty
	Name       string // full name with parents, server1/db1; from the ID when empty
	Location   string // this and the following replace what Body says, when set
	Kind       string
	Tags       map[string]string
	SKU        json.RawMessage
	Identity   json.RawMessage
	Body       json.RawMessage // the whole document
	Scope      string          // the scope it would be created under; from the ID when empty
	APIVersion string          // of the request
	// Untracked says that the type has neither tags nor a location of its own, so that definitions of mode Indexed pass it by. Resource
	// groups and subscriptions need not be marked.
	Untracked    bool
	Group        GroupFacts        // for resourceGroup() in rules
	Subscription SubscriptionFacts // for subscription() in rules
}

// GroupFacts is what rules may ask about the group of a resource.
type GroupFacts struct {
	ID, Name, Location string
	Tags               map[string]string
}

// SubscriptionFacts is what rules may ask about the subscription of a resource. ID is the bare guid.
type SubscriptionFacts struct {
	ID, Name, Tenant string
	Tags             map[string]string
}

// policyType is the name of a type in policies and permissions. They call groups by the path of their collection.
func policyType(t arm.Type) arm.Type {
	if t.Is("Microsoft.Resources/resourceGroups") {
		return "Microsoft.Resources/subscriptions/resourceGroups"
	}
	return t
}

// place is where assignments are looked for: the resource itself when it would be below its scope, else the scope.
func (s *Subject) place() string {
	id, scope := cleanScope(s.ID), cleanScope(s.Scope)
	if s.ID != "" && (s.Scope == "" || within(id, scope)) {
		return id
	}
	return scope
}

// frame prepares the evaluation of rules on the subject.
func (s *Subject) frame() (*frame, error) {
	v, err := parseJSON(s.Body)
	object, ok := v.(map[string]any)
	if err != nil || !ok && v != nil {
		return nil, evaluationError("the resource is not a JSON object")
	}
	doc := make(map[string]any, len(object)+6)
	for _, key := range sortedKeys(object) {
		doc[strings.ToLower(key)] = object[key]
	}
	id, _ := arm.Parse(s.ID)
	full := s.Name
	if full == "" {
		full = fullName(id)
	}
	kind := s.Type
	if kind == "" && len(id) > 0 {
		kind = string(id.Type())
	}
	if kind == "" {
		kind, _ = doc["type"].(string)
	}
	kind = string(policyType(arm.Type(kind)))
	fill(doc, "id", s.ID)
	fill(doc, "type", kind)
	if full == "" {
		full, _ = doc["name"].(string)
	}
	fill(doc, "fullname", full)
	fill(doc, "name", lastSegment(full))
	fill(doc, "location", s.Location)
	fill(doc, "kind", s.Kind)
	if s.Tags != nil {
		doc["tags"] = tagValues(s.Tags)
	}
	for key, raw := range map[string]json.RawMessage{"sku": s.SKU, "identity": s.Identity} {
		if v, err := parseJSON(raw); err == nil && v != nil {
			doc[key] = v
		}
	}
	return &frame{doc: doc, resourceType: kind, subject: s}, nil
}

func fill(doc map[string]any, key, v string) {
	if v != "" {
		doc[key] = v
	}
}

// fullName is the name of a resource with those of its parents: server1/db1.
func fullName(id arm.ID) string {
	var names []string
	for i := len(id) - 1; i >= 0; i-- {
		names = append([]string{id[i].Name}, names...)
		if id[i].Namespace != "" {
			return strings.Join(names, "/")
		}
	}
	return id.Name()
}

// with is the subject with one field set: to see what policy would say of a value.
func (s Subject) with(name, v string) (Subject, error) {
	of, err := parseField(name)
	if err != nil {
		return s, err
	}
	body, err := parseJSON(s.Body)
	doc, ok := body.(map[string]any)
	if err != nil || !ok {
		return s, evaluationError("the resource is not a JSON object")
	}
	switch of.kind {
	case plainField:
		switch of.name {
		case "location":
			s.Location = v
		case "kind":
			s.Kind = v
		case "name", "fullname":
			s.Name = v
		default:
			return s, evaluationError("the field '%s' cannot be tried", name)
		}
		return s, nil
	case tagField:
		tags, _ := lookup(doc, "tags")
		object, _ := tags.(map[string]any)
		s.Tags = make(map[string]string, len(object)+1)
		for key, value := range object {
			s.Tags[key] = show(value)
		}
		s.Tags[of.name] = v
		return s, nil
	case identityField:
		s.Identity = encode(map[string]any{"type": v})
		return s, nil
	}
	f, err := s.frame()
	if err != nil {
		return s, err
	}
	rest, ok := aliasRest(of.text, f.resourceType)
	if !ok || strings.Contains(rest, "[") {
		return s, evaluationError("the field '%s' cannot be tried", name)
	}
	if !topLevel[firstStep(rest)] {
		rest = "properties." + rest
	}
	put(doc, strings.Split(rest, "."), v)
	s.Body = encode(doc)
	return s, nil
}

// put sets a property at a path, making the objects on the way.
func put(object map[string]any, path []string, v any) {
	for _, step := range path[:len(path)-1] {
		inner, _ := object[step].(map[string]any)
		if inner == nil {
			inner = map[string]any{}
			object[step] = inner
		}
		object = inner
	}
	object[path[len(path)-1]] = v
}
