package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

var updateChecks = []check{
	{"a failing update leaves nothing and returns its own error", updateFails},
	{"a failing update does not disturb its neighbours", updateIsolation},
	{"an update that is run again has its effect once", updateOnce},
	{"an update that lost a race may ask for another run", updateAgain},
	{"an error that asks in vain for another run is returned as it is", updateInVain},
	{"a panic becomes an error and the store goes on", updatePanic},
	{"a function that ends its goroutine does not stop the store", updateGoexit},
	{"a canceled update does not happen", updateCanceled},
	{"a transaction is of no use behind its end", updateOver},
	{"a closed store refuses work", updateClosed},
	{"close waits for running transactions", updateCloseWaits},
	{"what is written later is refused where it was written", updateLater},
	{"what is written later is written as it was", updateBuffers},
	{"stats name the engine", updateStats},
}

func updateFails(t *testing.T, c *cloud) {
	id := c.plant(t, store.Root, "sub/a")[0]
	mine := errors.New("mine")
	err := c.Update(c.ctx, func(tx store.Tx) error {
		n, err := tx.Node(c.ctx, id)
		if err != nil {
			return err
		}
		n.ETag = "changed"
		return errors.Join(tx.Insert(c.ctx, leaf(id, "x/y")), tx.Save(c.ctx, n), tx.Trash(c.ctx, id),
			tx.PutMeta(c.ctx, "k", []byte("v")), tx.PutOperation(c.ctx, job("o", 0)),
			tx.PutExtension(c.ctx, bound("/sub/a", "ns/locks", "l")), mine)
	})
	if !errors.Is(err, mine) {
		t.Errorf("got %v, want the error of the function", err)
	}
	if err := c.Update(c.ctx, func(store.Tx) error { return mine }); err != mine { //nolint:errorlint // as it is, not wrapped
		t.Errorf("got %v, want the error as it is", err)
	}
	if err := c.View(c.ctx, func(store.Reader) error { return mine }); err != mine { //nolint:errorlint // as it is, not wrapped
		t.Errorf("got %v, want the error as it is", err)
	}
	c.view(t, func(r store.Reader) error {
		n, err := r.Node(c.ctx, id)
		wantText(t, "etag", n.ETag, "")
		_, missing := r.Meta(c.ctx, "k")
		wantKind(t, "meta", missing, errs.NotFound, "MetaNotFound")
		return err
	})
	stats := c.stats(t)
	want(t, "nodes", stats.Nodes, 1)
	want(t, "extensions", stats.Extensions, 0)
	want(t, "operations", stats.Running, 0)
}

func updateIsolation(t *testing.T, c *cloud) {
	const updates = 64
	fail := make([]error, updates)
	var all sync.WaitGroup
	for i := range updates {
		if i%3 == 0 {
			fail[i] = fmt.Errorf("failure %d", i)
		}
		all.Go(func() {
			err := c.Update(c.ctx, func(tx store.Tx) error {
				n := leaf(store.Root, fmt.Sprintf("sub/%02d", i))
				if err := tx.Insert(c.ctx, n); err != nil {
					return err
				}
				if err := tx.Insert(c.ctx, leaf(n.ID, "group/g")); err != nil {
					return err
				}
				return fail[i]
			})
			if err != fail[i] { //nolint:errorlint // as it is, not wrapped
				t.Errorf("update %d: got %v, want %v", i, err, fail[i])
			}
		})
	}
	all.Wait()
	nodes := c.children(t, store.Root, store.Range{Limit: 100})
	want(t, "children", len(nodes), updates-22)
	for _, n := range nodes {
		want(t, "children of "+n.Name, len(c.children(t, n.ID, store.Range{Limit: 10})), 1)
	}
	want(t, "nodes", c.stats(t).Nodes, 2*(updates-22))
}

// updateOnce lets updates meet on the same names and nodes, in opposite orders; engines that have to run one again show it here.
func updateOnce(t *testing.T, c *cloud) {
	ids := c.plant(t, store.Root, "sub/a", "group/g")
	const workers, turns = 8, 10
	var all sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for w := range workers {
		all.Go(func() {
			for i := range turns {
				first, second := ids[w%2], ids[1-w%2]
				n := leaf(ids[0], fmt.Sprintf("x/%d", i)) // made outside: the function may run again
				err := c.Update(c.ctx, func(tx store.Tx) error {
					if _, err := tx.Hold(c.ctx, store.Exclusive, first); err != nil {
						return err
					}
					if _, err := tx.Hold(c.ctx, store.Exclusive, second); err != nil {
						return err
					}
					return tx.Insert(c.ctx, n)
				})
				switch {
				case err == nil:
					mu.Lock()
					won++
					mu.Unlock()
				case !errs.Is(err, errs.Conflict):
					t.Errorf("worker %d: %v", w, err)
				}
			}
		})
	}
	all.Wait()
	want(t, "inserts that won", won, turns)
	want(t, "nodes", c.stats(t).Nodes, 2+turns)
}

