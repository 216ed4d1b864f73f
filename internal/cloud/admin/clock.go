package admin

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/fault"
	"github.com/amlmove/amlmove/internal/cloud/move"
	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// clockView is the clock as the API shows it.
type clockView struct {
	Now       time.Time                 `json:"now"`
	Frozen    bool                      `json:"frozen"`
	Offset    fault.Duration            `json:"offset"` // how far a running clock is ahead of the machine's
	Durations map[string]fault.Duration `json:"durations"`
	Next      *time.Time                `json:"nextDue,omitempty"` // of the operations that run
	Drained   *int                      `json:"drained,omitempty"` // operations that a drain carried out
}

func (a *API) clock(r *http.Request, _ string) (int, any, error) {
	view, err := a.view(r.Context())
	return http.StatusOK, view, err
}

// view reads the clock from the store: another node may have changed it.
func (a *API) view(ctx context.Context) (clockView, error) {
	clock := a.Engine.Clock
	var view clockView
	err := a.Engine.Store.View(ctx, func(r store.Reader) error {
		if err := clock.Load(ctx, r); err != nil {
			return err
		}
		view = clockView{Now: clock.Now(), Durations: map[string]fault.Duration{}}
		due, any, err := r.NextDue(ctx)
		if any {
			view.Next = &due
		}
		return err
	})
	state := clock.State()
	view.Frozen = !state.Frozen.IsZero()
	view.Offset = fault.Duration(state.Offset)
	for name, d := range state.Durations {
		view.Durations[name] = fault.Duration(d)
	}
	return view, err
}

// clockChange is what somebody asks of the clock.
type clockChange struct {
	Freeze    *bool          `json:"freeze"`
	Advance   fault.Duration `json:"advance"`
	Set       time.Time      `json:"set"`
	Durations *durations     `json:"durations"`
}

func (a *API) changeClock(r *http.Request, _ string) (int, any, error) {
	var asked clockChange
	if err := read(r, &asked); err != nil {
		return 0, nil, err
	}
	change := operation.Change{To: asked.Set, Advance: time.Duration(asked.Advance), Freeze: asked.Freeze}
	if asked.Durations != nil {
		if _, err := a.view(r.Context()); err != nil {
			return 0, nil, err
		}
		wanted, err := a.durations(*asked.Durations)
		if err != nil {
			return 0, nil, err
		}
		change.Durations = wanted
	}
	if err := a.Engine.Clock.Apply(r.Context(), a.Engine.Store, change); err != nil {
		return 0, nil, err
	}
	a.Runner.Wake()
	return a.clock(r, "")
}

// durations are named durations, or one of the words none and typical.
type durations struct {
	word  string
	named map[string]fault.Duration
}

// UnmarshalJSON reads an object or a word.
func (d *durations) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &d.word) != nil {
		return json.Unmarshal(data, &d.named)
	}
	if d.word != "none" && d.word != "typical" {
		return errs.New(errs.Invalid, "InvalidDurations", `"durations" is %q and must be "none", "typical" or an object`, d.word)
	}
	return nil
}

// durations says what the durations become: an object changes those that it names, 0s forgets one.
func (a *API) durations(asked durations) (map[string]time.Duration, error) {
	switch asked.word {
	case "none":
		return map[string]time.Duration{}, nil
	case "typical":
		return Typical(), nil
	}
	wanted := a.Engine.Clock.State().Durations
	if wanted == nil {
		wanted = map[string]time.Duration{}
	}
	known := a.durationNames()
	for name, d := range asked.named {
		key := strings.ToLower(name)
		if !slices.Contains(known, key) {
			return nil, errs.New(errs.Invalid, "InvalidDurations", "nothing in this cloud takes a duration of the name %q", name).
				Advise("names are move.validate, move.move, the last word of a resource type with .put, .patch, .delete or a verb (computes.put), and: %s", strings.Join(others, ", "))
		}
		if d < 0 || time.Duration(d) > longest {
			return nil, errs.New(errs.Invalid, "InvalidDurations", "the duration of %q is %s and must be from 0s to %s", name, time.Duration(d), longest)
		}
		wanted[key] = time.Duration(d)
	}
	maps.DeleteFunc(wanted, func(_ string, d time.Duration) bool { return d == 0 })
	if total := wanted[move.OpValidate] + wanted[move.OpMove]; total >= fault.MoveLimit {
		return nil, errs.New(errs.Invalid, "InvalidDurations", "move.validate and move.move take %s together: Azure ends a move after %s", total, fault.MoveLimit).
			Advise("for a move that runs into that limit use a fault of kind %s", fault.MoveTimedOut)
	}
	return wanted, nil
}

// drain carries out what is due until nothing is, whoever carries it out.
func (a *API) drain(r *http.Request, _ string) (int, any, error) {
	ctx, drained := r.Context(), 0
	for {
		done, err := a.Runner.RunDue(ctx)
		if err != nil {
			return 0, nil, err
		}
		if done {
			drained++
			continue
		}
		view, err := a.view(ctx)
		if err != nil {
			return 0, nil, err
		}
		if view.Next == nil || view.Next.After(view.Now) {
			view.Drained = &drained
			return http.StatusOK, view, nil
		}
		if err := held(ctx); err != nil { // another transaction holds what is due: look again
			return 0, nil, err
		}
	}
}

// held waits a moment for a transaction of somebody else.
func held(ctx context.Context) error {
	timer := time.NewTimer(5 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errs.Wrap(errs.Canceled, "RequestAborted", ctx.Err(), "the caller did not wait for the operations")
	}
}
