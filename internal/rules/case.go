package rules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/rewrite"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// found makes a finding about something.
func found(s Severity, a Answer, subject arm.ID, format string, args ...any) Finding {
	return Finding{Severity: s, Answer: a, Subject: subject.String(), Message: fmt.Sprintf(format, args...)}
}

// seen adds by what it was found.
func (f Finding) seen(format string, args ...any) Finding {
	f.Evidence = fmt.Sprintf(format, args...)
	return f
}

// do says what to do about it, where that is not what the rule says in general.
func (f Finding) do(format string, args ...any) Finding {
	f.Remedy = fmt.Sprintf(format, args...)
	return f
}

// group is the resource group of the workspace.
func (c *Case) group() arm.ID { return c.Workspace.ID.GroupID() }

// aimed reports whether a target resource group was named.
func (c *Case) aimed() bool { return c.Target.GroupID() != nil }

// crosses reports whether the target is in another subscription.
func (c *Case) crosses() bool {
	return len(c.Target) > 0 && !strings.EqualFold(c.Target.Subscription(), c.Workspace.ID.Subscription())
}

// moving is all that moves together.
func (c *Case) moving() []arm.ID { return c.Moving(c.Include) }

// included are the associated resources that move along.
func (c *Case) included() []facts.Account {
	moving := c.moving()
	return slices.DeleteFunc(c.Accounts(), func(a facts.Account) bool {
		return !slices.ContainsFunc(moving, func(id arm.ID) bool { return id.Equal(a.ID) })
	})
}

// paths is how ids change. It leaves all as it is when no target was named.
func (c *Case) paths() rewrite.Map {
	if !c.aimed() {
		return rewrite.Map{}
	}
	return rewrite.New(c.moving(), c.Target.GroupID())
}

// travels reports whether an id is at or below something that moves.
func (c *Case) travels(id arm.ID) bool {
	return slices.ContainsFunc(c.moving(), func(m arm.ID) bool { return id.Within(m) })
}

// removed are the documents of a kind that the plan removes and makes again: none when computes and endpoints stop the move (S34).
func (c *Case) removed(path string) []facts.Item {
	if c.NoQuiesce {
		return nil
	}
	return c.Content(path)
}

// endpointKinds are the kinds of endpoints (S10).
var endpointKinds = []string{"onlineEndpoints", "batchEndpoints", "serverlessEndpoints"}

// remade are all documents that the plan removes and makes again.
func (c *Case) remade() []facts.Item {
	var items []facts.Item
	for _, path := range []string{"computes", "onlineEndpoints", "onlineEndpoints/deployments", "batchEndpoints", "batchEndpoints/deployments", "serverlessEndpoints"} {
		items = append(items, c.removed(path)...)
	}
	return items
}

// destroys reports whether the plan removes anything before it moves.
func (c *Case) destroys() bool { return len(c.remade()) > 0 }

// gapAt returns the gap at a path of a section.
func (c *Case) gapAt(section snapshot.Section, path string) (snapshot.Gap, bool) {
	for _, g := range c.Gaps {
		if g.Section == section && strings.EqualFold(g.Path, path) {
			return g, true
		}
	}
	return snapshot.Gap{}, false
}

// provider returns the document of a resource provider at one end.
func (c *Case) provider(section snapshot.Section, namespace string) (arm.Document, bool) {
	for _, item := range c.Of(section, aml.Providers) {
		if strings.EqualFold(item.Doc.Text("namespace"), namespace) {
			return item.Doc, true
		}
	}
	return nil, false
}

// offered returns what a provider says of one of its types at the target.
func (c *Case) offered(t arm.Type) (arm.Document, bool) {
	doc, ok := c.provider(snapshot.Target, t.Namespace())
	if !ok {
		return nil, false
	}
	for _, entry := range doc.Objects("resourceTypes") {
		if strings.EqualFold(entry.Text("resourceType"), t.Path()) {
			return entry, true
		}
	}
	return nil, false
}

// region is a location as it is compared: "East US" is eastus.
func region(location string) string { return strings.ToLower(strings.ReplaceAll(location, " ", "")) }

// names lists things for people: the first few by name, the rest by number.
func names(items []string) string {
	const shown = 5
	if len(items) <= shown {
		return strings.Join(items, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:shown], ", "), len(items)-shown)
}

// plural writes a number of things: "1 version", "60 versions".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
