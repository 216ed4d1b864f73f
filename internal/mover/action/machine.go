package action

import (
	"context"
	"time"
)

// Machine is the machine's clock.
type Machine struct{}

// Now is the machine's time.
func (Machine) Now() time.Time { return time.Now() }

// Sleep waits.
func (Machine) Sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
