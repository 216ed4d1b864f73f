package plan

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/rules"
)

// TextOptions say how a plan is written for people.
type TextOptions struct {
	Colour bool
	Width  int  // of the terminal, in characters; 100 if zero
	All    bool // every step and every finding, however many are alike
}

// alike is from how many on things of one kind are written as one line.
const alike = 8

// Text writes a plan for people: what moves, what was found, every step in order, what is lost. Its length does not grow with the number of things that are alike.
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
	w.line(w.paint(bold, "Plan "+p.Digest[:min(8, len(p.Digest))]))
	w.field("from", place(p.Workspace)+", "+p.Location)
	w.field("to", place(p.Target))
	w.field("grade", gradeWords(p.Grade))
	w.field("time", fmt.Sprintf("about %s; %s that change something, about %d that read", words(p.Takes), Plural(p.Requests["writes"], "request"), p.Requests["reads"]))
	along := "nothing: the associated resources keep their ids, and whoever else uses them notices nothing (--include)"
	if len(p.Moving) > 1 {
		along = strings.Join(shorts(p.Moving[1:]), ", ") + ": their ids change for everybody who uses them"
	}
	w.field("with it", along)
	w.windows(p.Windows)
	w.line("")
}

// windows says how long what is away; many of one kind with the longest of them.
func (w *writer) windows(windows []Window) {
	byKind := map[string][]Window{}
	var kinds []string
	for _, one := range windows {
		kind := kindWord(one.What)
		if byKind[kind] == nil {
			kinds = append(kinds, kind)
		}
		byKind[kind] = append(byKind[kind], one)
	}
	for _, kind := range kinds {
		some := byKind[kind]
		if len(some) <= alike || w.o.All {
			for _, one := range some {
				w.field("away", fmt.Sprintf("%-28s about %s", short(one.What), words(one.Takes)))
			}
			continue
		}
		longest := slices.MaxFunc(some, func(a, b Window) int { return int(a.Takes - b.Takes) })
		w.field("away", fmt.Sprintf("%-28s about %s at most", Plural(len(some), kind), words(longest.Takes)))
	}
}

// kindWord is what a resource is called for people.
func kindWord(id string) string {
	parsed, err := arm.Parse(id)
	if err != nil || len(parsed) == 0 {
		return "thing"
	}
	kind := parsed[len(parsed)-1].Type
	for path, word := range map[string]string{"onlineEndpoints": "online endpoint", "batchEndpoints": "batch endpoint", "serverlessEndpoints": "serverless endpoint"} {
		if strings.EqualFold(kind, path) {
			return word
		}
	}
	return strings.TrimSuffix(kind, "s")
}

// place words where something is: contoso-ml in the resource group ml-dev-rg of the subscription 1111.
func place(text string) string {
	id, err := arm.Parse(text)
	if err != nil || id.Group() == "" {
		return text
	}
	where := "the resource group " + id.Group() + " of the subscription " + id.Subscription()
	if id.Root() != nil {
		return id.Name() + " in " + where
	}
	return where
}

func gradeWords(g rules.Grade) string {
	return map[rules.Grade]string{rules.GradeA: "A, moves as it is", rules.GradeB: "B, moves after work that this plan does by itself", rules.GradeC: "C, needs a person",
		rules.GradeD: "D, cannot move; the findings name the alternative"}[g]
}

// findings writes what stops the move and what a person should know in full, and one line for each rule that found something of less weight.
func (w *writer) findings(p *Plan) {
	w.listed(p, rules.Blocker, "Stops the move", red, 5*alike)
	w.listed(p, rules.Warning, "Warnings", yellow, alike)
	var notes []rules.Finding
	for _, f := range p.Findings {
		if f.Severity == rules.Note {
			notes = append(notes, f)
		}
	}
	if len(notes) == 0 {
		return
	}
	w.line(w.paint(bold, "Worth knowing"))
	for _, some := range groups(notes, func(f rules.Finding) string { return f.ID }) {
		more := ""
		if len(some) > 1 && !w.o.All {
			more = fmt.Sprintf(" (and %d more)", len(some)-1)
			some = some[:1]
		}
		for _, f := range some {
			w.wrapped("  "+f.ID+"  ", f.Message+more)
		}
	}
	w.line("")
}

