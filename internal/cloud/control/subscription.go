package control

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// Subscription is what the engine remembers of a subscription.
type Subscription struct {
	ID, Name, Tenant, State string
	Node                    store.ID
	Tags                    map[string]string
	registrations           map[string]string // lower-case namespace to state
}

// Registration is the registration state of a namespace.
func (s *Subscription) Registration(namespace string) string {
	key := strings.ToLower(namespace)
	if always[key] {
		return Registered
	}
	if state, ok := s.registrations[key]; ok {
		return state
	}
	return notRegistered
}

// SubscriptionBody is what the node of a subscription holds.
type SubscriptionBody struct {
	DisplayName string            `json:"displayName"`
	TenantID    string            `json:"tenantId"`
	State       string            `json:"state"`
	Tags        map[string]string `json:"tags,omitempty"`
}

// TenantBody is what the node of a tenant holds.
type TenantBody struct {
	DisplayName   string `json:"displayName"`
	DefaultDomain string `json:"defaultDomain"`
}

// Types of the nodes above every resource group.
const (
	TenantNode       = "tenants"
	SubscriptionNode = arm.Subscriptions
)

// subscriptionLevel serves what stands at a subscription.
func (e *Engine) subscriptionLevel(ctx context.Context, req *Request, tail arm.Hop) (Response, error) {
	word := strings.ToLower(tail.Type)
	switch {
	case tail == (arm.Hop{}):
		return e.getSubscription(ctx, req)
	case tail.Namespace == "" && word == strings.ToLower(arm.ResourceGroups) && req.Method == http.MethodGet:
		return e.listGroups(ctx, req)
	case tail.Namespace == "" && word == "resources" && req.Method == http.MethodGet:
		return e.listResources(ctx, req)
	case tail.Namespace == "" && word == "tagnames" && req.Method == http.MethodGet:
		return e.listTagNames(ctx, req)
	case tail.Namespace == "" && word == "locations" && req.Method == http.MethodGet:
		return e.listLocations(ctx, req)
	case tail.Namespace == "" && word == arm.Providers, tail.Namespace != "" && (word == "" || word == "register" || word == "unregister" || word == "resourcetypes" || word == "providerpermissions"):
		return e.providers(ctx, req, tail)
	case tail.Namespace != "":
		return e.scopeCollection(ctx, req)
	}
	return Response{}, errs.New(errs.Unsupported, "NotImplemented", "'%s' on a subscription is not built in this cloud.", tail.Type)
}

// subscriptionChild serves /subscriptions/{s}/{word}/{name} of ARM's own: the results of its operations.
func (e *Engine) subscriptionChild(ctx context.Context, req *Request) (Response, error) {
	if op, result, ok := operationPath(req.Target); ok && req.Method == http.MethodGet {
		return e.operationStatus(ctx, req, op, result)
	}
	return Response{}, errs.New(errs.Unsupported, "NotImplemented", "'%s' is not built in this cloud.", req.Target.ID)
}

// scopeCollection serves a provider's collection or verb directly at a subscription or a group.
func (e *Engine) scopeCollection(ctx context.Context, req *Request) (Response, error) {
	if resp, handled, err := e.scopeRead(ctx, req); handled {
		return resp, err
	}
	typ := arm.Type(req.Target.Tail.NodeType())
	entry, err := e.Types.Find(typ)
	if err != nil {
		return Response{}, err
	}
	if req.Method == http.MethodPost && entry.Virtual {
		if action, ok := entry.Actions[""]; ok {
			return e.act(ctx, req, entry, action, "/action")
		}
	}
	if req.Method != http.MethodGet {
		return Response{}, notAllowed(req.Method, typ)
	}
	if entry.Extension {
		return e.listExtensions(ctx, req, entry)
	}
	return e.list(ctx, req, entry)
}

func (e *Engine) getSubscription(ctx context.Context, req *Request) (Response, error) {
	if req.Method != http.MethodGet {
		return Response{}, notAllowed(req.Method, "Microsoft.Resources/subscriptions")
	}
	var body []byte
	err := e.View(ctx, func(_ store.Reader, st *State) error {
		if err := st.Admit(req, "Microsoft.Resources/subscriptions/read", req.Target.ID); err != nil {
			return err
		}
		body, _ = json.Marshal(st.subscriptions[strings.ToLower(req.Target.ID.Subscription())].document())
		return nil
	})
	return Response{Status: http.StatusOK, Body: body}, err
}

