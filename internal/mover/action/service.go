package action

import "context"

// removeService removes a web service of the v1 API (S35), which nobody can make again.
type removeService struct{}

// Check has nothing to ask: nothing of the service is kept.
func (removeService) Check(context.Context, *Task) error { return nil }

func (removeService) Done(ctx context.Context, t *Task) (bool, error) { return t.gone(ctx) }

func (removeService) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	return t.Remove(ctx, id, "")
}

// Undo says that it cannot, and lets all else be taken back: as an error it would keep what was done before it, lifted locks and disabled schedules, from being undone.
func (removeService) Undo(ctx context.Context, t *Task) error {
	gone, err := t.gone(ctx)
	if err != nil || !gone {
		return err
	}
	return t.Remark(ctx, ToDo, "the web service was removed as the plan said, and cannot be made again: the management API does not tell what it was made of; deploy it anew")
}
