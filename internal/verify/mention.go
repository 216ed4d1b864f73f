package verify

import (
	"cmp"
	"regexp"
	"slices"
)

// item is an index of a list in a path.
var item = regexp.MustCompile(`\[\d+\]`)

// mention counts a place in which the service left an old id. What was not seen before is not listed any more when there are too many places: rows count them all.
func (c *comparison) mention(kind, path, id string) {
	path = item.ReplaceAllString(path, "[*]")
	key := kind + " " + path
	m := c.stale[key]
	if m == nil {
		if len(c.stale) == most {
			return
		}
		m = &Mention{Kind: kind, Path: path, Example: id}
		c.stale[key] = m
	}
	m.Count++
}

// mentions are the places, by kind and path.
func (c *comparison) mentions() []Mention {
	all := make([]Mention, 0, len(c.stale))
	for _, m := range c.stale {
		all = append(all, *m)
	}
	slices.SortFunc(all, func(a, b Mention) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Path, b.Path)) })
	return all
}
