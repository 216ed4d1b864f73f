package replica

import (
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/fixture"
	"github.com/amlmove/amlmove/internal/cloud/tree"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// ranks are the types whose resources others refer to, in the order in which they are written; what is not named comes behind them, and the workspace after all of those.
var ranks = []arm.Type{"Microsoft.Resources/resourceGroups", "Microsoft.OperationalInsights/workspaces", "Microsoft.ManagedIdentity/userAssignedIdentities", "Microsoft.Network/networkSecurityGroups",
	"Microsoft.Network/virtualNetworks", "Microsoft.Network/virtualNetworks/subnets", "Microsoft.Network/privateDnsZones", "Microsoft.Network/privateDnsZones/virtualNetworkLinks", "Microsoft.Network/privateDnsZones/A"}

// lateRanks are the types whose resources refer to the workspace, in the order in which they are written.
var lateRanks = []arm.Type{aml.PrivateEndpoints, aml.NetworkInterfaces, aml.DNSZoneGroups}

// rank orders resources outside of the workspace; those of one rank and one depth do not refer to one another.
func rank(id arm.ID) int {
	if at := slices.IndexFunc(ranks, id.Type().Is); at >= 0 {
		return at
	}
	if at := slices.IndexFunc(lateRanks, id.Type().Is); at >= 0 {
		return len(ranks) + 100 + at
	}
	if id.Type().Is(aml.Workspaces) {
		return len(ranks) + 50
	}
	if len(id) > 3 && id[len(id)-1].Type == "privateEndpointConnections" {
		return len(ranks) + 200
	}
	return len(ranks) + len(id)
}

// contentRank is where the contents of the workspace come.
const contentRank = 60

// stages are all documents in the order in which they can be written.
func (l *loading) stages(ctx context.Context) []iter.Seq2[fixture.Document, error] {
	byRank := map[int]map[string]fixture.Document{}
	for key, d := range l.resources {
		r := rank(d.ID)
		if byRank[r] == nil {
			byRank[r] = map[string]fixture.Document{}
		}
		byRank[r][key] = d
	}
	var stages []iter.Seq2[fixture.Document, error]
	content := false
	for _, r := range slices.Sorted(maps.Keys(byRank)) {
		if r > len(ranks)+contentRank && !content {
			stages, content = append(stages, l.kinds(ctx, false)...), true
		}
		stages = append(stages, sorted(byRank[r]))
	}
	if !content {
		stages = append(stages, l.kinds(ctx, false)...)
	}
	return append(stages, l.kinds(ctx, true)...)
}

// kinds are the contents of the workspace, what others refer to first; last are the connections of private endpoints, which refer to endpoints.
func (l *loading) kinds(ctx context.Context, last bool) []iter.Seq2[fixture.Document, error] {
	var stages []iter.Seq2[fixture.Document, error]
	for _, kind := range aml.Kinds() {
		if (kind.Path == "privateEndpointConnections") == last {
			stages = append(stages, l.kind(ctx, kind))
		}
	}
	return stages
}

// kind streams the documents of one kind.
func (l *loading) kind(ctx context.Context, kind aml.Kind) iter.Seq2[fixture.Document, error] {
	return func(yield func(fixture.Document, error) bool) {
		var places arm.Paths // unless the cloud does not have the kind
		if entry, err := l.target.Types.Find(kind.Type()); err == nil {
			places = control.Places(entry, secretPlaces...)
		}
		read := func(d snapshot.Document) (one fixture.Document, err error) { // without an id when it does not fit
			one, err = parse(d, places)
			if err != nil || !l.fits(one.ID) {
				return fixture.Document{}, err
			}
			l.complete(kind, &one)
			return one, nil
		}
		for one, err := range snapshot.Ahead(l.snap.Of(ctx, snapshot.Content, kind.Type()), read) {
			if err == nil && one.ID == nil {
				continue
			}
			if !yield(one, err) || err != nil {
				return
			}
		}
	}
}

// How long what is at work still works, as one meets it (peers, section 5).
const (
	jobWorks = 30 * time.Minute
	jobEnds  = 2 * time.Minute
)

// complete adds what the service knows of a document and does not show.
func (l *loading) complete(kind aml.Kind, d *fixture.Document) {
	contentSecrets(kind, *d)
	doc := arm.Document(d.Doc.Public)
	if n, known := l.requests[d.ID.Key()]; known {
		d.Doc.Private["metrics"] = map[string]any{"RequestsPerMinute": []any{n}}
	}
	switch status := aml.JobStatus(doc.Text("properties.status")); {
	case kind.Path == "jobs" && status == aml.JobCancelRequested:
		d.Settle = fixture.Settle{Cause: "cancel", After: jobEnds}
	case kind.Path == "jobs" && status == aml.JobFinalizing:
		d.Settle = fixture.Settle{Cause: "collect", After: jobEnds}
	case kind.Path == "jobs" && status == aml.JobRunning:
		d.Settle = fixture.Settle{Cause: "run", After: jobWorks}
	}
}

// content looks through the contents for what they name outside of the workspace: computes that are attached, subnets, identities.
func (l *loading) content(ctx context.Context) error {
	for _, path := range []string{"computes", "onlineEndpoints", "onlineEndpoints/deployments", "batchEndpoints", "datastores", "outboundRules", "linkedServices", "linkedWorkspaces"} {
		kind, _ := aml.FindKind(path)
		for d, err := range l.snap.Of(ctx, snapshot.Content, kind.Type()) {
			if err != nil {
				return err
			}
			body, err := tree.ParseObject(d.Body)
			if err != nil {
				return err
			}
			l.mentioned(body)
			l.account(arm.Document(body))
			if path == "computes" || path == "onlineEndpoints/deployments" {
				l.own(subscriptionIn(d.ID), body)
			}
		}
	}
	return nil
}

// account makes a stand-in of the storage account that a datastore names by its parts.
func (l *loading) account(store arm.Document) {
	subscription, group, name := store.Text("properties.subscriptionId"), store.Text("properties.resourceGroup"), store.Text("properties.accountName")
	if subscription != "" && group != "" && name != "" {
		l.named("/subscriptions/" + subscription + "/resourceGroups/" + group + "/providers/Microsoft.Storage/storageAccounts/" + name)
	}
}
