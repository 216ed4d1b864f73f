package verify

import (
	"cmp"
	"context"
	"iter"
	"strconv"
	"strings"

	"github.com/amlmove/amlmove/internal/aml"
	"github.com/amlmove/amlmove/internal/arm"
	"github.com/amlmove/amlmove/internal/errs"
	"github.com/amlmove/amlmove/internal/rewrite"
	"github.com/amlmove/amlmove/internal/snapshot"
)

// Options say what is known to be different.
type Options struct {
	Ended   []string // ids of jobs that the run brought to their end: their state is another, and must be an end
	Skipped []string // ids of things that the plan said are not made again
	// Planned is the content that the plan counted, by kind. Fewer at the begin of the run is a difference: a list that broke off must not make a good end (pain 39).
	Planned map[string]int
}

// comparison is one comparison while it runs.
type comparison struct {
	before, after *snapshot.Snapshot
	m             rewrite.Map
	ended, skip   map[string]bool
	planned       map[string]int
	old, now      arm.ID // the workspace
	result        *Result
	stale         map[string]*Mention // by kind and path
}

// Compare compares two snapshots of a workspace, the second taken after the things of the map moved. Invalid when the second one is not of where the workspace should be.
func Compare(ctx context.Context, before, after *snapshot.Snapshot, m rewrite.Map, o Options) (*Result, error) {
	old, err := arm.Parse(before.Header.WorkspaceID)
	if err != nil {
		return nil, err
	}
	now, err := arm.Parse(after.Header.WorkspaceID)
	if err != nil {
		return nil, err
	}
	if !m.ID(old).Equal(now) {
		return nil, errs.New(errs.Invalid, "SnapshotElsewhere", "the second snapshot is of %s, and the workspace should be %s", now, m.ID(old)).At(now.String())
	}
	c := &comparison{before: before, after: after, m: m, old: old, now: now, ended: set(o.Ended), skip: set(o.Skipped), planned: o.Planned, stale: map[string]*Mention{},
		result: &Result{Verdict: Clean, Rows: []Row{}, Differences: []Difference{}, Extra: []Difference{}, Addresses: []Renamed{}, Mentions: []Mention{}, Roles: []Pair{}, Rights: []Right{}, NotCompared: []Gap{}}}
	for _, part := range []func(context.Context) error{c.workspace, c.contents, c.around, c.gaps} {
		if err := part(ctx); err != nil {
			return nil, err
		}
	}
	if c.result.Rights, err = Rights(ctx, before, after); err != nil {
		return nil, err
	}
	if c.result.Total > 0 && c.result.Verdict == Clean {
		c.result.Verdict = Differs
	}
	c.result.Mentions = c.mentions()
	c.result.Derived = Table()
	return c.result, nil
}

// contents compares everything below the workspace, but for connections of private endpoints: those are compared by what they connect.
func (c *comparison) contents(ctx context.Context) error {
	for _, kind := range aml.Kinds() {
		if kind.Fate == aml.Disconnected {
			continue
		}
		if err := c.kind(ctx, kind); err != nil {
			return err
		}
	}
	return nil
}

func set(ids []string) map[string]bool {
	all := map[string]bool{}
	for _, id := range ids {
		all[strings.ToLower(id)] = true
	}
	return all
}

// differ lists a difference.
func (c *comparison) differ(d Difference) {
	c.result.Total++
	if len(c.result.Differences) < most {
		c.result.Differences = append(c.result.Differences, d)
	}
}

// WorkspaceGUID is the path of the GUID in the document of a workspace: it stays whatever moves, and another workspace of the same name has another one.
const WorkspaceGUID = "properties.workspaceId"

// workspace compares the workspace itself; its GUID above all.
func (c *comparison) workspace(ctx context.Context) error {
	was, err := c.document(ctx, c.before, snapshot.Content, c.old)
	if err != nil {
		return err
	}
	is, err := c.document(ctx, c.after, snapshot.Content, c.now)
	if err != nil {
		return err
	}
	c.result.WorkspaceID = is.Text(WorkspaceGUID)
	if was.Text(WorkspaceGUID) != is.Text(WorkspaceGUID) {
		c.result.Verdict = Failed // it is another workspace of the same name; its GUID is compared below with the rest
	}
	row := Row{Kind: "workspace", Before: 1, After: 1}
	kind := aml.Kind{}
	for _, path := range aml.OwnedWorkspacePaths() {
		kind.References = append(kind.References, aml.Reference{Path: path, Owned: true})
	}
	c.renamed(c.old.String(), c.now.String())
	c.documents(&row, kind, c.old.String(), c.now.String(), was, is)
	const tracking = "properties.mlFlowTrackingUri"
	c.address(c.now.String(), "MLflow tracking URI", was.Text(tracking), is.Text(tracking))
	c.row(row)
	return nil
}

func (c *comparison) row(r Row) {
	if r.Before+r.After > 0 {
		c.result.Rows = append(c.result.Rows, r)
		c.result.Compared += max(r.Before, r.After)
	}
	if planned := c.planned[r.Kind]; r.Before < planned {
		c.differ(Difference{Kind: r.Kind, What: Counted, Before: c.old.String(), After: c.now.String(), Was: strconv.Itoa(planned), Is: strconv.Itoa(r.Before)})
	}
}

// renamed counts a thing whose id is another.
func (c *comparison) renamed(was, is string) {
	if !strings.EqualFold(was, is) {
		c.result.Renamed++
	}
}

