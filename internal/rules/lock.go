package rules

import (
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// lockRules are about management locks.
func lockRules() []Rule {
	return []Rule{
		{ID: "ML050", Clauses: []string{"pain 38", "pain 20", "arm-move 3.1"}, Title: "No lock stops the move or the removal of computes and endpoints",
			Why: "A ReadOnly lock on a group or subscription of either end stops the move for certain. Of CanNotDelete, and of locks on single resources, the pages say different things; the stricter reading: " +
				"every lock on the groups, on their subscriptions, and at or below what moves stands in the way.",
			Remedy: "say --lift-locks: the plan lifts the lock and puts it back; or let its owner do so", Judge: stoppingLocks},
		{ID: "ML051", Clauses: []string{"pain 16", "arm-move 3.1"}, Title: "Locks on what moves are put back at the new place",
			Why: "Management locks do not follow a move.", Remedy: "the plan makes them again", Judge: lostLocks},
		{ID: "ML052", Clauses: []string{"pain 38", "D2"}, Title: "No lock stops what must be made again in a network's group",
			Why:    "A ReadOnly lock on a virtual network, its group or its subscription stops the creation of computes in it, and a lock on a private endpoint or above it the making-again of that.",
			Remedy: "let the owner of the network's group lift the lock for the time of the move", Judge: networkLocks},
	}
}

// locks are all locks of one end, each once: inherited ones are listed at several scopes.
func (c *Case) locks(section snapshot.Section) []facts.Item {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(c.Of(section, aml.Locks)), func(i facts.Item) bool {
		twice := i.ID == nil || seen[i.ID.Key()]
		if i.ID != nil {
			seen[i.ID.Key()] = true
		}
		return twice
	})
}

// level is what a lock forbids.
func level(lock facts.Item) string { return lock.Doc.Text("properties.level") }

// stopping are the locks that stand in the way of the move.
func (c *Case) stopping() []facts.Item {
	var list []facts.Item
	for section, group := range map[snapshot.Section]arm.ID{snapshot.Source: c.group(), snapshot.Target: c.Target.GroupID()} {
		for _, lock := range c.locks(section) {
			scope := lock.ID.Scope()
			above := len(scope) > 0 && len(group) > 0 && group.Within(scope)
			same := slices.ContainsFunc(list, func(i facts.Item) bool { return i.ID.Equal(lock.ID) }) // both ends may be of one subscription
			if !same && (above || c.travels(scope)) && !strings.EqualFold(level(lock), "NotSpecified") {
				list = append(list, lock)
			}
		}
	}
	return list
}

func stoppingLocks(c *Case) []Finding {
	var list []Finding
	for _, lock := range c.stopping() {
		f := found(Blocker, Person, lock.ID, "the %s lock %s on %s stops the move", level(lock), lock.Name(), lock.ID.Scope())
		if c.LiftLocks {
			f = found(Note, Plan, lock.ID, "the %s lock %s on %s is lifted for the move and put back", level(lock), lock.Name(), lock.ID.Scope())
		}
		if notes := lock.Doc.Text("properties.notes"); notes != "" {
			f = f.seen("its notes say: %s", notes)
		}
		list = append(list, f)
	}
	return list
}

func lostLocks(c *Case) []Finding {
	var list []Finding
	for _, lock := range c.locks(snapshot.Source) {
		if c.travels(lock.ID.Scope()) {
			list = append(list, found(Note, Plan, lock.ID, "the lock %s on %s does not follow; it is made again", lock.Name(), lock.ID.Scope().Name()))
		}
	}
	return list
}

func networkLocks(c *Case) []Finding {
	type place struct {
		id   arm.ID
		what string
		hard bool // nothing else can take its place
	}
	var places []place
	for _, item := range c.removed("computes") {
		if subnet, err := arm.Parse(item.Doc.Text("properties.properties.subnet.id")); err == nil && subnet.GroupID() != nil {
			places = append(places, place{subnet, "the compute " + item.Name(), true})
		}
	}
	for _, e := range c.endpoints() {
		places = append(places, place{e.item.ID, "the private endpoint " + e.item.Name(), false})
	}
	stopping := c.stopping()
	var list []Finding
	for _, lock := range append(c.locks(snapshot.Source), c.locks(snapshot.Target)...) {
		same := func(i facts.Item) bool { return i.ID.Equal(lock.ID) }
		if slices.ContainsFunc(stopping, same) { // ML050 speaks of it
			continue
		}
		for _, p := range places {
			if !p.id.Within(lock.ID.Scope()) {
				continue
			}
			severity := Warning
			if p.hard && strings.EqualFold(level(lock), "ReadOnly") {
				severity = Blocker
			} else if p.hard {
				continue
			}
			list = append(list, found(severity, Person, lock.ID, "the %s lock %s on %s may stop that %s is made again", level(lock), lock.Name(), lock.ID.Scope(), p.what))
		}
	}
	return list
}
