package capture

import (
	"context"
	"encoding/json"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// requestMetric counts the calls of an online endpoint, one number a minute.
const requestMetric = "RequestsPerMinute"

// requests asks how often an online endpoint was invoked in the last hour, and keeps the sum (S29). The series itself is not kept: every minute has another one, so
// that no two snapshots of an unchanged workspace would be alike.
func (r *reading) requests(ctx context.Context, endpoint head) error {
	scope := endpoint.ID + "/providers/" + string(aml.Metrics)
	q := query{section: snapshot.Source, path: scope, typ: aml.Metrics, why: "whether the endpoint is being invoked is not known"}
	version := r.versionOf(ctx, q)
	body, err := r.get(ctx, scope+"?metricnames="+requestMetric+"&aggregation=Average&interval=PT1M", version)
	if err != nil {
		return r.gap(ctx, q, err)
	}
	sum, err := sumOf(body)
	if err != nil {
		return errs.Wrap(errs.Unavailable, "AnswerDamaged", err, "read the requests of %s", endpoint.ID)
	}
	id := scope + "/" + requestMetric
	kept, err := json.Marshal(map[string]any{"id": id, "name": requestMetric, "type": string(aml.Metrics), "requests": sum, "timespan": "PT1H"})
	if err != nil {
		return errs.Wrap(errs.Internal, "EncodeFailed", err, "write the requests of %s", endpoint.ID)
	}
	return r.keep(ctx, r.document(snapshot.Source, id, aml.Metrics, version, kept))
}

// sumOf adds up the points of all series in an answer; what has no value counts as nought.
func sumOf(body json.RawMessage) (float64, error) {
	var answer struct {
		Value []struct {
			Timeseries []struct {
				Data []struct{ Average float64 }
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return 0, err
	}
	sum := 0.0
	for _, metric := range answer.Value {
		for _, series := range metric.Timeseries {
			for _, point := range series.Data {
				sum += point.Average
			}
		}
	}
	return sum, nil
}
