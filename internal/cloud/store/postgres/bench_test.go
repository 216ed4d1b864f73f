package postgres

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/amlmove/amlmove/internal/cloud/store"
)

func openBench(b *testing.B) (*Store, *store.Node) {
	b.Helper()
	s, err := Open(b.Context(), server.Database(b))
	must(b, err)
	b.Cleanup(func() { must(b, s.Close()) })
	root := &store.Node{Type: "subscriptions", Name: "s"}
	must(b, s.Update(b.Context(), func(tx store.Tx) error { return tx.Insert(b.Context(), root) }))
	return s, root
}

// BenchmarkPut inserts a node in each update, 16 callers at once.
func BenchmarkPut(b *testing.B) {
	s, root := openBench(b)
	var count atomic.Int64
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n := &store.Node{Parent: root.ID, Type: "workspaces", Name: fmt.Sprintf("w%d", count.Add(1)), Body: make([]byte, 500)}
			if err := s.Update(context.Background(), func(tx store.Tx) error { return tx.Insert(context.Background(), n) }); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkGet walks to a node, one caller and 16.
func BenchmarkGet(b *testing.B) {
	s, root := openBench(b)
	nodes := make([]*store.Node, 10000)
	for i := range nodes {
		nodes[i] = &store.Node{Parent: root.ID, Type: "workspaces", Name: fmt.Sprint("w", i), Body: make([]byte, 500)}
	}
	must(b, s.Update(b.Context(), func(tx store.Tx) error { return tx.Insert(b.Context(), nodes...) }))
	get := func(i int64) {
		steps := []store.Step{{Type: "subscriptions", Name: "s"}, {Type: "workspaces", Name: fmt.Sprint("w", i%10000)}}
		err := s.View(context.Background(), func(r store.Reader) error {
			_, err := r.Walk(context.Background(), store.Root, steps)
			return err
		})
		if err != nil {
			b.Error(err)
		}
	}
	b.Run("callers=1", func(b *testing.B) {
		for i := int64(0); b.Loop(); i++ {
			get(i)
		}
	})
	b.Run("callers=16", func(b *testing.B) {
		var count atomic.Int64
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				get(count.Add(1))
			}
		})
	})
}
