package plan

import (
	"slices"

	"github.com/amlmove/amlmove/internal/rules"
)

// Change is something that a plan made now has and the reviewed one has not, or the other way round.
type Change struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// String words the change.
func (c Change) String() string { return c.Text + " (" + c.Subject + ")" }

// Drift compares the plan that was reviewed with one made of a fresh reading and the same choices. What the drain and the preparation do not have to do any more is no drift: a job ended by itself,
// somebody registered the provider.
func Drift(reviewed, fresh *Plan) []Change {
	changes := []Change{}
	add := func(subject, text string) { changes = append(changes, Change{subject, text}) }
	for _, m := range []struct{ what, old, now string }{
		{"the workspace is another one of the same name: its GUID changed", reviewed.WorkspaceID, fresh.WorkspaceID}, {"the region of the workspace changed", reviewed.Location, fresh.Location},
		{"the workspace would land elsewhere", reviewed.Landing, fresh.Landing}} {
		if m.old != m.now {
			add(fresh.Workspace, m.what+": "+m.old+" was reviewed, "+m.now+" is there now")
		}
	}
	if !slices.Equal(reviewed.Moving, fresh.Moving) {
		add(fresh.Workspace, "something else would move along than was reviewed")
	}
	for _, s := range fresh.Steps {
		old, there := reviewed.Find(s.ID)
		switch {
		case !there:
			add(s.Subject, "there is a new step: "+s.What)
		case old.Digest != s.Digest:
			add(s.Subject, "what the step is about was changed: "+s.What)
		case old.Count != s.Count:
			add(s.Subject, "the step would do another number of things: "+s.What)
		}
	}
	for _, s := range reviewed.Steps {
		if _, there := fresh.Find(s.ID); !there && s.Phase != Drain && s.Phase != Prepare {
			add(s.Subject, "a step has lost its reason: "+s.What)
		}
	}
	for _, f := range fresh.Findings {
		known := slices.ContainsFunc(reviewed.Findings, func(r rules.Finding) bool { return r.ID == f.ID && r.Subject == f.Subject && r.Severity == f.Severity })
		if f.Severity == rules.Blocker && !known {
			add(f.Subject, "something stops the move now: "+f.Message)
		}
	}
	return changes
}
