package plan

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/amlmove/amlmove/internal/arm"
)

// What a terminal shows differently, as its control sequences number it.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// writer writes lines for people and keeps the first error.
type writer struct {
	to  io.Writer
	o   TextOptions
	err error
}

func (w *writer) line(text string) {
	if w.err == nil {
		_, w.err = io.WriteString(w.to, strings.TrimRight(text, " ")+"\n")
	}
}

// paint colours a text.
func (w *writer) paint(code, text string) string {
	if !w.o.Colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// wrapped writes a text behind a beginning, broken between words; further lines stand below the text.
func (w *writer) wrapped(first, text string) {
	w.broken(first, utf8.RuneCountInString(first), text)
}

// broken is wrapped with further lines so far from the left: colours in the beginning take no width.
func (w *writer) broken(first string, width int, text string) {
	room := max(20, w.o.Width-width)
	line, used := first, 0
	for _, word := range strings.Split(arm.Printable(text), " ") {
		long := utf8.RuneCountInString(word)
		if used > 0 && used+1+long > room {
			w.line(line)
			line, used = strings.Repeat(" ", width), 0
		}
		if used > 0 {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+long
	}
	w.line(line)
}

// field writes one line of the head.
func (w *writer) field(name, text string) { w.wrapped(fmt.Sprintf("  %-10s ", name), text) }

// marked writes a step behind a mark that shows at a glance what it is.
func (w *writer) marked(s Step, text string) {
	mark, colour := " ", dim
	switch {
	case s.Destroys:
		mark, colour = "-", red
	case s.Person:
		mark, colour = "?", yellow
	case s.Phase == Restore:
		mark, colour = "+", green
	}
	w.broken("    "+w.paint(colour, mark)+" ", 6, text)
}

// rule is a line across, with a text in it.
func rule(text string, width int) string {
	side := max(3, (width-utf8.RuneCountInString(text)-2)/2)
	return strings.Repeat("─", side) + " " + text + " " + strings.Repeat("─", side)
}

// lasts says how long a step takes, when that is long enough to be worth a word.
func lasts(s Step) string {
	if s.Takes < Duration(time.Minute) {
		return ""
	}
	return ", about " + words(s.Takes)
}

// verb is the first word of what a step does.
func verb(what string) string {
	first, _, _ := strings.Cut(what, " ")
	return first
}

// words writes a duration as finely as an estimate deserves: minutes from ten minutes on.
func words(d Duration) string {
	whole := time.Duration(d).Round(time.Second)
	if whole >= 10*time.Minute {
		whole = whole.Round(time.Minute)
	}
	hours, minutes, seconds := int(whole.Hours()), int(whole.Minutes())%60, int(whole.Seconds())%60
	var parts []string
	for _, part := range []struct {
		n    int
		unit string
	}{{hours, "h"}, {minutes, "m"}, {seconds, "s"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprint(part.n)+part.unit)
		}
	}
	if len(parts) == 0 {
		return "0s"
	}
	return strings.Join(parts, " ")
}

// short is the last name of an id.
func short(id string) string {
	parsed, err := arm.Parse(id)
	if err != nil || len(parsed) == 0 {
		return id
	}
	return parsed.Name()
}

func shorts(ids []string) []string {
	all := make([]string, 0, len(ids))
	for _, id := range ids {
		all = append(all, short(id))
	}
	return all
}
