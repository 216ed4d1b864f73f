package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/mover/action"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/report"
	"github.com/amlmove/amlmove/internal/verify"
)

// planText prints a plan for people, and what to do with it when it is in a file.
func planText(s streams, p *plan.Plan, file string) error {
	if err := plan.Text(s.out, p, plan.TextOptions{Colour: isTerminal(s.out)}); err != nil {
		return err
	}
	if file == "" {
		return nil
	}
	next := "try it on a copy first:  amlmove rehearse " + file + "\ncarry it out with:  amlmove apply " + file
	switch r := p.Rehearsed(); {
	case !p.Applyable:
		next = "it cannot be carried out before what stops it is done; then plan again"
	case r != nil:
		next = rehearsedText(p) + "\ncarry it out with:  amlmove apply " + file
	}
	_, err := fmt.Fprintf(s.out, "The plan is in %s; %s\n", file, next)
	return err
}

// rehearsedText says whether a plan was rehearsed, and how that ended.
func rehearsedText(p *plan.Plan) string {
	r := p.Rehearsed()
	switch {
	case r != nil:
		return fmt.Sprintf("it was rehearsed on %s: %s, %s", r.At.UTC().Format("2006-01-02 15:04 UTC"), r.Outcome, r.Takes)
	case p.Rehearsal != nil:
		return "what was rehearsed is another plan"
	}
	return "it was not rehearsed"
}

// ending is how a run ended, for machines.
type ending struct {
	mover.Record
	Folder  string         `json:"folder"`
	Report  string         `json:"report"` // the HTML file
	Verify  *verify.Result `json:"verify,omitempty"`
	Remarks []mover.Remark `json:"remarks"`
}

// conclude says how a run ended and what to do next. The exit code tells it as well.
func (o applyOptions) conclude(ctx context.Context, s streams, run *mover.Run, record mover.Record) error {
	story, err := run.Story(ctx)
	if err != nil {
		return err
	}
	found, err := run.Folder.Verified()
	if err != nil {
		return err
	}
	story.Record = record
	page, unwritten := leaveReport(ctx, run.Folder, story) // how the run ended is told all the same
	if unwritten != nil {
		page = ""
	}
	e := ending{Record: record, Folder: run.Folder.Path, Report: page, Verify: found, Remarks: story.Remarks}
	if o.format == "json" {
		err = writeJSON(s.out, e)
	} else {
		err = e.text(s.out, story)
	}
	if err := errors.Join(unwritten, err); err != nil {
		return err
	}
	if o.back && record.State == mover.RolledBack {
		return nil
	}
	return e.status()
}

// todos are the remarks about what a person has to do.
func (e ending) todos() []mover.Remark {
	var todos []mover.Remark
	for _, r := range e.Remarks {
		if r.Kind == action.ToDo {
			todos = append(todos, r)
		}
	}
	return todos
}

// text says how a run ended, for people.
func (e ending) text(to io.Writer, story mover.Story) error {
	w := &linesTo{to: to}
	done, all := story.Ended()
	took := e.Ended.Sub(e.Began).Round(100 * time.Millisecond)
	w.line("")
	switch e.State {
	case mover.Done:
		w.line("Moved and proven: %d of %d steps, %s.", done, all, took)
	case mover.Partial:
		w.line("Moved, and not all is as it was: %d of %d steps, %s.", done, all, took)
	case mover.RolledBack:
		what := "It failed before the move"
		if e.Reason == "" { // a person wanted it
			what = "It was taken back"
		}
		lost := losses(story)
		w.line("%s, and the source is as it was%s: %s.", what, report.ButFor(lost), took)
		for _, l := range lost {
			w.line("  lost      %s: %s; %s", l.Subject, l.What, l.Do)
		}
	default:
		w.line("The run is %s: %d of %d steps.", e.State, done, all)
	}
	if e.Reason != "" {
		w.line("  because   %s", e.Reason)
	}
	if e.State == mover.Done || e.State == mover.Partial {
		w.line("  now at    %s", story.Plan.Landing)
	}
	if v := e.Verify; v != nil {
		w.line("  compared  %d things, %d differences", v.Compared, v.Total)
		for _, row := range v.Rows {
			w.line("              %-32s %7d %7d%s", row.Kind, row.Before, row.After, rowNote(row))
		}
	}
	if todos := e.todos(); len(todos) > 0 {
		w.line("  left for a person (%d)", len(todos))
		for _, r := range todos {
			w.line("    %s: %s", r.Step, r.Text)
		}
	}
	if e.Report != "" {
		w.line("  report    %s", e.Report)
	}
	w.line("  next      %s", next(e.State, e.ID, filepath.Dir(e.Folder)))
	return w.err
}

func rowNote(r verify.Row) string {
	note := ""
	if r.Missing > 0 {
		note += fmt.Sprintf("  %d missing", r.Missing)
	}
	if r.Added > 0 {
		note += fmt.Sprintf("  %d new", r.Added)
	}
	if r.Extra > 0 {
		note += fmt.Sprintf("  %d made meanwhile", r.Extra)
	}
	if r.Changed > 0 {
		note += fmt.Sprintf("  %d changed", r.Changed)
	}
	if r.Stale > 0 {
		note += fmt.Sprintf("  %d texts still hold an old id, as the service left them", r.Stale)
	}
	return note
}

// printable makes texts of the other side fit for a terminal.
func printable(args []any) []any {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			args[i] = arm.Printable(text)
		}
	}
	return args
}

// linesTo writes lines and keeps the first error.
type linesTo struct {
	to  io.Writer
	err error
}

func (w *linesTo) line(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.to, format+"\n", printable(args)...)
	}
}

// status is the exit code of a run.
func (e ending) status() error {
	switch {
	case e.State == mover.Done && len(e.todos()) > 0:
		return exitStatus(exitWarnings)
	case e.State == mover.Done, e.State == mover.Canceled:
		return nil
	case e.State == mover.Partial, e.State == mover.Waiting:
		return exitStatus(exitPartial)
	}
	return exitStatus(exitError)
}
