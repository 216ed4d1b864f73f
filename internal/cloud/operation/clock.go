// Package operation carries out long-running operations: rows written in the transaction of a request, done later by any node of the
// cloud in one transaction that holds the row (D7). A node that dies loses nothing: its transaction is rolled back and the row is due
// again. Due times come from a clock that can be virtual (D12).
//
// The package stands on store. What an operation does is a Handler that somebody else registers.
package operation

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// clockKey is where the store keeps the clock, so that all nodes of a cloud and all restarts agree; clockLock is written first by whoever changes
// it: on an engine with several writers that makes them wait for each other.
const (
	clockKey  = "operation.clock"
	clockLock = "operation.clock.lock"
)

// ClockState is the clock as it is kept and as /_cloud/clock shows it.
type ClockState struct {
	// Revision grows with every change.
	Revision int64 `json:"revision,omitempty"`
	// Frozen is the time at which the clock stands; zero when it runs.
	Frozen time.Time `json:"frozen,omitzero"`
	// Offset is how far the running clock is ahead of the machine's.
	Offset time.Duration `json:"offsetNanoseconds,omitempty"`
	// Durations by name say how long things take; what is not named takes no time.
	Durations map[string]time.Duration `json:"durationsNanoseconds,omitempty"`
}

// Clock is the cloud's time.
type Clock struct {
	machine func() time.Time
	mu      sync.RWMutex
	state   ClockState
}

// NewClock returns a clock that runs with the machine's. machine is time.Now outside of tests.
func NewClock(machine func() time.Time) *Clock { return &Clock{machine: machine} }

// Now is the cloud's time, to the microsecond, UTC.
func (c *Clock) Now() time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.state.Frozen.IsZero() {
		return c.state.Frozen
	}
	return c.machine().Add(c.state.Offset).UTC().Truncate(time.Microsecond)
}

// Duration returns how long the named thing takes; zero when nobody said.
func (c *Clock) Duration(name string) time.Duration {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.state.Durations[name]
}

// State returns a copy of the clock's state.
func (c *Clock) State() ClockState {
	c.mu.RLock()
	defer c.mu.RUnlock()
	state := c.state
	state.Durations = maps.Clone(state.Durations)
	return state
}

// longestPause is how long a client is asked to wait between two looks at most: what ARM says of a move (arm-move 1.1).
const longestPause = 15 * time.Second

// RetryAfter is how many seconds a client is asked to wait before it looks at an operation again: until it is due, but a second at least and not longer than ARM asks for. While the clock
// stands nobody knows when that will be: a second.
func (c *Clock) RetryAfter(due time.Time) int {
	wait, comes := c.until(due)
	if !comes {
		return 1
	}
	return int(max(min(wait, longestPause).Round(time.Second), time.Second) / time.Second)
}

// until is how long the machine waits until the cloud's time is due; false when the clock is frozen before it.
func (c *Clock) until(due time.Time) (time.Duration, bool) {
	c.mu.RLock()
	frozen := !c.state.Frozen.IsZero()
	c.mu.RUnlock()
	wait := due.Sub(c.Now())
	return max(wait, 0), !frozen || wait <= 0
}

// Load reads the clock from the store; a store without one has a running clock.
func (c *Clock) Load(ctx context.Context, r store.Reader) error {
	state, err := readClock(ctx, r)
	if err != nil {
		return err
	}
	c.follow(state)
	return nil
}

func readClock(ctx context.Context, r store.Reader) (state ClockState, err error) {
	data, err := r.Meta(ctx, clockKey)
	if errs.Is(err, errs.NotFound) {
		return state, nil
	}
	if err != nil {
		return state, err
	}
	if err := json.Unmarshal(data, &state); err != nil {
		return state, errs.Wrap(errs.Internal, "ClockDamaged", err, "read the cloud's clock from its store")
	}
	return state, nil
}

func writeClock(ctx context.Context, tx store.Tx, state ClockState) error {
	data, err := json.Marshal(state)
	if err != nil {
		return err
	}
	return tx.PutMeta(ctx, clockKey, data)
}

// Revision is that of the clock in the store.
func (c *Clock) Revision(ctx context.Context, r store.Reader) (int64, error) {
	state, err := readClock(ctx, r)
	return state.Revision, err
}

// Renew writes the clock that the store holds under a revision beyond one that is known, behind a rewind of the store: all nodes then follow it, back in time if need be, and
// this one when it calls the function.
func (c *Clock) Renew(ctx context.Context, tx store.Tx, beyond int64) (follow func(), err error) {
	state, err := readClock(ctx, tx)
	if err != nil {
		return nil, err
	}
	state.Revision = beyond + 1
	return func() { c.follow(state) }, writeClock(ctx, tx, state)
}

// follow takes over a state that the store held, unless a newer one is known: whoever reads may have begun before somebody else changed it.
func (c *Clock) follow(state ClockState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state.Revision > c.state.Revision {
		c.state = state
	}
}

// Set writes the clock to the store and then follows it. Time never runs backwards: that is refused.
func (c *Clock) Set(ctx context.Context, s store.Store, change func(*ClockState)) error {
	var next ClockState
	err := s.Update(ctx, func(tx store.Tx) error {
		if err := tx.PutMeta(ctx, clockLock, []byte("clock")); err != nil {
			return err
		}
		if err := c.Load(ctx, tx); err != nil {
			return err
		}
		before := c.Now()
		next = c.State()
		revision := next.Revision + 1
		change(&next)
		next.Revision = revision
		after := next.Frozen
		if after.IsZero() {
			after = c.machine().Add(next.Offset)
		}
		if after.Before(before.Add(-time.Second)) {
			return errs.New(errs.Invalid, "ClockBackwards", "the clock cannot go back from %s to %s",
				before.Format(time.RFC3339), after.UTC().Format(time.RFC3339))
		}
		return writeClock(ctx, tx, next)
	})
	if err == nil {
		c.follow(next)
	}
	return err
}
