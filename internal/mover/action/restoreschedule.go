package action

import "context"

// restoreSchedule brings a schedule to its earlier state, with its references rewritten.
type restoreSchedule struct{ restoring }

func (restoreSchedule) Done(ctx context.Context, t *Task) (bool, error) {
	where, body, err := t.wantedSchedule(ctx)
	if err != nil {
		return false, err
	}
	return t.stands(ctx, where, body)
}

func (restoreSchedule) Do(ctx context.Context, t *Task) error {
	where, body, err := t.wantedSchedule(ctx)
	if err != nil {
		return err
	}
	if _, err := t.ensure(ctx, where, body); err != nil {
		return err
	}
	return t.mentions(ctx, body)
}
