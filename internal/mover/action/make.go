package action

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
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
		if !strings.EqualFold(fmt.Sprint(present), fmt.Sprint(want)) {
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

// stands reports whether a resource is there, settled well, and as it is wanted.
func (t *Task) stands(ctx context.Context, where arm.ID, body arm.Document) (bool, error) {
	present, found, err := t.Read(ctx, where)
	if err != nil || !found {
		return false, err
	}
	if state := aml.ProvisioningState(present.Text("properties.provisioningState")); state != "" && state != aml.Succeeded {
		return false, nil
	}
	return len(lacks(present, body)) == 0, nil
}

// heldLimit is how long a name may stay blocked after what had it was removed (pain 26).
const heldLimit = 30 * time.Minute

// ensure makes a resource as it is wanted, unless it stands. A failed leftover of an earlier try is written over; a name that is still blocked is waited for.
func (t *Task) ensure(ctx context.Context, where arm.ID, body arm.Document) (arm.Document, error) {
	_, found, err := t.Read(ctx, where)
	if err != nil {
		return nil, err
	}
	if found {
		present, err := t.Settled(ctx, where)
		if err == nil && len(lacks(present, body)) == 0 {
			return present, nil
		}
		if err != nil && !errs.Is(err, errs.Conflict) { // it settled badly: written over
			return nil, err
		}
	}
	begun := t.Clock.Now()
	for wait := firstLook; ; wait = min(wait*2, lastLook) {
		doc, err := t.Put(ctx, where, body)
		if err == nil || found || !held(err) || t.Clock.Now().Sub(begun) > heldLimit {
			return doc, err
		}
		t.Say("the name is still blocked: " + errs.As(err).Code)
		if err := t.Clock.Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// held reports whether an error says that a name is not free yet: the service answers so for a while after an endpoint was removed (pain 26).
func held(err error) bool {
	e := errs.As(err)
	if e == nil || e.Code == "ProvisioningFailed" {
		return false
	}
	return e.Kind == errs.NotFound || e.Kind == errs.Conflict && strings.Contains(strings.ToLower(e.Message+e.Code), "name")
}

// compareIdentities remarks that a resource that was made again has another identity, and which roles the old one had.
func (t *Task) compareIdentities(ctx context.Context, original, now arm.Document) error {
	was, is := original.Text("identity.principalId"), now.Text("identity.principalId")
	if was == "" || is == was {
		return nil
	}
	return t.Remark(ctx, ToDo, fmt.Sprintf("%s has a new system-assigned identity, %s; it was %s: give the new one the roles that the old one had elsewhere", now.Text("name"), is, was))
}

// mentions remarks that a body that was written still names something by its old id.
func (t *Task) mentions(ctx context.Context, body arm.Document) error {
	if paths := t.Where().Mentions(body); len(paths) > 0 {
		return t.Remark(ctx, ToDo, "these settings still name something by its old id, and are nobody's but yours to change: "+strings.Join(paths, ", "))
	}
	return nil
}
