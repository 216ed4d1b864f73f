package sqlite

import (
	"errors"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// TestWhatIsHeldIsWhatIsWritten: a node that is held again and again is told as the file has it, whatever was done to it, and undone, meanwhile.
func TestWhatIsHeldIsWhatIsWritten(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	ctx := t.Context()
	update := func(fn func(tx store.Tx) error) {
		t.Helper()
		if err := s.Update(ctx, fn); err != nil {
			t.Fatal(err)
		}
	}
	top, mid, low := &store.Node{Type: "t", Name: "top", Body: []byte("1")}, &store.Node{Type: "t", Name: "mid"}, &store.Node{Type: "t", Name: "low"}
	update(func(tx store.Tx) error {
		err := tx.Insert(ctx, top)
		mid.Parent = top.ID
		err = errors.Join(err, tx.Insert(ctx, mid))
		low.Parent = mid.ID
		return errors.Join(err, tx.Insert(ctx, low))
	})
	hold := func(id store.ID) (n store.Node, err error) {
		err = s.Update(ctx, func(tx store.Tx) error {
			held, err := tx.Hold(ctx, store.Shared, id)
			if err == nil {
				n = held[0]
			}
			return err
		})
		return n, err
	}
	same := func(what string, id store.ID) {
		t.Helper()
		held, missing := hold(id)
		var read store.Node
		absent := s.View(ctx, func(r store.Reader) (err error) { read, err = r.Node(ctx, id); return err })
		if !reflect.DeepEqual(held, read) || errs.Is(missing, errs.NotFound) != errs.Is(absent, errs.NotFound) {
			t.Errorf("%s: held is %+v (%v), written is %+v (%v)", what, held, missing, read, absent)
		}
	}
	all := func(what string) {
		t.Helper()
		for _, n := range []*store.Node{top, mid, low} {
			same(what, n.ID)
			same(what+", again", n.ID)
		}
	}
	all("inserted")
	update(func(tx store.Tx) error {
		return tx.Save(ctx, store.Node{ID: top.ID, Flag: "f", ETag: "2", Body: []byte("2"), Refs: []store.ID{mid.ID}})
	})
	all("saved")
	if held, err := hold(top.ID); err == nil {
		held.Body[0], held.Refs[0] = 'x', 0 // the caller's own
	}
	all("changed by who held it")
	giveUp := errors.New("given up")
	for what, fn := range map[string]func(tx store.Tx) error{
		"a save":     func(tx store.Tx) error { return tx.Save(ctx, store.Node{ID: top.ID, ETag: "3"}) },
		"a trash":    func(tx store.Tx) error { return tx.Trash(ctx, mid.ID) },
		"a reparent": func(tx store.Tx) error { return tx.Reparent(ctx, low.ID, top.ID) },
		"an insert that was held": func(tx store.Tx) error {
			n := &store.Node{Parent: top.ID, Type: "t", Name: "new"}
			err := tx.Insert(ctx, n)
			_, holding := tx.Hold(ctx, store.Exclusive, n.ID)
			if err = errors.Join(err, holding); err == nil {
				low2 := *n
				t.Cleanup(func() { same("an insert that was undone", low2.ID) })
			}
			return err
		},
	} {
		err := s.Update(ctx, func(tx store.Tx) error {
			if err := fn(tx); err != nil {
				return err
			}
			if _, err := tx.Hold(ctx, store.Shared, top.ID, low.ID); err != nil {
				return err
			}
			return giveUp
		})
		if !errors.Is(err, giveUp) {
			t.Fatalf("%s: %v", what, err)
		}
		all(what + " that was given up")
	}
	update(func(tx store.Tx) error { return tx.Reparent(ctx, low.ID, top.ID) })
	all("moved")
	update(func(tx store.Tx) error { return tx.Reparent(ctx, low.ID, mid.ID) })
	update(func(tx store.Tx) error { return tx.Trash(ctx, mid.ID) })
	all("trashed")
	for {
		n, err := s.Collect(ctx, 10)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	same("collected", low.ID) // first: a hold that fails is undone, and all is forgotten
	all("collected")
	err = s.Update(ctx, func(tx store.Tx) error { return tx.Insert(ctx, &store.Node{Parent: low.ID, Type: "t", Name: "below"}) })
	if !errs.Is(err, errs.NotFound) {
		t.Errorf("something was inserted below what is not there: %v", err)
	}
}
