package rules

import (
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// networkRules are about private endpoints, managed networks, and what watches the workspace from outside.
func networkRules() []Rule {
	return []Rule{
		{ID: "ML084", Clauses: []string{"S23", "S24", "pain 15", "pain 31"}, Title: "Private endpoints are disconnected and must be approved anew",
			Why: "Private endpoints of what moves are disconnected; the service makes transitive ones again, and each new connection waits for its owner's approval. Private endpoints to " +
				"workspaces, storage, vaults and registries do not move themselves.",
			Remedy: "say --approve-endpoints and the plan approves; otherwise the run waits until somebody has", Judge: privateEndpoints},
		{ID: "ML085", Clauses: []string{"S24", "pain 31"}, Title: "Private endpoints in other subscriptions are said",
			Why:    "An endpoint that somebody else's subscription holds can be made again only by its owner.",
			Remedy: "tell its owner that the target's id changes; the new connection must be asked for from there", Judge: foreignEndpoints},
		{ID: "ML086", Clauses: []string{"aml-contract 2", "pain 22"}, Title: "Managed networks and their outbound rules are looked after",
			Why:    "Rules for private endpoints name the resource they lead to by its id. The hidden network itself is provisioned again on first use.",
			Remedy: "the plan rewrites rules that name something that moves", Judge: managedNetwork},
		{ID: "ML087", Clauses: []string{"arm-move 3.1", "pain 16"}, Title: "Diagnostic settings on what moves are made again",
			Why:    "Diagnostic settings do not follow a move: logs and metrics would end without notice.",
			Remedy: "the plan makes them again at the new scope", Judge: diagnostics},
		{ID: "ML088", Clauses: []string{"arm-move 3.1", "pain 22"}, Title: "Alerts watch the new ids",
			Why:    "Alerts stay and go on watching the old id, which is silent from then on.",
			Remedy: "the plan lets them watch the new ids", Judge: alerts},
	}
}

// endpointOf is a private endpoint and to what it leads.
type endpointOf struct {
	item facts.Item
	to   arm.ID
}

// endpoints are the private endpoints that lead to something that moves.
func (c *Case) endpoints() []endpointOf {
	var list []endpointOf
	for _, item := range c.Of(snapshot.Source, aml.PrivateEndpoints) {
		to := aml.LeadsTo(item.Doc)
		if first := slices.IndexFunc(to, c.travels); first >= 0 {
			list = append(list, endpointOf{item, to[first]})
		}
	}
	return list
}

func privateEndpoints(c *Case) []Finding {
	var list []Finding
	for _, e := range c.endpoints() {
		f := found(Warning, Person, e.item.ID, "the private endpoint %s to %s is disconnected by the move, and its new connection must be approved", e.item.Name(), e.to.Name())
		if c.ApproveEndpoints {
			f = found(Note, Plan, e.item.ID, "the private endpoint %s to %s is disconnected by the move; its new connection is approved", e.item.Name(), e.to.Name())
		}
		list = append(list, f)
	}
	return append(list, unseenEndpoints(c)...)
}

// unseenEndpoints are connections of the workspace whose private endpoint could not be read.
func unseenEndpoints(c *Case) []Finding {
	var list []Finding
	for _, item := range c.Content("privateEndpointConnections") {
		id, err := arm.Parse(item.Doc.Text("properties.privateEndpoint.id"))
		if err != nil || len(id) == 0 {
			continue
		}
		if _, read := c.One(snapshot.Source, aml.PrivateEndpoints, id.String()); !read {
			list = append(list, found(Warning, Person, item.ID, "the private endpoint %s of the connection %s could not be read, and is not made again", id.Name(), item.Name()).seen("%s", id).
				do("let the owner of %s make the private endpoint again", id.Name()))
		}
	}
	return list
}

func foreignEndpoints(c *Case) []Finding {
	var list []Finding
	for _, e := range c.endpoints() {
		if s := e.item.ID.Subscription(); !strings.EqualFold(s, c.Workspace.ID.Subscription()) && !strings.EqualFold(s, c.Target.Subscription()) {
			list = append(list, found(Warning, Person, e.item.ID, "the private endpoint %s is in the subscription %s", e.item.Name(), s))
		}
	}
	return list
}

func managedNetwork(c *Case) []Finding {
	var list []Finding
	if mode := c.Workspace.Doc.Text("properties.managedNetwork.isolationMode"); mode != "" && !strings.EqualFold(mode, "Disabled") {
		list = append(list, found(Warning, Person, c.Workspace.ID, "the workspace has a managed network (%s), which must be provisioned again", mode).seen("properties.managedNetwork.isolationMode").
			do("after the move run az ml workspace provision-network, and approve the private endpoints that it makes"))
	}
	for _, item := range c.Content("outboundRules") {
		if to, err := arm.Parse(item.Doc.Text("properties.destination.serviceResourceId")); err == nil && c.travels(to) {
			list = append(list, found(Note, Plan, item.ID, "the outbound rule %s leads to %s, which moves; it gets the new id", item.Name(), to.Name()))
		}
	}
	return list
}

func diagnostics(c *Case) []Finding {
	var list []Finding
	for _, item := range c.Of(snapshot.Source, aml.DiagnosticSettings) {
		if item.ID != nil && c.travels(item.ID.Scope()) {
			list = append(list, found(Note, Plan, item.ID, "the diagnostic setting %s of %s is made again", item.Name(), item.ID.Scope().Name()))
		}
	}
	return list
}

func alerts(c *Case) []Finding {
	var list []Finding
	for _, alert := range aml.Alerts() {
		for _, item := range c.Of(snapshot.Source, alert.Type) {
			if slices.ContainsFunc(item.Doc.Texts(alert.Scopes), func(s string) bool {
				id, err := arm.Parse(s)
				return err == nil && c.travels(id)
			}) {
				list = append(list, found(Note, Plan, item.ID, "the alert %s watches something that moves; it gets the new id", item.Name()))
			}
		}
	}
	return list
}
