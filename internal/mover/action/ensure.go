package action

import (
	"context"
	"regexp"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/errs"
)

// heldLimit is how long a name may stay blocked after what had it was removed (pain 26).
const heldLimit = 30 * time.Minute

// ensure makes a resource as it is wanted, unless it stands. A failed leftover of an earlier try is written over, or taken away when it cannot be; a name that is still blocked is waited for.
func (t *Task) ensure(ctx context.Context, where arm.ID, body arm.Document) (arm.Document, error) {
	present, found, settling := t.settledOrGone(ctx, where)
	if settling != nil && !errs.Is(settling, errs.Conflict) { // Conflict: it settled badly
		return nil, settling
	}
	if found && settling == nil && len(lacks(present, body)) == 0 {
		return present, nil
	}
	if !found {
		return t.create(ctx, where, body)
	}
	doc, err := t.Put(ctx, where, body)
	if settling == nil || !refused(err) {
		return doc, err
	}
	t.Say("a leftover that had failed cannot be written over, and is made anew: " + errs.As(err).Code)
	if err := t.Remove(ctx, where, removal(where, present)); err != nil {
		return nil, err
	}
	return t.create(ctx, where, body)
}

// refused reports whether a request was refused for what it asks, rather than accepted and failed later: what is the matter then is not the leftover.
func refused(err error) bool {
	_, answered := azure.TraceOf(err)
	return answered && (errs.Is(err, errs.Conflict) || errs.Is(err, errs.Invalid))
}

// create makes a resource that is not there, and waits while its name is blocked.
func (t *Task) create(ctx context.Context, where arm.ID, body arm.Document) (arm.Document, error) {
	begun := t.Clock.Now()
	for wait := firstLook; ; wait = min(wait*2, lastLook) {
		doc, err := t.Put(ctx, where, body)
		if err == nil {
			return doc, nil
		}
		held, asking := t.held(ctx, where, err)
		if asking != nil {
			return nil, asking
		}
		if !held {
			return doc, err
		}
		if t.Clock.Now().Sub(begun) > heldLimit {
			return nil, errs.Wrap(errs.Conflict, "NameHeld", err, "the name %s is not free %s after its last holder was removed", where.Name(), heldLimit).At(where.String()).
				Advise("amlmove resume tries again; if somebody else in the region has taken the name, they must give it back")
		}
		t.Say("the name is still blocked: " + errs.As(err).Code)
		if err := t.Clock.Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// heldName is how services word that a name is not free.
var heldName = regexp.MustCompile(`(?i)\bname\b[^.]*\b(unique|in use|taken|reserved|held|already exists)\b|Name(Already|Not|Un)`)

// endpoints are the kinds whose names are unique in a region.
var endpoints = map[string]bool{"onlineEndpoints": true, "batchEndpoints": true, "serverlessEndpoints": true}

// held reports whether an error says that a name is not free yet. For a while after an endpoint was removed the service answers 404 to its name, as it does when the workspace is not there.
func (t *Task) held(ctx context.Context, where arm.ID, err error) (bool, error) {
	e := errs.As(err)
	switch {
	case e == nil || e.Code == "ProvisioningFailed":
		return false, nil
	case e.Kind == errs.Conflict || e.Kind == errs.Invalid:
		return heldName.MatchString(e.Code) || heldName.MatchString(e.Message), nil
	case e.Kind != errs.NotFound:
		return false, nil
	}
	if kind, _ := aml.KindOf(where.Type()); !endpoints[kind.Path] {
		return false, nil
	}
	_, found, reading := t.Read(ctx, where.Parent())
	return found, reading
}

// settledOrGone waits until nobody changes a resource by themselves any more, or it is gone. Conflict, with the document, when it settled badly.
func (t *Task) settledOrGone(ctx context.Context, id arm.ID) (doc arm.Document, found bool, err error) {
	if _, found, err = t.Read(ctx, id); err != nil || !found {
		return nil, false, err
	}
	doc, err = t.Settled(ctx, id)
	if errs.Is(err, errs.NotFound) { // it was being deleted
		return nil, false, nil
	}
	return doc, true, err
}

// asItWas reports whether a step that is undone finds its subject as it was before the run, a failure included: nothing was done to it, so nothing is to be undone.
func (t *Task) asItWas(ctx context.Context, where arm.ID, body, original arm.Document) (bool, error) {
	if !t.Back {
		return false, nil
	}
	now, found, err := t.settledOrGone(ctx, where)
	if err != nil && !errs.Is(err, errs.Conflict) || !found {
		return false, err
	}
	const state = "properties.provisioningState"
	return now.Text(state) == original.Text(state) && len(lacks(now, body)) == 0, nil
}
