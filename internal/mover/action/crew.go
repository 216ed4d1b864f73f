package action

import (
	"context"
	"iter"
	"strconv"
	"strings"
	"sync"
)

// numbered is an item of a sequence with its place in it, from 1.
type numbered[T any] struct {
	place int
	item  T
}

// from goes through what comes behind the first so many items; those are told to passed.
func from[T any](items iter.Seq2[T, error], passed int, tell func(T)) iter.Seq2[numbered[T], error] {
	return func(yield func(numbered[T], error) bool) {
		place := 0
		for item, err := range items {
			place++
			if err == nil && place <= passed {
				tell(item)
				continue
			}
			if !yield(numbered[T]{place, item}, err) || err != nil {
				return
			}
		}
	}
}

// sideBySide does work on all items, so many at once, and returns the first error. Items are taken one by one as hands are free: never more of them are held.
func sideBySide[T any](ctx context.Context, crew int, items iter.Seq2[T, error], work func(context.Context, T) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	hands := make(chan struct{}, crew)
	var busy sync.WaitGroup
	for item, err := range items {
		if err != nil {
			stop(err)
		}
		select {
		case hands <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		busy.Go(func() {
			defer func() { <-hands }()
			if err := work(ctx, item); err != nil {
				stop(err)
			}
		})
	}
	busy.Wait()
	return context.Cause(ctx)
}

// mark knows how far a crew has come that works on a sequence side by side: all up to its place is done, whatever is done beyond.
type mark struct {
	mutex  sync.Mutex
	place  int
	beyond map[int]bool
}

// done takes note of an item, and tells the place when it moves. Nobody else moves it meanwhile.
func (m *mark) done(place int, tell func(place int) error) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.beyond[place] = true
	moved := false
	for m.beyond[m.place+1] {
		m.place++
		delete(m.beyond, m.place)
		moved = true
	}
	if !moved {
		return nil
	}
	return tell(m.place)
}

// reached reads the cursor of a step that goes through several sequences: which one, and how much of it is done. Empty at the beginning.
func (t *Task) reached(ctx context.Context) (part string, place int, err error) {
	cursor, err := t.Journal.Cursor(ctx, t.Step.ID)
	if err != nil {
		return "", 0, err
	}
	part, count, _ := strings.Cut(cursor, " ")
	place, err = strconv.Atoi(count)
	if err != nil { // nothing that this program wrote: from the beginning
		return "", 0, nil //nolint:nilerr // doing it once more harms nobody
	}
	return part, place, nil
}

// goThrough works on a part of a step side by side, and keeps in the journal how far it has come.
func goThrough[T any](ctx context.Context, t *Task, part string, passed int, items iter.Seq2[T, error], tell func(T), work func(context.Context, T) error) error {
	m := &mark{place: passed, beyond: map[int]bool{}}
	return sideBySide(ctx, dataCrew, from(items, passed, tell), func(ctx context.Context, n numbered[T]) error {
		if err := work(ctx, n.item); err != nil {
			return err
		}
		return m.done(n.place, func(place int) error { return t.Journal.Advance(ctx, t.Step.ID, part+" "+strconv.Itoa(place)) })
	})
}
