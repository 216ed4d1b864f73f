package move

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/errs"
)

// checkProviders asks the resource providers. Each finding is complete in its own message, because az shows only the first one's (client-wire 5.4);
// below it each cause is named with its resource.
func (m *mover) checkProviders(ctx context.Context, r store.Reader, op *store.Operation, w work, now time.Time) (*errs.Error, error) {
	settings, err := LoadSettings(ctx, r)
	if err != nil {
		return nil, err
	}
	group, err := m.engine.Tree.Decode(ctx, r, w.groups.Target)
	if err != nil {
		return nil, err
	}
	var found []*errs.Error
	for _, id := range w.order.Resources {
		resource, doc, err := m.found(ctx, r, id)
		if err != nil {
			return nil, err
		}
		subject := subject{mover: m, reader: r, found: resource, doc: doc, id: id, order: w.order, settings: settings, targetRegion: provider.Region(tree.Text(group.Public, "location"))}
		causes, err := subject.causes(ctx)
		if err != nil {
			return nil, fmt.Errorf("check %s: %w", id, err)
		}
		found = append(found, causes...)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return errs.New(errs.Conflict, "ResourceMoveProviderValidationFailed", "Resource move validation failed. Please see details. %s",
		diagnostics(op, w, now)).With(found...), nil
}

// subject is one resource under examination by its provider.
type subject struct {
	*mover
	reader       store.Reader
	found        tree.Found
	doc          tree.Document
	id           arm.ID
	order        order
	settings     Settings
	targetRegion string
}

// causes lists everything that keeps the resource from moving.
func (s subject) causes(ctx context.Context) ([]*errs.Error, error) {
	var list []*errs.Error
	if state := tree.Text(s.doc.Public, "properties.provisioningState"); state != "" && state != string(aml.Succeeded) {
		list = append(list, s.refuse("MoveCannotProceedWithResourcesNotInSucceededState",
			"One of the resources being migrated or its dependency is not in Succeeded state.",
			errs.New(errs.Conflict, "ResourceNotProvisioned", "The resource '%s' is in the state '%s'.", s.id, state).At(s.id.String())))
	}
	pending, err := s.reader.RunningOn(ctx, s.found.Node.ID, 1)
	if err != nil {
		return nil, err
	}
	if len(pending) > 0 && len(list) == 0 { // a state that is not Succeeded says the same
		list = append(list, s.refuse("MoveResourcesHavePendingOperations", "Cannot move resources while operations on them are in progress.",
			errs.New(errs.Conflict, "ResourceHasPendingOperation", "The resource '%s' has an operation in progress since %s.", s.id, pending[0].Created.Format(time.RFC3339)).At(s.id.String())))
	}
	var more []*errs.Error
	switch {
	case s.id.Type().Is(aml.Workspaces):
		more, err = s.workspace(ctx)
	case s.id.Type().Is("Microsoft.Network/privateEndpoints"):
		more = s.privateEndpoint()
	case s.id.Type().Is("Microsoft.Network/virtualNetworks"):
		more, err = s.network(ctx)
	}
	return append(list, more...), err
}

// refuse is one finding of a provider: its target is the type, the causes below name resources.
func (s subject) refuse(code, message string, causes ...*errs.Error) *errs.Error {
	if len(causes) > 0 {
		message += " " + causes[0].Message
	}
	return errs.New(errs.Conflict, code, "%s", message).At(string(s.id.Type())).With(causes...)
}

// cannotMove is the refusal of a workspace for one reason (S22).
func (s subject) cannotMove(reason string, causes ...*errs.Error) *errs.Error {
	return errs.New(errs.Conflict, "CannotMoveResource", "Cannot move the workspace '%s': %s", s.id, reason).At(string(s.id.Type())).With(causes...)
}

// mostNamed bounds how many things of one kind a refusal names, mostCounted how many unfinished ones it counts.
const (
	mostNamed   = 20
	mostCounted = 1000
)

// named lists things for a message: the first few by name, the rest by number.
func named(names []string, total int) string {
	text := "'" + strings.Join(names, "', '") + "'"
	switch more := total - len(names); {
	case total > mostCounted:
		text += fmt.Sprintf(" and more than %d more", mostCounted-len(names))
	case more > 0:
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// privateLinkTargets are the types to which a private endpoint may point and still be moved (arm-move 4.2).
var privateLinkTargets = []arm.Type{"microsoft.aadiam/privateLinkForAzureAD", "Microsoft.DocumentDB/databaseAccounts", "Microsoft.Kusto/clusters",
	"Microsoft.Search/searchServices", "Microsoft.SignalRService/SignalR", "Microsoft.SignalRService/webPubSub", "Microsoft.Sql/servers",
	"Microsoft.StorageSync/storageSyncServices", "Microsoft.Synapse/workspaces", "Microsoft.Synapse/privateLinkHubs"}

// privateEndpoint refuses a private endpoint whose target is not in the short list.
func (s subject) privateEndpoint() []*errs.Error {
	for _, list := range []string{"privateLinkServiceConnections", "manualPrivateLinkServiceConnections"} {
		connections, _ := tree.Get(s.doc.Public, "properties."+list).([]any)
		for _, c := range connections {
			connection, _ := c.(map[string]any)
			target, err := arm.Parse(tree.Text(connection, "properties.privateLinkServiceId"))
			if err != nil || movableTarget(target.Type()) {
				continue
			}
			return []*errs.Error{s.refuse("CannotMoveResource", "Cannot move one or more resources in the request. Please check details for information about each resource.",
				errs.New(errs.Conflict, "MoveNotSupported", "Move of the private endpoint '%s' is not supported: it points to '%s', and private endpoints to resources of type '%s' cannot be moved.",
					s.id, target, target.Type()).At(s.id.String()))}
		}
	}
	return nil
}

func movableTarget(typ arm.Type) bool {
	for _, allowed := range privateLinkTargets {
		if allowed.Is(typ) {
			return true
		}
	}
	return false
}

// network demands that what stands in the subnets of a virtual network goes along, from whatever group of its subscription (arm-move 2, 4.2).
func (s subject) network(ctx context.Context) ([]*errs.Error, error) {
	groups, err := s.groupsOf(ctx, s.found.Chain[0].ID)
	if err != nil {
		return nil, err
	}
	var missing []*errs.Error
	for _, group := range groups {
		for _, typ := range []string{"Microsoft.Network/privateEndpoints", "Microsoft.Network/networkInterfaces"} {
			left, err := s.everyChild(ctx, s.reader, group, typ, func(dependant tree.Found) (bool, error) { return s.leftBehind(ctx, dependant) })
			if err != nil {
				return nil, err
			}
			for _, dependant := range left {
				missing = append(missing, errs.New(errs.Conflict, "0", "%s", dependant.ID()))
			}
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	return []*errs.Error{errs.New(errs.Conflict, "MissingMoveDependentResources",
		"The move resources request does not contain all the dependent resources. Please check details for missing resource Ids. The first one is '%s'.", missing[0].Message).
		At(string(s.id.Type())).With(missing...)}, nil
}

// leftBehind reports whether something stands in the network under examination and is not part of the order.
func (s subject) leftBehind(ctx context.Context, dependant tree.Found) (bool, error) {
	doc, err := s.engine.Tree.Decode(ctx, s.reader, dependant)
	return err == nil && s.pointsHere(doc) && !s.order.contains(dependant.ID()), err
}

// subnetPlaces are where what stands in a network names its subnet.
var subnetPlaces = arm.NewPaths("properties.subnet.id", "properties.ipConfigurations.*.properties.subnet.id")

// pointsHere reports whether a document names a subnet of the network under examination.
func (s subject) pointsHere(doc tree.Document) bool {
	here := false
	tree.Edit(doc.Public, subnetPlaces, func(text string) string {
		if id, err := arm.Parse(text); err == nil && id.Within(s.id) {
			here = true
		}
		return text
	})
	return here
}

// contains reports whether an order names a resource.
func (o order) contains(id arm.ID) bool {
	for _, r := range o.Resources {
		if r.Equal(id) {
			return true
		}
	}
	return false
}
