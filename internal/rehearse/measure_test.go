package rehearse

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/mover"
	"github.com/amlmove/amlmove/internal/plan"
)

func TestRunsAreMeasured(t *testing.T) {
	t.Parallel()
	const workspace = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
	begin := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	request := func(method, path string, took time.Duration, status int, failed error) mover.Request {
		r := mover.Request{Method: method, Path: path, Began: begin, Status: status}
		if took > 0 {
			r.Ended = begin.Add(took)
		}
		if failed != nil {
			r.Reason = failed.Error()
		}
		return r
	}
	first := mover.Story{Requests: []mover.Request{
		request("PUT", workspace+"/computes/a", 4*time.Minute, 201, nil),
		request("PUT", workspace+"/computes/b", 2*time.Minute, 201, nil),
		request("PUT", workspace+"/computes/c", 9*time.Minute+400*time.Millisecond, 202, nil),
		request("PUT", workspace+"/computes/d", time.Hour, 202, errors.New("it failed")),
		request("PUT", workspace+"/computes/e", time.Hour, 409, nil),
		request("PUT", workspace+"/computes/f", 0, 202, nil),                  // it runs
		request("PUT", workspace+"/data/d/versions/1", time.Second, 201, nil), // nothing that a rehearsal has a duration for
		request("POST", workspace+"/computes/a/stop", 1234567*time.Microsecond, 202, nil),
		request("POST", "/subscriptions/s/resourceGroups/g/validateMoveResources", 5*time.Minute, 202, nil),
		request("POST", "/subscriptions/s/resourceGroups/g/moveResources", 25*time.Minute, 202, nil),
		request("POST", "/subscriptions/s/providers/Microsoft.Storage/register", time.Second, 200, nil),
		request("DELETE", workspace+"/onlineEndpoints/e", 3*time.Minute, 202, nil),
	}}
	second := mover.Story{Requests: []mover.Request{request("PUT", workspace+"/onlineEndpoints/e/deployments/blue", 11*time.Minute, 201, nil),
		request("PUT", workspace+"/computes/a", 5*time.Minute, 201, nil)}}
	killed := mover.Story{Record: mover.Record{Attempt: 2}, Requests: []mover.Request{request("PUT", workspace+"/computes/a", 10*time.Hour, 201, nil), request("PUT", workspace+"/computes/b", 3*time.Minute, 201, nil)},
		Steps: []mover.StepRecord{{Step: "restore/a", Tries: 2}, {Step: "restore/b", Tries: 1}}}
	killed.Requests[0].Step, killed.Requests[1].Step = "restore/a", "restore/b"
	of := func(name string, count int, typical, worst time.Duration) Measured {
		return Measured{name, count, plan.Duration(typical), plan.Duration(worst), DefaultModel()[name].Typical}
	}
	want := []Measured{
		of("computes.put", 5, 4*time.Minute, 9*time.Minute),
		of("computes.stop", 1, 1230*time.Millisecond, 1230*time.Millisecond),
		of("deployments.put", 1, 11*time.Minute, 11*time.Minute),
		of("move.move", 1, 25*time.Minute, 25*time.Minute),
		of("move.validate", 1, 5*time.Minute, 5*time.Minute),
		of("onlineendpoints.delete", 1, 3*time.Minute, 3*time.Minute),
	}
	got := Measure([]mover.Story{first, second, killed})
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	if m := ModelOf(got); len(m) != len(want) || m["computes.put"].Worst != plan.Duration(9*time.Minute) {
		t.Errorf("as a file they are %v", m)
	}
	if none := Measure(nil); none == nil || len(none) != 0 {
		t.Errorf("no runs give %v", none)
	}
}
