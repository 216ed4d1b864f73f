package rehearse

import (
	"context"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/cloud/fault"
	"github.com/amlmove/amlmove/internal/plan"
)

// Scenario is something that goes wrong in the copy.
type Scenario struct {
	Name   string
	Says   string // what goes wrong, for people
	Faults []fault.Fault
}

// arm makes it go wrong from now on.
func (s Scenario) arm(ctx context.Context, on *stage) error {
	if len(s.Faults) == 0 {
		return nil
	}
	return on.cloud.Faults.Replace(ctx, 1, s.Faults)
}

// pass ends it.
func (s Scenario) pass(ctx context.Context, on *stage) error { return on.cloud.Faults.Clear(ctx) }

// ends are the two ends of a plan.
func ends(p *plan.Plan) (workspace, target arm.ID, err error) {
	if workspace, err = arm.Parse(p.Workspace); err != nil {
		return nil, nil, err
	}
	target, err = arm.Parse(p.Target)
	return workspace, target, err
}
