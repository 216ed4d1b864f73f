package capture

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// surroundings reads what hangs on the workspace and its associated accounts, wherever that is.
func (r *reading) surroundings(ctx context.Context) error {
	for _, account := range r.doc.accounts {
		r.crew.do(func(ctx context.Context) error { return r.account(ctx, account) })
	}
	for _, scope := range append([]arm.ID{r.Workspace}, r.doc.accounts...) {
		r.crew.do(func(ctx context.Context) error { return r.bound(ctx, scope) })
	}
	for _, principal := range r.principals() {
		r.ask(query{section: snapshot.Source, path: "/subscriptions/" + r.Workspace.Subscription() + "/providers/" + string(aml.RoleAssignments) + "?$filter=principalId eq '" + principal + "'",
			typ: aml.RoleAssignments, why: "what the workspace's identity may do elsewhere is not known, so nobody can tell whether it may do it after the move"})
	}
	r.crew.do(r.alerts)
	r.crew.do(r.scaling)
	r.sharing()
	r.crew.do(r.databricks)
	r.permissions(snapshot.Source, r.Workspace)
	r.ask(query{section: snapshot.Source, path: "/tenants", typ: aml.Tenants, why: "both ends must be of one tenant"})
	return r.writer.AddNote(ctx, snapshot.Note{Code: snapshot.NotListed, Subject: string(aml.Workspaces) + " (soft-deleted)",
		Text: "ARM lists no soft-deleted workspaces: one of the same name in the target group stops the move, and only the portal shows it"})
}

// ask hands in a list.
func (r *reading) ask(q query) {
	r.crew.do(func(ctx context.Context) error { return r.list(ctx, q) })
}

// account reads an associated resource, and the private endpoints that lead to it.
func (r *reading) account(ctx context.Context, id arm.ID) error {
	doc, found, err := r.one(ctx, query{section: snapshot.Source, path: id.String(), typ: id.Type(),
		why: "the workspace cannot work without its associated resource, and nobody knows whether it can move along"})
	if err != nil || !found {
		return err
	}
	var connections []head
	_ = json.Unmarshal(doc.property("privateEndpointConnections"), &connections) // most have none
	for _, connection := range connections {
		r.endpointOf(connection)
	}
	if id.Type().Is("Microsoft.Storage/storageAccounts") {
		for _, service := range services {
			r.settings(id.Child(arm.Hop{Type: service, Name: "default"}), "ResourceNotFound", "FeatureNotSupportedForAccount")
		}
	}
	return nil
}

// bound reads what is bound to the id of a resource and does not follow it: roles, locks, diagnostic settings, policy.
func (r *reading) bound(_ context.Context, scope arm.ID) error {
	at := scope.String() + "/providers/"
	r.ask(query{section: snapshot.Source, path: at + string(aml.RoleAssignments), typ: aml.RoleAssignments,
		why: "role assignments do not follow a move: those on " + scope.Name() + " cannot be made again"})
	r.ask(query{section: snapshot.Source, path: at + string(aml.Locks), typ: aml.Locks, why: "a lock on " + scope.Name() + " may stop the move"})
	r.settings(scope)
	for _, typ := range []arm.Type{aml.PolicyAssignments, aml.PolicyExemptions} {
		r.ask(query{section: snapshot.Source, path: at + string(typ) + "?$filter=atExactScope()", typ: typ, why: "policy of " + scope.Name() + " itself does not follow a move: nobody is told what must be made again"})
	}
	return nil
}

// settings reads the diagnostic settings of a scope: unlike roles and locks, those of what is below are not among them. A refusal with one of the codes says that there are none as well.
func (r *reading) settings(scope arm.ID, none ...string) {
	r.ask(query{section: snapshot.Source, path: scope.String() + "/providers/" + string(aml.DiagnosticSettings), typ: aml.DiagnosticSettings, none: append(none, "ResourceTypeNotSupported"),
		why: "diagnostic settings do not follow a move: those of " + scope.Name() + " cannot be made again"})
}

// services are the parts of a storage account that have diagnostic settings of their own. Not every kind of account has all of them.
var services = []string{"blobServices", "fileServices", "queueServices", "tableServices"}

// principals are the identities of the workspace.
func (r *reading) principals() []string {
	var ids []string
	if id := r.doc.Identity.PrincipalID; id != "" {
		ids = append(ids, id)
	}
	for _, assigned := range r.doc.Identity.UserAssignedIdentities {
		if assigned.PrincipalID != "" {
			ids = append(ids, assigned.PrincipalID)
		}
	}
	return ids
}

// endpoint reads a private endpoint with its DNS groups and network interfaces.
func (r *reading) endpoint(ctx context.Context, id arm.ID) error {
	doc, found, err := r.one(ctx, query{section: snapshot.Source, path: id.String(), typ: aml.PrivateEndpoints,
		why: "a private endpoint does not survive the move, and this one could not be made again"})
	if err != nil || !found {
		return err
	}
	r.ask(query{section: snapshot.Source, path: id.String() + "/privateDnsZoneGroups", typ: aml.DNSZoneGroups,
		why: "names of the private endpoint could not be resolved after it is made again"})
	var interfaces []struct{ ID string }
	_ = json.Unmarshal(doc.property("networkInterfaces"), &interfaces) // none while it is being made
	for _, nic := range interfaces {
		if _, err := arm.Parse(nic.ID); err == nil && r.first(nic.ID) {
			r.crew.do(func(ctx context.Context) error {
				_, _, err := r.one(ctx, query{section: snapshot.Source, path: nic.ID, typ: aml.NetworkInterfaces, why: "the private addresses in use are not known"})
				return err
			})
		}
	}
	return nil
}

