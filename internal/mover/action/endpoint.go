package action

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// removeEndpoint removes an online, batch or serverless endpoint with its deployments (S10, S36).
type removeEndpoint struct{}

// Check refuses when the endpoint or a deployment is not what the snapshot says, or a deployment is new: it would go along and could not be made again (D2).
func (removeEndpoint) Check(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	now, found, err := t.Read(ctx, id)
	if err != nil || !found || deleting(now) {
		return err
	}
	if err := t.sameAs(ctx, id, now, breathes...); err != nil {
		return err
	}
	if _, has := aml.KindOf(deploymentType(id)); !has {
		return nil
	}
	return t.List(ctx, id.String()+"/deployments", id.Child(arm.Hop{Type: "deployments", Name: "any"}), func(doc arm.Document) error {
		d, err := arm.Parse(doc.Text("id"))
		if err != nil || deleting(doc) {
			return err
		}
		return t.sameAs(ctx, d, doc, breathes...)
	})
}

func deleting(doc arm.Document) bool {
	return aml.StateOf(doc.Text("properties.provisioningState")) == aml.Deleting
}

// deploymentType is the type of the deployments of an endpoint; that of serverless ones is of no known kind.
func deploymentType(endpoint arm.ID) arm.Type { return endpoint.Type() + "/deployments" }

// breathes are members of endpoints and deployments that change without anybody changing what they are: autoscale sets the number of instances, and the service keeps notes of its own.
var breathes = []string{"sku.capacity", "properties.properties"}

// sameAs refuses when a document is not what the snapshot has of it, but for some members and what is below them.
func (t *Task) sameAs(ctx context.Context, id arm.ID, now arm.Document, but ...string) error {
	original, err := t.Original(ctx, id)
	if errs.Is(err, errs.NotFound) {
		return errs.New(errs.Conflict, "SubjectChanged", "%s was made after the workspace was written down: it would be lost", id).At(id.String()).Advise("nothing was removed; plan again")
	}
	if err != nil {
		return err
	}
	kind, _ := aml.KindOf(id.Type())
	for _, path := range differs(kind, original, now) {
		if !slices.ContainsFunc(but, func(b string) bool { return path == b || strings.HasPrefix(path, b+".") }) {
			was, _ := original.At(path)
			is, _ := now.At(path)
			return changed(id, path, was, is)
		}
	}
	return nil
}

func (removeEndpoint) Done(ctx context.Context, t *Task) (bool, error) { return t.gone(ctx) }

// Do refuses to remove an endpoint whose keys are not sealed: it could not be made again as it was (D2). They are read once more, as draining may have taken hours: a key that was changed
// meanwhile must not come back. An endpoint that is being changed is waited for, and asked once more whether it is what would be made again.
func (e removeEndpoint) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
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
	now, found, err := t.settledOrGone(ctx, id)
	if !found || err != nil && !errs.Is(err, errs.Conflict) {
		return err
	}
	if keys != nil && aml.StateOf(now.Text("properties.provisioningState")) == aml.Succeeded {
		if err := t.seal(ctx, id); err != nil {
			return err
		}
	}
	if err := e.Check(ctx, t); err != nil {
		return err
	}
	return t.Remove(ctx, id, "")
}

// Undo makes the endpoint again where it was: itself with its keys, its deployments side by side, its traffic, and what was bound to them.
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
	failures := make([]error, len(deployments))
	var busy sync.WaitGroup
	for i, d := range deployments {
		busy.Go(func() { failures[i] = makeDeployment(ctx, t, d) })
	}
	busy.Wait()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	if err := setTraffic(ctx, t, id); err != nil {
		return err
	}
	return t.rebind(ctx, id)
}

// deploymentsOf lists the deployments that an endpoint had, but for those that had failed.
func (t *Task) deploymentsOf(ctx context.Context, endpoint arm.ID) ([]arm.ID, error) {
	var ids []arm.ID
	for d, err := range t.Before.Of(ctx, snapshot.Content, deploymentType(endpoint)) {
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
		if id.Within(endpoint) && aml.StateOf(doc.Text("properties.provisioningState")) != aml.Failed {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// endpointKeys are the sealed keys of an endpoint that uses keys; nil for others, and for kinds whose keys nobody can give (batch, serverless).
func endpointKeys(t *Task, id arm.ID, original arm.Document) (map[string]any, error) {
	if !keyed(original) || !id.Type().Is(aml.Workspaces+"/onlineEndpoints") {
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

// keyed reports whether callers of an endpoint show a key.
func keyed(endpoint arm.Document) bool {
	return strings.EqualFold(endpoint.Text("properties.authMode"), "Key")
}
