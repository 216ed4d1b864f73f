package postgres

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// inOneTrip makes a child below a node that it holds, as a PUT of something new does: once the node is known it asks for nothing before it commits. A name that is taken is told.
func inOneTrip(ctx context.Context, s *Store, node store.ID, name string) error {
	return s.Update(ctx, func(tx store.Tx) error {
		if _, err := tx.Generation(ctx); err != nil {
			return err
		}
		_, met, err := tx.HoldAndWalk(ctx, store.Shared, node, node, []store.Step{{Type: "t", Name: name}})
		if len(met) > 0 {
			err = errs.New(errs.Conflict, "Taken", "there is a %s", name)
		}
		if err != nil {
			return err
		}
		return tx.Insert(ctx, &store.Node{Parent: node, Type: "t", Name: name})
	})
}

// TestWhoWaitsForALockHoldsUpNobody: what goes together goes apart when one of it has to wait.
func TestWhoWaitsForALockHoldsUpNobody(t *testing.T) {
	t.Parallel()
	here, there := twoNodes(t)
	ids := plant(t, there, "held", "free")
	for _, id := range ids {
		must(t, inOneTrip(t.Context(), here, id, "first"))
	}
	answers := make(chan error, 3)
	ctx, cancel := context.WithCancel(t.Context())
	must(t, there.Update(t.Context(), func(tx store.Tx) error {
		if _, err := tx.Hold(t.Context(), store.Exclusive, ids[0]); err != nil {
			return err
		}
		go func() { answers <- inOneTrip(t.Context(), here, ids[0], "waits") }()
		for n := range 20 { // in company with what waits, or behind it
			if err := inOneTrip(t.Context(), here, ids[1], fmt.Sprint("beside ", n)); err != nil {
				t.Error(err)
			}
		}
		select {
		case err := <-answers:
			t.Errorf("it did not wait: %v", err)
		default:
		}
		gaveUp := make(chan error)
		go func() { gaveUp <- inOneTrip(ctx, here, ids[0], "given up") }()
		cancel()
		if err := <-gaveUp; !errs.Is(err, errs.Canceled) {
			t.Errorf("given up: %v", err)
		}
		return nil
	}))
	if err := <-answers; err != nil {
		t.Error(err)
	}
	count(t, there, ids[0], 2)
	count(t, there, ids[1], 21)
}

func count(t *testing.T, s *Store, parent store.ID, want int64) {
	t.Helper()
	must(t, s.View(t.Context(), func(r store.Reader) error {
		got, err := r.Count(t.Context(), parent, "t")
		if got != want {
			t.Errorf("%d children below node %d, want %d", got, parent, want)
		}
		return err
	}))
}

// TestWhatGoesTogetherIsRefusedApart: names that another node took dash the hopes of all who go with them, and are told to nobody else.
func TestWhatGoesTogetherIsRefusedApart(t *testing.T) {
	t.Parallel()
	here, there := twoNodes(t)
	id := plant(t, there, "above")[0]
	must(t, inOneTrip(t.Context(), here, id, "first"))
	const rounds, side = 5, 12
	for round := range rounds {
		taken := fmt.Sprint("taken ", round)
		must(t, inOneTrip(t.Context(), there, id, taken))
		var all sync.WaitGroup
		for n := range side {
			all.Go(func() {
				if err := inOneTrip(t.Context(), here, id, fmt.Sprint("free ", round, " ", n)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Go(func() {
			if err := inOneTrip(t.Context(), here, id, taken); !errs.Is(err, errs.Conflict) {
				t.Errorf("a name that is taken: %v", err)
			}
		})
		all.Wait()
	}
	count(t, there, id, 1+rounds*(side+1))
}

// TestWhatIsWrittenTogetherIsAllOrNothing: the server refuses one of three.
func TestWhatIsWrittenTogetherIsAllOrNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := plant(t, s, "above")[0]
	insert := func(name string) *trip {
		n, err := store.ID(0), error(nil)
		must(t, s.update(t.Context(), func(tx *tx) error { n, err = tx.takeID(t.Context()); return err }))
		return &trip{statements: []statement{{sql: sqlInsertLater, args: insertArgs(&store.Node{Parent: id, Type: "t", Name: name}, int64(n))}}}
	}
	for _, c := range []struct {
		names []string
		err   error
		there int64
	}{{[]string{"a", "b"}, nil, 2}, {[]string{"c", "b", "d"}, errApart, 2}, {[]string{"c", "d"}, nil, 4}} {
		var trips []*trip
		for _, name := range c.names {
			trips = append(trips, insert(name))
		}
		s.writeTogether(t.Context(), trips)
		for i, trip := range trips {
			if trip.err != c.err {
				t.Errorf("%s: %v", c.names[i], trip.err)
			}
		}
		count(t, s, id, c.there)
	}
}

// TestWalksTogetherKeepApart: who cannot read what it finds says so; the others have theirs.
func TestWalksTogetherKeepApart(t *testing.T) {
	t.Parallel()
	s := open(t)
	ids := plant(t, s, "a", "broken", "b")
	must(t, s.update(t.Context(), func(tx *tx) error {
		_, err := tx.query(t.Context(), "break", nil, `UPDATE cloud_node SET refs = '\xff' WHERE id = $1`, int64(ids[1]))
		return err
	}))
	var walks []*walk
	var trips []*trip
	for _, name := range []string{"a", "broken", "b", "missing"} {
		w := newWalk(store.Root, []store.Step{{Type: "t", Name: name}})
		walks, trips = append(walks, w), append(trips, &trip{statements: []statement{w.read()}})
	}
	s.readTogether(t.Context(), trips)
	for i, want := range []string{"a", "", "b", ""} {
		got := ""
		if len(walks[i].met) > 0 {
			got = walks[i].met[0].Name
		}
		if got != want || (trips[i].err != nil) != (i == 1) {
			t.Errorf("walk %d met %q, %v", i, got, trips[i].err)
		}
	}
}

// TestAServerThatDoesNotAnswerIsGivenUp: who comes later has another connection.
func TestAServerThatDoesNotAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	here, there := twoNodes(t)
	plant(t, there, "a")
	here.readers.limit = 50 * time.Millisecond
	must(t, there.update(t.Context(), func(tx *tx) error {
		if _, err := tx.query(t.Context(), "lock", nil, `LOCK TABLE cloud_node IN ACCESS EXCLUSIVE MODE`); err != nil {
			return err
		}
		err := here.View(t.Context(), func(r store.Reader) error {
			_, err := r.Walk(t.Context(), store.Root, []store.Step{{Type: "t", Name: "a"}})
			return err
		})
		if e := errs.As(err); e == nil || e.Code != "StoreUnreachable" {
			t.Errorf("got %v, want StoreUnreachable", err)
		}
		return nil
	}))
	here.readers.limit = tripLimit
	if !isThere(t, here, store.Root, "a") {
		t.Error("it is not found")
	}
}
