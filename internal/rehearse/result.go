package rehearse

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/capture"
	"github.com/amlmove/amlmove/internal/cloud/replica"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/mover/action"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rewrite"
	"github.com/amlmove/amlmove/internal/snapshot"
	"github.com/amlmove/amlmove/internal/verify"
)

// Outcome is how a rehearsal ended.
type Outcome string

const (
	Recovered Outcome = "recovered"      // moved and proven, whatever went wrong on the way
	Stopped   Outcome = "stopped safely" // not moved, or not whole; nothing is lost, and the run can go on or has gone back
	Person    Outcome = "needs a person" // all is done that does not wait for a person
	Broken    Outcome = "broken"         // something is lost, doubled or stuck: a defect, of the plan or of this program
)

// Step is one step as it went.
type Step struct {
	ID      string          `json:"id"`
	Phase   plan.Phase      `json:"phase"`
	Subject string          `json:"subject"`
	What    string          `json:"what"`
	Back    bool            `json:"back,omitempty"` // it was taken back
	State   mover.StepState `json:"state"`
	Reason  string          `json:"reason,omitempty"`
	After   plan.Duration   `json:"after"` // after the beginning of the run
	Takes   plan.Duration   `json:"takes"`

	began, ended time.Time
}

// Result is what a rehearsal showed. Its times are virtual: what the run would take.
type Result struct {
	Scenario  string            `json:"scenario,omitempty"` // what went wrong on purpose
	Plan      string            `json:"plan"`               // digest
	Snapshot  string            `json:"snapshot"`           // digest
	Workspace string            `json:"workspace"`
	Landing   string            `json:"landing"`
	AsOwner   bool              `json:"asOwner,omitempty"` // the caller could do everything in the copy
	Outcome   Outcome           `json:"outcome"`
	State     mover.State       `json:"state"`
	Reason    string            `json:"reason,omitempty"`
	Began     time.Time         `json:"began"`
	Ended     time.Time         `json:"ended"`
	Takes     plan.Duration     `json:"takes"`
	Steps     []Step            `json:"steps"` // in the order in which they began
	Windows   []plan.Window     `json:"windows"`
	Requests  Requests          `json:"requests"`
	Verify    *verify.Result    `json:"verify,omitempty"`
	Remarks   []mover.Remark    `json:"remarks"`
	Risks     []Risk            `json:"risks"`                 // what the copy cannot know
	Differs   []string          `json:"copyDiffers,omitempty"` // in what the copy is not what the plan was made of
	StandIns  []string          `json:"standIns"`              // what the snapshot only names, and the copy has in its place
	LeftOut   []replica.LeftOut `json:"leftOut"`               // what is not in the copy
	Resumed   mover.State       `json:"resumed,omitempty"`     // how the run ended once what went wrong had passed
	Digest    string            `json:"digest"`
}

// Requests counts what the run asked of ARM.
type Requests struct {
	All       int `json:"all"`
	Waited    int `json:"waited"`    // had to wait to stay below ARM's limits
	Throttled int `json:"throttled"` // were refused as too many
}

// tell sums up what was heard.
func (r *rehearsal) tell(p *plan.Plan, record mover.Record, story mover.Story, folder mover.Folder) error {
	res := r.result
	res.State, res.Reason, res.Remarks = record.State, record.Reason, append([]mover.Remark{}, story.Remarks...)
	res.Takes = plan.Duration(res.Ended.Sub(res.Began).Round(time.Second))
	r.mutex.Lock()
	defer r.mutex.Unlock()
	spans := map[string]*Step{}
	for _, s := range r.order {
		s.After, s.Takes = plan.Duration(s.began.Sub(res.Began).Round(time.Second)), plan.Duration(s.ended.Sub(s.began).Round(time.Second))
		res.Steps = append(res.Steps, *s)
		if !s.Back {
			spans[s.ID] = s
		}
	}
	for _, w := range p.Windows {
		from, to := spans[w.From], spans[w.To]
		if from != nil && to != nil && to.State.Well() {
			res.Windows = append(res.Windows, plan.Window{What: w.What, From: w.From, To: w.To, Takes: plan.Duration(to.ended.Sub(from.began).Round(time.Second))})
		}
	}
	res.Risks = append([]Risk{}, RisksOf(p.Steps)...)
	usage := r.stage.client.Usage()
	res.Requests = Requests{usage.Requests, usage.Waited, usage.Throttled}
	var err error
	res.Verify, err = folder.Verified()
	return err
}

