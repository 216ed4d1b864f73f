package report

import (
	_ "embed"
	"html/template"
	"io"
	"time"

	"github.com/amlmove/amlmove/internal/verify"
)

//go:embed report.html.tmpl
var page string

//go:embed style.html.tmpl
var style string

// parsed is the page; a page that cannot be parsed is a defect that every test shows.
var parsed = template.Must(template.New("report").Funcs(template.FuncMap{
	"short": short, "state": stateWords, "tookOf": tookWords,
	"kind": kindName, "off": off, "halves": halves, "meters": meters, "right": rightWords, "sameWorkspace": sameWorkspace,
	"when": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
}).Parse(style + page))

// view is what the page needs besides the data.
type view struct {
	*Data
	Verdict, Class, Took   string
	Phases                 []phaseOf
	Map, Timeline          template.HTML // drawn here, every text in them escaped
	Removed, Imported, Sed string
	Derived                []verify.Derived
}

// HTML writes the report as one file that needs no network and no script.
func HTML(w io.Writer, d *Data) error {
	v := view{Data: d, Verdict: d.verdict(), Class: d.class(), Took: d.tookWords(), Phases: d.phases(), Sed: Sed(d)}
	v.Map, v.Timeline = template.HTML(drawMap(d)), template.HTML(drawTimeline(d)) //nolint:gosec // drawn here, every text in them escaped
	v.Removed, v.Imported = Terraform(d)
	if d.Verify != nil {
		v.Derived = d.Verify.Derived
	}
	return parsed.Execute(w, v)
}
