package mover

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/mover/action"
)

// deaf are effects of which one does not hear that the run is stopped, and tells of itself when the test lets it.
type deaf struct {
	effects
	reached chan struct{}
	free    chan struct{}
	once    *sync.Once
	told    chan any // how it ended: with a panic or with nothing
}

func (d deaf) Find(string) (action.Action, error) { return deafEffect{effect{d.effects}, d}, nil }

type deafEffect struct {
	effect
	deaf deaf
}

func (e deafEffect) Do(ctx context.Context, t *action.Task) error {
	if t.Step.Subject != "job" {
		return e.effect.Do(ctx, t)
	}
	e.deaf.once.Do(func() { close(e.deaf.reached) })
	<-e.deaf.free
	defer func() { e.deaf.told <- recover() }()
	t.Say("it goes on")
	return e.effect.Do(ctx, t)
}

// TestARunIsClosedUnderAStepThatDoesNotStop: what a step says that goes on behind the limit of Close is heard by nobody, and it sends nothing more.
func TestARunIsClosedUnderAStepThatDoesNotStop(t *testing.T) {
	t.Parallel()
	f, s := play(t, act())
	d := deaf{effects{stage: s}, make(chan struct{}), make(chan struct{}), &sync.Once{}, make(chan any, 1)}
	run, err := Open(t.Context(), Options{Folder: f, Actions: d, Patience: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	go func() { <-d.reached; stop() }()
	if _, err := run.Forward(ctx); err == nil {
		t.Error("it was stopped, and is told nothing")
	}
	if err := run.Close(); err == nil {
		t.Error("a step goes on, and nobody is told")
	}
	before := len(s.ledger())
	close(d.free)
	if trouble := <-d.told; trouble != nil {
		t.Errorf("a step that goes on behind the end of its run: %v", trouble)
	}
	record, err := perform(t, f, Options{Actions: effects{stage: s}}, func(r *Run, ctx context.Context) (Record, error) {
		if after := s.ledger(); len(after) != before {
			t.Errorf("it did %v", after[before:])
		}
		return r.Forward(ctx)
	})
	if err != nil || record.State != Done {
		t.Errorf("resumed, the run is %s (%s), %v", record.State, record.Reason, err)
	}
	wantEffects(t, s, names(act())...)
}
