package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// policyRules are about Azure Policy at the target. It is judged from the definitions as they were read, apart from how the cloud judges (D8).
func policyRules() []Rule {
	const remedy = "change the resource so that it complies before the move, or ask for an exemption (az policy exemption create) at the target group"
	return []Rule{
		{ID: "ML040", Clauses: []string{"S15", "pain 13"}, Title: "No deny policy at the target refuses what moves",
			Why: "ARM evaluates the policies of the target as if the resource were created there.", Remedy: remedy, Judge: func(c *Case) []Finding { return c.denied(c.arriving()) }},
		{ID: "ML041", Clauses: []string{"S15", "D2"}, Title: "No deny policy at the target refuses what must be made again",
			Why: "Computes, endpoints and deployments are created anew at the target; a policy that denies one of them would make its removal final.", Remedy: remedy,
			Judge: func(c *Case) []Finding { return c.denied(c.remaking()) }},
		{ID: "ML042", Clauses: []string{"S15", "pain 13"}, Title: "Policies that cannot be judged beforehand are named",
			Why: "A condition may use functions, counts or aliases that only Azure evaluates.", Remedy: "let the owner of the policy say whether it refuses the workspace; validateMoveResources tells for certain", Judge: undecided},
		{ID: "ML043", Clauses: []string{"pain 16", "aml-contract 8"}, Title: "Policy on what moves itself is said",
			Why:    "Assignments and exemptions are bound to the id: they do not follow. What they name may not exist for the target, so whether they are still meant is their owner's to say.",
			Remedy: "make it again at the new id after the move (az policy assignment create, az policy exemption create), if it is still meant", Judge: ownPolicy},
	}
}

func ownPolicy(c *Case) []Finding {
	var list []Finding
	for _, typ := range []arm.Type{aml.PolicyAssignments, aml.PolicyExemptions} {
		for _, item := range c.Of(snapshot.Source, typ) {
			if item.ID != nil && c.travels(item.ID.Scope()) {
				list = append(list, found(Warning, Person, item.ID, "the %s %s on %s does not follow", map[arm.Type]string{aml.PolicyAssignments: "policy assignment", aml.PolicyExemptions: "policy exemption"}[typ], item.Name(), item.ID.Scope().Name()))
			}
		}
	}
	return list
}

// policy is one definition as an assignment applies it to the target.
type policy struct {
	assignment facts.Item
	definition facts.Item // zero when it could not be read
	id         string     // of the definition, or of the initiative while that could not be read
	reference  string     // name of the definition in an initiative
	parameters parameters
	doubtful   bool // overrides or selectors change what it does in ways that are not followed
}

// name is how people know the policy.
func (p policy) name() string {
	for _, text := range []string{p.definition.Doc.Text("properties.displayName"), p.reference, p.assignment.Doc.Text("properties.displayName")} {
		if text != "" {
			return text
		}
	}
	return p.assignment.Name()
}

// policies are all policies that reach the target group and are enforced.
func (c *Case) policies() []policy {
	if !c.aimed() {
		return nil
	}
	var list []policy
	for _, a := range c.Of(snapshot.Target, aml.PolicyAssignments) {
		doc := a.Doc
		excluded := slices.ContainsFunc(doc.Texts("properties.notScopes"), func(s string) bool {
			scope, err := arm.Parse(s)
			return err == nil && c.Target.Within(scope)
		})
		if a.ID == nil || strings.EqualFold(doc.Text("properties.enforcementMode"), "DoNotEnforce") || excluded || !c.reaches(a) {
			continue
		}
		base := policy{assignment: a, parameters: given(doc.Object("properties.parameters")),
			doubtful: len(doc.Objects("properties.overrides")) > 0 || len(doc.Objects("properties.resourceSelectors")) > 0}
		list = append(list, c.expand(base, doc.Text("properties.policyDefinitionId"))...)
	}
	return list
}

// reaches reports whether an assignment is at or above the target group. Those of management groups were listed because they are.
func (c *Case) reaches(a facts.Item) bool {
	scope := a.ID.Scope()
	return scope.Subscription() == "" || c.Target.Within(scope)
}

// expand finds the definition that an assignment names, or those of an initiative, without what is exempt.
func (c *Case) expand(base policy, id string) []policy {
	set, isSet := c.One(snapshot.Target, aml.PolicySetDefinitions, id)
	if !isSet {
		if c.exempt(base.assignment, "") {
			return nil
		}
		base.id = id
		base.definition, _ = c.One(snapshot.Target, aml.PolicyDefinitions, id)
		base.parameters = base.parameters.over(base.definition.Doc.Object("properties.parameters"))
		return []policy{base}
	}
	outer := base.parameters.over(set.Doc.Object("properties.parameters"))
	var list []policy
	for _, member := range set.Doc.Objects("properties.policyDefinitions") {
		p := base
		p.reference = member.Text("policyDefinitionReferenceId")
		if c.exempt(base.assignment, p.reference) {
			continue
		}
		p.id = member.Text("policyDefinitionId")
		p.definition, _ = c.One(snapshot.Target, aml.PolicyDefinitions, p.id)
		inner := parameters{}
		for name, value := range given(member.Object("parameters")) {
			inner[name] = scope{parameters: outer}.resolve(value)
		}
		p.parameters = inner.over(p.definition.Doc.Object("properties.parameters"))
		list = append(list, p)
	}
	return list
}

