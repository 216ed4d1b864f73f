package action

import (
	"context"
	"fmt"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// rebind makes again, on the way back, what was bound to the subject or to something below it and went with it: roles and diagnostic settings. What stands is left alone; locks were lifted by
// steps of their own, which put them back.
func (t *Task) rebind(ctx context.Context, subject arm.ID) error {
	for _, bound := range []struct {
		typ    arm.Type
		action Action
	}{{aml.RoleAssignments, restoreRole{}}, {aml.DiagnosticSettings, restoreDiagnostics{}}} {
		for d, err := range t.Before.Of(ctx, snapshot.Source, bound.typ) {
			if err != nil {
				return err
			}
			id, err := arm.Parse(d.ID)
			if err != nil {
				return err
			}
			if !id.Scope().Within(subject) {
				continue
			}
			if err := t.Journal.Advance(ctx, t.Step.ID, ""); err != nil { // where a role that cannot be given leaves its mark
				return err
			}
			part := *t
			part.Step = plan.Step{ID: t.Step.ID, Action: t.Step.Action, Subject: d.ID}
			if done, err := bound.action.Done(ctx, &part); err != nil || done {
				if err != nil {
					return fmt.Errorf("look for %s: %w", d.ID, err)
				}
				continue
			}
			if err := bound.action.Do(ctx, &part); err != nil {
				return fmt.Errorf("make %s again: %w", d.ID, err)
			}
		}
	}
	return nil
}
