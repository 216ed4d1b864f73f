package plan

import (
	"slices"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// machines makes computes and endpoints again.
func (b *builder) machines() {
	for _, c := range b.removes("computes") {
		s := of(Restore, RestoreCompute, c)
		s.What, s.Why, s.Clauses, s.After = "make the compute "+c.Name()+" again", "computes are not moved", []string{"S09", "S44"}, slices.Concat(b.ready, b.opened)
		if aml.RemovalOf(c.Doc.Text("properties.computeType"), c.Doc.Bool("properties.isAttachedCompute")) == aml.ActionDetach {
			s.What = "attach the compute " + c.Name() + " again"
		}
		b.add(s, c.Name())
	}
	if build := b.Workspace.Doc.Text("properties.imageBuildCompute"); build != "" {
		if compute := b.stepOf(b.Workspace.ID.String()+"/computes/"+build, RestoreCompute); compute != nil {
			b.add(Step{Phase: Restore, Action: RestoreImageBuild, Subject: b.Workspace.ID.String(), What: "let images be built on " + build + " again", Writes: 1,
				Why: "the compute that builds images was removed", Clauses: []string{"aml-contract 2"}, After: compute}, b.Workspace.Name())
		}
	}
	for _, kind := range endpointKinds {
		for _, e := range b.removes(kind.path) {
			b.endpoint(kind.word, kind.deployments, e)
		}
	}
	b.scalerLosses()
}

// endpoint makes one endpoint again: itself, its deployments, then its traffic.
func (b *builder) endpoint(word, deployments string, e facts.Item) {
	s := of(Restore, RestoreEndpoint, e)
	s.What, s.Why, s.Clauses = "make the "+word+" endpoint "+e.Name()+" again", "endpoints are not moved", []string{"S10", "S44"}
	s.After = slices.Concat(b.ready, b.stepOf(e.Key, SaveSecrets), b.computesOf(e))
	if word == "batch" {
		s.Takes = batchEndpointTakes
	}
	endpoint := b.add(s, e.Name())
	var ready []string
	for _, d := range b.Below(deployments, e.ID) {
		if d.State() == aml.Failed {
			b.lose(d.Key, "the deployment had failed before, and is not made again", "deploy it again, or leave it")
			continue
		}
		s := of(Restore, RestoreDeployment, d)
		if b.scaled(d) { // the number of instances at the moment is nobody's decision
			s.Digest = DigestOf(d, "sku.capacity")
		}
		s.What, s.Why, s.Clauses = "make the deployment "+d.Name()+" of "+e.Name()+" again", "deployments are not moved", []string{"S10", "S44"}
		s.After = slices.Concat(b.computesOf(d), b.opened, b.idsOf(RestoreConnection, RestoreOutboundRule), []string{endpoint})
		ready = append(ready, b.add(s, e.Name()+"."+d.Name()))
	}
	if len(ready) == 0 {
		return
	}
	s = of(Restore, RestoreTraffic, e)
	s.What, s.Why, s.After, s.Clauses = "give "+e.Name()+" its traffic again", "it takes calls as before", append(ready, endpoint), []string{"S10"}
	if word == "batch" {
		s.What = "give " + e.Name() + " its default deployment again"
	}
	b.add(s, e.Name())
}

// scaled reports whether the number of a deployment's instances follows the load.
func (b *builder) scaled(deployment facts.Item) bool {
	return aml.ScalesItself(deployment.Doc) || slices.ContainsFunc(b.Of(snapshot.Source, aml.AutoscaleSettings), func(setting facts.Item) bool {
		id, ok := aml.Scales(setting.Doc)
		return ok && id.Equal(deployment.ID) && setting.Doc.Bool("properties.enabled")
	})
}

// computesOf are the steps that make the computes again which a document names.
func (b *builder) computesOf(item facts.Item) []string {
	var steps []string
	for key := range b.named(item.Doc) {
		steps = append(steps, b.stepOf(key, RestoreCompute)...)
	}
	slices.Sort(steps)
	return steps
}

// schedules brings every schedule to its earlier state, when what it names is there again. All of them are looked at: nothing says that schedules come along whole (aml-contract 3).
func (b *builder) schedules() {
	data := b.idsOf(RestoreData)
	if data == nil {
		data = b.idsOf(RestoreDatastore)
	}
	for _, item := range b.Content("schedules") {
		enabled, stale := aml.Enabled(item.Doc), b.rewritten(item)
		s := of(Restore, RestoreSchedule, item)
		s.Clauses, s.After = []string{"S08", "pain 32"}, slices.Concat(b.ready, data)
		switch {
		case enabled && stale:
			s.What, s.Why = "enable the schedule "+item.Name()+" again, with the new ids", "it was disabled for the move, and names things by their old ids"
		case enabled:
			s.What, s.Why = "enable the schedule "+item.Name()+" again", "it was disabled for the move"
		case stale:
			s.What, s.Why = "write the schedule "+item.Name()+" with the new ids; it stays disabled", "it names things by their old ids"
		default:
			s.What, s.Why, s.Writes = "check that the schedule "+item.Name()+" came along as it was", "nothing says that schedules do", 0
		}
		for key := range b.named(item.Doc) {
			s.After = append(s.After, b.stepOf(key, RestoreCompute, RestoreDeployment, RestoreTraffic, RestoreEndpoint)...)
		}
		b.add(s, item.Name())
	}
}
