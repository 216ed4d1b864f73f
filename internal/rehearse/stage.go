package rehearse

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/azure"
	"github.com/amlmove/amlmove/internal/cloud"
	"github.com/amlmove/amlmove/internal/cloud/fault"
	"github.com/amlmove/amlmove/internal/cloud/fixture"
	"github.com/amlmove/amlmove/internal/cloud/folder"
	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/internal/cloud/replica"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// stage is a cloud made of a snapshot, with a clock that jumps, and a client of whoever captured it.
type stage struct {
	clock   *clock
	cloud   *cloud.Cloud
	replica replica.Replica
	client  *azure.Client
	snap    *snapshot.Snapshot
	closers []func() error
}

// original returns a document of the workspace as it was captured.
func (s *stage) original(ctx context.Context, id string) (arm.Document, error) {
	d, err := s.snap.Get(ctx, snapshot.Content, id)
	if err != nil {
		return nil, err
	}
	return arm.ParseDocument(d.Body)
}

// newStage loads a snapshot into a cloud in a folder.
func newStage(ctx context.Context, dir string, snap *snapshot.Snapshot, durations map[string]time.Duration, copied replica.Options) (s *stage, err error) {
	s = &stage{clock: newClock(snap.Header.Ended), snap: snap}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	st, err := sqlite.Scratch(ctx, filepath.Join(dir, folder.DatabaseFile))
	if err != nil {
		return s, err
	}
	s.closers = append(s.closers, st.Close)
	if s.cloud, err = cloud.Start(ctx, cloud.Options{Store: st, Machine: s.clock.Now}); err != nil {
		return s, err
	}
	s.closers = append(s.closers, s.cloud.Close)
	if s.replica, err = replica.Load(ctx, snap, fixture.Target{Store: st, Tree: s.cloud.Tree, Types: cloud.Types(), Now: s.clock.Now}, copied); err != nil {
		return s, err
	}
	if err := s.cloud.Clock.Set(ctx, st, func(c *operation.ClockState) { c.Durations = durations }); err != nil {
		return s, err
	}
	if _, err := s.cloud.Throttle.Change(ctx, func(l *fault.Limits) error { l.Mode = fault.ThrottleEnforce; return nil }); err != nil {
		return s, err
	}
	if s.client, err = s.connect(dir); err != nil {
		return s, err
	}
	s.clock.attend(context.WithoutCancel(ctx), s.cloud)
	s.closers = append(s.closers, s.clock.Close)
	return s, nil
}

// Close takes the stage down.
func (s *stage) Close() error {
	var all error
	for i := len(s.closers) - 1; i >= 0; i-- {
		all = errors.Join(all, s.closers[i]())
	}
	s.closers = nil
	return all
}

// connect makes the client of the caller, as for any cloud, and lets it live by the clock.
func (s *stage) connect(dir string) (*azure.Client, error) {
	if err := folder.Publish(dir, folder.NewState(dir, s.cloud.Base(), s.cloud.Address(), "sqlite", s.replica.Summary), s.cloud.Keys.CAPEM()); err != nil {
		return nil, err
	}
	place, err := azure.FindPlace(dir)
	if err != nil {
		return nil, err
	}
	return azure.Connect(place, func(o *azure.Options) {
		o.Sleep, o.Budget = s.clock.Sleep, azure.NewBudget(azure.Published(), s.clock)
		o.Client.PerCallPolicies = append(o.Client.PerCallPolicies, retry{s.clock, o.Client.Retry})
		o.Client.Retry.MaxRetries = -1                                                // that policy does
		if kept, ok := o.Client.Transport.(interface{ CloseIdleConnections() }); ok { // a cloud that stops waits for connections that are kept alive
			s.closers = append(s.closers, func() error { kept.CloseIdleConnections(); return nil })
		}
		o.Client.Transport = noted{s.clock, o.Client.Transport}
	})
}
