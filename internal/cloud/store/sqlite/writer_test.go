package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite/lite"
	"github.com/amlmove/amlmove/internal/errs"
)

// blockWriter keeps the writer busy within one update until release is called.
func blockWriter(s *Store) (release func() error) {
	began, goOn, answer := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		answer <- s.update(context.Background(), func(*tx) error {
			close(began)
			<-goOn
			return nil
		})
	}()
	<-began
	return func() error { close(goOn); return <-answer }
}

func TestACanceledUpdateInTheQueueIsNotRun(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "cloud.db"))
	release := blockWriter(s)
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error, 1)
	go func() {
		answer <- s.Update(ctx, func(tx store.Tx) error { return tx.Insert(ctx, &store.Node{Type: "t", Name: "n"}) })
	}()
	cancel()
	if err := <-answer; !errs.Is(err, errs.Canceled) { // while the writer is still busy
		t.Errorf("got %v, want Canceled", err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	if stats, err := s.Stats(t.Context()); err != nil || stats.Nodes != 0 {
		t.Errorf("%d nodes are there, %v", stats.Nodes, err)
	}
}

func TestALostTransactionIsAnErrorForItsWholeGroup(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "cloud.db"))
	var all sync.WaitGroup
	var mu sync.Mutex
	kept, lost := map[string]bool{}, 0
	for i := range 200 {
		all.Go(func() {
			name := fmt.Sprint("n", i)
			err := s.update(t.Context(), func(tx *tx) error {
				err := tx.Insert(t.Context(), &store.Node{Type: "t", Name: name})
				if i%40 == 7 {
					return errors.Join(err, tx.conn.Run(sqlRollback)) // as SQLite does when it must
				}
				return err
			})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				kept[name] = true
			} else if lost++; !errs.Is(err, errs.Unavailable) {
				t.Errorf("update %d: got %v, want Unavailable", i, err)
			}
		})
	}
	all.Wait()
	if lost < 5 {
		t.Errorf("%d updates were lost, want at least 5", lost)
	}
	stats, err := s.Stats(t.Context())
	if err != nil || stats.Nodes != int64(len(kept)) {
		t.Errorf("%d nodes, %d were acknowledged (%v)", stats.Nodes, len(kept), err)
	}
}

func TestAFullDiskLeavesTheStoreReadable(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "cloud.db"))
	insert(t, s, "first")
	limit := func(pages int) {
		if err := s.update(t.Context(), func(tx *tx) error { return tx.conn.Exec(fmt.Sprintf(`PRAGMA max_page_count = %d`, pages)) }); err != nil {
			t.Fatal(err)
		}
	}
	limit(30)
	acknowledged, full := int64(1), error(nil)
	for i := 0; full == nil && i < 1000; i++ {
		full = s.Update(t.Context(), func(tx store.Tx) error {
			return tx.Insert(t.Context(), &store.Node{Type: "t", Name: fmt.Sprint(i), Body: make([]byte, 5000)})
		})
		if full == nil {
			acknowledged++
		}
	}
	refused(t, full, errs.Unavailable, "StoreFull", s.path)
	stats, err := s.Stats(t.Context())
	if err != nil || stats.Nodes != acknowledged {
		t.Errorf("%d nodes, %d were acknowledged (%v)", stats.Nodes, acknowledged, err)
	}
	limit(1 << 30)
	insert(t, s, "when there is room again")
}

// TestPlans holds every statement to its index: nothing may cost more when the tree grows.
// TestTheLogStaysSmallWhileOthersRead writes some ten times what the log may hold, while others read without a pause: SQLite begins its log anew only when no snapshot is in its way.
func TestTheLogStaysSmallWhileOthersRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cloud.db")
	s := mustOpen(t, path)
	n := &store.Node{Type: "t", Name: "n"}
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Insert(t.Context(), n) }); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := s.View(t.Context(), func(r store.Reader) error { _, err := r.Node(t.Context(), n.ID); return err }); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	const pages, rounds = 2000, 200 // of the log before it is written back; of 100 pages each
	for i := range rounds {
		err := s.Update(t.Context(), func(tx store.Tx) error {
			for j := range 100 {
				if err := tx.PutMeta(t.Context(), fmt.Sprint("k", j), bytes.Repeat([]byte{byte(i)}, 4000)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	readers.Wait()
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if held := info.Size() / 4096; held > 4*pages {
		t.Errorf("the log has %d pages of the %d that were written", held, rounds*100)
	}
}

func TestPlans(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cloud.db")
	mustOpen(t, path)
	conn, err := openReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	bad := regexp.MustCompile(`SCAN|TEMP B-TREE|AUTOMATIC`)
	for _, q := range []*lite.Query{sqlNode, sqlChild, sqlChildren, sqlChildrenOfType, sqlFlagged, sqlCount, sqlParent, sqlKids, sqlSave,
		sqlReparent, sqlTrash, sqlDelete, sqlExtension, sqlExtensionsAt, sqlExtensionsAtOfType, sqlExtensionsBelow, sqlExtensionsBelowOfType,
		sqlDropAt, sqlDropBelow, sqlDropBelowOfType, sqlOperation, sqlDueOperation, sqlMeta} {
		var plan []string
		if err := conn.Each(lite.NewQuery("EXPLAIN QUERY PLAN "+q.String()), func(r lite.Row) { plan = append(plan, r.Text(3)) }); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		if text := strings.Join(plan, "; "); len(plan) == 0 || bad.MatchString(text) {
			t.Errorf("%s\nplan: %s", q, text)
		}
	}
}

// FuzzNames: whatever is accepted as a name is found again, in any case, and sorts by its folded bytes.
func FuzzNames(f *testing.F) {
	for _, name := range []string{"a", "Ä", "İ", "ß", "ǅ", "K", "a/b", "%_'\"", "\x00", "\xff", " ", "𝔘"} {
		f.Add(name, name+"x")
	}
	s, err := Open(context.Background(), filepath.Join(f.TempDir(), "cloud.db"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	undo := errors.New("undo")
	f.Fuzz(func(t *testing.T, one, two string) {
		ctx, first, second := t.Context(), strings.ToLower(one), strings.ToLower(two)
		err := s.Update(ctx, func(tx store.Tx) error {
			a, b := &store.Node{Type: "t", Name: one}, &store.Node{Type: "T", Name: two}
			if err := tx.Insert(ctx, a, b); err != nil {
				return err
			}
			for _, n := range []*store.Node{a, b} {
				met, err := tx.Walk(ctx, store.Root, []store.Step{{Type: "t", Name: strings.ToLower(n.Name)}})
				if err != nil || len(met) != 1 || met[0].ID != n.ID || met[0].Name != n.Name {
					t.Errorf("walk to %q: %v, %v", n.Name, met, err)
				}
			}
			nodes, err := tx.Children(ctx, store.Root, store.Range{Limit: 10})
			if err != nil || len(nodes) != 2 || strings.ToLower(nodes[0].Name) != min(first, second) {
				t.Errorf("children: %v, %v", nodes, err)
			}
			return undo
		})
		same := errs.Is(err, errs.Conflict) && first == second
		if !errors.Is(err, undo) && !same && !errs.Is(err, errs.Invalid) {
			t.Errorf("insert of %q and %q: %v", one, two, err)
		}
	})
}
