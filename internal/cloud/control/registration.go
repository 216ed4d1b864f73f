package control

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// Registration states of a namespace in a subscription (arm-move 4.1): NotRegistered until somebody registers it, Unregistered once somebody took that back. az waits for the
// very word.
const (
	Registered    = "Registered"
	registering   = "Registering"
	unregistering = "Unregistering"
	unregistered  = "Unregistered"
	notRegistered = "NotRegistered"
)

// always are the namespaces that Azure itself registers in every subscription.
var always = map[string]bool{"microsoft.resources": true, "microsoft.authorization": true, "microsoft.policyinsights": true,
	"microsoft.management": true, "microsoft.resourcegraph": true, "microsoft.portal": true, "microsoft.support": true,
	"microsoft.consumption": true, "microsoft.billing": true, "microsoft.features": true}

// providerNode is the type of the node that keeps a registration below its subscription.
const providerNode = "providers"

// registrationBody is what such a node holds.
type registrationBody struct {
	State string `json:"registrationState"`
}

// NewRegistration returns the node that keeps a namespace registered below a subscription. For seeding.
func NewRegistration(subscription store.ID, namespace string, now time.Time) *store.Node {
	body, _ := json.Marshal(registrationBody{Registered}) // a string: cannot fail
	return &store.Node{Parent: subscription, Type: providerNode, Name: namespace, Body: body, Created: now, Changed: now}
}

// providers serves /subscriptions/{s}/providers and /subscriptions/{s}/providers/{namespace} with its two verbs.
func (e *Engine) providers(ctx context.Context, req *Request, tail arm.Hop) (Response, error) {
	if tail.Namespace == "" {
		return e.listProviders(ctx, req)
	}
	namespace, _, known := e.Types.Namespace(tail.Namespace)
	if !known && !always[strings.ToLower(tail.Namespace)] {
		return Response{}, errs.New(errs.NotFound, "InvalidResourceNamespace", "The resource namespace '%s' is invalid.", tail.Namespace)
	}
	if !known {
		namespace = tail.Namespace
	}
	switch word := strings.ToLower(tail.Type); {
	case word == "" && req.Method == http.MethodGet:
		var body []byte
		err := e.View(ctx, func(_ store.Reader, st *State) error {
			err := st.Admit(req, "Microsoft.Resources/subscriptions/providers/read", req.Target.ID)
			body, _ = json.Marshal(e.providerDocument(st, req.Target.ID.Subscription(), namespace))
			return err
		})
		return Response{Status: http.StatusOK, Body: body}, err
	case word == "resourcetypes" && req.Method == http.MethodGet:
		return e.listResourceTypes(ctx, req, namespace)
	case word == "providerpermissions" && req.Method == http.MethodGet:
		return Response{}, errs.New(errs.Unsupported, "NotImplemented", "The permissions of the provider '%s' are not built in this cloud.", namespace)
	case word == "register" && req.Method == http.MethodPost:
		return e.register(ctx, req, namespace, registering)
	case word == "unregister" && req.Method == http.MethodPost:
		return e.register(ctx, req, namespace, unregistering)
	}
	return Response{}, notAllowed(req.Method, "Microsoft.Resources/providers")
}

// listResourceTypes answers with the types of one namespace.
func (e *Engine) listResourceTypes(ctx context.Context, req *Request, namespace string) (Response, error) {
	var body []byte
	err := e.View(ctx, func(_ store.Reader, st *State) error {
		if err := st.Admit(req, "Microsoft.Resources/subscriptions/providers/read", req.Target.ID); err != nil {
			return err
		}
		var err error
		body, err = json.Marshal(map[string]any{"value": e.providerDocument(st, req.Target.ID.Subscription(), namespace)["resourceTypes"]})
		return err
	})
	return Response{Status: http.StatusOK, Body: body}, err
}

func (e *Engine) listProviders(ctx context.Context, req *Request) (Response, error) {
	var items []any
	err := e.View(ctx, func(_ store.Reader, st *State) error {
		if err := st.Admit(req, "Microsoft.Resources/subscriptions/providers/read", req.Target.ID); err != nil {
			return err
		}
		items = []any{}
		for _, namespace := range e.Types.Namespaces() {
			items = append(items, e.providerDocument(st, req.Target.ID.Subscription(), namespace))
		}
		return nil
	})
	if err != nil {
		return Response{}, err
	}
	body, err := json.Marshal(map[string]any{"value": items})
	return Response{Status: http.StatusOK, Body: body}, err
}

