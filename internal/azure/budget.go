package azure

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/amlmove/amlmove/internal/arm"
)

// Limit is the size of a token bucket and how fast it fills.
type Limit struct{ Burst, PerSecond float64 }

// Limits are the buckets of a principal in each subscription, and in the tenant for requests that name none.
type Limits struct {
	Reads, Writes, Deletes Limit
	Providers              map[string]Limit // further buckets, by namespace in lower case
	// Observed limits hold from the first answer on that shows that the other side counts (x-ms-ratelimit-remaining, or 429). Azure always counts; a cloud
	// of ours only when it was told to.
	Observed bool
}

// Published are Azure's numbers (peers, section 5).
func Published() Limits {
	return Limits{Reads: Limit{250, 25}, Writes: Limit{200, 10}, Deletes: Limit{200, 10}, Providers: map[string]Limit{"microsoft.authorization": {120, 2}}}
}

// share is how much of a limit we use: the rest is for clocks that differ and for others who use the same principal now and then.
const share = 0.98

// Clock is the time by which a budget counts.
type Clock interface {
	Now() time.Time
	// Until waits for an instant, or returns the error of a context that ended first.
	Until(ctx context.Context, at time.Time) error
}

// machine is the machine's clock.
type machine struct{}

func (machine) Now() time.Time { return time.Now() }

func (machine) Until(ctx context.Context, at time.Time) error {
	if wait := time.Until(at); wait > 0 {
		return sleep(ctx, wait)
	}
	return ctx.Err()
}

// Usage counts what went through a budget.
type Usage struct {
	Requests  int
	Waited    int // how many requests had to wait for a token
	Throttled int // answers 429
}

// Budget paces the requests of one principal below ARM's limits, as a policy of the pipeline. It is safe for concurrent use.
type Budget struct {
	limits Limits
	clock  Clock

	mutex   sync.Mutex
	buckets map[bucketKey]*bucket
	usage   Usage
	counted bool // the other side has shown that it counts
}

// bucketKey names a bucket: subscription (or "" for the tenant) and class, or provider.
type bucketKey struct{ scope, class string }

// bucket holds tokens. Below zero it is owed: somebody was promised a token of the future.
type bucket struct {
	limit   Limit
	tokens  float64
	filled  time.Time
	blocked time.Time // by Retry-After
}

// NewBudget returns a full budget. clock is the machine's if nil.
func NewBudget(limits Limits, clock Clock) *Budget {
	if clock == nil {
		clock = machine{}
	}
	return &Budget{limits: limits, clock: clock, buckets: map[bucketKey]*bucket{}}
}

// Usage returns what was counted so far.
func (b *Budget) Usage() Usage {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.usage
}

// Do waits for a token, sends the request, and learns from its answer.
func (b *Budget) Do(req *policy.Request) (*http.Response, error) {
	keys, limits := b.wanted(req.Raw())
	ctx := req.Raw().Context()
	for at := b.reserve(keys, limits); !at.IsZero(); at = b.held(keys) {
		if err := b.clock.Until(ctx, at); err != nil {
			return nil, err
		}
	}
	resp, err := req.Next()
	if err == nil {
		b.learn(keys, resp)
	}
	return resp, err
}

// wanted says from which buckets a request takes.
func (b *Budget) wanted(r *http.Request) ([]bucketKey, []Limit) {
	target, err := arm.ParseTarget(r.URL.Path)
	if err != nil {
		target = arm.Target{}
	}
	class, limit := "reads", b.limits.Reads
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
	case http.MethodDelete:
		class, limit = "deletes", b.limits.Deletes
	default:
		class, limit = "writes", b.limits.Writes
	}
	scope := strings.ToLower(target.ID.Subscription())
	keys, limits := []bucketKey{{scope, class}}, []Limit{limit}
	namespace := strings.ToLower(target.Tail.Namespace)
	for i := len(target.ID) - 1; namespace == "" && i >= 0; i-- {
		namespace = strings.ToLower(target.ID[i].Namespace)
	}
	if extra, ok := b.limits.Providers[namespace]; ok {
		keys, limits = append(keys, bucketKey{scope, namespace}), append(limits, extra)
	}
	return keys, limits
}

// reserve takes a token from each bucket and returns when the request may go.
func (b *Budget) reserve(keys []bucketKey, limits []Limit) time.Time {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	now := b.clock.Now()
	at := now
	b.usage.Requests++
	for i, key := range keys {
		k := b.buckets[key]
		if k == nil {
			k = &bucket{limit: Limit{math.Max(1, math.Floor(limits[i].Burst*share)), limits[i].PerSecond * share}, filled: now}
			k.tokens = k.limit.Burst
			b.buckets[key] = k
		}
		if b.limits.Observed && !b.counted {
			continue
		}
		if ready := k.take(now); ready.After(at) {
			at = ready
		}
	}
	if at.After(now) {
		b.usage.Waited++
	}
	return at
}

// held returns until when a bucket is blocked, if somebody was told so while the caller waited for its token; zero if not.
func (b *Budget) held(keys []bucketKey) time.Time {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	now := b.clock.Now()
	for _, key := range keys {
		if until := b.buckets[key].blocked; until.After(now) {
			return until
		}
	}
	return time.Time{}
}

// fill adds what has grown since the last look.
func (k *bucket) fill(now time.Time) {
	if grown := now.Sub(k.filled).Seconds(); grown > 0 {
		k.tokens = math.Min(k.limit.Burst, k.tokens+grown*k.limit.PerSecond)
		k.filled = now
	}
}

// take takes a token and returns when it is there.
func (k *bucket) take(now time.Time) time.Time {
	k.fill(now)
	k.tokens--
	at := now
	if k.tokens < 0 {
		at = now.Add(time.Duration(-k.tokens / k.limit.PerSecond * float64(time.Second)))
	}
	if at.Before(k.blocked) {
		at = k.blocked
	}
	return at
}

// learn takes over what an answer says: fewer tokens than we thought (somebody else uses the principal), or to stay away for a while.
func (b *Budget) learn(keys []bucketKey, resp *http.Response) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	now := b.clock.Now()
	main := b.buckets[keys[0]]
	main.fill(now)
	for _, scope := range []string{"subscription", "tenant"} {
		left, err := strconv.ParseFloat(resp.Header.Get("x-ms-ratelimit-remaining-"+scope+"-"+keys[0].class), 64)
		b.counted = b.counted || err == nil
		if err == nil && left >= 0 && left < main.tokens {
			main.tokens = left
		}
	}
	if resp.StatusCode != http.StatusTooManyRequests {
		return
	}
	b.counted = true
	b.usage.Throttled++
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || seconds < 1 {
		seconds = 1
	}
	for _, key := range keys {
		k := b.buckets[key]
		k.fill(now)
		k.tokens = math.Min(k.tokens, 0)
		if until := now.Add(time.Duration(seconds) * time.Second); until.After(k.blocked) {
			k.blocked = until
		}
	}
}
