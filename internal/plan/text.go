package plan

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/rules"
)

// TextOptions say how a plan is written for people.
type TextOptions struct {
	Colour bool
	Width  int  // of the terminal; 100 if zero
	All    bool // every step and every finding, however many are alike
}

// alike is from how many steps of one action on they are written as one line.
const alike = 8

// writer writes lines and keeps the first error.
type writer struct {
	to  io.Writer
	o   TextOptions
	err error
}

func (w *writer) line(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.to, format+"\n", args...)
	}
}

// paint colours a text.
func (w *writer) paint(code, text string) string {
	if !w.o.Colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Text writes a plan for people: what moves, what was found, every step in order, what is lost.
func Text(to io.Writer, p *Plan, o TextOptions) error {
	if o.Width <= 0 {
		o.Width = 100
	}
	w := &writer{to: to, o: o}
	w.head(p)
	w.findings(p)
	w.steps(p)
	w.losses(p)
	return w.err
}

func (w *writer) head(p *Plan) {
	w.line("%s", w.paint("1", "Plan "+p.Digest[:min(8, len(p.Digest))]))
	w.line("  from       %s", p.Workspace)
	w.line("  to         %s", p.Target)
	w.line("  grade      %s", gradeWords(p.Grade))
	w.line("  time       about %s, %d requests that change something, about %d that read", words(p.Takes), p.Requests["writes"], p.Requests["reads"])
	along := "nothing: the associated resources keep their ids, and whoever else uses them notices nothing (--include)"
	if len(p.Moving) > 1 {
		along = strings.Join(shorts(p.Moving[1:]), ", ")
	}
	w.line("  with it    %s", along)
	for _, window := range p.Windows {
		w.line("  away       %-28s about %s", short(window.What), words(window.Takes))
	}
	w.line("")
}

func gradeWords(g rules.Grade) string {
	return map[rules.Grade]string{rules.GradeA: "A, moves as it is", rules.GradeB: "B, moves after work that this plan does by itself", rules.GradeC: "C, needs a person",
		rules.GradeD: "D, cannot move; the findings name the alternative"}[g]
}

// words writes a duration without what nobody needs.
func words(d Duration) string {
	text := time.Duration(d).Round(time.Second).String()
	text = strings.TrimSuffix(text, "0s")
	if text == "" || strings.HasSuffix(text, "m") || strings.HasSuffix(text, "h") {
		return strings.TrimSuffix(strings.Replace(text+" ", "h0m ", "h ", 1), " ")
	}
	return time.Duration(d).Round(time.Second).String()
}

func short(id string) string {
	parsed, err := arm.Parse(id)
	if err != nil || len(parsed) == 0 {
		return id
	}
	return parsed.Name()
}

func shorts(ids []string) []string {
	var all []string
	for _, id := range ids {
		all = append(all, short(id))
	}
	return all
}

func (w *writer) findings(p *Plan) {
	for _, part := range []struct {
		severity rules.Severity
		title    string
		colour   string
	}{{rules.Blocker, "Stops the move", "31"}, {rules.Warning, "Warnings", "33"}} {
		var some []rules.Finding
		for _, f := range p.Findings {
			if f.Severity == part.severity {
				some = append(some, f)
			}
		}
		if len(some) == 0 {
			continue
		}
		w.line("%s", w.paint("1;"+part.colour, fmt.Sprintf("%s (%d)", part.title, len(some))))
		w.listed(some)
		w.line("")
	}
	w.notes(p)
}

// listed writes findings in full; many of one rule are cut short.
func (w *writer) listed(some []rules.Finding) {
	seen := map[string]int{}
	for _, f := range some {
		if seen[f.ID]++; seen[f.ID] > alike && !w.o.All {
			continue
		}
		w.line("  %s  %s", f.ID, f.Message)
		if f.Evidence != "" {
			w.line("         %s", f.Evidence)
		}
		if f.Remedy != "" && f.Answer != rules.None {
			w.line("         -> %s", f.Remedy)
		}
	}
	for _, id := range sortedKeys(seen) {
		if seen[id] > alike && !w.o.All {
			w.line("  %s  ... and %d more alike", id, seen[id]-alike)
		}
	}
}

func sortedKeys(m map[string]int) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// notes writes one line for each rule that found something worth knowing.
func (w *writer) notes(p *Plan) {
	first, count := map[string]rules.Finding{}, map[string]int{}
	for _, f := range p.Findings {
		if f.Severity != rules.Note {
			continue
		}
		if count[f.ID]++; count[f.ID] == 1 {
			first[f.ID] = f
		}
	}
	if len(count) == 0 {
		return
	}
	w.line("%s", w.paint("1", "Worth knowing"))
	for _, id := range sortedKeys(count) {
		more := ""
		if count[id] > 1 {
			more = fmt.Sprintf(" (and %d more)", count[id]-1)
		}
		w.line("  %s  %s%s", id, first[id].Message, more)
	}
	w.line("")
}

func (w *writer) steps(p *Plan) {
	w.line("%s", w.paint("1", fmt.Sprintf("Steps (%d)", len(p.Steps))))
	for _, phase := range Phases() {
		var some []Step
		for _, s := range p.Steps {
			if s.Phase == phase {
				some = append(some, s)
			}
		}
		if len(some) == 0 {
			continue
		}
		if phase == Move {
			w.line("  %s", w.paint("31", strings.Repeat("─", 12)+" point of no return "+strings.Repeat("─", 12)))
		}
		w.line("  %s", w.paint("1", string(phase)))
		w.grouped(some)
	}
	w.line("")
}

// grouped writes steps, many of one action as one line.
func (w *writer) grouped(some []Step) {
	count := map[string]int{}
	for _, s := range some {
		count[s.Action]++
	}
	done := map[string]int{}
	for _, s := range some {
		done[s.Action]++
		if many := count[s.Action]; many > alike && !w.o.All {
			if done[s.Action] == 1 {
				w.line("    %s  … and %d more like it", w.mark(s)+s.What, many-1)
			}
			continue
		}
		w.line("    %s", w.mark(s)+s.What)
	}
}

// mark shows at a glance what a step is: - it removes something, ? a person must act.
func (w *writer) mark(s Step) string {
	switch {
	case s.Destroys:
		return w.paint("31", "- ")
	case s.Person:
		return w.paint("33", "? ")
	case s.Phase == Restore:
		return w.paint("32", "+ ")
	}
	return "  "
}

func (w *writer) losses(p *Plan) {
	if len(p.Losses) == 0 {
		return
	}
	w.line("%s", w.paint("1;33", fmt.Sprintf("Cannot be made again (%d)", len(p.Losses))))
	for _, loss := range p.Losses {
		w.line("  %s: %s", short(loss.Subject), loss.What)
		w.line("         -> %s", loss.Do)
	}
	w.line("")
}
