// Package capture writes a workspace down: azure -> Snapshot. It reads everything of a workspace and of what surrounds it at both ends that a move may break, need
// or lose, with GET only: no secret is ever asked for (D10). What may not be read is written down as a gap, and the capture goes on.
//
// It streams pages into the file, so its memory does not grow with the workspace. It stands on azure, snapshot, aml, arm and errs.
package capture

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// Options say what is captured.
type Options struct {
	Client    *azure.Client
	Workspace arm.ID
	Target    arm.ID // resource group, or subscription; nil: only the source is captured
	Tool      string // version of the program
	Workers   int    // requests side by side; 16 if zero. The client's budget bounds them as well
	Now       func() time.Time
	Progress  *Progress // counts while the capture runs; may be nil
}

// Progress is what was read so far. It may be looked at from anywhere.
type Progress struct{ Documents, Bytes, Gaps atomic.Int64 }

// defaultWorkers is how many requests go side by side: enough to spend a full budget at usual answer times.
const defaultWorkers = 16

// Run captures into a writer and ends it. An error leaves nothing behind.
func Run(ctx context.Context, o Options, w *snapshot.Writer) (snapshot.Header, error) {
	if o.Workers <= 0 {
		o.Workers = defaultWorkers
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Progress == nil {
		o.Progress = &Progress{}
	}
	header := snapshot.Header{WorkspaceID: o.Workspace.String(), Endpoint: o.Client.Endpoint(), Tool: o.Tool, Begun: o.Now().UTC().Round(time.Millisecond)}
	if len(o.Target) > 0 {
		header.TargetID = o.Target.String()
	}
	err := write(ctx, o, w, &header)
	if err != nil {
		_ = w.Abandon() // the first error is the one to tell
		if ctx.Err() != nil {
			err = errs.Wrap(errs.Canceled, "Canceled", ctx.Err(), "the capture of %s was given up; no file was written", o.Workspace.Name())
		}
		return header, err
	}
	header.Ended = o.Now()
	return w.Finish(ctx, header)
}

// write reads everything.
func write(ctx context.Context, o Options, w *snapshot.Writer, header *snapshot.Header) error {
	if !o.Workspace.Type().Is(aml.Workspaces) {
		return errs.New(errs.Invalid, "NoWorkspace", "%s is the id of a %s, not of a workspace", o.Workspace, o.Workspace.Type())
	}
	o.Client.Forget()
	caller, err := o.Client.Caller(ctx)
	if err != nil {
		return err
	}
	header.TenantID, header.ObjectID, header.Who = caller.TenantID, caller.ObjectID, caller.Name
	crew := newCrew(ctx, o.Workers)
	r := &reading{Options: o, writer: w, crew: crew, seen: map[string]bool{}}
	if err := r.workspace(crew.ctx); err != nil {
		return crew.end(err)
	}
	crew.do(r.content)
	crew.do(r.surroundings)
	crew.do(func(ctx context.Context) error { return r.end(ctx, snapshot.Source, o.Workspace.GroupID()) })
	if len(o.Target) > 0 {
		crew.do(func(ctx context.Context) error { return r.end(ctx, snapshot.Target, o.Target) })
	}
	return crew.end(nil)
}

// reading is one capture while it runs.
type reading struct {
	Options
	writer *snapshot.Writer
	crew   *crew
	doc    workspace

	mutex sync.Mutex
	seen  map[string]bool // private endpoints, definitions: what several documents point to is read once
}

// workspace is what the capture itself needs to know of the workspace's document.
type workspace struct {
	Location   string
	Identity   identity
	Properties map[string]json.RawMessage
	accounts   []arm.ID
}

type identity struct {
	PrincipalID            string
	UserAssignedIdentities map[string]struct{ PrincipalID string }
}

// workspace reads the workspace itself. Without it there is nothing to capture.
func (r *reading) workspace(ctx context.Context) error {
	version := r.Client.Version(ctx, r.Workspace.Subscription(), aml.Workspaces)
	answer, err := r.get(ctx, r.Workspace.String(), version)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, &r.doc); err != nil {
		return errs.Wrap(errs.Unavailable, "AnswerDamaged", err, "read the workspace %s", r.Workspace)
	}
	for _, d := range aml.Dependencies() {
		var text string
		_ = json.Unmarshal(r.doc.Properties[strings.TrimPrefix(d.Property, "properties.")], &text) // null and absent mean none
		if id, err := arm.Parse(text); err == nil && id.TopLevel() {
			r.doc.accounts = append(r.doc.accounts, id)
		}
	}
	return r.keep(ctx, r.document(snapshot.Content, r.Workspace.String(), aml.Workspaces, version, answer))
}

// region is the workspace's location as paths spell it.
func (r *reading) region() string {
	return strings.ToLower(strings.ReplaceAll(r.doc.Location, " ", ""))
}

// first reports whether something is met for the first time.
func (r *reading) first(what string) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	key := strings.ToLower(what)
	if r.seen[key] {
		return false
	}
	r.seen[key] = true
	return true
}
