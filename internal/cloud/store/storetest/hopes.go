package storetest

import (
	"errors"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// Hopes judges first runs that take what they would find for what is remembered: they find the same as careful ones, whatever was done through there meanwhile. here and there are two
// nodes of a cloud, or one store; when nothing is done meanwhile a function that makes something new is run once.
func Hopes(t *testing.T, here, there store.Store) {
	h := &hopes{here: &cloud{Store: here, ctx: t.Context()}, there: &cloud{Store: there, ctx: t.Context()}}
	t.Run("what is held and what is free", h.making)
	t.Run("a refusal", h.refusing)
	t.Run("a function that goes on", h.goingOn)
	t.Run("a function that does not listen", h.notListening)
}

type hopes struct{ here, there *cloud }

// attempt is how a function that makes a child was run.
type attempt struct {
	runs   int
	exists bool   // the child, in the last run
	flag   string // of what is held, in the last run
}

// enter begins as a PUT does: the generation, a hold, and a look whether the name is there. meanwhile is done behind it in the first run.
func (h *hopes) enter(t *testing.T, tx store.Tx, a *attempt, group, above store.ID, name string, meanwhile func(tx store.Tx) error) error {
	a.runs++
	ctx := h.here.ctx
	if _, err := tx.Generation(ctx); err != nil {
		return err
	}
	held, met, err := tx.HoldAndWalk(ctx, store.Shared, group, above, steps("t/"+name))
	if err != nil {
		return err
	}
	if a.runs == 1 && meanwhile != nil {
		h.there.update(t, meanwhile)
	}
	a.exists, a.flag = len(met) > 0, held.Flag
	return nil
}

// make makes a child unless it is there, or what is held has a flag.
func (h *hopes) make(t *testing.T, group, above store.ID, name string, meanwhile func(tx store.Tx) error) (a attempt, err error) {
	t.Helper()
	err = h.here.Update(h.here.ctx, func(tx store.Tx) error {
		err := h.enter(t, tx, &a, group, above, name, meanwhile)
		if err != nil || a.exists || a.flag != "" {
			return err
		}
		return tx.Insert(h.here.ctx, leaf(above, "t/"+name))
	})
	return a, err
}

// known plants a group and a node in it, and lets the store know them.
func (h *hopes) known(t *testing.T, name string) (group, above store.ID) {
	t.Helper()
	ids := h.there.plant(t, store.Root, "group/"+name, "above/"+name)
	h.there.update(t, func(tx store.Tx) error { return tx.Bump(h.there.ctx) })
	h.here.view(t, func(r store.Reader) error { _, err := r.Generation(h.here.ctx); return err })
	if _, err := h.make(t, ids[0], ids[1], "first", nil); err != nil {
		t.Fatal(err)
	}
	return ids[0], ids[1]
}

func (h *hopes) making(t *testing.T) {
	save := func(id store.ID, n store.Node) func(tx store.Tx) error {
		return func(tx store.Tx) error { n.ID = id; return tx.Save(h.there.ctx, n) }
	}
	for name, c := range map[string]struct {
		meanwhile func(group, above store.ID) func(tx store.Tx) error
		want      attempt
		kind      errs.Kind
	}{
		"nothing happened": {want: attempt{runs: 1}},
		"the name was taken": {want: attempt{runs: 2, exists: true}, meanwhile: func(_, above store.ID) func(tx store.Tx) error {
			return func(tx store.Tx) error { return tx.Insert(h.there.ctx, leaf(above, "t/SECOND")) }
		}},
		"what is held was flagged": {want: attempt{runs: 2, flag: "Moving"}, meanwhile: func(group, _ store.ID) func(tx store.Tx) error {
			return save(group, store.Node{Flag: "Moving", ETag: "1"})
		}},
		"what is held was written": {want: attempt{runs: 2}, meanwhile: func(group, _ store.ID) func(tx store.Tx) error {
			return save(group, store.Node{ETag: "2"})
		}},
		"the generation moved": {want: attempt{runs: 2}, meanwhile: func(_, _ store.ID) func(tx store.Tx) error {
			return func(tx store.Tx) error { return tx.Bump(h.there.ctx) }
		}},
		"what stands above was trashed": {want: attempt{runs: 2}, kind: errs.NotFound, meanwhile: func(_, above store.ID) func(tx store.Tx) error {
			return func(tx store.Tx) error { return tx.Trash(h.there.ctx, above) }
		}},
		"what is held was trashed": {want: attempt{runs: 2}, kind: errs.NotFound, meanwhile: func(group, _ store.ID) func(tx store.Tx) error {
			return func(tx store.Tx) error { return tx.Trash(h.there.ctx, group) }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			group, above := h.known(t, name)
			h.there.update(t, save(group, store.Node{ETag: "1"}))
			if _, err := h.make(t, group, above, "other", nil); err != nil {
				t.Fatal(err)
			}
			var meanwhile func(tx store.Tx) error
			if c.meanwhile != nil {
				meanwhile = c.meanwhile(group, above)
			}
			got, err := h.make(t, group, above, "second", meanwhile)
			if c.kind == 0 && err != nil || c.kind != 0 && !errs.Is(err, c.kind) {
				t.Fatalf("%v, want %v", err, c.kind)
			}
			if c.kind != 0 {
				got.exists = c.want.exists // it says nothing
			}
			if got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			if c.kind == 0 && c.want.flag == "" { // it is known to be there now
				if got, err := h.make(t, group, above, "second", nil); err != nil || got != (attempt{runs: 1, exists: true}) {
					t.Errorf("made again: %+v, %v", got, err)
				}
			}
		})
	}
}

// refusing: a function that refuses for what it was told in hope is run again before its refusal is told.
func (h *hopes) refusing(t *testing.T) {
	group, above := h.known(t, "refusing")
	var a attempt
	err := h.here.Update(h.here.ctx, func(tx store.Tx) error {
		err := h.enter(t, tx, &a, group, above, "wanted", func(tx store.Tx) error { return tx.Insert(h.there.ctx, leaf(above, "t/wanted")) })
		if err == nil && !a.exists {
			err = errs.New(errs.NotFound, "Missing", "it is missing")
		}
		return err
	})
	if err != nil || a.runs != 2 {
		t.Errorf("what is there is refused as missing after %d runs: %v", a.runs, err)
	}
}

// goingOn: what is read behind a hope belongs to the same state.
func (h *hopes) goingOn(t *testing.T) {
	group, above := h.known(t, "going on")
	for name, meanwhile := range map[string]func(tx store.Tx) error{
		"alone":      nil,
		"beside":     func(tx store.Tx) error { return tx.Insert(h.there.ctx, leaf(above, "u/beside")) },
		"taken":      func(tx store.Tx) error { return tx.Insert(h.there.ctx, leaf(above, "t/taken")) },
		"generation": func(tx store.Tx) error { return tx.Bump(h.there.ctx) },
	} {
		var a attempt
		h.here.update(t, func(tx store.Tx) error {
			err := h.enter(t, tx, &a, group, above, name, meanwhile)
			if err != nil || a.exists {
				return err
			}
			n := leaf(above, "t/"+name)
			if err := tx.Insert(h.here.ctx, n); err != nil {
				return err
			}
			before, err := tx.Node(h.here.ctx, n.ID) // its own
			before.ETag = "changed"
			return errors.Join(err, tx.Save(h.here.ctx, before))
		})
		again := name == "taken" || name == "generation"
		if a.runs == 1 == again || a.exists != (name == "taken") {
			t.Errorf("%s: %+v", name, a)
		}
		h.there.view(t, func(r store.Reader) error {
			met, err := r.Walk(h.there.ctx, above, steps("t/"+name))
			if len(met) != 1 || met[0].ETag == "changed" != (name != "taken") {
				t.Errorf("%s: there is %+v", name, met)
			}
			return err
		})
	}
}

// notListening: a function that does not look whether something failed cannot commit what it was told in vain.
func (h *hopes) notListening(t *testing.T) {
	group, above := h.known(t, "not listening")
	var a attempt
	h.here.update(t, func(tx store.Tx) error {
		err := h.enter(t, tx, &a, group, above, "child", func(tx store.Tx) error { return tx.Insert(h.there.ctx, leaf(above, "t/child")) })
		if a.exists {
			return err
		}
		_ = tx.Insert(h.here.ctx, leaf(above, "t/child"))
		_, _ = tx.Count(h.here.ctx, above, "t")
		_ = tx.PutMeta(h.here.ctx, "not listening", []byte("wrong"))
		return nil
	})
	h.here.view(t, func(r store.Reader) error {
		_, err := r.Meta(h.here.ctx, "not listening")
		wantKind(t, "what came behind it", err, errs.NotFound, "MetaNotFound")
		return nil
	})
	if !a.exists {
		t.Error("it was committed in vain")
	}
}
