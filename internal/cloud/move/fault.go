package move

import (
	"context"
	"encoding/json"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// Faults decides which moves go wrong, and how (D12). Without one nothing does.
type Faults interface {
	// Outcome is asked once for each validation and each move, when its checks have passed, in the transaction that goes on with it. nil lets it end
	// well. An *errs.Error that is a verdict refuses the order as a check would; any other error rolls the transaction back and is asked again.
	Outcome(ctx context.Context, tx store.Tx, a Attempt) (*Outcome, error)
}

// Attempt is one operation whose checks have passed.
type Attempt struct {
	Kind                string // OpValidate or OpMove
	Source, Target      arm.ID
	Resources           []arm.ID // in the order of the request
	Principal, ClientID string
	Correlation         string
	Diagnostics         string    // tail of ARM's messages
	Started, Checked    time.Time // when it was accepted, and when its checks were due
}

// Outcome is how an operation goes instead.
type Outcome struct {
	Carry int           // so many resources of the order move, from its beginning; a validation moves none
	Until time.Time     // the operation runs on until then, the groups of a move stay locked; in the past: it ends with the move
	Lasts time.Duration // or so long after the move
	Fails *errs.Error   // how it ends; nil: well
	Code  int           // HTTP status of the failure
}

// fate is an outcome as an operation remembers it.
type fate struct {
	Carry   int             `json:"carry"`
	Until   time.Time       `json:"until,omitzero"`
	Lasts   time.Duration   `json:"lastsNanoseconds,omitempty"`
	Status  int             `json:"status"`
	Result  json.RawMessage `json:"result,omitempty"`
	Carried bool            `json:"carried,omitempty"` // what was to move has moved
}

// decide asks once how an operation goes and remembers the answer in its input.
func (m *mover) decide(ctx context.Context, tx store.Tx, op *store.Operation, w *work, now time.Time) error {
	if m.faults == nil || w.in.Decided {
		return nil
	}
	w.in.Decided = true
	o, err := m.faults.Outcome(ctx, tx, Attempt{Kind: op.Kind, Source: w.order.Source, Target: w.order.Target, Resources: w.order.Resources,
		Principal: op.Principal, ClientID: w.in.ClientID, Correlation: op.Correlation, Diagnostics: diagnostics(op, *w, now), Started: op.Created, Checked: op.Due})
	if err != nil || o == nil {
		return err
	}
	w.in.Fate = &fate{Carry: min(max(o.Carry, 0), len(w.order.Resources)), Until: o.Until, Lasts: o.Lasts, Status: noContent}
	if o.Fails != nil {
		w.in.Fate.Status = o.Code
		w.in.Fate.Result, err = json.Marshal(arm.ErrorDocument{Error: arm.NewErrorBody(o.Fails)})
	}
	return err
}

// postpone has an operation carried on at a later time.
func postpone(op *store.Operation, w work, due time.Time) error {
	input, err := json.Marshal(w.in)
	if err != nil {
		return err
	}
	op.Input, op.Due = input, due
	return nil
}

// conclude ends an operation as its fate says; without one it ends well.
func conclude(op *store.Operation, w work, now time.Time) {
	if w.in.Fate == nil {
		operation.Finish(op, now, noContent, nil)
		return
	}
	operation.Finish(op, now, w.in.Fate.Status, w.in.Fate.Result)
}

// until is when an operation ends whose move, or whose checks, were due at a time; false when that has come.
func (w work) until(due, now time.Time) (time.Time, bool) {
	if w.in.Fate == nil {
		return due, false
	}
	end := w.in.Fate.Until
	if w.in.Fate.Lasts > 0 {
		end = due.Add(w.in.Fate.Lasts)
	}
	return end, end.After(now)
}

// travelling is the order without the resources that a fault leaves behind.
func (w work) travelling() work {
	if w.in.Fate != nil {
		w.order.Resources = w.order.Resources[:w.in.Fate.Carry]
	}
	return w
}
