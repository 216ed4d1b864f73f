package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/rewrite"
	"github.com/amlmove/amlmove/internal/rules"
)

// builder makes one plan. Steps are added so that each stands behind those that it comes after, within its phase.
type builder struct {
	*facts.Facts
	choices  rules.Choices
	limit    Duration // of the wait for jobs
	findings []rules.Finding
	moving   []arm.ID
	moves    rewrite.Map
	moved    string   // id of the move
	ready    []string // the move, and what must be there before anything is written in the workspace again
	opened   []string // the private endpoints, of both ends, to what nobody reaches otherwise: before anything runs
	lifted   []lift

	steps  []Step
	losses []Loss
	ids    map[string]bool   // of steps, in lower case
	about  map[string]string // id of the step of an action on a subject
}

func newBuilder(f *facts.Facts, findings []rules.Finding, c rules.Choices, limit Duration) *builder {
	moving := f.Moving(c.Include)
	b := &builder{Facts: f, choices: c, limit: limit, findings: append([]rules.Finding{}, findings...), moving: moving, moves: rewrite.New(moving, f.Target.GroupID()),
		losses: []Loss{}, ids: map[string]bool{}, about: map[string]string{}}
	rules.Sort(b.findings)
	return b
}

// idOf is the id of a step.
func idOf(phase Phase, action, name string) string {
	return string(phase) + "/" + action + "/" + strings.NewReplacer("/", ".", " ", "_").Replace(name)
}

// add adds a step and returns its id. Of two that would have the same id the second one gets a mark made of what it is about, so that it keeps its id whatever else there is.
func (b *builder) add(s Step, name string) string {
	s.ID = idOf(s.Phase, s.Action, name)
	if b.ids[strings.ToLower(s.ID)] {
		sum := sha256.Sum256([]byte(strings.ToLower(s.Subject) + fmt.Sprint(s.Detail)))
		s.ID += "~" + hex.EncodeToString(sum[:4])
	}
	b.ids[strings.ToLower(s.ID)] = true
	if s.Takes == 0 {
		s.Takes = typical(s)
	}
	if id, err := arm.Parse(s.Subject); err == nil && b.moves.Moves(id) {
		s.Landing = b.moves.ID(id).String()
	}
	if key := subjectKey(s.Action, s.Subject); b.about[key] == "" {
		b.about[key] = s.ID
	}
	b.steps = append(b.steps, s)
	return s.ID
}

func subjectKey(action, subject string) string { return action + " " + strings.ToLower(subject) }

// of makes a step about a document.
func of(phase Phase, action string, item facts.Item) Step {
	return Step{Phase: phase, Action: action, Subject: item.Key, Digest: DigestOf(item), Writes: 1}
}

// byService are members that do not count in the digest of a type that is no content of a workspace: the service writes them (arm-move 5). Whether a schedule is enabled shows in the steps.
func byService(t arm.Type) []string {
	for _, alert := range aml.Alerts() {
		if t.Is(alert.Type) {
			return alert.ReadOnly
		}
	}
	switch {
	case t.Is(aml.RoleAssignments):
		return []string{"properties.createdOn", "properties.createdBy", "properties.updatedOn", "properties.updatedBy"}
	case t.Is(aml.PrivateEndpoints):
		return aml.PrivateEndpointReadOnly()
	case t.Is(aml.Workspaces + "/schedules"):
		return []string{"properties.isEnabled"}
	}
	return nil
}

// DigestOf is the digest of what of a document would be put back, but for some members: what the service writes by itself (node counts, states, times) changes without anybody changing the resource.
func DigestOf(item facts.Item, but ...string) string {
	body := noMap.ForPut(kindOf(item), item.Doc)
	for _, path := range append(byService(item.Type), but...) {
		body.Delete(path)
	}
	data, err := json.Marshal(body)
	if err != nil {
		return "" // a document that was read as JSON can be written as JSON
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// lose says something that cannot be made again.
func (b *builder) lose(subject, what, do string) {
	b.losses = append(b.losses, Loss{subject, what, do})
}

// idsOf are the steps of some actions, in the order in which they were added.
func (b *builder) idsOf(actions ...string) []string {
	var ids []string
	for _, s := range b.steps {
		if slices.Contains(actions, s.Action) {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// stepOf is the step of the first of the actions that there is on a subject; nothing when there is none.
func (b *builder) stepOf(subject string, actions ...string) []string {
	for _, action := range actions {
		if id := b.about[subjectKey(action, subject)]; id != "" {
			return []string{id}
		}
	}
	return nil
}

// last are those steps which no other of the steps comes after: whoever comes after them comes after all.
func (b *builder) last(steps []Step) []string {
	followed := map[string]bool{}
	for _, s := range steps {
		for _, id := range s.After {
			followed[id] = true
		}
	}
	var ids []string
	for _, s := range steps {
		if !followed[s.ID] {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// arrange sorts steps by phase, then as they were added; what each comes after, and the losses, by name.
func (b *builder) arrange() {
	phases := Phases()
	slices.SortStableFunc(b.steps, func(a, c Step) int {
		return cmp.Compare(slices.Index(phases, a.Phase), slices.Index(phases, c.Phase))
	})
	for i := range b.steps {
		after := slices.Clone(b.steps[i].After) // steps may share one list
		slices.Sort(after)
		b.steps[i].After = slices.Compact(after)
	}
	slices.SortStableFunc(b.losses, func(a, c Loss) int { return cmp.Or(cmp.Compare(a.Subject, c.Subject), cmp.Compare(a.What, c.What)) })
}

// named are the things below the workspace that a document names, by the keys of their ids: by id, in whatever form an id is written, or, of computes, by name alone.
func (b *builder) named(doc arm.Document) map[string]bool {
	base := b.Workspace.ID.Key() + "/"
	found := map[string]bool{}
	doc.Strings(func(path, text string) {
		rest := strings.ToLower(text)
		if name := rest[strings.LastIndexByte(rest, ':')+1:]; name != "" && !strings.Contains(rest, "/") && namesCompute(path) {
			found[base+"computes/"+name] = true
		}
		for {
			at := strings.Index(rest, base)
			if at < 0 {
				return
			}
			rest = rest[at+len(base):]
			words := strings.FieldsFunc(rest[:pathEnd(rest)], func(r rune) bool { return r == '/' })
			for n := 2; n <= len(words); n += 2 {
				found[base+strings.Join(words[:n], "/")] = true
			}
		}
	})
	return found
}

// namesCompute reports whether a member may hold the bare name of a compute.
func namesCompute(path string) bool {
	switch path[strings.LastIndexByte(path, '.')+1:] {
	case "compute", "computeId", "defaultCompute":
		return true
	}
	return false
}

// pathEnd is where a path in a text ends.
func pathEnd(text string) int {
	for i, c := range []byte(text) {
		if c != '/' && c != '-' && c != '_' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return i
		}
	}
	return len(text)
}

// back is what must be there again before something can be bound to a scope; false when the scope is gone for good.
func (b *builder) back(scope arm.ID) ([]string, bool) {
	for i := len(scope); i > len(b.Workspace.ID); i-- {
		part := scope[:i]
		if again := b.stepOf(part.String(), RestoreCompute, RestoreDeployment, RestoreEndpoint); again != nil {
			return again, true
		}
		if kind, known := aml.KindOf(part.Type()); known && kind.Fate == aml.Blocks && part.Within(b.Workspace.ID) && !b.choices.NoQuiesce {
			return nil, false
		}
	}
	return []string{b.moved}, true
}
