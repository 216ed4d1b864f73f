package action

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/snapshot"
	"github.com/amlmove/amlmove/internal/verify"
)

// compare reads both ends again after the move and compares them with what was before, object by object. What it read and found it leaves in the folder of the run.
type compare struct{ restoring }

// Done goes by the journal: each attempt compares anew.
func (compare) Done(ctx context.Context, t *Task) (bool, error) { return resyncKeys{}.Done(ctx, t) }

func (compare) Do(ctx context.Context, t *Task) error {
	result, err := Verify(ctx, t)
	if err != nil {
		return err
	}
	if result.Verdict != verify.Clean {
		first := result.Differences[0]
		return errs.New(errs.Conflict, "Differences", "%d things are not as they were; the first: %s %s %s %s", result.Total, first.Kind, first.What, first.After, first.Path).At(first.After).
			Advise("the report lists them all; amlmove resume tries again what failed and compares again")
	}
	return t.Journal.Advance(ctx, t.Step.ID, asked)
}

// Verify reads both ends again, compares, and leaves after.snap and verify.json in the folder of the run.
func Verify(ctx context.Context, t *Task) (*verify.Result, error) {
	file := filepath.Join(t.Folder, "after.snap")
	if err := t.captureAfter(ctx, file); err != nil {
		return nil, err
	}
	after, err := snapshot.Open(ctx, file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = after.Close() }() // only read
	result, err := verify.Compare(ctx, t.Before, after, t.Map, Expected(t.Plan))
	if err != nil {
		return nil, err
	}
	return result, writeResult(filepath.Join(t.Folder, "verify.json"), result)
}

// captureAfter captures the workspace where it is now, and what is left where it was.
func (t *Task) captureAfter(ctx context.Context, file string) error {
	landing, err := arm.Parse(t.Plan.Landing)
	if err != nil {
		return err
	}
	source, err := arm.Parse(t.Plan.Workspace)
	if err != nil {
		return err
	}
	writer, err := snapshot.Create(ctx, file, true)
	if err != nil {
		return err
	}
	progress := &capture.Progress{}
	_, err = capture.Run(ctx, capture.Options{Client: t.Client, Workspace: landing, Target: source.GroupID(), Now: t.Clock.Now, Progress: progress}, writer)
	if err == nil {
		t.Say(fmt.Sprintf("%d documents", progress.Documents.Load()))
	}
	return err
}

// Expected is what a plan says will be different.
func Expected(p *plan.Plan) verify.Options {
	o := verify.Options{Planned: p.Counts}
	made := map[string]bool{}
	for _, s := range p.Steps {
		switch s.Action {
		case plan.EndJob:
			o.Ended = append(o.Ended, s.Subject)
		case plan.RestoreDeployment:
			made[s.Subject] = true
		case plan.RemoveService:
			o.Skipped = append(o.Skipped, s.Subject)
		}
	}
	for _, loss := range p.Losses {
		if id, err := arm.Parse(loss.Subject); err == nil && !made[loss.Subject] && strings.HasSuffix(id.Type().Key(), "/deployments") {
			o.Skipped = append(o.Skipped, loss.Subject)
		}
	}
	return o
}

// writeResult writes a file whole or not at all.
func writeResult(path string, result *verify.Result) error {
	data, err := json.MarshalIndent(result, "", "  ")
	if err != nil {
		return err
	}
	draft := path + ".draft"
	err = os.WriteFile(draft, append(data, '\n'), 0o600)
	if err == nil {
		err = os.Rename(draft, path)
	}
	if err != nil {
		return errors.Join(errs.Wrap(errs.Unavailable, "RunFolder", err, "write what the comparison found into %s", path).Advise("check the free space"), removed(draft))
	}
	return nil
}
