package plan

import (
	"slices"
	"strings"
	"time"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/facts"
	"github.com/amlmove/amlmove/internal/rules"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// before plans everything up to the validation.
func (b *builder) before() {
	b.prepare()
	b.save()
	b.drain()
	if !b.choices.NoQuiesce {
		b.clear()
	}
}

// prepare makes the target ready.
func (b *builder) prepare() {
	group := b.Target.GroupID()
	if _, there := b.One(snapshot.Target, aml.ResourceGroups, group.String()); !there {
		b.add(Step{Phase: Prepare, Action: CreateGroup, Subject: group.String(), What: "make the resource group " + group.Name(), Why: "the move does not make it", Clauses: []string{"S40"},
			Inverse: "delete it, if the run made it and it is empty", Detail: GroupDetail{Location: b.Workspace.Doc.Text("location")}, Writes: 1}, group.Name())
	}
	for _, namespace := range b.required() {
		subject := group.SubscriptionID().String() + "/providers/" + namespace
		item, known := b.One(snapshot.Target, aml.Providers, subject)
		if known && item.Doc.Text("registrationState") == "Registered" {
			continue
		}
		b.add(Step{Phase: Prepare, Action: RegisterProvider, Subject: subject, What: "register the target subscription for " + namespace, Why: "ARM refuses the move without", Clauses: []string{"S17"}, Writes: 1}, namespace)
	}
}

// required are the namespaces that the target needs: for the workspace, and for what moves along.
func (b *builder) required() []string {
	aks := slices.ContainsFunc(b.Content("computes"), func(i facts.Item) bool { return i.Doc.Text("properties.computeType") == aml.ComputeAKS })
	namespaces := aml.RequiredNamespaces(aml.Needs{AKS: aks, CMK: strings.EqualFold(b.Workspace.Doc.Text("properties.encryption.status"), "Enabled")})
	for _, id := range b.moving {
		if !slices.ContainsFunc(namespaces, func(n string) bool { return strings.EqualFold(n, id.Type().Namespace()) }) {
			namespaces = append(namespaces, id.Type().Namespace())
		}
	}
	return namespaces
}

// save seals the secrets that will be needed to make things again.
func (b *builder) save() {
	for _, d := range b.Content("datastores") {
		credentials := d.Doc.Text("properties.credentials.credentialsType")
		if aml.IsSystemDatastore(d.Name()) || credentials == "" || credentials == "None" {
			continue
		}
		s := of(Save, SaveSecrets, d)
		s.What, s.Why, s.Clauses = "read and seal the credentials of the datastore "+d.Name(), "the move may leave it with stale fields, and updating it takes its credentials", []string{"S45"}
		b.add(s, "datastore."+d.Name())
	}
	for _, e := range b.Content("onlineEndpoints") {
		if b.choices.NoQuiesce || !strings.EqualFold(e.Doc.Text("properties.authMode"), "Key") {
			continue
		}
		s := of(Save, SaveSecrets, e)
		s.What, s.Why, s.Clauses = "read and seal the keys of the endpoint "+e.Name(), "callers keep their keys", []string{"S10"}
		b.add(s, "endpoint."+e.Name())
	}
	for _, c := range b.rewritten("connections") {
		auth := c.Doc.Text("properties.authType")
		if auth == "" || auth == "None" || auth == "AAD" || auth == "ManagedIdentity" {
			continue
		}
		s := of(Save, SaveSecrets, c)
		s.What, s.Why = "read and seal the credentials of the connection "+c.Name(), "it names something that moves and must be written again"
		b.add(s, "connection."+c.Name())
	}
}

// rewritten are the documents of a kind in which a text that the service does not keep up names something that moves.
func (b *builder) rewritten(path string) []facts.Item {
	var items []facts.Item
	for _, item := range b.Content(path) {
		stale := false
		for _, r := range kindOf(item).References {
			if r.Owned {
				continue
			}
			item.Doc.Clone().Change(r.Path, func(value any) (any, bool) {
				text, _ := value.(string)
				stale = stale || b.moves.Text(text) != text
				return value, true
			})
		}
		if stale {
			items = append(items, item)
		}
	}
	return items
}

// defaultDrainLimit is how long jobs are waited for when nobody says.
const defaultDrainLimit = 2 * time.Hour

// drain brings the workspace to rest.
func (b *builder) drain() {
	for _, item := range b.Content("schedules") {
		if !item.Doc.Bool("properties.isEnabled") {
			continue
		}
		s := of(Drain, DisableSchedule, item)
		s.What, s.Why, s.Inverse, s.Clauses = "disable the schedule "+item.Name(), "it would start jobs while the workspace is drained", "enable it again", []string{"S22"}
		b.add(s, item.Name())
	}
	disabled := b.idsOf(DisableSchedule)
	limit, err := time.ParseDuration(b.choices.DrainLimit)
	if err != nil {
		limit = defaultDrainLimit
	}
	for _, job := range b.Content("jobs") {
		s := Step{Phase: Drain, Action: EndJob, Subject: job.Key, After: disabled, Clauses: []string{"S28"}, Detail: JobDetail{Cancel: b.choices.Drain == rules.Cancel, Limit: Duration(limit)}}
		s.What, s.Why = "wait for the end of the job "+job.Name(), "ARM refuses to move a workspace in which a job runs"
		if b.choices.Drain == rules.Cancel {
			s.What, s.Writes = "cancel the job "+job.Name(), 1
		}
		b.add(s, job.Name())
	}
	b.liftLocks()
}

// liftLocks lifts the locks that the rules found in the way and the person allowed to be lifted.
func (b *builder) liftLocks() {
	for _, f := range b.findings {
		id, err := arm.Parse(f.Subject)
		if err != nil || f.Answer != rules.Plan || !id.Type().Is(aml.Locks) || len(b.stepOf(LiftLock, f.Subject)) > 0 {
			continue
		}
		item, there := b.lock(f.Subject)
		if !there {
			continue
		}
		s := of(Drain, LiftLock, item)
		s.What, s.Why, s.Inverse, s.Clauses = "lift the lock "+item.Name()+" on "+item.ID.Scope().Name(), "it stops the move, or what the move needs", "put it back", []string{"pain 38"}
		b.add(s, item.Name())
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

// endpointKinds are the kinds of endpoint, with their deployments.
var endpointKinds = []struct{ path, deployments, word string }{
	{"onlineEndpoints", "onlineEndpoints/deployments", "online"},
	{"batchEndpoints", "batchEndpoints/deployments", "batch"},
	{"serverlessEndpoints", "", "serverless"},
}

// clear removes what stops the move. What it removes, restore makes again: D2.
func (b *builder) clear() {
	earlier := b.everything()
	prove := []string{}
	if b.destroys() {
		prove = append(prove, b.add(Step{Phase: Clear, Action: ProveRestorable, Subject: b.Workspace.ID.String(), What: "read both ends again and prove that all that is removed can be made again",
			Why: "nothing is taken away before: quota, names, policy, rights, secrets", After: earlier}, b.Workspace.Name()))
	}
	for _, kind := range endpointKinds {
		for _, e := range b.Content(kind.path) {
			s := of(Clear, RemoveEndpoint, e)
			s.What, s.Why, s.Clauses = "remove the "+kind.word+" endpoint "+e.Name()+" with its deployments", "ARM refuses to move a workspace with endpoints", []string{"S10", "S36"}
			s.Inverse, s.Destroys, s.After = "make it again with its keys, deployments and traffic", true, prove
			b.add(s, e.Name())
		}
	}
	if b.choices.RemoveServices {
		for _, service := range b.Content("services") {
			s := of(Clear, RemoveService, service)
			s.What, s.Why, s.Clauses, s.Destroys, s.After = "remove the web service "+service.Name()+" of the v1 API", "ARM refuses to move a workspace with deployed services", []string{"S35"}, true, prove
			b.add(s, service.Name())
			b.lose(service.Key, "the web service is removed and not made again", "deploy it again, best as an online endpoint")
		}
	}
	endpoints := b.idsOf(RemoveEndpoint, RemoveService)
	for _, c := range b.Content("computes") {
		b.removeCompute(c, slices.Concat(prove, endpoints))
	}
}

// everything are the ids of all steps so far.
func (b *builder) everything() []string {
	var ids []string
	for _, s := range b.steps {
		ids = append(ids, s.ID)
	}
	return ids
}

// destroys reports whether anything will be removed.
func (b *builder) destroys() bool {
	for _, path := range []string{"computes", "onlineEndpoints", "batchEndpoints", "serverlessEndpoints"} {
		if len(b.Content(path)) > 0 {
			return true
		}
	}
	return b.choices.RemoveServices && len(b.Content("services")) > 0
}

func (b *builder) removeCompute(c facts.Item, after []string) {
	typ := c.Doc.Text("properties.computeType")
	s := of(Clear, RemoveCompute, c)
	s.Clauses, s.After, s.Destroys = []string{"S09", "S31", "S34"}, after, true
	s.Why, s.Inverse = "ARM refuses to move a workspace with computes", "make it again as it was"
	s.What = "delete the compute " + c.Name() + " (" + typ + ")"
	if aml.RemovalOf(typ, c.Doc.Bool("properties.isAttachedCompute")) == aml.ActionDetach {
		s.What, s.Inverse = "detach the compute "+c.Name()+" ("+typ+"); its resource is not touched", "attach it again"
	}
	b.add(s, c.Name())
	b.computeLosses(c, typ)
}

// computeLosses says what a compute that is made again does not have any more.
func (b *builder) computeLosses(c facts.Item, typ string) {
	switch typ {
	case aml.ComputeInstance:
		b.lose(c.Key, "the disk of the instance: installed packages and files outside the file share", "let its user copy what is needed to the file share before")
	case aml.ComputeCluster:
		if c.Doc.Text("properties.properties.userAccountCredentials.adminUserName") != "" {
			b.lose(c.Key, "the password of the nodes' administrator, which the service does not tell", "set a new one if anybody signs in with it")
		}
	case aml.ComputeVM, aml.ComputeHDInsight, aml.ComputeDatabricks:
		b.lose(c.Key, "the secret with which it was attached, which the service does not tell", "have it at hand: attaching again asks for it")
	}
	if strings.Contains(c.Doc.Text("identity.type"), "SystemAssigned") {
		b.lose(c.Key, "the object id of its system-assigned identity, and the roles given to it", "give the roles to the new identity; the report names it")
	}
}
