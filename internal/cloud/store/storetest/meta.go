package storetest

import (
	"errors"
	"sync"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

var metaChecks = []check{
	{"meta keeps, replaces and deletes values", metaValues},
	{"a committed bump makes the generation grow", generationGrows},
	{"a bump that is not committed does not count", generationRollback},
	{"concurrent bumps are never lost", generationConcurrent},
}

func metaValues(t *testing.T, c *cloud) {
	read := func(key string) (value []byte, err error) {
		err = c.View(c.ctx, func(r store.Reader) (err error) {
			value, err = r.Meta(c.ctx, key)
			return err
		})
		return value, err
	}
	write := func(key string, value []byte) {
		c.update(t, func(tx store.Tx) error { return tx.PutMeta(c.ctx, key, value) })
	}
	_, err := read("k")
	wantKind(t, "nothing kept", err, errs.NotFound, "MetaNotFound")
	for _, value := range []string{"one", "two\x00\xff", ""} {
		write("k", []byte(value))
		got, err := read("k")
		if err != nil || got == nil || string(got) != value {
			t.Errorf("got %q (%v), want %q", got, err, value)
		}
	}
	write("K", []byte("other")) // keys are not words of ARM: case matters
	write("k", nil)
	write("never was", nil)
	_, err = read("k")
	wantKind(t, "deleted", err, errs.NotFound, "MetaNotFound")
	got, err := read("K")
	wantText(t, "the other key", string(got), "other")
	if err != nil {
		t.Error(err)
	}
}

func (c *cloud) generation(t *testing.T) (generation int64) {
	t.Helper()
	c.view(t, func(r store.Reader) (err error) {
		generation, err = r.Generation(c.ctx)
		return err
	})
	return generation
}

func generationGrows(t *testing.T, c *cloud) {
	first := c.generation(t)
	if first <= 0 {
		t.Errorf("got generation %d: zero belongs to caches that hold nothing yet", first)
	}
	c.plant(t, store.Root, "sub/a")
	want(t, "generation behind an update without bump", c.generation(t), first)
	c.update(t, func(tx store.Tx) error {
		before, err := tx.Generation(c.ctx)
		if err != nil {
			return err
		}
		if err := tx.Bump(c.ctx); err != nil {
			return err
		}
		after, err := tx.Generation(c.ctx)
		if after <= before {
			t.Errorf("within the transaction: got %d behind %d", after, before)
		}
		return errors.Join(err, tx.Bump(c.ctx))
	})
	if second := c.generation(t); second <= first {
		t.Errorf("got generation %d behind %d", second, first)
	}
}

func generationRollback(t *testing.T, c *cloud) {
	first := c.generation(t)
	mine := errors.New("mine")
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			err := c.Update(c.ctx, func(tx store.Tx) error {
				if i%2 == 0 {
					return tx.PutMeta(c.ctx, "k", []byte("v"))
				}
				return errors.Join(tx.Bump(c.ctx), mine)
			})
			if i%2 == 0 && err != nil || i%2 == 1 && !errors.Is(err, mine) {
				t.Errorf("update %d: %v", i, err)
			}
		})
	}
	all.Wait()
	want(t, "generation behind bumps that were rolled back", c.generation(t), first)
}

// generationConcurrent lets every update look at the generation behind its own commit: it must have grown.
func generationConcurrent(t *testing.T, c *cloud) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				read := func(r store.Reader) (g int64) {
					g, err := r.Generation(c.ctx)
					if err != nil {
						t.Error(err)
					}
					return g
				}
				var before, within, behind int64
				err := errors.Join(
					c.View(c.ctx, func(r store.Reader) error { before = read(r); return nil }),
					c.Update(c.ctx, func(tx store.Tx) error {
						if err := tx.Bump(c.ctx); err != nil {
							return err
						}
						within = read(tx)
						return nil
					}),
					c.View(c.ctx, func(r store.Reader) error { behind = read(r); return nil }))
				if err != nil || within <= before || behind < within {
					t.Errorf("before %d, within %d, behind %d (%v)", before, within, behind, err)
				}
			}
		})
	}
	all.Wait()
}
