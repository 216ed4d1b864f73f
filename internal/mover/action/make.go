package action

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/rewrite"
)

// wanted is the body of the PUT that makes the subject again, and where: at its landing, or, when a step is undone, where it was.
func (t *Task) wanted(ctx context.Context) (where arm.ID, body arm.Document, err error) {
	id, err := t.Subject()
	if err != nil {
		return nil, nil, err
	}
	return t.wantedOf(ctx, id)
}

func (t *Task) wantedOf(ctx context.Context, id arm.ID) (where arm.ID, body arm.Document, err error) {
	original, err := t.Original(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	kind, known := aml.KindOf(id.Type())
	if !known {
		return nil, nil, errs.New(errs.Unsupported, "UnknownKind", "%s is of a kind that this version of amlmove does not know", id).At(id.String())
	}
	return t.Where().ID(id), t.Where().ForPut(kind, original), nil
}

// lacks returns the paths of what a wanted body says and a present document does not: what the service adds by itself does not count, nor does the case of ids, nor a null.
func lacks(present, wanted arm.Document) []string {
	var paths []string
	lack("", map[string]any(present), map[string]any(wanted), &paths)
	slices.Sort(paths)
	return paths
}

func lack(path string, present, wanted any, paths *[]string) {
	switch want := wanted.(type) {
	case nil:
	case map[string]any:
		is, _ := present.(map[string]any)
		if is == nil && len(want) > 0 {
			*paths = append(*paths, path)
			return
		}
		for _, name := range slices.Sorted(maps.Keys(want)) {
			lack(strings.TrimPrefix(path+"."+name, "."), member(is, name), want[name], paths)
		}
	case []any:
		is, _ := present.([]any)
		if len(is) != len(want) {
			*paths = append(*paths, path)
			return
		}
		for i := range want {
			lack(fmt.Sprintf("%s[%d]", path, i), is[i], want[i], paths)
		}
	default:
		if !arm.SameText(fmt.Sprint(present), fmt.Sprint(want)) {
			*paths = append(*paths, path)
		}
	}
}

// member finds a member whatever the case of its name: ids are names of members in an identity.
func member(object map[string]any, name string) any {
	if value, ok := object[name]; ok {
		return value
	}
	for other, value := range object {
		if strings.EqualFold(other, name) {
			return value
		}
	}
	return nil
}

// differs returns the paths in which two documents of a kind are not the same, of what would be put back.
func differs(kind aml.Kind, was, is arm.Document) []string {
	before, after := rewrite.Map{}.ForPut(kind, was), rewrite.Map{}.ForPut(kind, is)
	paths := append(lacks(after, before), lacks(before, after)...)
	slices.Sort(paths)
	return slices.Compact(paths)
}

// stands reports whether a resource is there, settled well, and as it is wanted.
func (t *Task) stands(ctx context.Context, where arm.ID, body arm.Document) (bool, error) {
	present, found, err := t.Read(ctx, where)
	if err != nil || !found {
		return false, err
	}
	if state := aml.StateOf(present.Text("properties.provisioningState")); state != "" && state != aml.Succeeded {
		return false, nil
	}
	return len(lacks(present, body)) == 0, nil
}

// mentions remarks that a body that was written still names something by its old id.
func (t *Task) mentions(ctx context.Context, body arm.Document) error {
	if paths := t.Where().Mentions(body); len(paths) > 0 {
		return t.Remark(ctx, ToDo, "these settings still name something by its old id, and are nobody's but yours to change: "+strings.Join(paths, ", "))
	}
	return nil
}

// told is the cursor of a step that made something again and has said in the journal what is not as it was.
const told = "told"

// standsTold reports whether something stands as it is wanted and all that the report must say about it is in the journal: remarks are written behind the effect, and a crash may come
// between the two. Telling again is harmless.
func (t *Task) standsTold(ctx context.Context, where arm.ID, body arm.Document) (bool, error) {
	stands, err := t.stands(ctx, where, body)
	if err != nil || !stands {
		return false, err
	}
	cursor, err := t.Journal.Cursor(ctx, t.Step.ID)
	return cursor == told, err
}
