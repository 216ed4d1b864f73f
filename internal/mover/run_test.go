package mover

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/errs"
)

func TestARunDoesEveryStepOnceAndInOrder(t *testing.T) {
	t.Parallel()
	f, s := play(t, act())
	record, err := perform(t, f, Options{Actions: effects{stage: s}}, (*Run).Forward)
	if err != nil || record.State != Done {
		t.Fatalf("the run is %s (%s), %v", record.State, record.Reason, err)
	}
	wantEffects(t, s, names(act())...)
	at := func(subject string) int { return slices.Index(s.ledger(), "do:"+subject) }
	for _, step := range act() {
		for _, earlier := range step.After {
			if at(earlier) > at(step.Subject) {
				t.Errorf("%s came before %s: %v", step.Subject, earlier, s.ledger())
			}
		}
	}
	if record, err = perform(t, f, Options{Actions: effects{stage: s}}, (*Run).Forward); err != nil || record.State != Done {
		t.Fatalf("applied again, the run is %s, %v", record.State, err)
	}
	wantEffects(t, s, names(act())...)
}

func TestAFailureBeforeTheMoveBringsTheSourceBack(t *testing.T) {
	t.Parallel()
	for _, failing := range []string{"register", "schedule", "job", "endpoint", "compute", "validate", "move"} {
		t.Run(failing, func(t *testing.T) {
			t.Parallel()
			f, s := play(t, act())
			record, err := perform(t, f, Options{Actions: effects{stage: s, fail: map[string]bool{failing: true}}}, (*Run).Forward)
			if err != nil {
				t.Fatal(err)
			}
			if want := map[bool]State{true: Failed, false: RolledBack}[len(s.ledger()) == 0]; record.State != want {
				t.Fatalf("the run is %s, want %s: %s", record.State, want, record.Reason)
			}
			if !strings.Contains(record.Reason, failing+" fails") {
				t.Errorf("the reason does not name what failed: %s", record.Reason)
			}
			wantEffects(t, s)
			record, err = perform(t, f, Options{Actions: effects{stage: s}}, (*Run).Forward)
			if err != nil || record.State != Done {
				t.Fatalf("begun anew, the run is %s (%s), %v", record.State, record.Reason, err)
			}
			wantEffects(t, s, names(act())...)
		})
	}
}

func TestAFailureBehindTheMoveGoesForward(t *testing.T) {
	t.Parallel()
	f, s := play(t, act())
	record, err := perform(t, f, Options{Actions: effects{stage: s, fail: map[string]bool{"compute-again": true}}}, (*Run).Forward)
	if err != nil || record.State != Partial {
		t.Fatalf("the run is %s, %v", record.State, err)
	}
	if !s.there("role") || s.there("endpoint-again") {
		t.Errorf("what does not depend on the failure goes on, what does waits: %v", s.ledger())
	}
	if _, err := perform(t, f, Options{Actions: effects{stage: s}}, (*Run).Back); !errs.Is(err, errs.Conflict) {
		t.Errorf("a run behind its point of no return went back: %v", err)
	}
	if record, err = perform(t, f, Options{Actions: effects{stage: s}}, (*Run).Forward); err != nil || record.State != Done {
		t.Fatalf("resumed, the run is %s, %v", record.State, err)
	}
	wantEffects(t, s, names(act())...)
}

func TestARunWaitsForAPersonWithoutHoldingUpTheRest(t *testing.T) {
	t.Parallel()
	f, s := play(t, act())
	record, err := perform(t, f, Options{Actions: effects{stage: s, wait: map[string]bool{"role": true}}}, (*Run).Forward)
	if err != nil || record.State != Waiting || !strings.Contains(record.Reason, "somebody for role") {
		t.Fatalf("S24 the run is %s (%s), %v", record.State, record.Reason, err)
	}
	if !s.there("endpoint-again") || !s.there("compare") {
		t.Errorf("the rest did not go on as far as it can, to the comparison: %v", s.ledger())
	}
	if record, err = perform(t, f, Options{Actions: effects{stage: s}}, (*Run).Forward); err != nil || record.State != Done {
		t.Fatalf("resumed, the run is %s, %v", record.State, err)
	}
	wantEffects(t, s, names(act())...)
}

