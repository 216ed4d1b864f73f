package mover

import (
	"context"
	"slices"
	"sync"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
)

// board lets steps begin when all that they come after has ended well. Each step is one durable step, begun in the order of the list whatever the order in which they end: so a
// workflow that is taken up again finds every step where it left it.
type board struct {
	before map[string][]string // what each step comes after, among those on the board
	ended  map[string]chan struct{}
	hands  chan struct{}

	mutex  sync.Mutex
	states map[string]StepState
	trip   map[string]bool   // steps whose bad end keeps all others of trip from beginning
	needs  map[string]string // steps that begin whatever became of those before them, if only this one ended well
	down   bool
}

// outcome is how a step ended; it is what the durable engine keeps.
type outcome struct {
	State  StepState
	Reason string
}

// newBoard makes a board of steps; after says what each comes after.
func newBoard(steps []plan.Step, after func(plan.Step) []string, workers int) *board {
	b := &board{before: map[string][]string{}, ended: map[string]chan struct{}{}, hands: make(chan struct{}, workers), states: map[string]StepState{}, trip: map[string]bool{}, needs: map[string]string{}}
	for _, s := range steps {
		b.ended[s.ID] = make(chan struct{})
	}
	for _, s := range steps {
		for _, id := range after(s) {
			if _, there := b.ended[id]; there {
				b.before[s.ID] = append(b.before[s.ID], id)
			}
		}
	}
	return b
}

// run carries out all steps and returns how each ended. An error is one of the engine, or the end of the context: the steps' own troubles are outcomes.
func (b *board) run(ctx dbos.Context, steps []plan.Step, carry func(context.Context, plan.Step) (outcome, error)) (map[string]outcome, error) {
	channels := make([]<-chan dbos.StepOutcome[outcome], len(steps))
	for i, s := range steps {
		channel, err := dbos.Go(ctx, func(ctx context.Context) (outcome, error) { return b.one(ctx, s, carry) }, dbos.WithStepName(s.ID))
		if err != nil {
			return nil, err
		}
		// What one step ended as must be known at once, not when its turn comes: others wait for it.
		settled := make(chan dbos.StepOutcome[outcome], 1)
		channels[i] = settled
		go func() {
			end := <-channel
			if end.Err == nil {
				b.settle(s.ID, end.Result.State)
			} else {
				b.settle(s.ID, StepFailed)
			}
			settled <- end
		}()
	}
	outcomes := map[string]outcome{}
	var trouble error
	for i, s := range steps {
		end := <-channels[i]
		if end.Err != nil && trouble == nil {
			trouble = end.Err
		}
		outcomes[s.ID] = end.Result
	}
	return outcomes, trouble
}

// one waits for its turn and carries a step out.
func (b *board) one(ctx context.Context, s plan.Step, carry func(context.Context, plan.Step) (outcome, error)) (outcome, error) {
	wait := b.before[s.ID]
	if id := b.needs[s.ID]; id != "" { // when a workflow is taken up, ends are told again in any order
		wait = append(slices.Clone(wait), id)
	}
	for _, id := range wait {
		select {
		case <-b.ended[id]:
		case <-ctx.Done():
			return outcome{}, ctx.Err()
		}
	}
	select {
	case b.hands <- struct{}{}:
		defer func() { <-b.hands }()
	case <-ctx.Done():
		return outcome{}, ctx.Err()
	}
	if why := b.hindrance(s); why != "" {
		return outcome{StepBlocked, why}, nil
	}
	return carry(ctx, s)
}

// hindrance says why a step whose turn has come may not begin; nothing when it may.
func (b *board) hindrance(s plan.Step) string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	needed := b.before[s.ID]
	if id := b.needs[s.ID]; id != "" {
		needed = []string{id}
	}
	for _, id := range needed {
		if !b.states[id].Well() {
			return "not begun: " + id + " did not end well"
		}
	}
	if b.down && b.trip[s.ID] {
		return "not begun: another step failed, and nothing more is taken away"
	}
	return ""
}

func (b *board) settle(id string, state StepState) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.states[id] = state
	if state == StepFailed && b.trip[id] {
		b.down = true
	}
	close(b.ended[id])
}

// interrupted is the error of a step that was cut short by the end of the run's process: it is not kept, so that the step is done again.
func interrupted(ctx context.Context) error {
	return errs.Wrap(errs.Canceled, "RunStopped", context.Cause(ctx), "stopped at a safe point")
}
