package plan

import (
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/rewrite"
	"github.com/amlmove/amlmove/internal/rules"
)

// Make makes the plan of facts, of what the rules found in them, and of choices. A plan that a blocker stops is made as well, so that a person sees the whole; it is not applyable.
// Invalid when no target group was named, or when the limit of the choices is no time.
func Make(f *facts.Facts, findings []rules.Finding, c rules.Choices) (*Plan, error) {
	if f.Target.GroupID() == nil {
		return nil, errs.New(errs.Invalid, "TargetMissing", "a plan needs a resource group to go to, and the snapshot names none").
			Advise("capture with --to-group, and --to-subscription unless it is the same")
	}
	limit, err := drainLimit(c)
	if err != nil {
		return nil, err
	}
	b := newBuilder(f, findings, c, limit)
	b.prepare()
	b.save()
	b.drain()
	b.clear()
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

// defaultDrainLimit is how long jobs are waited for when nobody says.
const defaultDrainLimit = 2 * time.Hour

// drainLimit is how long jobs are waited for.
func drainLimit(c rules.Choices) (Duration, error) {
	if c.DrainLimit == "" {
		return Duration(defaultDrainLimit), nil
	}
	limit, err := time.ParseDuration(c.DrainLimit)
	if err != nil || limit <= 0 {
		return 0, errs.New(errs.Invalid, "InvalidChoice", "the time for which jobs are waited for is %q, which is no time", c.DrainLimit).Advise("write it as 90s, 30m or 2h")
	}
	return Duration(limit), nil
}

// plan sums the steps up.
func (b *builder) plan() *Plan {
	b.arrange()
	p := &Plan{Format: Format, Workspace: b.Workspace.ID.String(), WorkspaceID: b.Workspace.Doc.Text("properties.workspaceId"), Location: b.Workspace.Doc.Text("location"),
		Target: b.Target.GroupID().String(), Landing: b.moves.ID(b.Workspace.ID).String(), Choices: b.choices, Grade: rules.GradeOf(b.findings), Findings: b.findings,
		Applyable: !rules.Blocked(b.findings), Steps: b.steps, NoReturn: b.moved, Losses: b.losses, Counts: b.Counts,
		Snapshot: Source{Digest: b.Header.Digest, Taken: b.Header.Begun}}
	for _, id := range b.moving {
		p.Moving = append(p.Moving, id.String())
	}
	p.Requests = p.requests()
	p.Takes = p.takes()
	p.Windows = p.windows()
	return p
}

// move is the point of no return, behind ARM's own verdict.
func (b *builder) move() {
	name, subject := b.Workspace.Name(), b.Workspace.ID.String()
	rest := b.last(b.steps)
	validate := b.add(Step{Phase: Validate, Action: ValidateMove, Subject: subject, What: "ask ARM whether it would move " + name, Clauses: []string{"S41"},
		Why: "ARM's verdict is the last word before the point of no return", After: rest, Writes: 1}, name)
	prove := b.add(Step{Phase: Validate, Action: ProveRestorable, Subject: subject, What: "read both ends once more and prove that all that the move leaves behind can be made again",
		Why: "what was added or changed since it was written down would be lost", Clauses: []string{"D2", "S05", "S16"}, After: rest}, name)
	what := "move " + name
	if len(b.moving) > 1 {
		var along []string
		for _, id := range b.moving[1:] {
			along = append(along, id.Name())
		}
		what += " with " + strings.Join(along, ", ")
	}
	where := "to the resource group " + b.Target.Group()
	if b.crosses() {
		where += " of the subscription " + b.Target.Subscription()
	}
	b.moved = b.add(Step{Phase: Move, Action: MoveResources, Subject: subject, What: what + " " + where, Clauses: []string{"S01", "S03", "S30", "S43"},
		Why: "the move itself; nothing in either group can be written until it ends", After: []string{validate, prove}, Writes: 1}, name)
	b.lose(subject, "the ids and the MLflow tracking URI of the workspace: both name subscription and group", "change them where scripts, pipelines and clients keep them; the report lists old and new ids")
}

// crosses reports whether the workspace goes to another subscription.
func (b *builder) crosses() bool {
	return !strings.EqualFold(b.Target.Subscription(), b.Workspace.ID.Subscription())
}

// verify reads both sides again and compares.
func (b *builder) verify() {
	name, subject := b.Workspace.Name(), b.Workspace.ID.String()
	diagnose := b.add(Step{Phase: Verify, Action: Diagnose, Subject: subject, What: "let " + name + " diagnose itself", Why: "the service sees what reading cannot show: DNS, keys, rights of its identity",
		After: b.last(b.steps), Writes: 1}, name)
	b.add(Step{Phase: Verify, Action: Compare, Subject: subject, What: "read both ends again and compare object by object", Why: "only reading proves that all is there",
		Clauses: []string{"S04", "S05", "S06", "S07", "S08"}, After: []string{diagnose}}, name)
}

// required are the namespaces that the target needs: for the workspace, and for what moves along.
func (b *builder) required() []string {
	kubernetes := slices.ContainsFunc(slices.Concat(b.Content("computes"), b.Content("services")), func(i facts.Item) bool {
		kind := aml.ComputeTypeOf(i.Doc.Text("properties.computeType"))
		return kind == aml.ComputeAKS || kind == aml.ComputeKubernetes
	})
	namespaces := aml.RequiredNamespaces(aml.Needs{AKS: kubernetes, CMK: strings.EqualFold(b.Workspace.Doc.Text("properties.encryption.status"), "Enabled")})
	for _, id := range b.moving {
		if !slices.ContainsFunc(namespaces, func(n string) bool { return strings.EqualFold(n, id.Type().Namespace()) }) {
			namespaces = append(namespaces, id.Type().Namespace())
		}
	}
	slices.Sort(namespaces)
	return namespaces
}

// rewritten reports whether a text that the service does not keep up names, in a document, something that moves.
func (b *builder) rewritten(item facts.Item) bool {
	stale := false
	for _, r := range kindOf(item).References {
		if r.Owned || stale {
			continue
		}
		item.Doc.Clone().Change(r.Path, func(value any) (any, bool) {
			text, _ := value.(string)
			stale = stale || b.moves.Text(text) != text
			return value, true
		})
	}
	return stale
}

// kindOf is the kind of content of an item; a table entry is certain for what facts calls content.
func kindOf(item facts.Item) aml.Kind {
	kind, _ := aml.KindOf(item.Type)
	return kind
}

// noMap leaves ids as they are.
var noMap rewrite.Map