func TestNothingIsChangedWhenAStepMayNotStart(t *testing.T) {
	t.Parallel()
	steps := act()
	for i := range steps {
		if steps[i].Subject == "role" || steps[i].Subject == "compute-again" {
			steps[i].Action = "refused"
		}
	}
	f, s := play(t, steps)
	record, err := perform(t, f, Options{Actions: effects{stage: s}}, (*Run).Forward)
	if err != nil || record.State != Failed || len(s.ledger()) > 0 {
		t.Fatalf("pain 40: the run is %s, %v, and did %v", record.State, err, s.ledger())
	}
	if !strings.Contains(record.Reason, "role may not start") || !strings.Contains(record.Reason, "compute-again may not start") {
		t.Errorf("not every reason is told: %s", record.Reason)
	}
}

func TestAPlanOfANewerVersionIsRefusedBeforeAnythingIsChanged(t *testing.T) {
	t.Parallel()
	steps := act()
	steps[8].Action = "unknown"
	f, s := play(t, steps)
	record, err := perform(t, f, Options{Actions: effects{stage: s}}, (*Run).Forward)
	if err != nil || record.State != Failed || len(s.ledger()) > 0 || !strings.Contains(record.Reason, `"unknown"`) {
		t.Fatalf("the run is %s (%s), %v, and did %v", record.State, record.Reason, err, s.ledger())
	}
}

func TestTwoProcessesCannotWorkOnOneRun(t *testing.T) {
	t.Parallel()
	f, s := play(t, act())
	unlock, err := f.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Folder: f, Actions: effects{stage: s}}); !errs.Is(err, errs.Conflict) {
		t.Errorf("the run was opened twice: %v", err)
	}
	unlock()
	if record, err := perform(t, f, Options{Actions: effects{stage: s}}, (*Run).Forward); err != nil || record.State != Done {
		t.Fatalf("freed, the run is %s, %v", record.State, err)
	}
}

func TestAStoppedRunGoesOn(t *testing.T) {
	t.Parallel()
	for _, stopAt := range act() {
		t.Run(stopAt.Subject, func(t *testing.T) {
			t.Parallel()
			f, s := play(t, act())
			ctx, stop := context.WithCancel(t.Context())
			o := Options{Actions: effects{stage: s}, Watch: func(e Event) {
				if e.Step.ID == stopAt.ID && e.State == StepRunning {
					stop()
				}
			}}
			record, err := perform(t, f, o, func(r *Run, _ context.Context) (Record, error) { return r.Forward(ctx) })
			if err != nil && !errs.Is(err, errs.Canceled) {
				t.Fatalf("stopped: %s %v", record.State, err)
			}
			record, err = perform(t, f, Options{Actions: effects{stage: s}}, (*Run).Forward)
			if err != nil || record.State != Done {
				t.Fatalf("resumed, the run is %s (%s), %v", record.State, record.Reason, err)
			}
			wantEffects(t, s, names(act())...)
		})
	}
}

func TestEveryStepBeforeTheMoveCanBeTakenBack(t *testing.T) {
	t.Parallel()
	for i, last := range act() {
		if !before(last.Phase) {
			continue
		}
		t.Run(last.Subject, func(t *testing.T) {
			t.Parallel()
			f, s := play(t, act())
			fail := map[string]bool{}
			for _, later := range act()[i+1:] {
				fail[later.Subject] = true
			}
			if _, err := perform(t, f, Options{Actions: effects{stage: s, fail: fail}, NoRollback: true}, (*Run).Forward); err != nil {
				t.Fatal(err)
			}
			record, err := perform(t, f, Options{Actions: effects{stage: s}}, (*Run).Back)
			if err != nil || record.State != RolledBack {
				t.Fatalf("the run is %s (%s), %v", record.State, record.Reason, err)
			}
			wantEffects(t, s)
		})
	}
}

func TestOnlyLegalChangesOfState(t *testing.T) {
	t.Parallel()
	if Done.CanBecome(RollingBack) || Partial.CanBecome(RollingBack) || RolledBack.CanBecome(Running) || !Running.CanBecome(Partial) {
		t.Error("the table of legal changes is wrong about the point of no return")
	}
}
