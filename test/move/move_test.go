package move

import (
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/mover"
)

func TestContosoMovesWhole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		include []string
		group   func(w *world) // where it goes, when not to the other subscription
	}{
		{"S01 S42 to another subscription with everything", []string{"all"}, nil},
		{"S01 to another subscription alone", nil, nil},
		{"S02 to another group with everything", []string{"all"}, otherGroup},
		{"S02 to another group alone", nil, otherGroup},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.group != nil {
				c.group(w)
			}
			f := w.begin(t, w.plan(t, decided(c.include...)))
			record := w.drive(t, f, mover.Options{}, (*mover.Run).Forward)
			if record.State != mover.Done {
				t.Errorf("the run is %s: %s", record.State, record.Reason)
			}
		})
	}
}

// otherGroup sends the workspace to a group of its own subscription that is not there yet.
func otherGroup(w *world) {
	w.target = append(arm.ID{}, w.workspace.SubscriptionID().Child(arm.Hop{Type: arm.ResourceGroups, Name: "ml-other-rg"})...)
}
