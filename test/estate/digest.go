package estate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store"
)

// Digest is everything that a cloud holds: one line for each row of its store, the trash excepted. Two equal digests mean that nothing changed.
type Digest map[string]string

// Digest reads every row of the cloud. The time at which a node last changed is left out for resource groups alone: a move that is refused after it was
// accepted has locked and unlocked them.
func (e *Estate) Digest(t testing.TB) Digest {
	t.Helper()
	d := Digest{}
	ctx := t.Context()
	err := e.Inner().Store.View(ctx, func(r store.Reader) error {
		clear(d)
		if err := d.below(ctx, r, store.Root, ""); err != nil {
			return err
		}
		return d.extensions(ctx, r)
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const chunk = 500

func (d Digest) below(ctx context.Context, r store.Reader, parent store.ID, path string) error {
	next := store.Range{Limit: chunk}
	for {
		nodes, err := r.Children(ctx, parent, next)
		if err != nil {
			return err
		}
		for _, n := range nodes {
			at := path + "/" + n.Type + "/" + n.Name
			changed := n.Changed.String()
			if n.Type == "resourceGroups" {
				changed = ""
			}
			body := sha256.Sum256(n.Body)
			d[at] = fmt.Sprint(n.ID, n.Flag, n.ETag, n.Refs, n.Created, changed, hex.EncodeToString(body[:]))
			if err := d.below(ctx, r, n.ID, at); err != nil {
				return err
			}
		}
		if len(nodes) < chunk {
			return nil
		}
		next.AfterType, next.AfterName = nodes[len(nodes)-1].Type, nodes[len(nodes)-1].Name
	}
}

func (d Digest) extensions(ctx context.Context, r store.Reader) error {
	next := store.ExtensionRange{Scope: "/", Below: true, Limit: chunk}
	for {
		list, err := r.Extensions(ctx, next)
		if err != nil {
			return err
		}
		for _, x := range list {
			body := sha256.Sum256(x.Body)
			d[x.Scope+"|"+x.Type+"|"+x.Name] = fmt.Sprint(x.ETag, x.Created, x.Changed, hex.EncodeToString(body[:]))
		}
		if len(list) < chunk {
			return nil
		}
		last := list[len(list)-1]
		next.AfterScope, next.AfterType, next.AfterName = last.Scope, last.Type, last.Name
	}
}

// Diff names what is not the same in two digests.
func (d Digest) Diff(after Digest) []string {
	var lines []string
	for at, was := range d {
		switch is, there := after[at]; {
		case !there:
			lines = append(lines, "gone: "+at)
		case is != was:
			lines = append(lines, "changed: "+at)
		}
	}
	for _, at := range slices.Collect(maps.Keys(after)) {
		if _, there := d[at]; !there {
			lines = append(lines, "new: "+at)
		}
	}
	slices.Sort(lines)
	return lines
}

// Unchanged fails the test when anything changed since a digest was taken.
func (e *Estate) Unchanged(t testing.TB, what string, before Digest) {
	t.Helper()
	if lines := before.Diff(e.Digest(t)); len(lines) > 0 {
		t.Errorf("%s: a refusal changed something: %v", what, lines)
	}
}
