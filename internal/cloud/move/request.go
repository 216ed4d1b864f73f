package move

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/access"
	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// maxResources is how many resources one request may name (arm-move 1.2).
const maxResources = 800

// order is what a caller asks for, checked for form.
type order struct {
	Source    arm.ID   // group
	Target    arm.ID   // group
	Resources []arm.ID // top-level resources of the source group, without doubles
}

// wire is the order as it travels and as the operation keeps it.
type wire struct {
	Resources           []string `json:"resources"`
	TargetResourceGroup string   `json:"targetResourceGroup"`
}

// parseOrder reads a request's body and refuses everything that can be refused without looking at the cloud.
func parseOrder(source arm.ID, body []byte) (order, error) {
	o := order{Source: source}
	var w wire
	if len(body) == 0 {
		return o, invalidContent("the request has no content")
	}
	if err := json.Unmarshal(body, &w); err != nil {
		return o, invalidContent(err.Error())
	}
	if w.TargetResourceGroup == "" {
		return o, invalidContent("the required property 'targetResourceGroup' is missing")
	}
	if len(w.Resources) == 0 {
		return o, invalidContent("the required property 'resources' is missing or empty")
	}
	if len(w.Resources) > maxResources {
		return o, errs.New(errs.Invalid, "TooManyResourcesInMoveRequest",
			"The move request contains %d resources. The maximum number of resources in one move request is %d.", len(w.Resources), maxResources)
	}
	target, err := arm.Parse(w.TargetResourceGroup)
	if err != nil || len(target) != 2 || target.Group() == "" {
		return o, invalidContent("'" + w.TargetResourceGroup + "' is not the id of a resource group")
	}
	o.Target = target
	if o.Target.Equal(o.Source) {
		return o, errs.New(errs.Invalid, "InvalidMoveTarget", "The source and the target of the move are the same resource group '%s'.", source)
	}
	return o, o.addResources(w.Resources)
}

// addResources reads the ids: top-level resources of the source group only (S25, arm-move 1.2).
func (o *order) addResources(texts []string) error {
	seen := map[string]bool{}
	for _, text := range texts {
		id, err := arm.Parse(text)
		if err != nil {
			return invalidContent("'" + text + "' is not a resource id")
		}
		if id.Root() != nil && len(id) > 3 && id.Within(o.Source) {
			return errs.New(errs.Invalid, "CannotMoveChildResource",
				"The resource '%s' is a child of '%s' and cannot be moved alone. Only top-level resources can be moved; their children move with them.", id, id.Root()).At(id.String())
		}
		if !id.TopLevel() || !id.Within(o.Source) {
			return errs.New(errs.Invalid, "InvalidResourceInMoveRequest",
				"The resource '%s' is not a resource of the resource group '%s'. All resources of a move request must be in the group of the request.", id, o.Source).At(id.String())
		}
		if !seen[id.Key()] {
			seen[id.Key()] = true
			o.Resources = append(o.Resources, id)
		}
	}
	return nil
}

// invalidContent is ARM's error for a body that cannot be read.
func invalidContent(why string) error {
	return errs.New(errs.Invalid, "InvalidRequestContent", "The request content was invalid and could not be deserialized: '%s'.", why)
}

// wire writes the order back to the form in which an operation keeps it.
func (o order) wire() wire {
	w := wire{TargetResourceGroup: o.Target.String()}
	for _, id := range o.Resources {
		w.Resources = append(w.Resources, id.String())
	}
	return w
}

// place is both groups of an order as they stand.
type place struct {
	Source, Target tree.Found
}

// accept makes the checks that ARM makes before it answers 202: rights, subscriptions, groups, existence, locks, moves under way.
func (m *mover) accept(ctx context.Context, r store.Reader, st *control.State, req *control.Request, o order) (place, error) {
	var p place
	if err := m.targetReachable(st, req, o); err != nil {
		return p, err
	}
	var err error
	for _, group := range []struct {
		id arm.ID
		at *tree.Found
	}{{o.Source, &p.Source}, {o.Target, &p.Target}} {
		if *group.at, err = m.engine.Tree.Resolve(ctx, r, group.id); err != nil {
			return p, control.Explain(err, group.id)
		}
		if flag := group.at.Node.Flag; flag != "" {
			return p, control.BeingMoved(group.at.Node.Name)
		}
	}
	if err := m.mayHandle(st, req, o); err != nil {
		return p, err
	}
	if err := m.noneLocked(ctx, r, st, o); err != nil {
		return p, err
	}
	for _, group := range []tree.Found{p.Source, p.Target} {
		if err := m.noDeployment(ctx, r, group); err != nil {
			return p, err
		}
	}
	return p, m.allThere(ctx, r, o)
}

