package fault

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/identity"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// throttleKey is where the store keeps the limits.
const throttleKey = "cloud.throttle"

// Modes of the throttle.
const (
	ThrottleOff     = "off"     // nothing is counted
	ThrottleHeaders = "headers" // the buckets are shown on every answer and refuse nobody
	ThrottleEnforce = "enforce" // an empty bucket answers 429
)

// Limit is the size of a token bucket and how fast it fills.
type Limit struct {
	Burst     float64 `json:"burst"`
	PerSecond float64 `json:"perSecond"`
}

// Limits are the token buckets of each principal in each subscription, and in its tenant for requests that name no subscription.
type Limits struct {
	Mode          string `json:"mode"`
	Reads         Limit  `json:"reads"`
	Writes        Limit  `json:"writes"`
	Deletes       Limit  `json:"deletes"`
	Authorization Limit  `json:"authorization"` // changes in Microsoft.Authorization, besides the others
}

// Published are Azure's numbers (peers, section 5), switched off.
func Published() Limits {
	return Limits{Mode: ThrottleOff, Reads: Limit{250, 25}, Writes: Limit{200, 10}, Deletes: Limit{200, 10}, Authorization: Limit{120, 2}}
}

// keptLimits are the limits as the store keeps them.
type keptLimits struct {
	Limits
	Revision int64 `json:"revision"` // grows with every change
}

// readLimits reads the limits from the store; a store without has Azure's numbers, switched off.
func readLimits(ctx context.Context, r store.Reader) (keptLimits, error) {
	kept := keptLimits{Limits: Published()}
	err := readJSON(ctx, r, throttleKey, &kept)
	return kept, err
}

// Check refuses numbers that mean nothing.
func (l Limits) Check() error {
	if l.Mode != ThrottleOff && l.Mode != ThrottleHeaders && l.Mode != ThrottleEnforce {
		return errs.New(errs.Invalid, "InvalidThrottle", `"mode" is %q and must be %q, %q or %q`, l.Mode, ThrottleOff, ThrottleHeaders, ThrottleEnforce)
	}
	for name, limit := range map[string]Limit{"reads": l.Reads, "writes": l.Writes, "deletes": l.Deletes, "authorization": l.Authorization} {
		if !(limit.Burst >= 1 && limit.Burst <= 1e9) || !(limit.PerSecond > 0 && limit.PerSecond <= 1e9) {
			return errs.New(errs.Invalid, "InvalidThrottle", `"%s": "burst" must be from 1 and "perSecond" above 0, both to 1000000000`, name)
		}
	}
	return nil
}

// Throttle is the token buckets of one node of the cloud, as Azure has them for each region.
type Throttle struct {
	store   store.Store
	limits  atomic.Pointer[keptLimits]
	buckets *buckets
}

// NewThrottle returns a throttle with Azure's numbers, switched off. now is the clock by which the buckets fill: time.Now, which is monotonic, if nil.
func NewThrottle(s store.Store, now func() time.Time) *Throttle {
	if now == nil {
		now = time.Now
	}
	t := &Throttle{store: s, buckets: newBuckets(now)}
	t.limits.Store(&keptLimits{Limits: Published()})
	return t
}

// Limits returns the limits as they stand.
func (t *Throttle) Limits() Limits { return t.limits.Load().Limits }

// Load takes over what the store says.
func (t *Throttle) Load(ctx context.Context, r store.Reader) error {
	kept, err := readLimits(ctx, r)
	if err != nil {
		return err
	}
	t.follow(kept)
	return nil
}

// follow uses limits that the store held, unless newer ones are known: whoever reads may have begun before somebody else changed them. All buckets
// are full again when they are others than before.
func (t *Throttle) follow(next keptLimits) {
	for {
		now := t.limits.Load()
		if next.Revision <= now.Revision {
			return
		}
		if t.limits.CompareAndSwap(now, &next) {
			if now.Limits != next.Limits {
				t.buckets.empty()
			}
			return
		}
	}
}

// Revision is that of the limits in the store.
func (t *Throttle) Revision(ctx context.Context, r store.Reader) (int64, error) {
	kept, err := readLimits(ctx, r)
	return kept.Revision, err
}

