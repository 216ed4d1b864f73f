package action

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// restoreData registers the data assets again: every container and version, same names and numbers, URIs rewritten (S05).
type restoreData struct{ restoring }

// dataCrew is how many containers are worked on side by side. Versions of one container are registered one after the other: the last one registered is its latest.
const dataCrew = 16

// container is a data asset with the names of its versions, in the order in which they are registered.
type container struct {
	id       arm.ID // before the move
	versions []string
}

// containers lists what was there before. Names alone are kept: a workspace may have a million.
func containers(ctx context.Context, t *Task) ([]*container, error) {
	var all []*container
	index := map[string]*container{}
	for d, err := range t.Before.Of(ctx, snapshot.Content, aml.Workspaces+"/data") {
		if err != nil {
			return nil, err
		}
		id, err := arm.Parse(d.ID)
		if err != nil {
			return nil, err
		}
		c := &container{id: id}
		index[id.Key()], all = c, append(all, c)
	}
	for d, err := range t.Before.Of(ctx, snapshot.Content, aml.Workspaces+"/data/versions") {
		if err != nil {
			return nil, err
		}
		id, err := arm.Parse(d.ID)
		if err != nil {
			return nil, err
		}
		c := index[id.Parent().Key()]
		if c == nil {
			return nil, errs.New(errs.Invalid, "SnapshotDamaged", "the snapshot of the run holds the version %s and not its data asset", id).At(id.String())
		}
		c.versions = append(c.versions, id.Name())
	}
	return all, nil
}

// version is the id of a version before the move.
func (c *container) version(name string) arm.ID {
	return c.id.Child(arm.Hop{Type: "versions", Name: name})
}

// arrange puts the versions into the order in which they are registered: as numbers count, and the latest last.
func (c *container) arrange(latest string) {
	slices.SortFunc(c.versions, func(a, b string) int {
		if last := cmp.Compare(boolean(a == latest), boolean(b == latest)); last != 0 {
			return last
		}
		x, errX := strconv.Atoi(a)
		y, errY := strconv.Atoi(b)
		if errX == nil && errY == nil {
			return cmp.Compare(x, y)
		}
		return cmp.Or(cmp.Compare(boolean(errX != nil), boolean(errY != nil)), cmp.Compare(a, b))
	})
}

func boolean(is bool) int {
	if is {
		return 1
	}
	return 0
}

// missing lists the versions of a container that are not there, or not as they should be.
func (c *container) missing(ctx context.Context, t *Task) ([]string, error) {
	there := map[string]bool{}
	where := t.Where().ID(c.id)
	err := t.List(ctx, where.String()+"/versions?listViewType=All", where.Child(arm.Hop{Type: "versions", Name: "x"}), func(now arm.Document) error {
		name := now.Text("name")
		_, body, err := t.wantedOf(ctx, c.version(name))
		if errs.Is(err, errs.NotFound) { // registered since, by somebody else
			return nil
		}
		if err == nil {
			there[strings.ToLower(name)] = len(lacks(now, body)) == 0
		}
		return err
	})
	if err != nil && !errs.Is(err, errs.NotFound) {
		return nil, err
	}
	var names []string
	for _, name := range c.versions {
		if !there[strings.ToLower(name)] {
			names = append(names, name)
		}
	}
	return names, nil
}

// stands reports whether the container and all its versions are there.
func (c *container) stands(ctx context.Context, t *Task) (bool, error) {
	where, body, err := t.wantedOf(ctx, c.id)
	if err != nil {
		return false, err
	}
	if stands, err := t.stands(ctx, where, body); !stands || err != nil {
		return false, err
	}
	missing, err := c.missing(ctx, t)
	return len(missing) == 0, err
}

func (restoreData) Done(ctx context.Context, t *Task) (bool, error) {
	all, err := containers(ctx, t)
	if err != nil {
		return false, err
	}
	if len(all) == 0 {
		return true, nil
	}
	if stands, err := all[0].stands(ctx, t); !stands || err != nil { // most often nothing is there, and one look shows it
		return false, err
	}
	var lacking atomic.Bool
	err = sideBySide(ctx, dataCrew, all, func(ctx context.Context, c *container) error {
		if lacking.Load() {
			return nil
		}
		stands, err := c.stands(ctx, t)
		if !stands {
			lacking.Store(true)
		}
		return err
	})
	return err == nil && !lacking.Load(), err
}

func (restoreData) Do(ctx context.Context, t *Task) error {
	all, err := containers(ctx, t)
	if err != nil {
		return err
	}
	total := 0
	for _, c := range all {
		total += len(c.versions)
	}
	var done atomic.Int64
	return sideBySide(ctx, dataCrew, all, func(ctx context.Context, c *container) error {
		missing, err := c.missing(ctx, t)
		if err != nil {
			return err
		}
		done.Add(int64(len(c.versions) - len(missing)))
		original, err := t.Original(ctx, c.id)
		if err != nil {
			return err
		}
		rest := &container{c.id, missing}
		rest.arrange(original.Text("properties.latestVersion"))
		for _, name := range rest.versions {
			if err := c.register(ctx, t, name); err != nil {
				return err
			}
			t.Counted(int(done.Add(1)), total)
		}
		return c.settle(ctx, t)
	})
}

// register registers one version.
func (c *container) register(ctx context.Context, t *Task, name string) error {
	where, body, err := t.wantedOf(ctx, c.version(name))
	if err != nil {
		return err
	}
	_, err = t.Send(ctx, http.MethodPut, where.String(), t.Version(ctx, where), body)
	if err == nil || !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.Conflict) {
		return err
	}
	now, found, reading := t.Read(ctx, where)
	if reading != nil || !found {
		return err
	}
	paths := lacks(now, body)
	return errs.Wrap(errs.Conflict, "VersionDiffers", err, "version %s of the data asset %s is there with another content (%s), and versions cannot be changed", name, c.id.Name(), strings.Join(paths, ", ")).
		At(where.String()).Advise("somebody registered it since the move: delete it and resume, or leave it")
}

// settle gives the container its own description, tags and archived flag, when its versions did not.
func (c *container) settle(ctx context.Context, t *Task) error {
	where, body, err := t.wantedOf(ctx, c.id)
	if err != nil {
		return err
	}
	if stands, err := t.stands(ctx, where, body); stands || err != nil {
		return err
	}
	_, err = t.Send(ctx, http.MethodPut, where.String(), t.Version(ctx, where), body)
	return err
}

// sideBySide does work on all items, so many at once, and returns the first error, named.
func sideBySide[T any](ctx context.Context, crew int, items []T, work func(context.Context, T) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	hands := make(chan struct{}, crew)
	var busy sync.WaitGroup
	for _, item := range items {
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
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("one of %d: %w", len(items), err)
	}
	return nil
}
