package plan

import (
	"maps"
	"slices"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/facts"
)

// endpointKinds are the kinds of endpoint, with their deployments.
var endpointKinds = []struct{ path, deployments, word string }{
	{"onlineEndpoints", "onlineEndpoints/deployments", "online"},
	{"batchEndpoints", "batchEndpoints/deployments", "batch"},
	{"serverlessEndpoints", "", "serverless"},
}

// clear removes what stops the move. What it removes, restore makes again: D2.
func (b *builder) clear() {
	if !b.destroys() {
		return
	}
	prove := []string{b.add(Step{Phase: Clear, Action: ProveRestorable, Subject: b.Workspace.ID.String(), What: "read both ends again and prove that all that is removed can be made again",
		Why: "nothing is taken away before: quota, names, policy, rights, secrets", Clauses: []string{"D2"}, After: b.last(b.steps)}, b.Workspace.Name())}
	r := &removal{prove, b.disabled(), map[string][]string{}}
	b.removeEndpoints(r)
	b.removeServices(r)
	b.removeComputes(r)
}

// removes are the documents of a kind that are removed and made again.
func (b *builder) removes(path string) []facts.Item {
	if b.choices.NoQuiesce {
		return nil
	}
	return b.Content(path)
}

// destroys reports whether anything will be removed.
func (b *builder) destroys() bool {
	count := len(b.removes("computes"))
	for _, kind := range endpointKinds {
		count += len(b.removes(kind.path))
	}
	if b.choices.RemoveServices {
		count += len(b.Content("services"))
	}
	return count > 0
}

// removal gathers what removals come after.
type removal struct {
	prove     []string            // the proof
	scheduled map[string][]string // steps that disable the schedules which name a thing, by the thing's key
	users     map[string][]string // steps that remove what uses a compute, by the compute's key
}

// disabled finds the steps that disable the schedules which name a thing.
func (b *builder) disabled() map[string][]string {
	scheduled := map[string][]string{}
	for _, s := range b.Content("schedules") {
		step := b.stepOf(s.Key, DisableSchedule)
		if step == nil {
			continue
		}
		for key := range b.named(s.Doc) {
			scheduled[key] = append(scheduled[key], step...)
		}
	}
	return scheduled
}

// before is what a removal comes after: the proof, and directly, so that it is taken back in the right order, what must be taken back after it: locks above and below it, and schedules that use it.
func (b *builder) before(item facts.Item, r *removal) []string {
	return slices.Concat(r.prove, b.liftsAround(item.ID), r.scheduled[item.ID.Key()], r.users[item.ID.Key()])
}

func (b *builder) removeEndpoints(r *removal) {
	for _, kind := range endpointKinds {
		for _, e := range b.removes(kind.path) {
			s := of(Clear, RemoveEndpoint, e)
			s.What, s.Why, s.Clauses = "remove the "+kind.word+" endpoint "+e.Name(), "ARM refuses to move a workspace with endpoints", []string{"S10", "S36"}
			s.Inverse, s.Destroys, s.After = "make it again as it was", true, b.before(e, r)
			uses := b.named(e.Doc)
			if kind.deployments != "" {
				deployments := b.Below(kind.deployments, e.ID)
				s.What += " with its " + Plural(len(deployments), "deployment")
				s.Inverse = "make it again with its keys, deployments and traffic"
				for _, d := range deployments {
					maps.Copy(uses, b.named(d.Doc))
				}
			}
			id := b.add(s, e.Name())
			for key := range uses {
				r.users[key] = append(r.users[key], id)
			}
			b.endpointLosses(kind.path, e)
		}
	}
}

// removeServices removes web services of the v1 API, which cannot be made again: only when asked for (S35).
func (b *builder) removeServices(r *removal) {
	if !b.choices.RemoveServices {
		return
	}
	for _, service := range b.Content("services") {
		s := of(Clear, RemoveService, service)
		s.What, s.Why, s.Clauses, s.Destroys = "remove the web service "+service.Name()+" of the v1 API for good", "ARM refuses to move a workspace with deployed services", []string{"S35"}, true
		s.After = b.before(service, r)
		b.add(s, service.Name())
		b.lose(service.Key, "the web service of the v1 API: it is removed and not made again", "deploy it again, best as an online endpoint")
	}
}

func (b *builder) removeComputes(r *removal) {
	services := b.idsOf(RemoveService)
	for _, c := range b.removes("computes") {
		typ := c.Doc.Text("properties.computeType")
		s := of(Clear, RemoveCompute, c)
		s.Clauses, s.Destroys = []string{"S09", "S31", "S34"}, true
		s.Why, s.Inverse = "ARM refuses to move a workspace with computes", "make it again as it was"
		s.What = "delete the compute " + c.Name() + " (" + typ + ")"
		if aml.RemovalOf(typ, c.Doc.Bool("properties.isAttachedCompute")) == aml.ActionDetach {
			s.What, s.Inverse = "detach the compute "+c.Name()+" ("+typ+"); its resource is not touched", "attach it again"
		}
		s.After = append(b.before(c, r), services...)
		b.add(s, c.Name())
		b.computeLosses(c, typ)
	}
}