// exempt reports whether an exemption at or above the target group covers an assignment, or one definition of an initiative. Times are judged by when the snapshot ended.
func (c *Case) exempt(assignment facts.Item, reference string) bool {
	return slices.ContainsFunc(c.Of(snapshot.Target, aml.PolicyExemptions), func(e facts.Item) bool {
		if e.ID == nil || !strings.EqualFold(e.Doc.Text("properties.policyAssignmentId"), assignment.ID.String()) || !c.Target.Within(e.ID.Scope()) {
			return false
		}
		if until, err := time.Parse(time.RFC3339, e.Doc.Text("properties.expiresOn")); err == nil && until.Before(c.Header.Ended) {
			return false
		}
		references := e.Doc.Texts("properties.policyDefinitionReferenceIds")
		return len(references) == 0 || slices.ContainsFunc(references, func(r string) bool { return strings.EqualFold(r, reference) })
	})
}

// arrival is a document as it would be created at the target.
type arrival struct {
	id  arm.ID // where it is now
	typ arm.Type
	doc arm.Document
}

// arriving are the documents of what moves, and the group that is made for it.
func (c *Case) arriving() []arrival {
	if !c.aimed() {
		return nil
	}
	list := []arrival{c.arrivalOf(c.Workspace)}
	for _, a := range c.included() {
		if a.Item.Doc != nil {
			list = append(list, c.arrivalOf(a.Item))
		}
	}
	if c.groupMissing() {
		group := arm.Document{"id": c.Target.GroupID().String(), "name": c.Target.Group(), "location": region(c.Workspace.Doc.Text("location")), "type": string(groupType)}
		list = append(list, arrival{c.Target.GroupID(), groupType, group})
	}
	return list
}

// groupType is how policies name resource groups.
const groupType arm.Type = "Microsoft.Resources/subscriptions/resourceGroups"

// remaking are the documents of what is made again at the target.
func (c *Case) remaking() []arrival {
	if !c.aimed() {
		return nil
	}
	var list []arrival
	for _, item := range c.remade() {
		list = append(list, c.arrivalOf(item))
	}
	return list
}

// arrivalOf places a document at the target.
func (c *Case) arrivalOf(item facts.Item) arrival {
	doc := item.Doc.Clone()
	doc["id"], doc["type"], doc["name"] = c.Landing(item.ID).String(), string(item.Type), item.Name()
	return arrival{item.ID, item.Type, doc}
}

// denied finds which policies deny which documents.
func (c *Case) denied(arrivals []arrival) []Finding {
	var list []Finding
	for _, p := range c.policies() {
		for _, a := range arrivals {
			if c.denies(p, a) == yes {
				list = append(list, found(Blocker, Person, a.id, "the policy %q denies %s at the target", p.name(), a.id.Name()).seen("assignment %s", p.assignment.ID))
			}
		}
	}
	return list
}

// undecided finds the policies of which nobody can tell from the facts.
func undecided(c *Case) []Finding {
	var list []Finding
	for _, p := range c.policies() {
		var open []string
		for _, a := range append(c.arriving(), c.remaking()...) {
			if c.denies(p, a) == unknown {
				open = append(open, a.id.Name())
			}
		}
		if len(open) > 0 {
			list = append(list, found(Warning, Person, p.assignment.ID, "whether the policy %q refuses %s cannot be told beforehand", p.name(), names(open)))
		}
	}
	return list
}

// denies says whether a policy denies a document.
func (c *Case) denies(p policy, a arrival) verdict {
	if p.definition.Doc == nil || p.doubtful {
		return unknown
	}
	s := scope{parameters: p.parameters, doc: a.doc, typ: a.typ, group: c.targetGroupDocument()}
	effect, known := s.resolve(p.definition.Doc.Text("properties.policyRule.then.effect")).(string)
	mode := strings.ToLower(p.definition.Doc.Text("properties.mode"))
	switch {
	case known && !strings.EqualFold(effect, "deny"):
		return no
	case strings.HasPrefix(mode, strings.ToLower(aml.Namespace)+".") && !a.id.TopLevel() && a.typ != groupType:
		return unknown // the data plane of the service: only it knows at what it looks
	case strings.Contains(mode, "."), mode == "indexed" && a.typ == groupType:
		return no // another data plane, or a mode that looks only at what has tags and a location of its own
	}
	rule, _ := p.definition.Doc.At("properties.policyRule.if")
	met := s.holds(rule)
	if !known && met == yes {
		return unknown
	}
	return met
}

// targetGroupDocument is the target group as conditions see it; the one that will be made when it is not there.
func (c *Case) targetGroupDocument() arm.Document {
	if item, ok := c.targetGroupDoc(); ok {
		return item.Doc
	}
	if c.groupMissing() {
		return arm.Document{"id": c.Target.GroupID().String(), "name": c.Target.Group(), "location": region(c.Workspace.Doc.Text("location"))}
	}
	return nil
}
