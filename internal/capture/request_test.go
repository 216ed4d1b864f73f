package capture

import (
	"testing"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// requestsOf returns the documents about requests in a snapshot.
func requestsOf(t *testing.T, s *snapshot.Snapshot) []arm.Document {
	t.Helper()
	var docs []arm.Document
	for d, err := range s.Of(t.Context(), snapshot.Source, aml.Metrics) {
		if err != nil {
			t.Fatal(err)
		}
		doc, err := arm.ParseDocument(d.Body)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, doc)
	}
	return docs
}

func TestRequestsOfAnEndpointAreSummed(t *testing.T) {
	t.Parallel()
	const endpoint = ws + "/onlineEndpoints/e"
	const metrics = endpoint + "/providers/Microsoft.Insights/metrics"
	list := map[string]string{ws + "/onlineEndpoints": `200 {"value":[{"id":"` + endpoint + `","properties":{}}]}`}
	for _, c := range []struct {
		name, answer string
		want         float64
		gap          bool
	}{
		{"the points of all series are added up (S29)", `200 {"value":[{"timeseries":[{"data":[{"average":2},{"timeStamp":"x"},{"average":0.5}]},{"data":[{"average":1}]}]}]}`, 3.5, false},
		{"no series is no request (S29)", `200 {"value":[{"timeseries":[]}]}`, 0, false},
		{"what may not be read is a gap (S29)", `403 {"error":{"code":"AuthorizationFailed","message":"no"}}`, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			answers := map[string]string{metrics: c.answer}
			for path, answer := range list {
				answers[path] = answer
			}
			s, _, err := shoot(t, answers)
			if err != nil {
				t.Fatal(err)
			}
			docs := requestsOf(t, s)
			gaps, err := s.Gaps(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			hidden := false
			for _, g := range gaps {
				hidden = hidden || g.Path == metrics
			}
			if hidden != c.gap || (len(docs) == 1) == c.gap {
				t.Fatalf("%d documents and the gaps %v", len(docs), gaps)
			}
			if c.gap {
				return
			}
			if got, ok := docs[0].Number("requests"); !ok || got != c.want || docs[0].Text("id") != metrics+"/RequestsPerMinute" {
				t.Errorf("the requests are %v, want %v", docs[0], c.want)
			}
		})
	}
}
