// Package sqlite keeps the state of a cloud in one SQLite file: the engine for one machine and one process.
//
// It holds the file (created whole or not at all, locked against a second process, migrated when opened), one writer that
// commits waiting updates as a group (their functions run ahead of it as far as that goes: ahead.go), and a small pool of reading connections with snapshots of their own. An update is
// acknowledged, and shown to readers, after its commit is on the disk. It must not know ARM, HTTP or resource types.
// Its floor is store, store/row and errs.
package sqlite

import (
	"context"
	"sync/atomic"

	"github.com/amlmove/amlmove/internal/cloud/store"
	"github.com/amlmove/amlmove/internal/cloud/store/row"
	"github.com/amlmove/amlmove/internal/cloud/store/sqlite/lite"
)

// Store is a cloud's state in one SQLite file.
type Store struct {
	path       string
	lock       *fileLock
	writer     *lite.Conn
	queue      chan *request
	written    chan struct{} // closed when the writer goroutine is gone
	durable    durable
	readers    pool
	held       held         // the writer's
	memory     *row.Memory  // everybody's
	lastID     atomic.Int64 // no node has a larger one
	generation atomic.Int64 // what committed transactions bumped; only the writer moves it
	gate       row.Gate
}

var _ store.Store = (*Store)(nil)

// Open opens the store in a file and creates the file if there is none. The file belongs to this process until Close
// or until the process dies.
func Open(ctx context.Context, path string) (*Store, error) { return openStore(ctx, path, kept) }

// Scratch is Open for a store that nobody needs when its process is gone: nothing is synced, and much is written faster. Only a crash of the machine can harm it,
// not one of the process.
func Scratch(ctx context.Context, path string) (*Store, error) { return openStore(ctx, path, scratch) }

func openStore(ctx context.Context, path string, how care) (*Store, error) {
	if err := row.GaveUp(ctx); err != nil {
		return nil, err
	}
	path, err := resolve(path)
	if err != nil {
		return nil, err
	}
	lock, err := lockFile(path)
	if err != nil {
		return nil, err
	}
	writer, err := openWriter(path, how)
	if err != nil {
		lock.release()
		return nil, err
	}
	s := &Store{path: path, lock: lock, writer: writer, queue: make(chan *request), written: make(chan struct{}), held: held{}, memory: row.NewMemory()}
	err = s.readLastID()
	if err == nil {
		err = s.durable.open(path, how)
	}
	if err != nil {
		_ = writer.Close() // it changed nothing
		lock.release()
		return nil, err
	}
	s.readers.init(path)
	s.generation.Store(1)
	go s.write()
	return s, nil
}

// readLastID reads the largest id that any node ever had.
func (s *Store) readLastID() error {
	if err := s.writer.Each(sqlLastID, func(line lite.Row) { s.lastID.Store(line.Int(0)) }); err != nil {
		return fault(s.path, "open", err)
	}
	return nil
}

// newID is the id of a node that is to be inserted.
func (s *Store) newID() store.ID { return store.ID(s.lastID.Add(1)) }

// Close waits for running transactions, writes the log back into the file and gives the file free.
func (s *Store) Close() error {
	if !s.gate.Close() {
		return nil
	}
	close(s.queue)
	<-s.written
	s.durable.close()
	s.readers.close()
	err := s.closeWriter()
	s.lock.release()
	if err != nil {
		return fault(s.path, "close", err)
	}
	return nil
}

// closeWriter writes the log back into the file, unless the log is not to be believed: the next start reads it, and its checksums, from the disk.
func (s *Store) closeWriter() error {
	if s.durable.fault() != nil {
		s.writer.KeepLog()
	}
	return s.writer.Close()
}

// View runs fn on one snapshot, which begins with the first read.
func (s *Store) View(ctx context.Context, fn func(store.Reader) error) error {
	return s.view(ctx, func(r *reader) error { return fn(r) })
}

func (s *Store) view(ctx context.Context, fn func(*reader) error) error {
	if err := s.gate.Enter(); err != nil {
		return err
	}
	defer s.gate.Leave()
	err := s.look(ctx, fn)
	if lost := s.durable.wait(); lost != nil {
		return lost
	}
	return err
}

// look runs fn on a snapshot, of which something may not be durable yet.
func (s *Store) look(ctx context.Context, fn func(*reader) error) error {
	// The generation is read before the snapshot is chosen: a cache filled from the snapshot may then be thrown away for
	// nothing, but is never taken for newer than it is.
	generation := s.generation.Load()
	seat, err := s.readers.take(ctx)
	if err != nil {
		return err
	}
	r := &reader{conn: seat.conn, path: s.path, generation: generation}
	whole := false
	defer func() {
		r.over = true
		s.readers.give(seat, whole)
	}()
	err = fn(r)
	whole = err == nil
	return err
}

// Stats counts what the file holds.
func (s *Store) Stats(ctx context.Context) (store.Stats, error) {
	stats := store.Stats{Engine: "sqlite"}
	err := s.view(ctx, func(r *reader) error {
		return r.must(ctx, "count rows", sqlStats, func(row lite.Row) {
			stats.Nodes, stats.Extensions, stats.Running = row.Int(0), row.Int(1), row.Int(2)
		})
	})
	return stats, err
}
