package fault

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite"
	"github.com/amlmove/amlmove/internal/errs"
)

// hand is a clock that somebody turns.
type hand struct{ now time.Time }

func (h *hand) Now() time.Time { return h.now }

// throttle returns a throttle that enforces Azure's numbers, and its clock.
func throttle() (*Throttle, *hand) {
	h := &hand{time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)}
	t := NewThrottle(nil, h.Now)
	limits := Published()
	limits.Mode = ThrottleEnforce
	t.follow(keptLimits{limits, 1})
	return t, h
}

// ask admits one request and says what was left and what was wrong.
func ask(t *Throttle, principal, method, path string) (http.Header, *errs.Error) {
	h := http.Header{}
	err := t.admit(h, httptest.NewRequest(method, path, nil), identity.Caller{ObjectID: principal, TenantID: "tenant"})
	return h, errs.As(err)
}

const (
	resource   = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a"
	assignment = resource + "/providers/Microsoft.Authorization/roleAssignments/r"
)

func TestTheBucketsHaveAzuresSizes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, path string
		burst, more  int // at once, and after a second
		code         string
	}{
		{"GET", resource, 250, 25, "SubscriptionRequestsThrottled"},
		{"HEAD", resource, 250, 25, "SubscriptionRequestsThrottled"},
		{"PUT", resource, 200, 10, "SubscriptionRequestsThrottled"},
		{"POST", resource + "/listKeys", 200, 10, "SubscriptionRequestsThrottled"},
		{"DELETE", resource, 200, 10, "SubscriptionRequestsThrottled"},
		{"PUT", assignment, 120, 2, "TooManyRequests"},
		{"DELETE", assignment, 120, 2, "TooManyRequests"},
		{"GET", assignment, 250, 25, "SubscriptionRequestsThrottled"},
		{"GET", "/subscriptions", 250, 25, "TenantRequestsThrottled"},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			t.Parallel()
			throttle, clock := throttle()
			pass := func() (n int) {
				for {
					_, err := ask(throttle, "p", c.method, c.path)
					if err == nil {
						n++
						continue
					}
					if err.Kind != errs.Throttled || err.Code != c.code || err.After < time.Second {
						t.Errorf("refused with %v %s, after %s", err.Kind, err.Code, err.After)
					}
					return n
				}
			}
			if got := pass(); got != c.burst {
				t.Errorf("%d at once, want %d", got, c.burst)
			}
			clock.now = clock.now.Add(time.Second)
			if got := pass(); got != c.more {
				t.Errorf("%d after a second, want %d", got, c.more)
			}
			clock.now = clock.now.Add(time.Hour)
			if got := pass(); got != c.burst {
				t.Errorf("%d after an hour, want %d", got, c.burst)
			}
		})
	}
}

func TestTheHeadersNameScopeAndClass(t *testing.T) {
	t.Parallel()
	throttle, _ := throttle()
	var got []string
	for _, r := range [][2]string{{"GET", resource}, {"PUT", resource}, {"DELETE", resource}, {"GET", resource}, {"GET", "/tenants"}, {"PUT", assignment}} {
		h, _ := ask(throttle, "p", r[0], r[1])
		got = append(got, fmt.Sprint(h))
	}
	h, _ := ask(throttle, "other", "GET", resource)
	got = append(got, fmt.Sprint(h))
	want := []string{"map[X-Ms-Ratelimit-Remaining-Subscription-Reads:[249]]", "map[X-Ms-Ratelimit-Remaining-Subscription-Writes:[199]]",
		"map[X-Ms-Ratelimit-Remaining-Subscription-Deletes:[199]]", "map[X-Ms-Ratelimit-Remaining-Subscription-Reads:[248]]",
		"map[X-Ms-Ratelimit-Remaining-Tenant-Reads:[249]]", "map[X-Ms-Ratelimit-Remaining-Subscription-Writes:[198]]",
		"map[X-Ms-Ratelimit-Remaining-Subscription-Reads:[249]]"}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

func TestAnEarlyRepeatIsToldAnewHowLongToWait(t *testing.T) {
	t.Parallel()
	throttle, clock := throttle()
	limits := throttle.Limits()
	limits.Reads = Limit{Burst: 1, PerSecond: 0.1}
	throttle.follow(keptLimits{limits, 2})
	var got []string
	for _, step := range []time.Duration{0, 0, 3 * time.Second, 3500 * time.Millisecond, 3 * time.Second, 500 * time.Millisecond, 0} {
		clock.now = clock.now.Add(step)
		if _, err := ask(throttle, "p", "GET", resource); err != nil {
			got = append(got, err.After.String())
		} else {
			got = append(got, "passes")
		}
	}
	if want := []string{"passes", "10s", "7s", "4s", "1s", "passes", "10s"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheMemoryOfBucketsIsBounded(t *testing.T) {
	t.Parallel()
	clock := &hand{time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)}
	b := newBuckets(clock.Now)
	b.most = 100
	for i := range 10_000 {
		clock.now = clock.now.Add(time.Millisecond)
		b.take([]want{{bucketKey{"s", fmt.Sprint(i), "reads"}, Limit{2, 0.001}}})
		if len(b.all) > b.most {
			t.Fatalf("%d buckets after %d principals", len(b.all), i+1)
		}
	}
	if _, _, short := b.take([]want{{bucketKey{"s", "9999", "reads"}, Limit{2, 0.001}}}); short >= 0 {
		t.Error("the youngest bucket is empty after one token of two")
	}
	if _, _, short := b.take([]want{{bucketKey{"s", "9999", "reads"}, Limit{2, 0.001}}}); short != 0 {
		t.Error("the youngest bucket was forgotten")
	}
}

func TestLimitsThatMeanNothingAreRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Limits){
		"mode":   func(l *Limits) { l.Mode = "sometimes" },
		"reads":  func(l *Limits) { l.Reads.Burst = 0 },
		"writes": func(l *Limits) { l.Writes.PerSecond = -1 },
	} {
		limits := Published()
		change(&limits)
		if err := limits.Check(); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A change is written and followed between the moment a reader's view of the store begins and the moment it is taken over.
func TestAReaderThatBeganBeforeAChangeDoesNotUndoIt(t *testing.T) {
	t.Parallel()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	set, throttle := NewSet(s), NewThrottle(s, nil)
	gate := NewGate(s, set, throttle)
	err = s.View(t.Context(), func(r store.Reader) error {
		if _, err := r.Meta(t.Context(), configKey); !errs.Is(err, errs.NotFound) { // from here on the reader sees this moment
			return err
		}
		if _, err := throttle.Change(t.Context(), func(l *Limits) error { l.Mode = ThrottleEnforce; return nil }); err != nil {
			return err
		}
		if err := set.change(t.Context(), func(c *config) error { c.Seed = 7; return nil }); err != nil {
			return err
		}
		return errors.Join(set.Load(t.Context(), r), throttle.Load(t.Context(), r))
	})
	if err != nil || throttle.Limits().Mode != ThrottleEnforce || set.current.Load().Seed != 7 {
		t.Errorf("after the changes the throttle is %q, the seed %d (%v)", throttle.Limits().Mode, set.current.Load().Seed, err)
	}
	if err := gate.Load(t.Context()); err != nil || throttle.Limits().Mode != ThrottleEnforce {
		t.Errorf("the store says %q (%v)", throttle.Limits().Mode, err)
	}
}
