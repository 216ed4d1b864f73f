package control

import (
	"context"
	"encoding/json"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/access"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// subject describes a would-be document to the policies. group is the document of the group that it is in, which for a group is its own.
func (st *State) subject(id arm.ID, doc, group map[string]any) access.Subject {
	s := access.Subject{ID: id.String(), Body: rawBody(doc), Subscription: access.SubscriptionFacts{ID: id.Subscription()}}
	if sub := st.Subscription(id.Subscription()); sub != nil {
		s.Subscription.Name, s.Subscription.Tenant, s.Subscription.Tags = sub.Name, sub.Tenant, sub.Tags
	}
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

// allowed asks the policies about a document that stands, or is to stand, at the end of a chain. untracked types have neither tags nor a location of
// their own. It is ARM's error when a policy denies.
func (e *Engine) allowed(ctx context.Context, r store.Reader, st *State, id arm.ID, doc map[string]any, chain []store.Node, untracked bool) error {
	if !st.policies.Reach(id.String()) {
		return nil
	}
	group, err := e.groupDocument(ctx, r, chain)
	if err != nil {
		return err
	}
	s := st.subject(id, doc, group)
	s.Untracked = untracked
	return e.judged(st, s)
}

// groupDocument reads the group that a chain passes; nil when it passes none.
func (e *Engine) groupDocument(ctx context.Context, r store.Reader, chain []store.Node) (map[string]any, error) {
	if len(chain) < 2 || chain[1].Type != arm.ResourceGroups {
		return nil, nil
	}
	doc, err := e.document(ctx, r, tree.Found{Chain: chain[:2], Node: chain[1]})
	if err != nil {
		return nil, err
	}
	return doc.Public, nil
}

// groupAllowed asks the policies about a group that is to be written.
func (e *Engine) groupAllowed(st *State, id arm.ID, doc map[string]any) error {
	return e.judged(st, st.subject(id, doc, doc))
}

func (e *Engine) judged(st *State, s access.Subject) error {
	if denied := access.Disallowed(st.policies.Evaluate(s, e.now())); denied != nil {
		return denied
	}
	return nil
}

// Denied asks the policies what they would say of a document created in a scope. For moves, which are judged as creations at the target (S15).
func (e *Engine) Denied(ctx context.Context, r store.Reader, id arm.ID, doc map[string]any, group map[string]any) ([]access.Violation, error) {
	st, err := e.StateOf(ctx, r)
	if err != nil {
		return nil, err
	}
	return st.policies.Evaluate(st.subject(id, doc, group), e.now()), nil
}

// rawBody is a document as JSON, for the pure packages that read JSON.
func rawBody(doc map[string]any) json.RawMessage {
	raw, _ := json.Marshal(doc) // came from JSON: cannot fail
	return raw
}
