package plan

import (
	"slices"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// prepare makes the target ready.
func (b *builder) prepare() {
	b.liftLocks(Prepare)
	group := b.Target.GroupID()
	if _, there := b.One(snapshot.Target, aml.ResourceGroups, group.String()); !there {
		b.add(Step{Phase: Prepare, Action: CreateGroup, Subject: group.String(), What: "make the resource group " + group.Name(), Why: "the move does not make it", Clauses: []string{"S40"},
			Inverse: "delete it, if the run made it and it is empty", Detail: GroupDetail{Location: b.Workspace.Doc.Text("location")}, After: b.unlocked(group), Writes: 1}, group.Name())
	}
	for _, namespace := range b.required() {
		subject := group.SubscriptionID().Child(arm.Hop{Type: arm.Providers, Name: namespace}).String()
		if item, known := b.One(snapshot.Target, aml.Providers, subject); known && strings.EqualFold(item.Doc.Text("registrationState"), "Registered") {
			continue
		}
		b.add(Step{Phase: Prepare, Action: RegisterProvider, Subject: subject, What: "register the target subscription for " + namespace, Why: "ARM refuses the move without",
			Clauses: []string{"S17"}, After: b.unlocked(group.SubscriptionID()), Writes: 1}, namespace)
	}
}

// save seals the secrets that will be needed to make things again. A ReadOnly lock stops even the question for them.
func (b *builder) save() {
	free := b.unlocked(b.Workspace.ID)
	seal := func(item facts.Item, word, why string, clauses ...string) {
		s := of(Save, SaveSecrets, item)
		s.What, s.Why, s.Clauses, s.After = "read and seal the secrets of the "+word+" "+item.Name(), why, clauses, free
		b.add(s, word+"."+item.Name())
	}
	for _, d := range b.nondefault() {
		if !oneOf(d.Doc.Text("properties.credentials.credentialsType"), "", "None") {
			seal(d, "datastore", "the move may leave it with stale fields, and updating it takes its credentials", "S45")
		}
	}
	for _, e := range b.Content("onlineEndpoints") {
		if !b.choices.NoQuiesce && strings.EqualFold(e.Doc.Text("properties.authMode"), "Key") {
			seal(e, "endpoint", "it is made again with the keys that its callers have", "S10")
		}
	}
	for _, c := range b.Content("connections") {
		if b.rewritten(c) && !aml.Credentialless(c.Doc.Text("properties.authType")) {
			seal(c, "connection", "it names something that moves and must be written again")
		}
	}
}

// nondefault are the datastores that the service did not make by itself (S45).
func (b *builder) nondefault() []facts.Item {
	return slices.DeleteFunc(slices.Clone(b.Content("datastores")), func(d facts.Item) bool { return aml.IsSystemDatastore(d.Name()) })
}

func oneOf(text string, among ...string) bool {
	return slices.ContainsFunc(among, func(a string) bool { return strings.EqualFold(a, text) })
}

// drain brings the workspace to rest.
func (b *builder) drain() {
	free := b.unlocked(b.Workspace.ID)
	for _, item := range b.Content("schedules") {
		if !aml.Enabled(item.Doc) {
			continue
		}
		s := of(Drain, DisableSchedule, item)
		s.What, s.Why, s.Inverse, s.Clauses, s.After = "disable the schedule "+item.Name(), "it would start jobs while the workspace is drained", "enable it again", []string{"S22", "pain 32"}, free
		b.add(s, item.Name())
	}
	after := slices.Concat(free, b.idsOf(DisableSchedule))
	for _, cancels := range []bool{true, false} {
		for _, job := range b.Content("jobs") {
			if b.cancels(job) == cancels && !aml.IsLabeling(job.Doc.Text("properties.jobType")) { // a project is its owner's to end (S37)
				b.endJob(job, cancels, after)
			}
		}
	}
	b.liftLocks(Drain)
}

// cancels reports whether a job is cancelled. One that collects its output or is being cancelled is waited for, whatever the choice: cancelling it could lose the output.
func (b *builder) cancels(job facts.Item) bool {
	status := aml.JobStatusOf(job.Doc.Text("properties.status"))
	return b.choices.Drain == rules.Cancel && status.Cancelable()
}

// endJob plans the end of a job.
func (b *builder) endJob(job facts.Item, cancel bool, after []string) {
	s := Step{Phase: Drain, Action: EndJob, Subject: job.Key, After: after, Clauses: []string{"S28"}, Detail: JobDetail{Cancel: cancel, Limit: b.limit}}
	s.What, s.Why = "wait for the end of the job "+job.Name(), "ARM refuses to move a workspace in which a job runs"
	if oneOf(job.Doc.Text("properties.status"), string(aml.JobFinalizing), string(aml.JobCancelRequested)) {
		s.Takes = min(endingTakes, b.limit)
	}
	if cancel {
		s.What, s.Writes = "cancel the job "+job.Name(), 1
		b.lose(job.Key, "what the job has done so far, but for what it logged", "run it again after the move")
	}
	b.add(s, job.Name())
}

// lift is a lock that is lifted.
type lift struct {
	scope    arm.ID
	readOnly bool
	step     string
}

// liftLocks lifts the locks that the rules found in the way and the person allowed to be lifted: ReadOnly ones before anything below them is written, all others as late as may be, since
// until then they protect what they were made for.
func (b *builder) liftLocks(phase Phase) {
	if !b.choices.LiftLocks { // rules give the same answer about locks that merely have to be made again
		return
	}
	var after []string
	if phase == Drain {
		after = b.last(slices.DeleteFunc(slices.Clone(b.steps), func(s Step) bool { return s.Phase != Drain }))
	}
	for _, f := range b.findings {
		id, err := arm.Parse(f.Subject)
		if err != nil || f.Answer != rules.Plan || !id.Type().Is(aml.Locks) || b.stepOf(f.Subject, LiftLock) != nil {
			continue
		}
		item, there := b.lock(f.Subject)
		level := item.Doc.Text("properties.level")
		readOnly := strings.EqualFold(level, "ReadOnly")
		if !there || readOnly != (phase == Prepare) || strings.EqualFold(level, "NotSpecified") { // the last forbids nothing
			continue
		}
		s := of(phase, LiftLock, item)
		s.What, s.Why, s.Inverse, s.Clauses, s.After = "lift the lock "+item.Name()+" on "+item.ID.Scope().Name(), "it stops the move, or what the move needs", "put it back", []string{"pain 38"}, after
		b.lifted = append(b.lifted, lift{item.ID.Scope(), readOnly, b.add(s, item.ID.Scope().Name()+"."+item.Name())})
	}
}

func (b *builder) lock(id string) (facts.Item, bool) {
	for _, section := range []snapshot.Section{snapshot.Source, snapshot.Target} {
		if item, ok := b.One(section, aml.Locks, id); ok {
			return item, true
		}
	}
	return facts.Item{}, false
}

// unlocked are the steps that lift the ReadOnly locks above something.
func (b *builder) unlocked(id arm.ID) []string {
	return b.lifts(func(l lift) bool { return l.readOnly && id.Within(l.scope) })
}

// liftsAround are the steps that lift locks above something, on it or below it.
func (b *builder) liftsAround(id arm.ID) []string {
	return b.lifts(func(l lift) bool { return id.Within(l.scope) || l.scope.Within(id) })
}

// lifts are the steps that lift some of the locks.
func (b *builder) lifts(which func(lift) bool) []string {
	var steps []string
	for _, l := range b.lifted {
		if which(l) {
			steps = append(steps, l.step)
		}
	}
	return steps
}
