package storetest

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

var operationChecks = []check{
	{"an operation comes back as it went in", operationRoundTrip},
	{"operations are claimed in the order they are due", operationOrder},
	{"next due is the earliest of what runs", operationNextDue},
	{"what runs on a node is found", operationsOnNode},
	{"operations that ended long ago are dropped, running ones never", operationDrop},
	{"two claimers never get the same operation", operationClaimers},
}

func operationDrop(t *testing.T, c *cloud) {
	c.update(t, func(tx store.Tx) error {
		for n := range 6 {
			o := job(fmt.Sprintf("op%d", n), n)
			if n > 0 {
				o.Ended, o.Status = base.Add(time.Duration(n)*time.Hour), 204
			}
			if err := tx.PutOperation(c.ctx, o); err != nil {
				return err
			}
		}
		return nil
	})
	drop := func(hours, limit int) (n int64) {
		c.update(t, func(tx store.Tx) (err error) {
			n, err = tx.DropOperations(c.ctx, base.Add(time.Duration(hours)*time.Hour), limit)
			return err
		})
		return n
	}
	for i, want := range []int64{2, 1, 0} {
		if got := drop(4, 2); got != want {
			t.Errorf("round %d dropped %d, want %d", i, got, want)
		}
	}
	for n, want := range []bool{true, false, false, false, true, true} {
		var err error
		c.view(t, func(r store.Reader) error { _, err = r.Operation(c.ctx, fmt.Sprintf("op%d", n)); return nil })
		if (err == nil) != want || err != nil && !errs.Is(err, errs.NotFound) {
			t.Errorf("op%d: %v", n, err)
		}
	}
}

func operationsOnNode(t *testing.T, c *cloud) {
	ended := job("ended", 0)
	ended.Node, ended.Ended = 7, base
	c.update(t, func(tx store.Tx) error {
		for i, o := range []store.Operation{job("b", 2), job("a", 2), job("first", 1), ended, job("elsewhere", 0)} {
			if o.Node = 7; i == 4 {
				o.Node = 8
			}
			if err := tx.PutOperation(c.ctx, o); err != nil {
				return err
			}
		}
		return nil
	})
	on := func(node store.ID, limit int) (ids []string) {
		c.view(t, func(r store.Reader) error {
			found, err := r.RunningOn(c.ctx, node, limit)
			for _, o := range found {
				ids = append(ids, o.ID)
			}
			return err
		})
		return ids
	}
	want(t, "all", fmt.Sprint(on(7, 10)), "[first a b]")
	want(t, "two", fmt.Sprint(on(7, 2)), "[first a]")
	want(t, "elsewhere", fmt.Sprint(on(8, 2)), "[elsewhere]")
	want(t, "nowhere", fmt.Sprint(on(9, 2)), "[]")
	if id, err := c.claim(base.Add(time.Minute)); err != nil || id != "elsewhere" {
		t.Errorf("claim: got %q (%v)", id, err)
	}
	want(t, "what ended", fmt.Sprint(on(8, 2)), "[]")
	err := c.View(c.ctx, func(r store.Reader) error { _, err := r.RunningOn(c.ctx, 7, 0); return err })
	wantKind(t, "no limit", err, errs.Invalid, "LimitInvalid")
}

// job makes an operation that is due some minutes behind base.
func job(id string, minutes int) store.Operation {
	return store.Operation{ID: id, Kind: "move", Due: base.Add(time.Duration(minutes) * time.Minute), Created: base}
}

