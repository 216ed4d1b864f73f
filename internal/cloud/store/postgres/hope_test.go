package postgres

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

// twoNodes opens one database twice, and lets both know the generation.
func twoNodes(t *testing.T) (here, there *Store) {
	t.Helper()
	dsn := server.Database(t)
	here, there = openAt(t, dsn), openAt(t, dsn)
	for _, s := range []*Store{here, there} {
		bump(t, s)
	}
	generationOf(t, here)
	return here, there
}

func bump(t *testing.T, s *Store) {
	t.Helper()
	must(t, s.Update(t.Context(), func(tx store.Tx) error { return tx.Bump(t.Context()) }))
}

func generationOf(t *testing.T, s *Store) (n int64) {
	t.Helper()
	must(t, s.View(t.Context(), func(r store.Reader) (err error) { n, err = r.Generation(t.Context()); return err }))
	return n
}

// save writes the body of a node from another transaction.
func save(t *testing.T, s *Store, id store.ID, body string) {
	t.Helper()
	must(t, s.Update(t.Context(), func(tx store.Tx) error { return tx.Save(t.Context(), store.Node{ID: id, Body: []byte(body)}) }))
}

// TestAnOldGenerationIsToldNobody: what another node bumped counts, whatever the function does with the generation.
func TestAnOldGenerationIsToldNobody(t *testing.T) {
	t.Parallel()
	here, there := twoNodes(t)
	id := plant(t, there, "a")[0]
	steps := []store.Step{{Type: "t", Name: "a"}}
	type use = func(ctx context.Context, r store.Reader) error
	uses := map[string]use{
		"nothing is read": func(context.Context, store.Reader) error { return nil },
		"a walk":          func(ctx context.Context, r store.Reader) error { _, err := r.Walk(ctx, store.Root, steps); return err },
		"a node":          func(ctx context.Context, r store.Reader) error { _, err := r.Node(ctx, id); return err },
		"a refusal":       func(context.Context, store.Reader) error { return errs.New(errs.Denied, "No", "no") },
	}
	for name, use := range uses {
		var told int64
		see := func(ctx context.Context, r store.Reader) (err error) {
			if told, err = r.Generation(ctx); err != nil {
				return err
			}
			return use(ctx, r)
		}
		for kind, run := range map[string]func() error{
			"view":   func() error { return here.View(t.Context(), func(r store.Reader) error { return see(t.Context(), r) }) },
			"update": func() error { return here.Update(t.Context(), func(tx store.Tx) error { return see(t.Context(), tx) }) },
			"update that inserts": func() error {
				return here.Update(t.Context(), func(tx store.Tx) error {
					if err := see(t.Context(), tx); err != nil {
						return err
					}
					return tx.Insert(t.Context(), &store.Node{Type: "t", Name: "of " + name})
				})
			},
			"update that bumps": func() error {
				return here.Update(t.Context(), func(tx store.Tx) error {
					if err := see(t.Context(), tx); err != nil {
						return err
					}
					return tx.Bump(t.Context())
				})
			},
		} {
			bump(t, there)
			now := generationOf(t, there)
			err := run()
			if name == "a refusal" != errs.Is(err, errs.Denied) || name != "a refusal" && err != nil {
				t.Errorf("%s, %s: %v", kind, name, err)
			}
			if told != now {
				t.Errorf("%s, %s: generation %d was told last, it is %d", kind, name, told, now)
			}
		}
	}
}

// TestACarefulRunIsNotLeftWithAnOldGeneration: another node bumps between what the function was told and the hold that it had to wait for, first under a run that hopes and then
// under one that does not.
func TestACarefulRunIsNotLeftWithAnOldGeneration(t *testing.T) {
	t.Parallel()
	here, there := twoNodes(t)
	id := plant(t, there, "a")[0]
	tooEarly := func(told int64) {
		err := there.update(t.Context(), func(other *tx) error {
			if _, err := other.query(t.Context(), "be impatient", nil, `SET LOCAL lock_timeout = 50`); err != nil {
				return err
			}
			return other.Bump(t.Context())
		})
		if e := errs.As(err); e == nil || e.Code != "StoreContended" {
			t.Errorf("the generation moved on from %d a third time: %v", told, err)
		}
	}
	for name, hold := range map[string]func(tx store.Tx) error{
		"a hold": func(tx store.Tx) error { _, err := tx.Hold(t.Context(), store.Exclusive, id); return err },
		"a hold with a walk": func(tx store.Tx) error {
			_, _, err := tx.HoldAndWalk(t.Context(), store.Shared, id, store.Root, []store.Step{{Type: "t", Name: "a"}})
			return err
		},
		"a hold that the function makes nothing of": func(tx store.Tx) error { _, _ = tx.Hold(t.Context(), store.Shared, id); return nil },
	} {
		runs, told := 0, int64(0)
		must(t, here.Update(t.Context(), func(tx store.Tx) (err error) {
			runs++
			if told, err = tx.Generation(t.Context()); err != nil {
				return err
			}
			if runs <= 2 {
				bump(t, there)
			}
			if err := hold(tx); err != nil || runs <= 2 {
				return err
			}
			tooEarly(told) // a run that was outrun holds it
			return nil
		}))
		if now := generationOf(t, there); told != now || runs != 3 {
			t.Errorf("%s: generation %d was told last in %d runs, it is %d", name, told, runs, now)
		}
	}
}

