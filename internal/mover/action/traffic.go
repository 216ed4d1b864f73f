package action

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
)

// restoreTraffic gives an endpoint its traffic, mirror or default deployment again. Behind the point of no return nothing is taken back.
type restoreTraffic struct{ restoring }

func (restoreTraffic) Done(ctx context.Context, t *Task) (bool, error) {
	id, err := t.Subject()
	if err != nil {
		return false, err
	}
	where, body, _, err := t.wholeEndpoint(ctx, id)
	if err != nil {
		return false, err
	}
	return t.standsTold(ctx, where, body)
}

func (restoreTraffic) Do(ctx context.Context, t *Task) error {
	id, err := t.Subject()
	if err != nil {
		return err
	}
	if err := setTraffic(ctx, t, id); err != nil {
		return err
	}
	return t.Journal.Advance(ctx, t.Step.ID, told)
}

// setTraffic writes the endpoint whole, as it was: a PATCH cannot set traffic. One that has failed is written over and never made anew: its deployments would go with it.
func setTraffic(ctx context.Context, t *Task, id arm.ID) error {
	where, body, lost, err := t.wholeEndpoint(ctx, id)
	if err != nil {
		return err
	}
	present, found, settling := t.settledOrGone(ctx, where)
	switch {
	case settling != nil && !errs.Is(settling, errs.Conflict): // Conflict: it settled badly
		return settling
	case !found:
		return errs.New(errs.NotFound, "EndpointGone", "the endpoint %s is not there although it was made again: it has no deployments to share traffic out to", where.Name()).At(where.String()).
			Advise("make it again by hand, or plan again")
	case settling != nil || len(lacks(present, body)) > 0:
		if _, err := t.Put(ctx, where, body); err != nil {
			return err
		}
	}
	for _, text := range lost {
		if err := t.Remark(ctx, ToDo, text); err != nil {
			return err
		}
	}
	return nil
}

// wholeEndpoint is the body of an endpoint with its traffic: that of deployments which are made again. The service refuses names of others, and shares that do not sum to 0 or 100: where a
// deployment that had failed had a part, how it is shared now is for a person to decide, and lost says so.
func (t *Task) wholeEndpoint(ctx context.Context, id arm.ID) (where arm.ID, body arm.Document, lost []string, err error) {
	if where, body, err = t.wantedOf(ctx, id); err != nil {
		return nil, nil, nil, err
	}
	deployments, err := t.deploymentsOf(ctx, id)
	if err != nil {
		return nil, nil, nil, err
	}
	there := func(name string) bool {
		return slices.ContainsFunc(deployments, func(d arm.ID) bool { return strings.EqualFold(d.Name(), name) })
	}
	for _, path := range []string{"properties.traffic", "properties.mirrorTraffic"} {
		shares := body.Object(path)
		whole := path == "properties.traffic"
		for _, name := range slices.Sorted(maps.Keys(shares)) {
			if there(name) {
				continue
			}
			if percent, _ := shares.Number(name); percent > 0 {
				lost = append(lost, fmt.Sprintf("%s of %s had %v percent for the deployment %s, which had failed and is not made again", strings.TrimPrefix(path, "properties."), id.Name(), percent, name))
				if whole {
					lost[len(lost)-1] += ": the endpoint has no traffic until you share it out anew"
					body.Delete(path)
					break
				}
			}
			delete(shares, name)
		}
	}
	const standard = "properties.defaults.deploymentName"
	if name := body.Text(standard); name != "" && !there(name) {
		lost = append(lost, fmt.Sprintf("the default deployment of %s was %s, which had failed and is not made again: choose another", id.Name(), name))
		body.Delete("properties.defaults")
	}
	return where, body, lost, nil
}
