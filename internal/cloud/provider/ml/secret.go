package ml

import (
	"maps"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// The control plane keeps secrets in the private part of a document, at the paths they had in the public one.

// reveal copies a kept secret into a document, where nothing stands in its place and what it belongs to is still there.
func reveal(public, private map[string]any, path string) {
	head, rest, more := strings.Cut(path, ".")
	keys := []string{head}
	if head == "*" {
		keys = slices.Collect(maps.Keys(private))
	}
	for _, key := range keys {
		kept, there := private[key]
		if !there || kept == nil {
			continue
		}
		if !more {
			setDefault(public, key, copyOf(kept))
			continue
		}
		inner, isObject := public[key].(map[string]any)
		keptInner, keptObject := kept.(map[string]any)
		if isObject && keptObject {
			reveal(inner, keptInner, rest)
		}
	}
}

// kept returns a secret text of a document, or nil as the service answers when there is none.
func kept(doc tree.Document, path string) any {
	if text := tree.Text(doc.Private, path); text != "" {
		return text
	}
	return nil
}
