package tree

import (
	"bytes"
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// A token reads  @{nonce:own}  for the id of the document's top-level resource, and  @{nonce:N:words:nonce}  for the node Refs[N], with the
// words that stand in for it once it is gone.

func (t *Tree) open() string      { return "@{" + t.nonce + ":" }
func (t *Tree) closing() string   { return ":" + t.nonce + "}" }
func (t *Tree) ownRoot() string   { return t.open() + "own}" }
func (t *Tree) refs(n int) string { return t.open() + strconv.Itoa(n) + ":" }

// bind replaces ids at the given places by tokens and returns the object with them and the nodes they stand for. The object that is given stays as it is.
func (t *Tree) bind(public map[string]any, places arm.Paths, name func(text string) (mention, error)) (map[string]any, []store.ID, error) {
	var refs []store.ID
	var trouble error
	public = Edit(public, places, func(text string) string {
		if trouble != nil {
			return text
		}
		var m mention
		if m, trouble = name(text); trouble != nil || m.ref == store.Root {
			return cmp.Or(m.own, text)
		}
		refs = append(refs, m.ref)
		return text[:m.at] + t.refs(len(refs)-1) + text[m.at:] + t.closing()
	})
	return public, refs, trouble
}

// mention is what a text names: something at or below the document's own top-level resource (own is then the text with the token), another node (ref) by the id that
// begins at an offset, or nothing.
type mention struct {
	own string
	ref store.ID
	at  int
}

// mention finds what a text names. Ids of which find says Root name nothing.
func (t *Tree) mention(text string, root arm.ID, find func(arm.ID) (store.ID, error)) (mention, error) {
	id, at := parseEmbedded(text)
	if id == nil {
		return mention{}, nil
	}
	if root != nil && id.Within(root) {
		return mention{own: text[:at] + t.ownRoot() + strings.TrimPrefix(id.String(), id[:len(root)].String())}, nil
	}
	ref, err := find(id)
	return mention{ref: ref, at: at}, err
}

// lookup finds the node of an id; Root when there is none.
func (t *Tree) lookup(ctx context.Context, r store.Reader, id arm.ID) (store.ID, error) {
	found, err := t.Resolve(ctx, r, id)
	if errs.Is(err, errs.NotFound) {
		return store.Root, nil
	}
	return found.Node.ID, err
}

// parseEmbedded finds a resource id at the end of a text: the text itself, or what follows a scheme as in azureml://host/path/subscriptions/...
func parseEmbedded(text string) (arm.ID, int) {
	const start = "/subscriptions/"
	for at := strings.IndexByte(text, '/'); at >= 0 && at+len(start) <= len(text); {
		if strings.EqualFold(text[at:at+len(start)], start) {
			id, err := arm.Parse(text[at:])
			if err != nil || len(id) < 3 {
				return nil, 0
			}
			return id, at
		}
		next := strings.IndexByte(text[at+1:], '/')
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return nil, 0
}

// expand replaces tokens by ids. What it rendered from which reference it notes in bound, unless that is nil.
func (t *Tree) expand(ctx context.Context, r store.Reader, public []byte, refs []store.ID, root func() string, bound map[string]store.ID) ([]byte, error) {
	if !bytes.Contains(public, []byte(t.open())) {
		return public, nil
	}
	public = bytes.ReplaceAll(public, []byte(t.ownRoot()), []byte(root()))
	for n, ref := range refs {
		start := bytes.Index(public, []byte(t.refs(n)))
		if start < 0 {
			continue
		}
		words := start + len(t.refs(n))
		length := bytes.Index(public[words:], []byte(t.closing()))
		if length < 0 {
			return nil, errs.New(errs.Internal, "StoredDocumentDamaged", "a reference in a stored document has no end")
		}
		text := string(public[words : words+length])
		id, err := t.IDOf(ctx, r, ref)
		switch {
		case err == nil:
			text = id.String()
			if bound != nil {
				bound[id.Key()] = ref
			}
		case !errs.Is(err, errs.NotFound):
			return nil, err
		}
		end := words + length + len(t.closing())
		public = append(append(append([]byte{}, public[:start]...), text...), public[end:]...)
	}
	return public, nil
}
