package control

import (
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// hide moves secret values from the public to the private part; a null leaves what was kept.
func hide(doc tree.Document, paths []string) {
	for _, path := range paths {
		hideAt(doc.Public, doc.Private, strings.Split(path, "."))
	}
}

func hideAt(public, private map[string]any, path []string) {
	keys := []string{path[0]}
	if path[0] == "*" {
		keys = keys[:0]
		for key := range public {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		value, there := public[key]
		switch inner := value.(type) {
		case map[string]any:
			if len(path) > 1 {
				hideAt(inner, childOf(private, key), path[1:])
				continue
			}
		case []any:
			if len(path) > 1 {
				hideInList(inner, childOf(private, key), path[1:])
				continue
			}
		}
		if there && len(path) == 1 {
			delete(public, key)
			if value != nil {
				private[key] = value
			}
		}
	}
}

// hideInList hides inside the objects of a list; they are kept by position.
func hideInList(list []any, private map[string]any, path []string) {
	if path[0] == "*" && len(path) > 1 {
		path = path[1:]
	}
	for i, item := range list {
		if object, ok := item.(map[string]any); ok {
			hideAt(object, childOf(private, strconv.Itoa(i)), path)
		}
	}
}

// childOf returns the object below a key, made if absent.
func childOf(object map[string]any, key string) map[string]any {
	child, ok := object[key].(map[string]any)
	if !ok {
		child = map[string]any{}
		object[key] = child
	}
	return child
}
