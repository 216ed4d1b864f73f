// Package report shows what became of a run: for a terminal, as JSON, as Markdown, and as one HTML file that needs nothing else. Every view shows the same Data. It judges nothing and reads nothing.
//
// It stands on plan, rules, verify, rewrite, aml, arm and errs.
package report

import (
	"cmp"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/verify"
)

// Data is everything that a report shows. As JSON it is the report for machines.
type Data struct {
	Run      string          `json:"run"`
	State    string          `json:"state"`
	Reason   string          `json:"reason,omitempty"`
	Began    time.Time       `json:"began"`
	Ended    time.Time       `json:"ended"`
	Who      string          `json:"who,omitempty"`
	Tool     string          `json:"tool,omitempty"`
	From     string          `json:"from"`
	To       string          `json:"to"`
	Moved    bool            `json:"moved"`
	Accounts []string        `json:"accounts"` // associated resources, before the move
	Grade    rules.Grade     `json:"grade"`
	Planned  plan.Duration   `json:"planned"` // how long the plan said it takes
	Windows  []Window        `json:"windows"`
	Steps    []Step          `json:"steps"`
	ToDo     []Remark        `json:"toDo"`    // what a person still has to do
	Differs  []Remark        `json:"differs"` // what is not as it was, told by steps
	Losses   []plan.Loss     `json:"losses"`
	Findings []rules.Finding `json:"findings"`
	Verify   *verify.Result  `json:"verify,omitempty"`
	IDs      []Renamed       `json:"ids"` // what has a new resource id
	Requests int             `json:"requests"`
	Support  []string        `json:"correlationIds"` // of the move itself: what support asks for
}

// Window is a time in which something was not there.
type Window struct {
	What    string        `json:"what"`
	Planned plan.Duration `json:"planned"`
	Took    plan.Duration `json:"took"` // zero when it was not measured
}

// Step is one step with what became of it.
type Step struct {
	ID     string     `json:"id"`
	Phase  plan.Phase `json:"phase"`
	Action string     `json:"action"`
	What   string     `json:"what"`
	State  string     `json:"state"` // empty: not begun
	Began  time.Time  `json:"began"`
	Ended  time.Time  `json:"ended"`
	Tries  int        `json:"tries"`
	Reason string     `json:"reason,omitempty"`
	Back   bool       `json:"back,omitempty"` // it was taken back
}

// Remark is what a step had to tell.
type Remark struct {
	Step string `json:"step"`
	Text string `json:"text"`
}

// Renamed is a resource with its ids before and after.
type Renamed struct {
	Was  string `json:"was"`
	Is   string `json:"is"`
	Kind string `json:"kind,omitempty"` // computeType of a compute, datastoreType of a datastore
}

// JSON writes the report for machines.
func JSON(w io.Writer, d *Data) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(d)
}

// Mask hides all but the last four characters of subscription ids in a text of the report: of each id that is called one somewhere in the text or in what differs, also where it stands
// alone, and whatever its case.
func (d *Data) Mask(text string) string {
	called := subscriptionForm.FindAllStringSubmatch(text, -1)
	if d.Verify != nil {
		for _, one := range d.Verify.Differences {
			for _, value := range []string{one.Was, one.Is} {
				called = append(called, subscriptionForm.FindAllStringSubmatch(one.Path+" "+value, -1)...)
			}
		}
	}
	hidden := map[string]bool{}
	for _, found := range called {
		id := strings.ToLower(found[1])
		if hidden[id] {
			continue
		}
		hidden[id] = true
		text = regexp.MustCompile("(?i)"+id).ReplaceAllStringFunc(text, func(id string) string { return "********-****-****-****-********" + id[len(id)-4:] })
	}
	return text
}

// subscriptionForm is where a text calls something the id of a subscription: in a resource id, also in one that is written for a URL, or behind the name of a member.
var subscriptionForm = regexp.MustCompile(`(?i)subscription(?:s/|s%2f|_?id\W{1,8})([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})`)

// short is the name at the end of an id.
func short(id string) string {
	parsed, err := arm.Parse(id)
	if err != nil || len(parsed) == 0 {
		return id
	}
	return parsed.Name()
}

