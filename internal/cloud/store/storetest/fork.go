package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

var forkChecks = []check{
	{"a store goes back to a fork, whatever was changed", forkAnything},
	{"forks have names", forkNames},
	{"a fork that is made while others write is a state between updates", forkBetween},
	{"an update that fails leaves no fork, and goes back to none", forkFails},
	{"what is held when a store went back is what is there", forkHeld},
	{"caches know that a store went back, and ids are not given twice", forkForward},
}

// forkWorld is a store that is changed at random, and what it held at its forks.
type forkWorld struct {
	*cloud
	random *rand.Rand
	nodes  []store.ID // ever made
	forks  []string
	held   map[string][]any
}

// forkAnything changes, forks, goes back and drops forks at random, and compares everything that the store holds.
func forkAnything(t *testing.T, c *cloud) {
	for seed := range uint64(4) {
		w := &forkWorld{cloud: c, random: rand.New(rand.NewPCG(seed, 7)), held: map[string][]any{}} //nolint:gosec // it must repeat
		for _, f := range c.forkNames(t) {
			c.update(t, func(tx store.Tx) error { return tx.DropFork(c.ctx, f) })
		}
		for n := range 120 {
			switch w.random.IntN(12) {
			case 0:
				name := fmt.Sprintf("f%d", n)
				c.update(t, func(tx store.Tx) error { return tx.Fork(c.ctx, name, base) })
				w.forks, w.held[name] = append(w.forks, name), w.dump(t)
			case 1, 2:
				w.rewind(t)
			case 3:
				w.drop(t)
			default:
				w.change(t)
			}
		}
		for len(w.forks) > 0 && !t.Failed() {
			w.rewind(t)
			w.drop(t)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func (c *cloud) forkNames(t *testing.T) (names []string) {
	t.Helper()
	c.view(t, func(r store.Reader) error {
		forks, err := r.Forks(c.ctx)
		for _, f := range forks {
			names = append(names, f.Name)
		}
		return err
	})
	return names
}

// rewind goes back to any fork, and finds what was there.
func (w *forkWorld) rewind(t *testing.T) {
	t.Helper()
	if len(w.forks) == 0 {
		return
	}
	at := w.random.IntN(len(w.forks))
	w.update(t, func(tx store.Tx) error { return tx.Rewind(w.ctx, w.forks[at], nil) })
	if now, then := w.dump(t), w.held[w.forks[at]]; !reflect.DeepEqual(now, then) {
		t.Errorf("back at %s:\n got %+v\nwant %+v", w.forks[at], now, then)
	}
	w.forks = w.forks[:at+1]
	if names := w.forkNames(t); !slices.Equal(names, w.forks) {
		t.Errorf("the forks are %v, want %v", names, w.forks)
	}
}

// drop drops any fork, and nothing else changes.
func (w *forkWorld) drop(t *testing.T) {
	t.Helper()
	if len(w.forks) == 0 {
		return
	}
	at, before := w.random.IntN(len(w.forks)), w.dump(t)
	w.update(t, func(tx store.Tx) error { return tx.DropFork(w.ctx, w.forks[at]) })
	w.forks = slices.Delete(w.forks, at, at+1)
	if now := w.dump(t); !reflect.DeepEqual(now, before) {
		t.Errorf("a fork was dropped:\n got %+v\nwant %+v", now, before)
	}
}

// change does one thing, or what another thing makes impossible, which is refused.
func (w *forkWorld) change(t *testing.T) {
	t.Helper()
	pick := func() store.ID {
		if len(w.nodes) == 0 {
			return store.Root
		}
		return w.nodes[w.random.IntN(len(w.nodes))]
	}
	name := strconv.Itoa(w.random.IntN(20))
	if w.random.IntN(8) == 0 {
		if _, err := w.Collect(w.ctx, 3); err != nil {
			t.Fatal(err)
		}
		return
	}
	err := w.Update(w.ctx, func(tx store.Tx) error {
		switch w.random.IntN(9) {
		case 0, 1:
			n := leaf(pick(), "x/"+name)
			err := tx.Insert(w.ctx, n)
			if err == nil {
				w.nodes = append(w.nodes, n.ID)
			}
			return err
		case 2:
			return tx.Save(w.ctx, store.Node{ID: pick(), Flag: name, ETag: name, Body: []byte(name), Changed: base})
		case 3:
			return tx.Reparent(w.ctx, pick(), pick())
		case 4:
			return tx.Trash(w.ctx, pick())
		case 5:
			return tx.PutExtension(w.ctx, bound("/sub/"+name, "ns/locks", "l"))
		case 6:
			_, err := tx.DropExtensions(w.ctx, store.ExtensionRange{Scope: "/sub/" + name}, "")
			return err
		case 7:
			o := job("o"+name, w.random.IntN(5))
			if w.random.IntN(2) == 0 {
				o.Ended, o.Status = base, 200
			}
			return tx.PutOperation(w.ctx, o)
		default:
			value := []byte(strconv.Itoa(w.random.IntN(100)))
			if w.random.IntN(4) == 0 {
				value = nil
			}
			return tx.PutMeta(w.ctx, "k"+name, value)
		}
	})
	if err != nil && !errs.Is(err, errs.Conflict) && !errs.Is(err, errs.NotFound) && !errs.Is(err, errs.Invalid) {
		t.Fatal(err)
	}
}

// dump is everything that a store holds but its generation.
func (w *forkWorld) dump(t *testing.T) (all []any) {
	t.Helper()
	var below func(r store.Reader, parent store.ID) error
	below = func(r store.Reader, parent store.ID) error {
		nodes, err := r.Children(w.ctx, parent, store.Range{Limit: 1000})
		for _, n := range nodes {
			all = append(all, n)
			if err == nil {
				err = below(r, n.ID)
			}
		}
		return err
	}
	w.view(t, func(r store.Reader) error {
		if err := below(r, store.Root); err != nil {
			return err
		}
		extensions, err := r.Extensions(w.ctx, store.ExtensionRange{Scope: "/", Below: true, Limit: 1000})
		if err != nil {
			return err
		}
		all = append(all, extensions)
		due, some, err := r.NextDue(w.ctx)
		all = append(all, due, some)
		for n := range 20 {
			o, missing := r.Operation(w.ctx, fmt.Sprint("o", n))
			value, none := r.Meta(w.ctx, fmt.Sprint("k", n))
			all = append(all, o, missing == nil, string(value), none == nil)
		}
		return err
	})
	return append(all, w.stats(t).Nodes, w.stats(t).Extensions, w.stats(t).Running)
}

func forkNames(t *testing.T, c *cloud) {
	fork := func(name string) error {
		return c.Update(c.ctx, func(tx store.Tx) error { return tx.Fork(c.ctx, name, base) })
	}
	for _, name := range []string{"one", "Two", "drei"} {
		if err := fork(name); err != nil {
			t.Fatal(err)
		}
	}
	for name, code := range map[string]string{"two": "ForkExists", "": "ForkNameInvalid", "a b": "ForkNameInvalid", "a/b": "ForkNameInvalid", "\xff": "TextInvalid"} {
		if e := errs.As(fork(name)); e == nil || e.Code != code {
			t.Errorf("the name %q gives %v, want %s", name, e, code)
		}
	}
	for what, do := range map[string]func(store.Tx, string) error{
		"rewind": func(tx store.Tx, name string) error { return tx.Rewind(c.ctx, name, nil) },
		"drop":   func(tx store.Tx, name string) error { return tx.DropFork(c.ctx, name) },
	} {
		wantKind(t, what, c.Update(c.ctx, func(tx store.Tx) error { return do(tx, "other") }), errs.NotFound, "ForkNotFound")
	}
	c.update(t, func(tx store.Tx) error { return tx.Rewind(c.ctx, "TWO", nil) })
	if names := c.forkNames(t); !slices.Equal(names, []string{"one", "Two"}) {
		t.Errorf("behind a rewind the forks are %v", names)
	}
	c.view(t, func(r store.Reader) error {
		forks, err := r.Forks(c.ctx)
		if len(forks) != 2 || !forks[1].Made.Equal(base) {
			t.Errorf("the forks are %v", forks)
		}
		return err
	})
}

// forkBetween has pairs of nodes counted up together, and finds them equal at each fork.
func forkBetween(t *testing.T, c *cloud) {
	const workers, turns, forks = 4, 25, 6
	var pairs [workers][]store.ID
	for w := range pairs {
		pairs[w] = c.plantMany(t, store.Root, fmt.Sprintf("w%d/", w), 2)
	}
	count := func(w, turn int) error {
		return c.Update(c.ctx, func(tx store.Tx) error {
			for _, id := range pairs[w] {
				if err := tx.Save(c.ctx, store.Node{ID: id, ETag: strconv.Itoa(turn), Changed: base}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	counts := func(r store.Reader) (all []string, err error) {
		for _, pair := range pairs {
			for _, id := range pair {
				n, err := r.Node(c.ctx, id)
				if err != nil {
					return all, err
				}
				all = append(all, n.ETag)
			}
		}
		return all, nil
	}
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for turn := range turns {
				if err := count(w, turn+1); err != nil {
					t.Errorf("worker %d: %v", w, err)
				}
			}
		})
	}
	seen := make([][]string, forks)
	for f := range forks {
		c.update(t, func(tx store.Tx) (err error) {
			if err := tx.Fork(c.ctx, fmt.Sprint("f", f), base); err != nil {
				return err
			}
			seen[f], err = counts(tx)
			return err
		})
	}
	all.Wait()
	for f := forks - 1; f >= 0; f-- {
		c.update(t, func(tx store.Tx) error { return tx.Rewind(c.ctx, fmt.Sprint("f", f), nil) })
		c.view(t, func(r store.Reader) error {
			now, err := counts(r)
			if !slices.Equal(now, seen[f]) {
				t.Errorf("back at fork %d the counts are %v, want %v", f, now, seen[f])
			}
			for w := range workers {
				if now[2*w] != now[2*w+1] {
					t.Errorf("fork %d holds half an update: %v", f, now)
				}
			}
			return err
		})
	}
}

func forkFails(t *testing.T, c *cloud) {
	id := c.plant(t, store.Root, "sub/a")[0]
	mine := errs.New(errs.Conflict, "Mine", "mine")
	if err := c.Update(c.ctx, func(tx store.Tx) error {
		if err := tx.Fork(c.ctx, "one", base); err != nil {
			return err
		}
		return mine
	}); !errs.Is(err, errs.Conflict) || len(c.forkNames(t)) != 0 {
		t.Errorf("got %v, and the forks %v", err, c.forkNames(t))
	}
	c.update(t, func(tx store.Tx) error { return tx.Fork(c.ctx, "one", base) })
	c.update(t, func(tx store.Tx) error { return tx.Trash(c.ctx, id) })
	if err := c.Update(c.ctx, func(tx store.Tx) error {
		if err := tx.Rewind(c.ctx, "one", nil); err != nil {
			return err
		}
		return mine
	}); !errs.Is(err, errs.Conflict) {
		t.Errorf("got %v", err)
	}
	if kids := c.children(t, store.Root, store.Range{Limit: 10}); len(kids) != 0 {
		t.Errorf("a rewind that failed brought %s back", words(kids))
	}
	c.update(t, func(tx store.Tx) error { return tx.Rewind(c.ctx, "one", nil) })
	wantText(t, "back", c.path(t, id), "sub/a")
}

func forkForward(t *testing.T, c *cloud) {
	generation := func() (n int64) {
		c.view(t, func(r store.Reader) (err error) { n, err = r.Generation(c.ctx); return err })
		return n
	}
	c.update(t, func(tx store.Tx) error { return tx.Fork(c.ctx, "one", base) })
	given := map[store.ID]bool{c.plant(t, store.Root, "sub/a")[0]: true}
	c.update(t, func(tx store.Tx) error { return tx.Bump(c.ctx) })
	before := generation()
	c.update(t, func(tx store.Tx) error { return tx.Rewind(c.ctx, "one", nil) })
	if now := generation(); now <= before {
		t.Errorf("the generation went from %d to %d", before, now)
	}
	for i := range 100 { // more than an engine has in stock
		id := c.plant(t, store.Root, fmt.Sprint("sub/a", i))[0]
		if given[id] {
			t.Errorf("the id %d was given again", id)
		}
		given[id] = true
	}
}

// forkHeld: an engine that remembers what was held forgets it.
func forkHeld(t *testing.T, c *cloud) {
	ids := c.plant(t, store.Root, "sub/a", "rg/b")
	hold := func(tx store.Tx, id store.ID) (store.Node, error) {
		held, err := tx.Hold(c.ctx, store.Exclusive, id)
		if err != nil {
			return store.Node{}, err
		}
		return held[0], nil
	}
	save := func(etag string) {
		c.update(t, func(tx store.Tx) error {
			n, err := hold(tx, ids[0])
			n.ETag = etag
			return errors.Join(err, tx.Save(c.ctx, n))
		})
	}
	save("before")
	c.update(t, func(tx store.Tx) error { return tx.Fork(c.ctx, "one", base) })
	save("after")
	later := c.plant(t, ids[0], "rg/later")[0]
	c.update(t, func(tx store.Tx) error { _, err := hold(tx, later); return err })
	c.update(t, func(tx store.Tx) error {
		err := tx.Rewind(c.ctx, "one", nil)
		n, held := hold(tx, ids[0])
		if wantText(t, "held in the update that went back", n.ETag, "before"); held != nil {
			t.Error(held)
		}
		return err
	})
	c.update(t, func(tx store.Tx) error {
		n, err := hold(tx, ids[0])
		wantText(t, "held behind it", n.ETag, "before")
		return err
	})
	err := c.Update(c.ctx, func(tx store.Tx) error { _, err := hold(tx, later); return err })
	if !errs.Is(err, errs.NotFound) {
		t.Errorf("what is not there any more is held: %v", err)
	}
}
