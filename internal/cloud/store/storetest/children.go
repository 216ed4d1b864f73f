package storetest

import (
	"fmt"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/errs"
)

var childrenChecks = []check{
	{"children come in the order of folded type and name", childrenOrder},
	{"a keyset position lies behind a child, there or not", childrenPosition},
	{"pages lose and repeat nothing while others insert and delete", childrenPaging},
	{"flagged children are found", childrenFlagged},
	{"children of a type are counted", childrenCount},
	{"a limit must be positive", childrenLimit},
}

func (c *cloud) children(t *testing.T, parent store.ID, page store.Range) []store.Node {
	t.Helper()
	var nodes []store.Node
	c.view(t, func(r store.Reader) (err error) {
		nodes, err = r.Children(c.ctx, parent, page)
		return err
	})
	return nodes
}

func childrenOrder(t *testing.T, c *cloud) {
	top := c.plant(t, store.Root, "sub/a")[0]
	for _, word := range []string{"b/Zeta", "B/alpha", "a/z", "A/ä", "a/B", "a/a-b", "a/a", "a/a.b", "a/ab", "c/1", "b/_", "a/Ж"} {
		c.plant(t, top, word)
	}
	wantText(t, "all", words(c.children(t, top, store.Range{Limit: 100})),
		"a/a a/a-b a/a.b a/ab a/B a/z A/ä a/Ж b/_ B/alpha b/Zeta c/1")
	wantText(t, "one type", words(c.children(t, top, store.Range{Type: "B", Limit: 100})), "b/_ B/alpha b/Zeta")
	wantText(t, "limit", words(c.children(t, top, store.Range{Limit: 3})), "a/a a/a-b a/a.b")
	wantText(t, "type without children", words(c.children(t, top, store.Range{Type: "d", Limit: 3})), "")
}

func childrenPosition(t *testing.T, c *cloud) {
	top := c.plant(t, store.Root, "sub/a")[0]
	for _, word := range []string{"a/1", "a/2", "b/1", "b/3", "c/1"} {
		c.plant(t, top, word)
	}
	for _, try := range []struct {
		page store.Range
		want string
	}{
		{store.Range{AfterType: "A", AfterName: "1"}, "a/2 b/1 b/3 c/1"},
		{store.Range{AfterType: "a", AfterName: "9"}, "b/1 b/3 c/1"},
		{store.Range{AfterType: "b", AfterName: "2"}, "b/3 c/1"},
		{store.Range{AfterType: "b"}, "b/1 b/3 c/1"},
		{store.Range{AfterType: "x"}, ""},
		{store.Range{Type: "b", AfterType: "B", AfterName: "1"}, "b/3"},
		{store.Range{Type: "b", AfterName: "1"}, "b/3"},
		{store.Range{Type: "b", AfterType: "a", AfterName: "2"}, "b/1 b/3"},
		{store.Range{Type: "b", AfterType: "c", AfterName: "0"}, ""},
	} {
		try.page.Limit = 10
		wantText(t, fmt.Sprintf("%+v", try.page), words(c.children(t, top, try.page)), try.want)
	}
}

// childrenPaging reads page by page; between two pages it deletes the last child read, one read before and one not
// read yet, and inserts one before and one behind the position.
func childrenPaging(t *testing.T, c *cloud) {
	top := c.plant(t, store.Root, "sub/a")[0]
	ids := c.plantMany(t, top, "m/", 60)
	seen, page := map[string]int{}, store.Range{Limit: 7}
	for turn := 0; ; turn++ {
		nodes := c.children(t, top, page)
		if len(nodes) == 0 {
			break
		}
		for _, n := range nodes {
			seen[n.Name]++
		}
		last := nodes[len(nodes)-1]
		page.AfterType, page.AfterName = last.Type, last.Name
		c.update(t, func(tx store.Tx) error {
			gone := []store.ID{last.ID}
			if turn == 1 {
				gone = append(gone, ids[0], ids[59])
			}
			if err := tx.Insert(c.ctx, leaf(top, fmt.Sprintf("a/%d", turn)), leaf(top, fmt.Sprintf("m/x%d", turn))); err != nil {
				return err
			}
			return tx.Trash(c.ctx, gone...)
		})
		if turn > 100 {
			t.Fatal("paging does not end")
		}
		if turn == 20 {
			break // each page adds one child behind: there is always more
		}
	}
	for i := range 59 {
		want(t, fmt.Sprintf("times child %d was seen", i), seen[fmt.Sprintf("%05d", i)], 1)
	}
	want(t, "times the deleted child was seen", seen["00059"], 0)
}

func childrenFlagged(t *testing.T, c *cloud) {
	top := c.plant(t, store.Root, "sub/a")[0]
	ids := c.plantMany(t, top, "job/", 50)
	other := c.plant(t, top, "model/m")[0]
	flag := func(id store.ID, flag string) {
		c.update(t, func(tx store.Tx) error {
			n, err := tx.Node(c.ctx, id)
			if err != nil {
				return err
			}
			n.Flag = flag
			return tx.Save(c.ctx, n)
		})
	}
	flagged := func(limit int) (text string) {
		c.view(t, func(r store.Reader) error {
			nodes, err := r.FlaggedChildren(c.ctx, top, "JOB", limit)
			text = words(nodes)
			return err
		})
		return text
	}
	wantText(t, "before", flagged(10), "")
	for _, id := range []store.ID{ids[40], ids[3], ids[17], other} {
		flag(id, "running")
	}
	wantText(t, "three", flagged(10), "job/00003 job/00017 job/00040")
	wantText(t, "two of three", flagged(2), "job/00003 job/00017")
	flag(ids[17], "")
	c.update(t, func(tx store.Tx) error { return tx.Trash(c.ctx, ids[3]) })
	wantText(t, "one is left", flagged(10), "job/00040")
}

func childrenCount(t *testing.T, c *cloud) {
	top := c.plant(t, store.Root, "sub/a")[0]
	ids := c.plantMany(t, top, "job/", 30)
	c.plant(t, top, "jobs/x")
	c.update(t, func(tx store.Tx) error { return tx.Trash(c.ctx, ids[4]) })
	c.view(t, func(r store.Reader) error {
		jobs, err := r.Count(c.ctx, top, "Job")
		want(t, "jobs", jobs, 29)
		if err != nil {
			return err
		}
		none, err := r.Count(c.ctx, top, "nothing")
		want(t, "nothing", none, 0)
		return err
	})
	want(t, "nodes in all, trash included", c.stats(t).Nodes, 32)
}

func childrenLimit(t *testing.T, c *cloud) {
	c.view(t, func(r store.Reader) error {
		for _, limit := range []int{0, -1} {
			_, err := r.Children(c.ctx, store.Root, store.Range{Limit: limit})
			wantKind(t, "children", err, errs.Invalid, "LimitInvalid")
			_, err = r.FlaggedChildren(c.ctx, store.Root, "x", limit)
			wantKind(t, "flagged children", err, errs.Invalid, "LimitInvalid")
			_, err = r.Extensions(c.ctx, store.ExtensionRange{Scope: "/", Limit: limit})
			wantKind(t, "extensions", err, errs.Invalid, "LimitInvalid")
			_, err = c.Collect(c.ctx, limit)
			wantKind(t, "collect", err, errs.Invalid, "LimitInvalid")
		}
		return nil
	})
}
