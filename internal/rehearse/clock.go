package rehearse

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/amlmove/amlmove/internal/cloud"
	"github.com/amlmove/amlmove/internal/cloud/store"
)

// clock is a clock that stands while anybody works, and jumps to the next moment for which somebody waits when nobody does. The cloud and the run live by it, so hours pass in
// seconds (D12).
//
// Who works is seen by what goes through it: requests that are under way, and steps that have begun and do not wait. Between two of those a worker thinks for a moment that nobody
// sees; the clock lets it.
type clock struct {
	mutex    sync.Mutex
	now      time.Time
	waiting  []waiter
	requests int           // under way
	steps    int           // at work, or about to be
	pace     time.Duration // of the machine: how long a request takes, on the average
	stirred  time.Time
	stop     chan struct{}
	stopped  sync.WaitGroup
	cloud    *cloud.Cloud
	trouble  error
}

// waiter is somebody who waits for a moment.
type waiter struct {
	at   time.Time
	wake chan struct{}
}

// How long the clock lets workers think before it jumps, at least: when there is somebody who waits for each step that is at work, and when not. On a slow machine thinking takes longer.
const (
	allWait  = 700 * time.Microsecond
	someWork = 25 * time.Millisecond
	watching = 200 * time.Microsecond
)

// grain is how exact virtual time is. Whoever waits for his turn at ARM's budget wakes together with those whose turn comes within it: they work side by side, and time makes far fewer jumps.
const grain = time.Second

func newClock(begin time.Time) *clock {
	return &clock{now: begin.UTC().Truncate(time.Microsecond), stirred: time.Now(), stop: make(chan struct{})}
}

// attend lets time pass in a cloud until Close.
func (c *clock) attend(ctx context.Context, on *cloud.Cloud) {
	c.cloud = on
	c.stopped.Go(func() {
		for {
			select {
			case <-c.stop:
				return
			case <-time.After(watching):
			}
			if next, ready := c.next(); ready {
				c.pass(ctx, next)
			}
		}
	})
}

// Close lets time stand still for good; whoever waits goes on at once.
func (c *clock) Close() error {
	close(c.stop)
	c.stopped.Wait()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, w := range c.waiting {
		close(w.wake)
	}
	c.waiting = nil
	return c.trouble
}

// Now is the virtual time.
func (c *clock) Now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.now
}

// Sleep waits on the virtual clock.
func (c *clock) Sleep(ctx context.Context, wait time.Duration) error {
	c.mutex.Lock()
	at := c.now.Add(wait)
	c.mutex.Unlock()
	return c.Until(ctx, at)
}

// Until waits for a moment.
func (c *clock) Until(ctx context.Context, at time.Time) error {
	c.mutex.Lock()
	if !at.After(c.now) {
		c.mutex.Unlock()
		return ctx.Err()
	}
	w := waiter{at, make(chan struct{})}
	c.waiting = append(c.waiting, w)
	c.stirred = time.Now()
	c.mutex.Unlock()
	select {
	case <-w.wake:
		return ctx.Err()
	case <-ctx.Done():
		c.forget(w)
		return ctx.Err()
	}
}

func (c *clock) forget(gone waiter) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for i, w := range c.waiting {
		if w.wake == gone.wake {
			c.waiting = append(c.waiting[:i], c.waiting[i+1:]...)
			return
		}
	}
}

// work notes that a request, or something else that time waits for, began (1) or ended (-1).
func (c *clock) work(change int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.requests += change
	c.stirred = time.Now()
}

// took notes that a request is over, and how long it took.
func (c *clock) took(real time.Duration) {
	c.work(-1)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.pace += (real - c.pace) / 32
}

// expect notes how many steps are at work or about to be.
func (c *clock) expect(steps int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.steps = steps
	c.stirred = time.Now()
}

// next is the moment to which time jumps, if nobody works: the last one for which somebody waits within a grain of the first one.
func (c *clock) next() (time.Time, bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.requests > 0 || len(c.waiting) == 0 {
		return time.Time{}, false
	}
	patience := max(allWait, c.pace/2)
	if len(c.waiting) < c.steps {
		patience = max(someWork, 8*c.pace)
	}
	if time.Since(c.stirred) < patience {
		return time.Time{}, false
	}
	first := slices.MinFunc(c.waiting, func(a, b waiter) int { return a.at.Compare(b.at) }).at
	next := first
	for _, w := range c.waiting {
		if w.at.After(next) && w.at.Sub(first) <= grain {
			next = w.at
		}
	}
	return next, true
}

// pass lets time pass to a moment: what is due in the cloud before it is carried out when it is due, one after the other.
func (c *clock) pass(ctx context.Context, to time.Time) {
	for {
		due, some, err := c.due(ctx)
		if err != nil {
			c.fail(err)
			break
		}
		if !some || due.After(to) {
			break
		}
		c.set(due)
		if _, err := c.cloud.Runner.RunDue(ctx); err != nil {
			c.fail(err)
			break
		}
	}
	c.set(to)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	var later []waiter
	for _, w := range c.waiting {
		if w.at.After(to) {
			later = append(later, w)
		} else {
			close(w.wake)
		}
	}
	c.waiting = later
	c.stirred = time.Now()
}

// due is when the cloud has something to do next.
func (c *clock) due(ctx context.Context) (due time.Time, some bool, err error) {
	err = c.cloud.Store.View(ctx, func(r store.Reader) error {
		due, some, err = r.NextDue(ctx)
		return err
	})
	return due, some, err
}

func (c *clock) set(to time.Time) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if to.After(c.now) {
		c.now = to
	}
}

func (c *clock) fail(err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.trouble == nil {
		c.trouble = err
	}
}

// noted is a transport that tells the clock of requests that are under way.
type noted struct {
	clock *clock
	next  policy.Transporter
}

// Do sends a request. It is over when its answer has been read, which the pipeline does at once.
func (n noted) Do(req *http.Request) (*http.Response, error) {
	n.clock.work(1)
	began := time.Now()
	defer func() { n.clock.took(time.Since(began)) }()
	return n.next.Do(req)
}
