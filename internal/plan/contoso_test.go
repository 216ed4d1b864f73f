package plan

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// TestTheFixturesArePlannedAsTheyWere captures whole workspaces, plans their moves, and compares the plans, to the letter, with those of before.
func TestTheFixturesArePlannedAsTheyWere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, fixture string
		choices       rules.Choices
	}{
		{"contoso", "contoso", rules.Choices{Drain: rules.Wait}},
		{"contoso-everything", "contoso", everything("all")},
		{"contoso-quiet", "contoso-quiet", rules.Choices{Drain: rules.Wait}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := read(t, captured(t, c.fixture))
			p, err := Make(f, rules.Judge(f, c.choices), c.choices)
			if err != nil {
				t.Fatal(err)
			}
			if p.Snapshot.Digest == "" || p.Snapshot.Taken.IsZero() {
				t.Errorf("the plan does not say of which snapshot it was made: %+v", p.Snapshot)
			}
			p.Snapshot = Source{}
			var b bytes.Buffer
			enc := json.NewEncoder(&b)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			if err := enc.Encode(p); err != nil {
				t.Fatal(err)
			}
			golden(t, c.name+".json", b.String())
			golden(t, c.name+".txt", text(t, p, TextOptions{}))
		})
	}
}

// TestNothingIsRemovedThatIsNotMadeAgain plans from random parts of contoso, with random choices (D2).
func TestNothingIsRemovedThatIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	snap := captured(t, "contoso")
	var all []facts.Item
	for d, err := range snap.Documents(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		doc, err := arm.ParseDocument(d.Body)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, facts.NewItem(d, doc))
	}
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		var items []facts.Item
		keep := 1 + random.IntN(10)
		for _, item := range all {
			if strings.EqualFold(item.Key, snap.Header.WorkspaceID) || random.IntN(10) < keep {
				items = append(items, item)
			}
		}
		flip := func() bool { return random.IntN(2) == 0 }
		c := rules.Choices{Drain: []string{rules.Wait, rules.Cancel}[random.IntN(2)], LiftLocks: flip(), RemoveServices: flip(), ApproveEndpoints: flip(), NoQuiesce: random.IntN(5) == 0}
		if flip() {
			c.Include = []string{"all"}
		}
		first, second := planOf(t, seed, snap.Header.TargetID, items, c), planOf(t, seed, snap.Header.TargetID, shuffled(random, items), c)
		if first.Digest != second.Digest {
			t.Errorf("seed %d: in another order the same documents give another plan", seed)
		}
		again := map[string]bool{}
		for _, s := range first.Steps {
			if s.Action == RestoreCompute || s.Action == RestoreEndpoint {
				again[s.Subject] = true
			}
		}
		for _, s := range first.Steps {
			if s.Destroys && s.Action != RemoveService && !again[s.Subject] {
				t.Errorf("D2 seed %d: %s is removed and not made again", seed, s.Subject)
			}
			if s.Destroys && !comesAfter(first, s.ID, "clear/proveRestorable/contoso-ml") {
				t.Errorf("D2 seed %d: %s is removed before the proof", seed, s.Subject)
			}
		}
	}
}

func planOf(t *testing.T, seed uint64, target string, items []facts.Item, c rules.Choices) *Plan {
	t.Helper()
	f, err := facts.New(snapshot.Header{TargetID: target}, nil, nil, items...)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Make(f, rules.Judge(f, c), c)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	if err := p.Check(); err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	return p
}

func shuffled(random *rand.Rand, items []facts.Item) []facts.Item {
	other := append([]facts.Item{}, items...)
	random.Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
	return other
}
