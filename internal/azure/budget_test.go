package azure

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"
)

// still is a clock that stands until somebody waits.
type still struct {
	mutex sync.Mutex
	now   time.Time
}

func (s *still) Now() time.Time { s.mutex.Lock(); defer s.mutex.Unlock(); return s.now }

func (s *still) Until(ctx context.Context, at time.Time) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if at.After(s.now) {
		s.now = at
	}
	return ctx.Err()
}

func start() *still { return &still{now: time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)} }

const (
	workspacePath = "/subscriptions/S1/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/jobs"
	rolePath      = "/subscriptions/S1/providers/Microsoft.Authorization/roleAssignments"
)

// spend sends requests through a budget without a network, and returns how long they took by its clock.
func spend(t *testing.T, b *Budget, clock *still, method, path string, n int) time.Duration {
	t.Helper()
	began := clock.Now()
	r, err := http.NewRequestWithContext(t.Context(), method, "https://arm.test"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		keys, limits := b.wanted(r)
		if err := clock.Until(t.Context(), b.reserve(keys, limits)); err != nil {
			t.Fatal(err)
		}
	}
	return clock.Now().Sub(began)
}

// TestABudgetStaysBelowTheLimitAndNearIt: whoever paces itself is not throttled, and uses at least 95 % of what it may (pain 50).
func TestABudgetStaysBelowTheLimitAndNearIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, method, path string
		n                  int
		limit              Limit
	}{
		{"reads", "GET", workspacePath, 2000, Limit{250, 25}},
		{"writes", "PUT", workspacePath, 1000, Limit{200, 10}},
		{"deletes", "DELETE", workspacePath, 1000, Limit{200, 10}},
		{"roles, whose provider has a limit of its own", "PUT", rolePath, 500, Limit{120, 2}},
		{"reads of the tenant", "GET", "/subscriptions", 1000, Limit{250, 25}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			clock := start()
			took := spend(t, NewBudget(Published(), clock), clock, c.method, c.path, c.n).Seconds()
			allowed := c.limit.Burst + c.limit.PerSecond*took
			if float64(c.n) > allowed {
				t.Errorf("%d requests in %.1f s: the limit is %.0f", c.n, took, allowed)
			}
			if float64(c.n) < 0.95*allowed {
				t.Errorf("%d requests in %.1f s: only %.1f%% of the budget", c.n, took, float64(c.n)/allowed*100)
			}
		})
	}
}

func TestBucketsOfSubscriptionsAreApart(t *testing.T) {
	t.Parallel()
	clock := start()
	b := NewBudget(Published(), clock)
	if took := spend(t, b, clock, "GET", workspacePath, 240) + spend(t, b, clock, "GET", "/subscriptions/S2/resourceGroups", 240) + spend(t, b, clock, "PUT", workspacePath, 190); took != 0 {
		t.Errorf("three full buckets made somebody wait %s", took)
	}
	if took := spend(t, b, clock, "GET", "/SUBSCRIPTIONS/s1/resourceGroups", 30); took == 0 {
		t.Error("the same subscription in another case has a bucket of its own")
	}
}

func answer(status int, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h}
}

func TestABudgetLearnsFromAnswers(t *testing.T) {
	t.Parallel()
	clock := start()
	b := NewBudget(Published(), clock)
	keys := []bucketKey{{"s1", "reads"}}
	spend(t, b, clock, "GET", workspacePath, 1)
	b.learn(keys, answer(200, "x-ms-ratelimit-remaining-subscription-reads", "11999"))
	if took := spend(t, b, clock, "GET", workspacePath, 200); took != 0 {
		t.Errorf("a remainder above ours made somebody wait %s", took)
	}
	b.learn(keys, answer(200, "x-ms-ratelimit-remaining-subscription-reads", "3"))
	if took := spend(t, b, clock, "GET", workspacePath, 3); took != 0 {
		t.Errorf("what the answer left made somebody wait %s", took)
	}
	if took := spend(t, b, clock, "GET", workspacePath, 1); took == 0 {
		t.Error("somebody else used the tokens up, and the budget did not see it")
	}
	b.learn(keys, answer(429, "Retry-After", "17"))
	if took := spend(t, b, clock, "GET", workspacePath, 1); took < 17*time.Second || took > 18*time.Second {
		t.Errorf("Retry-After 17 made the next one wait %s", took)
	}
	if usage := b.Usage(); usage.Throttled != 1 || usage.Requests != 206 || usage.Waited != 2 {
		t.Errorf("got %+v", usage)
	}
}

func TestWhoWaitsWhenOthersAreToldToStayAwayWaitsAgain(t *testing.T) {
	t.Parallel()
	clock := start()
	b := NewBudget(Published(), clock)
	keys := []bucketKey{{"s1", "reads"}}
	spend(t, b, clock, "GET", workspacePath, 1)
	if at := b.held(keys); !at.IsZero() {
		t.Errorf("held until %s without a reason", at)
	}
	b.learn(keys, answer(429, "Retry-After", "5"))
	if at := b.held(keys); at.Sub(clock.Now()) != 5*time.Second {
		t.Errorf("held until %s", at)
	}
}

func TestObservedLimitsHoldOnceTheOtherSideCounts(t *testing.T) {
	t.Parallel()
	clock := start()
	limits := Published()
	limits.Observed = true
	b := NewBudget(limits, clock)
	if took := spend(t, b, clock, "GET", workspacePath, 5000); took != 0 {
		t.Errorf("a side that does not count made somebody wait %s", took)
	}
	b.learn([]bucketKey{{"s1", "reads"}}, answer(200, "x-ms-ratelimit-remaining-subscription-reads", "10"))
	if took := spend(t, b, clock, "GET", workspacePath, 35); took < time.Second {
		t.Errorf("25 requests more than there were tokens took %s", took)
	}
}

func TestManyAtOnceGetOneTokenEach(t *testing.T) {
	t.Parallel()
	clock := start()
	b := NewBudget(Limits{Reads: Limit{10, 10}}, clock)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() { spend(t, b, clock, "GET", workspacePath, 10) })
	}
	group.Wait()
	elapsed := clock.Now().Sub(start().now).Seconds()
	if allowed := 10 + 10*elapsed; allowed < 200 || allowed > 215 {
		t.Errorf("200 requests of 20 workers took %.1f s", elapsed)
	}
}
