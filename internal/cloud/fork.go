package cloud

import (
	"context"

	"github.com/amlmove/amlmove/internal/cloud/store"
)

// renewed is a part of the cloud that every node keeps in memory as the store says, by revision.
type renewed interface {
	Revision(ctx context.Context, r store.Reader) (int64, error)
	Renew(ctx context.Context, tx store.Tx, beyond int64) (follow func(), err error)
}

// Forks lists the named states of the cloud, the oldest first.
func (c *Cloud) Forks(ctx context.Context) (forks []store.Fork, err error) {
	err = c.Store.View(ctx, func(r store.Reader) error {
		forks, err = r.Forks(ctx)
		return err
	})
	return forks, err
}

// Fork gives the state of the whole cloud a name: resources, operations, clock, faults, throttle and settings. It takes the same time whatever the cloud holds. Conflict
// ForkExists, Invalid ForkNameInvalid.
func (c *Cloud) Fork(ctx context.Context, name string) error {
	return c.Store.Update(ctx, func(tx store.Tx) error { return tx.Fork(ctx, name, c.Clock.Now()) })
}

// Rewind goes back to a named state, as often as one likes; states named after it are gone. It takes as long as there are things that were changed since. Time goes back as
// well: whatever ran then runs again. NotFound ForkNotFound.
func (c *Cloud) Rewind(ctx context.Context, name string) error {
	parts := []renewed{c.Clock, c.Faults, c.Throttle}
	follow := make([]func(), len(parts))
	err := c.Store.Update(ctx, func(tx store.Tx) error {
		known := make([]int64, len(parts))
		err := tx.Rewind(ctx, name, func() (err error) {
			for i, p := range parts {
				if known[i], err = p.Revision(ctx, tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i, p := range parts {
			var err error
			if follow[i], err = p.Renew(ctx, tx, known[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, f := range follow {
		f()
	}
	c.Runner.Wake()
	return nil
}

// DropFork forgets a named state; the cloud stays as it is. NotFound ForkNotFound.
func (c *Cloud) DropFork(ctx context.Context, name string) error {
	return c.Store.Update(ctx, func(tx store.Tx) error { return tx.DropFork(ctx, name) })
}
