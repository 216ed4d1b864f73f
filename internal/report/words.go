package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/verify"
)

// kindNames are the kinds of content in everyday words.
var kindNames = map[string]string{
	"onlineEndpoints": "online endpoints", "onlineEndpoints/deployments": "online deployments", "batchEndpoints": "batch endpoints", "batchEndpoints/deployments": "batch deployments",
	"serverlessEndpoints": "serverless endpoints", "services": "web services (v1)", "marketplaceSubscriptions": "marketplace subscriptions", "data": "data assets", "data/versions": "versions of data assets",
	"models/versions": "versions of models", "environments/versions": "versions of environments", "codes": "code assets", "codes/versions": "versions of code assets", "components/versions": "versions of components",
	"featuresets": "feature sets", "featuresets/versions": "versions of feature sets", "featurestoreEntities": "feature store entities", "featurestoreEntities/versions": "versions of feature store entities",
	"capabilityHosts": "capability hosts", "outboundRules": "outbound rules", "labelingJobs": "labeling projects", "linkedServices": "linked services", "linkedWorkspaces": "linked workspaces",
}

// kindName words a kind; what has no word of its own is called as it is.
func kindName(kind string) string {
	if name := kindNames[kind]; name != "" {
		return name
	}
	return kind
}

// off says what of a row is not as it was; empty when all is.
func off(r verify.Row) string {
	r.Stale, r.Announced, r.Extra = 0, 0, 0
	return rowNote(r)
}

// halves splits rows into two columns of about the same length.
func halves(rows []verify.Row) [][]verify.Row {
	if len(rows) < 12 {
		return [][]verify.Row{rows}
	}
	middle := (len(rows) + 1) / 2
	return [][]verify.Row{rows[:middle], rows[middle:]}
}

// meter is a window with how long its bars are, in percent of the longest of all.
type meter struct {
	Window
	TookPart, PlannedPart int
	TookWords             string
}

func meters(windows []Window) []meter {
	longest := plan.Duration(1)
	for _, w := range windows {
		longest = max(longest, w.Took, w.Planned)
	}
	all := make([]meter, 0, len(windows))
	for _, w := range windows {
		m := meter{w, int(w.Took * 100 / longest), int(w.Planned * 100 / longest), "not measured"}
		if w.Took > 0 {
			m.TookWords = time.Duration(w.Took).Round(time.Second / 10).String()
		}
		all = append(all, m)
	}
	return all
}

// rightWords says what became of a right.
func rightWords(r verify.Right) string {
	scope := short(r.Scope)
	if r.Scope == "/" {
		scope = "the tenant"
	}
	switch r.What {
	case verify.Lost:
		return "given on the workspace before, not now"
	case verify.Inherited:
		return fmt.Sprintf("came from %s before; nothing above the new place gives it", scope)
	}
	return fmt.Sprintf("new: comes from %s", scope)
}

// rowNote says what of a row is not as it was, and how many texts still hold an old id.
func rowNote(r verify.Row) string {
	var notes []string
	for _, n := range []struct {
		count int
		what  string
	}{{r.Missing, "missing"}, {r.Added, "new"}, {r.Changed, "changed"}, {r.Extra, "made meanwhile"}, {r.Announced, "as the plan said"}, {r.Stale, "texts still hold an old id"}} {
		if n.count > 0 {
			notes = append(notes, fmt.Sprintf("%d %s", n.count, n.what))
		}
	}
	return strings.Join(notes, ", ")
}
