package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the control goes through database/sql

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite"
)

var body = make([]byte, 500)

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func openBench(b *testing.B) *sqlite.Store {
	b.Helper()
	s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "cloud.db"))
	must(b, err)
	b.Cleanup(func() { must(b, s.Close()) })
	return s
}

// BenchmarkPut inserts a node in each update, 16 callers at once.
func BenchmarkPut(b *testing.B) {
	s := openBench(b)
	root := &store.Node{Type: "subscriptions", Name: "s"}
	must(b, s.Update(b.Context(), func(tx store.Tx) error { return tx.Insert(b.Context(), root) }))
	var count atomic.Int64
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n := &store.Node{Parent: root.ID, Type: "workspaces", Name: fmt.Sprintf("w%d", count.Add(1)), Body: body, Created: time.Now()}
			if err := s.Update(context.Background(), func(tx store.Tx) error { return tx.Insert(context.Background(), n) }); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkPutControl is one synced transaction of SQLite for each insert, 16 callers at once.
func BenchmarkPutControl(b *testing.B) {
	db := openControl(b)
	var count atomic.Int64
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := db.Exec(`INSERT INTO kv VALUES (?, ?)`, fmt.Sprintf("w%d", count.Add(1)), body); err != nil {
				b.Error(err)
			}
		}
	})
}

func openControl(b *testing.B) *sql.DB {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "control.db")+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)")
	must(b, err)
	db.SetMaxOpenConns(1)
	b.Cleanup(func() { must(b, db.Close()) })
	_, err = db.Exec(`CREATE TABLE kv (k TEXT PRIMARY KEY, v BLOB) WITHOUT ROWID`)
	must(b, err)
	return db
}

// BenchmarkGet walks four hops down to a node.
func BenchmarkGet(b *testing.B) {
	s := openBench(b)
	ctx := b.Context()
	steps := []store.Step{{Type: "subscriptions", Name: "s"}, {Type: "resourceGroups", Name: "g"}, {Type: "workspaces", Name: "w"}, {Type: "jobs", Name: ""}}
	parent := store.Root
	for _, step := range steps[:3] {
		n := &store.Node{Parent: parent, Type: step.Type, Name: step.Name, Body: body}
		must(b, s.Update(ctx, func(tx store.Tx) error { return tx.Insert(ctx, n) }))
		parent = n.ID
	}
	const jobs = 20000
	nodes := make([]*store.Node, jobs)
	for i := range nodes {
		nodes[i] = &store.Node{Parent: parent, Type: "jobs", Name: fmt.Sprint("job", i), Body: body}
	}
	start := time.Now()
	must(b, s.Update(ctx, func(tx store.Tx) error { return tx.Insert(ctx, nodes...) }))
	b.Logf("bulk insert: %.0f/s", jobs/time.Since(start).Seconds())
	for _, hops := range []int{1, 4} {
		b.Run(fmt.Sprintf("hops=%d", hops), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i = (i + 7919) % jobs
				steps[3].Name = fmt.Sprint("job", i)
				from := store.Root
				if hops == 1 {
					from = parent
				}
				must(b, s.View(ctx, func(r store.Reader) error {
					met, err := r.Walk(ctx, from, steps[4-hops:])
					if len(met) != hops {
						b.Fatal("lost a node")
					}
					return err
				}))
			}
		})
	}
}

// BenchmarkGetControl is one keyed read through database/sql.
func BenchmarkGetControl(b *testing.B) {
	db := openControl(b)
	for i := range 100 {
		_, err := db.Exec(`INSERT INTO kv VALUES (?, ?)`, fmt.Sprint("job", i), body)
		must(b, err)
	}
	get, err := db.Prepare(`SELECT v FROM kv WHERE k = ?`)
	must(b, err)
	i := 0
	for b.Loop() {
		i = (i + 37) % 100
		var v []byte
		must(b, get.QueryRow(fmt.Sprint("job", i)).Scan(&v))
	}
}
