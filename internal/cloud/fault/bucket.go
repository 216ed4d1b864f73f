package fault

import (
	"slices"
	"sync"
	"time"
)

// maxBuckets bounds the memory of a throttle: a bucket is about a hundred bytes.
const maxBuckets = 8192

// bucketKey is who is counted where for what.
type bucketKey struct{ scope, principal, class string }

// bucket is how many tokens there were at a time.
type bucket struct {
	tokens float64
	at     time.Time
}

// want is a token that a request needs.
type want struct {
	key   bucketKey
	limit Limit
}

// buckets are token buckets that fill with time.
type buckets struct {
	now  func() time.Time
	most int
	mu   sync.Mutex
	all  map[bucketKey]bucket
}

func newBuckets(now func() time.Time) *buckets {
	return &buckets{now: now, most: maxBuckets, all: map[bucketKey]bucket{}}
}

// empty forgets all buckets: all are full again.
func (b *buckets) empty() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.all)
}

// take takes one token from each bucket, or none when one of them is empty. It returns how many whole tokens are left in the first, and which bucket
// is empty and for how long; -1 when none is. Buckets fill while nobody asks, so each early repeat is told anew how long to wait.
func (b *buckets) take(wanted []want) (left int, wait time.Duration, short int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	filled := make([]float64, len(wanted))
	short = -1
	for i, w := range wanted {
		filled[i] = w.limit.Burst
		if kept, ok := b.all[w.key]; ok {
			filled[i] = min(w.limit.Burst, kept.tokens+max(0, now.Sub(kept.at).Seconds())*w.limit.PerSecond)
		}
		if filled[i] < 1 && short < 0 {
			short, wait = i, time.Duration((1-filled[i])/w.limit.PerSecond*float64(time.Second))
		}
	}
	for i, w := range wanted {
		if short < 0 {
			filled[i]--
		}
		b.keep(w.key, bucket{filled[i], now})
	}
	return int(filled[0]), wait, short
}

// keep remembers a bucket; when there are too many the quarter that nobody asked for the longest is forgotten, and so full again.
func (b *buckets) keep(key bucketKey, value bucket) {
	if _, known := b.all[key]; !known && len(b.all) >= b.most {
		b.forget()
	}
	b.all[key] = value
}

// forget drops the oldest quarter.
func (b *buckets) forget() {
	ages := make([]time.Time, 0, len(b.all))
	for _, kept := range b.all {
		ages = append(ages, kept.at)
	}
	slices.SortFunc(ages, time.Time.Compare)
	limit := ages[len(ages)/4]
	for key, kept := range b.all {
		if !kept.at.After(limit) {
			delete(b.all, key)
		}
	}
}
