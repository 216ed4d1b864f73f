package fault

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/cloud/store"
)

// tally is what a fault counted since it was written.
type tally struct {
	Revision int64 `json:"revision"`
	Seen     int64 `json:"seen"`
	Struck   int64 `json:"struck"`
}

// of returns the tally for a revision of its fault: that of another one counts for nothing.
func (t tally) of(revision int64) tally {
	if t.Revision != revision {
		return tally{Revision: revision}
	}
	return t
}

// strikes counts one matching event and says whether the fault strikes.
func (f Fault) strikes(seed int64, t *tally) bool {
	*t = t.of(f.Revision)
	n := t.Seen
	t.Seen++
	if n < f.Match.Skip || f.Match.Times > 0 && t.Struck >= f.Match.Times {
		return false
	}
	if p := f.Match.Probability; p != nil && draw(seed, f.ID, n) >= *p {
		return false
	}
	t.Struck++
	return true
}

// draw is a number from 0 to below 1 that depends on nothing but the seed, the fault and the number of the event.
func draw(seed int64, id string, n int64) float64 {
	var text []byte
	text = binary.BigEndian.AppendUint64(text, uint64(seed))
	text = binary.BigEndian.AppendUint64(text, uint64(n))
	sum := sha256.Sum256(append(text, id...))
	return float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
}

// count counts a matching request on this node.
func (s *Set) count(seed int64, f Fault) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tallies[f.ID]
	struck := f.strikes(seed, &t)
	s.tallies[f.ID] = t
	return struck
}

// state is what the store keeps of faults of moves and resources, by id.
type state map[string]kept

// kept is the tally of a fault, and the names that a nameHeld holds.
type kept struct {
	tally
	Held map[string]time.Time `json:"held,omitempty"`
}

// strike finds the first fault of a domain that matches an event and whose turn it is, and counts in the transaction. nil: none. remember, when not
// nil, may add to what is kept of the one that strikes.
func (s *Set) strike(ctx context.Context, tx store.Tx, in domain, matches func(armed) bool, remember func(Fault, *kept)) (*Fault, error) {
	c, err := read(ctx, tx)
	if err != nil {
		return nil, err
	}
	var candidates []Fault
	for _, a := range newSnapshot(c).armed[in] {
		if matches(a) {
			candidates = append(candidates, a.Fault)
		}
	}
	if len(candidates) == 0 {
		return nil, nil
	}
	if err := tx.PutMeta(ctx, lockKey, []byte("state")); err != nil {
		return nil, err
	}
	all := state{}
	if err := readJSON(ctx, tx, stateKey, &all); err != nil {
		return nil, err
	}
	maps.DeleteFunc(all, func(id string, k kept) bool { return !c.has(id, k.Revision) })
	var struck *Fault
	for _, f := range candidates {
		k := all[f.ID]
		hit := f.strikes(c.Seed, &k.tally)
		if hit && remember != nil {
			remember(f, &k)
		}
		all[f.ID] = k
		if hit {
			struck = &f
			break
		}
	}
	return struck, writeJSON(ctx, tx, stateKey, all)
}

// has reports whether a fault of that id and revision is in the list.
func (c config) has(id string, revision int64) bool {
	for _, f := range c.Faults {
		if f.ID == id && f.Revision == revision {
			return true
		}
	}
	return false
}

// covers reports whether the caller of an event is the one a fault is about.
func (m Match) covers(objectID, clientID string) bool {
	return m.Principal == "" || strings.EqualFold(m.Principal, objectID) || strings.EqualFold(m.Principal, clientID)
}
