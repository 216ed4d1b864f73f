package cloud_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/amlmove/amlmove/internal/cloud"
	"github.com/amlmove/amlmove/internal/cloud/fault"
	"github.com/amlmove/amlmove/internal/cloud/operation"
	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite"
	"github.com/amlmove/amlmove/internal/errs"
)

// TestAllNodesGoBack lets one node go back: the other one follows it, although what it knew was newer.
func TestAllNodesGoBack(t *testing.T) {
	t.Parallel()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	stand := time.Now().UTC().Truncate(time.Microsecond)
	var nodes []*cloud.Cloud
	for range 2 {
		node, err := cloud.Start(t.Context(), cloud.Options{Store: s, Machine: func() time.Time { return stand }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = node.Close() })
		nodes = append(nodes, node)
	}
	one, other := nodes[0], nodes[1]
	if err := one.Fork(t.Context(), "begin"); err != nil {
		t.Fatal(err)
	}
	if err := one.Fork(t.Context(), "Begin"); !errs.Is(err, errs.Conflict) {
		t.Errorf("a name that is taken gives %v", err)
	}
	follow := func() (time.Time, int, string) {
		t.Helper()
		err := s.View(t.Context(), func(r store.Reader) error {
			for _, load := range []func() error{
				func() error { return other.Clock.Load(t.Context(), r) },
				func() error { return other.Faults.Load(t.Context(), r) },
				func() error { return other.Throttle.Load(t.Context(), r) },
			} {
				if err := load(); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		_, faults, err := other.Faults.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return other.Clock.Now(), len(faults), other.Throttle.Limits().Mode
	}
	for round := range 3 {
		change := func(c *operation.ClockState) { c.Offset += time.Hour }
		for range 3 { // the revisions of the other node run ahead of those at the fork
			if err := one.Clock.Set(t.Context(), s, change); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := one.Faults.Add(t.Context(), fault.Fault{Kind: fault.Drop}); err != nil {
			t.Fatal(err)
		}
		if _, err := one.Throttle.Change(t.Context(), func(l *fault.Limits) error { l.Mode = fault.ThrottleEnforce; return nil }); err != nil {
			t.Fatal(err)
		}
		if now, faults, mode := follow(); !now.Equal(stand.Add(3*time.Hour)) || faults != 1 || mode != fault.ThrottleEnforce {
			t.Fatalf("round %d: the other node is at %v with %d faults and throttle %s", round, now, faults, mode)
		}
		if err := one.Rewind(t.Context(), "begin"); err != nil {
			t.Fatal(err)
		}
		if now := one.Clock.Now(); !now.Equal(stand) {
			t.Errorf("round %d: the clock of the node that went back is at %v, want %v", round, now, stand)
		}
		if now, faults, mode := follow(); !now.Equal(stand) || faults != 0 || mode != fault.ThrottleOff {
			t.Errorf("round %d: the other node is at %v with %d faults and throttle %s", round, now, faults, mode)
		}
	}
	if err := other.DropFork(t.Context(), "begin"); err != nil {
		t.Fatal(err)
	}
	if forks, err := one.Forks(t.Context()); err != nil || len(forks) != 0 {
		t.Errorf("the forks are %v (%v)", forks, err)
	}
	if err := one.Rewind(t.Context(), "begin"); !errs.Is(err, errs.NotFound) {
		t.Errorf("a state that was forgotten gives %v", err)
	}
}
