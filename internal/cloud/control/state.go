package control

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/amlmove/amlmove/internal/cloud/access"
	"github.com/amlmove/amlmove/internal/cloud/authorization"
	"github.com/amlmove/amlmove/internal/cloud/store"
)

// State is what decides about every request and changes seldom: subscriptions with their registrations, roles, locks, policies. It is read
// once for each generation of the store.
type State struct {
	generation    int64
	subscriptions map[string]*Subscription // by lower-case id
	ordered       []*Subscription
	grants        *access.Grants
	locks         []access.Lock
	policies      *access.Policies
}

// stateCache keeps the state of the newest generation.
type stateCache struct {
	mu   sync.RWMutex
	kept *State
}

// StateOf returns the state that a transaction sees.
func (e *Engine) StateOf(ctx context.Context, r store.Reader) (*State, error) {
	generation, err := r.Generation(ctx)
	if err != nil {
		return nil, err
	}
	e.state.mu.RLock()
	kept := e.state.kept
	e.state.mu.RUnlock()
	if kept != nil && kept.generation == generation {
		return kept, nil
	}
	st, err := loadState(ctx, r, generation)
	if err != nil {
		return nil, err
	}
	e.state.mu.Lock()
	defer e.state.mu.Unlock()
	if e.state.kept == nil || e.state.kept.generation < generation {
		e.state.kept = st
	}
	return st, nil
}

// loadState reads everything anew.
func loadState(ctx context.Context, r store.Reader, generation int64) (*State, error) {
	rules, err := authorization.Load(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("load the rules of the cloud: %w", err)
	}
	st := &State{generation: generation, subscriptions: map[string]*Subscription{},
		grants: access.NewGrants(rules.Roles, rules.Assignments), locks: rules.Locks, policies: rules.Policies()}
	chunk := store.Range{Type: SubscriptionNode, Limit: 500}
	for {
		nodes, err := r.Children(ctx, store.Root, chunk)
		if err != nil {
			return nil, err
		}
		for _, node := range nodes {
			s, err := loadSubscription(ctx, r, node)
			if err != nil {
				return nil, fmt.Errorf("load subscription %s: %w", node.Name, err)
			}
			st.subscriptions[strings.ToLower(s.ID)] = s
			st.ordered = append(st.ordered, s)
		}
		if len(nodes) < chunk.Limit {
			return st, nil
		}
		chunk.AfterType, chunk.AfterName = nodes[len(nodes)-1].Type, nodes[len(nodes)-1].Name
	}
}

func loadSubscription(ctx context.Context, r store.Reader, node store.Node) (*Subscription, error) {
	var body SubscriptionBody
	if err := json.Unmarshal(node.Body, &body); err != nil {
		return nil, err
	}
	s := &Subscription{ID: node.Name, Name: body.DisplayName, Tenant: body.TenantID, State: body.State, Tags: body.Tags, Node: node.ID, registrations: map[string]string{}}
	nodes, err := r.Children(ctx, node.ID, store.Range{Type: providerNode, Limit: 1000})
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		var registration registrationBody
		if err := json.Unmarshal(n.Body, &registration); err != nil {
			return nil, err
		}
		s.registrations[strings.ToLower(n.Name)] = registration.State
	}
	return s, nil
}
