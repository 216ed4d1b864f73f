package crash

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// TestAReferenceSurvivesAMoveAtTheOtherNode writes a workspace at one node while the other one moves the account that it names. The workspace is in another
// group than the account, so neither waits for the other: whoever reads the old place and writes after the move must not write the old place down.
func TestAReferenceSurvivesAMoveAtTheOtherNode(t *testing.T) {
	t.Parallel()
	a, b, w := twins(t, nil)
	account, sides := w.pairs[0].places[0], w.pairs[0].sides
	done := make(chan struct{})
	var all sync.WaitGroup
	for i, c := range []*client{a.client(t), a.client(t)} {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				got, err := c.do(t.Context(), http.MethodPatch, w.steady.path(), object{"tags": object{fmt.Sprint("by", i): fmt.Sprint(n)}})
				if err != nil || !got.good() {
					t.Errorf("a write to the workspace was answered %d (%v): %s", got.status, err, got.body)
					return
				}
			}
		})
	}
	c := b.client(t)
	for range 15 {
		from := account.where()
		o := &order{places: []*place{account}, from: from, to: sides[0]}
		if from == o.to {
			o.to = sides[1]
		}
		if last := c.ended(t, c.must(t, http.MethodPost, from+"/moveResources", o.body()).operation()); last.status != http.StatusNoContent {
			t.Errorf("a move ended with %d: %s", last.status, last.body)
			break
		}
		account.move(o.to)
		if got := text(c.get(t, w.steady.path()), "properties.storageAccount"); !strings.EqualFold(got, account.path()) {
			t.Errorf("the workspace names %s, the account is at %s", got, account.path())
			break
		}
	}
	close(done)
	all.Wait()
}
