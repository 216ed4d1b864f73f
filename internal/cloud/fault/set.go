package fault

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// Where the store keeps the faults, what they counted, and the key that is written first by whoever changes either: on an engine with several writers
// that makes them wait for each other.
const (
	configKey = "cloud.faults"
	stateKey  = "cloud.faults.state"
	lockKey   = "cloud.faults.lock"
)

// config is the list of faults as the store keeps it.
type config struct {
	Seed     int64   `json:"seed"`
	Revision int64   `json:"revision"` // grows with every change
	Named    int     `json:"named"`    // how many ids were given by us since the list was last empty
	Faults   []Fault `json:"faults"`
}

// armed is a fault with its globs compiled.
type armed struct {
	Fault
	path, action *regexp.Regexp
}

// snapshot is the list as a node works with it.
type snapshot struct {
	config
	armed map[domain][]armed
}

// Set is the faults of a cloud.
type Set struct {
	store   store.Store
	current atomic.Pointer[snapshot]

	mu      sync.Mutex
	tallies map[string]tally // faults of requests, by id; of this node

	long, unique []string // role actions of the types that deploymentFails and nameHeld can strike; written once by Instrument
}

// NewSet returns an empty set over a store.
func NewSet(s store.Store) *Set {
	set := &Set{store: s, tallies: map[string]tally{}}
	set.current.Store(newSnapshot(config{}))
	return set
}

// newSnapshot compiles a list.
func newSnapshot(c config) *snapshot {
	s := &snapshot{config: c, armed: map[domain][]armed{}}
	for _, f := range c.Faults {
		in := kinds[f.Kind].domain
		s.armed[in] = append(s.armed[in], armed{f, glob(f.Match.Path), glob(f.Match.Action)})
	}
	return s
}

// read reads the list from the store; a store without one has no faults.
func read(ctx context.Context, r store.Reader) (config, error) {
	var c config
	err := readJSON(ctx, r, configKey, &c)
	return c, err
}

// readJSON reads a value of the store; what is not there leaves the target as it is.
func readJSON(ctx context.Context, r store.Reader, key string, into any) error {
	data, err := r.Meta(ctx, key)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return errs.Wrap(errs.Internal, "FaultsDamaged", err, "read %s from the store", key)
	}
	return nil
}

// writeJSON writes a value to the store.
func writeJSON(ctx context.Context, tx store.Tx, key string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	return tx.PutMeta(ctx, key, data)
}

// Load takes over what the store says.
func (s *Set) Load(ctx context.Context, r store.Reader) error {
	c, err := read(ctx, r)
	if err != nil {
		return err
	}
	s.follow(c)
	return nil
}

// follow takes over a list that the store held, unless a newer one is known: whoever reads may have begun before somebody else changed it.
func (s *Set) follow(c config) {
	for {
		now := s.current.Load()
		if c.Revision <= now.Revision || s.current.CompareAndSwap(now, newSnapshot(c)) {
			return
		}
	}
}

// Revision is that of the list in the store.
func (s *Set) Revision(ctx context.Context, r store.Reader) (int64, error) {
	c, err := read(ctx, r)
	return c.Revision, err
}

// Renew writes the list that the store holds under a revision beyond one that is known, behind a rewind of the store: all nodes then follow it, and this one when it calls
// the function.
func (s *Set) Renew(ctx context.Context, tx store.Tx, beyond int64) (follow func(), err error) {
	c, err := read(ctx, tx)
	if err != nil {
		return nil, err
	}
	c.Revision = beyond + 1
	return func() { s.follow(c) }, writeJSON(ctx, tx, configKey, c)
}

// change edits the list in one transaction and follows it.
func (s *Set) change(ctx context.Context, edit func(*config) error) error {
	var next config
	err := s.store.Update(ctx, func(tx store.Tx) error {
		if err := tx.PutMeta(ctx, lockKey, []byte("config")); err != nil {
			return err
		}
		var err error
		if next, err = read(ctx, tx); err != nil {
			return err
		}
		next.Revision++
		if err := edit(&next); err != nil {
			return err
		}
		return writeJSON(ctx, tx, configKey, next)
	})
	if err == nil {
		s.follow(next)
	}
	return err
}

