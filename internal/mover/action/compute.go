package action

import (
	"context"
	"net/http"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

// removeCompute deletes a managed compute or detaches an attached one, never the other way round (S09, S31, S34).
type removeCompute struct{}

// Check refuses when the compute is not any more what the snapshot says: then what would be made again is something else.
func (removeCompute) Check(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	original, err := t.Original(ctx, id)
	if err != nil {
		return err
	}
	now, found, err := t.Read(ctx, id)
	if err != nil || !found {
		return err
	}
	for _, path := range []string{"properties.computeType", "properties.isAttachedCompute", "properties.resourceId"} {
		was, _ := original.At(path)
		is, _ := now.At(path)
		if was != is {
			return errs.New(errs.Conflict, "SubjectChanged", "%s is not any more what was written down: %s was %v and is %v", id.Name(), path, was, is).At(id.String()).Advise("plan again")
		}
	}
	return nil
}

func (removeCompute) Done(ctx context.Context, t *Task) (bool, error) {
	id, err := t.Subject()
	if err != nil {
		return false, err
	}
	_, found, err := t.Read(ctx, id)
	return !found, err
}

// Do reads the type anew: a compute that was attached meanwhile under the same name must not be deleted.
func (removeCompute) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	// A managed compute may be Creating, and one that failed has settled as well: only a change under way is waited for.
	now, err := t.Settled(ctx, id)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil && !errs.Is(err, errs.Conflict) {
		return err
	}
	removal := aml.RemovalOf(now.Text("properties.computeType"), now.Bool("properties.isAttachedCompute"))
	return t.Remove(ctx, id, "underlyingResourceAction="+removal)
}

// Undo makes the compute again where it was.
func (removeCompute) Undo(ctx context.Context, t *Task) error { return makeCompute(ctx, t) }

// restoreCompute makes a compute again at its landing (S09, S44).
type restoreCompute struct{ restoring }

func (restoreCompute) Done(ctx context.Context, t *Task) (bool, error) {
	where, body, err := computeBody(ctx, t)
	if err != nil {
		return false, err
	}
	return t.stands(ctx, where, body)
}

func (restoreCompute) Do(ctx context.Context, t *Task) error { return makeCompute(ctx, t) }

// computeBody is the body that makes a compute again. An instance without an assigned user is assigned to whoever made it: else it would be this tool's (pain 25).
func computeBody(ctx context.Context, t *Task) (arm.ID, arm.Document, error) {
	where, body, err := t.wanted(ctx)
	if err != nil || body.Text("properties.computeType") != aml.ComputeInstance {
		return where, body, err
	}
	const assigned = "properties.properties.personalComputeInstanceSettings.assignedUser"
	if body.Text(assigned+".objectId") != "" {
		return where, body, nil
	}
	id, err := t.Subject()
	if err != nil {
		return nil, nil, err
	}
	original, err := t.Original(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	maker := original.Object("properties.properties.createdBy")
	if user := maker.Text("userId"); user != "" {
		body.Set(assigned, map[string]any{"objectId": user, "tenantId": maker.Text("userOrgId")})
	}
	return where, body, nil
}

// makeCompute makes a compute as it was, and stops an instance that was stopped.
func makeCompute(ctx context.Context, t *Task) error {
	where, body, err := computeBody(ctx, t)
	if err != nil {
		return err
	}
	now, err := t.ensure(ctx, where, body)
	if err != nil {
		return err
	}
	id, err := t.Subject()
	if err != nil {
		return err
	}
	original, err := t.Original(ctx, id)
	if err != nil {
		return err
	}
	const state = "properties.properties.state"
	if aml.InstanceState(original.Text(state)) == aml.InstanceStopped && aml.InstanceState(now.Text(state)) == aml.InstanceRunning {
		if _, err := t.Send(ctx, http.MethodPost, where.String()+"/stop", t.Version(ctx, where), nil); err != nil {
			if err := t.Remark(ctx, Differs, "the instance was stopped before and runs now: "+strings.TrimSpace(err.Error())); err != nil {
				return err
			}
		}
	}
	if err := t.compareIdentities(ctx, original, now); err != nil {
		return err
	}
	return t.mentions(ctx, body)
}

// restoreImageBuild names the compute again that builds images.
type restoreImageBuild struct{ restoring }

const imageBuild = "properties.imageBuildCompute"

func (restoreImageBuild) Done(ctx context.Context, t *Task) (bool, error) {
	id, err := t.Subject()
	if err != nil {
		return false, err
	}
	original, err := t.Original(ctx, id)
	if err != nil {
		return false, err
	}
	now, found, err := t.Read(ctx, t.Where().ID(id))
	return found && now.Text(imageBuild) == original.Text(imageBuild), err
}

func (restoreImageBuild) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	original, err := t.Original(ctx, id)
	if err != nil {
		return err
	}
	body := arm.Document{}
	body.Set(imageBuild, original.Text(imageBuild))
	_, err = t.Patch(ctx, t.Where().ID(id), body)
	return err
}