// TestAViewThatWalksOnSeesOneState: the walk that came first was read before the transaction began.
func TestAViewThatWalksOnSeesOneState(t *testing.T) {
	t.Parallel()
	here, there := twoNodes(t)
	ids := plant(t, here, "a", "b")
	for _, c := range []struct {
		what    string
		between func()
		runs    int
		want    string
	}{
		{"nothing happens", func() {}, 1, "a0 b0"},
		{"something else happens", func() { save(t, there, plant(t, there, "c")[0], "c1") }, 1, "a0 b0"},
		{"both change", func() { save(t, there, ids[0], "a1"); save(t, there, ids[1], "b1") }, 2, "a1 b1"},
		{"the generation changes", func() { bump(t, there) }, 2, "a1 b1"},
	} {
		if c.what == "nothing happens" {
			save(t, here, ids[0], "a0")
			save(t, here, ids[1], "b0")
		}
		runs, seen := 0, ""
		must(t, here.View(t.Context(), func(r store.Reader) error {
			runs++
			met, err := r.Walk(t.Context(), store.Root, []store.Step{{Type: "t", Name: "a"}})
			if err != nil {
				return err
			}
			a := met[0].Body
			met[0] = store.Node{} // the slice is the caller's
			if runs == 1 {
				c.between()
			}
			b, err := r.Node(t.Context(), ids[1])
			if err != nil {
				return err
			}
			seen = fmt.Sprintf("%s %s", a, b.Body)
			return nil
		}))
		if runs != c.runs || seen != c.want {
			t.Errorf("%s: seen %q in %d runs, want %q in %d", c.what, seen, runs, c.want, c.runs)
		}
	}
}

// TestARefusalThatCannotBeJudgedIsNotTold: the function refuses because of a generation that may be old, and the server is gone.
func TestARefusalThatCannotBeJudgedIsNotTold(t *testing.T) {
	t.Parallel()
	here, there := twoNodes(t)
	bump(t, there)
	config := here.pool.Config().ConnConfig
	admin, err := pgx.Connect(t.Context(), server.DSN("postgres"))
	must(t, err)
	defer func() { _ = admin.Close(context.WithoutCancel(t.Context())) }()
	refuse := func(r store.Reader) error {
		if _, err := r.Generation(t.Context()); err != nil {
			return err
		}
		if _, err := admin.Exec(t.Context(), "ALTER DATABASE "+config.Database+" ALLOW_CONNECTIONS false"); err != nil { // nobody comes back
			return err
		}
		if _, err := admin.Exec(t.Context(), `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1`, config.Database); err != nil {
			return err
		}
		return errs.New(errs.Denied, "No", "no")
	}
	for range 2 { // with connections that were cut, and without any
		if err := here.View(t.Context(), refuse); !errs.Is(err, errs.Unavailable) {
			t.Errorf("view: got %v, want Unavailable", err)
		}
		if err := here.Update(t.Context(), func(tx store.Tx) error { return refuse(tx) }); !errs.Is(err, errs.Unavailable) {
			t.Errorf("update: got %v, want Unavailable", err)
		}
	}
}

// TestWhatIsHeldIsTheTransactionsOwn: neither a refused save nor a buffer that is used again changes what the transaction reads.
func TestWhatIsHeldIsTheTransactionsOwn(t *testing.T) {
	t.Parallel()
	s, ctx := open(t), t.Context()
	id := plant(t, s, "a")[0]
	save(t, s, id, "before")
	must(t, s.Update(ctx, func(tx store.Tx) error {
		held, err := tx.Hold(ctx, store.Exclusive, id)
		if err != nil {
			return err
		}
		n := held[0]
		copy(n.Body, "XXXXXX")
		n.ETag, n.Body = "\x00", []byte("refused")
		if err := tx.Save(ctx, n); !errs.Is(err, errs.Invalid) {
			t.Errorf("save: %v", err)
		}
		if got, err := tx.Node(ctx, id); err != nil || string(got.Body) != "before" {
			t.Errorf("behind a refused save: %q, %v", got.Body, err)
		}
		n.ETag, n.Body = "e", []byte("saved")
		if err := tx.Save(ctx, n); err != nil {
			return err
		}
		copy(n.Body, "XXXXX")
		got, err := tx.Node(ctx, id)
		if string(got.Body) != "saved" {
			t.Errorf("behind a save: %q", got.Body)
		}
		return err
	}))
}

// TestALongWalkGoesOn: further than one statement, on a view, in an update and under a hold.
func TestALongWalkGoesOn(t *testing.T) {
	t.Parallel()
	s, ctx := open(t), t.Context()
	parent := store.Root
	var steps []store.Step
	for i := range 2*maxHops + 3 {
		n := &store.Node{Parent: parent, Type: "t", Name: fmt.Sprint(i)}
		must(t, s.Update(ctx, func(tx store.Tx) error { return tx.Insert(ctx, n) }))
		parent, steps = n.ID, append(steps, store.Step{Type: "T", Name: n.Name})
	}
	steps = append(steps, store.Step{Type: "t", Name: "missing"}, store.Step{Type: "t", Name: "below"})
	for length := range steps {
		want := min(length, 2*maxHops+3)
		must(t, s.View(ctx, func(r store.Reader) error {
			met, err := r.Walk(ctx, store.Root, steps[:length])
			if len(met) != want {
				t.Errorf("a walk of %d steps met %d nodes", length, len(met))
			}
			return err
		}))
		must(t, s.Update(ctx, func(tx store.Tx) error {
			held, met, err := tx.HoldAndWalk(ctx, store.Shared, parent, store.Root, steps[:length])
			if len(met) != want || held.ID != parent {
				t.Errorf("a walk of %d steps met %d nodes under %d", length, len(met), held.ID)
			}
			return err
		}))
	}
}