func (c *comparison) address(of, what, was, is string) {
	if was != is {
		c.result.Addresses = append(c.result.Addresses, Renamed{of, what, was, is})
	}
}

func (c *comparison) document(ctx context.Context, s *snapshot.Snapshot, section snapshot.Section, id arm.ID) (arm.Document, error) {
	d, err := s.Get(ctx, section, id.String())
	if err != nil {
		return nil, err
	}
	return arm.ParseDocument(d.Body)
}

// kind compares all documents of one kind of content. Both sides come in the order of their keys, which differ only in how they begin: so one pass is enough.
func (c *comparison) kind(ctx context.Context, kind aml.Kind) error {
	row := Row{Kind: kind.Path}
	nextA, stopA := iter.Pull2(snapshot.Ahead(c.before.Of(ctx, snapshot.Content, kind.Type()), decoded))
	defer stopA()
	nextB, stopB := iter.Pull2(snapshot.Ahead(c.after.Of(ctx, snapshot.Content, kind.Type()), decoded))
	defer stopB()
	a, errA, okA := nextA()
	b, errB, okB := nextB()
	for okA || okB {
		if err := cmp.Or(errA, errB); err != nil {
			return err
		}
		order := c.compare(a, b, okA, okB)
		if order <= 0 {
			row.Before++
		}
		if order >= 0 {
			row.After++
		}
		c.pair(&row, kind, a, b, order)
		if order <= 0 {
			a, errA, okA = nextA()
		}
		if order >= 0 {
			b, errB, okB = nextB()
		}
	}
	c.row(row)
	return nil
}

// compare orders two documents by what follows the workspace in their ids; one that is not there comes last.
func (c *comparison) compare(a, b document, okA, okB bool) int {
	switch {
	case !okA:
		return 1
	case !okB:
		return -1
	}
	return cmp.Compare(tail(a.ID, c.old), tail(b.ID, c.now))
}

// document is a document of a snapshot, parsed.
type document struct {
	ID   string
	Body arm.Document
}

func decoded(d snapshot.Document) (document, error) {
	body, err := arm.ParseDocument(d.Body)
	return document{d.ID, body}, err
}

func tail(id string, workspace arm.ID) string {
	return strings.ToLower(id[min(len(id), len(workspace.String())):])
}

// landing is where a document should be.
func (c *comparison) landing(id string) string {
	parsed, err := arm.Parse(id)
	if err != nil {
		return id
	}
	return c.m.ID(parsed).String()
}

func (c *comparison) pair(row *Row, kind aml.Kind, a, b document, order int) {
	switch {
	case order < 0 && c.skip[strings.ToLower(a.ID)]:
		row.Announced++
		return
	case order < 0:
		row.Missing++
		c.differ(Difference{Kind: kind.Path, What: Missing, Before: a.ID, After: c.landing(a.ID)})
		return
	case order > 0:
		row.Added++
		c.differ(Difference{Kind: kind.Path, What: Added, After: b.ID})
		return
	}
	was, is := a.Body, b.Body
	if kind.Path == "jobs" && c.ended[strings.ToLower(a.ID)] {
		c.endedJob(row, a.ID, b.ID, is)
		for _, path := range ofEnded {
			was.Delete(path)
			is.Delete(path)
		}
	}
	switch kind.Path {
	case "datastores":
		c.store(was)
	case "onlineEndpoints":
		c.shares(a.ID, was)
	}
	c.renamed(a.ID, b.ID)
	c.documents(row, kind, a.ID, b.ID, was, is)
	for _, uri := range []string{"properties.scoringUri", "properties.swaggerUri", "properties.inferenceEndpoint.uri"} {
		c.address(b.ID, strings.TrimPrefix(uri, "properties."), was.Text(uri), is.Text(uri))
	}
}

// endedJob looks whether a job that the run ended has ended.
func (c *comparison) endedJob(row *Row, before, after string, is arm.Document) {
	row.Announced++
	if status := aml.JobStatus(is.Text("properties.status")); !status.Terminal() {
		row.Changed++
		c.differ(Difference{Kind: "jobs", What: Changed, Before: before, After: after, Path: "properties.status", Was: "an end", Is: string(status)})
	}
}

// shares takes away what an endpoint said of deployments that got nothing and are not made again.
func (c *comparison) shares(endpoint string, was arm.Document) {
	for _, path := range []string{"properties.traffic", "properties.mirrorTraffic"} {
		shares := was.Object(path)
		for name := range shares {
			if percent, _ := shares.Number(name); percent == 0 && c.skip[strings.ToLower(endpoint+"/deployments/"+name)] {
				delete(shares, name)
			}
		}
	}
}

// store makes of what a datastore said what it should say (aml-contract 6): where its account is now, if that moved and the fields named where it was, or nothing. Everything else was right
// and must be as it was.
func (c *comparison) store(was arm.Document) {
	name := was.Text("properties.accountName")
	if name == "" {
		name = was.Text("properties.storeName")
	}
	from, to, moves := c.m.Account(name)
	if !moves {
		return
	}
	subscription, group := was.Text("properties.subscriptionId"), was.Text("properties.resourceGroup")
	if subscription == "" || strings.EqualFold(subscription, from.Subscription()) && strings.EqualFold(group, from.Group()) {
		was.Set("properties.subscriptionId", to.Subscription())
		was.Set("properties.resourceGroup", to.Group())
	}
}
