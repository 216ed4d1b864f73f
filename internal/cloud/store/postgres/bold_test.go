package postgres

import (
	"fmt"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/storetest"
)

func TestHopes(t *testing.T) {
	t.Parallel()
	here, there := twoNodes(t)
	storetest.Hopes(t, here, there)
}

// TestWhatIsNewIsMadeInOneTrip: an update that makes something new below what is known has asked for nothing when it commits.
func TestWhatIsNewIsMadeInOneTrip(t *testing.T) {
	t.Parallel()
	here, there := twoNodes(t)
	id := plant(t, there, "above")[0]
	for n, want := range []bool{false, true, true} { // the node that is held becomes known
		bold := false
		must(t, here.update(t.Context(), func(own *tx) error {
			if _, err := own.Generation(t.Context()); err != nil {
				return err
			}
			name := fmt.Sprint("child ", n)
			if _, _, err := own.HoldAndWalk(t.Context(), store.Shared, id, id, []store.Step{{Type: "t", Name: name}}); err != nil {
				return err
			}
			err := own.Insert(t.Context(), &store.Node{Parent: id, Type: "t", Name: name})
			bold = own.oneTrip()
			return err
		}))
		if bold != want {
			t.Errorf("update %d went in one trip: %v", n, bold)
		}
	}
}
