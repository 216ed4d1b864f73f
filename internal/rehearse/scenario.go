package rehearse

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/fault"
	"github.com/amlmove/amlmove/internal/cloud/move"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
)

// Scenario is something that goes wrong in the copy: Azure does (Faults), or somebody else does something at the wrong time (meddle).
type Scenario struct {
	Name   string
	Says   string // what goes wrong, for people
	Faults []fault.Fault
	meddle *meddle
}

// meddle is what somebody else does.
type meddle struct {
	before string // the action before whose first effect it is done
	do     func(context.Context, *stage, *plan.Plan) error
	undo   func(context.Context, *stage, *plan.Plan) error // nil: it passes by itself
}

// Scenarios are all that can be asked for by name, in order.
func Scenarios() []Scenario {
	once := fault.Match{Times: 1}
	onlyMove := fault.Match{Operation: move.OpMove, Times: 1}
	half := 0.1
	one := 1
	return []Scenario{
		{Name: "throttled", Says: "every tenth request is answered 429: wait 17 seconds", Faults: []fault.Fault{{Kind: fault.Status, Status: 429, RetryAfter: 17, Code: "TooManyRequests", Match: fault.Match{Probability: &half}}}},
		{Name: "lost-answers", Says: "every tenth request is carried out, and its answer lost", Faults: []fault.Fault{{Kind: fault.LostAnswer, Match: fault.Match{Probability: &half}}}},
		{Name: "slow-provider", Says: "a provider is given up after 15 minutes, and nothing has moved", Faults: []fault.Fault{{Kind: fault.ProviderTimedOut, Happened: "false", Match: onlyMove}}},
		{Name: "move-timed-out", Says: "the move is given up after four hours, although all has moved", Faults: []fault.Fault{{Kind: fault.MoveTimedOut, Happened: "true", Match: once}}},
		{Name: "half-moved", Says: "one resource moves, and the rest stays", Faults: []fault.Fault{{Kind: fault.HalfMoved, N: &one, Match: once}}},
		{Name: "moved-but-failed", Says: "all moves, and the move is reported as failed", Faults: []fault.Fault{{Kind: fault.MovedButFailed, Match: once}}},
		{Name: "validate-passes-move-fails", Says: "a provider refuses in the move what it allowed before", Faults: []fault.Fault{{Kind: fault.ValidatePassesMoveFails, Match: once}}},
		{Name: "notifications-pending", Says: "all has moved, and the move goes on for two hours", Faults: []fault.Fault{{Kind: fault.NotificationsPending, For: fault.Duration(2 * time.Hour), Match: once}}},
		{Name: "internal-error", Says: "the move ends with 500, and nothing has moved", Faults: []fault.Fault{{Kind: fault.InternalError, Match: once}}},
		{Name: "name-blocked", Says: "names of endpoints stay blocked for ten minutes after they were removed", Faults: []fault.Fault{{Kind: fault.NameHeld, For: fault.Duration(10 * time.Minute)}}},
		{Name: "deployment-fails", Says: "a deployment ends as failed", Faults: []fault.Fault{{Kind: fault.DeploymentFails, Match: once}}},
		{Name: "endpoint-stays-pending", Says: "connections of private endpoints stay pending", Faults: []fault.Fault{{Kind: fault.PrivateEndpointStaysPending}}},
		{Name: "quota-taken", Says: "somebody else uses up the target's quota while the workspace moves", meddle: &meddle{plan.MoveResources, takeQuota, freeQuota}},
		{Name: "policy-added", Says: "a policy that forbids computes is assigned at the target while the workspace moves", meddle: &meddle{plan.MoveResources, forbidComputes, allowComputes}},
		{Name: "foreign-move", Says: "somebody else moves something out of the target group when ours is validated", meddle: &meddle{plan.ValidateMove, foreignMove, nil}},
		{Name: "person-changes", Says: "a person makes a compute in the workspace after it was drained", meddle: &meddle{plan.ValidateMove, makeCompute, dropCompute}},
	}
}

// Find finds scenarios by name; "all" are all of them. Invalid, with the names that there are, when one is not known.
func Find(names ...string) ([]Scenario, error) {
	var found []Scenario
	all := Scenarios()
	for _, name := range names {
		if name == "all" {
			return all, nil
		}
		at := slices.IndexFunc(all, func(s Scenario) bool { return s.Name == name })
		if at < 0 {
			var known []string
			for _, s := range all {
				known = append(known, s.Name)
			}
			return nil, errs.New(errs.Invalid, "UnknownFault", "there is no fault %q", name).Advise("there are: %s, and all", strings.Join(known, ", "))
		}
		found = append(found, all[at])
	}
	return found, nil
}

// Chaos draws a scenario of up to three faults with a seed: always the same for the same number.
func Chaos(seed uint64, n int) Scenario {
	rng := rand.New(rand.NewPCG(seed, uint64(n)))
	var pool []Scenario
	for _, s := range Scenarios() {
		if len(s.Faults) > 0 {
			pool = append(pool, s)
		}
	}
	drawn := Scenario{Name: fmt.Sprintf("chaos %d/%d", seed, n)}
	rng.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
	picked := pool[:1+rng.IntN(3)]
	slices.SortFunc(picked, func(a, b Scenario) int { return cmp.Compare(a.Name, b.Name) })
	var says []string
	for _, s := range picked {
		for _, f := range s.Faults {
			f.ID = s.Name
			if f.Match.Times > 0 {
				f.Match.Skip, f.Match.Times = int64(rng.IntN(2)), 1+int64(rng.IntN(2))
			}
			if f.Match.Probability != nil {
				p := 0.02 + 0.1*rng.Float64()
				f.Match.Probability = &p
			}
			drawn.Faults = append(drawn.Faults, f)
		}
		says = append(says, s.Name)
	}
	drawn.Says = strings.Join(says, " + ")
	return drawn
}

// arm makes it go wrong from now on.
func (s Scenario) arm(ctx context.Context, on *stage) error {
	if len(s.Faults) == 0 {
		return nil
	}
	faults := slices.Clone(s.Faults)
	for i := range faults {
		faults[i].ID = cmp.Or(faults[i].ID, s.Name)
	}
	return on.cloud.Faults.Replace(ctx, 1, faults)
}

// pass ends it.
func (s Scenario) pass(ctx context.Context, on *stage, p *plan.Plan) error {
	if s.meddle != nil && s.meddle.undo != nil {
		if err := s.meddle.undo(ctx, on, p); err != nil {
			return err
		}
	}
	return on.cloud.Faults.Clear(ctx)
}

// ends are the two ends of a plan.
func ends(p *plan.Plan) (workspace, target arm.ID, err error) {
	if workspace, err = arm.Parse(p.Workspace); err != nil {
		return nil, nil, err
	}
	target, err = arm.Parse(p.Target)
	return workspace, target, err
}
