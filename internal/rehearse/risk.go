package rehearse

import (
	"fmt"

	"github.com/amlmove/amlmove/internal/plan"
)

// Risk is what can go wrong in Azure with steps of one kind although it went well on the copy: the copy knows documents, not machines, people and other customers.
type Risk struct {
	Kind  string   `json:"kind"`
	What  string   `json:"what"`  // of the first step, in words
	Steps []string `json:"steps"` // ids
	Why   string   `json:"why"`
	Helps string   `json:"helps"`           // what the run does about it, and what a person can
	Fault string   `json:"fault,omitempty"` // the fault that plays it, if there is one
}

// risks are the kinds of steps at risk, by the order of their phases (peers, section 3).
var risks = []Risk{
	{Kind: plan.EndJob, Why: "a job may take longer to end than the plan waits for it", Helps: "the run stops before anything is removed; plan with a longer --jobs-limit, or with --jobs cancel"},
	{Kind: plan.RemoveEndpoint, Why: "whoever still calls the endpoint gets errors from here on", Helps: "tell them when: the window is above"},
	{Kind: plan.MoveResources, Why: "a move may run for hours, end in an error although it happened, or happen in part (pains 2 to 6)", Helps: "the run reads both sides and goes on from what is there", Fault: "move-timed-out"},
	{Kind: plan.RestorePrivateEndpoint, Why: "a connection may stay pending until the owner of the target approves it (pain 31)", Helps: "have somebody ready who may, or plan with --approve-endpoints", Fault: "endpoint-stays-pending"},
	{Kind: plan.RestoreCompute, Why: "the region may have no machines of the size at that moment, whatever the quota says (pain 28)", Helps: "the run says so and can be resumed; ask for capacity of scarce sizes before", Fault: "quota-taken"},
	{Kind: plan.RestoreEndpoint, Why: "a name is free again only some time after its endpoint is gone, and somebody else may take it (pain 26)", Helps: "the run tries again until it is free", Fault: "name-blocked"},
	{Kind: plan.RestoreDeployment, Why: "it pulls an image and starts machines: 12 to 18 minutes as a rule, and what its environment needs may have changed (pain 27)", Helps: "the endpoint has traffic only when all its deployments stand; build the image once more before", Fault: "deployment-fails"},
}

// Title names the steps.
func (r Risk) Title() string {
	if others := len(r.Steps) - 1; others > 0 {
		return fmt.Sprintf("%s, and %d like it", r.What, others)
	}
	return r.What
}

// RisksOf are the steps of a plan that are at risk.
func RisksOf(steps []plan.Step) []Risk {
	found := []Risk{}
	for _, r := range risks {
		for _, s := range steps {
			if s.Action == r.Kind {
				if r.What == "" {
					r.What = s.What
				}
				r.Steps = append(r.Steps, s.ID)
			}
		}
		if len(r.Steps) > 0 {
			found = append(found, r)
		}
	}
	return found
}
