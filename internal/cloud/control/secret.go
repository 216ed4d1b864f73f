package control

import (
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/internal/cloud/tree"
)

// hide moves secret values from the public to the private part; a null leaves what was kept.
func hide(doc *tree.Document, paths []string) {
	for _, path := range paths {
		doc.Private = hideAt(doc.Public, doc.Private, path)
	}
}

// hideAt hides what a path names below an object and returns the private part; nil stays nil when there is nothing to hide.
func hideAt(public, private map[string]any, path string) map[string]any {
	key, rest, deeper := strings.Cut(path, ".")
	if key != "*" {
		return hideMember(public, private, key, rest, deeper)
	}
	for key := range public {
		private = hideMember(public, private, key, rest, deeper)
	}
	return private
}

func hideMember(public, private map[string]any, key, rest string, deeper bool) map[string]any {
	value, there := public[key]
	if there && !deeper {
		delete(public, key)
		return keepMember(private, key, value)
	}
	kept, _ := private[key].(map[string]any)
	switch inner := value.(type) {
	case map[string]any:
		kept = hideAt(inner, kept, rest)
	case []any:
		kept = hideInList(inner, kept, rest)
	}
	if kept == nil {
		return private
	}
	return keepMember(private, key, kept)
}

// hideInList hides inside the objects of a list; they are kept by position.
func hideInList(list []any, private map[string]any, path string) map[string]any {
	path = strings.TrimPrefix(path, "*.")
	for i, item := range list {
		object, ok := item.(map[string]any)
		if !ok {
			continue
		}
		at := strconv.Itoa(i)
		kept, _ := private[at].(map[string]any)
		if kept = hideAt(object, kept, path); kept != nil {
			private = keepMember(private, at, kept)
		}
	}
	return private
}

// keepMember sets a member of an object, which is made if absent.
func keepMember(object map[string]any, key string, value any) map[string]any {
	if value == nil {
		return object
	}
	if object == nil {
		object = map[string]any{}
	}
	object[key] = value
	return object
}
