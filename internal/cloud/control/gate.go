package control

import (
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/access"
	"github.com/amlmove/amlmove/internal/errs"
)

// States of a subscription (arm-move 5).
const (
	SubscriptionEnabled  = "Enabled"
	SubscriptionWarned   = "Warned"
	SubscriptionPastDue  = "PastDue"
	SubscriptionDisabled = "Disabled" // read only
)

// Admit decides whether the caller may do an action on an id: the subscription exists in the caller's tenant, a role allows the action
// (S12-S14), and a disabled subscription is only read.
func (st *State) Admit(req *Request, action string, id arm.ID) error {
	if sub := id.Subscription(); sub != "" {
		s := st.subscriptions[strings.ToLower(sub)]
		if s == nil {
			return errs.New(errs.NotFound, "SubscriptionNotFound", "The subscription '%s' could not be found.", sub)
		}
		if !strings.EqualFold(s.Tenant, req.Caller.TenantID) {
			return errs.New(errs.Unauthorized, "InvalidAuthenticationTokenTenant",
				"The access token is from the wrong issuer. It must match the tenant '%s' associated with this subscription, and is of the tenant '%s'. Please use the authority (URL) of that tenant to get the token.", s.Tenant, req.Caller.TenantID)
		}
		if !strings.HasSuffix(action, "/read") && !s.Writable() {
			return errs.New(errs.Conflict, "ReadOnlyDisabledSubscription",
				"The subscription '%s' is disabled and therefore marked as read only. You cannot perform any write actions on this subscription until it is re-enabled.", sub)
		}
	}
	if !st.grants.Allowed(req.Caller.ObjectID, action, id.String()) {
		return access.Forbidden(req.Caller.Client(), req.Caller.ObjectID, action, id.String())
	}
	return nil
}

// Linked refuses a request on an id that also touches a subscription of another tenant (S27).
func (st *State) Linked(req *Request, action string, id, on arm.ID) error {
	own, other := st.Subscription(id.Subscription()), st.Subscription(on.Subscription())
	if own == nil || other == nil || strings.EqualFold(own.Tenant, other.Tenant) {
		return nil
	}
	return access.ForeignTenant(req.Caller.Client(), req.Caller.ObjectID, action, id.String(), own.Tenant, other.ID)
}

// unlocked decides whether a lock at the scope, above it, or (for deletions) below it forbids a write or a deletion.
func (st *State) unlocked(id arm.ID, op access.Operation) error {
	scope := id.String()
	if blocking := access.Blocking(st.locks, scope, op); len(blocking) > 0 {
		return access.ScopeLocked(scope, op, blocking)
	}
	return nil
}

// unlockedItself decides whether a lock at the scope or below it forbids that a service takes it away along with something else. A lock above is not asked: it forbids
// requests to delete what is below it, and lets that be written whose children or connections these are.
func (st *State) unlockedItself(id arm.ID) error {
	scope := id.String()
	blocking := access.Blocking(st.locks, scope, access.Delete)
	blocking = slices.DeleteFunc(blocking, func(l access.Lock) bool { return !access.Within(l.Scope, scope) })
	if len(blocking) > 0 {
		return access.ScopeLocked(scope, access.Delete, blocking)
	}
	return nil
}

// registered decides whether the subscription may use a namespace. Its code makes az and the Go SDK register and repeat (client-wire 5.5).
func (st *State) registered(id arm.ID, namespace string) error {
	s := st.subscriptions[strings.ToLower(id.Subscription())]
	if s == nil || s.Registration(namespace) == Registered {
		return nil
	}
	return errs.New(errs.Conflict, "MissingSubscriptionRegistration",
		"The subscription is not registered to use namespace '%s'. See https://aka.ms/rps-not-found for how to register subscriptions.", namespace).At(namespace)
}

// GroupMoving is the flag of a resource group that takes part in a move.
const GroupMoving = "MovingResources"

// BeingMoved is the conflict that every write meets in a group that takes part in a move (S30, arm-move 3).
func BeingMoved(group string) *errs.Error {
	return errs.New(errs.Conflict, "ResourcesBeingMoved",
		"The resource group '%s' is being updated and cannot perform this operation.", group)
}

// groupMissing is ARM's error for a group that is not there.
func groupMissing(name string) *errs.Error {
	return errs.New(errs.NotFound, "ResourceGroupNotFound", "Resource group '%s' could not be found.", name)
}

// Explain turns the tree's NotFound into ARM's words for what is missing on the way to id.
func Explain(err error, id arm.ID) error {
	e := errs.As(err)
	if e == nil || e.Kind != errs.NotFound || e.Code != "ResourceNotFound" && e.Code != "NodeNotFound" {
		return err
	}
	missing, parseErr := arm.Parse(e.Target)
	if e.Code == "NodeNotFound" { // it was there a moment ago: another transaction took it away
		missing, parseErr = id, nil
	}
	if parseErr != nil {
		return err
	}
	switch {
	case len(missing) == 1:
		return errs.New(errs.NotFound, "SubscriptionNotFound", "The subscription '%s' could not be found.", missing.Name())
	case len(missing) == 2 && missing.Group() != "":
		return groupMissing(missing.Name())
	case len(missing) < len(id):
		return errs.New(errs.NotFound, "ParentResourceNotFound",
			"Can not perform requested operation on nested resource '%s'. Parent resource '%s' not found.", id, missing)
	}
	return resourceMissing(id)
}

// resourceMissing is ARM's error for a resource that is not there.
func resourceMissing(id arm.ID) *errs.Error {
	if id.Type().Is("Microsoft.Resources/deployments") {
		return errs.New(errs.NotFound, "DeploymentNotFound", "Deployment '%s' could not be found.", id.Name())
	}
	return errs.New(errs.NotFound, "ResourceNotFound",
		"The Resource '%s/%s' under resource group '%s' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
		id.Type(), relativeName(id), id.Group())
}

// relativeName is the name of a resource with the names above it: ws1/cpu.
func relativeName(id arm.ID) string {
	var names []string
	for i := len(id) - 1; i >= 0; i-- {
		names = append([]string{id[i].Name}, names...)
		if id[i].Namespace != "" {
			break
		}
	}
	return strings.Join(names, "/")
}

// Subscription returns what is known of a subscription, or nil.
func (st *State) Subscription(id string) *Subscription { return st.subscriptions[strings.ToLower(id)] }

// Subscriptions returns all subscriptions of a tenant.
func (st *State) Subscriptions(tenant string) []*Subscription {
	var list []*Subscription
	for _, s := range st.ordered {
		if strings.EqualFold(s.Tenant, tenant) {
			list = append(list, s)
		}
	}
	return list
}

// Writable reports whether the subscription's state lets it be written.
func (s *Subscription) Writable() bool {
	return s.State == SubscriptionEnabled || s.State == SubscriptionWarned || s.State == SubscriptionPastDue
}

// Allowed reports whether a principal may do an action at an id.
func (st *State) Allowed(principal, action string, id arm.ID) bool {
	return st.grants.Allowed(principal, action, id.String())
}

// LocksAt returns the locks that hold at an id or, when below is set, also those bound to something below it.
func (st *State) LocksAt(id arm.ID, below bool) []access.Lock {
	op := access.Write
	if below {
		op = access.Delete
	}
	held := access.Blocking(st.locks, id.String(), op)
	for _, l := range st.locks {
		if l.Level == access.CanNotDelete && !below && access.Within(id.String(), l.Scope) {
			held = append(held, l)
		}
	}
	return held
}
