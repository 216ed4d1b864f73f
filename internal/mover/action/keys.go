package action

import (
	"context"
	"net/http"
)

// resyncKeys lets the workspace read the keys of its associated resources again. The service would do so by itself within an hour.
type resyncKeys struct{ restoring }

// asked is the cursor of a step that has no effect to look for and was done in this run.
const asked = "asked"

// Done goes by the journal: what the workspace knows of keys is not to be seen, and asking twice is harmless.
func (resyncKeys) Done(ctx context.Context, t *Task) (bool, error) {
	cursor, err := t.Journal.Cursor(ctx, t.Step.ID)
	return cursor == asked, err
}

func (resyncKeys) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	where := t.Where().ID(id)
	if _, err := t.Send(ctx, http.MethodPost, where.String()+"/resyncKeys", t.Version(ctx, where), map[string]any{}); err != nil {
		return err
	}
	return t.Journal.Advance(ctx, t.Step.ID, asked)
}
