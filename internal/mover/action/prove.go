package action

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// proveRestorable reads both ends again, right before anything is destroyed, and stops when something that will be removed could not be made again any more (D2): draining may have taken
// hours in which quota, policies and the workspace itself changed.
type proveRestorable struct{ restoring }

// Done goes by the journal: a proof has no effect to look for.
func (proveRestorable) Done(ctx context.Context, t *Task) (bool, error) {
	return resyncKeys{}.Done(ctx, t)
}

func (proveRestorable) Do(ctx context.Context, t *Task) (err error) {
	file := filepath.Join(t.Folder, "proof.snap")
	defer func() { err = errors.Join(err, removed(file)) }()
	f, err := t.readAgain(ctx, file)
	if err != nil {
		return err
	}
	var reasons []string
	for _, now := range rules.Judge(f, t.Plan.Choices) {
		known := slices.ContainsFunc(t.Plan.Findings, func(r rules.Finding) bool {
			return r.ID == now.ID && strings.EqualFold(r.Subject, now.Subject) && r.Severity == now.Severity
		})
		if now.Severity == rules.Blocker && !known {
			reasons = append(reasons, now.ID+" "+now.Message)
		}
	}
	reasons = append(reasons, t.changed(f)...)
	late, err := t.late(ctx, file)
	if err != nil {
		return err
	}
	if reasons = append(reasons, late...); len(reasons) > 0 {
		return errs.New(errs.Conflict, "NotRestorable", "what would be removed could not be made again as it is: %s", strings.Join(reasons, "; ")).At(t.Plan.Workspace).
			Advise("nothing was removed; mend it and resume, or plan again")
	}
	return t.Journal.Advance(ctx, t.Step.ID, asked)
}

func removed(file string) error {
	if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

// readAgain captures both ends into a file and takes the facts out of it.
func (t *Task) readAgain(ctx context.Context, file string) (*facts.Facts, error) {
	workspace, err := arm.Parse(t.Plan.Workspace)
	if err != nil {
		return nil, err
	}
	target, err := arm.Parse(t.Plan.Target)
	if err != nil {
		return nil, err
	}
	writer, err := snapshot.Create(ctx, file, true)
	if err != nil {
		return nil, err
	}
	if _, err := capture.Run(ctx, capture.Options{Client: t.Client, Workspace: workspace, Target: target, Now: t.Clock.Now}, writer); err != nil {
		return nil, err
	}
	snap, err := snapshot.Open(ctx, file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = snap.Close() }() // only read
	return facts.Read(ctx, snap)
}

// lateShown is how many data assets are named one by one.
const lateShown = 5

// late names the data asset versions that are new or changed since they were written down: the move drops them, and only what was written down is registered again (S05).
func (t *Task) late(ctx context.Context, file string) (reasons []string, err error) {
	now, err := snapshot.Open(ctx, file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, now.Close()) }()
	count := 0
	for change, err := range snapshot.Diff(ctx, t.Before, now) {
		if err != nil {
			return nil, err
		}
		if change.Section != snapshot.Content || !change.Type.Is(assets+"/versions") || change.What == snapshot.Removed {
			continue
		}
		if count++; count <= lateShown {
			reasons = append(reasons, fmt.Sprintf("%s was %s since it was written down, and would be lost (plan again, and apply that with another --runs folder)", change.ID, change.What))
		}
	}
	if count > lateShown {
		reasons = append(reasons, fmt.Sprintf("so were %d other versions of data assets", count-lateShown))
	}
	return reasons, nil
}

// destroyed are the kinds of content that the phase clear removes, with what hangs below them.
var destroyed = []string{"computes", "onlineEndpoints", "onlineEndpoints/deployments", "batchEndpoints", "batchEndpoints/deployments", "serverlessEndpoints", "services"}

// changed names what will be removed and is not what was written down, and what is new and would not be made again.
func (t *Task) changed(f *facts.Facts) []string {
	var reasons []string
	known := t.reviewed()
	for _, path := range destroyed {
		for _, item := range f.Content(path) {
			switch digest, planned := known[strings.ToLower(item.Key)]; {
			case !planned:
				reasons = append(reasons, item.Key+" is new")
			case digest != "" && digest != plan.DigestOf(item):
				reasons = append(reasons, item.Key+" was changed since it was written down")
			}
		}
	}
	return reasons
}

// reviewed are the digests of all that the plan removes or makes again, by subject. What it says is lost has none: it may be as it likes.
func (t *Task) reviewed() map[string]string {
	known := map[string]string{}
	for _, loss := range t.Plan.Losses {
		known[strings.ToLower(loss.Subject)] = ""
	}
	for _, s := range t.Plan.Steps {
		if s.Destroys || s.Action == plan.RestoreDeployment {
			known[strings.ToLower(s.Subject)] = s.Digest
		}
	}
	return known
}
