package action

import (
	"slices"
	"testing"

	"github.com/amlmove/amlmove/internal/plan"
)

func TestWhatThePlanSaidIsLostIsExpected(t *testing.T) {
	t.Parallel()
	const ws = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
	bad := []string{ws + "/onlineEndpoints/e/deployments/bad", ws + "/batchEndpoints/b/deployments/bad"}
	p := &plan.Plan{Losses: []plan.Loss{{Subject: bad[0]}, {Subject: bad[1]}, {Subject: ws + "/onlineEndpoints/e/deployments/good"}, {Subject: ws + "/onlineEndpoints/e"}, {Subject: ws}},
		Steps: []plan.Step{{Action: plan.RestoreDeployment, Subject: ws + "/onlineEndpoints/e/deployments/good"}, {Action: plan.RemoveService, Subject: ws + "/services/s"}}}
	want := append([]string{ws + "/services/s"}, bad...)
	if got := Expected(p).Skipped; !slices.Equal(got, want) {
		t.Errorf("S10 expected to be missing are %q, want %q", got, want)
	}
}
