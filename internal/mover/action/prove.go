package action

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// proveRestorable reads both ends again and stops when something that is removed, or that the move leaves behind, could not be made again any more as it is (D2): right before anything is
// destroyed, since draining may have taken hours, and right before the move, since removing takes a while as well.
type proveRestorable struct{ restoring }

// Done goes by the journal: a proof has no effect to look for. Behind a move, whoever made it, there is nothing to prove any more.
func (proveRestorable) Done(ctx context.Context, t *Task) (bool, error) {
	if landed, err := t.landed(ctx); landed || err != nil {
		return landed, err
	}
	return resyncKeys{}.Done(ctx, t)
}

// Do looks once before anything is destroyed. Before the move it has more patience with what ARM would refuse now and may pass by itself, a deployment or another move in a group: what was
// removed would have to be made again for nothing.
func (proveRestorable) Do(ctx context.Context, t *Task) error {
	for tries, wait := 1, firstLookIn; ; tries, wait = tries+1, min(wait*2, lastLookIn) {
		if err := t.groupsSettled(ctx); err != nil {
			return err
		}
		changes, err := t.changes(ctx)
		if err != nil {
			return err
		}
		if len(changes) == 0 {
			return t.Journal.Advance(ctx, t.Step.ID, asked)
		}
		lasts := slices.ContainsFunc(changes, func(c plan.Change) bool { return !c.Stops })
		if lasts || t.Step.Phase != plan.Validate || tries == moveTries {
			return unproven(t.Plan, changes)
		}
		t.Say(changes[0].Text)
		if err := t.Clock.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// unproven is the error of a proof that does not hold. What only stops the move can be mended; what is new or changed is nobody's fault, and another plan has it.
func unproven(p *plan.Plan, changes []plan.Change) error {
	reasons, todo := make([]string, len(changes)), "mend it and resume"
	for i, change := range changes {
		reasons[i] = change.String()
		if !change.Stops {
			todo = "plan again and apply that plan, which has what is new; or undo that, and resume"
		}
	}
	return errs.New(errs.Conflict, "NotRestorable", "something is not as it was reviewed, and could not be made again as it is: %s", strings.Join(reasons, "; ")).At(p.Workspace).
		Advise("nothing more is removed, and nothing is moved; %s", todo)
}

// changes are what is not as it was reviewed and written down, but for what the run itself has done.
func (t *Task) changes(ctx context.Context) (changes []plan.Change, err error) {
	file := filepath.Join(t.Folder, "proof.snap")
	defer func() { err = errors.Join(err, removed(file)) }()
	if err := ReadAgain(ctx, t.Plan, capture.Options{Client: t.Client, Now: t.Clock.Now}, file); err != nil {
		return nil, err
	}
	fresh, err := plan.Of(ctx, file, t.Plan.Choices)
	if err != nil {
		return nil, err
	}
	carried, err := t.Journal.Carried(ctx)
	if err != nil {
		return nil, err
	}
	now, err := snapshot.Open(ctx, file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, now.Close()) }()
	late, err := t.late(ctx, now)
	if err != nil {
		return nil, err
	}
	hidden, err := t.hidden(ctx, now, carried)
	return slices.Concat(plan.Drift(t.Plan, fresh, carried), late, hidden), err
}

// hidden names what is bound to something that moves, could be read when it was written down, and cannot be now: nobody knows what was added there, which the move would lose. What the run is
// removing answers as it likes, and calls of endpoints are no things. (Contents that cannot be read are a blocker of the fresh plan.)
func (t *Task) hidden(ctx context.Context, now *snapshot.Snapshot, carried map[string]bool) (changes []plan.Change, err error) {
	known := map[string]bool{}
	before, err := t.Before.Gaps(ctx)
	if err != nil {
		return nil, err
	}
	for _, g := range before {
		known[strings.ToLower(g.Path)] = true
	}
	gaps, err := now.Gaps(ctx)
	for _, g := range gaps {
		target, unread := arm.ParseTarget(g.Path)
		bound := g.Section == snapshot.Source && unread == nil && t.Map.Moves(target.ID) && !strings.HasSuffix(strings.ToLower(g.Path), "/"+aml.Metrics.Key())
		if bound && !known[strings.ToLower(g.Path)] && !plan.Cleared(t.Plan, carried, g.Path) {
			changes = append(changes, plan.Change{Subject: g.Path, Text: "it could not be read, so nothing is proven: " + g.Why, Stops: true})
		}
	}
	return changes, err
}

func removed(file string) error {
	if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

// ReadAgain captures both ends of a plan into a file.
func ReadAgain(ctx context.Context, p *plan.Plan, o capture.Options, file string) (err error) {
	if o.Workspace, err = arm.Parse(p.Workspace); err != nil {
		return err
	}
	if o.Target, err = arm.Parse(p.Target); err != nil {
		return err
	}
	writer, err := snapshot.Create(ctx, file, true)
	if err != nil {
		return err
	}
	_, err = capture.Run(ctx, o, writer)
	return err
}

// lateShown is how many data assets are named one by one.
const lateShown = 5

// late names the data asset versions that are new or changed since they were written down: the move drops them, and only what was written down is registered again (S05).
func (t *Task) late(ctx context.Context, now *snapshot.Snapshot) (changes []plan.Change, err error) {
	count := 0
	for change, err := range snapshot.Diff(ctx, t.Before, now) {
		if err != nil {
			return nil, err
		}
		if change.Section != snapshot.Content || !change.Type.Is(assets+"/versions") || change.What == snapshot.Removed {
			continue
		}
		if count++; count <= lateShown {
			changes = append(changes, plan.Change{Subject: change.ID, Text: fmt.Sprintf("%s was %s since it was written down, and would be lost", lateName(change.ID), change.What)})
		}
	}
	if count > lateShown {
		changes = append(changes, plan.Change{Subject: t.Plan.Workspace, Text: fmt.Sprintf("so were %d other versions of data assets", count-lateShown)})
	}
	return changes, nil
}

// lateName is a version with its asset: late-asset/versions/1.
func lateName(id string) string {
	_, name, _ := strings.Cut(id, "/data/")
	return name
}
