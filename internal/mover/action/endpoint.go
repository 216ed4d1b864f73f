package action

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// removeEndpoint removes an online, batch or serverless endpoint with its deployments (S10, S36).
type removeEndpoint struct{}

func (removeEndpoint) Check(context.Context, *Task) error { return nil }

func (removeEndpoint) Done(ctx context.Context, t *Task) (bool, error) {
	id, err := t.Subject()
	if err != nil {
		return false, err
	}
	_, found, err := t.Read(ctx, id)
	return !found, err
}

// Do refuses to remove an endpoint whose keys are not sealed: it could not be made again as it was (D2).
func (removeEndpoint) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	original, err := t.Original(ctx, id)
	if err != nil {
		return err
	}
	if _, err := endpointKeys(t, id, original); err != nil {
		return err
	}
	return t.Remove(ctx, id, "")
}

// Undo makes the endpoint again where it was: itself with its keys, its deployments side by side, its traffic.
func (removeEndpoint) Undo(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	if err := makeEndpoint(ctx, t, id); err != nil {
		return err
	}
	deployments, err := t.deploymentsOf(ctx, id)
	if err != nil {
		return err
	}
	failed := make(chan error, len(deployments))
	for _, d := range deployments {
		go func() { failed <- makeDeployment(ctx, t, d) }()
	}
	var first error
	for range deployments {
		if err := <-failed; err != nil && first == nil {
			first = err
		}
	}
	if first != nil {
		return first
	}
	return setTraffic(ctx, t, id)
}

// deploymentsOf lists the deployments that an endpoint had, but for those that had failed.
func (t *Task) deploymentsOf(ctx context.Context, endpoint arm.ID) ([]arm.ID, error) {
	var ids []arm.ID
	for d, err := range t.Before.Of(ctx, snapshot.Content, endpoint.Type()+"/deployments") {
		if err != nil {
			return nil, err
		}
		id, err := arm.Parse(d.ID)
		if err != nil {
			return nil, err
		}
		doc, err := arm.ParseDocument(d.Body)
		if err != nil {
			return nil, err
		}
		if id.Within(endpoint) && aml.ProvisioningState(doc.Text("properties.provisioningState")) != aml.Failed {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// endpointKeys are the sealed keys of an endpoint that uses keys; nil for others.
func endpointKeys(t *Task, id arm.ID, original arm.Document) (map[string]any, error) {
	if !strings.EqualFold(original.Text("properties.authMode"), "Key") || !id.Type().Is(aml.Workspaces+"/onlineEndpoints") {
		return nil, nil
	}
	secret, sealed := t.Secrets.Get(id.String())
	if !sealed {
		return nil, errs.New(errs.Conflict, "KeysNotSealed", "the keys of the endpoint %s are not sealed: it could not be made again with them", id.Name()).At(id.String()).Advise("amlmove resume reads them first")
	}
	var keys struct{ PrimaryKey, SecondaryKey string }
	if err := json.Unmarshal(secret, &keys); err != nil || keys.PrimaryKey == "" {
		return nil, errs.New(errs.Conflict, "KeysNotSealed", "what is sealed for the endpoint %s holds no keys", id.Name()).At(id.String())
	}
	return map[string]any{"primaryKey": keys.PrimaryKey, "secondaryKey": keys.SecondaryKey}, nil
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

// makeEndpoint makes an endpoint with its keys, unless it stands. Keys can be given only while it is made.
func makeEndpoint(ctx context.Context, t *Task, id arm.ID) error {
	where, body, err := endpointBody(ctx, t, id)
	if err != nil {
		return err
	}
	if stands, err := t.stands(ctx, where, body); stands || err != nil {
		return err
	}
	original, err := t.Original(ctx, id)
	if err != nil {
		return err
	}
	keys, err := endpointKeys(t, id, original)
	if err != nil {
		return err
	}
	if keys != nil {
		body.Set("properties.keys", keys)
	}
	now, err := t.ensure(ctx, where, body)
	if err != nil {
		return err
	}
	return t.compareIdentities(ctx, original, now)
}

// restoreEndpoint makes an endpoint again at its landing (S10, S44).
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
	return t.stands(ctx, where, body)
}

func (restoreEndpoint) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	return makeEndpoint(ctx, t, id)
}

// restoreDeployment makes a deployment again at its landing.
type restoreDeployment struct{ restoring }

func (restoreDeployment) Done(ctx context.Context, t *Task) (bool, error) {
	where, body, err := t.wanted(ctx)
	if err != nil {
		return false, err
	}
	return t.stands(ctx, where, body)
}

func (restoreDeployment) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	return makeDeployment(ctx, t, id)
}

func makeDeployment(ctx context.Context, t *Task, id arm.ID) error {
	where, body, err := t.wantedOf(ctx, id)
	if err != nil {
		return err
	}
	if _, err := t.ensure(ctx, where, body); err != nil {
		return err
	}
	return t.mentions(ctx, body)
}

// restoreTraffic gives an endpoint its traffic, mirror or default deployment again.
type restoreTraffic struct{ restoring }

func (restoreTraffic) Done(ctx context.Context, t *Task) (bool, error) {
	id, err := t.Subject()
	if err != nil {
		return false, err
	}
	where, body, err := t.wholeEndpoint(ctx, id)
	if err != nil {
		return false, err
	}
	now, found, err := t.Read(ctx, where)
	if err != nil || !found {
		return false, err
	}
	for _, path := range traffic {
		if len(lacks(now.Object(path), body.Object(path))) > 0 {
			return false, nil
		}
	}
	return true, nil
}

func (restoreTraffic) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	return setTraffic(ctx, t, id)
}

// setTraffic writes the endpoint whole, as it was: a PATCH cannot set traffic.
func setTraffic(ctx context.Context, t *Task, id arm.ID) error {
	where, body, err := t.wholeEndpoint(ctx, id)
	if err != nil {
		return err
	}
	_, err = t.ensure(ctx, where, body)
	return err
}

// wholeEndpoint is the body of an endpoint with its traffic: that of deployments which are made again. One that had failed got none, and the service refuses its name.
func (t *Task) wholeEndpoint(ctx context.Context, id arm.ID) (arm.ID, arm.Document, error) {
	where, body, err := t.wantedOf(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	deployments, err := t.deploymentsOf(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	for _, path := range []string{"properties.traffic", "properties.mirrorTraffic"} {
		shares := body.Object(path)
		for name := range shares {
			if !slices.ContainsFunc(deployments, func(d arm.ID) bool { return strings.EqualFold(d.Name(), name) }) {
				delete(shares, name)
			}
		}
	}
	return where, body, nil
}

// removeService removes a web service of the v1 API (S35), which nobody can make again.
type removeService struct{}

func (removeService) Check(context.Context, *Task) error { return nil }

func (removeService) Done(ctx context.Context, t *Task) (bool, error) {
	return removeEndpoint{}.Done(ctx, t)
}

func (removeService) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	return t.Remove(ctx, id, "")
}

// Undo says that it cannot.
func (removeService) Undo(ctx context.Context, t *Task) error {
	if done, err := (removeService{}).Done(ctx, t); !done || err != nil {
		return err
	}
	return t.Remark(ctx, ToDo, "the web service was removed as the plan said, and cannot be made again: deploy it anew")
}
