package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/rules"
)

// Change is something that a plan made now has and the reviewed one has not, or the other way round.
type Change struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
	Stops   bool   `json:"stops,omitempty"` // it is a reason why ARM would not move now, which may pass by itself
}

// String words the change.
func (c Change) String() string { return c.Text + " (" + c.Subject + ")" }

// drift gathers changes.
type drift struct {
	reviewed, fresh *Plan
	carried         map[string]bool
	changes         []Change
}

func (d *drift) add(subject, text string) {
	d.changes = append(d.changes, Change{Subject: subject, Text: text})
}

// Drift compares the plan that was reviewed with one made of a fresh reading and the same choices. What the drain and the preparation do not have to do any more is no drift: a job ended by itself,
// somebody disabled the schedule or registered the provider. Nor is a blocker that is gone.
//
// carried are the steps of the reviewed plan that a run has begun, by id, with whether each has ended well. What they took away is not missed; what they did and has to be done again is drift.
func Drift(reviewed, fresh *Plan, carried map[string]bool) []Change {
	d := &drift{reviewed, fresh, carried, []Change{}}
	d.places()
	d.steps()
	d.blockers()
	return d.changes
}

// places compares what moves where.
func (d *drift) places() {
	region := func(location string) string { return strings.ReplaceAll(location, " ", "") } // "East US" is eastus
	for _, m := range []struct{ what, old, now string }{
		{"the workspace is another one of the same name: its GUID changed", d.reviewed.WorkspaceID, d.fresh.WorkspaceID},
		{"the region of the workspace changed", region(d.reviewed.Location), region(d.fresh.Location)},
		{"the workspace would land elsewhere", d.reviewed.Landing, d.fresh.Landing},
	} {
		if !strings.EqualFold(m.old, m.now) {
			d.add(d.fresh.Workspace, m.what+": "+m.old+" was reviewed, "+m.now+" is there now")
		}
	}
	for _, pair := range []struct {
		what     string
		from, in []string
	}{
		{"would move along now, and did not when the plan was reviewed", d.fresh.Moving, d.reviewed.Moving},
		{"would move along by the reviewed plan, and does not any more", d.reviewed.Moving, d.fresh.Moving},
	} {
		for _, id := range pair.from {
			if !slices.ContainsFunc(pair.in, func(other string) bool { return strings.EqualFold(id, other) }) {
				d.add(id, short(id)+" "+pair.what)
			}
		}
	}
}

// steps compares what would be done.
func (d *drift) steps() {
	old, now := byID(d.reviewed), byID(d.fresh)
	for _, s := range d.fresh.Steps {
		was, there := old[strings.ToLower(s.ID)]
		well, begun := d.carried[was.ID]
		switch {
		case begun && well && d.changing(s):
			d.add(s.Subject, "it was done, and has to be done again: "+s.What)
		case there && (begun || d.cleared(s.Subject)):
		case !there && s.Action == RestoreRole && d.reviewed.lost(s.Subject): // of an identity that has ended it looks like somebody else's
		case !there:
			d.add(s.Subject, "something is there that was not reviewed: the plan would have to "+s.What)
		case !strings.EqualFold(was.Subject, s.Subject):
			d.add(s.Subject, "the step "+s.ID+" is about something else now; reviewed was "+was.Subject)
		case !strings.EqualFold(was.Landing, s.Landing):
			d.add(s.Subject, short(s.Subject)+" would land elsewhere than was reviewed: "+s.Landing)
		case was.Digest != s.Digest:
			d.add(s.Subject, short(s.Subject)+" was changed since the review, and a step is about it: "+s.What)
		case was.Count != s.Count:
			d.add(s.Subject, fmt.Sprintf("the step would do another number of things, %d where %d were reviewed: %s", s.Count, was.Count, s.What))
		}
	}
	for _, s := range d.reviewed.Steps {
		_, begun := d.carried[s.ID]
		if _, there := now[strings.ToLower(s.ID)]; !there && !begun && s.Phase != Drain && s.Phase != Prepare && !d.taken(s) {
			d.add(s.Subject, "a reviewed step has lost its reason, what it is about is gone or is another: "+s.What)
		}
	}
}

// changing reports whether a step changes what is there before the move.
func (d *drift) changing(s Step) bool {
	return s.Phase == Prepare || s.Phase == Drain || s.Phase == Clear && s.Action != ProveRestorable
}

// cleared reports whether the run has begun to remove a subject, or what it is below.
func (d *drift) cleared(subject string) bool {
	return d.byRun(func(s Step) bool {
		return s.Phase == Clear && (strings.EqualFold(s.Subject, subject) || strings.HasPrefix(strings.ToLower(subject), strings.ToLower(s.Subject)+"/"))
	})
}

// Cleared reports whether a run that has carried those steps has begun to remove what a path is of, or is below.
func Cleared(p *Plan, carried map[string]bool, path string) bool {
	return (&drift{reviewed: p, carried: carried}).cleared(path)
}

// taken reports whether the run has begun to take away what a step is about: then the step has no reason to be planned now. With its compute goes the setting that images are built on it.
func (d *drift) taken(s Step) bool {
	return d.cleared(s.Subject) || d.byRun(func(begun Step) bool {
		return begun.Action == LiftLock && strings.EqualFold(begun.Subject, s.Subject) || begun.Action == RemoveCompute && s.Action == RestoreImageBuild
	})
}

// byRun reports whether the run has begun a step that changes something and is such a one.
func (d *drift) byRun(is func(Step) bool) bool {
	return len(d.carried) > 0 && slices.ContainsFunc(d.reviewed.Steps, func(s Step) bool {
		_, begun := d.carried[s.ID]
		return begun && d.changing(s) && is(s)
	})
}

// byID finds steps by their ids, whatever their case: names are answered in the case in which somebody wrote them last.
func byID(p *Plan) map[string]Step {
	steps := make(map[string]Step, len(p.Steps))
	for _, s := range p.Steps {
		steps[strings.ToLower(s.ID)] = s
	}
	return steps
}

// blockers finds what stops the move now and did not. That something is on its way out because the run removes it is none.
func (d *drift) blockers() {
	key := func(f rules.Finding) string { return f.ID + " " + strings.ToLower(f.Subject) }
	known := map[string]bool{}
	for _, f := range d.reviewed.Findings {
		known[key(f)] = known[key(f)] || f.Severity == rules.Blocker
	}
	for _, f := range d.fresh.Findings {
		if f.Severity == rules.Blocker && !known[key(f)] && !d.cleared(f.Subject) {
			d.changes = append(d.changes, Change{Subject: f.Subject, Text: "something stops the move now: " + f.Message, Stops: true})
		}
	}
}
