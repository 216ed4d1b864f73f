package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rules"
)

// Assessment is what was found of one workspace before anybody planned its move.
type Assessment struct {
	Workspace string          `json:"workspace"`
	Target    string          `json:"target,omitempty"`
	Location  string          `json:"location"`
	Grade     rules.Grade     `json:"grade,omitempty"`
	Takes     *plan.Duration  `json:"takes,omitempty"` // of a move; absent without a target
	Counts    map[string]int  `json:"counts,omitempty"`
	Findings  []rules.Finding `json:"findings,omitempty"`
	Error     string          `json:"error,omitempty"` // it could not be read
}

// Of counts the findings of a severity.
func (a Assessment) Of(s rules.Severity) int { return len(a.All(s)) }

// All are the findings of a severity.
func (a Assessment) All(s rules.Severity) (all []rules.Finding) {
	for _, f := range a.Findings {
		if f.Severity == s {
			all = append(all, f)
		}
	}
	return all
}

// Time is how long a move takes, as people write it.
func (a Assessment) Time() string {
	if a.Takes == nil {
		return "-"
	}
	return a.Takes.String()
}

// shownKinds are the kinds of content that an assessment counts.
var shownKinds = []struct{ Title, Path string }{{"COMPUTES", "computes"}, {"ENDPOINTS", "onlineEndpoints"}, {"JOBS", "jobs"}, {"DATA", "data/versions"}}

// AssessTable writes assessments for a terminal: a line for each workspace, and what stops those that cannot move.
func AssessTable(to io.Writer, all []Assessment) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	title := "GRADE\tWORKSPACE\tBLOCKERS\tWARNINGS\tTIME"
	for _, kind := range shownKinds {
		title += "\t" + kind.Title
	}
	_, _ = fmt.Fprintln(w, title) // Flush tells
	for _, a := range all {
		if a.Error != "" {
			_, _ = fmt.Fprintf(w, "?\t%s\t%s\n", a.Workspace, arm.Printable(a.Error))
			continue
		}
		cells := []string{string(a.Grade), a.Workspace, strconv.Itoa(a.Of(rules.Blocker)), strconv.Itoa(a.Of(rules.Warning)), a.Time()}
		for _, kind := range shownKinds {
			cells = append(cells, strconv.Itoa(a.Counts[kind.Path]))
		}
		_, _ = fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, a := range all {
		for _, f := range a.All(rules.Blocker) {
			if _, err := fmt.Fprintf(to, "\n%s  %s\n  %s\n  -> %s\n", f.ID, arm.Printable(f.Subject), arm.Printable(f.Message), arm.Printable(f.Remedy)); err != nil {
				return err
			}
		}
	}
	return nil
}

//go:embed assess.html.tmpl
var assessPage string

var parsedAssess = template.Must(template.New("assess").Funcs(template.FuncMap{
	"name":  short,
	"lower": strings.ToLower,
	"class": func(g rules.Grade) string { return gradeClass[g] },
	"when":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
	"count": func(a Assessment, kind string) int { return a.Counts[kind] },
}).Parse(style + assessPage))

// gradeClass is how a grade is coloured.
var gradeClass = map[rules.Grade]string{rules.GradeA: "good", rules.GradeB: "good", rules.GradeC: "fair", rules.GradeD: "bad", "": "bad"}

// grade is one grade, what it means, and how many workspaces have it.
type grade struct {
	Grade rules.Grade
	Says  string
	Count int
}

// severity is one severity with its title on the page.
type severity struct {
	Of    rules.Severity
	Title string
}

// AssessHTML writes assessments as one page that needs no network and no script.
func AssessHTML(to io.Writer, all []Assessment, at time.Time) error {
	grades := []grade{{rules.GradeA, "move as they are", 0}, {rules.GradeB, "move after work that amlmove does by itself", 0}, {rules.GradeC, "need a person", 0}, {rules.GradeD, "cannot move", 0}, {"", "could not be read", 0}}
	for _, a := range all {
		for i := range grades {
			if grades[i].Grade == a.Grade {
				grades[i].Count++
			}
		}
	}
	return parsedAssess.Execute(to, map[string]any{"All": all, "Grades": grades, "At": at, "Kinds": shownKinds,
		"Severities": []severity{{rules.Blocker, "Stops the move"}, {rules.Warning, "Needs a look"}, {rules.Note, "Worth knowing"}}})
}
