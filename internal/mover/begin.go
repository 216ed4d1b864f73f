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

	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover/action"
	"github.com/amlmove/amlmove/internal/plan"
)

// Beginning says how a run is made of a reviewed plan.
type Beginning struct {
	Root     string // folder of runs
	Plan     *plan.Plan
	Client   *azure.Client
	Read     string // a file into which both ends were read a moment ago, which is taken instead of reading them once more; none if empty
	Meta     Meta   // its ID and Created are filled in
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
	if !b.Plan.Applyable && !f.Has(RunFile) {
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
	if f.Has(RunFile) { // asked behind the lock: another process may have begun it a moment ago
		return f, sameCloud(f, b.Meta.Endpoint)
	}
	fresh, err := b.read(ctx, f.File(BeforeFile))
	if err != nil {
		return f, errors.Join(err, os.RemoveAll(f.Path))
	}
	if changes := plan.Drift(b.Plan, fresh, nil); len(changes) > 0 {
		return f, errors.Join(&Drift{changes}, os.RemoveAll(f.Path))
	}
	reviewed := *b.Plan
	if err := plan.Write(f.File(PlanFile), &reviewed, true); err != nil {
		return f, err
	}
	b.Meta.ID, b.Meta.Key, b.Meta.Created = id, id+"-"+uuid.NewString(), b.Now().UTC()
	return f, f.WriteJSON(RunFile, b.Meta) // last: it makes the folder a run
}

// read brings both ends as they are now into a file, and makes the plan that the same choices give.
func (b Beginning) read(ctx context.Context, file string) (*plan.Plan, error) {
	if b.Read == "" {
		return readAgain(ctx, b.Plan, capture.Options{Client: b.Client, Tool: b.Meta.Tool, Progress: b.Progress, Now: b.Now}, file)
	}
	if err := os.Rename(b.Read, file); err != nil {
		return nil, errs.Wrap(errs.Unavailable, "RunFolder", err, "what was read cannot be kept in the folder of the run").At(file)
	}
	return plan.Of(ctx, file, b.Plan.Choices)
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

// readAgain captures both ends of a plan into a file, and makes the plan that the same choices give now.
func readAgain(ctx context.Context, p *plan.Plan, o capture.Options, file string) (*plan.Plan, error) {
	if err := action.ReadAgain(ctx, p, o, file); err != nil {
		return nil, err
	}
	return plan.Of(ctx, file, p.Choices)
}
