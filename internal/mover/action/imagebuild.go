package action

import (
	"context"

	"github.com/amlmove/amlmove/internal/arm"
)

// restoreImageBuild names the compute again that builds images. Behind the point of no return nothing is taken back.
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
	return t.builds(ctx, t.Where().ID(id), original.Text(imageBuild))
}

// builds reports whether a workspace names a compute for its images, and nobody changes the workspace by themselves.
func (t *Task) builds(ctx context.Context, workspace arm.ID, compute string) (bool, error) {
	now, found, err := t.Read(ctx, workspace)
	return found && now.Text(imageBuild) == compute && settled(now), err
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
	where := t.Where().ID(id)
	if builds, err := t.builds(ctx, where, original.Text(imageBuild)); builds || err != nil {
		return err
	}
	value, _ := original.At(imageBuild)
	body := arm.Document{}
	body.Set(imageBuild, value)
	_, err = t.Patch(ctx, where, body)
	return err
}
