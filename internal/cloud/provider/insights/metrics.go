package insights

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/errs"
)

// MetricsAt is where a resource keeps its metrics in the private part of its document: an object of lists of numbers by metric name, one number
// a minute, the newest last. A bare list counts as RequestsPerMinute, the metric by which one sees whether an endpoint is used (S29).
const MetricsAt = "metrics"

// defaultMetric is the name of a bare list.
const defaultMetric = "RequestsPerMinute"

// MetricsQuery is what a client asks for.
type MetricsQuery struct {
	Names       []string
	From, To    time.Time
	Aggregation []string
	Namespace   string
}

// maxSpan bounds how many minutes one answer shows.
const maxSpan = 24 * time.Hour

// ParseMetricsQuery reads metricnames, timespan, aggregation and metricnamespace; the last hour by default.
func ParseMetricsQuery(q url.Values, now time.Time) (MetricsQuery, error) {
	now = now.UTC().Truncate(time.Minute)
	query := MetricsQuery{From: now.Add(-time.Hour), To: now, Namespace: param(q, "metricnamespace")}
	query.Names = words(param(q, "metricnames"))
	if query.Aggregation = words(strings.ToLower(param(q, "aggregation"))); len(query.Aggregation) == 0 {
		query.Aggregation = []string{"average"}
	}
	for _, name := range query.Aggregation {
		if !strings.Contains(" average total count minimum maximum none ", " "+name+" ") {
			return query, errs.New(errs.Invalid, "BadRequest", "Unsupported aggregation type '%s'.", name).At("aggregation")
		}
	}
	span := param(q, "timespan")
	if span == "" {
		return query, nil
	}
	plain, err := url.PathUnescape(span) // az escapes it twice
	from, to, found := strings.Cut(plain, "/")
	start, errFrom := instant(from)
	end, errTo := instant(to)
	if !found || err != nil || errFrom != nil || errTo != nil || !start.Before(end) {
		return query, errs.New(errs.Invalid, "BadRequest", "The time span '%s' is not of the form start/end with a start before its end.", span).At("timespan")
	}
	query.From, query.To = start.UTC().Truncate(time.Minute), end.UTC().Truncate(time.Minute)
	if query.To.Sub(query.From) > maxSpan {
		query.From = query.To.Add(-maxSpan)
	}
	return query, nil
}

// instant reads a time in ISO 8601; one without a zone is in UTC.
func instant(text string) (time.Time, error) {
	if at, err := time.Parse("2006-01-02T15:04:05", text); err == nil {
		return at, nil
	}
	return time.Parse(time.RFC3339, text)
}

// Metrics renders the answer of .../providers/Microsoft.Insights/metrics from the numbers that a resource keeps, at a time.
func Metrics(scope arm.ID, region string, query MetricsQuery, stored any, now time.Time) map[string]any {
	series := numbers(stored)
	names := query.Names
	if len(names) == 0 {
		names = []string{defaultMetric}
	}
	values := []any{}
	for _, name := range names {
		values = append(values, metric(scope, name, query, series[strings.ToLower(name)], now.UTC().Truncate(time.Minute)))
	}
	namespace := query.Namespace
	if namespace == "" {
		namespace = string(scope.Type())
	}
	return map[string]any{"cost": 0, "timespan": query.From.Format(time.RFC3339) + "/" + query.To.Format(time.RFC3339), "interval": "PT1M",
		"value": values, "namespace": namespace, "resourceregion": provider.Region(region)}
}

// metric renders one metric: a point for every minute of the time asked for, nought where nothing was kept.
func metric(scope arm.ID, name string, query MetricsQuery, kept []float64, now time.Time) map[string]any {
	points := []any{}
	for at := query.From; at.Before(query.To); at = at.Add(time.Minute) {
		value := 0.0
		if age := int(now.Sub(at)/time.Minute) - 1; age >= 0 && age < len(kept) {
			value = kept[len(kept)-1-age]
		}
		point := map[string]any{"timeStamp": at.Format(time.RFC3339)}
		for _, aggregation := range query.Aggregation {
			point[aggregation] = value
		}
		points = append(points, point)
	}
	label := map[string]any{"value": name, "localizedValue": name}
	return map[string]any{"id": scope.String() + "/providers/Microsoft.Insights/metrics/" + name, "type": "Microsoft.Insights/metrics", "name": label,
		"displayDescription": name, "unit": "Count", "errorCode": "Success", "timeseries": []any{map[string]any{"metadatavalues": []any{}, "data": points}}}
}

// numbers reads what a resource keeps; what is no number counts as nought.
func numbers(stored any) map[string][]float64 {
	series := map[string][]float64{}
	switch kept := stored.(type) {
	case []any:
		series[strings.ToLower(defaultMetric)] = list(kept)
	case map[string]any:
		for name, values := range kept {
			if items, ok := values.([]any); ok {
				series[strings.ToLower(name)] = list(items)
			}
		}
	}
	return series
}

func list(items []any) []float64 {
	out := make([]float64, len(items))
	for i, item := range items {
		switch n := item.(type) {
		case json.Number:
			out[i], _ = n.Float64()
		case float64:
			out[i] = n
		case int:
			out[i] = float64(n)
		}
	}
	return out
}

// readMetrics is the extension read: Call.ID, Call.Found and Call.Doc are those of the scope.
func readMetrics(c *provider.Call) (any, error) {
	query, err := ParseMetricsQuery(c.Query, c.Now)
	if err != nil {
		return nil, err
	}
	return Metrics(c.ID, c.Location(), query, c.Doc.Private[MetricsAt], c.Now), nil
}

// param reads a query parameter without regard to the case of its name.
func param(q url.Values, name string) string {
	for key, values := range q {
		if strings.EqualFold(key, name) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

// words splits a list that is written with commas.
func words(text string) []string {
	var out []string
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			out = append(out, word)
		}
	}
	return out
}
