package plan

import (
	"slices"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// watching makes what watches the workspace look at its new id.
func (b *builder) watching() {
	for _, item := range b.Of(snapshot.Source, aml.DiagnosticSettings) {
		if item.ID == nil || !b.moves.Moves(item.ID.Scope()) {
			continue
		}
		scope := item.ID.Scope()
		after, there := b.back(scope)
		if !there {
			continue
		}
		s := of(Restore, RestoreDiagnostics, item)
		s.What, s.Why, s.Clauses, s.After = "make the diagnostic setting "+item.Name()+" on "+scope.Name()+" again", "diagnostic settings do not follow", []string{"pain 16"}, after
		b.add(s, scope.Name()+"."+item.Name())
	}
	for _, alert := range aml.Alerts() {
		for _, item := range b.Of(snapshot.Source, alert.Type) {
			b.watch(item, item.Doc.Texts(alert.Scopes))
		}
	}
}

// watch lets an alert watch the new ids, if one of its scopes moves.
func (b *builder) watch(item facts.Item, scopes []string) {
	var after []string
	watches := false
	for _, text := range scopes {
		if id, err := arm.Parse(text); err == nil && b.moves.Moves(id) {
			again, _ := b.back(id) // a scope that is gone for good is written as it was
			watches, after = true, slices.Concat(after, again)
		}
	}
	if !watches {
		return
	}
	s := of(Restore, RestoreAlert, item)
	s.What, s.Why, s.Clauses, s.After = "let the alert "+item.Name()+" watch the new ids", "it goes on watching the old ones", []string{"arm-move 3.1"}, append(after, b.moved)
	b.add(s, item.Name())
}

// locks puts back locks that were lifted, and those on what moved, when nothing below them is written any more.
func (b *builder) locks() {
	written := slices.Clone(b.steps)
	gone := map[string]bool{} // a lock may be read at both ends
	for _, section := range []snapshot.Section{snapshot.Source, snapshot.Target} {
		for _, item := range b.Of(section, aml.Locks) {
			if item.ID == nil || b.stepOf(item.Key, RestoreLock) != nil {
				continue
			}
			scope, lifted := item.ID.Scope(), b.stepOf(item.Key, LiftLock) != nil
			if !lifted && !b.moves.Moves(scope) {
				continue
			}
			if _, there := b.back(scope); !there {
				if lifted && !gone[item.ID.Key()] {
					gone[item.ID.Key()] = true
					b.lose(item.Key, "the lock on "+scope.Name()+", which is not made again", "nothing, unless "+scope.Name()+" is made by hand: then lock it again")
				}
				continue
			}
			s := of(Restore, RestoreLock, item)
			s.What, s.Why, s.Clauses, s.After = "put the lock "+item.Name()+" on "+scope.Name()+" back", "it did not follow", []string{"pain 16"}, b.writesBelow(b.moves.ID(scope), written)
			if lifted {
				s.Why, s.Clauses = "it was lifted for the move", []string{"pain 38"}
			}
			b.add(s, scope.Name()+"."+item.Name())
		}
	}
}

// writesBelow are the steps, the move and behind it, that write at or below a scope.
func (b *builder) writesBelow(scope arm.ID, steps []Step) []string {
	below := []Step{}
	for _, s := range steps {
		if s.ID == b.moved || s.Phase == Restore && slices.ContainsFunc(b.touches(s), func(id arm.ID) bool { return id.Within(scope) }) {
			below = append(below, s)
		}
	}
	return b.last(below)
}

// touches are the resources that a step behind the move writes to, where they are then.
func (b *builder) touches(s Step) []arm.ID {
	var ids []arm.ID
	for _, text := range []string{s.Subject, detailResource(s)} {
		if id, err := arm.Parse(text); err == nil && len(id) > 0 {
			ids = append(ids, b.moves.ID(id))
		}
	}
	return ids
}

func detailResource(s Step) string {
	if d, ok := s.Detail.(EndpointDetail); ok {
		return d.Resource
	}
	return ""
}
