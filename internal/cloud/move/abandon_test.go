package move_test

import (
	"net/http"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/authorization"
	"github.com/amlmove/amlmove/internal/cloud/control"
	"github.com/amlmove/amlmove/internal/cloud/move"
	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/internal/cloud/provider"
	"github.com/amlmove/amlmove/internal/cloud/provider/neighbour/neighbourtest"
	"github.com/amlmove/amlmove/internal/cloud/store"
)

// group finds the node of a group.
func group(t *testing.T, r store.Reader, subscription, name string) store.Node {
	t.Helper()
	met, err := r.Walk(t.Context(), store.Root, []store.Step{{Type: control.SubscriptionNode, Name: subscription}, {Type: "resourceGroups", Name: name}})
	if err != nil || len(met) != 2 {
		t.Fatalf("group %s: met %d nodes, %v", name, len(met), err)
	}
	return met[1]
}

// One of the two groups of a move is gone, which no request can do: what the move kept from others in the other one is free all the same when it is given up.
func TestAMoveThatIsGivenUpUnlocksTheGroupThatIsLeft(t *testing.T) {
	t.Parallel()
	const thing = neighbourtest.Group + "/providers/Microsoft.Test/things/t"
	for _, gone := range []string{"source", "target", "neither"} {
		c := neighbourtest.New(t, []provider.Type{{Name: "Microsoft.Test/things", Tracked: true, MoveGroup: true, MoveSubscription: true, Stateful: true}}, authorization.Types())
		handlers := move.Register(c.Engine, nil)
		c.Put(thing, `{"location":"westeurope"}`)
		if _, err := c.Try(http.MethodPost, neighbourtest.Group+"/moveResources", `{"resources":["`+thing+`"],"targetResourceGroup":"`+neighbourtest.Other+`"}`); err != nil {
			t.Fatal(err)
		}
		left := map[string]store.ID{}
		err := c.Store.Update(t.Context(), func(tx store.Tx) error {
			left["source"], left["target"] = group(t, tx, neighbourtest.Source, "rg").ID, group(t, tx, neighbourtest.Target, "other").ID
			if id := left[gone]; id != 0 {
				delete(left, gone)
				if err := tx.Trash(t.Context(), id); err != nil {
					return err
				}
			}
			op, err := tx.ClaimOperation(t.Context(), c.Now)
			if err != nil {
				return err
			}
			return handlers[move.OpMove+operation.GivenUp](t.Context(), tx, &op, c.Now)
		})
		if err != nil {
			t.Errorf("%s is gone: %v", gone, err)
		}
		err = c.Store.View(t.Context(), func(r store.Reader) error {
			for which, id := range left {
				node, err := r.Node(t.Context(), id)
				if err != nil {
					return err
				}
				if node.Flag != "" {
					t.Errorf("%s is gone: the %s is left in the state %s", gone, which, node.Flag)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}
