// Package plan turns facts and findings into ordered steps that a person can read and review before anything is changed. It is pure: the same facts, findings and
// choices give the same plan, to the letter. Steps are data; what carries them out is in mover (D3). No delete stands in a plan whose making-again
// was not checked (D2).
package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/rewrite"

	"github.com/amlmove/amlmove/internal/rules"
)

// Format is the version of the plan's JSON that this program writes.
const Format = 1

// Phase is a part of a run, in order.
type Phase string

const (
	Prepare  Phase = "prepare"  // the target: registrations, the group
	Save     Phase = "save"     // secrets that will be needed, sealed
	Drain    Phase = "drain"    // schedules off, jobs ended, locks lifted
	Clear    Phase = "clear"    // endpoints and computes removed: destructive, and each can be made again
	Validate Phase = "validate" // ARM's own verdict
	Move     Phase = "move"     // the point of no return
	Restore  Phase = "restore"  // what does not travel is made again
	Verify   Phase = "verify"   // both sides read and compared
)

// Phases are all phases in order.
func Phases() []Phase { return []Phase{Prepare, Save, Drain, Clear, Validate, Move, Restore, Verify} }

// Step is one thing to do.
type Step struct {
	ID       string   `json:"id"` // phase/action/name, unique in the plan and the same in every plan of the same workspace
	Phase    Phase    `json:"phase"`
	Action   string   `json:"action"`            // a kind of action: removeCompute
	Subject  string   `json:"subject"`           // resource id of what it is about, where it is before the move
	Landing  string   `json:"landing,omitempty"` // where that will be after the move; empty when it stays
	What     string   `json:"what"`              // what is done, for people
	Why      string   `json:"why,omitempty"`
	Clauses  []string `json:"clauses,omitempty"`
	Inverse  string   `json:"inverse,omitempty"` // what a rollback does about it, in words; empty: nothing is to be undone
	Destroys bool     `json:"destroys,omitempty"`
	Person   bool     `json:"person,omitempty"` // somebody must act; the run waits for it, durably
	After    []string `json:"after,omitempty"`  // steps that must have ended well before; sorted
	Digest   string   `json:"digest,omitempty"` // of the subject's document: a plan whose subject changed is stale
	Count    int      `json:"count,omitempty"`  // of things done in this step, when it does many (data assets)
	Writes   int      `json:"writes"`           // requests that change something
	Takes    Duration `json:"takes"`            // typically
	Detail   any      `json:"detail,omitempty"` // what the action needs besides: small, and of no secret
}

// Window is a time in which something is not there.
type Window struct {
	What  string   `json:"what"` // the workspace, an endpoint
	From  string   `json:"from"` // id of the step that begins it
	To    string   `json:"to"`   // id of the step that ends it
	Takes Duration `json:"takes"`
}

// Loss is something that cannot be made again, said before it is lost.
type Loss struct {
	Subject string `json:"subject"`
	What    string `json:"what"`
	Do      string `json:"do"` // what a person has to do about it
}

// Plan is everything that a run will do.
type Plan struct {
	Format      int             `json:"format"`
	Workspace   string          `json:"workspace"`   // resource id
	WorkspaceID string          `json:"workspaceId"` // the GUID that stays the same
	Location    string          `json:"location"`
	Target      string          `json:"target"`  // resource group id
	Landing     string          `json:"landing"` // resource id of the workspace after the move
	Moving      []string        `json:"moving"`  // resource ids of all that moves together
	Choices     rules.Choices   `json:"choices"`
	Snapshot    Source          `json:"snapshot"`
	Grade       rules.Grade     `json:"grade"`
	Applyable   bool            `json:"applyable"`
	Findings    []rules.Finding `json:"findings"`
	Steps       []Step          `json:"steps"`
	NoReturn    string          `json:"pointOfNoReturn"` // id of the step behind which there is no way back
	Windows     []Window        `json:"windows"`
	Losses      []Loss          `json:"losses"`
	Takes       Duration        `json:"takes"`
	Requests    map[string]int  `json:"requests"` // writes and reads, estimated
	Counts      map[string]int  `json:"counts"`   // content by kind, before
	Digest      string          `json:"digest"`   // of the plan itself, without this member, snapshot and rehearsal
	Rehearsal   *Rehearsal      `json:"rehearsal,omitempty"`
}

// Rehearsal is what became of the plan on a copy of the workspace, when somebody last tried.
type Rehearsal struct {
	Digest  string    `json:"digest"` // of the rehearsal
	Plan    string    `json:"plan"`   // digest of the plan that was rehearsed
	Outcome string    `json:"outcome"`
	Takes   Duration  `json:"takes"`
	At      time.Time `json:"at"`
	Tool    string    `json:"tool,omitempty"`
}

// Rehearsed returns the rehearsal of this very plan; nil when there was none, or one of another plan.
func (p *Plan) Rehearsed() *Rehearsal {
	if p.Rehearsal == nil || p.Rehearsal.Plan != p.Digest {
		return nil
	}
	return p.Rehearsal
}

// Source is the snapshot that a plan came from.
type Source struct {
	File   string    `json:"file"` // beside the plan, or an absolute path
	Digest string    `json:"digest"`
	Taken  time.Time `json:"taken"`
}

// Find returns a step by its id.
func (p *Plan) Find(id string) (Step, bool) {
	for _, s := range p.Steps {
		if s.ID == id {
			return s, true
		}
	}
	return Step{}, false
}

// Stopped lists what keeps the plan from being carried out, as people read it; empty when nothing does.
func (p *Plan) Stopped() string {
	var all []string
	for _, f := range p.Findings {
		if f.Severity == rules.Blocker {
			all = append(all, f.ID+" "+f.Message)
		}
	}
	return strings.Join(all, "; ")
}

// lost reports whether the plan says that something of a subject is lost.
func (p *Plan) lost(subject string) bool {
	return slices.ContainsFunc(p.Losses, func(l Loss) bool { return strings.EqualFold(l.Subject, subject) })
}

// Map says where ids go when the plan is carried out. Invalid when the plan's ids cannot be read.
func (p *Plan) Map() (rewrite.Map, error) {
	group, err := arm.Parse(p.Target)
	if err != nil {
		return rewrite.Map{}, fmt.Errorf("read the target of the plan: %w", err)
	}
	moving := make([]arm.ID, 0, len(p.Moving))
	for _, text := range p.Moving {
		id, err := arm.Parse(text)
		if err != nil {
			return rewrite.Map{}, fmt.Errorf("read what the plan moves: %w", err)
		}
		moving = append(moving, id)
	}
	return rewrite.New(moving, group), nil
}
