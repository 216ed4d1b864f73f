package verify

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
)

// rewritten are the kinds whose texts were written anew with the new ids: a stale one there is a difference. In others the service leaves texts as they were.
var rewritten = []string{"data", "data/versions", "schedules", "connections", "outboundRules", "computes", "onlineEndpoints", "onlineEndpoints/deployments", "batchEndpoints",
	"batchEndpoints/deployments", "serverlessEndpoints"}

// documents compares two documents and lists every property that is not as it should be.
func (c *comparison) documents(row *Row, kind aml.Kind, before, after string, was, is arm.Document) {
	was, is = was.Clone(), is.Clone()
	state := aml.StateOf(is.Text("properties.provisioningState"))
	wasState := aml.StateOf(was.Text("properties.provisioningState"))
	for _, doc := range []arm.Document{was, is} {
		delete(doc, "id")
		if kind.Path == "schedules" { // not to say it is to say true
			doc.Set("properties.isEnabled", aml.Enabled(doc))
		}
		for _, d := range derivedOf(kind) {
			doc.Delete(d.Path)
		}
	}
	l := &leaves{c: c, strict: slices.Contains(rewritten, kind.Path), owned: kind.Owned(), kind: cmp.Or(kind.Path, "workspace"), id: after}
	l.compare("", map[string]any(was), map[string]any(is))
	row.Stale += l.stale
	for _, d := range l.found {
		d.Kind, d.What, d.Before, d.After = l.kind, Changed, before, after
		c.differ(d)
	}
	if state != "" && state != aml.Succeeded && state != wasState {
		l.found = append(l.found, Difference{})
		c.differ(Difference{Kind: l.kind, What: Changed, Before: before, After: after, Path: "properties.provisioningState", Was: string(aml.Succeeded), Is: string(state)})
	}
	if len(l.found) > 0 {
		row.Changed++
	}
}

// leaves compares values down to their leaves.
type leaves struct {
	c      *comparison
	strict bool
	owned  []string
	kind   string
	id     string // of the document after the move
	found  []Difference
	stale  int
}

func (l *leaves) compare(path string, was, is any) {
	switch old := was.(type) {
	case map[string]any:
		if now, ok := is.(map[string]any); ok {
			l.objects(path, old, now)
			return
		}
	case []any:
		if now, ok := is.([]any); ok && len(old) == len(now) {
			for i := range old {
				l.compare(fmt.Sprintf("%s[%d]", path, i), old[i], now[i])
			}
			return
		}
	case string:
		if now, ok := is.(string); ok {
			l.texts(path, old, now)
			return
		}
	}
	if !same(was, is) {
		l.differ(path, was, is)
	}
}

// objects compares members. The names of members may be ids: those of identities, which stay.
func (l *leaves) objects(path string, old, now map[string]any) {
	names := slices.Collect(maps.Keys(old))
	for name := range now {
		if _, both := old[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		l.compare(strings.TrimPrefix(path+"."+name, "."), old[name], now[name])
	}
}

// texts compares texts: with the ids that moved rewritten, and without regard to the case of ids.
func (l *leaves) texts(path, was, is string) {
	want := l.c.m.Text(was)
	switch {
	case arm.SameText(is, want):
	case is == was && want != was && !l.strict && !l.owns(path):
		l.stale++
		l.c.mention(l.kind, path, l.id)
	default:
		l.differ(path, want, is)
	}
}

// owns reports whether the service keeps the id at a path up.
func (l *leaves) owns(path string) bool {
	return slices.ContainsFunc(l.owned, func(pattern string) bool { return matches(strings.Split(pattern, "."), strings.Split(path, ".")) })
}

// matches holds a dotted path against a pattern in which * stands for one name.
func matches(pattern, path []string) bool {
	if len(pattern) != len(path) {
		return false
	}
	for i := range pattern {
		if pattern[i] != "*" && pattern[i] != path[i] {
			return false
		}
	}
	return true
}

// same compares what is no text; null and not being there are the same.
func same(a, b any) bool {
	if empty(a) && empty(b) {
		return true
	}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

func empty(v any) bool {
	switch t := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(t) == 0
	case []any:
		return len(t) == 0
	}
	return false
}

func (l *leaves) differ(path string, was, is any) {
	l.found = append(l.found, Difference{Path: path, Was: words(was), Is: words(is)})
}

// longest is how much of a value is shown.
const longest = 200

func words(v any) string {
	text, ok := v.(string)
	if !ok {
		data, err := json.Marshal(v)
		if err != nil {
			return "?"
		}
		text = string(data)
	}
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}
