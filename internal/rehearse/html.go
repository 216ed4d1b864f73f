package rehearse

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/plan"
)

//go:embed rehearse.html.tmpl
var page string

// parsed is the page; a page that cannot be parsed is a defect that every test shows.
var parsed = template.Must(template.New("rehearsal").Funcs(template.FuncMap{
	"name": nameOf, "class": classOf, "last": func(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }, "scenario": func(name string) string {
		if name == "" {
			return "nothing goes wrong"
		}
		return name
	},
}).Parse(page))

// bar is one step in the timeline of the page.
type bar struct {
	Step
	Left, Width string // percent of the whole
}

// part is one rehearsal on the page.
type part struct {
	*Result
	Verdict, Says string
	Bars          []bar
	Ticks         []tick
}

type tick struct{ Left, Text string }

// HTML writes the forecast, and how the plan fared when things went wrong, as one page that needs no network and no script.
func HTML(to io.Writer, results []*Result, says map[string]string) error {
	var parts []part
	for _, r := range results {
		parts = append(parts, part{Result: r, Verdict: r.verdict(), Says: says[r.Scenario], Bars: r.bars(), Ticks: r.ticks()})
	}
	return parsed.Execute(to, parts)
}

// shortest is the width, in percent, below which nobody sees a bar.
const shortest = 0.4

func (r *Result) bars() []bar {
	whole := max(time.Duration(r.Takes), time.Second)
	var bars []bar
	for _, s := range r.Steps {
		left := 100 * float64(s.After) / float64(whole)
		width := max(100*float64(s.Takes)/float64(whole), shortest)
		bars = append(bars, bar{s, fmt.Sprintf("%.2f", min(left, 100-shortest)), fmt.Sprintf("%.2f", min(width, 100-min(left, 100-shortest)))})
	}
	return bars
}

// ticks are the times below the timeline.
func (r *Result) ticks() []tick {
	var ticks []tick
	for i := range 5 {
		ticks = append(ticks, tick{fmt.Sprintf("%d", i*25), (time.Duration(r.Takes) * time.Duration(i) / 4).Round(time.Second).String()})
	}
	return ticks
}

// classOf is how an outcome looks.
func classOf(o Outcome) string {
	return map[Outcome]string{Recovered: "good", Stopped: "held", Person: "person", Broken: "bad"}[o]
}

// Phases are the phases of a run, for the legend.
func (p part) Phases() []plan.Phase { return plan.Phases() }
