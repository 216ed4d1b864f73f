package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/amlmove/amlmove/internal/errs"
)

// durable makes committed groups durable, one behind the writer: while the log is synced for one group, the writer carries out the next. SQLite itself would sync within
// COMMIT, and everybody would wait for the disk with nothing to do. What is committed and not yet synced is told to nobody, neither to who wrote nor to who reads it.
type durable struct {
	path   string
	sync   func() error  // nil for what is not synced
	log    *os.File      // SQLite's log; syncing through any handle syncs the file
	free   chan struct{} // holds a token while nothing is being synced
	groups chan *group   // from the writer, whoever took the token
	idle   chan struct{} // closed when the last group is settled

	begun   atomic.Int64 // groups whose commit began
	settled atomic.Int64 // groups that are durable, or lost
	broken  atomic.Pointer[error]
	mu      sync.Mutex
	moved   *sync.Cond // settled moved
}

// open begins to look after the log of a store whose writer has read or written.
func (d *durable) open(path string, how care) error {
	d.path = path
	d.moved = sync.NewCond(&d.mu)
	d.free, d.groups, d.idle = make(chan struct{}, 1), make(chan *group, 1), make(chan struct{})
	d.free <- struct{}{}
	if how == kept {
		log, err := os.OpenFile(path+"-wal", os.O_RDWR|os.O_CREATE, 0o600)
		if err == nil {
			if err = errors.Join(log.Sync(), syncFolder(filepath.Dir(path))); err != nil { // what is found there may never have been synced
				_ = log.Close()
			}
		}
		if err != nil {
			return errs.Wrap(errs.Unavailable, "StoreUnreadable", err, "the log %s-wal of the store cannot be opened", path).At(path).
				Advise("check the owner and mode of the file")
		}
		d.log, d.sync = log, log.Sync
	}
	go d.run()
	return nil
}

// run is the goroutine that syncs.
func (d *durable) run() {
	defer close(d.idle)
	for g := range d.groups {
		if d.sync != nil && g.lost == nil {
			if err := d.sync(); err != nil {
				g.lost = d.broke(err)
			}
		}
		d.settle()
		g.answer()
		d.free <- struct{}{}
	}
}

// broke remembers that the log could not be synced. What the disk holds is unknown from then on, and asking again would not tell: the system may have forgotten what it
// could not write. Only another start, which reads the file, knows.
func (d *durable) broke(err error) error {
	var broken error = errs.Wrap(errs.Unavailable, "StoreIO", err, "write: the log of the store %s could not be synced to its disk", d.path).At(d.path).
		Advise("check the disk and start the cloud again: what was acknowledged is there, what was under way may be")
	d.broken.Store(&broken)
	return broken
}

// fault is why nothing can be written or believed any more.
func (d *durable) fault() error {
	if err := d.broken.Load(); err != nil {
		return *err
	}
	return nil
}

// begin says that a commit begins: from here on a reader may see it.
func (d *durable) begin() { d.begun.Add(1) }

func (d *durable) settle() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settled.Store(d.begun.Load()) // one group at a time is between its commit and here
	d.moved.Broadcast()
}

// wait returns when all that can have been read until now is durable.
func (d *durable) wait() error {
	if seen := d.begun.Load(); d.settled.Load() < seen {
		d.mu.Lock()
		for d.settled.Load() < seen {
			d.moved.Wait()
		}
		d.mu.Unlock()
	}
	return d.fault()
}

// close waits until the last group is settled. No group comes any more.
func (d *durable) close() {
	close(d.groups)
	<-d.idle
	if d.log != nil {
		_ = d.log.Close() // nothing was written through it
	}
}
