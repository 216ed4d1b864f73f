package mover

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// pen writes journals down for many at once: whoever comes while it writes is written with the next group, in one transaction. A step that sends many requests side by side so pays one
// sync of the disk for all of them, and nobody asks in a loop whether SQLite's one writer is free.
type pen struct {
	db      *sql.DB
	mutex   sync.Mutex
	waiting []*entry
	writing bool
}

// entry is what one caller writes.
type entry struct {
	do   func(context.Context, *sql.Tx) error
	done chan error
}

// write does a write; it is on disk when write returns without an error. do may run twice: when somebody else's write in its group fails, each is done by itself.
func (p *pen) write(do func(context.Context, *sql.Tx) error) error {
	e := &entry{do, make(chan error, 1)}
	p.mutex.Lock()
	p.waiting = append(p.waiting, e)
	if !p.writing {
		p.writing = true
		go p.run()
	}
	p.mutex.Unlock()
	return <-e.done
}

// run writes until nobody waits.
func (p *pen) run() {
	for {
		p.mutex.Lock()
		group := p.waiting
		p.waiting, p.writing = nil, len(group) > 0
		p.mutex.Unlock()
		if len(group) == 0 {
			return
		}
		err := p.transact(group)
		for i, e := range group {
			if err != nil && len(group) > 1 {
				e.done <- p.transact(group[i : i+1])
			} else {
				e.done <- err
			}
		}
	}
}

// transact does the writes of a group, all or none. What was begun is ended whatever becomes of whoever asked for it.
func (p *pen) transact(group []*entry) error {
	ctx := context.Background()
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, e := range group {
		if err := e.do(ctx, tx); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}