// listed writes findings of one severity: those of one rule with one remedy together, so many of them in full.
func (w *writer) listed(p *Plan, severity rules.Severity, title, colour string, limit int) {
	var all []rules.Finding
	for _, f := range p.Findings {
		if f.Severity == severity {
			all = append(all, f)
		}
	}
	if len(all) == 0 {
		return
	}
	w.line(w.paint(bold+";"+colour, fmt.Sprintf("%s (%d)", title, len(all))))
	for _, some := range groups(all, func(f rules.Finding) string { return f.ID + f.Remedy }) {
		first := "  " + some[0].ID + "  "
		for i, f := range some {
			if i == limit && !w.o.All {
				w.line(fmt.Sprintf("         ... and %d more like these", len(some)-i))
				break
			}
			text := f.Message
			if f.Evidence != "" {
				text += " (" + f.Evidence + ")"
			}
			w.wrapped(first, text)
			first = strings.Repeat(" ", len(first))
		}
		if some[0].Remedy != "" && some[0].Answer != rules.None {
			w.wrapped("         -> ", some[0].Remedy)
		}
	}
	w.line("")
}

// groups joins neighbours that are alike.
func groups[T any](all []T, like func(T) string) [][]T {
	var some [][]T
	for i, one := range all {
		if i > 0 && like(all[i-1]) == like(one) {
			some[len(some)-1] = append(some[len(some)-1], one)
		} else {
			some = append(some, []T{one})
		}
	}
	return some
}

// steps writes the steps by phase, with the point of no return as a line before the move.
func (w *writer) steps(p *Plan) {
	w.line(w.paint(bold, fmt.Sprintf("Steps (%d)", len(p.Steps))))
	w.wrapped("  ", "- takes away what is made again, + makes it again, ? waits for a person")
	for _, some := range groups(p.Steps, func(s Step) string { return string(s.Phase) }) {
		phase := some[0].Phase
		if phase == Move {
			w.line("  " + w.paint(red, rule("point of no return", w.o.Width-4)))
		}
		w.line("  " + w.paint(bold, string(phase)))
		w.grouped(some)
	}
	w.line("")
}

// grouped writes steps, many of those that do the same to different things as one.
func (w *writer) grouped(steps []Step) {
	like := func(s Step) string { return s.Action + " " + verb(s.What) }
	count, told := map[string]int{}, map[string]bool{}
	for _, s := range steps {
		count[like(s)]++
	}
	for _, s := range steps {
		n := count[like(s)]
		switch {
		case n <= alike || w.o.All:
			w.marked(s, s.What+lasts(s))
		case !told[like(s)]:
			told[like(s)] = true
			each := lasts(s)
			if each != "" {
				each += " each"
			}
			w.marked(s, fmt.Sprintf("%s x %d: %s, and %d more like it%s", s.Action, n, s.What, n-1, each))
		}
	}
}

// losses writes what cannot be made again, things that lose the same together.
func (w *writer) losses(p *Plan) {
	if len(p.Losses) == 0 {
		return
	}
	losses := slices.Clone(p.Losses)
	slices.SortStableFunc(losses, func(a, b Loss) int { return strings.Compare(a.What+a.Do, b.What+b.Do) })
	w.line(w.paint(bold+";"+yellow, fmt.Sprintf("Cannot be made again (%d)", len(losses))))
	for _, some := range groups(losses, func(l Loss) string { return l.What + l.Do }) {
		var of []string
		for _, l := range some {
			of = append(of, short(l.Subject))
		}
		if len(of) > alike && !w.o.All {
			of = append(of[:alike-1], fmt.Sprintf("%d more", len(some)-alike+1))
		}
		w.broken("  ", 4, strings.Join(of, ", ")+": "+some[0].What)
		w.wrapped("         -> ", some[0].Do)
	}
	w.line("")
}