// add puts a fault at the end of the list.
func (s *Set) add(c *config, f Fault) (Fault, error) {
	if err := f.complete(); err != nil {
		return f, err
	}
	if err := s.reachable(f); err != nil {
		return f, err
	}
	taken := func(id string) bool {
		return slices.ContainsFunc(c.Faults, func(other Fault) bool { return strings.EqualFold(other.ID, id) })
	}
	for f.ID == "" {
		c.Named++
		if id := "fault-" + strconv.Itoa(c.Named); !taken(id) {
			f.ID = id
		}
	}
	if taken(f.ID) {
		return f, errs.New(errs.Conflict, "FaultExists", "There is a fault with the id '%s' already. Delete it first, or leave the id out.", f.ID)
	}
	f.Revision = c.Revision
	c.Faults = append(c.Faults, f)
	return f, nil
}

// Add adds a fault and returns it with its id. Without an id it gets fault-1, fault-2, ... in turn, so that a script gets the same ones each time.
func (s *Set) Add(ctx context.Context, f Fault) (Fault, error) {
	added := f
	err := s.change(ctx, func(c *config) error {
		var err error
		added, err = s.add(c, f)
		return err
	})
	return added, err
}

// Replace makes a seed and a list of faults the only ones.
func (s *Set) Replace(ctx context.Context, seed int64, list []Fault) error {
	return s.change(ctx, func(c *config) error {
		c.Seed, c.Named, c.Faults = seed, 0, nil
		for _, f := range list {
			if _, err := s.add(c, f); err != nil {
				return err
			}
		}
		return nil
	})
}

// Reseed changes the seed; all faults begin to count anew.
func (s *Set) Reseed(ctx context.Context, seed int64) error {
	return s.change(ctx, func(c *config) error {
		c.Seed = seed
		for i := range c.Faults {
			c.Faults[i].Revision = c.Revision
		}
		return nil
	})
}

// Remove takes a fault away; what it held is free.
func (s *Set) Remove(ctx context.Context, id string) error {
	return s.change(ctx, func(c *config) error {
		before := len(c.Faults)
		c.Faults = slices.DeleteFunc(c.Faults, func(f Fault) bool { return strings.EqualFold(f.ID, id) })
		if len(c.Faults) == before {
			return errs.New(errs.NotFound, "FaultNotFound", "There is no fault with the id '%s'.", id)
		}
		return nil
	})
}

// Clear takes all faults away and sets the seed to 0.
func (s *Set) Clear(ctx context.Context) error { return s.Replace(ctx, 0, nil) }

// Report is a fault and what it counted.
type Report struct {
	Fault
	Seen   int64 `json:"seen"`   // matching events
	Struck int64 `json:"struck"` // of those
}

// List returns the seed and the faults in their order. Counters of faults of requests are those of this node.
func (s *Set) List(ctx context.Context) (seed int64, list []Report, err error) {
	err = s.store.View(ctx, func(r store.Reader) error {
		c, err := read(ctx, r)
		if err != nil {
			return err
		}
		kept := state{}
		if err := readJSON(ctx, r, stateKey, &kept); err != nil {
			return err
		}
		seed, list = c.Seed, []Report{}
		for _, f := range c.Faults {
			t := kept[f.ID].tally
			if kinds[f.Kind].domain == requests {
				t = s.tallyOf(f.ID)
			}
			t = t.of(f.Revision)
			list = append(list, Report{f, t.Seen, t.Struck})
		}
		return nil
	})
	return seed, list, err
}

// tallyOf returns what a fault of requests counted on this node.
func (s *Set) tallyOf(id string) tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tallies[id]
}
