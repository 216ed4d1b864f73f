package snapshot

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
)

// What a Change did.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
)

// Change is a document that two snapshots do not have in common.
type Change struct {
	Section Section  `json:"section"`
	What    string   `json:"what"`
	ID      string   `json:"id"`
	Type    arm.Type `json:"type"`
	Paths   []string `json:"paths,omitempty"` // of the properties that differ, sorted: tags.team, properties.list[2].name
}

// Diff goes through what differs between two snapshots, by section and key, in bounded memory. The sequence ends at the first error.
func Diff(ctx context.Context, a, b *Snapshot) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		nextA, stopA := iter.Pull2(a.Documents(ctx))
		defer stopA()
		nextB, stopB := iter.Pull2(b.Documents(ctx))
		defer stopB()
		left, errA, okA := nextA()
		right, errB, okB := nextB()
		for okA || okB {
			if err := cmp.Or(errA, errB); err != nil {
				yield(Change{}, err)
				return
			}
			order := compare(left, right, okA, okB)
			change, err := changeOf(left, right, order)
			if (change.What != "" || err != nil) && !yield(change, err) || err != nil {
				return
			}
			if order <= 0 {
				left, errA, okA = nextA()
			}
			if order >= 0 {
				right, errB, okB = nextB()
			}
		}
	}
}

// compare orders two documents by section and key; one that is not there comes last.
func compare(a, b Document, okA, okB bool) int {
	switch {
	case !okA:
		return 1
	case !okB:
		return -1
	}
	return cmp.Or(cmp.Compare(a.Section, b.Section), cmp.Compare(strings.ToLower(a.ID), strings.ToLower(b.ID)))
}

func changeOf(a, b Document, order int) (Change, error) {
	switch {
	case order < 0:
		return Change{Section: a.Section, What: Removed, ID: a.ID, Type: a.Type}, nil
	case order > 0:
		return Change{Section: b.Section, What: Added, ID: b.ID, Type: b.Type}, nil
	case a.Digest == b.Digest:
		return Change{}, nil
	}
	paths, err := Paths(a.Body, b.Body)
	return Change{a.Section, Changed, b.ID, b.Type, paths}, err
}

// Paths names the properties in which two documents differ, sorted, leaving out what a Digest leaves out.
func Paths(a, b []byte) ([]string, error) {
	left, err := decode(a)
	if err != nil {
		return nil, err
	}
	right, err := decode(b)
	if err != nil {
		return nil, err
	}
	strip(left, true)
	strip(right, true)
	var paths []string
	differ("", left, right, &paths)
	slices.Sort(paths)
	return paths, nil
}

// differ collects the paths at which two values differ.
func differ(path string, a, b any, paths *[]string) {
	switch left := a.(type) {
	case map[string]any:
		if right, ok := b.(map[string]any); ok {
			for name, value := range left {
				if other, both := right[name]; both {
					differ(join(path, name), value, other, paths)
				} else {
					*paths = append(*paths, join(path, name))
				}
			}
			for name := range right {
				if _, both := left[name]; !both {
					*paths = append(*paths, join(path, name))
				}
			}
			return
		}
	case []any:
		if right, ok := b.([]any); ok && len(left) == len(right) {
			for i := range left {
				differ(path+"["+strconv.Itoa(i)+"]", left[i], right[i], paths)
			}
			return
		}
	}
	if !same(a, b) {
		*paths = append(*paths, path)
	}
}

func same(a, b any) bool {
	left, errA := json.Marshal(a)
	right, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(left, right)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
