// Package rewrite knows how ids change by a move, and what a document must look like to be put back: references that aml names are rewritten, read-only
// members are taken away, and what else mentions an old id is found. It is pure and stands on aml and arm.
package rewrite

import (
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
)

// pair is a resource that moves: where it was and where it is.
type pair struct{ from, to arm.ID }

// Map says where ids go. The zero Map leaves all as it is. It is immutable.
type Map struct{ pairs []pair }

// New makes a map of top-level resources that move to a resource group.
func New(moving []arm.ID, group arm.ID) Map {
	var m Map
	for _, from := range moving {
		if len(from) < 3 {
			continue
		}
		to := append(slices.Clone(group[:2]), from[2:]...)
		m.pairs = append(m.pairs, pair{from, to})
	}
	return m
}

// Empty reports whether nothing moves.
func (m Map) Empty() bool { return len(m.pairs) == 0 }

// Inverse is the way back.
func (m Map) Inverse() Map {
	var back Map
	for _, p := range m.pairs {
		back.pairs = append(back.pairs, pair{p.to, p.from})
	}
	return back
}

// ID returns where an id is after the move: itself when it does not move.
func (m Map) ID(id arm.ID) arm.ID {
	for _, p := range m.pairs {
		if id.Within(p.from) {
			return append(slices.Clone(p.to), id[len(p.from):]...)
		}
	}
	return id
}

// Moves reports whether an id is at or below something that moves.
func (m Map) Moves(id arm.ID) bool {
	return slices.ContainsFunc(m.pairs, func(p pair) bool { return id.Within(p.from) })
}

// Account returns the storage account of a name that moves, and where it goes; false when none of that name does.
func (m Map) Account(name string) (from, to arm.ID, ok bool) {
	for _, p := range m.pairs {
		if p.from.Type().Is("Microsoft.Storage/storageAccounts") && strings.EqualFold(p.from.Name(), name) {
			return p.from, p.to, true
		}
	}
	return nil, nil, false
}

// Text rewrites every mention of something that moves in a text: its resource id (bare, behind "azureml:", or inside an MLflow URI), and the short form of a
// workspace, azureml://subscriptions/S/resourcegroups/G/workspaces/W. Letters' case does not matter and is kept in what follows.
func (m Map) Text(text string) string {
	for _, p := range m.pairs {
		text = replace(text, p.from.String(), p.to.String())
		if p.from.Type().Is(aml.Workspaces) {
			text = replace(text, short(p.from), short(p.to))
		}
	}
	return text
}

// short is how azureml:// URIs name a workspace.
func short(id arm.ID) string {
	return "azureml://subscriptions/" + id.Subscription() + "/resourcegroups/" + id.Group() + "/workspaces/" + id.Name()
}

// replace puts to in the place of each from that ends at the end of a name. It ignores the case of ASCII letters.
func replace(text, from, to string) string {
	lower, want := asciiLower(text), asciiLower(from)
	var b strings.Builder
	rest := 0
	for {
		at := strings.Index(lower[rest:], want)
		if at < 0 {
			break
		}
		at += rest
		end := at + len(want)
		b.WriteString(text[rest:at])
		if end == len(text) || !nameByte(text[end]) {
			b.WriteString(to)
		} else {
			b.WriteString(text[at:end])
		}
		rest = end
	}
	if rest == 0 {
		return text
	}
	b.WriteString(text[rest:])
	return b.String()
}

// asciiLower lowers without changing the length of the text.
func asciiLower(text string) string {
	lower := []byte(text)
	for i, b := range lower {
		if b >= 'A' && b <= 'Z' {
			lower[i] = b + 'a' - 'A'
		}
	}
	return string(lower)
}

// nameByte reports whether a byte may be part of a resource's name.
func nameByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '-' || b == '_' || b == '.' || b == '(' || b == ')' || b >= 0x80
}

// References rewrites, in place, the members of a document that hold ids.
func (m Map) References(paths []string, doc arm.Document) {
	if m.Empty() {
		return
	}
	for _, path := range paths {
		doc.Change(path, func(value any) (any, bool) {
			if text, ok := value.(string); ok {
				return m.Text(text), true
			}
			return value, true
		})
	}
}

// Mentions returns the paths of texts that name, by its old id, something that moves: what was not rewritten, or what is none of ours to rewrite.
func (m Map) Mentions(doc arm.Document) []string {
	var paths []string
	doc.Strings(func(path, text string) {
		if m.Text(text) != text {
			paths = append(paths, path)
		}
	})
	return paths
}
