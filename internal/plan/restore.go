package plan

import (
	"slices"
	"strconv"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// restore makes again what does not travel. Nothing of it begins before the move.
func (b *builder) restore() {
	b.ready = []string{b.moved}
	identities := b.identities()
	b.rights(func(scope arm.ID) bool { return !b.remade(scope) }, identities)
	b.network()
	b.resync()
	b.contents()
	b.machines()
	b.rights(b.remade, identities)
	b.schedules()
	b.watching()
	b.locks()
}

// remade reports whether a scope is, or is below, something that is removed and made again.
func (b *builder) remade(scope arm.ID) bool {
	if len(scope) <= len(b.Workspace.ID) || !scope.Within(b.Workspace.ID) || b.choices.NoQuiesce {
		return false
	}
	kind, known := aml.KindOf(scope[:len(b.Workspace.ID)+1].Type())
	return known && kind.Fate == aml.Blocks
}

// network brings the private endpoints of what moved back into use.
func (b *builder) network() {
	for _, item := range b.Of(snapshot.Source, aml.PrivateEndpoints) {
		for _, resource := range aml.LeadsTo(item.Doc) {
			if !b.moves.Moves(resource) {
				continue
			}
			s := of(Restore, RestorePrivateEndpoint, item)
			s.What, s.Clauses, s.After = "bring the private endpoint "+item.Name()+" to "+resource.Name()+" back into use", []string{"S23", "S24"}, []string{b.moved}
			s.Why, s.Person = "the move disconnects it, and its new connection must be approved", !b.choices.ApproveEndpoints
			s.Detail, s.Writes = EndpointDetail{Resource: resource.String(), Approve: b.choices.ApproveEndpoints}, 2
			if id := b.add(s, item.Name()); b.closed(resource) && oneOf(item.ID.Subscription(), b.Workspace.ID.Subscription(), b.Target.Subscription()) {
				b.opened = append(b.opened, id)
			}
		}
	}
}

// closed reports whether something that moves is reached through private endpoints alone, as far as its document tells.
func (b *builder) closed(resource arm.ID) bool {
	doc := b.Workspace.Doc
	for _, a := range b.Accounts() {
		if a.ID.Equal(resource) {
			doc = a.Item.Doc
		}
	}
	return oneOf(doc.Text("properties.publicNetworkAccess"), "Disabled", "SecuredByPerimeter") || oneOf(doc.Text("properties.networkAcls.defaultAction"), "Deny") ||
		oneOf(doc.Text("properties.networkRuleSet.defaultAction"), "Deny")
}

// resync lets the workspace read the keys of accounts that moved again, before anything runs that needs them.
func (b *builder) resync() {
	if len(b.moving) == 1 {
		return
	}
	b.ready = append(b.ready, b.add(Step{Phase: Restore, Action: ResyncKeys, Subject: b.Workspace.ID.String(), What: "let the workspace read the keys of its associated resources again", Writes: 1,
		Why: "it would do so by itself within an hour", Clauses: []string{"S42"}, After: b.ready}, b.Workspace.Name()))
}

// contents repairs what travelled with old ids, and registers the data assets again. Secrets go into the key vault, for which the workspace's identity needs its roles.
func (b *builder) contents() {
	for _, d := range b.nondefault() {
		s := of(Restore, RestoreDatastore, d)
		s.What, s.Why = "check the datastore "+d.Name()+" and repair its subscription, group and credentials", "nondefault datastores are not brought along whole"
		s.Clauses, s.After = []string{"S32", "S45", "S46", "S47"}, slices.Concat(b.ready, b.stepOf(d.Key, SaveSecrets))
		b.add(s, d.Name())
	}
	for _, kind := range []struct{ path, action, word string }{{"connections", RestoreConnection, "connection"}, {"outboundRules", RestoreOutboundRule, "outbound rule"}} {
		for _, item := range b.Content(kind.path) {
			if !b.rewritten(item) {
				continue
			}
			s := of(Restore, kind.action, item)
			s.What, s.Why = "write the "+kind.word+" "+item.Name()+" with the new ids", "it names something that moved"
			s.Clauses, s.After = []string{"S08", "pain 22"}, slices.Concat(b.ready, b.stepOf(item.Key, SaveSecrets))
			b.add(s, item.Name())
		}
	}
	containers, versions := b.Counts["data"], b.Counts["data/versions"]
	if containers == 0 && versions == 0 {
		return
	}
	s := Step{Phase: Restore, Action: RestoreData, Subject: b.Workspace.ID.String(), Clauses: []string{"S05", "pain 29"}, Count: versions, Writes: versions + containers,
		After: slices.Concat([]string{b.moved}, b.idsOf(RestoreDatastore))}
	s.What, s.Why = "register "+Plural(versions, "version")+" of "+Plural(containers, "data asset")+" again", "data assets are not moved"
	b.add(s, b.Workspace.Name())
	b.lose(b.Workspace.ID.String(), "lineage, creation time and creator of the data assets", "nothing: names, versions, tags and paths are as before")
}

// Plural counts things in words.
func Plural(n int, what string) string {
	text := strconv.Itoa(n) + " " + what
	if n != 1 {
		text += "s"
	}
	return text
}
