package verify

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// Gap is something that was not compared.
type Gap struct {
	When string `json:"when"` // before or after
	Path string `json:"path"`
	Why  string `json:"why"`
}

// gaps lists what one of the snapshots does not hold. What is of something that moved, and could be read before and not after, is a difference, and nothing is proven.
func (c *comparison) gaps(ctx context.Context) error {
	before, err := c.unread(ctx, c.before, "before")
	if err != nil {
		return err
	}
	after, err := c.unread(ctx, c.after, "after")
	if err != nil {
		return err
	}
	back := c.m.Inverse()
	for _, path := range slices.Sorted(maps.Keys(after)) {
		gap := after[path]
		target, err := arm.ParseTarget(path)
		old := back.Text(path)
		if _, both := before[strings.ToLower(old)]; both || err != nil || !back.Moves(target.ID) {
			continue
		}
		c.result.Verdict = Failed
		c.differ(Difference{Kind: string(target.ID.Type()), What: Unread, Before: old, After: gap.Path, Is: gap.Why})
	}
	return nil
}

// unread lists what could not be read into a snapshot, and what this program does not know. It returns the former by path.
func (c *comparison) unread(ctx context.Context, s *snapshot.Snapshot, when string) (map[string]Gap, error) {
	gaps, err := s.Gaps(ctx)
	if err != nil {
		return nil, err
	}
	paths := map[string]Gap{}
	for _, g := range gaps {
		if g.Section == snapshot.Target {
			continue // what is around the other end is not compared
		}
		path, _, _ := strings.Cut(g.Path, "?")
		paths[strings.ToLower(path)] = Gap{when, path, strings.TrimSpace(g.Code + " " + g.Message)}
		c.result.NotCompared = append(c.result.NotCompared, paths[strings.ToLower(path)])
	}
	notes, err := s.Notes(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range notes {
		if n.Code == snapshot.UnknownKind {
			c.result.NotCompared = append(c.result.NotCompared, Gap{when, n.Subject, n.Text})
		}
	}
	return paths, nil
}
