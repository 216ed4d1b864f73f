package rules

import (
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// registrationRules are about the resource providers of the target subscription.
func registrationRules() []Rule {
	const why = "A move to a subscription that is not registered for a type is refused with MissingRegistrationsForTypes."
	const remedy = "the plan registers the subscription and waits for it; a registration costs nothing"
	return []Rule{
		{ID: "ML028", Clauses: []string{"S17"}, Title: "The target subscription is registered for what every workspace needs", Why: why, Remedy: remedy,
			Judge: func(c *Case) []Finding { return c.registrations(aml.RequiredNamespaces(aml.Needs{})) }},
		{ID: "ML029", Clauses: []string{"S18"}, Title: "The target subscription is registered for Kubernetes when models are deployed to it", Why: why, Remedy: remedy, Judge: kubernetesRegistration},
		{ID: "ML030", Clauses: []string{"S19"}, Title: "The registrations for customer-managed keys are shown",
			Why: "They are required with a customer-managed key; such a workspace does not move anyway (ML002).", Remedy: "nothing before the key is gone", Judge: keyRegistration},
	}
}

// registrations finds the namespaces for which the target subscription is not registered.
func (c *Case) registrations(namespaces []string) []Finding {
	if len(c.Target) == 0 {
		return nil
	}
	var list []Finding
	for _, namespace := range namespaces {
		id := c.Target.SubscriptionID().Child(arm.Hop{Type: arm.Providers, Name: namespace})
		doc, known := c.provider(snapshot.Target, namespace)
		if !known {
			continue // a gap
		}
		switch state := doc.Text("registrationState"); {
		case strings.EqualFold(state, "Registered"):
		case strings.EqualFold(state, "Registering"):
			list = append(list, found(Warning, Plan, id, "the target subscription is being registered for %s", namespace).seen("registrationState").do("the plan waits for it"))
		case c.may(snapshot.Target, c.Target.SubscriptionID(), namespace+"/register/action") == no:
			list = append(list, found(Blocker, Person, id, "the target subscription is not registered for %s, and who is signed in may not do it", namespace).
				seen("registrationState is %s", state).do("let an owner run: az provider register -n %s --subscription %s", namespace, c.Target.Subscription()))
		default:
			list = append(list, found(Note, Plan, id, "the target subscription is not registered for %s", namespace).seen("registrationState is %s", state))
		}
	}
	return list
}

func kubernetesRegistration(c *Case) []Finding {
	for _, item := range append(c.Content("computes"), c.Content("services")...) {
		switch kindOf(item) {
		case aml.ComputeAKS, aml.ComputeKubernetes:
			return c.registrations([]string{"Microsoft.ContainerService"})
		}
	}
	return nil
}

func keyRegistration(c *Case) []Finding {
	if len(keySigns(c.Workspace.Doc)) == 0 || len(c.Target) == 0 {
		return nil
	}
	var list []Finding
	for _, f := range c.registrations([]string{"Microsoft.DocumentDB", "Microsoft.Search"}) {
		f.Severity, f.Answer, f.Remedy = Note, None, ""
		list = append(list, f)
	}
	return list
}
