package plan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// restore makes again what does not travel. Nothing of it begins before the move.
func (b *builder) restore() {
	moved := b.idsOf(MoveResources)
	b.rights(moved)
	b.network(moved)
	b.resync(moved)
	b.contents(moved)
	if !b.choices.NoQuiesce {
		b.machines()
	}
	b.schedules()
	b.watching(moved)
	b.locks()
}

// rights makes the role assignments again: those on what moved and below it. Inherited ones are not the workspace's.
func (b *builder) rights(moved []string) {
	for _, item := range b.Of(snapshot.Source, aml.RoleAssignments) {
		scope, err := arm.Parse(item.Doc.Text("properties.scope"))
		if err != nil && item.ID != nil {
			scope = item.ID.Scope()
		}
		if !b.moves.Moves(scope) {
			continue
		}
		s := of(Restore, RestoreRole, item)
		s.What, s.Why, s.Clauses, s.After = "give "+who(item)+" its role on "+scope.Name()+" again", "role assignments do not follow", []string{"S16"}, moved
		b.add(s, scope.Name()+"."+item.ID.Name())
	}
}

// who words a principal.
func who(item facts.Item) string {
	return strings.ToLower(item.Doc.Text("properties.principalType")) + " " + item.Doc.Text("properties.principalId")
}

// network brings the private endpoints of what moved back into use.
func (b *builder) network(moved []string) {
	for _, item := range b.Of(snapshot.Source, aml.PrivateEndpoints) {
		for _, resource := range leadsTo(item) {
			if !b.moves.Moves(resource) {
				continue
			}
			s := of(Restore, RestorePrivateEndpoint, item)
			s.What, s.Clauses, s.After = "bring the private endpoint "+item.Name()+" to "+resource.Name()+" back into use", []string{"S23", "S24"}, moved
			s.Why, s.Person = "the move disconnects it, and its new connection must be approved", !b.choices.ApproveEndpoints
			s.Detail, s.Writes = EndpointDetail{Resource: resource.String(), Approve: b.choices.ApproveEndpoints}, 2
			b.add(s, item.Name())
		}
	}
}