func operationRoundTrip(t *testing.T, c *cloud) {
	in := store.Operation{ID: "Ab", Kind: "move", Tenant: "t", Subscription: "s", Principal: "p", Correlation: "c", Node: 7,
		Input: []byte(`{"a":1}`), Due: base.Add(time.Minute), Created: base}
	c.update(t, func(tx store.Tx) error { return tx.PutOperation(c.ctx, in) })
	read := func(id string) (o store.Operation) {
		c.view(t, func(r store.Reader) (err error) {
			o, err = r.Operation(c.ctx, id)
			return err
		})
		return o
	}
	if out := read("Ab"); !reflect.DeepEqual(in, out) || !out.Running() {
		t.Errorf("got  %+v\nwant %+v", out, in)
	}
	in.Ended, in.Status, in.Result = base.Add(time.Hour), 409, []byte("no")
	c.update(t, func(tx store.Tx) error { return tx.PutOperation(c.ctx, in) })
	if out := read("Ab"); !reflect.DeepEqual(in, out) || out.Running() {
		t.Errorf("got  %+v\nwant %+v", out, in)
	}
	want(t, "running", c.stats(t).Running, 0)
	err := c.View(c.ctx, func(r store.Reader) error { _, err := r.Operation(c.ctx, "ab"); return err })
	wantKind(t, "an id in another case", err, errs.NotFound, "OperationNotFound")
	err = c.Update(c.ctx, func(tx store.Tx) error { return tx.PutOperation(c.ctx, store.Operation{}) })
	wantKind(t, "an operation without id", err, errs.Invalid, "")
}

// claim takes the next operation that is due and ends it.
func (c *cloud) claim(now time.Time) (id string, err error) {
	err = c.Update(c.ctx, func(tx store.Tx) error {
		o, err := tx.ClaimOperation(c.ctx, now)
		if err != nil {
			return err
		}
		id, o.Ended, o.Status = o.ID, now, 200
		return tx.PutOperation(c.ctx, o)
	})
	return id, err
}

func operationOrder(t *testing.T, c *cloud) {
	ended := job("ended", 0)
	ended.Ended = base
	c.update(t, func(tx store.Tx) error {
		for _, o := range []store.Operation{job("c", 3), job("a", 1), job("b2", 2), job("b1", 2), ended} {
			if err := tx.PutOperation(c.ctx, o); err != nil {
				return err
			}
		}
		return nil
	})
	_, err := c.claim(base)
	wantKind(t, "claim before anything is due", err, errs.NotFound, "NoOperationDue")
	for _, expected := range []string{"a", "b1", "b2"} {
		id, err := c.claim(base.Add(2 * time.Minute)) // due at that very moment counts
		if err != nil || id != expected {
			t.Errorf("claim: got %q (%v), want %q", id, err, expected)
		}
	}
	_, err = c.claim(base.Add(2 * time.Minute))
	wantKind(t, "claim when the rest is not due", err, errs.NotFound, "NoOperationDue")
	want(t, "running", c.stats(t).Running, 1)
	c.update(t, func(tx store.Tx) error { return tx.PutOperation(c.ctx, job("c", 1)) }) // due times may move
	if id, err := c.claim(base.Add(time.Minute)); id != "c" || err != nil {
		t.Errorf("claim: got %q (%v), want c", id, err)
	}
}

func operationNextDue(t *testing.T, c *cloud) {
	next := func() (due time.Time, found bool) {
		c.view(t, func(r store.Reader) (err error) {
			due, found, err = r.NextDue(c.ctx)
			return err
		})
		return due, found
	}
	if _, found := next(); found {
		t.Error("something is due in an empty store")
	}
	c.update(t, func(tx store.Tx) error {
		if err := tx.PutOperation(c.ctx, job("late", 5)); err != nil {
			return err
		}
		return tx.PutOperation(c.ctx, job("early", 1))
	})
	if due, found := next(); !found || !due.Equal(base.Add(time.Minute)) {
		t.Errorf("got %v %v", due, found)
	}
	if _, err := c.claim(base.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if due, found := next(); !found || !due.Equal(base.Add(5*time.Minute)) {
		t.Errorf("got %v %v", due, found)
	}
}

func operationClaimers(t *testing.T, c *cloud) {
	const operations = 60
	c.update(t, func(tx store.Tx) error {
		for i := range operations {
			if err := tx.PutOperation(c.ctx, job(fmt.Sprintf("op%02d", i), i%5)); err != nil {
				return err
			}
		}
		return nil
	})
	var all sync.WaitGroup
	var mu sync.Mutex
	claimed := map[string]int{}
	for range 4 {
		all.Go(func() {
			for {
				id, err := c.claim(base.Add(time.Hour))
				if errs.Is(err, errs.NotFound) {
					return
				}
				if err != nil {
					t.Errorf("claim: %v", err)
					return
				}
				mu.Lock()
				claimed[id]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	want(t, "claimed", len(claimed), operations)
	for id, times := range claimed {
		want(t, "times "+id+" was claimed", times, 1)
	}
}
