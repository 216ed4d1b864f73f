package action

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// container is a data asset with the names of its versions, by key as the snapshot has them.
type container struct {
	id       arm.ID // before the move
	versions []string
}

// containers goes through the data assets that had versions, in the order of their versions' keys. Nothing is held but the names of one: a workspace may have a million versions
// (pain 47).
func containers(ctx context.Context, before *snapshot.Snapshot) iter.Seq2[*container, error] {
	return func(yield func(*container, error) bool) {
		var c *container
		for id, err := range idsOf(ctx, before, aml.Workspaces+"/data/versions") {
			if err != nil {
				yield(nil, err)
				return
			}
			if parent := id.Parent(); c == nil || !c.id.Equal(parent) {
				if c != nil && !yield(c, nil) {
					return
				}
				c = &container{id: parent}
			}
			c.versions = append(c.versions, id.Name())
		}
		if c != nil {
			yield(c, nil)
		}
	}
}

// idsOf goes through the ids of one type of content, by key.
func idsOf(ctx context.Context, before *snapshot.Snapshot, t arm.Type) iter.Seq2[arm.ID, error] {
	return func(yield func(arm.ID, error) bool) {
		for d, err := range before.Of(ctx, snapshot.Content, t) {
			var id arm.ID
			if err == nil {
				id, err = arm.Parse(d.ID)
			}
			if !yield(id, err) || err != nil {
				return
			}
		}
	}
}

// version is the id of a version before the move.
func (c *container) version(name string) arm.ID { return versionOf(c.id, name) }

func versionOf(container arm.ID, name string) arm.ID {
	return container.Child(arm.Hop{Type: "versions", Name: name})
}

// find is the place of a version among those of the container.
func (c *container) find(name string) (int, bool) {
	return slices.BinarySearchFunc(c.versions, strings.ToLower(name), func(v, name string) int { return cmp.Compare(strings.ToLower(v), name) })
}

// arrange puts versions into the order in which they are registered: as numbers count, and the latest last, so that it is the latest again.
func arrange(versions []string, latest string) {
	slices.SortFunc(versions, func(a, b string) int {
		if last := cmp.Compare(boolean(a == latest), boolean(b == latest)); last != 0 {
			return last
		}
		x, errX := strconv.Atoi(a)
		y, errY := strconv.Atoi(b)
		if errX == nil && errY == nil {
			return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
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

// missing lists the versions of a container that are not there, or not as they should be. What others registered since is none of ours.
func (c *container) missing(ctx context.Context, t *Task) ([]string, error) {
	there := make([]bool, len(c.versions))
	where := t.Where().ID(c.id)
	err := t.List(ctx, where.String()+"/versions?listViewType=All", versionOf(where, "any"), func(now arm.Document) error {
		at, ours := c.find(now.Text("name"))
		if !ours {
			return nil
		}
		_, body, err := t.wantedOf(ctx, c.version(c.versions[at]))
		if err != nil {
			return err
		}
		there[at] = len(lacks(now, body)) == 0
		return nil
	})
	if err != nil && !errs.Is(err, errs.NotFound) {
		return nil, fmt.Errorf("list the versions of the data asset %s: %w", c.id.Name(), err)
	}
	var names []string
	for i, name := range c.versions {
		if !there[i] {
			names = append(names, name)
		}
	}
	return names, nil
}

// differing is the error of a version that is there with another content. Versions cannot be changed.
type differing struct {
	name  string
	paths []string
}

func (d *differing) Error() string {
	return "version " + d.name + " is there with another content (" + strings.Join(d.paths, ", ") + "), and versions cannot be changed"
}

// register registers one version. Two tries, for a service that takes the flags of a version only once it is there. *differing when another one is there.
func (c *container) register(ctx context.Context, t *Task, name string) error {
	where, body, err := t.wantedOf(ctx, c.version(name))
	if err != nil {
		return err
	}
	var paths []string
	for range 2 {
		now, refusal, err := t.putVersion(ctx, where, body)
		if err != nil {
			return fmt.Errorf("register version %s of the data asset %s: %w", name, c.id.Name(), err)
		}
		if paths = lacks(now, body); len(paths) == 0 {
			return nil
		}
		if refusal != nil {
			break
		}
	}
	return &differing{name, paths}
}

// putVersion writes a version and returns what is there now. A refusal is told apart from an error when there is a version all the same.
func (t *Task) putVersion(ctx context.Context, where arm.ID, body arm.Document) (now arm.Document, refusal, err error) {
	answer, err := t.Send(ctx, http.MethodPut, where.String(), t.Version(ctx, where), body)
	if err == nil {
		if now, err := arm.ParseDocument(answer.Body); err == nil {
			return now, nil, nil
		}
	}
	if err != nil && !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.Conflict) {
		return nil, nil, err
	}
	now, found, reading := t.Read(ctx, where)
	switch {
	case reading != nil:
		return nil, nil, errors.Join(err, reading)
	case !found && err == nil:
		return nil, nil, errs.New(errs.Conflict, "ResourceGone", "%s is not there although it was just written", where).At(where.String())
	case !found:
		return nil, nil, err
	}
	return now, err, nil
}