// providerDocument describes a namespace as az and the SDKs read it (client-wire 6): versions newest first, capabilities as one string.
func (e *Engine) providerDocument(st *State, subscription, namespace string) map[string]any {
	_, types, _ := e.Types.Namespace(namespace)
	resourceTypes := []any{}
	for _, t := range types {
		versions := e.Types.VersionsOf(t)
		document := map[string]any{"resourceType": t.Name.Path(), "locations": e.locationsOf(t), "apiVersions": versions, "capabilities": capabilities(t)}
		for _, version := range versions {
			if !strings.Contains(version, "preview") {
				document["defaultApiVersion"] = version
				break
			}
		}
		resourceTypes = append(resourceTypes, document)
	}
	doc := map[string]any{"namespace": namespace, "resourceTypes": resourceTypes, "registrationPolicy": "RegistrationRequired"}
	if always[strings.ToLower(namespace)] {
		doc["registrationPolicy"] = "RegistrationFree"
	}
	doc["id"] = "/providers/" + namespace
	if s := st.subscriptions[strings.ToLower(subscription)]; s != nil {
		doc["id"] = "/subscriptions/" + s.ID + "/providers/" + namespace
		doc["registrationState"] = s.Registration(namespace)
	}
	return doc
}

// capabilities is ARM's comma separated list (arm-move 4.1).
func capabilities(t *provider.Type) string {
	var words []string
	if t.MoveGroup {
		words = append(words, "CrossResourceGroupResourceMove")
	}
	if t.MoveSubscription {
		words = append(words, "CrossSubscriptionResourceMove")
	}
	if t.Tracked {
		words = append(words, "SupportsTags", "SupportsLocation")
	}
	if t.Extension {
		words = append(words, "SupportsExtension")
	}
	if len(words) == 0 {
		return "None"
	}
	return strings.Join(words, ", ")
}

// locationsOf is where a type is offered: everywhere this cloud knows, for every type that has a place.
func (e *Engine) locationsOf(t *provider.Type) []string {
	if t.Extension || t.Depth() > 1 && !t.Tracked {
		return []string{}
	}
	names := make([]string, 0, len(Locations)+1)
	if t.Global {
		names = append(names, global)
	}
	for _, l := range Locations {
		names = append(names, l.Display)
	}
	return names
}

// register begins to register or unregister a namespace; it takes its time on the cloud's clock.
func (e *Engine) register(ctx context.Context, req *Request, namespace, passing string) (Response, error) {
	resp := Response{Status: http.StatusOK}
	verb := strings.TrimSuffix(strings.ToLower(passing), "ing")
	err := e.Update(ctx, func(tx store.Tx, st *State) error {
		if err := st.Admit(req, namespace+"/"+verb+"/action", req.Target.ID); err != nil {
			return err
		}
		s := st.subscriptions[strings.ToLower(req.Target.ID.Subscription())]
		kept, now, err := holdRegistration(ctx, tx, s, namespace)
		if err != nil {
			return err
		}
		if now == passing || passing == registering && now == Registered || passing == unregistering && now == unregistered || always[strings.ToLower(namespace)] {
			doc := e.providerDocument(st, s.ID, namespace)
			doc["registrationState"] = now
			resp.Body, err = json.Marshal(doc)
			return err
		}
		if passing == unregistering {
			if err := e.unused(ctx, tx, s, namespace); err != nil {
				return err
			}
		}
		if err := setRegistration(ctx, tx, kept, passing, e.now()); err != nil {
			return err
		}
		op, err := operation.New(opRegister, e.now(), e.Clock.Duration("provider."+verb), registerInput{Namespace: namespace, From: passing})
		if err != nil {
			return err
		}
		op.Tenant, op.Subscription, op.Principal, op.Node = s.Tenant, s.ID, req.Caller.ObjectID, s.Node
		if err := tx.PutOperation(ctx, op); err != nil {
			return err
		}
		doc := e.providerDocument(st, s.ID, namespace)
		doc["registrationState"] = passing
		resp.Body, err = json.Marshal(doc)
		return err
	})
	return resp, err
}

