package action

import (
	"context"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

// removeCompute deletes a managed compute or detaches an attached one, never the other way round (S09, S31, S34).
type removeCompute struct{}

// Check refuses when the compute is not any more what the snapshot says: then what would be made again is something else. One that is being removed is beyond asking.
func (removeCompute) Check(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	now, found, err := t.Read(ctx, id)
	if err != nil || !found {
		return err
	}
	if deleting(now) {
		return nil
	}
	return t.sameCompute(ctx, id, now)
}

// sameCompute refuses when a compute is another one than in the snapshot, or is not set as it was: then it would come back as it was.
func (t *Task) sameCompute(ctx context.Context, id arm.ID, now arm.Document) error {
	original, err := t.Original(ctx, id)
	if err != nil {
		return err
	}
	const kind, attached = "properties.computeType", "properties.isAttachedCompute"
	if was, is := original.Text(kind), now.Text(kind); !strings.EqualFold(was, is) {
		return changed(id, kind, was, is)
	}
	if was, is := original.Bool(attached), now.Bool(attached); was != is {
		return changed(id, attached, was, is)
	}
	return t.sameAs(ctx, id, now)
}

// changed is the error of a subject that is not what was written down.
func changed(id arm.ID, path string, was, is any) error {
	return errs.New(errs.Conflict, "SubjectChanged", "%s is not any more what was written down: %s was %v and is %v", id.Name(), path, was, is).At(id.String()).
		Advise("nothing was removed; plan again")
}

func (removeCompute) Done(ctx context.Context, t *Task) (bool, error) { return t.gone(ctx) }

// gone reports whether the subject is not there any more.
func (t *Task) gone(ctx context.Context) (bool, error) {
	id, err := t.Subject()
	if err != nil {
		return false, err
	}
	_, found, err := t.Read(ctx, id)
	return !found, err
}

// Do reads the compute anew: one that was attached meanwhile under the same name must not be deleted. A change under way is waited for; one that settled badly has settled.
func (removeCompute) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	now, found, err := t.settledOrGone(ctx, id)
	if !found || err != nil && !errs.Is(err, errs.Conflict) {
		return err
	}
	if err := t.sameCompute(ctx, id, now); err != nil {
		return err
	}
	return t.Remove(ctx, id, removal(id, now))
}

// removal is the query with which a resource is removed: a compute says what becomes of what is behind it.
func removal(id arm.ID, now arm.Document) string {
	if !id.Type().Is(aml.Workspaces + "/computes") {
		return ""
	}
	return "underlyingResourceAction=" + aml.RemovalOf(now.Text("properties.computeType"), now.Bool("properties.isAttachedCompute"))
}

// Undo makes the compute again where it was.
func (removeCompute) Undo(ctx context.Context, t *Task) error { return makeCompute(ctx, t) }