// verdict says in one sentence how the run ended.
func (d *Data) verdict() string {
	what := short(d.From)
	switch unlike := d.unlike(); d.State {
	case "done":
		if unlike > 0 { // somebody compared again, later
			return what + " moved, and everything was there; compared again, " + count(unlike, "difference") + " came to light: see below."
		}
		if len(d.ToDo) > 0 {
			return what + " moved, everything is there, and a person has " + count(len(d.ToDo), "thing") + " left to do."
		}
		return what + " moved, and everything is there as it was."
	case "partial":
		if d.Verify != nil && unlike == 0 {
			return what + " moved, and the last comparison finds no difference; what the run itself could not do stands below."
		}
		return what + " moved, and not everything is as it was: what is missing or different stands below."
	case "waiting":
		return "The move of " + what + " waits for a person."
	case "rolledBack":
		if d.Reason == "" { // a person wanted it
			return "The move of " + what + " was taken back before the point of no return, and the source is as it was" + ButFor(d.Losses) + "."
		}
		return "The move of " + what + " failed before the point of no return, and the source is as it was" + ButFor(d.Losses) + "."
	case "canceled":
		return "The move of " + what + " was given up before anything was changed."
	}
	return "The move of " + what + " is " + d.State + "."
}

// ButFor says how much of a source to which a run went back is not as it was: a job that was cancelled stays so, and a disk that is gone stays gone.
func ButFor(lost []plan.Loss) string {
	if len(lost) == 0 {
		return ""
	}
	return ", but for " + count(len(lost), "thing") + " that cannot be given back"
}

// unlike is how many differences the last comparison found.
func (d *Data) unlike() int {
	if d.Verify == nil {
		return 0
	}
	return d.Verify.Total
}

// sameWorkspace says whether the workspace is still the one that it was: one of the same name has another GUID.
func sameWorkspace(v *verify.Result) string {
	if slices.ContainsFunc(v.Differences, func(d verify.Difference) bool { return d.Kind == "workspace" && d.Path == verify.WorkspaceGUID }) {
		return "another than before: this is another workspace of the same name"
	}
	return "the same before and after"
}

// class is how a verdict is coloured.
func (d *Data) class() string {
	switch {
	case d.State == "done" && d.unlike() > 0:
		return "bad"
	case d.State == "done" && len(d.ToDo) == 0:
		return "good"
	case d.State == "done", d.State == "rolledBack", d.State == "canceled", d.State == "waiting":
		return "fair"
	}
	return "bad"
}

func count(n int, what string) string { return plan.Plural(n, what) }

// took is how long the run took.
func (d *Data) took() time.Duration {
	if d.Ended.IsZero() || d.Ended.Before(d.Began) {
		return 0
	}
	return d.Ended.Sub(d.Began).Round(time.Second / 10)
}

// tookWords says how long the run took, if it has ended.
func (d *Data) tookWords() string {
	if d.Ended.IsZero() {
		return "not ended"
	}
	return d.took().String()
}

// phases groups the steps.
func (d *Data) phases() []phaseOf {
	var all []phaseOf
	for _, p := range plan.Phases() {
		one := phaseOf{Phase: p}
		for _, s := range d.Steps {
			if s.Phase == p {
				one.Steps = append(one.Steps, s)
			}
		}
		if len(one.Steps) > 0 {
			all = append(all, one)
		}
	}
	return all
}

type phaseOf struct {
	Phase plan.Phase
	Steps []Step
}

// some is a list that is one in JSON as well when nothing is in it.
func some[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

// Arrange sorts what has no order of its own, and puts in the names that only the comparison knows: a role that was given again has a new one.
func (d *Data) Arrange() {
	if d.Verify != nil {
		for _, pair := range d.Verify.Roles {
			at := slices.IndexFunc(d.IDs, func(r Renamed) bool { return strings.EqualFold(r.Was, pair.Was) })
			if at >= 0 {
				d.IDs[at].Is = pair.Is
			}
		}
	}
	d.Accounts, d.Windows, d.Steps, d.ToDo, d.Differs, d.Losses, d.Findings, d.IDs, d.Support = some(d.Accounts), some(d.Windows), some(d.Steps), some(d.ToDo), some(d.Differs), some(d.Losses),
		some(d.Findings), some(d.IDs), some(d.Support)
	slices.SortFunc(d.IDs, func(a, b Renamed) int { return cmp.Compare(a.Was, b.Was) })
	byStep := func(a, b Remark) int { return cmp.Or(cmp.Compare(a.Step, b.Step), cmp.Compare(a.Text, b.Text)) }
	slices.SortFunc(d.ToDo, byStep)
	slices.SortFunc(d.Differs, byStep)
}
