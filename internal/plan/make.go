package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/rewrite"
	"github.com/amlmove/amlmove/internal/rules"
)

// builder makes one plan.
type builder struct {
	*facts.Facts
	choices  rules.Choices
	findings []rules.Finding
	moving   []arm.ID
	moves    rewrite.Map
	steps    []Step
	losses   []Loss
	ids      map[string]bool
}

// Make makes the plan of facts, of what the rules found in them, and of choices. A plan that a blocker stops is made as well, so that a person sees the whole; it is not applyable.
// Invalid when no target group was named.
func Make(f *facts.Facts, findings []rules.Finding, c rules.Choices) (*Plan, error) {
	if f.Target.GroupID() == nil {
		return nil, errs.New(errs.Invalid, "TargetMissing", "a plan needs a resource group to go to, and the snapshot names none").
			Advise("capture with --to-group, and --to-subscription unless it is the same")
	}
	moving := f.Moving(c.Include)
	b := &builder{Facts: f, choices: c, findings: slices.Clone(findings), moving: moving, moves: rewrite.New(moving, f.Target.GroupID()), ids: map[string]bool{}}
	b.before()
	b.move()
	b.restore()
	b.verify()
	p := b.plan()
	if err := p.Check(); err != nil {
		return nil, err
	}
	p.Seal()
	return p, nil
}

// plan sums the steps up.
func (b *builder) plan() *Plan {
	b.order()
	p := &Plan{Format: Format, Workspace: b.Workspace.ID.String(), WorkspaceID: b.Workspace.Doc.Text("properties.workspaceId"), Location: b.Workspace.Doc.Text("location"),
		Target: b.Target.GroupID().String(), Landing: b.Landing(b.Workspace.ID).String(), Choices: b.choices, Grade: rules.GradeOf(b.findings), Findings: b.findings,
		Applyable: !rules.Blocked(b.findings), Steps: b.steps, NoReturn: idOf(Move, MoveResources, b.Workspace.Name()), Losses: b.losses, Counts: b.Counts,
		Snapshot: Source{Digest: b.Header.Digest, Taken: b.Header.Begun}}
	for _, id := range b.moving {
		p.Moving = append(p.Moving, id.String())
	}
	p.Requests = p.requests()
	p.Takes = p.takes()
	p.Windows = p.windows()
	return p
}

// idOf is the id of a step.
func idOf(phase Phase, action, name string) string {
	return string(phase) + "/" + action + "/" + strings.NewReplacer("/", ".", " ", "_").Replace(name)
}

// add adds a step. Two of the same id would be one step to a run: the second takes a number.
func (b *builder) add(s Step, name string) string {
	s.ID = idOf(s.Phase, s.Action, name)
	for n := 2; b.ids[strings.ToLower(s.ID)]; n++ {
		s.ID = idOf(s.Phase, s.Action, name) + "." + strconv.Itoa(n)
	}
	b.ids[strings.ToLower(s.ID)] = true
	if s.Takes == 0 {
		s.Takes = typical(s)
	}
	if id, err := arm.Parse(s.Subject); err == nil && b.moves.Moves(id) {
		s.Landing = b.moves.ID(id).String()
	}
	b.steps = append(b.steps, s)
	return s.ID
}

// of makes a step about a document.
func of(phase Phase, action string, item facts.Item) Step {
	return Step{Phase: phase, Action: action, Subject: item.Key, Digest: DigestOf(item), Writes: 1}
}

// DigestOf is the digest of what of a document would be put back: what the service writes by itself (node counts, states, times) changes without anybody changing the resource.
func DigestOf(item facts.Item) string {
	data, err := json.Marshal(rewrite.Map{}.ForPut(kindOf(item), item.Doc))
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

// ids of steps of actions, in the order in which they were added.
func (b *builder) idsOf(actions ...string) []string {
	var ids []string
	for _, s := range b.steps {
		if slices.Contains(actions, s.Action) {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// stepOf finds the step of an action on a subject.
func (b *builder) stepOf(action, subject string) []string {
	for _, s := range b.steps {
		if s.Action == action && strings.EqualFold(s.Subject, subject) {
			return []string{s.ID}
		}
	}
	return nil
}

// order sorts steps by phase, then as they were added, and what each comes after by name.
func (b *builder) order() {
	phases := Phases()
	slices.SortStableFunc(b.steps, func(a, c Step) int {
		return cmp.Compare(slices.Index(phases, a.Phase), slices.Index(phases, c.Phase))
	})
	for i := range b.steps {
		slices.Sort(b.steps[i].After)
		b.steps[i].After = slices.Compact(b.steps[i].After)
	}
	slices.SortStableFunc(b.losses, func(a, c Loss) int { return cmp.Or(cmp.Compare(a.Subject, c.Subject), cmp.Compare(a.What, c.What)) })
}

// move is the point of no return, behind ARM's own verdict.
func (b *builder) move() {
	var earlier []string
	for _, s := range b.steps {
		earlier = append(earlier, s.ID)
	}
	name := b.Workspace.Name()
	validate := b.add(Step{Phase: Validate, Action: ValidateMove, Subject: b.Workspace.ID.String(), What: "ask ARM whether it would move " + name, Clauses: []string{"S41"},
		Why: "ARM's verdict is the last word before the point of no return", After: earlier, Writes: 1}, name)
	what := "move " + name
	if len(b.moving) > 1 {
		what += " with " + names(b.moving[1:])
	}
	b.add(Step{Phase: Move, Action: MoveResources, Subject: b.Workspace.ID.String(), What: what + " to " + b.Target.String(), Clauses: []string{"S01", "S03", "S30", "S43"},
		Why: "the move itself; nothing in either group can be written until it ends", After: []string{validate}, Writes: 1}, name)
}

func names(ids []arm.ID) string {
	var all []string
	for _, id := range ids {
		all = append(all, id.Name())
	}
	return strings.Join(all, ", ")
}

// verify reads both sides again and compares.
func (b *builder) verify() {
	var restored []string
	for _, s := range b.steps {
		if s.Phase == Restore || s.Phase == Move {
			restored = append(restored, s.ID)
		}
	}
	name, subject := b.Workspace.Name(), b.Workspace.ID.String()
	diagnose := b.add(Step{Phase: Verify, Action: Diagnose, Subject: subject, What: "let " + name + " diagnose itself", Why: "the service sees what reading cannot show: DNS, keys, rights of its identity",
		After: restored, Writes: 1}, name)
	b.add(Step{Phase: Verify, Action: Compare, Subject: subject, What: "read both ends again and compare object by object", Why: "only reading proves that all is there", Clauses: []string{"S04", "S05", "S06", "S07", "S08"},
		After: append(restored, diagnose)}, name)
}

// kindOf is the kind of content of an item; a table entry is certain for what facts calls content.
func kindOf(item facts.Item) aml.Kind {
	kind, _ := aml.KindOf(item.Type)
	return kind
}
