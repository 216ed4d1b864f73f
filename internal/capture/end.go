package capture

import (
	"context"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// namespaces are the providers whose registration matters besides those that a workspace requires.
var namespaces = []string{"Microsoft.Network", "Microsoft.ManagedIdentity", "Microsoft.OperationalInsights", "Microsoft.Databricks"}

// end reads what surrounds one end of the move: its subscription and group.
func (r *reading) end(ctx context.Context, section snapshot.Section, place arm.ID) error {
	subscription := place.SubscriptionID()
	r.crew.do(func(ctx context.Context) error {
		_, _, err := r.one(ctx, query{section: section, path: subscription.String(), typ: aml.Subscriptions, why: "tenant and state of the subscription are not known"})
		return err
	})
	scope := subscription
	if group := place.GroupID(); group != nil {
		_, found, err := r.one(ctx, query{section: section, path: group.String(), typ: aml.ResourceGroups, why: "nobody knows whether the group is there, and where"})
		if err != nil {
			return err
		}
		if found {
			scope = group
			r.group(section, group)
		}
	}
	r.permissions(section, scope)
	if section == snapshot.Target && len(scope) > len(subscription) { // where providers are registered
		r.permissions(section, subscription)
	}
	r.ask(query{section: section, path: subscription.String() + "/providers/" + string(aml.Locks), typ: aml.Locks, why: "a lock may stop the move"})
	r.ask(query{section: section, path: scope.String() + "/providers/" + string(aml.RoleAssignments), typ: aml.RoleAssignments, why: "who may do what by inheritance is not known"})
	r.ask(query{section: section, path: subscription.String() + "/providers/" + string(aml.RoleDefinitions) + "?$filter=type eq 'CustomRole'", typ: aml.RoleDefinitions,
		why: "custom roles must be assignable at the target"})
	if section == snapshot.Target {
		r.policies(scope)
	}
	r.providers(section, subscription)
	r.regional(section, subscription)
	return r.deleted(ctx, section, subscription)
}

// group reads what is in a resource group: the short form of its resources, and deployments in flight.
func (r *reading) group(section snapshot.Section, group arm.ID) {
	r.ask(query{section: section, path: group.String() + "/resources", typ: aml.Resources,
		key: func(doc head, _ int) string { return doc.ID + "#listed" }, why: "names that are taken at the target, and what else is in the group, are not known"})
	r.ask(query{section: section, path: group.String() + "/providers/" + string(aml.Deployments), typ: aml.Deployments, why: "a deployment in flight stops the move",
		keep: func(doc head) bool { return !aml.ProvisioningState(doc.text("provisioningState")).Terminal() }})
}

// policies reads the policy assignments that reach the target, with what they say.
func (r *reading) policies(scope arm.ID) {
	at := scope.String() + "/providers/"
	r.ask(query{section: snapshot.Target, path: at + string(aml.PolicyAssignments), typ: aml.PolicyAssignments, why: "a policy at the target may refuse the move",
		each: func(_ context.Context, doc head) { r.definition(doc.text("policyDefinitionId")) }})
	r.ask(query{section: snapshot.Target, path: at + string(aml.PolicyExemptions), typ: aml.PolicyExemptions, why: "exemptions from policies at the target are not known"})
}

// definition hands in a policy definition, or an initiative with the definitions in it.
func (r *reading) definition(text string) {
	id, err := arm.Parse(text)
	if err != nil || !r.first(text) {
		return
	}
	r.crew.do(func(ctx context.Context) error {
		typ := aml.PolicyDefinitions
		if id.Type().Is(aml.PolicySetDefinitions) {
			typ = aml.PolicySetDefinitions
		}
		doc, found, err := r.one(ctx, query{section: snapshot.Target, path: id.String(), typ: typ, subscription: r.Target.Subscription(), why: "what a policy at the target demands is not known"})
		if err != nil || !found || typ != aml.PolicySetDefinitions {
			return err
		}
		for _, member := range doc.members("policyDefinitions") {
			r.definition(member.PolicyDefinitionID)
		}
		return nil
	})
}

// providers reads the registrations that a workspace needs.
func (r *reading) providers(section snapshot.Section, subscription arm.ID) {
	for _, namespace := range slices.Concat(aml.RequiredNamespaces(aml.Needs{AKS: true, CMK: true}), namespaces) {
		path := subscription.String() + "/providers/" + namespace
		r.crew.do(func(ctx context.Context) error {
			offer, err := r.Client.Offer(ctx, subscription.Subscription(), namespace)
			if err != nil {
				return r.gap(ctx, query{section: section, path: path, why: "nobody knows whether " + namespace + " is registered"}, err)
			}
			return r.keep(ctx, r.document(section, path, aml.Providers, "", offer.Raw))
		})
	}
}

// regional reads limits, usage and machine sizes in the region of the workspace.
func (r *reading) regional(section snapshot.Section, subscription arm.ID) {
	at := subscription.String() + "/providers/" + aml.Namespace + "/locations/" + r.region() + "/"
	for _, what := range []struct {
		name, why string
		typ       arm.Type
	}{
		{"usages", "what is used up of the quota is not known", aml.Usages},
		{"quotas", "nobody can tell whether the computes fit", aml.Quotas},
		{"vmSizes", "nobody can tell whether the machine sizes are offered", aml.VMSizes},
	} {
		q := query{section: section, path: at + what.name, typ: what.typ, why: what.why}
		// Ids of usages are shared by several, names are not: those of quotas belong to workspaces as well.
		q.key = func(doc head, n int) string {
			if what.name == "quotas" && doc.ID != "" {
				return doc.ID
			}
			return r.keyOf(q, doc.name(), n)
		}
		r.ask(q)
	}
}

// deleted reads the soft-deleted twins that ARM lists: they hold names that are unique in Azure.
func (r *reading) deleted(ctx context.Context, section snapshot.Section, subscription arm.ID) error {
	for _, typ := range []arm.Type{aml.DeletedVaults, aml.DeletedAccounts} {
		offer, err := r.Client.Offer(ctx, subscription.Subscription(), typ.Namespace())
		if _, offered := offer.Versions(typ); err == nil && !offered {
			text := "the provider lists none: a soft-deleted " + strings.TrimPrefix(typ.Path(), "deleted") + " of the same name could not be seen"
			if err := r.writer.AddNote(ctx, snapshot.Note{Code: snapshot.NotListed, Subject: subscription.String() + "/providers/" + string(typ), Text: text}); err != nil {
				return err
			}
			continue
		}
		r.ask(query{section: section, path: subscription.String() + "/providers/" + string(typ), typ: typ, why: "a soft-deleted resource of the same name stands in the way"})
	}
	return nil
}
