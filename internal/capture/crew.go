package capture

import (
	"context"
	"sync"
)

// crew does work side by side, within a bound. Work may hand in more work: when no hand is free it is done at once by whoever handed it in, so nothing
// waits in memory and nothing waits for itself. The first error stops everybody.
type crew struct {
	ctx   context.Context //nolint:containedctx // the life of one capture
	stop  context.CancelCauseFunc
	hands chan struct{}
	busy  sync.WaitGroup
}

func newCrew(ctx context.Context, size int) *crew {
	ctx, stop := context.WithCancelCause(ctx)
	return &crew{ctx: ctx, stop: stop, hands: make(chan struct{}, size)}
}

// do hands in work.
func (c *crew) do(work func(context.Context) error) {
	if c.ctx.Err() != nil {
		return
	}
	select {
	case c.hands <- struct{}{}:
		c.busy.Go(func() {
			defer func() { <-c.hands }()
			c.run(work)
		})
	default:
		c.run(work)
	}
}

func (c *crew) run(work func(context.Context) error) {
	if err := work(c.ctx); err != nil {
		c.stop(err)
	}
}

// end waits until all work is done, and returns the first error.
func (c *crew) end(err error) error {
	if err != nil {
		c.stop(err)
	}
	c.busy.Wait()
	defer c.stop(nil)
	return context.Cause(c.ctx)
}