// alerts reads the alert rules that watch the workspace or an associated resource, in the subscriptions of both ends: after a move they are left in the other one. Where a provider is not
// registered there are none of its rules.
func (r *reading) alerts(context.Context) error {
	for _, subscription := range r.subscriptions() {
		for _, alert := range aml.Alerts() {
			r.ask(query{section: snapshot.Source, path: "/subscriptions/" + subscription + "/providers/" + string(alert.Type), typ: alert.Type,
				keep: func(doc head) bool { return r.mentions(doc.property(strings.TrimPrefix(alert.Scopes, "properties."))) },
				none: []string{"MissingSubscriptionRegistration", "SubscriptionNotRegistered"},
				why:  "alerts go on watching the old id: those of the workspace must be changed"})
		}
	}
	return nil
}

// scaling reads what scales deployments of the workspace: it goes on naming the old ids. Where the provider does not offer such settings there are none.
func (r *reading) scaling(ctx context.Context) error {
	offer, err := r.Client.Offer(ctx, r.Workspace.Subscription(), aml.AutoscaleSettings.Namespace())
	if _, offered := offer.Versions(aml.AutoscaleSettings); err == nil && !offered {
		return nil
	}
	r.ask(query{section: snapshot.Source, path: "/subscriptions/" + r.Workspace.Subscription() + "/providers/" + string(aml.AutoscaleSettings), typ: aml.AutoscaleSettings,
		keep: func(doc head) bool {
			id, err := arm.Parse(doc.text("targetResourceUri"))
			return err == nil && id.Within(r.Workspace)
		},
		none: []string{"MissingSubscriptionRegistration", "SubscriptionNotRegistered"}, why: "whether deployments are scaled by themselves is not known: what scales them does not follow"})
	return nil
}

// subscriptions are those of both ends.
func (r *reading) subscriptions() []string {
	subscriptions := []string{r.Workspace.Subscription()}
	if other := r.Target.Subscription(); other != "" && !strings.EqualFold(other, subscriptions[0]) {
		subscriptions = append(subscriptions, other)
	}
	return subscriptions
}

// sharing reads the other workspaces that use an associated resource of this one, in the subscriptions of both ends: what moves along is taken from under them.
func (r *reading) sharing() {
	for _, subscription := range r.subscriptions() {
		r.ask(query{section: snapshot.Source, path: "/subscriptions/" + subscription + "/providers/" + string(aml.Workspaces), typ: aml.Workspaces, keep: r.shares,
			none: []string{"MissingSubscriptionRegistration", "SubscriptionNotRegistered"}, why: "whether other workspaces use an associated resource of this one is not known: if it moves along, they lose it"})
	}
}

// shares reports whether another workspace names an associated resource of this one.
func (r *reading) shares(doc head) bool {
	if id, err := arm.Parse(doc.ID); err != nil || id.Equal(r.Workspace) {
		return false
	}
	return slices.ContainsFunc(aml.Dependencies(), func(d aml.Dependency) bool {
		id, err := arm.Parse(doc.text(strings.TrimPrefix(d.Property, "properties.")))
		return err == nil && slices.ContainsFunc(r.doc.accounts, id.Equal)
	})
}

// mentions reports whether a list of ids names the workspace or an associated resource.
func (r *reading) mentions(list json.RawMessage) bool {
	var ids []string
	_ = json.Unmarshal(list, &ids)
	for _, text := range ids {
		id, err := arm.Parse(text)
		if err != nil {
			continue
		}
		for _, scope := range append([]arm.ID{r.Workspace}, r.doc.accounts...) {
			if id.Within(scope) {
				return true
			}
		}
	}
	return false
}

// databricks looks in every subscription in reach for Databricks workspaces that are linked to this one (S20).
func (r *reading) databricks(ctx context.Context) error {
	why := "a Databricks workspace that is linked to this one stops the move, and nobody looked here"
	q := query{section: snapshot.Source, path: "/subscriptions", typ: aml.Subscriptions, why: why}
	version := r.versionOf(ctx, q)
	err := r.Client.List(ctx, q.path, version, func(raw json.RawMessage) error {
		var subscription struct{ SubscriptionID string }
		if err := json.Unmarshal(raw, &subscription); err != nil {
			return err
		}
		r.ask(query{section: snapshot.Source, path: "/subscriptions/" + subscription.SubscriptionID + "/providers/" + string(aml.Databricks), typ: aml.Databricks,
			subscription: r.Workspace.Subscription(), why: why, keep: r.linked})
		return nil
	})
	if err != nil {
		return r.gap(ctx, q, err)
	}
	return nil
}

// linked reports whether a Databricks workspace points at this workspace.
func (r *reading) linked(doc head) bool {
	var parameters struct {
		AmlWorkspaceID struct{ Value string }
	}
	_ = json.Unmarshal(doc.property("parameters"), &parameters)
	id, err := arm.Parse(parameters.AmlWorkspaceID.Value)
	return err == nil && id.Equal(r.Workspace)
}

// permissions asks what the caller may do at a scope.
func (r *reading) permissions(section snapshot.Section, scope arm.ID) {
	q := query{section: section, path: scope.String() + "/providers/" + string(aml.Permissions), typ: aml.Permissions,
		why: "nobody can tell before the move whether the caller may do it"}
	q.key = func(_ head, n int) string { return r.keyOf(q, "", n) }
	r.ask(q)
}
