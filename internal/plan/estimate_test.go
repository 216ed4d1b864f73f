package plan

import (
	"fmt"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/snapshot"
)

func TestTheEstimateIsTheLongestWay(t *testing.T) {
	t.Parallel()
	empty := newScene(t).plan()
	if want := Duration(3*time.Minute + 10*time.Minute + 50*time.Second); empty.Takes != want {
		t.Errorf("an empty workspace takes %s, want %s: the verdict, the move, the diagnosis and the comparison", empty.Takes, want)
	}
	s := newScene(t)
	s.content("onlineEndpoints/e", `{"properties":{"authMode":"AMLToken"}}`)
	for i := range 5 {
		s.content(fmt.Sprintf("onlineEndpoints/e/deployments/d%d", i), `{"properties":{}}`)
	}
	p := s.plan()
	if want := empty.Takes + Duration(20*time.Second+5*time.Minute+2*time.Minute+15*time.Minute+30*time.Second); p.Takes != want {
		t.Errorf("with an endpoint of five deployments, which are made side by side, it takes %s, want %s", p.Takes, want)
	}
}

func TestTheEstimateIsNoLessThanTheBudgetAllows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*scene)
		least  time.Duration
	}{
		{"10,000 versions of data assets at 10 writes a second", func(s *scene) { s.counts["data/versions"] = 10_000 }, 16 * time.Minute},
		{"a million jobs are read three times at 25 pages a second", func(s *scene) { s.counts["jobs"] = 1_000_000 }, time.Hour},
		{"3,000 role assignments at 2 a second (pain 18)", func(s *scene) {
			for i := range 3000 {
				s.add(snapshot.Source, fmt.Sprintf("%s%sr%d", ws, roles, i), `{"properties":{"principalId":"a"}}`)
			}
		}, 25 * time.Minute},
		{"120 deployments by 12 hands", func(s *scene) {
			s.content("onlineEndpoints/e", `{"properties":{"authMode":"AMLToken"}}`)
			for i := range 120 {
				s.content(fmt.Sprintf("onlineEndpoints/e/deployments/d%d", i), `{"properties":{}}`)
			}
		}, 150 * time.Minute},
	} {
		s := newScene(t)
		c.change(s)
		if p := s.plan(); time.Duration(p.Takes) < c.least || time.Duration(p.Takes) > c.least+time.Hour {
			t.Errorf("%s: it takes %s, want %s or somewhat more", c.name, p.Takes, c.least)
		}
	}
}

func TestJobsAreWaitedForAsLongAsTheyMayTake(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, status, limit string
		want                time.Duration
	}{
		{"a job that runs", "Running", "", 30 * time.Minute},
		{"no longer than the limit", "Running", "5m", 5 * time.Minute},
		{"a job that is about to end", "Finalizing", "", 2 * time.Minute},
		{"nor that", "CancelRequested", "1m", time.Minute},
	} {
		s := newScene(t).content("jobs/j", `{"properties":{"status":"`+c.status+`"}}`)
		s.choices.DrainLimit = c.limit
		if got := step(t, s.plan(), "drain/endJob/j").Takes; got != Duration(c.want) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestWindowsBeginAndEndWithTheirSteps(t *testing.T) {
	t.Parallel()
	p := full(t).plan()
	at := p.spans()
	got := map[string]Window{}
	for _, w := range p.Windows {
		got[w.What] = w
		if want := Duration(at[w.To].end - at[w.From].begin); w.Takes != want {
			t.Errorf("%s is away for %s, want %s", w.What, w.Takes, want)
		}
	}
	for _, c := range []struct{ name, what, from, to string }{
		{"S30 the workspace", ws, "move/moveResources/ml", "move/moveResources/ml"},
		{"an online endpoint", ws + "/onlineEndpoints/on", "clear/removeEndpoint/on", "restore/restoreTraffic/on"},
		{"a batch endpoint", ws + "/batchEndpoints/ba", "clear/removeEndpoint/ba", "restore/restoreTraffic/ba"},
		{"a serverless endpoint", ws + "/serverlessEndpoints/se", "clear/removeEndpoint/se", "restore/restoreEndpoint/se"},
		{"a compute", ws + "/computes/cpu", "clear/removeCompute/cpu", "restore/restoreCompute/cpu"},
	} {
		if w := got[c.what]; w.From != c.from || w.To != c.to {
			t.Errorf("%s: from %s to %s, want %s to %s", c.name, w.From, w.To, c.from, c.to)
		}
	}
	if len(got) != 6 {
		t.Errorf("got %d windows, want 6", len(got))
	}
}

func TestEveryActionHasATypicalTime(t *testing.T) {
	t.Parallel()
	for _, s := range full(t).plan().Steps {
		if s.Takes <= 0 {
			t.Errorf("%s takes %s", s.ID, s.Takes)
		}
	}
}