// updateAgain counts up in a node that everybody reads before anybody locks it.
func updateAgain(t *testing.T, c *cloud) {
	const workers, turns = 8, 12
	id := c.plant(t, store.Root, "sub/a")[0]
	count := func(tx store.Tx) error {
		seen, err := tx.Node(c.ctx, id)
		if err != nil {
			return err
		}
		runtime.Gosched()
		held, err := tx.Hold(c.ctx, store.Exclusive, id)
		if err != nil {
			return err
		}
		if held[0].ETag != seen.ETag {
			return store.Again(errors.New("the node was changed meanwhile"))
		}
		number, _ := strconv.Atoi(seen.ETag)
		seen.ETag = strconv.Itoa(number + 1)
		return tx.Save(c.ctx, seen)
	}
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for range turns {
				if err := c.Update(c.ctx, count); err != nil {
					t.Errorf("worker %d: %v", w, err)
				}
			}
		})
	}
	all.Wait()
	c.view(t, func(r store.Reader) error {
		n, err := r.Node(c.ctx, id)
		wantText(t, "etag", n.ETag, strconv.Itoa(workers*turns))
		return err
	})
}

func updateInVain(t *testing.T, c *cloud) {
	mine := errors.New("mine")
	err := c.Update(c.ctx, func(tx store.Tx) error {
		return store.Again(errors.Join(mine, tx.Insert(c.ctx, leaf(store.Root, "sub/a"))))
	})
	if _, marked := store.LostRace(err); marked || !errors.Is(err, mine) {
		t.Errorf("got %v, want the error of the function, without the mark", err)
	}
	want(t, "nodes", c.stats(t).Nodes, 0)
}

func updatePanic(t *testing.T, c *cloud) {
	err := c.Update(c.ctx, func(tx store.Tx) error {
		if err := tx.Insert(c.ctx, leaf(store.Root, "sub/a")); err != nil {
			return err
		}
		panic("out of nowhere")
	})
	wantKind(t, "panic", err, errs.Internal, "Panic")
	c.plant(t, store.Root, "sub/a")
}

func updateGoexit(t *testing.T, c *cloud) {
	for _, run := range []func(){
		func() { _ = c.Update(c.ctx, func(store.Tx) error { runtime.Goexit(); return nil }) },
		func() { _ = c.View(c.ctx, func(store.Reader) error { runtime.Goexit(); return nil }) },
	} {
		var one sync.WaitGroup
		one.Go(run)
		one.Wait()
	}
	c.plant(t, store.Root, "sub/a")
	wantText(t, "children", words(c.children(t, store.Root, store.Range{Limit: 10})), "sub/a")
}

func updateCanceled(t *testing.T, c *cloud) {
	ended, cancel := context.WithCancel(c.ctx)
	cancel()
	ran := false
	err := c.Update(ended, func(store.Tx) error { ran = true; return nil })
	wantKind(t, "update", err, errs.Canceled, "")
	err = c.View(ended, func(r store.Reader) error { _, err := r.Node(ended, 1); return err })
	wantKind(t, "view", err, errs.Canceled, "")
	_, err = c.Collect(ended, 10)
	wantKind(t, "collect", err, errs.Canceled, "")
	if ran {
		t.Error("the function of a canceled update was run")
	}
	midway, cancel := context.WithCancel(c.ctx)
	defer cancel()
	err = c.Update(midway, func(tx store.Tx) error {
		if err := tx.Insert(midway, leaf(store.Root, "sub/a")); err != nil {
			return err
		}
		cancel()
		return tx.Insert(midway, leaf(store.Root, "sub/b"))
	})
	wantKind(t, "update canceled midway", err, errs.Canceled, "")
	want(t, "nodes", c.stats(t).Nodes, 0)

	// One update stands in the way of another, which gives up while it waits or is run behind it; it never half happens.
	waiting, giveUp := context.WithCancel(c.ctx)
	answer := make(chan error, 1)
	id := c.plant(t, store.Root, "sub/hold")[0]
	c.update(t, func(tx store.Tx) error {
		_, err := tx.Hold(c.ctx, store.Exclusive, id)
		go func() {
			answer <- c.Update(waiting, func(tx store.Tx) error {
				_, err := tx.Hold(waiting, store.Exclusive, id)
				return errors.Join(err, tx.Insert(waiting, leaf(store.Root, "sub/late")))
			})
		}()
		giveUp()
		return err
	})
	err, late := <-answer, int64(0)
	if err == nil {
		late = 1
	} else {
		wantKind(t, "update that gave up", err, errs.Canceled, "")
	}
	want(t, "nodes", c.stats(t).Nodes, 1+late)
}

