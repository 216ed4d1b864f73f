package action

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/errs"
)

// validateMove asks ARM for its verdict (S41).
type validateMove struct{ restoring }

// Done goes by the journal: a verdict has no effect to look for.
func (validateMove) Done(ctx context.Context, t *Task) (bool, error) {
	return resyncKeys{}.Done(ctx, t)
}

func (validateMove) Do(ctx context.Context, t *Task) error {
	if _, err := t.order(ctx, "validateMoveResources", t.Plan.Moving); err != nil {
		return told("ARM would not move the workspace", err)
	}
	return t.Journal.Advance(ctx, t.Step.ID, asked)
}

// order sends one of ARM's two requests about a move and follows it to its end.
func (t *Task) order(ctx context.Context, verb string, resources []string) (azure.Answer, error) {
	workspace, err := arm.Parse(t.Plan.Workspace)
	if err != nil {
		return azure.Answer{}, err
	}
	group := workspace.GroupID()
	return t.Send(ctx, http.MethodPost, group.String()+"/"+verb, azure.Known(aml.ResourceGroups)[0], map[string]any{"resources": resources, "targetResourceGroup": t.Plan.Target})
}

// told is an error of ARM with everything nested in it in its text: each detail names its cause (arm-move 1.3, pain 8).
func told(what string, err error) error {
	e := errs.As(err)
	if e == nil || len(e.Details) == 0 {
		return fmt.Errorf("%s: %w", what, err)
	}
	var lines []string
	var collect func(*errs.Error)
	collect = func(d *errs.Error) {
		if len(d.Details) == 0 {
			line := d.Code + ": " + d.Message
			if d.Target != "" && !strings.Contains(d.Message, d.Target) {
				line += " [" + d.Target + "]"
			}
			lines = append(lines, line)
		}
		for _, below := range d.Details {
			collect(below)
		}
	}
	collect(e)
	return errs.Wrap(e.Kind, e.Code, e.Err, "%s: %s", what, strings.Join(lines, "; ")).At(e.Target)
}

// moveResources moves all that the plan says together (S03, S43). Behind it there is no way back.
type moveResources struct{}

func (moveResources) Check(context.Context, *Task) error { return nil }

func (moveResources) Done(ctx context.Context, t *Task) (bool, error) {
	if unended, err := t.Journal.Unended(ctx, t.Step.ID, false); err != nil || len(unended) > 0 {
		return false, err // Do must know how it ended
	}
	places, err := Locate(ctx, t)
	return err == nil && places.All(AtTarget), err
}

// moveTries is how often what is left at the source is asked to move.
const moveTries = 4

// Do moves, and after any error, lost answer or time-out goes on from what both sides show, never from the error (pains 3 to 6).
func (moveResources) Do(ctx context.Context, t *Task) error {
	err := t.followMove(ctx)
	for try := 1; ; try++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		places, looking := Locate(ctx, t)
		if looking != nil {
			return errors.Join(looking, err)
		}
		rest := places.At(AtSource)
		switch {
		case places.All(AtTarget):
			return t.remarkMove(ctx, err)
		case len(places.At(Both))+len(places.At(Neither)) > 0:
			return unclear(places, err)
		case err != nil && (try > moveTries || len(rest) == len(places) && !transient(err)):
			return told("the move was refused", err)
		case err != nil:
			t.Say(fmt.Sprintf("%d of %d are at the target; the rest is moved", len(places)-len(rest), len(places)))
			if err := t.Clock.Sleep(ctx, firstLookIn); err != nil {
				return err
			}
		}
		err = t.moveRest(ctx, rest)
	}
}

// Undo says that there is no way back.
func (moveResources) Undo(context.Context, *Task) error {
	return errs.New(errs.Conflict, "BehindNoReturn", "a move cannot be taken back: the way back is another plan")
}

// followMove brings the operation of an earlier process to its end, and returns how it ended.
func (t *Task) followMove(ctx context.Context) error {
	operations, err := t.Journal.Unended(ctx, t.Step.ID, false)
	if err != nil {
		return err
	}
	var last error
	for _, o := range operations {
		_, last = t.Client.Resume(ctx, o.URL, "")
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := t.Journal.Ended(ctx, o.Number, last); err != nil {
			return err
		}
	}
	return last
}

// moveRest asks ARM to move some of the resources, and tells meanwhile when they are seen at the target: what ARM does then is to notify other providers (pain 2).
func (t *Task) moveRest(ctx context.Context, rest []string) error {
	watching, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		t.watchLanding(watching, rest)
	}()
	_, err := t.order(ctx, "moveResources", rest)
	stop()
	<-ended
	return err
}

// landingLook is how often it is looked whether what moves has landed.
const landingLook = 30 * time.Second

func (t *Task) watchLanding(ctx context.Context, rest []string) {
	id, err := arm.Parse(rest[0])
	if err != nil {
		return
	}
	for t.Clock.Sleep(ctx, landingLook) == nil {
		if _, found, err := t.Read(ctx, t.Map.ID(id)); err == nil && found {
			t.Say("it is at the target; ARM is notifying other providers")
			return
		}
	}
}

// remarkMove keeps that a move which ended in an error has happened all the same.
func (t *Task) remarkMove(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	return t.Remark(ctx, Differs, "ARM reported the move as failed, and everything is at the target: "+err.Error())
}

// transient reports whether the same request may succeed later.
func transient(err error) bool {
	return errs.Retryable(err) || hasCode(errs.As(err), "InternalServerError", "OperationNotAllowed", "ResourcesBeingMoved", "AnotherOperationInProgress", "DeploymentActive", "ResourceMoveTimedOut")
}

// hasCode looks for codes in an error and in everything nested in it.
func hasCode(e *errs.Error, codes ...string) bool {
	if e == nil {
		return false
	}
	return slices.Contains(codes, e.Code) || slices.ContainsFunc(e.Details, func(d *errs.Error) bool { return hasCode(d, codes...) })
}

// unclear is the error of a move whose end nobody can make sense of (pain 5).
func unclear(places Places, err error) error {
	var lines []string
	for _, place := range []Place{Neither, Both, AtSource, AtTarget} {
		for _, id := range places.At(place) {
			lines = append(lines, id+" is "+place.String())
		}
	}
	trouble := errs.Wrap(errs.Conflict, "MoveUnclear", err, "the move left resources where they cannot be: %s", strings.Join(lines, "; "))
	return trouble.Advise("do nothing by hand; open a support ticket with the correlation ids in the report")
}
