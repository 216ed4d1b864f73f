package action

import (
	"context"

	"github.com/amlmove/amlmove/internal/arm"
)

// restoreDeployment makes a deployment again at its landing: model, environment, code and compute by their new ids, with as many instances as before. Behind the point of no return nothing
// is taken back.
type restoreDeployment struct{ restoring }

func (restoreDeployment) Done(ctx context.Context, t *Task) (bool, error) {
	where, body, err := t.wanted(ctx)
	if err != nil {
		return false, err
	}
	return t.standsTold(ctx, where, body)
}

func (restoreDeployment) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	if err := makeDeployment(ctx, t, id); err != nil {
		return err
	}
	return t.Journal.Advance(ctx, t.Step.ID, told)
}

// makeDeployment makes a deployment as it was.
func makeDeployment(ctx context.Context, t *Task, id arm.ID) error {
	where, body, err := t.wantedOf(ctx, id)
	if err != nil {
		return err
	}
	original, err := t.Original(ctx, id)
	if err != nil {
		return err
	}
	now, err := t.ensure(ctx, where, body)
	if err != nil {
		return err
	}
	if err := t.compareIdentities(ctx, original, now); err != nil {
		return err
	}
	return t.mentions(ctx, body)
}
