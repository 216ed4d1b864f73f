package mover

import "slices"

// State is the state of a run.
type State string

const (
	Ready       State = "ready"       // made by apply; nothing was changed; on to Running
	Running     State = "running"     // entered by apply and resume; a killed process leaves it so, and resume goes on
	Waiting     State = "waiting"     // all is done that does not wait for a person; resume goes on
	Failed      State = "failed"      // a step failed and the run stopped; resume tries again, rollback goes back while that is possible
	RollingBack State = "rollingBack" // entered by a failure before the point of no return, and by rollback; on to RolledBack or Failed
	RolledBack  State = "rolledBack"  // the source is as it was; apply begins anew
	Partial     State = "partial"     // moved, and something could not be made again or differs; resume tries again
	Done        State = "done"        // moved, made again, compared: terminal
	Canceled    State = "canceled"    // given up before anything was changed: apply begins anew
)

// legal are the changes of state that may happen.
var legal = map[State][]State{
	Ready:       {Running, Canceled},
	Running:     {Running, Waiting, Failed, RollingBack, Partial, Done},
	Waiting:     {Running, RollingBack},
	Failed:      {Running, RollingBack},
	RollingBack: {RollingBack, RolledBack, Failed, Running},
	RolledBack:  {Ready},
	Partial:     {Running},
	Done:        {Running},
	Canceled:    {Ready},
}

// CanBecome reports whether a run may go from one state to another.
func (s State) CanBecome(next State) bool { return slices.Contains(legal[s], next) }

// StepState is the state of one step in one direction.
type StepState string

const (
	StepRunning StepState = "running" // begun; a killed process leaves it so
	StepDone    StepState = "done"    // its effect is there
	StepThere   StepState = "there"   // its effect was there before: nothing was done
	StepFailed  StepState = "failed"  // it ended with an error
	StepWaiting StepState = "waiting" // a person must act
	StepBlocked StepState = "blocked" // not begun: something before it did not end well
)

// Well reports whether what depends on the step may begin.
func (s StepState) Well() bool { return s == StepDone || s == StepThere }