// judge says how it ended. A run that did not end well is looked at closely: what went wrong passes, and then the run must end well, or the source must be as it was.
func (r *rehearsal) judge(ctx context.Context, folder mover.Folder, record mover.Record) error {
	res := r.result
	switch {
	case record.State == mover.Done:
		res.Outcome = Recovered
	case record.State == mover.Waiting:
		res.Outcome = Person
	default:
		outcome, err := r.after(ctx, folder, record)
		if err != nil {
			return err
		}
		res.Outcome = outcome
	}
	res.Digest = res.digest()
	return nil
}

// after lets what went wrong pass and goes on.
func (r *rehearsal) after(ctx context.Context, folder mover.Folder, record mover.Record) (Outcome, error) {
	if err := r.Scenario.pass(ctx, r.stage, r.Plan); err != nil {
		return "", err
	}
	if record.State == mover.RolledBack {
		if lost, err := r.lost(ctx, folder); lost || err != nil {
			return Broken, err
		}
	}
	again, _, err := r.drive(ctx, folder, (*mover.Run).Forward)
	if drift, is := errors.AsType[*mover.Drift](err); is { // somebody else changed something meanwhile: the run does not begin anew without a review
		r.result.Resumed = record.State
		r.result.Reason += "; gone on: " + drift.Error()
		return Stopped, nil
	}
	if err != nil {
		return "", err
	}
	r.result.Resumed = again.State
	if again.State == mover.Done || again.State == mover.Waiting {
		return Stopped, nil
	}
	if again.State == mover.RolledBack || again.State == mover.Failed { // with nothing lost it is safe to stop there, and only then
		if lost, err := r.lost(ctx, folder); lost || err != nil {
			return Broken, err
		}
		return Stopped, nil
	}
	if r.Scenario.Name == "" { // nothing was made to go wrong: it will not pass
		return Stopped, nil
	}
	r.result.Reason += "; gone on: " + again.Reason
	return Broken, nil
}

// lost reports whether the source is not as it was, and says in what.
func (r *rehearsal) lost(ctx context.Context, folder mover.Folder) (bool, error) {
	changed, err := r.changed(ctx, folder)
	if errs.Is(err, errs.NotFound) {
		changed, err = []string{"the workspace is not there"}, nil
	}
	if len(changed) > 0 {
		r.result.Reason += fmt.Sprintf("; and the source is not as it was: %v", changed)
	}
	return len(changed) > 0, err
}

// changed names what is not as it was at the source after a run went back: the comparison of a move that led nowhere. Jobs that the plan ended stay so.
func (r *rehearsal) changed(ctx context.Context, folder mover.Folder) (differences []string, err error) {
	before, err := snapshot.Open(ctx, folder.File(mover.BeforeFile))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, before.Close()) }()
	after, err := r.capture(ctx, filepath.Join(r.dir, "back.snap"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, after.Close()) }()
	found, err := verify.Compare(ctx, before, after, rewrite.Map{}, verify.Options{Ended: action.Expected(r.Plan).Ended})
	if err != nil {
		return nil, err
	}
	for _, d := range found.Differences {
		differences = append(differences, strings.TrimSpace(d.What+" "+cmp.Or(d.After, d.Before)+" "+d.Path))
	}
	return differences, nil
}

// capture writes the copy down as it is now.
func (r *rehearsal) capture(ctx context.Context, file string) (*snapshot.Snapshot, error) {
	workspace, target, err := ends(r.Plan)
	if err != nil {
		return nil, err
	}
	w, err := snapshot.Create(ctx, file, true)
	if err != nil {
		return nil, err
	}
	if _, err := capture.Run(ctx, capture.Options{Client: r.stage.client, Workspace: workspace, Target: target, Now: r.stage.clock.Now}, w); err != nil {
		return nil, err
	}
	return snapshot.Open(ctx, file)
}

// planAgain makes the plan that fits the copy, by the same choices. The run begins with what was read for that: time passes in the copy while it is read.
func (r *rehearsal) planAgain(ctx context.Context, b *mover.Beginning) error {
	b.Read = filepath.Join(r.dir, "copy.snap")
	snap, err := r.capture(ctx, b.Read)
	if err != nil {
		return err
	}
	if err := snap.Close(); err != nil {
		return err
	}
	b.Plan, err = plan.Of(ctx, b.Read, r.Plan.Choices)
	return err
}

// digest is the SHA-256 of what was rehearsed and how it ended.
func (r *Result) digest() string {
	data, err := json.Marshal([]any{r.Plan, r.Snapshot, r.Scenario, r.Outcome, r.State})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Todos are the remarks about what a person has to do.
func (r *Result) Todos() []mover.Remark {
	return slices.DeleteFunc(slices.Clone(r.Remarks), func(m mover.Remark) bool { return m.Kind != action.ToDo })
}
