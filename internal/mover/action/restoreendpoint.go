package action

import (
	"context"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
)

// restoreEndpoint makes an endpoint again at its landing (S10, S44). Behind the point of no return nothing is taken back.
type restoreEndpoint struct{ restoring }

func (restoreEndpoint) Done(ctx context.Context, t *Task) (bool, error) {
	id, err := t.Subject()
	if err != nil {
		return false, err
	}
	where, body, err := endpointBody(ctx, t, id)
	if err != nil {
		return false, err
	}
	return t.standsTold(ctx, where, body)
}

func (restoreEndpoint) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	if err := makeEndpoint(ctx, t, id); err != nil {
		return err
	}
	return t.Journal.Advance(ctx, t.Step.ID, told)
}

// traffic are the members of an endpoint that can only be set when its deployments are there.
var traffic = []string{"properties.traffic", "properties.mirrorTraffic", "properties.defaults"}

// endpointBody is the body that makes an endpoint again, without traffic.
func endpointBody(ctx context.Context, t *Task, id arm.ID) (arm.ID, arm.Document, error) {
	where, body, err := t.wantedOf(ctx, id)
	for _, path := range traffic {
		body.Delete(path)
	}
	return where, body, err
}

// makeEndpoint makes an endpoint with its keys, unless it stands.
func makeEndpoint(ctx context.Context, t *Task, id arm.ID) error {
	where, body, err := endpointBody(ctx, t, id)
	if err != nil {
		return err
	}
	original, err := t.Original(ctx, id)
	if err != nil {
		return err
	}
	if as, err := t.asItWas(ctx, where, body, original); as || err != nil {
		return err
	}
	stands, err := t.stands(ctx, where, body)
	if err != nil {
		return err
	}
	if stands && t.Back { // nobody removed it: its keys are its owner's
		return t.tellEndpoint(ctx, where, original)
	}
	keys, err := endpointKeys(t, id, original)
	if err != nil {
		return err
	}
	if !stands {
		if keys != nil {
			body.Set("properties.keys", keys)
		}
		if _, err := t.ensure(ctx, where, body); err != nil {
			return err
		}
	}
	if !t.Back {
		if err := t.keepKeys(ctx, where, keys); err != nil {
			return err
		}
	}
	return t.tellEndpoint(ctx, where, original)
}

// tellEndpoint remarks what of an endpoint that was made again is not as it was.
func (t *Task) tellEndpoint(ctx context.Context, where arm.ID, original arm.Document) error {
	now, _, err := t.Read(ctx, where)
	if err != nil {
		return err
	}
	if keyed(original) && where.Type().Is(aml.Workspaces+"/serverlessEndpoints") {
		// The service takes no keys for them (aml-contract 3).
		if err := t.Remark(ctx, ToDo, "the keys of the serverless endpoint "+where.Name()+" are new: give them to its callers"); err != nil {
			return err
		}
	}
	if was, is := original.Text("properties.scoringUri"), now.Text("properties.scoringUri"); was != "" && is != was {
		if err := t.Remark(ctx, ToDo, "the address of "+where.Name()+" is now "+is+"; it was "+was+": tell its callers"); err != nil {
			return err
		}
	}
	return t.compareIdentities(ctx, original, now)
}
