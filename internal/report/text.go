package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/verify"
)

// lines writes lines and keeps the first error.
type lines struct {
	to  io.Writer
	err error
}

func (l *lines) add(format string, args ...any) {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			args[i] = arm.Printable(text)
		}
	}
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.to, format+"\n", args...)
	}
}

// Terminal writes the summary for a terminal.
func Terminal(w io.Writer, d *Data) error {
	l := &lines{to: w}
	l.add("%s", d.verdict())
	l.add("")
	l.add("  run       %s, %s", d.Run, d.State)
	if d.Reason != "" {
		l.add("  because   %s", d.Reason)
	}
	l.add("  from      %s", d.From)
	l.add("  to        %s", d.To)
	l.add("  took      %s (the plan said %s)", d.tookWords(), d.Planned)
	for _, window := range d.Windows {
		l.add("  away      %-28s %s", short(window.What), measured(window))
	}
	section(l, "Left for a person", d.ToDo)
	if v := d.Verify; v != nil {
		l.add("")
		l.add("Compared: %d things, %d differences", v.Compared, v.Total)
		for _, row := range v.Rows {
			l.add("  %-32s %7d %7d  %s", kindName(row.Kind), row.Before, row.After, rowNote(row))
		}
		for _, difference := range v.Differences {
			l.add("  %s", differenceWords(difference))
		}
		if v.Total > len(v.Differences) {
			l.add("  … and %d more", v.Total-len(v.Differences))
		}
		for _, e := range v.Extra {
			l.add("  made meanwhile, which is no difference: %s", e.After)
		}
		for _, right := range v.Rights {
			l.add("  %s %s, role %s: %s", strings.ToLower(right.Sort), right.Principal, right.Role, rightWords(right))
		}
	}
	section(l, "Not as it was", d.Differs)
	if len(d.Losses) > 0 {
		l.add("")
		l.add("Could not be made again (%d)", len(d.Losses))
	}
	for _, loss := range d.Losses {
		l.add("  %s: %s; %s", short(loss.Subject), loss.What, loss.Do)
	}
	return l.err
}

func section(l *lines, title string, remarks []Remark) {
	if len(remarks) == 0 {
		return
	}
	l.add("")
	l.add("%s (%d)", title, len(remarks))
	for _, r := range remarks {
		l.add("  %s: %s", r.Step, r.Text)
	}
}

func measured(w Window) string {
	if w.Took == 0 {
		return "not measured (planned " + w.Planned.String() + ")"
	}
	return time.Duration(w.Took).Round(time.Second/10).String() + " (planned " + w.Planned.String() + ")"
}

func differenceWords(d verify.Difference) string {
	id := d.After
	if id == "" {
		id = d.Before
	}
	text := fmt.Sprintf("%s %s: %s", d.Kind, d.What, id)
	if d.Path != "" {
		text += fmt.Sprintf(" %s should be %s and is %s", d.Path, cmp.Or(d.Was, "empty"), cmp.Or(d.Is, "empty"))
	}
	return text
}

// Markdown writes the report for a ticket or a wiki.
func Markdown(w io.Writer, d *Data) error {
	l := &lines{to: w}
	l.add("# %s", d.verdict())
	l.add("")
	l.add("| | |\n|---|---|\n| run | `%s`, %s |\n| from | `%s` |\n| to | `%s` |\n| took | %s (planned %s) |", d.Run, d.State, d.From, d.To, d.tookWords(), d.Planned)
	for _, window := range d.Windows {
		l.add("| away | %s: %s |", short(window.What), measured(window))
	}
	if d.Reason != "" {
		l.add("\n%s", cell(d.Reason))
	}
	markdownList(l, "Left for a person", d.ToDo)
	if v := d.Verify; v != nil {
		l.add("\n## Before and after\n\n%d things compared, %d differences.\n\n| kind | before | after | |\n|---|--:|--:|---|", v.Compared, v.Total)
		for _, row := range v.Rows {
			l.add("| %s | %d | %d | %s |", kindName(row.Kind), row.Before, row.After, rowNote(row))
		}
		if len(v.Differences) > 0 {
			l.add("") // a list behind a table would be a row of it
		}
		for _, difference := range v.Differences {
			l.add("- %s", cell(differenceWords(difference)))
		}
		if v.Total > len(v.Differences) {
			l.add("- … and %d more", v.Total-len(v.Differences))
		}
		if len(v.Extra) > 0 {
			l.add("\n## Made meanwhile, which is no difference\n")
		}
		for _, e := range v.Extra {
			l.add("- %s", cell(e.After))
		}
		if len(v.Rights) > 0 {
			l.add("\n## Who may do what\n")
			for _, right := range v.Rights {
				l.add("- %s `%s`, role %s: %s", cell(right.Sort), right.Principal, cell(right.Role), cell(rightWords(right)))
			}
		}
		if len(v.Addresses) > 0 {
			l.add("\n## Changed addresses\n")
			for _, a := range v.Addresses {
				l.add("- %s of %s: `%s` is now `%s`", a.What, short(a.Of), a.Was, a.Is)
			}
		}
	}
	markdownList(l, "Not as it was", d.Differs)
	if len(d.Losses) > 0 {
		l.add("\n## Could not be made again\n")
	}
	for _, loss := range d.Losses {
		l.add("- %s: %s; %s", cell(short(loss.Subject)), cell(loss.What), cell(loss.Do))
	}
	l.add("\n## Steps\n\n| phase | step | state | took |\n|---|---|---|--:|")
	for _, s := range d.Steps {
		l.add("| %s | %s | %s | %s |", s.Phase, cell(s.What), stateWords(s), tookWords(s))
	}
	return l.err
}

func markdownList(l *lines, title string, remarks []Remark) {
	if len(remarks) == 0 {
		return
	}
	l.add("\n## %s\n", title)
	for _, r := range remarks {
		l.add("- [ ] %s (`%s`)", cell(r.Text), r.Step)
	}
}

// cell keeps a text inside its cell, and makes no link or image of it.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;", "](", `]\(`).Replace(text)
}

func stateWords(s Step) string {
	switch {
	case s.Back:
		return "taken back"
	case s.State == "":
		return "not begun"
	}
	return s.State
}

func tookWords(s Step) string {
	if s.Began.IsZero() || s.Ended.Before(s.Began) {
		return ""
	}
	return s.Ended.Sub(s.Began).Round(time.Second / 10).String()
}
