package action

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
)

// registerProvider registers the target subscription for a namespace (S17). A registration that was made stays: it is harmless.
type registerProvider struct{ restoring }

// providersVersion is with which providers are read and registered: that of Known, not of an offer, which is what is being read.
func providersVersion() string { return azure.Known(aml.Providers)[0] }

func (registerProvider) Done(ctx context.Context, t *Task) (bool, error) {
	doc, err := t.Client.Get(ctx, t.Step.Subject, providersVersion())
	if err != nil {
		return false, err
	}
	return strings.EqualFold(arm.Document(doc).Text("registrationState"), "Registered"), nil
}

// registrationLimit is how long a registration may stay in the state Registering.
const registrationLimit = time.Hour

func (r registerProvider) Do(ctx context.Context, t *Task) error {
	if _, err := t.Send(ctx, http.MethodPost, t.Step.Subject+"/register", providersVersion(), nil); err != nil {
		return err
	}
	begun := t.Clock.Now()
	return t.Until(ctx, func() (bool, error) {
		done, err := r.Done(ctx, t)
		if !done && err == nil && t.Clock.Now().Sub(begun) > registrationLimit {
			err = errs.New(errs.Conflict, "RegistrationUnended", "%s is not registered after %s", t.Step.Subject, registrationLimit).At(t.Step.Subject).Advise("look at the provider's registration; amlmove resume looks again")
		}
		t.Say("the registration is under way")
		return done, err
	})
}

// createGroup makes the target resource group (S40).
type createGroup struct{}

func (createGroup) Check(context.Context, *Task) error { return nil }

func (createGroup) Done(ctx context.Context, t *Task) (bool, error) {
	id, err := t.Subject()
	if err != nil {
		return false, err
	}
	var detail plan.GroupDetail
	if err := t.Detail(&detail); err != nil {
		return false, err
	}
	now, found, err := t.Read(ctx, id)
	if err != nil || !found {
		return false, err
	}
	if !strings.EqualFold(region(now.Text("location")), region(detail.Location)) {
		return false, errs.New(errs.Conflict, "GroupElsewhere", "the resource group %s is in %s, and the workspace in %s", id.Name(), now.Text("location"), detail.Location).At(id.String()).
			Advise("plan again with a group in the region of the workspace")
	}
	return settled(now), nil
}

// region is a location as paths spell it.
func region(location string) string { return strings.ToLower(strings.ReplaceAll(location, " ", "")) }

// ourGroup is the cursor of a resource group that this run has made, or was about to.
const ourGroup = "made by this run"

// Do makes the group. One that is there is left as it is, with its tags.
func (createGroup) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	var detail plan.GroupDetail
	if err := t.Detail(&detail); err != nil {
		return err
	}
	if _, found, err := t.Read(ctx, id); err != nil || found {
		return err
	}
	if err := t.Journal.Advance(ctx, t.Step.ID, ourGroup); err != nil {
		return err
	}
	_, err = t.Put(ctx, id, arm.Document{"location": detail.Location})
	if _, answered := azure.TraceOf(err); answered && !errs.Is(err, errs.Unavailable) { // it was refused: whoever makes the group then, it is not this run
		return errors.Join(err, t.Journal.Advance(ctx, t.Step.ID, ""))
	}
	return err
}

// Undo deletes the group if this run made it and it is still empty. Once it is gone, one of its name is not the run's any more.
func (createGroup) Undo(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	if cursor, err := t.Journal.Cursor(ctx, t.Step.ID); err != nil || cursor != ourGroup {
		return err
	}
	if _, found, err := t.Read(ctx, id); err != nil {
		return err
	} else if !found {
		return t.Journal.Advance(ctx, t.Step.ID, "")
	}
	empty := true
	err = t.Client.List(ctx, id.String()+"/resources", t.Version(ctx, id), func(json.RawMessage) error { empty = false; return nil })
	if err != nil {
		return err
	}
	if !empty {
		return t.Remark(ctx, ToDo, "the resource group "+id.Name()+" was made for the move and is left: somebody has put something into it")
	}
	if err := t.Remove(ctx, id, ""); err != nil {
		return err
	}
	return t.Journal.Advance(ctx, t.Step.ID, "")
}
