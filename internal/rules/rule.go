// Package rules holds every reason why a move cannot, should not, or will not simply go ahead: a table of small pure functions over facts. All findings come
// at once, sorted. Rules see facts and choices, never a network, clock or store; the cloud's refusals are written apart from them (D8).
package rules

import (
	"slices"

	"github.com/amlmove/amlmove/internal/facts"
)

// Choices are what the person who moves has decided. The zero value is the careful one, but for Drain.
type Choices struct {
	Include            []string `json:"include,omitempty"`            // associated resources that move along: names, or "all" (S42)
	Drain              string   `json:"drain"`                        // what becomes of running jobs: "wait" or "cancel" (S28)
	DrainLimit         string   `json:"drainLimit,omitempty"`         // how long is waited, as 30m; "" is two hours
	NoQuiesce          bool     `json:"noQuiesce,omitempty"`          // computes and endpoints stop the move instead of being removed and made again (S34)
	AcceptInstanceLoss bool     `json:"acceptInstanceLoss,omitempty"` // disks of compute instances may be lost (pain 25)
	LiftLocks          bool     `json:"liftLocks,omitempty"`          // locks that stop the move are lifted and put back (pain 38)
	ApproveEndpoints   bool     `json:"approveEndpoints,omitempty"`   // new private endpoint connections are approved by the plan (S24)
	RemoveServices     bool     `json:"removeServices,omitempty"`     // services of the v1 API are removed; they are not made again (S35)
	Force              bool     `json:"force,omitempty"`              // endpoints are removed although they are being invoked (S29)
	Confirmed          []string `json:"confirmed,omitempty"`          // ids of confirmable rules: somebody has looked at what ARM does not show
}

// Drains.
const (
	Wait   = "wait"
	Cancel = "cancel"
)

// Rule is one reason.
type Rule struct {
	ID      string   // stable, never reused
	Clauses []string // S34; pain 28
	Title   string   // one sentence: what is checked
	Why     string   // why it matters
	Remedy  string   // what to do, in general
	Judge   func(*Case) []Finding
	// Confirmable rules are about what ARM does not show. Once somebody has looked (Choices.Confirmed), a blocker of theirs is a warning and a warning a note.
	Confirmable bool
}

// Case is what a rule looks at.
type Case struct {
	*facts.Facts
	Choices
}

// confirmed is what a finding is once somebody has looked at what ARM does not show.
var confirmed = map[Severity]Severity{Blocker: Warning, Warning: Note}

// Judge asks every rule. The findings come sorted; each has the id and the clauses of its rule.
func Judge(f *facts.Facts, c Choices) []Finding {
	all := []Finding{}
	for _, rule := range Table() {
		for _, finding := range rule.Judge(&Case{f, c}) {
			finding.ID, finding.Clauses = rule.ID, rule.Clauses
			if lower := confirmed[finding.Severity]; lower != "" && rule.Confirmable && slices.Contains(c.Confirmed, rule.ID) {
				finding.Severity, finding.Answer = lower, None
			}
			if finding.Answer == "" {
				finding.Answer = None
			}
			if finding.Remedy == "" {
				finding.Remedy = rule.Remedy
			}
			all = append(all, finding)
		}
	}
	Sort(all)
	return all
}

// Find returns a rule by its id.
func Find(id string) (Rule, bool) {
	for _, r := range Table() {
		if r.ID == id {
			return r, true
		}
	}
	return Rule{}, false
}
