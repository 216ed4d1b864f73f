// Package rehearse carries a plan out on a copy of the workspace: the snapshot becomes a cloud in this process (replica), in which time jumps and ARM's limits hold, and the very code of
// a run works there (D8, D11, D12). Nothing outside of a temporary folder is read or changed but the plan and its snapshot.
//
// It stands on mover and cloud, the two wings, and is the only room besides cli that knows both.
package rehearse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"filippo.io/age"

	"github.com/amlmove/amlmove/internal/cloud/replica"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/mover/action"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/seal"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// Options say what is rehearsed.
type Options struct {
	Plan      *plan.Plan
	Snapshot  string                   // file from which the plan was made
	Durations map[string]time.Duration // how long things take in the cloud, by the names of its clock
	Scenario  Scenario                 // what goes wrong besides; the zero value: nothing
	AsOwner   bool                     // the caller may do everything in the copy: what somebody with the rights would see
	Watch     func(mover.Event)        // hears what happens, in virtual time; may be nil
	Tool      string                   // version of the program
}

// Run rehearses. What became of the plan is in the Result; an error is that it could not be rehearsed.
func Run(ctx context.Context, o Options) (_ *Result, err error) {
	dir, err := os.MkdirTemp("", "amlmove-rehearsal-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	snap, err := snapshot.Open(ctx, o.Snapshot)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, snap.Close()) }()
	s, err := newStage(ctx, dir, snap, o.Durations, replica.Options{AsOwner: o.AsOwner})
	if err != nil {
		return nil, fmt.Errorf("make a copy of the workspace: %w", err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	r := &rehearsal{Options: o, Actions: mover.Real, stage: s, dir: dir, key: key, seen: map[string]*Step{}, result: &Result{Scenario: o.Scenario.Name, Plan: o.Plan.Digest, Snapshot: snap.Header.Digest,
		Workspace: o.Plan.Workspace, Landing: o.Plan.Landing, AsOwner: o.AsOwner, Steps: []Step{}, Windows: []plan.Window{},
		StandIns: append([]string{}, s.replica.StandIns...), LeftOut: append([]replica.LeftOut{}, s.replica.LeftOut...)}}
	if err := r.carryOut(ctx); err != nil {
		return nil, err
	}
	return r.result, nil
}

// rehearsal is one rehearsal while it runs.
type rehearsal struct {
	Options
	mover.Actions // those of every run, but for Find
	stage         *stage
	dir           string
	result        *Result

	mutex sync.Mutex
	seen  map[string]*Step // by id of the step, and direction
	order []*Step
	steps []plan.Step         // of the plan that is carried out
	once  sync.Once           // of what somebody else does
	key   *age.X25519Identity // of what the run seals
}

func (r *rehearsal) carryOut(ctx context.Context) error {
	folder, p, err := r.begin(ctx)
	if err != nil {
		return err
	}
	r.steps = p.Steps
	if err := r.Scenario.arm(ctx, r.stage); err != nil {
		return err
	}
	r.result.Began = r.stage.clock.Now()
	record, story, err := r.drive(ctx, folder, (*mover.Run).Forward)
	if err != nil {
		return err
	}
	r.result.Ended = r.stage.clock.Now()
	if err := r.tell(p, record, story, folder); err != nil {
		return err
	}
	return r.judge(ctx, folder, record)
}

// begin makes the run. Where the copy is not what the plan was made of, that is told, and the plan that fits the copy is rehearsed.
func (r *rehearsal) begin(ctx context.Context) (mover.Folder, *plan.Plan, error) {
	b := mover.Beginning{Root: filepath.Join(r.dir, "runs"), Plan: r.Plan, Client: r.stage.client, Now: r.stage.clock.Now, Meta: mover.Meta{Tool: r.Tool}}
	if r.AsOwner { // another plan: nothing is missing for want of rights
		if err := r.planAgain(ctx, &b); err != nil {
			return mover.Folder{}, nil, err
		}
		if !b.Plan.Applyable {
			return mover.Folder{}, nil, errs.New(errs.Conflict, "PlanBlocked", "an owner could not carry the plan out either: %s", b.Plan.Stopped()).Advise("amlmove plan shows the blockers and what to do about each")
		}
		r.Plan = b.Plan
	}
	folder, err := mover.Begin(ctx, b)
	drift, is := errors.AsType[*mover.Drift](err)
	if !is {
		return folder, r.Plan, err
	}
	for _, change := range drift.Changes {
		r.result.Differs = append(r.result.Differs, change.String())
	}
	if err := r.planAgain(ctx, &b); err != nil {
		return folder, nil, err
	}
	folder, err = mover.Begin(ctx, b)
	return folder, b.Plan, err
}

// drive opens the run and carries it on in a direction.
func (r *rehearsal) drive(ctx context.Context, folder mover.Folder, direction func(*mover.Run, context.Context) (mover.Record, error)) (record mover.Record, story mover.Story, err error) {
	secrets, err := seal.Open(folder.File(mover.SecretsFile), r.key)
	if err != nil {
		return record, story, err
	}
	run, err := mover.Open(ctx, mover.Options{Folder: folder, Client: r.stage.client, Secrets: secrets, Clock: r.stage.clock, Watch: r.hear, Actions: r})
	if err != nil {
		return record, story, err
	}
	defer func() { err = errors.Join(err, run.Close()) }()
	if record, err = direction(run, ctx); err != nil {
		return record, story, err
	}
	story, err = run.Story(ctx)
	return record, story, err
}

// hear follows the run: for the clock, for the forecast, and for whoever meddles.
func (r *rehearsal) hear(e mover.Event) {
	if r.Watch != nil {
		r.Watch(e)
	}
	if e.Progress != nil {
		return
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	key := e.Step.ID
	if e.Back {
		key = "back " + key
	}
	s := r.seen[key]
	if s == nil {
		s = &Step{ID: e.Step.ID, Phase: e.Step.Phase, Subject: e.Step.Subject, What: e.Step.What, Back: e.Back}
		r.seen[key] = s
		r.order = append(r.order, s)
	}
	s.State = e.State
	if s.began.IsZero() {
		s.began = e.At
	}
	if e.State != mover.StepRunning {
		s.Reason, s.ended = e.Reason, e.At
	}
	r.stage.clock.expect(r.atWork(e.Back))
}

// atWork is how many steps are at work or about to be: forward all that may begin and have not ended, as many as there are hands; on the way back, of which the run decides the order, those
// that have begun.
func (r *rehearsal) atWork(back bool) int {
	n := 0
	if back {
		for _, s := range r.order {
			if s.Back && s.State == mover.StepRunning {
				n++
			}
		}
		return n
	}
	for _, s := range r.steps {
		if own := r.seen[s.ID]; own != nil && own.State != mover.StepRunning {
			continue
		}
		ready := true
		for _, id := range s.After {
			before := r.seen[id]
			ready = ready && before != nil && before.State.Well()
		}
		if ready {
			n++
		}
	}
	return min(n, mover.DefaultWorkers)
}

// Find finds the action of a kind, before which somebody else may do something at the wrong time.
func (r *rehearsal) Find(kind string) (action.Action, error) {
	a, err := action.Find(kind)
	if m := r.Scenario.meddle; err == nil && m != nil && m.before == kind {
		return meddled{a, r}, nil
	}
	return a, err
}

// meddled is an action before which somebody else does something, once.
type meddled struct {
	action.Action
	r *rehearsal
}

// Do lets somebody else do something, and then does what the action does. Time stands meanwhile.
func (m meddled) Do(ctx context.Context, t *action.Task) error {
	m.r.once.Do(func() {
		m.r.stage.clock.work(1)
		defer m.r.stage.clock.work(-1)
		if err := m.r.Scenario.meddle.do(ctx, m.r.stage, m.r.Plan); err != nil {
			m.r.stage.clock.fail(fmt.Errorf("play %s: %w", m.r.Scenario.Name, err))
		}
	})
	return m.Action.Do(ctx, t)
}
