package postgres

import (
	"fmt"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// TestWhatIsNewIsMadeInOneRun: what was hoped to be so is compared by the server before anything is kept, whatever another node did meanwhile; when nobody did anything, an update that
// makes something new has asked for nothing.
func TestWhatIsNewIsMadeInOneRun(t *testing.T) {
	t.Parallel()
	here, there := twoNodes(t)
	rename := func(id store.ID, n store.Node) func(tx store.Tx) error {
		return func(tx store.Tx) error { n.ID = id; return tx.Save(t.Context(), n) }
	}
	for name, c := range map[string]struct {
		meanwhile func(group, above store.ID, name string) func(tx store.Tx) error
		runs      int
		exists    bool   // what is to be made, in the last run
		flag      string // of what is held, in the last run
		kind      errs.Kind
	}{
		"nothing happened": {runs: 1},
		"the name was taken": {runs: 2, exists: true, meanwhile: func(_, above store.ID, name string) func(tx store.Tx) error {
			return func(tx store.Tx) error {
				return tx.Insert(t.Context(), &store.Node{Parent: above, Type: "t", Name: name})
			}
		}},
		"what is held was flagged": {runs: 2, flag: "Moving", meanwhile: func(group, _ store.ID, _ string) func(tx store.Tx) error {
			return rename(group, store.Node{Flag: "Moving", ETag: "1"})
		}},
		"what is held was written": {runs: 2, meanwhile: func(group, _ store.ID, _ string) func(tx store.Tx) error {
			return rename(group, store.Node{ETag: "2"})
		}},
		"the generation moved": {runs: 2, meanwhile: func(_, _ store.ID, _ string) func(tx store.Tx) error {
			return func(tx store.Tx) error { return tx.Bump(t.Context()) }
		}},
		"what stands above was trashed": {runs: 2, kind: errs.NotFound, meanwhile: func(_, above store.ID, _ string) func(tx store.Tx) error {
			return func(tx store.Tx) error { return tx.Trash(t.Context(), above) }
		}},
		"what is held was trashed": {runs: 2, kind: errs.NotFound, meanwhile: func(group, _ store.ID, _ string) func(tx store.Tx) error {
			return func(tx store.Tx) error { return tx.Trash(t.Context(), group) }
		}},
	} {
		ids := plant(t, there, "group of "+name, "above "+name)
		group, above := ids[0], ids[1]
		must(t, there.Update(t.Context(), rename(group, store.Node{ETag: "1"})))
		runs, met, flag, bold := 0, 0, "", false
		make := func(child string, meanwhile func(tx store.Tx) error) error {
			runs = 0
			return here.update(t.Context(), func(own *tx) error {
				runs, bold = runs+1, false
				if _, err := own.Generation(t.Context()); err != nil {
					return err
				}
				held, found, err := own.HoldAndWalk(t.Context(), store.Shared, group, above, []store.Step{{Type: "t", Name: child}})
				if err != nil {
					return err
				}
				if runs == 1 && meanwhile != nil {
					must(t, there.Update(t.Context(), meanwhile))
				}
				if met, flag, bold = len(found), held.Flag, own.vouched && !own.begun; met > 0 || flag != "" {
					return nil
				}
				return own.Insert(t.Context(), &store.Node{Parent: above, Type: "t", Name: child})
			})
		}
		must(t, make("first", nil)) // the node that is held becomes known
		var meanwhile func(tx store.Tx) error
		if c.meanwhile != nil {
			meanwhile = c.meanwhile(group, above, "second")
		}
		err := make("second", meanwhile)
		if c.kind == 0 && err != nil || c.kind != 0 && !errs.Is(err, c.kind) {
			t.Errorf("%s: %v, want %v", name, err, c.kind)
		}
		if runs != c.runs || c.kind == 0 && (met > 0) != c.exists || flag != c.flag || bold != (c.runs == 1) {
			t.Errorf("%s: %d runs met %d of the name, the flag %q, boldly %v", name, runs, met, flag, bold)
		}
		if c.kind != 0 {
			continue
		}
		must(t, make("second", nil)) // it is known to be there now
		if made := flag == ""; runs != 1 || made && met != 1 || bold {
			t.Errorf("%s: what is known to be there took %d runs, met %d, boldly %v", name, runs, met, bold)
		}
	}
}

// TestARefusalThatRestsOnAHopeIsJudged: a function that refuses for what it was told boldly is run again before its refusal is told.
func TestARefusalThatRestsOnAHopeIsJudged(t *testing.T) {
	t.Parallel()
	here, there := twoNodes(t)
	ids := plant(t, there, "group", "above")
	look := func(child string) (found bool, err error) {
		err = here.Update(t.Context(), func(tx store.Tx) error {
			if _, err := tx.Generation(t.Context()); err != nil {
				return err
			}
			_, met, err := tx.HoldAndWalk(t.Context(), store.Shared, ids[0], ids[1], []store.Step{{Type: "t", Name: child}})
			if found = len(met) > 0; err == nil && !found {
				err = errs.New(errs.NotFound, "Missing", "there is no %s", child)
			}
			return err
		})
		return found, err
	}
	if _, err := look("first"); !errs.Is(err, errs.NotFound) {
		t.Fatal(err)
	}
	for n := range 3 {
		child := fmt.Sprint("child ", n)
		must(t, there.Update(t.Context(), func(tx store.Tx) error {
			return tx.Insert(t.Context(), &store.Node{Parent: ids[1], Type: "t", Name: child})
		}))
		if found, err := look(child); err != nil || !found {
			t.Errorf("what is there is refused as missing: %v", err)
		}
	}
}
