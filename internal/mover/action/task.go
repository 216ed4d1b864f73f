package action

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
	"github.com/amlmove/amlmove/internal/rewrite"
	"github.com/amlmove/amlmove/internal/seal"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// Env is what all tasks of a run share.
type Env struct {
	Client  *azure.Client
	Plan    *plan.Plan
	Before  *snapshot.Snapshot // both ends as they were before the run changed anything
	Map     rewrite.Map        // where ids go by the move
	Secrets *seal.Box
	Journal Journal
	Clock   Clock
	Tell    func(Progress) // hears how far a step has come; never nil
	Folder  string         // of the run, where compare leaves what it read and found
}

// Progress is how far a step has come.
type Progress struct {
	Step  string
	Text  string // what it does or waits for
	Count int    // of Of things that are done; zero when it does one
	Of    int
}

// Clock is by what tasks wait.
type Clock interface {
	Now() time.Time
	// Sleep waits, or returns the error of a context that ended first.
	Sleep(context.Context, time.Duration) error
}

// Journal keeps what was sent and how it ended, across crashes. No body and no secret is written into it.
type Journal interface {
	// Begin writes down that a request is about to be sent, and returns its number. When it returns, the row is on disk.
	Begin(ctx context.Context, step string, undo bool, method, path string) (int64, error)
	// Answered adds what the other side said at once, with the URL at which the operation can be followed.
	Answered(ctx context.Context, number int64, trace azure.Trace) error
	// Ended adds how it ended; nil for well.
	Ended(ctx context.Context, number int64, err error) error
	// Unended returns the operations of a step that were answered with a URL to follow and whose end is not known, oldest first.
	Unended(ctx context.Context, step string, undo bool) ([]Operation, error)
	// Carried are the steps that the run has begun, by id, with whether each has ended well. One that was taken back is none of them.
	Carried(ctx context.Context) (map[string]bool, error)
	// Remark keeps something that the report must say about a step: what a person has to do, what was different.
	Remark(ctx context.Context, step, kind, text string) error
	// Cursor returns how far a step that does many things has come; empty at the beginning.
	Cursor(ctx context.Context, step string) (string, error)
	// Advance moves the cursor.
	Advance(ctx context.Context, step, cursor string) error
}

// Operation is one that can be followed.
type Operation struct {
	Number int64
	URL    string
}

// Kinds of remarks.
const (
	ToDo    = "todo"    // a person has to do it
	Differs = "differs" // it is not as it was
)

// Task is one step in the hands of its action.
type Task struct {
	*Env
	Step plan.Step
	Back bool // the step is being undone
}

// Subject is the id of what the step is about, before the move.
func (t *Task) Subject() (arm.ID, error) { return arm.Parse(t.Step.Subject) }

// Where says where things are made by this task: where they will be after the move, or, when a step is undone, where they were.
func (t *Task) Where() rewrite.Map {
	if t.Back {
		return rewrite.Map{}
	}
	return t.Env.Map
}

// Detail reads what the plan gave the step besides.
func (t *Task) Detail(into any) error {
	data, err := json.Marshal(t.Step.Detail)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return errs.Wrap(errs.Invalid, "PlanDamaged", err, "the step %s of the plan has details that cannot be read", t.Step.ID).Advise("plan again")
	}
	return nil
}

// Say tells how far the step has come.
func (t *Task) Say(text string) { t.Tell(Progress{Step: t.Step.ID, Text: text}) }

// Counted tells how many of many are done.
func (t *Task) Counted(count, of int) { t.Tell(Progress{Step: t.Step.ID, Count: count, Of: of}) }

// Remark keeps something that the report must say.
func (t *Task) Remark(ctx context.Context, kind, text string) error {
	return t.Journal.Remark(ctx, t.Step.ID, kind, text)
}

// Original returns a document as it was before the run. NotFound when the snapshot has none.
func (t *Task) Original(ctx context.Context, id arm.ID) (arm.Document, error) {
	for _, section := range []snapshot.Section{snapshot.Content, snapshot.Source, snapshot.Target} {
		d, err := t.Before.Get(ctx, section, id.String())
		if errs.Is(err, errs.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return arm.ParseDocument(d.Body)
	}
	return nil, errs.New(errs.NotFound, "DocumentNotFound", "the snapshot of the run has no %s", id).At(id.String())
}

// Version is the api-version for a resource: one that its subscription's provider offers and this program knows.
func (t *Task) Version(ctx context.Context, id arm.ID) string {
	subscription := id.Subscription()
	if subscription == "" {
		workspace, err := arm.Parse(t.Plan.Workspace)
		if err == nil {
			subscription = workspace.Subscription()
		}
	}
	return t.Client.Version(ctx, subscription, id.Type())
}

// Read reads a document as it is now; false when there is none.
func (t *Task) Read(ctx context.Context, id arm.ID) (arm.Document, bool, error) {
	doc, err := t.Client.Get(ctx, id.String(), t.Version(ctx, id))
	if errs.Is(err, errs.NotFound) {
		return nil, false, nil
	}
	return doc, err == nil, err
}

// List reads a collection as it is now, to its end. path is absolute, below a resource of the type's provider.
func (t *Task) List(ctx context.Context, path string, of arm.ID, visit func(arm.Document) error) error {
	return t.Client.List(ctx, path, t.Version(ctx, of), func(raw json.RawMessage) error {
		doc, err := arm.ParseDocument(raw)
		if err != nil {
			return err
		}
		return visit(doc)
	})
}

// Ask sends a POST that only reads: a listing of keys or secrets. Its answer is in nobody's hands but the caller's: not in the journal, not in an error.
func (t *Task) Ask(ctx context.Context, id arm.ID, verb string) (json.RawMessage, error) {
	answer, err := t.Client.Do(ctx, http.MethodPost, id.String()+"/"+verb, t.Version(ctx, id), map[string]any{})
	return answer.Body, err
}
