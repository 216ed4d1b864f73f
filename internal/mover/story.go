package mover

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/plan"
)

// Story is everything that a run can tell: what was planned, and what the journal says became of it.
type Story struct {
	Meta     Meta
	Record   Record
	Plan     *plan.Plan
	Steps    []StepRecord
	Remarks  []Remark
	Sent     int       // requests that may have changed something
	Requests []Request // those among them that began something that took its time, and all of the move
}

// Story reads the story of a run in hand.
func (r *Run) Story(ctx context.Context) (Story, error) {
	meta, err := r.Folder.Meta()
	if err != nil {
		return Story{}, err
	}
	return r.journal.story(ctx, Story{Meta: meta, Plan: r.Plan})
}

// Look reads the story of a run that another process may be working on. It changes nothing and keeps nobody out. The database is for runs that are not kept in their folder; NotFound when it
// is another one than that of the run and does not know it.
func Look(ctx context.Context, f Folder, d *Database) (s Story, err error) {
	if s.Meta, err = f.Meta(); err != nil {
		return s, err
	}
	if s.Plan, err = plan.Read(f.File(PlanFile)); err != nil {
		return s, err
	}
	switch {
	case s.Meta.Database == "":
		if !f.Has(DatabaseFile) { // made, and never opened
			s.Record, s.Steps, s.Remarks = Record{ID: s.Meta.ID, State: Ready, Began: s.Meta.Created}, []StepRecord{}, []Remark{}
			return s, nil
		}
		if d, err = OpenFile(ctx, f.File(DatabaseFile)); err != nil {
			return s, err
		}
		defer func() { err = errors.Join(err, d.Close()) }()
	case d == nil:
		return s, databaseMissing(s.Meta)
	}
	j := &journal{db: d.db, run: s.Meta.key(), id: s.Meta.ID, now: time.Now}
	if Masked(d.url) != s.Meta.Database {
		if _, err := j.record(ctx); err != nil {
			return s, d.elsewhere(err, s.Meta)
		}
	}
	return j.story(ctx, s)
}

// databaseMissing is the error of a run that is kept in PostgreSQL and is looked for in its folder.
func databaseMissing(m Meta) error {
	return errs.New(errs.Invalid, "DatabaseMissing", "the run %s is kept in %s", m.ID, m.Database).Advise("say --db with that URL")
}

// elsewhere words that a database does not know a run, which is kept in another one; other errors stay as they are.
func (d *Database) elsewhere(err error, m Meta) error {
	if !errs.Is(err, errs.NotFound) {
		return err
	}
	return errs.New(errs.NotFound, "RunNotInDatabase", "the run %s is not kept in %s, but in %s", m.ID, cmp.Or(Masked(d.url), "a file"), cmp.Or(m.Database, "its own folder")).
		Advise("name that with --db, or leave --db away for the folder")
}

func (j *journal) story(ctx context.Context, s Story) (_ Story, err error) {
	s.Record, err = j.record(ctx)
	if errs.Is(err, errs.NotFound) {
		s.Record, err = Record{ID: j.id, State: Ready, Began: s.Meta.Created}, nil
	}
	if err != nil {
		return s, err
	}
	if s.Steps, err = j.steps(ctx); err != nil {
		return s, err
	}
	if s.Remarks, err = j.remarks(ctx); err != nil {
		return s, err
	}
	if s.Sent, err = j.sent(ctx); err != nil {
		return s, err
	}
	s.Requests, err = j.operations(ctx, s.Plan.NoReturn)
	return s, err
}

// Ended counts the steps that ended well, of all.
func (s Story) Ended() (ended, all int) {
	for _, step := range s.Steps {
		if !step.Back && step.State.Well() {
			ended++
		}
	}
	return ended, len(s.Plan.Steps)
}
