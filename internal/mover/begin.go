package mover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// Beginning says how a run is made of a reviewed plan.
type Beginning struct {
	Root     string // folder of runs
	Plan     *plan.Plan
	Client   *azure.Client
	Meta     Meta // its ID and Created are filled in
	Progress *capture.Progress
	Now      func() time.Time
}

// Drift is the error of a plan that no longer fits what is there: it has to be made and reviewed again.
type Drift struct{ Changes []plan.Change }

// Error lists what changed.
func (d *Drift) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the plan is stale: %d things changed since it was made", len(d.Changes))
	for _, c := range d.Changes {
		b.WriteString("\n  - " + c.String())
	}
	return b.String()
}

// Begin makes the folder of a run: it reads both ends again, and refuses when what is there is not what the plan was made of (D11). Nothing outside the folder is changed. A
// run of the same plan that is there already is returned as it is.
func Begin(ctx context.Context, b Beginning) (Folder, error) {
	id := IDOf(b.Plan)
	f := Folder{filepath.Join(b.Root, id)}
	if f.Has(RunFile) {
		return f, sameCloud(f, b.Meta.Endpoint)
	}
	if !b.Plan.Applyable {
		return f, errs.New(errs.Conflict, "PlanBlocked", "the plan is blocked and cannot be applied").Advise("amlmove plan shows the blockers and what to do about each")
	}
	if err := f.make(); err != nil {
		return f, err
	}
	unlock, err := f.Lock()
	if err != nil {
		return f, err
	}
	defer unlock()
	fresh, err := readAgain(ctx, f, b)
	if err != nil {
		return f, errors.Join(err, os.RemoveAll(f.Path))
	}
	if changes := plan.Drift(b.Plan, fresh); len(changes) > 0 {
		return f, errors.Join(&Drift{changes}, os.RemoveAll(f.Path))
	}
	reviewed := *b.Plan
	if err := plan.Write(f.File(PlanFile), &reviewed, true); err != nil {
		return f, err
	}
	b.Meta.ID, b.Meta.Key, b.Meta.Created = id, id+"-"+uuid.NewString(), b.Now().UTC()
	return f, f.WriteJSON(RunFile, b.Meta) // last: it makes the folder a run
}

// sameCloud refuses a run that was begun against another cloud: what was read and sealed there is not what is here.
func sameCloud(f Folder, endpoint string) error {
	meta, err := f.Meta()
	if err != nil || meta.Endpoint == endpoint {
		return err
	}
	name := func(endpoint string) string { return cmp.Or(endpoint, "Azure") }
	return errs.New(errs.Conflict, "RunElsewhere", "the run %s of this plan was begun against %s, and this is %s", meta.ID, name(meta.Endpoint), name(endpoint)).At(f.Path).
		Advise("name another folder with --runs, or go on with that run: amlmove resume %s", meta.ID)
}

// readAgain captures both ends into the folder, and makes the plan that the same choices give now.
func readAgain(ctx context.Context, f Folder, b Beginning) (*plan.Plan, error) {
	workspace, err := arm.Parse(b.Plan.Workspace)
	if err != nil {
		return nil, err
	}
	target, err := arm.Parse(b.Plan.Target)
	if err != nil {
		return nil, err
	}
	writer, err := snapshot.Create(ctx, f.File(BeforeFile), true)
	if err != nil {
		return nil, err
	}
	o := capture.Options{Client: b.Client, Workspace: workspace, Target: target, Tool: b.Meta.Tool, Progress: b.Progress}
	if _, err := capture.Run(ctx, o, writer); err != nil {
		return nil, err
	}
	return Make(ctx, f.File(BeforeFile), b.Plan.Choices)
}

// Make makes the plan of a snapshot: its facts, what the rules find, and the steps.
func Make(ctx context.Context, file string, choices rules.Choices) (p *plan.Plan, err error) {
	snap, err := snapshot.Open(ctx, file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, snap.Close()) }()
	f, err := facts.Read(ctx, snap)
	if err != nil {
		return nil, err
	}
	p, err = plan.Make(f, rules.Judge(f, choices), choices)
	if err != nil {
		return nil, err
	}
	p.Snapshot = plan.Source{File: file, Digest: snap.Header.Digest, Taken: snap.Header.Begun}
	return p, nil
}