// document is the subscription as az and the SDKs read it (client-wire 3.5).
func (s *Subscription) document() map[string]any {
	doc := map[string]any{"id": "/subscriptions/" + s.ID, "subscriptionId": s.ID, "tenantId": s.Tenant, "displayName": s.Name, "state": s.State,
		"managedByTenants": []any{}, "authorizationSource": "RoleBased",
		"subscriptionPolicies": map[string]any{"locationPlacementId": "Public_2014-09-01", "quotaId": "EnterpriseAgreement_2014-09-01", "spendingLimit": "Off"}}
	if len(s.Tags) > 0 {
		doc["tags"] = s.Tags
	}
	return doc
}

// tenantLevel serves what stands at the tenant.
func (e *Engine) tenantLevel(ctx context.Context, req *Request, tail arm.Hop) (Response, error) {
	word := strings.ToLower(tail.Type)
	switch {
	case req.Method == http.MethodGet && tail.Namespace == "" && word == arm.Subscriptions:
		return e.listSubscriptions(ctx, req)
	case req.Method == http.MethodGet && tail.Namespace == "" && word == TenantNode:
		return e.listTenants(ctx, req)
	case req.Method == http.MethodGet && tail.Namespace == "" && word == arm.Providers, req.Method == http.MethodGet && tail.Namespace != "" && word == "":
		return e.tenantProviders(ctx, req, tail)
	case tail.Namespace != "":
		return e.scopeCollection(ctx, req)
	}
	return Response{}, errs.New(errs.NotFound, "InvalidResourcePath", "The path '/%s' names nothing that Azure Resource Manager knows.", tail.Type)
}

// listSubscriptions answers with the subscriptions of the caller's tenant in which the caller has some role.
func (e *Engine) listSubscriptions(ctx context.Context, req *Request) (Response, error) {
	items := []any{}
	err := e.View(ctx, func(_ store.Reader, st *State) error {
		items = items[:0]
		for _, s := range st.ordered {
			if strings.EqualFold(s.Tenant, req.Caller.TenantID) && st.grants.Around(req.Caller.ObjectID, "/subscriptions/"+s.ID) {
				items = append(items, s.document())
			}
		}
		return nil
	})
	if err != nil {
		return Response{}, err
	}
	body, err := json.Marshal(map[string]any{"value": items, "count": map[string]any{"type": "Total", "value": len(items)}})
	return Response{Status: http.StatusOK, Body: body}, err
}

func (e *Engine) listTenants(ctx context.Context, req *Request) (Response, error) {
	items := []any{}
	err := e.View(ctx, func(r store.Reader, _ *State) error {
		items = items[:0]
		nodes, err := r.Walk(ctx, store.Root, []store.Step{{Type: TenantNode, Name: req.Caller.TenantID}})
		if err != nil || len(nodes) == 0 {
			return err
		}
		var tenant TenantBody
		if err := json.Unmarshal(nodes[0].Body, &tenant); err != nil {
			return err
		}
		items = []any{map[string]any{"id": "/tenants/" + nodes[0].Name, "tenantId": nodes[0].Name, "displayName": tenant.DisplayName,
			"defaultDomain": tenant.DefaultDomain, "tenantCategory": "Home", "countryCode": "US", "domains": []string{tenant.DefaultDomain}}}
		return nil
	})
	if err != nil {
		return Response{}, err
	}
	body, err := json.Marshal(map[string]any{"value": items})
	return Response{Status: http.StatusOK, Body: body}, err
}

// tenantProviders describes namespaces without a subscription.
func (e *Engine) tenantProviders(ctx context.Context, req *Request, tail arm.Hop) (Response, error) {
	var answer any
	err := e.View(ctx, func(_ store.Reader, st *State) error {
		if tail.Namespace != "" {
			namespace, _, known := e.Types.Namespace(tail.Namespace)
			if !known {
				return errs.New(errs.NotFound, "InvalidResourceNamespace", "The resource namespace '%s' is invalid.", tail.Namespace)
			}
			answer = e.providerDocument(st, "", namespace)
			return nil
		}
		items := []any{}
		for _, namespace := range e.Types.Namespaces() {
			items = append(items, e.providerDocument(st, "", namespace))
		}
		answer = map[string]any{"value": items}
		return nil
	})
	if err != nil {
		return Response{}, err
	}
	body, err := json.Marshal(answer)
	return Response{Status: http.StatusOK, Body: body}, err
}

// NewSubscription returns the node of a subscription. For seeding.
func NewSubscription(id string, body SubscriptionBody, now time.Time) *store.Node {
	data, _ := json.Marshal(body) // strings only: cannot fail
	return &store.Node{Parent: store.Root, Type: SubscriptionNode, Name: id, Body: data, Created: now, Changed: now}
}

// NewTenant returns the node of a tenant. For seeding.
func NewTenant(id string, body TenantBody, now time.Time) *store.Node {
	data, _ := json.Marshal(body) // strings only: cannot fail
	return &store.Node{Parent: store.Root, Type: TenantNode, Name: id, Body: data, Created: now, Changed: now}
}
