package mover

import (
	"context"

	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover/action"
	"github.com/amlmove/amlmove/internal/verify"
)

// Verify reads both ends again and compares them with what was before the move. It changes nothing outside the folder. Conflict when the run has not moved the workspace yet.
func (r *Run) Verify(ctx context.Context) (*verify.Result, error) {
	moved, err := r.journal.of(ctx, r.Plan.NoReturn, false)
	if err != nil {
		return nil, err
	}
	if !moved.State.Well() {
		return nil, errs.New(errs.Conflict, "NotMoved", "the run %s has not moved the workspace: there is nothing to compare yet", r.ID).Advise("amlmove status %s says how far it has come", r.ID)
	}
	return action.Verify(ctx, &action.Task{Env: r.env})
}