// Renew writes the limits that the store holds under a revision beyond one that is known, behind a rewind of the store: all nodes then follow them, and this one when it
// calls the function.
func (t *Throttle) Renew(ctx context.Context, tx store.Tx, beyond int64) (follow func(), err error) {
	kept, err := readLimits(ctx, tx)
	if err != nil {
		return nil, err
	}
	kept.Revision = beyond + 1
	return func() { t.follow(kept) }, writeJSON(ctx, tx, throttleKey, kept)
}

// Change edits the limits in the store and then follows them.
func (t *Throttle) Change(ctx context.Context, edit func(*Limits) error) (Limits, error) {
	var next keptLimits
	err := t.store.Update(ctx, func(tx store.Tx) error {
		if err := tx.PutMeta(ctx, lockKey, []byte("throttle")); err != nil {
			return err
		}
		var err error
		if next, err = readLimits(ctx, tx); err != nil {
			return err
		}
		next.Revision++
		if err := edit(&next.Limits); err != nil {
			return err
		}
		if err := next.Check(); err != nil {
			return err
		}
		return writeJSON(ctx, tx, throttleKey, next)
	})
	if err == nil {
		t.follow(next)
	}
	return next.Limits, err
}

// admit takes a token for a request and shows what is left (peers, section 5).
func (t *Throttle) admit(h http.Header, r *http.Request, caller identity.Caller) error {
	limits := t.Limits()
	if limits.Mode == ThrottleOff {
		return nil
	}
	target, err := arm.ParseTarget(r.URL.Path)
	if err != nil {
		return nil // the engine refuses it
	}
	scope, scopeName := target.ID.Subscription(), "subscription"
	if scope == "" {
		scope, scopeName = caller.TenantID, "tenant"
	}
	class, limit := classOf(r.Method, &limits)
	wanted := []want{{key: bucketKey{strings.ToLower(scope), caller.ObjectID, class}, limit: limit}}
	if class != "reads" && inAuthorization(target) {
		wanted = append(wanted, want{key: bucketKey{strings.ToLower(scope), caller.ObjectID, "authorization"}, limit: limits.Authorization})
	}
	left, wait, short := t.buckets.take(wanted)
	h.Set("x-ms-ratelimit-remaining-"+scopeName+"-"+class, strconv.Itoa(left))
	if short < 0 || limits.Mode == ThrottleHeaders {
		return nil
	}
	return throttled(wanted[short], scopeName, scope, caller.ObjectID, wait)
}

// throttled is the error of an empty bucket. The words of the first are those of clients' reports; its code names who was throttled.
func throttled(w want, scopeName, scope, principal string, wait time.Duration) error {
	seconds := max(1, int(math.Ceil(wait.Seconds())))
	after := time.Duration(seconds) * time.Second
	var e *errs.Error
	if w.key.class == "authorization" {
		interval := time.Duration(w.limit.Burst / w.limit.PerSecond * float64(time.Second)).Round(time.Second)
		e = errs.New(errs.Throttled, "TooManyRequests", "Number of requests for 'Microsoft.Authorization' exceeded the limit of '%g' for time interval '%s'. Please try again after '%d' seconds.",
			w.limit.Burst, clockText(interval), seconds)
	} else {
		code := "SubscriptionRequestsThrottled"
		if scopeName == "tenant" {
			code = "TenantRequestsThrottled"
		}
		e = errs.New(errs.Throttled, code, "Number of '%s' requests for %s '%s' actor '%s' exceeded. Please try again after '%d' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for additional information.",
			strings.TrimSuffix(w.key.class, "s"), scopeName, scope, principal, seconds)
	}
	e.After = after
	return e
}

// clockText writes a duration as Azure's messages do: 00:01:00.
func clockText(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}

// classOf is the bucket of a method.
func classOf(method string, l *Limits) (string, Limit) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return "reads", l.Reads
	case http.MethodDelete:
		return "deletes", l.Deletes
	}
	return "writes", l.Writes
}

// inAuthorization reports whether a request is for Microsoft.Authorization, at whatever scope.
func inAuthorization(t arm.Target) bool {
	namespace := t.Tail.Namespace
	for i := len(t.ID) - 1; namespace == "" && i >= 0; i-- {
		namespace = t.ID[i].Namespace
	}
	return strings.EqualFold(namespace, "Microsoft.Authorization")
}
