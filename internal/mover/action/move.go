package action

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/errs"
)

// moveResources moves all that the plan says together (S03, S43). Behind it there is no way back.
type moveResources struct{}

func (moveResources) Check(context.Context, *Task) error { return nil }

// Done reports whether everything has landed and nothing is under way any more. It waits for the latter only when the former holds: what is still at the source is Do's to wait for.
func (moveResources) Done(ctx context.Context, t *Task) (bool, error) {
	if unended, err := t.Journal.Unended(ctx, t.Step.ID, false); err != nil || len(unended) > 0 {
		return false, err // Do must know how it ended
	}
	if places, err := t.look(ctx); err != nil || !places.All(AtTarget) {
		return false, err
	}
	places, err := Locate(ctx, t)
	return err == nil && places.All(AtTarget), err
}

// moveTries is how often one call of Do asks ARM to move. With ever longer pauses that is half an hour: as long as a provider under upgrade may refuse (arm-move 2).
const moveTries = 10

// Do moves, and after any error, lost answer or time-out goes on from what both sides show, never from the error (pains 3 to 6).
func (moveResources) Do(ctx context.Context, t *Task) error {
	err := t.unendedMoves(ctx)
	begun, left, tries := t.Clock.Now(), len(t.Plan.Moving), 0
	for wait := firstLookIn; ; wait = min(wait*2, lastLookIn) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		places, looking := Locate(ctx, t)
		if looking != nil {
			return errors.Join(looking, err)
		}
		rest := places.At(AtSource)
		if err == nil && tries > 0 && len(rest) > 0 {
			err = errs.New(errs.Conflict, "MoveIncomplete", "ARM said that everything has moved, and %s did not", strings.Join(rest, ", "))
		}
		again := tries < moveTries && t.Clock.Now().Sub(begun) < moveLimit && (transient(err) || len(rest) < left)
		switch {
		case places.All(AtTarget):
			return t.remarkMove(ctx, err)
		case len(places.At(Both))+len(places.At(Neither)) > 0:
			return t.unclear(ctx, places, err)
		case err != nil && !again:
			return t.refused(ctx, places, err)
		case err != nil:
			t.Say(fmt.Sprintf("%d of %d are at the target; the rest is tried again, because ARM answered %s", len(places)-len(rest), len(places), codeOf(err)))
			if err := t.Clock.Sleep(ctx, wait); err != nil {
				return err
			}
		}
		tries, left = tries+1, len(rest)
		err = t.moveRest(ctx, rest)
	}
}

// Undo says that there is no way back.
func (moveResources) Undo(context.Context, *Task) error {
	return errs.New(errs.Conflict, "BehindNoReturn", "a move cannot be taken back: it is behind the point of no return").Advise("the way back is another plan, from the landing to where the workspace was")
}