// targetReachable checks the target subscription: it exists, is in the same tenant (S27) and can be written, and the caller may write its group (S12).
func (m *mover) targetReachable(st *control.State, req *control.Request, o order) error {
	target := st.Subscription(o.Target.Subscription())
	if target == nil {
		return errs.New(errs.NotFound, "SubscriptionNotFound", "The subscription '%s' could not be found.", o.Target.Subscription())
	}
	const write = "Microsoft.Resources/subscriptions/resourceGroups/write"
	if err := st.Linked(req, moveAction, o.Source, o.Target); err != nil {
		return err
	}
	if !target.Writable() {
		return errs.New(errs.Conflict, "ReadOnlyDisabledSubscription",
			"The subscription '%s' is disabled and therefore marked as read only. You cannot perform any write actions on this subscription until it is re-enabled.", target.ID)
	}
	if !st.Allowed(req.Caller.ObjectID, write, o.Target) {
		return access.LinkedForbidden(req.Caller.Client(), req.Caller.ObjectID, moveAction, o.Source.String(), write, o.Target.String())
	}
	return nil
}

// mayHandle checks that the caller could delete each resource at the source (S13) and create it at the target (S14).
func (m *mover) mayHandle(st *control.State, req *control.Request, o order) error {
	for _, id := range o.Resources {
		if remove := string(id.Type()) + "/delete"; !st.Allowed(req.Caller.ObjectID, remove, id) {
			return access.Forbidden(req.Caller.Client(), req.Caller.ObjectID, remove, id.String())
		}
		write, at := string(id.Type())+"/write", o.moved(id)
		if !st.Allowed(req.Caller.ObjectID, write, at) {
			return access.LinkedForbidden(req.Caller.Client(), req.Caller.ObjectID, moveAction, o.Source.String(), write, at.String())
		}
	}
	return nil
}

// moved is the id that a resource of the order gets.
func (o order) moved(id arm.ID) arm.ID { return o.Target.Child(id[2]) }

// noneLocked refuses when a lock stands in the way (arm-move 3.1).
func (m *mover) noneLocked(ctx context.Context, r store.Reader, st *control.State, o order) error {
	settings, err := LoadSettings(ctx, r)
	if err != nil {
		return err
	}
	scopes := []arm.ID{o.Source, o.Target}
	if settings.Locks == "any" {
		scopes = append(scopes, o.Resources...)
	}
	for i, scope := range scopes {
		var blocking []access.Lock
		for _, lock := range st.LocksAt(scope, settings.Locks == "any" && i >= 2) {
			if lock.Level == access.ReadOnly || settings.Locks == "any" && lock.Level == access.CanNotDelete {
				blocking = append(blocking, lock)
			}
		}
		if len(blocking) > 0 {
			return access.ScopeLocked(scope.String(), access.Write, blocking)
		}
	}
	return nil
}

// deploymentType is the type of a template deployment.
const deploymentType = "Microsoft.Resources/deployments"

// noDeployment refuses a group in which a deployment is under way: an active one carries a flag.
func (m *mover) noDeployment(ctx context.Context, r store.Reader, group tree.Found) error {
	active, err := r.FlaggedChildren(ctx, group.Node.ID, deploymentType, 1)
	if err != nil || len(active) == 0 {
		return err
	}
	return errs.New(errs.Conflict, "DeploymentActive", "Moving resources failed because resource group '%s' has active deployments: '%s'.", group.Node.Name, active[0].Name)
}

// allThere refuses resources that do not exist (S11). The message lists short identifiers, as ARM's does (arm-move 2).
func (m *mover) allThere(ctx context.Context, r store.Reader, o order) error {
	var missing []string
	for _, id := range o.Resources {
		if _, err := m.engine.Types.Find(id.Type()); err != nil {
			return err
		}
		_, err := m.engine.Tree.Resolve(ctx, r, id)
		if errs.Is(err, errs.NotFound) {
			missing = append(missing, string(id.Type())+"/"+id.Name())
			continue
		}
		if err != nil {
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return errs.New(errs.NotFound, "ResourceNotFound", "Resources with identifiers '%s' were not found. The tracking Id is '%s'.", strings.Join(missing, ","), uuid.NewString())
}

// input is what an operation of this package remembers.
type input struct {
	wire
	Source    string `json:"source"`
	ClientID  string `json:"clientId"`
	Tracking  string `json:"trackingId"`
	Validated bool   `json:"validated"`         // the checks passed; what is left is the move itself
	Decided   bool   `json:"decided,omitempty"` // Faults was asked
	Fate      *fate  `json:"fate,omitempty"`    // what it said
}

// accepted answers 202 with where to look (arm-move 1.1): only Location, never Azure-AsyncOperation (client-wire 5.3).
func (m *mover) accepted(op store.Operation) control.Response {
	return control.Response{Status: http.StatusAccepted, Location: m.engine.ResultURL(op), RetryAfter: m.engine.Clock.RetryAfter(op.Due)}
}
