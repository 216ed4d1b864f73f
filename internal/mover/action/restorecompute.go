package action

import (
	"context"
	"net/http"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

// restoreCompute makes a compute again at its landing (S09, S44). Behind the point of no return nothing is taken back.
type restoreCompute struct{ restoring }

func (restoreCompute) Done(ctx context.Context, t *Task) (bool, error) {
	where, body, _, err := computeBody(ctx, t)
	if err != nil {
		return false, err
	}
	return t.standsTold(ctx, where, body)
}

func (restoreCompute) Do(ctx context.Context, t *Task) error {
	if err := makeCompute(ctx, t); err != nil {
		return err
	}
	return t.Journal.Advance(ctx, t.Step.ID, told)
}

// computeBody is the body that makes a compute again. An instance without an assigned user is assigned to whoever made it: else it would be this tool's (pain 25).
func computeBody(ctx context.Context, t *Task) (where arm.ID, body, original arm.Document, err error) {
	id, err := t.Subject()
	if err != nil {
		return nil, nil, nil, err
	}
	if original, err = t.Original(ctx, id); err != nil {
		return nil, nil, nil, err
	}
	where, body, err = t.wanted(ctx)
	if err != nil || aml.ComputeTypeOf(body.Text("properties.computeType")) != aml.ComputeInstance {
		return where, body, original, err
	}
	const assigned = "properties.properties.personalComputeInstanceSettings.assignedUser"
	maker := original.Object("properties.properties.createdBy")
	if user := maker.Text("userId"); user != "" && body.Text(assigned+".objectId") == "" {
		body.Set(assigned, map[string]any{"objectId": user, "tenantId": maker.Text("userOrgId")})
	}
	return where, body, original, nil
}

// makeCompute makes a compute as it was, and stops an instance that was stopped. On the way back it comes with what was bound to it; behind the move that is for steps of their own.
func makeCompute(ctx context.Context, t *Task) error {
	if err := remakeCompute(ctx, t); err != nil || !t.Back {
		return err
	}
	id, err := t.Subject()
	if err != nil {
		return err
	}
	return t.rebind(ctx, id)
}

func remakeCompute(ctx context.Context, t *Task) error {
	where, body, original, err := computeBody(ctx, t)
	if err != nil {
		return err
	}
	if as, err := t.asItWas(ctx, where, body, original); as || err != nil {
		return err
	}
	if err := t.behind(ctx, where, body); err != nil {
		return err
	}
	now, err := t.ensure(ctx, where, body)
	if err != nil {
		return err
	}
	if err := t.halt(ctx, where, original); err != nil {
		return err
	}
	if err := t.compareIdentities(ctx, original, now); err != nil {
		return err
	}
	return t.mentions(ctx, body)
}

// behind refuses to attach a compute whose resource is not there any more. What cannot be read is left to the service to judge.
func (t *Task) behind(ctx context.Context, where arm.ID, body arm.Document) error {
	id, err := arm.Parse(body.Text("properties.resourceId"))
	if err != nil {
		return nil //nolint:nilerr // a managed compute has nothing behind it
	}
	_, err = t.Client.Get(ctx, id.String(), t.Version(ctx, id))
	e := errs.As(err)
	if e == nil || e.Code != "ResourceNotFound" && e.Code != "ResourceGroupNotFound" {
		return ctx.Err()
	}
	return errs.Wrap(errs.Conflict, "ResourceBehindGone", err, "%s cannot be attached: what is behind it, %s, is not there any more", where.Name(), id).At(where.String()).
		Advise("bring the resource back and resume, or leave the compute out")
}

// haltLimit is how long an instance that was just made may take to settle before it can be stopped.
const haltLimit = 30 * time.Minute

// halting are the states in which a compute instance was stopped, or on its way to it.
var halting = map[aml.InstanceState]bool{aml.InstanceStopped: true, aml.InstanceStopping: true}

// halt stops an instance that was stopped before (the service starts what it makes). One that cannot be stopped is remarked: it costs, and harms nothing else.
func (t *Task) halt(ctx context.Context, where arm.ID, original arm.Document) error {
	const state = "properties.properties.state"
	if !halting[aml.InstanceState(original.Text(state))] {
		return nil
	}
	is := aml.InstanceState("")
	begun := t.Clock.Now()
	err := t.Until(ctx, func() (bool, error) {
		now, found, err := t.Read(ctx, where)
		is = aml.InstanceState(now.Text(state))
		return err != nil || !found || !passes[is] || t.Clock.Now().Sub(begun) > haltLimit, err
	})
	if err != nil || is == aml.InstanceStopped {
		return err
	}
	_, err = t.Send(ctx, http.MethodPost, where.String()+"/stop", t.Version(ctx, where), nil)
	if err == nil || ctx.Err() != nil || errs.Retryable(err) {
		return err
	}
	return t.Remark(ctx, Differs, where.Name()+" was stopped before and is "+string(is)+" now: it could not be stopped: "+err.Error())
}

// passes are the states of an instance that end by themselves.
var passes = map[aml.InstanceState]bool{aml.InstanceCreating: true, aml.InstanceStarting: true, aml.InstanceStopping: true, aml.InstanceRestarting: true, "SettingUp": true, "UserSettingUp": true}
