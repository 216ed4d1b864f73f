package action

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// restoreData registers the data assets again: every container and version, same names and numbers, URIs rewritten (S05). First all versions, which make their containers, then what
// the containers say of themselves.
type restoreData struct{ restoring }

// dataCrew is how many containers are worked on side by side. Versions of one container are registered one after the other: the last one registered is its latest.
const dataCrew = 16

// Parts of the step, as its cursor names them.
const (
	versionsPart   = "versions"
	containersPart = "containers"
)

// assets are the data assets themselves.
const assets = aml.Workspaces + "/data"

// errLacking ends a look as soon as something is not there.
var errLacking = errors.New("it is not there")

// Done compares everything that was there before with what is there now (pain 39).
func (restoreData) Done(ctx context.Context, t *Task) (bool, error) {
	err := sideBySide(ctx, dataCrew, containers(ctx, t.Before), func(ctx context.Context, c *container) error {
		missing, err := c.missing(ctx, t)
		if len(missing) > 0 {
			return errLacking
		}
		return err
	})
	if err == nil {
		err = sideBySide(ctx, dataCrew, idsOf(ctx, t.Before, assets), func(ctx context.Context, id arm.ID) error {
			where, body, err := t.wantedOf(ctx, id)
			if err != nil {
				return err
			}
			if stands, err := t.stands(ctx, where, body); stands || err != nil {
				return err
			}
			return errLacking
		})
	}
	if errors.Is(err, errLacking) {
		return false, nil
	}
	return err == nil, err
}

func (restoreData) Do(ctx context.Context, t *Task) error {
	part, place, err := t.reached(ctx)
	if err != nil {
		return err
	}
	r := &registering{Task: t}
	if r.total, err = r.expected(ctx); err != nil {
		return err
	}
	if part != containersPart {
		if part != versionsPart {
			place = 0
		}
		if err := goThrough(ctx, t, versionsPart, place, containers(ctx, t.Before), r.passed, r.versions); err != nil {
			return err
		}
		if err := r.verdict(); err != nil {
			return errors.Join(err, t.Journal.Advance(ctx, t.Step.ID, "")) // what somebody mends may be anywhere
		}
		place = 0
	}
	if err := goThrough(ctx, t, containersPart, place, idsOf(ctx, t.Before, assets), func(arm.ID) {}, r.container); err != nil {
		return err
	}
	return t.Journal.Advance(ctx, t.Step.ID, "") // whoever does it once more looks at everything again
}

// registering is the work of one Do.
type registering struct {
	*Task
	total int
	count atomic.Int64

	mutex   sync.Mutex
	differs int    // versions that are there with another content
	first   string // one of them
}

// expected is how many versions there were. Conflict when the plan speaks of another number: the snapshot is not the one from which it was made (pain 39).
func (r *registering) expected(ctx context.Context) (int, error) {
	counts, err := r.Before.Counts(ctx)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, c := range counts {
		if c.Section == snapshot.Content && c.Type.Is(assets+"/versions") {
			total = c.Count
		}
	}
	if r.Step.Count > 0 && total != r.Step.Count {
		return 0, errs.New(errs.Conflict, "CountMismatch", "the plan speaks of %d versions of data assets, and the snapshot of the run holds %d", r.Step.Count, total).At(r.Step.Subject).Advise("plan again")
	}
	return total, nil
}

func (r *registering) counted(n int) { r.Counted(int(r.count.Add(int64(n))), r.total) }

// passed counts what an earlier process did.
func (r *registering) passed(c *container) { r.count.Add(int64(len(c.versions))) }

// versions registers the versions of a container that are not there. One that differs is told and does not keep the others from being registered.
func (r *registering) versions(ctx context.Context, c *container) error {
	missing, err := c.missing(ctx, r.Task)
	if err != nil {
		return err
	}
	r.counted(len(c.versions) - len(missing))
	original, err := r.Original(ctx, c.id)
	if err != nil {
		return fmt.Errorf("read the data asset of %d versions: %w", len(c.versions), err)
	}
	arrange(missing, original.Text("properties.latestVersion"))
	for _, name := range missing {
		err := c.register(ctx, r.Task, name)
		if other, is := errors.AsType[*differing](err); is {
			err = r.differ(ctx, c, other)
		}
		if err != nil {
			return err
		}
		r.counted(1)
	}
	return nil
}

// differ takes note of a version that is there with another content.
func (r *registering) differ(ctx context.Context, c *container, d *differing) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.differs++
	if r.first == "" {
		r.first = c.id.Name() + ", " + d.Error()
	}
	return r.Remark(ctx, Differs, "data asset "+c.id.Name()+": "+d.Error())
}

// verdict is the error of a go in which versions differed.
func (r *registering) verdict() error {
	if r.differs == 0 {
		return nil
	}
	return errs.New(errs.Conflict, "VersionDiffers", "%d of %d versions of data assets are there and are not as before, the first one of %s", r.differs, r.total, r.first).At(r.Step.Subject).
		Advise("somebody registered them since the move: delete them and resume, or leave them; the report names each")
}

// container gives a data asset its own description, tags, type and archived flag, as far as its versions did not.
func (r *registering) container(ctx context.Context, id arm.ID) error {
	where, body, err := r.wantedOf(ctx, id)
	if err != nil {
		return err
	}
	if stands, err := r.stands(ctx, where, body); stands || err != nil {
		return err
	}
	_, err = r.Put(ctx, where, body)
	return err
}
