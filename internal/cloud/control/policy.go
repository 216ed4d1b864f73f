package control

import (
	"context"
	"encoding/json"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/access"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// subject describes a would-be document to the policies.
func subject(id arm.ID, doc map[string]any, raw json.RawMessage, location string, group map[string]any, scope string) access.Subject {
	s := access.Subject{ID: id.String(), Location: location, Body: raw, Scope: scope, Untracked: location == "" && doc["tags"] == nil,
		Subscription: access.SubscriptionFacts{ID: id.Subscription()}}
	if id.Group() != "" {
		s.Group = access.GroupFacts{ID: id.GroupID().String(), Name: id.Group(), Location: tree.Text(group, "location"), Tags: tagMap(group)}
	}
	return s
}

func tagMap(doc map[string]any) map[string]string {
	tags := map[string]string{}
	for name, value := range tree.Object(doc, "tags") {
		if text, ok := value.(string); ok {
			tags[name] = text
		}
	}
	return tags
}

// violations asks the policies about the document of a call.
func (st *State) violations(c *provider.Call, id arm.ID) error {
	if !st.policies.Reach(c.ID.String()) {
		return nil
	}
	var group map[string]any
	if len(c.Found.Chain) > 1 {
		if doc, err := c.Tree.Decode(c.Ctx, c.Read, tree.Found{Chain: c.Found.Chain[:2], Node: c.Found.Chain[1]}); err == nil {
			group = doc.Public
		}
	}
	s := subject(c.ID, c.Doc.Public, rawBody(c.Doc.Public), tree.Text(c.Doc.Public, "location"), group, id.Scope().String())
	s.Untracked = !c.Type.Tracked
	return st.violation(s, c.Now)
}

// violation is ARM's error when a policy denies the subject.
func (st *State) violation(s access.Subject, now time.Time) error {
	if denied := access.Disallowed(st.policies.Evaluate(s, now)); denied != nil {
		return denied
	}
	return nil
}

// admitPolicyOnExtension asks the policies about a document at a scope; those of Microsoft.Authorization itself are exempt.
func (e *Engine) admitPolicyOnExtension(st *State, c *provider.Call) error {
	if inherited(c.Type) {
		return nil
	}
	s := subject(c.ID, c.Doc.Public, rawBody(c.Doc.Public), "", nil, c.ID.Scope().String())
	s.Untracked = true
	return st.violation(s, c.Now)
}

// Denied asks the policies what they would say of a document created in a scope. For moves, which are judged as creations at the target (S15).
func (e *Engine) Denied(ctx context.Context, r store.Reader, id arm.ID, doc map[string]any, group map[string]any) ([]access.Violation, error) {
	st, err := e.StateOf(ctx, r)
	if err != nil {
		return nil, err
	}
	s := subject(id, doc, rawBody(doc), tree.Text(doc, "location"), group, id.Scope().String())
	s.Untracked = false
	return st.policies.Evaluate(s, e.now()), nil
}
