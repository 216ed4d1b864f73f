package rehearse

import (
	"slices"
	"testing"

	"github.com/amlmove/amlmove/internal/plan"
)

// TestRisksNameWhatIsThere holds the table against the kinds of steps and the faults by name.
func TestRisksNameWhatIsThere(t *testing.T) {
	t.Parallel()
	steps := []plan.Step{{ID: "other", Action: plan.RestoreData, What: "other"}}
	for _, r := range risks {
		if r.Why == "" || r.Helps == "" {
			t.Errorf("%s says nothing", r.Kind)
		}
		if r.Fault != "" {
			if _, err := Find(r.Fault); err != nil {
				t.Errorf("%s: %v", r.Kind, err)
			}
		}
		steps = append(steps, plan.Step{ID: r.Kind + "/a", Action: r.Kind, What: "do a"}, plan.Step{ID: r.Kind + "/b", Action: r.Kind, What: "do b"})
	}
	found := RisksOf(steps)
	if len(found) != len(risks) {
		t.Fatalf("%d of %d are found", len(found), len(risks))
	}
	for i, r := range found {
		if r.Kind != risks[i].Kind || !slices.Equal(r.Steps, []string{r.Kind + "/a", r.Kind + "/b"}) || r.Title() != "do a, and 1 like it" {
			t.Errorf("got %+v", r)
		}
	}
	if none := RisksOf(steps[:1]); none == nil || len(none) != 0 {
		t.Errorf("a plan without risks has %v", none)
	}
}
