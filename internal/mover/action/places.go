package action

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

// Place is where a resource was found.
type Place int

// Where a resource can be after a move, or after one that ended in an error (pain 3).
const (
	Neither Place = iota // nowhere: a case for support
	AtSource
	AtTarget
	Both
)

var placeNames = [...]string{"neither at the source nor at the target", "at the source", "at the target", "at both ends"}

// String words the place.
func (p Place) String() string { return placeNames[p] }

// Places are where each resource of a plan is, by its id before the move.
type Places map[string]Place

// All reports whether all are at one place.
func (p Places) All(place Place) bool {
	for _, is := range p {
		if is != place {
			return false
		}
	}
	return len(p) > 0
}

// At lists the ids of what is at a place, sorted.
func (p Places) At(place Place) []string {
	var ids []string
	for id, is := range p {
		if is == place {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Locate reads where everything is that the plan moves, when no move is under way in either group any more. It waits for that, but not for ever: Conflict after moveLimit.
func Locate(ctx context.Context, t *Task) (Places, error) {
	if err := t.groupsSettled(ctx); err != nil {
		return nil, err
	}
	return t.look(ctx)
}

// StillThere reports whether all that the plan moves is still at the source, and nothing of it is on its way: a move that was asked for is attended to its end, since ARM may not have begun
// with it yet. The task is that of the move.
func StillThere(ctx context.Context, t *Task) (bool, error) {
	ending := t.unendedMoves(ctx)
	if open, err := t.Journal.Unended(ctx, t.Step.ID, false); err != nil || len(open) > 0 {
		return false, errors.Join(ending, err)
	}
	if ctx.Err() != nil {
		return false, ctx.Err() // any other error is how the move ended: both sides show what came of it
	}
	places, err := Locate(ctx, t)
	return err == nil && places.All(AtSource), err
}

// landed reports whether everything is at the target already, whoever moved it.
func (t *Task) landed(ctx context.Context) (bool, error) {
	id, err := arm.Parse(t.Plan.Workspace)
	if err != nil {
		return false, err
	}
	if _, found, err := t.Read(ctx, id); err != nil || found {
		return false, err
	}
	places, err := t.look(ctx)
	return err == nil && places.All(AtTarget), err
}

// look reads where everything is now.
func (t *Task) look(ctx context.Context) (Places, error) {
	places := Places{}
	for _, text := range t.Plan.Moving {
		id, err := arm.Parse(text)
		if err != nil {
			return nil, err
		}
		_, source, err := t.Read(ctx, id)
		if err != nil {
			return nil, err
		}
		_, target, err := t.Read(ctx, t.Map.ID(id))
		if err != nil {
			return nil, err
		}
		switch {
		case source && target:
			places[text] = Both
		case source:
			places[text] = AtSource
		case target:
			places[text] = AtTarget
		default:
			places[text] = Neither
		}
	}
	return places, nil
}

// How long and how often is waited for a group in which a move is under way: Azure ends a move after four hours (arm-move 1.1, 2).
const (
	moveLimit   = 4*time.Hour + 30*time.Minute
	firstLookIn = 20 * time.Second
	lastLookIn  = 300 * time.Second
)

// groupsSettled waits until nothing moves in either group any more. A group that cannot be read now is waited for as well.
func (t *Task) groupsSettled(ctx context.Context) error {
	source, err := arm.Parse(t.Plan.Workspace)
	if err != nil {
		return err
	}
	target, err := arm.Parse(t.Plan.Target)
	if err != nil {
		return err
	}
	begun := t.Clock.Now()
	for wait := firstLookIn; ; wait = min(wait*2, lastLookIn) {
		busy, err := t.busyGroup(ctx, source.GroupID(), target)
		if err == nil && busy == "" || err != nil && !errs.Retryable(err) {
			return err
		}
		if t.Clock.Now().Sub(begun) > moveLimit {
			if err != nil {
				return err
			}
			return errs.New(errs.Conflict, "GroupBusy", "the resource group %s for more than %s", busy, moveLimit).Advise("ask support with the correlation ids of the report; amlmove resume looks again")
		}
		if err != nil {
			busy = "cannot be read: " + err.Error()
		}
		t.Say("the resource group " + busy)
		if err := t.Clock.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// busyGroup says of the first group on which ARM works in which state it is; empty when none is.
func (t *Task) busyGroup(ctx context.Context, groups ...arm.ID) (string, error) {
	for _, group := range groups {
		doc, found, err := t.Read(ctx, group)
		if err != nil {
			return "", err
		}
		if state := doc.Text("properties.provisioningState"); found && moving(state) {
			return group.Name() + " is " + state, nil
		}
	}
	return "", nil
}

// moving reports whether a group's state says that ARM works on it (arm-move 3).
func moving(state string) bool {
	return strings.EqualFold(state, "MovingResources") || strings.EqualFold(state, "Updating") || strings.EqualFold(state, "Running")
}
