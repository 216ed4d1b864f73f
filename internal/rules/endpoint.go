package rules

import (
	"fmt"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// endpointRules are about endpoints, deployments and services.
func endpointRules() []Rule {
	const remedy = "the plan removes it with its deployments, and makes it again after the move"
	return []Rule{
		{ID: "ML070", Clauses: []string{"S10", "S22", "S31", "S36", "S44", "pain 24"}, Title: "Online endpoints are removed before the move and made again after it, with traffic and keys",
			Why: "Azure does not move a workspace with online endpoints or deployments, in whatever state.", Remedy: remedy, Judge: endpointsOf("onlineEndpoints")},
		{ID: "ML071", Clauses: []string{"S10", "S22", "S31", "S44", "pain 24"}, Title: "Batch and serverless endpoints are removed before the move and made again after it",
			Why: "No endpoint moves; the table of the page says so of all kinds.", Remedy: remedy, Judge: endpointsOf("batchEndpoints", "serverlessEndpoints")},
		{ID: "ML072", Clauses: []string{"S36", "pain 42"}, Title: "No endpoint or deployment is being created, changed or deleted",
			Why:    "What is on its way to somewhere can neither be removed nor be written down for good.",
			Remedy: "wait until it is Succeeded or Failed", Judge: movingEndpoints},
		{ID: "ML073", Clauses: []string{"aml-contract 3", "pain 27", "pain 36"}, Title: "Failed endpoints and deployments are said",
			Why:    "What failed where it is will most likely fail when it is made again, after minutes of waiting.",
			Remedy: "repair or delete it before the move", Judge: failedEndpoints},
		{ID: "ML074", Clauses: []string{"S22", "S35"}, Title: "No web service of the v1 API is deployed",
			Why:    "Azure does not move a workspace with deployed services (ACI, AKS). What they were made of is not told by the management API: once removed they cannot be made again from here.",
			Remedy: "deploy it as an online endpoint and remove the service; or say --remove-services, and deploy it again by hand", Judge: services},
		{ID: "ML075", Clauses: []string{"pain 26", "S10"}, Title: "Names of endpoints and instances, and addresses of endpoints",
			Why:    "Names of endpoints and compute instances are unique in a region and held for a while after removal; the plan repeats until the name is free. Somebody else could take it. The scoring URI of an endpoint may change.",
			Remedy: "compare the scoring URI with the one in the report before clients are told that it is back", Judge: heldNames},
		{ID: "ML076", Clauses: []string{"S29", "pain 32"}, Title: "No endpoint is being invoked",
			Why:    "An endpoint is away from its removal until it is made again: clients that call it get errors.",
			Remedy: "lead the clients elsewhere first; or say --force to remove the endpoint all the same", Judge: invoked},
		{ID: "ML077", Clauses: []string{"S10", "D2", "aml-contract 3", "aml-contract 8"}, Title: "Marketplace offers are bought for the target before what needs them is removed",
			Why: "A serverless endpoint of a marketplace model needs a subscription to the offer, which is bound to the Azure subscription that bought it. Without one for the target subscription " +
				"the endpoint cannot be made again once it is removed.",
			Remedy: "let somebody who may buy subscribe to the offer with the target subscription and accept its terms, then say --confirm ML077", Confirmable: true, Judge: marketplace},
		{ID: "ML078", Clauses: []string{"S10", "aml-contract 3"}, Title: "What scales deployments by itself is said",
			Why:    "An autoscale setting of Azure Monitor is no part of a deployment: it stays where it is and goes on naming the old id. The deployment is made again with the number of instances that it had, and nothing changes that number.",
			Remedy: "make the setting again for the new id of the deployment when that is there: as its target, and in the metrics of its rules", Judge: scalers},
	}
}

// deploymentsOf are the names of an endpoint's deployments.
func (c *Case) deploymentsOf(endpoint facts.Item, kind string) []string {
	var list []string
	for _, d := range c.Below(kind+"/deployments", endpoint.ID) {
		list = append(list, d.Name())
	}
	return list
}

// endpointsOf makes the judge for kinds of endpoints.
func endpointsOf(kinds ...string) func(*Case) []Finding {
	return func(c *Case) []Finding {
		var list []Finding
		for _, kind := range kinds {
			for _, item := range c.Content(kind) {
				what := strings.TrimSuffix(kind, "Endpoints") + " endpoint " + item.Name()
				f := found(Note, Plan, item.ID, "the %s is removed and made again", what)
				if c.NoQuiesce {
					f = found(Blocker, Person, item.ID, "the workspace has the %s", what).do("leave out --no-quiesce, or delete it by hand")
				}
				evidence := fmt.Sprintf("provisioningState is %s", item.State())
				if deployments := c.deploymentsOf(item, kind); len(deployments) > 0 {
					evidence += "; deployments: " + names(deployments)
				}
				list = append(list, f.seen("%s", evidence))
			}
		}
		return list
	}
}

// endpointItems are all endpoints and deployments.
func (c *Case) endpointItems() []facts.Item {
	var items []facts.Item
	for _, kind := range endpointKinds {
		items = append(append(items, c.Content(kind)...), c.Content(kind+"/deployments")...)
	}
	return items
}

func movingEndpoints(c *Case) []Finding {
	var list []Finding
	for _, item := range c.endpointItems() {
		if s := item.State(); settling(s) {
			list = append(list, found(Blocker, Person, item.ID, "%s is %s", item.Name(), s).seen("properties.provisioningState"))
		}
	}
	return list
}

func failedEndpoints(c *Case) []Finding {
	if c.NoQuiesce {
		return nil
	}
	var list []Finding
	for _, item := range c.endpointItems() {
		if s := item.State(); s == aml.Failed || s == aml.Canceled {
			list = append(list, found(Warning, Person, item.ID, "%s is %s: making it again may fail as well", item.Name(), s).seen("properties.provisioningState"))
		}
	}
	return list
}

func services(c *Case) []Finding {
	var list []Finding
	for _, item := range c.Content("services") {
		f := found(Blocker, Person, item.ID, "the web service %s (%s) of the v1 API is deployed", item.Name(), kindOf(item))
		if c.RemoveServices {
			f = found(Warning, Plan, item.ID, "the web service %s (%s) of the v1 API is removed and not made again", item.Name(), kindOf(item)).
				do("the plan removes it; deploy it again by hand after the move")
		}
		list = append(list, f)
	}
	return list
}

func heldNames(c *Case) []Finding {
	var list []Finding
	for _, kind := range endpointKinds {
		for _, item := range c.removed(kind) {
			list = append(list, found(Note, None, item.ID, "the name of the endpoint %s is free for anybody between its removal and its making-again", item.Name()).seen("scoring URI now: %s", item.Doc.Text("properties.scoringUri")))
		}
	}
	for _, item := range c.removed("computes") {
		if kindOf(item) == aml.ComputeInstance {
			list = append(list, found(Note, None, item.ID, "the name of the compute instance %s is free for anybody in the region between its removal and its making-again", item.Name()).
				do("nothing; its addresses may change"))
		}
	}
	return list
}

func invoked(c *Case) []Finding {
	var list []Finding
	for _, endpoint := range c.Content("onlineEndpoints") {
		for _, metric := range c.Bound(snapshot.Source, aml.Metrics, endpoint.ID) {
			requests, _ := metric.Doc.Number("requests")
			if requests == 0 {
				continue
			}
			f := found(Blocker, Person, endpoint.ID, "the endpoint %s is being invoked", endpoint.Name())
			if c.Force {
				f = found(Warning, None, endpoint.ID, "the endpoint %s is being invoked, and is removed all the same", endpoint.Name()).do("its clients get errors until it is made again: tell them")
			}
			list = append(list, f.seen("%.0f requests in the last hour", requests))
		}
	}
	return list
}

func marketplace(c *Case) []Finding {
	if len(c.Target) > 0 && !c.crosses() { // what a subscription has bought it keeps
		return nil
	}
	var list []Finding
	for _, item := range c.Content("marketplaceSubscriptions") {
		list = append(list, found(Warning, Person, item.ID, "the marketplace subscription %s is bound to the source subscription", item.Name()).seen("%s", item.Doc.Text("properties.marketplacePlan.offerId")))
	}
	for _, item := range c.removed("serverlessEndpoints") {
		if id := item.Doc.Text("properties.marketplaceSubscriptionId"); id != "" {
			list = append(list, found(Blocker, Person, item.ID, "the serverless endpoint %s can be made again only where its marketplace offer is subscribed to", item.Name()).seen("%s", id))
		}
	}
	return list
}

func scalers(c *Case) []Finding {
	var list []Finding
	for _, item := range c.Of(snapshot.Source, aml.AutoscaleSettings) {
		if id, ok := aml.Scales(item.Doc); ok && c.travels(id) && !c.NoQuiesce {
			list = append(list, found(Warning, Person, item.ID, "the autoscale setting %s scales the deployment %s, and does not follow it", item.Name(), id.Name()).seen("properties.targetResourceUri"))
		}
	}
	return list
}