func updateOver(t *testing.T, c *cloud) {
	var kept store.Tx
	c.update(t, func(tx store.Tx) error { kept = tx; return nil })
	wantKind(t, "write behind the end", kept.Insert(c.ctx, leaf(store.Root, "sub/a")), errs.Internal, "TransactionOver")
	var reader store.Reader
	c.view(t, func(r store.Reader) error { reader = r; return nil })
	_, err := reader.Node(c.ctx, 1)
	wantKind(t, "read behind the end", err, errs.Internal, "TransactionOver")
}

func updateClosed(t *testing.T, c *cloud) {
	for range 2 {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	err := c.Update(c.ctx, func(store.Tx) error { return nil })
	wantKind(t, "update", err, errs.Unavailable, "StoreClosed")
	wantKind(t, "view", c.View(c.ctx, func(store.Reader) error { return nil }), errs.Unavailable, "StoreClosed")
	_, err = c.Collect(c.ctx, 1)
	wantKind(t, "collect", err, errs.Unavailable, "StoreClosed")
	_, err = c.Stats(c.ctx)
	wantKind(t, "stats", err, errs.Unavailable, "StoreClosed")
}

func updateCloseWaits(t *testing.T, c *cloud) {
	closed := make(chan error, 1)
	c.update(t, func(tx store.Tx) error {
		go func() { closed <- c.Close() }()
		for range 50 {
			if err := tx.PutMeta(c.ctx, "k", []byte("v")); err != nil {
				return err
			}
			runtime.Gosched()
		}
		select {
		case err := <-closed:
			t.Errorf("close did not wait: %v", err)
			closed <- err
		default:
		}
		return nil
	})
	if err := <-closed; err != nil {
		t.Errorf("close: %v", err)
	}
}

func updateStats(t *testing.T, c *cloud) {
	stats := c.stats(t)
	if stats.Engine != "sqlite" && stats.Engine != "postgres" {
		t.Errorf("got engine %q", stats.Engine)
	}
	want(t, "counts of an empty store", stats, store.Stats{Engine: stats.Engine})
}

// updateLater: the function hears of it in its last run at the latest, and may go on.
func updateLater(t *testing.T, c *cloud) {
	id := c.plant(t, store.Root, "t/a")[0]
	for code, n := range map[string]store.Node{"NodeExists": {Type: "T", Name: "A"}, "ParentNotFound": {Parent: id + 1000, Type: "t", Name: "x"}} {
		var heard []error
		c.update(t, func(tx store.Tx) error {
			wrong := n
			heard = append(heard, tx.Insert(c.ctx, &wrong))
			return tx.Insert(c.ctx, leaf(store.Root, "t/beside "+code))
		})
		if last := errs.As(heard[len(heard)-1]); last == nil || last.Code != code {
			t.Errorf("%s: the runs heard %v", code, heard)
		}
		c.view(t, func(r store.Reader) error {
			met, err := r.Walk(c.ctx, store.Root, steps("t/beside "+code))
			if len(met) != 1 {
				t.Errorf("%s: %d nodes beside it", code, len(met))
			}
			return err
		})
	}
}

// updateBuffers: the caller uses its buffers again.
func updateBuffers(t *testing.T, c *cloud) {
	n := &store.Node{Type: "t", Name: "a"}
	o, e := job("o", 0), bound("/sub/a", "ns/locks", "l")
	c.update(t, func(tx store.Tx) error {
		n.Body, o.Input, e.Body = []byte("inserted"), []byte("input"), []byte("bound")
		value := []byte("value")
		err := errors.Join(tx.Insert(c.ctx, n), tx.PutMeta(c.ctx, "k", value), tx.PutOperation(c.ctx, o), tx.PutExtension(c.ctx, e))
		for _, buffer := range [][]byte{n.Body, o.Input, e.Body, value} {
			copy(buffer, "XXXXX")
		}
		return err
	})
	c.view(t, func(r store.Reader) error {
		node, err := r.Node(c.ctx, n.ID)
		value, missing := r.Meta(c.ctx, "k")
		operation, lost := r.Operation(c.ctx, "o")
		extension, gone := r.Extension(c.ctx, "/sub/a", "ns/locks", "l")
		wantText(t, "written", fmt.Sprintf("%s %s %s %s", node.Body, value, operation.Input, extension.Body), "inserted value input bound")
		return errors.Join(err, missing, lost, gone)
	})
}