// unused refuses to unregister a namespace that still has resources in the subscription.
func (e *Engine) unused(ctx context.Context, tx store.Tx, s *Subscription, namespace string) error {
	_, types, _ := e.Types.Namespace(namespace)
	groups := store.Range{Type: arm.ResourceGroups, Limit: 500}
	for {
		nodes, err := tx.Children(ctx, s.Node, groups)
		if err != nil {
			return err
		}
		for _, group := range nodes {
			for _, t := range types {
				if t.Depth() > 1 || t.Extension || t.Virtual {
					continue
				}
				n, err := tx.Count(ctx, group.ID, string(t.Name))
				if err != nil {
					return err
				}
				if n > 0 {
					return errs.New(errs.Conflict, "SubscriptionContainsResources",
						"The subscription '%s' cannot be unregistered from the namespace '%s': the resource group '%s' holds resources of type '%s'.", s.ID, namespace, group.Name, t.Name)
				}
			}
		}
		if len(nodes) < groups.Limit {
			return nil
		}
		groups.AfterType, groups.AfterName = nodes[len(nodes)-1].Type, nodes[len(nodes)-1].Name
	}
}

// registerInput is what a registration remembers.
type registerInput struct {
	Namespace string `json:"namespace"`
	From      string `json:"from"`
}

// holdRegistration keeps others from registering in a subscription until the transaction ends, and returns the state of a namespace as it is now with the node that keeps it,
// which has no id while there is none.
func holdRegistration(ctx context.Context, tx store.Tx, s *Subscription, namespace string) (kept store.Node, state string, err error) {
	_, met, err := tx.HoldAndWalk(ctx, store.Exclusive, s.Node, s.Node, []store.Step{{Type: providerNode, Name: namespace}})
	switch {
	case err != nil:
		return kept, "", err
	case always[strings.ToLower(namespace)]:
		return kept, Registered, nil
	case len(met) == 0:
		return store.Node{Parent: s.Node, Type: providerNode, Name: namespace}, notRegistered, nil
	}
	var body registrationBody
	err = json.Unmarshal(met[0].Body, &body)
	return met[0], body.State, err
}

// setRegistration writes the state of a namespace in a subscription that is held.
func setRegistration(ctx context.Context, tx store.Tx, kept store.Node, state string, now time.Time) (err error) {
	if kept.Body, err = json.Marshal(registrationBody{state}); err != nil {
		return err
	}
	kept.Changed = now
	if kept.ID == 0 {
		kept.Created = now
		err = tx.Insert(ctx, &kept)
	} else {
		err = tx.Save(ctx, kept)
	}
	if err != nil {
		return err
	}
	return tx.Bump(ctx)
}

// finishRegister ends a registration.
func (e *Engine) finishRegister(ctx context.Context, tx store.Tx, op *store.Operation, now time.Time) error {
	operation.Finish(op, now, http.StatusOK, nil)
	return e.passRegistration(ctx, tx, op, now, map[string]string{registering: Registered, unregistering: unregistered})
}

// abandonRegister takes back a registration that was given up: it can be asked for again.
func (e *Engine) abandonRegister(ctx context.Context, tx store.Tx, op *store.Operation, now time.Time) error {
	return e.passRegistration(ctx, tx, op, now, map[string]string{registering: notRegistered, unregistering: Registered})
}

// passRegistration takes a namespace out of the state in which its operation has it, unless it was turned round meanwhile.
func (e *Engine) passRegistration(ctx context.Context, tx store.Tx, op *store.Operation, now time.Time, next map[string]string) error {
	var input registerInput
	if err := json.Unmarshal(op.Input, &input); err != nil {
		return err
	}
	st, err := e.StateOf(ctx, tx)
	if err != nil {
		return err
	}
	s := st.Subscription(op.Subscription)
	if s == nil {
		return nil
	}
	kept, state, err := holdRegistration(ctx, tx, s, input.Namespace)
	if err != nil || state != input.From {
		return err
	}
	return setRegistration(ctx, tx, kept, next[state], now)
}
