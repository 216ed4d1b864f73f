package rules

import (
	"cmp"
	"slices"
	"strings"
)

// Severity says what a finding means for the move.
type Severity string

const (
	Blocker Severity = "blocker" // the move cannot or must not go ahead
	Warning Severity = "warning" // it goes ahead, and something behaves differently or is lost
	Note    Severity = "note"    // worth knowing; or work that the plan does by itself
)

// Answer says who does something about a finding.
type Answer string

const (
	Plan   Answer = "plan"   // a step of the plan
	Person Answer = "person" // somebody, before or after the move; the remedy says what
	Nobody Answer = "nobody" // it cannot be: the remedy names another way
	None   Answer = "none"   // nothing needs to be done
)

// Finding is one thing found.
type Finding struct {
	ID       string   `json:"id"` // of the rule
	Severity Severity `json:"severity"`
	Clauses  []string `json:"clauses,omitempty"` // S34, pain 28
	Subject  string   `json:"subject"`           // resource id
	Message  string   `json:"message"`           // what was found
	Evidence string   `json:"evidence,omitempty"`
	Answer   Answer   `json:"answer"`
	Remedy   string   `json:"remedy,omitempty"`
}

// rank orders severities.
var rank = map[Severity]int{Blocker: 0, Warning: 1, Note: 2}

// Sort orders findings by severity, rule and subject.
func Sort(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(rank[a.Severity], rank[b.Severity]), cmp.Compare(a.ID, b.ID),
			cmp.Compare(strings.ToLower(a.Subject), strings.ToLower(b.Subject)), cmp.Compare(a.Message, b.Message))
	})
}

// Grade sums findings up.
type Grade string

const (
	GradeA Grade = "A" // moves as it is
	GradeB Grade = "B" // moves after work that the plan does by itself
	GradeC Grade = "C" // needs a person, before or after
	GradeD Grade = "D" // cannot move; the findings name the alternative
)

// GradeOf gives the grade of a workspace.
func GradeOf(findings []Finding) Grade {
	grade := GradeA
	for _, f := range findings {
		switch {
		case f.Answer == Nobody && f.Severity == Blocker:
			return GradeD
		case f.Answer == Person || f.Severity == Blocker:
			grade = max(grade, GradeC)
		case f.Answer == Plan:
			grade = max(grade, GradeB)
		}
	}
	return grade
}

// Blocked reports whether a finding stops the plan.
func Blocked(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == Blocker })
}