// unendedMoves brings operations of an earlier process to their end, and returns how the last one ended.
func (t *Task) unendedMoves(ctx context.Context) error {
	operations, err := t.Journal.Unended(ctx, t.Step.ID, false)
	if err != nil {
		return err
	}
	var last error
	for _, o := range operations {
		if last = t.attend(ctx, o, t.Plan.Moving); ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return last
}

// moveRest asks ARM to move some of the resources and attends the operation to its end.
func (t *Task) moveRest(ctx context.Context, rest []string) error {
	path, body, err := t.order("moveResources", rest)
	if err != nil {
		return err
	}
	t.Say(fmt.Sprintf("ARM moves %d of %d", len(rest), len(t.Plan.Moving)))
	number, answer, err := t.begin(ctx, http.MethodPost, path, orderVersion(), body)
	trace := answer.Trace()
	if err != nil {
		trace, _ = azure.TraceOf(err) // a lost answer has none
	}
	if noting := t.noteAttempt(ctx, trace.Correlation); noting != nil {
		return errors.Join(noting, err)
	}
	if err != nil || trace.Location == "" {
		return err
	}
	return t.attend(ctx, Operation{number, trace.Location}, rest)
}

// attend follows a validation or a move to its end, and tells meanwhile when what moves is seen at the target: what ARM does then is to notify other providers, for hours if need be
// (pain 2).
func (t *Task) attend(ctx context.Context, o Operation, resources []string) error {
	begun, landed := t.Clock.Now(), len(resources) == 0
	for wait := peek; ; {
		if err := t.Clock.Sleep(ctx, wait); err != nil {
			return err
		}
		answer, ended, err := t.Client.Look(ctx, o.URL, orderVersion())
		if ctx.Err() != nil {
			return ctx.Err() // its end is not known: the next run asks
		}
		late := t.Clock.Now().Sub(begun) > moveLimit
		if !ended && unasked(err) { // it goes on, whoever cannot ask
			if late || !errs.Retryable(err) {
				return err // its end is not known: the next run asks
			}
			t.Say("the operation goes on, and cannot be asked how it stands: " + codeOf(err))
			err = nil
		}
		if !ended && err == nil && late {
			err = errs.New(errs.Conflict, "MoveUnended", "the move has not ended within %s", moveLimit)
		}
		if ended || err != nil {
			return errors.Join(err, t.Journal.Ended(ctx, o.Number, err))
		}
		wait = max(min(max(t.Clock.Now().Sub(begun)/pollShare, firstPoll), lastPoll), retryAfter(answer.Header))
		if !landed {
			landed = t.sayLanded(ctx, resources)
		}
	}
}

// unasked reports whether an error says nothing of an operation: nobody answered, ARM was asked too often or is not available, or nobody is signed in any more.
func unasked(err error) bool {
	trace, answered := azure.TraceOf(err)
	return err != nil && (!answered || errs.Is(err, errs.Throttled) || errs.Is(err, errs.Unauthorized) || trace.Status > http.StatusNotImplemented)
}

// How often an operation of the move is looked at: after each further tenth of the time that it has taken so far.
const (
	pollShare = 10
	firstPoll = time.Second
	lastPoll  = 5 * time.Minute
)

// sayLanded tells that the last of the resources is seen at the target while the move goes on. It is only for people: what cannot be read now is looked for at the next poll.
func (t *Task) sayLanded(ctx context.Context, resources []string) bool {
	id, err := arm.Parse(resources[len(resources)-1])
	if err != nil {
		return true
	}
	if _, found, err := t.Read(ctx, t.Map.ID(id)); err != nil || !found {
		return false
	}
	t.Say("moved, waiting for notifications: everything is at the target already, and ARM is telling other providers")
	return true
}

// noteAttempt keeps the correlation id of an attempt for a support ticket (pain 5), across crashes.
func (t *Task) noteAttempt(ctx context.Context, correlation string) error {
	if correlation == "" {
		return nil
	}
	noted, err := t.Journal.Cursor(ctx, t.Step.ID)
	if err != nil {
		return err
	}
	return t.Journal.Advance(ctx, t.Step.ID, strings.TrimPrefix(noted+", "+correlation, ", "))
}

// remarkMove keeps that a move which ended in an error has happened all the same.
func (t *Task) remarkMove(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	noted, reading := t.Journal.Cursor(ctx, t.Step.ID)
	if reading != nil {
		return reading
	}
	return t.Remark(ctx, Differs, fmt.Sprintf("the move ended in an error, and everything is at the target all the same: %v (correlation ids of the attempts: %s)", err, noted))
}

// refused is the error of a move that ARM did not make, or made in part only.
func (t *Task) refused(ctx context.Context, places Places, err error) error {
	what := "the move was refused, and everything is at the source"
	if moved := places.At(AtTarget); len(moved) > 0 {
		what = "the move was refused in part: at the target are " + strings.Join(moved, ", ") + "; at the source are " + strings.Join(places.At(AtSource), ", ")
	}
	noted, reading := t.Journal.Cursor(ctx, t.Step.ID)
	if reading != nil {
		return errors.Join(reading, err)
	}
	if noted != "" {
		what += " (correlation ids of the attempts: " + noted + ")"
	}
	return lasting(nested(what, err))
}

// unclear is the error of resources that are where nobody can make sense of (pain 5).
func (t *Task) unclear(ctx context.Context, places Places, err error) error {
	var lines []string
	for _, place := range []Place{Neither, Both, AtSource, AtTarget} {
		for _, id := range places.At(place) {
			lines = append(lines, id+" is "+place.String())
		}
	}
	noted, reading := t.Journal.Cursor(ctx, t.Step.ID)
	if reading != nil {
		return reading
	}
	return errs.Wrap(errs.Conflict, "MoveUnclear", err, "the resources of the move are where they cannot be: %s", strings.Join(lines, "; ")).At(t.Plan.Workspace).
		Advise("do nothing by hand; open a support ticket and name the correlation ids of the attempts: %s", orNothing(noted))
}

// transient reports whether the same request may succeed later (arm-move 2).
func transient(err error) bool {
	e := errs.As(err)
	return errs.Retryable(err) || anyOf(e, func(e *errs.Error) bool {
		return slices.Contains(passing, e.Code) || e.Kind == errs.Invalid && (e.Code == "BadRequest" || e.Code == "") && azure.Unexplained(e)
	})
}

var passing = []string{"InternalServerError", "OperationNotAllowed", "ResourcesBeingMoved", "AnotherOperationInProgress", "MoveResourcesHavePendingOperations", "DeploymentActive", "ResourceMoveTimedOut", "MoveUnended", "MoveIncomplete"}

// anyOf looks at an error and at everything nested in it.
func anyOf(e *errs.Error, is func(*errs.Error) bool) bool {
	return e != nil && (is(e) || slices.ContainsFunc(e.Details, func(d *errs.Error) bool { return anyOf(d, is) }))
}

// codeOf is the code of an error, or, of one that is none of the other side's, its words.
func codeOf(err error) string {
	if e := errs.As(err); e != nil && e.Code != "" {
		return e.Code
	}
	return err.Error()
}
