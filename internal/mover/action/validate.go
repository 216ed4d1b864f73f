package action

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/errs"
)

// validateMove asks ARM for its verdict (S41).
type validateMove struct{ restoring }

// Done goes by the journal: a verdict has no effect to look for. It holds as long as the step does: a run that was taken back forgets it with all the rest, and ARM judges once more inside
// the move itself (arm-move 1.1). Of what has moved already, whoever moved it, nobody needs to ask.
func (validateMove) Done(ctx context.Context, t *Task) (bool, error) {
	if landed, err := t.landed(ctx); landed || err != nil {
		return landed, err
	}
	return resyncKeys{}.Done(ctx, t)
}

// Do asks until ARM gives a verdict. What passes by itself is none: another move in a group, a provider under upgrade (arm-move 2).
func (validateMove) Do(ctx context.Context, t *Task) error {
	path, body, err := t.order("validateMoveResources", t.Plan.Moving)
	if err != nil {
		return err
	}
	for tries, wait := 1, firstLookIn; ; tries, wait = tries+1, min(wait*2, lastLookIn) {
		if err := t.groupsSettled(ctx); err != nil {
			return err
		}
		err := t.verdict(ctx, path, body)
		if err == nil {
			return t.Journal.Advance(ctx, t.Step.ID, asked)
		}
		if ctx.Err() != nil {
			return err
		}
		if tries == moveTries || !transient(err) {
			return lasting(nested("ARM would not move the workspace", err))
		}
		t.Say("ARM is asked again, because it answered " + codeOf(err))
		if err := t.Clock.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// verdict asks once.
func (t *Task) verdict(ctx context.Context, path string, body any) error {
	number, answer, err := t.begin(ctx, http.MethodPost, path, orderVersion(), body)
	if err != nil {
		return err
	}
	location := answer.Trace().Location
	switch {
	case location == "" && answer.Status == http.StatusAccepted:
		return errs.New(errs.Unavailable, "NoVerdict", "ARM accepted the question and did not say where its answer will be").Advise("try again; if it stays so, the service is at fault")
	case location == "":
		return nil
	}
	return t.attend(ctx, Operation{number, location}, nil)
}

// lasting gives an error that was tried again and again a kind that nobody tries again at once.
func lasting(err error) error {
	e := errs.As(err)
	if e == nil || !errs.Retryable(e) {
		return err
	}
	return errs.Wrap(errs.Conflict, e.Code, err, "ARM could not be brought to an answer")
}

// order is the path and the body of one of ARM's two requests about a move.
func (t *Task) order(verb string, resources []string) (path string, body map[string]any, err error) {
	workspace, err := arm.Parse(t.Plan.Workspace)
	if err != nil {
		return "", nil, err
	}
	return workspace.GroupID().String() + "/" + verb, map[string]any{"resources": resources, "targetResourceGroup": t.Plan.Target}, nil
}

func orderVersion() string { return azure.Known(aml.ResourceGroups)[0] }

// nested is an error of ARM with everything that is nested in it in its text, however deep: what a person has to mend stands at the bottom (arm-move 1.3, pain 8).
func nested(what string, err error) error {
	e := errs.As(err)
	if e == nil || len(e.Details) == 0 {
		return fmt.Errorf("%s: %w", what, err)
	}
	lines := make([]string, len(e.Details))
	for i, d := range e.Details {
		lines[i] = cause(d)
	}
	all := errs.Wrap(e.Kind, e.Code, e.Err, "%s: %s (%s: %s)", what, strings.Join(lines, "; "), e.Code, e.Message).At(e.Target).With(e.Details...)
	all.Hint, all.After = e.Hint, e.After
	return all
}

// cause is one nested error with those below it. What the upper one says already is not said again; a missing resource is named by its id alone, under the code "0" (arm-move 2).
func cause(e *errs.Error) string {
	text := e.Message
	if e.Code != "" && e.Code != "0" {
		text = e.Code + ": " + text
	}
	if e.Target != "" && !strings.Contains(e.Message, e.Target) {
		text += " [" + e.Target + "]"
	}
	var below []string
	for _, d := range e.Details {
		if len(d.Details) > 0 || !strings.Contains(e.Message, d.Message) || d.Message == "" {
			below = append(below, cause(d))
		}
	}
	if len(below) > 0 {
		text += " (" + strings.Join(below, "; ") + ")"
	}
	return text
}
