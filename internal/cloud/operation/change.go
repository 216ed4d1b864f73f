package operation

import (
	"context"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// Change is what somebody asks of the clock. What is zero stays as it is; the parts take effect in this order.
type Change struct {
	To        time.Time                // the time it becomes
	Advance   time.Duration            // how far it goes on from there
	Freeze    *bool                    // whether it stands still from then on
	Durations map[string]time.Duration // all durations from now on; operations that run keep theirs
}

// Apply changes the clock in its store and then follows it. Time never runs backwards: that is refused.
func (c *Clock) Apply(ctx context.Context, s store.Store, ch Change) error {
	if ch.Advance < 0 {
		return errs.New(errs.Invalid, "ClockBackwards", "the clock cannot go back by %s", -ch.Advance)
	}
	return c.Set(ctx, s, func(state *ClockState) {
		if ch.Durations != nil {
			state.Durations = ch.Durations
		}
		if ch.To.IsZero() && ch.Advance == 0 && ch.Freeze == nil {
			return
		}
		to := c.Now()
		if !ch.To.IsZero() {
			to = ch.To.UTC().Truncate(time.Microsecond)
		}
		to = to.Add(ch.Advance).Truncate(time.Microsecond)
		stands := !state.Frozen.IsZero()
		if ch.Freeze != nil {
			stands = *ch.Freeze
		}
		state.Frozen, state.Offset = to, 0
		if !stands {
			state.Frozen, state.Offset = time.Time{}, to.Sub(c.machine())
		}
	})
}
