package verify

import (
	"cmp"
	"context"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// around compares what is bound to what moved, and what leads to it.
func (c *comparison) around(ctx context.Context) error {
	for _, compare := range []func(context.Context) error{c.accounts, c.roles, c.locks, c.settings, c.alerts, c.endpoints} {
		if err := compare(ctx); err != nil {
			return err
		}
	}
	return nil
}

// each visits the documents of a type around a snapshot's workspace, at both ends; one that stands at both only once.
func each(ctx context.Context, s *snapshot.Snapshot, t arm.Type, see func(id arm.ID, doc arm.Document)) error {
	seen := map[string]bool{}
	for _, section := range []snapshot.Section{snapshot.Source, snapshot.Target} {
		err := visit(ctx, s, section, t, func(id arm.ID, doc arm.Document) {
			if !seen[id.Key()] {
				seen[id.Key()] = true
				see(id, doc)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// visit visits the documents of a type in one section.
func visit(ctx context.Context, s *snapshot.Snapshot, section snapshot.Section, t arm.Type, see func(id arm.ID, doc arm.Document)) error {
	for d, err := range s.Of(ctx, section, t) {
		if err != nil {
			return err
		}
		id, err := arm.Parse(d.ID)
		if err != nil {
			return err
		}
		doc, err := arm.ParseDocument(d.Body)
		if err != nil {
			return err
		}
		see(id, doc)
	}
	return nil
}

// index is what is there after the move, by a key.
func (c *comparison) index(ctx context.Context, t arm.Type, key func(arm.ID, arm.Document) string) (map[string]arm.Document, error) {
	there := map[string]arm.Document{}
	err := each(ctx, c.after, t, func(id arm.ID, doc arm.Document) { there[key(id, doc)] = doc })
	return there, err
}

// roles compares who may do what at and below what moved, and on which condition (S16): names of assignments do not count.
func (c *comparison) roles(ctx context.Context) error {
	key := func(scope arm.ID, doc arm.Document) string {
		return strings.ToLower(scope.String() + "|" + doc.Text("properties.principalId") + "|" + lastName(doc.Text("properties.roleDefinitionId")))
	}
	there, err := c.index(ctx, aml.RoleAssignments, func(id arm.ID, doc arm.Document) string { return key(id.Scope(), doc) })
	if err != nil {
		return err
	}
	names, err := roleNames(ctx, c.before)
	if err != nil {
		return err
	}
	row, known := Row{Kind: "role assignments"}, map[string]bool{}
	err = each(ctx, c.before, aml.RoleAssignments, func(id arm.ID, doc arm.Document) {
		if !c.m.Moves(id.Scope()) {
			return
		}
		row.Before++
		scope := c.m.ID(id.Scope())
		known[key(scope, doc)] = true
		now, ok := there[key(scope, doc)]
		if !ok && c.skips(id.Scope()) {
			row.Announced++
			return
		}
		if !ok {
			row.Missing++
			c.differ(Difference{Kind: row.Kind, What: Missing, Before: id.String(), After: scope.String(),
				Was: roleWords(doc, names)})
			return
		}
		row.After++
		if given := now.Text("id"); given != "" && !strings.EqualFold(given, c.m.ID(id).String()) {
			c.result.Roles = append(c.result.Roles, Pair{id.String(), given})
		}
		const condition = "properties.condition"
		if want := c.m.Text(doc.Text(condition)); want != now.Text(condition) && doc.Text(condition) != now.Text(condition) {
			row.Changed++
			c.differ(Difference{Kind: row.Kind, What: Changed, Before: id.String(), After: now.Text("id"), Path: condition, Was: want, Is: now.Text(condition)})
		}
	})
	if err != nil {
		return err
	}
	err = c.extra(ctx, &row, aml.RoleAssignments, func(id arm.ID, doc arm.Document) bool { return known[key(id.Scope(), doc)] })
	c.row(row)
	return err
}

// extra lists what is bound to what moved and was not before: somebody, or a policy, made it meanwhile.
func (c *comparison) extra(ctx context.Context, row *Row, t arm.Type, known func(arm.ID, arm.Document) bool) error {
	back := c.m.Inverse()
	return each(ctx, c.after, t, func(id arm.ID, doc arm.Document) {
		if !back.Moves(id.Scope()) || known(id, doc) {
			return
		}
		row.After++
		row.Extra++
		if len(c.result.Extra) < most {
			c.result.Extra = append(c.result.Extra, Difference{Kind: row.Kind, What: Added, After: id.String()})
		}
	})
}

// roleWords says what an assignment gives to whom.
func roleWords(assignment arm.Document, names map[string]string) string {
	role := lastName(assignment.Text("properties.roleDefinitionId"))
	return strings.TrimSpace(strings.ToLower(assignment.Text("properties.principalType"))+" "+assignment.Text("properties.principalId")) + " has the role " + cmp.Or(names[role], role)
}

// locks compares the locks on what moved, and those that were lifted for the move.
func (c *comparison) locks(ctx context.Context) error {
	return c.boundTo(ctx, "locks", aml.Locks, []string{"properties.level", "properties.notes", "properties.owners"})
}

// settings compares diagnostic settings on what moved.
func (c *comparison) settings(ctx context.Context) error {
	return c.boundTo(ctx, "diagnostic settings", aml.DiagnosticSettings, []string{"properties"})
}

// alerts compares the alert rules that watch what moved.
func (c *comparison) alerts(ctx context.Context) error {
	for _, alert := range aml.Alerts() {
		if err := c.boundTo(ctx, alert.Name, alert.Type, []string{"properties"}, alert.ReadOnly...); err != nil {
			return err
		}
	}
	return nil
}

// boundTo compares, by id, what hangs on scopes or names them: some members, but for those below them that the service writes.
func (c *comparison) boundTo(ctx context.Context, name string, t arm.Type, members []string, written ...string) error {
	there, err := c.index(ctx, t, func(id arm.ID, _ arm.Document) string { return id.Key() })
	if err != nil {
		return err
	}
	row, known := Row{Kind: name}, map[string]bool{}
	err = each(ctx, c.before, t, func(id arm.ID, was arm.Document) {
		row.Before++
		landing := c.m.ID(id)
		known[landing.Key()] = true
		is, ok := there[landing.Key()]
		switch {
		case ok:
			row.After++
			c.members(&row, id, landing, was, is, members, written)
		case c.skips(id.Scope()):
			row.Announced++
		default:
			row.Missing++
			c.differ(Difference{Kind: name, What: Missing, Before: id.String(), After: landing.String()})
		}
	})
	if err != nil {
		return err
	}
	err = c.extra(ctx, &row, t, func(id arm.ID, _ arm.Document) bool { return known[id.Key()] })
	c.row(row)
	return err
}

// members compares some members of two documents, but for those below them that the service writes.
func (c *comparison) members(row *Row, id, landing arm.ID, was, is arm.Document, members, written []string) {
	was, is = was.Clone(), is.Clone()
	for _, path := range written {
		was.Delete(path)
		is.Delete(path)
	}
	l := &leaves{c: c, strict: true}
	for _, path := range members {
		old, _ := was.At(path)
		now, _ := is.At(path)
		l.compare(path, old, now)
	}
	for _, d := range l.found {
		d.Kind, d.What, d.Before, d.After = row.Kind, Changed, id.String(), landing.String()
		c.differ(d)
	}
	if len(l.found) > 0 {
		row.Changed++
	}
}

// skips reports whether a scope is, or is below, something that the plan said is not made again.
func (c *comparison) skips(scope arm.ID) bool {
	for n := len(scope); n > len(c.old); n-- {
		if c.skip[scope[:n].Key()] {
			return true
		}
	}
	return false
}