// leadsTo are the resources to which a private endpoint leads.
func leadsTo(item facts.Item) []arm.ID {
	var ids []arm.ID
	for _, list := range []string{"properties.privateLinkServiceConnections", "properties.manualPrivateLinkServiceConnections"} {
		for _, connection := range item.Doc.Objects(list) {
			if id, err := arm.Parse(connection.Text("properties.privateLinkServiceId")); err == nil && len(id) > 0 {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// resync lets the workspace read the keys of accounts that moved again.
func (b *builder) resync(moved []string) {
	if len(b.moving) == 1 {
		return
	}
	b.add(Step{Phase: Restore, Action: ResyncKeys, Subject: b.Workspace.ID.String(), What: "let the workspace read the keys of its associated resources again", Writes: 1,
		Why: "it would do so by itself within an hour", Clauses: []string{"S42"}, After: slices.Concat(moved, b.idsOf(RestoreRole))}, b.Workspace.Name())
}

// contents repairs what travelled with old ids, and registers the data assets again.
func (b *builder) contents(moved []string) {
	for _, d := range b.Content("datastores") {
		if aml.IsSystemDatastore(d.Name()) {
			continue
		}
		s := of(Restore, RestoreDatastore, d)
		s.What, s.Why, s.Clauses, s.After = "check the datastore "+d.Name()+" and repair its subscription, group and credentials", "nondefault datastores are not brought along whole", []string{"S32", "S45", "S46", "S47"},
			slices.Concat(moved, b.stepOf(SaveSecrets, d.Key))
		b.add(s, d.Name())
	}
	for _, kind := range []struct{ path, action, word string }{{"connections", RestoreConnection, "connection"}, {"outboundRules", RestoreOutboundRule, "outbound rule"}} {
		for _, item := range b.rewritten(kind.path) {
			s := of(Restore, kind.action, item)
			s.What, s.Why, s.After = "write the "+kind.word+" "+item.Name()+" with the new ids", "it names something that moved", slices.Concat(moved, b.stepOf(SaveSecrets, item.Key))
			b.add(s, item.Name())
		}
	}
	if count := b.Counts["data/versions"]; count > 0 || b.Counts["data"] > 0 {
		s := Step{Phase: Restore, Action: RestoreData, Subject: b.Workspace.ID.String(), Clauses: []string{"S05"}, Count: count, Writes: count + b.Counts["data"], After: slices.Concat(moved, b.idsOf(RestoreDatastore))}
		s.What, s.Why = "register "+Plural(count, "version")+" of "+Plural(b.Counts["data"], "data asset")+" again", "data assets are not moved"
		b.add(s, b.Workspace.Name())
		b.lose(b.Workspace.ID.String()+"/data", "lineage, creation time and creator of the data assets", "nothing: versions, tags and paths are as before")
	}
}

// machines makes computes and endpoints again.
func (b *builder) machines() {
	first := slices.Concat(b.idsOf(MoveResources, RestoreRole, ResyncKeys))
	for _, c := range b.Content("computes") {
		s := of(Restore, RestoreCompute, c)
		s.What, s.Why, s.Clauses, s.After = "make the compute "+c.Name()+" again", "computes are not moved", []string{"S09", "S44"}, first
		if c.Doc.Bool("properties.isAttachedCompute") {
			s.What = "attach the compute " + c.Name() + " again"
		}
		b.add(s, c.Name())
	}
	if build := b.Workspace.Doc.Text("properties.imageBuildCompute"); build != "" {
		b.add(Step{Phase: Restore, Action: RestoreImageBuild, Subject: b.Workspace.ID.String(), What: "let images be built on " + build + " again", Writes: 1,
			Why: "the compute that builds images was removed", After: b.idsOf(RestoreCompute)}, b.Workspace.Name())
	}
	for _, kind := range endpointKinds {
		for _, e := range b.Content(kind.path) {
			b.endpoint(kind.word, kind.deployments, e, first)
		}
	}
}

// endpoint makes one endpoint again: itself, its deployments, then its traffic.
func (b *builder) endpoint(word, deployments string, e facts.Item, first []string) {
	s := of(Restore, RestoreEndpoint, e)
	s.What, s.Why, s.Clauses = "make the "+word+" endpoint "+e.Name()+" again", "endpoints are not moved", []string{"S10", "S44"}
	s.After = slices.Concat(first, b.stepOf(SaveSecrets, e.Key), b.computeStep(e.Doc.Text("properties.compute")))
	endpoint := b.add(s, e.Name())
	if strings.Contains(e.Doc.Text("identity.type"), "SystemAssigned") {
		b.lose(e.Key, "the object id of its system-assigned identity, and the roles given to it", "give the roles to the new identity; the report names it")
	}
	if mode := e.Doc.Text("properties.authMode"); word == "online" && mode == "AMLToken" {
		b.lose(e.Key, "tokens that callers hold", "let callers ask for a new token")
	}
	ready := []string{endpoint}
	for _, d := range b.Below(deployments, e.ID) {
		if d.State() == aml.Failed {
			b.lose(d.Key, "the deployment had failed before, and is not made again", "deploy it again, or leave it")
			continue
		}
		s := of(Restore, RestoreDeployment, d)
		s.What, s.Why, s.Clauses = "make the deployment "+d.Name()+" of "+e.Name()+" again", "deployments are not moved", []string{"S10", "S44"}
		s.After = slices.Concat([]string{endpoint}, b.computeStep(d.Doc.Text("properties.compute")))
		ready = append(ready, b.add(s, e.Name()+"."+d.Name()))
	}
	if deployments == "" || len(ready) == 1 {
		return
	}
	s = of(Restore, RestoreTraffic, e)
	s.What, s.Why, s.After = "give "+e.Name()+" its traffic again", "it takes calls as before", ready
	if word == "batch" {
		s.What = "give " + e.Name() + " its default deployment again"
	}
	b.add(s, e.Name())
}

// computeStep is the step that makes a compute again, when a document names it.
func (b *builder) computeStep(id string) []string {
	if id == "" {
		return nil
	}
	return b.stepOf(RestoreCompute, id)
}

// schedules brings the schedules to their earlier state, when what they name is there again.
func (b *builder) schedules() {
	stale := b.rewritten("schedules")
	for _, item := range b.Content("schedules") {
		named := slices.ContainsFunc(stale, func(i facts.Item) bool { return i.Key == item.Key })
		if !named && !item.Doc.Bool("properties.isEnabled") {
			continue
		}
		s := of(Restore, RestoreSchedule, item)
		s.What, s.Why, s.Clauses = "bring the schedule "+item.Name()+" to its earlier state, with the new ids", "it was disabled for the move, and names things by their old ids", []string{"S08"}
		s.After = b.idsOf(MoveResources, RestoreCompute, RestoreTraffic, RestoreData, RestoreDatastore)
		b.add(s, item.Name())
	}
}

// watching makes what watches the workspace look at its new id.
func (b *builder) watching(moved []string) {
	for _, item := range b.Of(snapshot.Source, aml.DiagnosticSettings) {
		if item.ID == nil || !b.moves.Moves(item.ID.Scope()) {
			continue
		}
		s := of(Restore, RestoreDiagnostics, item)
		s.What, s.Why, s.After = "make the diagnostic setting "+item.Name()+" on "+item.ID.Scope().Name()+" again", "diagnostic settings do not follow (pain 16)", moved
		b.add(s, item.ID.Scope().Name()+"."+item.Name())
	}
	for _, item := range b.Of(snapshot.Source, aml.MetricAlerts) {
		watches := slices.ContainsFunc(item.Doc.Texts("properties.scopes"), func(text string) bool {
			id, err := arm.Parse(text)
			return err == nil && b.moves.Moves(id)
		})
		if !watches {
			continue
		}
		s := of(Restore, RestoreAlert, item)
		s.What, s.Why, s.After = "let the alert "+item.Name()+" watch the new ids", "it goes on watching the old ones", moved
		b.add(s, item.Name())
	}
}

// locks puts locks back, when nothing below them is written any more.
func (b *builder) locks() {
	var written []string
	for _, s := range b.steps {
		if s.Phase == Restore || s.Phase == Move {
			written = append(written, s.ID)
		}
	}
	for _, section := range []snapshot.Section{snapshot.Source, snapshot.Target} {
		for _, item := range b.Of(section, aml.Locks) {
			lifted := len(b.stepOf(LiftLock, item.Key)) > 0
			if item.ID == nil || !lifted && !b.moves.Moves(item.ID.Scope()) || len(b.stepOf(RestoreLock, item.Key)) > 0 {
				continue
			}
			s := of(Restore, RestoreLock, item)
			s.What, s.Why, s.Clauses, s.After = "put the lock "+item.Name()+" on "+item.ID.Scope().Name()+" back", "it was lifted, or did not follow", []string{"pain 16"}, written
			b.add(s, item.ID.Scope().Name()+"."+item.Name())
		}
	}
}

// Plural counts things in words.
func Plural(n int, what string) string {
	text := strconv.Itoa(n) + " " + what
	if n != 1 {
		text += "s"
	}
	return text
}
